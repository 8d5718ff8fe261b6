"""The plans of each model, made as its pictures come: a few shapes, a bounded number of bytes; they go when the model goes."""

import os
import threading
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np

from minifcn.autodiff import anomaly, profiler
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.kernels import dispatch
from minifcn.models.fcn import FCN
from minifcn.plans.changes import arrays_of
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
    plan = taken(model, pictures)
    if plan is None:
        with no_grad():
            return model(Tensor(pictures)).data
    found = plan(pictures)
    put_back(model, plan)
    return found


def taken(model: FCN, pictures: Any) -> Plan | None:
    """A plan for these pictures, taken from the shelf so that no other Python thread has it, or made now."""
    if not can_be(model, pictures):
        return None
    with _lock:
        shelf = _shelves.get(model)
        plan = shelf.pop(pictures.shape, None) if shelf else None
    if plan is not None:
        return plan
    try:
        return Plan(model, pictures.shape)
    except ValueError:  # the plain way knows more, or says better what is wrong
        return None


def can_be(model: FCN, pictures: Any) -> bool:
    """Whether nobody asked for the plain way: simple kernels, a profile, a look for NaN, dropout; and all is on the CPU and of one kind."""
    plain = dispatch.chosen() != "fast" or profiler.watching() or anomaly.watching() or model.training
    return not plain and isinstance(pictures, np.ndarray) and arrays_of(model) == {(np.ndarray, pictures.dtype)}


def put_back(model: FCN, plan: Plan) -> None:
    """Keep it for the next pictures of its shape; the plans that were used longest ago go where there are too many."""
    with _lock:
        shelf = _shelves.setdefault(model, OrderedDict())
        shelf[plan.shape] = plan
        while len(shelf) > SHAPES or sum(each.bytes for each in shelf.values()) > BYTES:
            shelf.popitem(last=False)
