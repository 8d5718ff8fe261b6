"""A plan: the calls of a network's forward for one shape of pictures, taken down once and replayed as often as wanted."""

import os
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import Any

import numpy as np

from minifcn.backend import ArrayLike
from minifcn.kernels import threads
from minifcn.kernels.cpu import memory
from minifcn.models.fcn import FCN
from minifcn.models.steps import PICTURE
from minifcn.models.trunks.trunk import Backbone
from minifcn.plans.changes import Watch, arrays_of
from minifcn.plans.cutting import segments
from minifcn.plans.lane import Lane
from minifcn.plans.layers import Array
from minifcn.plans.maps import Maps
from minifcn.plans.network import Network

FLOATS = {(np.ndarray, np.dtype(np.float32)), (np.ndarray, np.dtype(np.float64))}


# how often a thread looks whether the others are done before it sleeps, and for how many seconds it sleeps then
LOOKS, SHORT = 200, 5e-5
FORWARD = [FCN.forward, FCN.scores, Backbone.forward]  # what `steps_of` tells of


class Plan:
    """What `minifcn.plan(model, shape)` gives: `plan(pictures)` -> scores, an array (N, classes, H, W); `print(plan)` shows its kernels.

    Dropout does nothing. Weights that change are laid out again at the next call, and so is all else where layers changed; only what NumPy writes
    into a few numbers of `parameter.data` may go unseen, unless `parameter.changed()` says so.
    """

    def __init__(self, model: FCN, shape: tuple[int, ...]) -> None:
        self.shape = tuple(shape)
        self.model = weakref.ref(model)
        self.lock = threading.Lock()
        self.build(model)
        _plans.add(self)

    def build(self, model: FCN) -> None:
        kinds = arrays_of(model)
        if len(kinds) != 1 or not kinds <= FLOATS:
            raise ValueError("plan: expected a model on the CPU whose parameters are all float32, or all float64")
        if [
            getattr(each, "__func__", each) for each in (model.forward, model.scores, model.backbone.forward)
        ] != FORWARD:
            raise ValueError(f"plan: {type(model).__name__} has a forward of its own; expected an FCN")
        channels = next(model.parameters()).shape[1]
        if len(self.shape) != 4 or self.shape[1] != channels or min(self.shape) < 1:
            raise ValueError(f"plan: shape is {self.shape}; expected (N, {channels}, H, W), each at least 1")
        self.dtype = next(model.parameters()).dtype
        self.network = Network(model, self.shape)
        self.segments = segments(self.network)
        self.watch = Watch(model)
        self.forget()

    def forget(self) -> None:
        """Maps and records; new ones come with the next call."""
        self.maps: list[Maps] = []
        self.lanes: list[Lane] = []

    def __call__(self, pictures: ArrayLike) -> Array:
        array = np.asarray(pictures)
        if array.shape != self.shape:
            raise ValueError(
                f"plan: pictures have shape {array.shape}, and this plan is for {self.shape}; make one for them: minifcn.plan(model, shape)"
            )
        with self.lock:
            self.look()
            try:
                return self.replay(array)
            except BaseException:
                self.forget()  # a thread that was not waited for may still write to them
                raise

    def look(self) -> None:
        """Has the model changed?"""
        if not self.watch.same_model() and (model := self.model()) is not None:
            self.build(model)
        elif not self.watch.same_numbers():
            for layer in self.network.layers:
                layer.prepare()
            self.watch.note()

    def replay(self, pictures: Array) -> Array:
        """As many pictures at once as there are threads, each by one; those that are left by all threads together, strip by strip."""
        n, last, view = len(pictures), self.network.layers[-1], self.network.scores
        result = memory.empty((n, *last.planes), self.dtype)  # type: ignore[attr-defined]
        count = threads.get_num_threads()
        apart = n // count * count
        while len(self.maps) < (count if apart else 1):
            self.maps.append(Maps(self.network, self.segments, self.dtype))
        while len(self.lanes) < count:
            self.lanes.append(Lane(self.network, self.segments, self.dtype))

        def begin(number: int, which: int) -> None:
            for channel, values in enumerate(pictures[number]):  # one by one takes a third of the time of all at once
                np.copyto(self.maps[which].memory(PICTURE)[..., channel], values)
            self.maps[which].later.array = result[number]

        def whole_pictures(lane: int) -> None:
            for number in taken(waiting):
                begin(number, lane)
                for segment, each in enumerate(self.segments):
                    for part in range(len(each.parts)):
                        self.lanes[lane].replay(self.maps, lane, segment, part)

        waiting = deque(range(apart))
        if waiting:
            threads.run(whole_pictures, range(count))
        for number in range(apart, n):
            begin(number, 0)
            self.in_strips(count)
        return result[:, :, view.rows, view.columns]

    def in_strips(self, count: int) -> None:
        """One picture, by `count` threads. They meet after each segment; who waits lets the others have Python's lock."""
        waiting = [deque(range(len(segment.parts))) for segment in self.segments]
        done: list[list[int]] = [[] for _ in waiting]
        failed: list[bool] = []

        def work(lane: int) -> None:
            try:
                for segment, parts in enumerate(waiting):
                    for part in taken(parts):
                        self.lanes[lane].replay(self.maps, 0, segment, part)
                        done[segment].append(part)
                    looks = 0
                    while len(done[segment]) < len(self.segments[segment].parts):
                        if failed:
                            return
                        time.sleep(0 if (looks := looks + 1) < LOOKS else SHORT)
            except BaseException:
                failed.append(True)
                raise

        threads.run(work, range(count))

    @property
    def bytes(self) -> int:
        """Memory: maps, scratch, and weights as they were laid out."""
        mine: list[Any] = [*self.maps, *self.lanes]
        return sum(each.bytes for each in mine) + sum(layer.weights for layer in self.network.layers)

    def __str__(self) -> str:
        lines = [("map", "kernel", "channels x rows x columns", "strips", "MiB", "weights, MiB", "GFLOP")]
        for segment in self.segments:
            for layer in segment.layers:
                h, w, c = layer.size
                size = h * w * c * self.dtype.itemsize / 2**20
                strips = str(len(segment.parts)) if layer is segment.layers[0] else '"'
                numbers = f"{size:.2f}", f"{layer.weights / 2**20:.2f}", f"{2 * layer.work / 1e9:.3f}"
                lines.append((layer.output, layer.kind, f"{c} x {h} x {w}", strips, *numbers))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                text.ljust(width) if k < 3 else text.rjust(width)
                for k, (text, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )


def taken(waiting: deque[int]) -> Any:
    """One after the other, while there are any; other threads take some too."""
    with suppress(IndexError):
        while True:
            yield waiting.popleft()


_plans: weakref.WeakSet[Plan] = weakref.WeakSet()


def _after_fork() -> None:
    for each in _plans:  # a thread of the parent may have held it
        each.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def plan(model: FCN, shape: tuple[int, ...]) -> Plan:
    """The forward of `model` for pictures of `shape` (N, channels, H, W), worked out beforehand: `plan(pictures)` -> scores, `print(plan)`.

    It knows which kernel makes each map, has the weights as that wants them and memory for all maps, so that a call is NumPy's work alone. `predict` and
    `evaluate` make plans by themselves. The scores are a plain array, and no gradient comes of them.
    """
    return Plan(model, shape)
