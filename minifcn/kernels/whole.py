"""Is this a whole number?"""

from operator import index
from typing import Any

import numpy as np


def whole(value: Any) -> bool:
    """Whether this is an integer, Python's or NumPy's. Every array has an `__index__`, and only one of a single integer answers it.

    >>> whole(3), whole(np.int64(3)), whole(3.0), whole(True), whole(np.array([1, 2]))
    (True, True, False, False, False)
    """
    if type(value) is int:
        return True
    if isinstance(value, bool | np.bool_):
        return False
    try:
        index(value)
    except TypeError:
        return False
    return True
