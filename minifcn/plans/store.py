"""The plans of each model, made as its pictures come: a few shapes, a bounded number of bytes; they go when the model goes."""

import weakref
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from minifcn.autodiff import anomaly, profiler
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.kernels import dispatch
from minifcn.models.fcn import FCN
from minifcn.plans.plan import Plan

SHAPES, BYTES = 4, 1 << 29  # of a model, at most
MUCH = 2  # times the numbers of all other plans' pictures: a plan of so many takes its memory along when it goes

_shelves: weakref.WeakKeyDictionary[FCN, dict[Any, Plan]] = weakref.WeakKeyDictionary()


def scores(model: FCN, pictures: Any) -> Any:
    """What `model(pictures)` gives, without a graph: by a plan where there can be one, else in the plain way. An array, as `pictures` is.

    Plain where somebody asked for it: simple kernels, a profile, a look for NaN, dropout.
    """
    asked = dispatch.chosen() != "fast" or profiler.watching() or anomaly.watching() or model.training
    if not asked and isinstance(pictures, np.ndarray):
        with suppress(ValueError):  # there can be no plan, or the plain way says better what is wrong
            return planned(model, pictures)
    with no_grad():
        return model(Tensor(pictures)).data


def planned(model: FCN, pictures: np.ndarray) -> np.ndarray:
    """By the plan that is there for them, or a new one. Every step here is one of a dictionary, so that Python threads need no lock."""
    shelf = _shelves.setdefault(model, {})
    key = pictures.shape, pictures.dtype
    plan = shelf.pop(key, None) or Plan(model, pictures.shape, next(iter(list(shelf.values())), None))
    if plan.dtype != pictures.dtype:
        raise ValueError(f"plan: pictures are {pictures.dtype}, parameters {plan.dtype}")
    shelf[key] = plan  # the last one now: the others go first, where there are too many
    found = plan(pictures)
    while len(shelf) > SHAPES and (gone := shelf.pop(next(iter(list(shelf)), None), None)):
        if prod(gone.shape) > MUCH * max((prod(each.shape) for each in list(shelf.values())), default=0):
            gone.workspaces.clear()  # all plans use them, and none needs as much
    if plan.bytes > BYTES:
        shelf.clear()
    return found
