"""The forward of a network for one shape of pictures, worked out once and replayed.

`network.py` decides which kernel makes each map, `layers.py` and `whole.py` what its NumPy calls are, `cutting.py` which layers go together strip by
strip, `maps.py` where their results lie. `plan.py` runs it, by `lane.py` for each thread; `changes.py` sees when weights change; `store.py` keeps plans.
"""

from minifcn.plans.plan import Plan, plan
from minifcn.plans.store import scores

__all__ = ["Plan", "plan", "scores"]
