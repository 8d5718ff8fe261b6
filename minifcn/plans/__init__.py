"""The forward of a network for one shape of pictures, worked out once and replayed.

`network.py` says which kernel makes each map (they are in `kernels/cpu/laid`), `cutting.py` which layers go together strip by strip, `maps.py` where
their results lie. `replay.py` takes the calls down and makes them again, `plan.py` is all of it for one shape, `store.py` keeps the plans of a model.
"""

from minifcn.plans.plan import Plan, plan
from minifcn.plans.store import scores

__all__ = ["Plan", "plan", "scores"]
