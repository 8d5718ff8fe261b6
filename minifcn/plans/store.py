"""The plans of each model, made as its pictures come: a few shapes, a bounded number of bytes; they go when the model goes."""

import os
import threading
import weakref
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import numpy as np

from minifcn.autodiff import anomaly, profiler
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.kernels import dispatch
from minifcn.models.fcn import FCN
from minifcn.plans.plan import Plan

SHAPES, BYTES = 4, 1 << 29  # of a model, at most

_lock = threading.Lock()
_shelves: weakref.WeakKeyDictionary[FCN, OrderedDict[Any, Plan]] = weakref.WeakKeyDictionary()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def scores(model: FCN, pictures: Any) -> Any:
    """What `model(pictures)` gives, without a graph: by a plan where there can be one, else in the plain way. An array, as `pictures` is."""
    if plan := taken(model, pictures):
        with suppress(ValueError):  # the model has changed to what can have no plan
            found = plan(pictures)
            put_back(model, plan)
            return found
    with no_grad():
        return model(Tensor(pictures)).data


def taken(model: FCN, pictures: Any) -> Plan | None:
    """A plan for these pictures, taken from the shelf so that no other Python thread has it, or made now.

    None where somebody asked for the plain way: simple kernels, a profile, a look for NaN, dropout; or where there can be none.
    """
    if dispatch.chosen() != "fast" or profiler.watching() or anomaly.watching() or model.training:
        return None
    if not isinstance(pictures, np.ndarray):
        return None
    with _lock:
        plan = _shelves.get(model, OrderedDict()).pop((pictures.shape, pictures.dtype), None)
    with suppress(ValueError):  # the plain way knows more, or says better what is wrong
        plan = plan or Plan(model, pictures.shape)
    return plan if plan and plan.dtype == pictures.dtype else None


def put_back(model: FCN, plan: Plan) -> None:
    """Keep it for the next pictures of its shape; the plans that were used longest ago go where there are too many."""
    with _lock:
        shelf = _shelves.setdefault(model, OrderedDict())
        shelf[plan.shape, plan.dtype] = plan
        while len(shelf) > SHAPES or sum(each.bytes for each in shelf.values()) > BYTES:
            shelf.popitem(last=False)
