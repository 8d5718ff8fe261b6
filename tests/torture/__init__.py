"""What the library promises, tried in bulk: `make torture`, or `python -m tests.torture --help`.

`harness.py` is what all of it shares: a promise is a number of cases, a case follows from (seed, number), and what came of each is kept in a
folder, so that an interrupted run goes on where it stood. A file a promise stands beside it; `test_torture.py` plants a fault for each.
"""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
if str(TESTS) not in sys.path:  # the oracles, the twins in PyTorch and the small sets of the other tests
    sys.path.insert(0, str(TESTS))
