"""A plan: the forward of a network for one shape of pictures, worked out once and replayed as often as wanted."""

import weakref
from collections import deque

import numpy as np

from minifcn.autodiff.foreign import plain
from minifcn.backend import ArrayLike
from minifcn.kernels.cpu import memory
from minifcn.models.fcn import FCN
from minifcn.models.summary import aligned
from minifcn.models.trunks.trunk import Backbone
from minifcn.nn.watch import Watch
from minifcn.ops.checks import as_sizes, whole
from minifcn.plans.cutting import segments
from minifcn.plans.maps import Array
from minifcn.plans.network import Network
from minifcn.plans.replay import Replay, Workspace

FORWARD = [FCN.forward, FCN.scores, Backbone.forward]  # what `steps_of` tells of
HEADINGS = ("map", "kernel", "channels x rows x columns", "parts", "MiB", "weights, MiB", "GFLOP")


class Plan:
    """What `minifcn.plan(model, shape)` gives: `plan(pictures)` -> scores, an array (N, classes, H, W); `print(plan)` shows its kernels.

    Dropout does nothing. Weights that change are laid out again at the next call, and so is all else where layers changed; only a few numbers that
    NumPy writes into a large `parameter.data`, of more than a million, may go unseen, unless `parameter.changed()` says so. Several Python
    threads may call it at once.
    """

    def __init__(self, model: FCN, shape: tuple[int, ...], other: "Plan | None" = None) -> None:
        self.shape = tuple(shape)
        self.model = weakref.ref(model)
        self.workspaces: deque[Workspace] = deque()  # more than one where several threads called at once
        if other:
            self.workspaces = other.workspaces
            other.look()
        self.build(model, other)

    def build(self, model: FCN, other: "Plan | None" = None) -> None:
        """All of it; the weights as they were laid out for `other`, a plan of the same model, are used by both."""
        parameters = list(model.parameters())
        kinds = {(type(each.data), each.dtype) for each in parameters}
        if len(kinds) != 1 or not kinds <= {(np.ndarray, np.dtype(name)) for name in ("float32", "float64")}:
            raise ValueError("plan: expected a model on the CPU whose parameters are all float32, or all float64")
        runs = [getattr(each, "__func__", each) for each in (model.forward, model.scores, model.backbone.forward)]
        if runs != FORWARD:
            raise ValueError(f"plan: {type(model).__name__} has a forward of its own; expected an FCN")
        channels = parameters[0].shape[1]
        if len(self.shape) != 4 or self.shape[1] != channels or min(self.shape) < 1:
            raise ValueError(f"plan: shape is {self.shape}; expected (N, {channels}, H, W), each at least 1")
        self.dtype = parameters[0].dtype
        watch = Watch(model, parameters)  # first, for the same reason as in `look`
        if other and other.watch.then == watch.then:
            watch.then = other.watch.then  # one copy of them is enough
        self.network: Network = Network(model, self.shape, other.network if other else None)
        self.segments = segments(self.network)
        self.watch: Watch = watch

    def __call__(self, pictures: ArrayLike) -> Array:
        array = np.asarray(plain("plan", pictures, "the pictures"))
        if array.shape != self.shape:
            raise ValueError(
                f"plan: pictures have shape {array.shape}, and this plan is for {self.shape}; make one for them: minifcn.plan(model, shape)"
            )
        self.look()
        last, view = self.network.layers[-1], self.network.scores
        result = memory.empty((len(array), *last.planes), self.dtype)  # type: ignore[attr-defined]
        try:
            workspace = self.workspaces.pop()
        except IndexError:
            workspace = Workspace()
        workspace.run(self, array, result)
        # after an error it is not used again: a thread that was not waited for may still write to it
        self.workspaces.append(workspace)
        return result[:, :, view.rows, view.columns]

    def look(self) -> None:
        """Has the model changed?"""
        if not self.watch.same_parts() and (model := self.model()) is not None:
            self.build(model)
        elif (now := self.watch.now()) != self.watch.then:
            for layer in self.network.layers:
                layer.prepare()
            self.watch.then = now  # as it was before: what another thread wrote meanwhile is seen the next time

    @property
    def idle(self) -> list[Replay]:
        """What was taken down and is not in use."""
        return [replay for workspace in list(self.workspaces) if (replay := workspace.replays.get(self))]

    @property
    def bytes(self) -> int:
        """Memory: maps, scratch, and weights as they were laid out; other plans of the same model use it too."""
        scratch = [each for workspace in list(self.workspaces) for each in list(workspace.scratch.values())]
        return sum(each.bytes for each in scratch) + sum(layer.weights for layer in self.network.layers)

    def __str__(self) -> str:
        lines: list[tuple[str, ...]] = [HEADINGS]
        for segment in self.segments:
            for layer in segment.layers:
                h, w, c = layer.size
                parts = str(len(segment.parts)) if layer is segment.layers[0] else '"'
                mebibytes = (number / 2**20 for number in (h * w * c * self.dtype.itemsize, layer.weights))
                numbers = (*(f"{each:.2f}" for each in mebibytes), f"{2 * layer.work / 1e9:.3f}")
                lines.append((layer.output, layer.kind, f"{c} x {h} x {w}", parts, *numbers))
        return "\n".join(aligned(lines, left=3))


def plan(model: FCN, shape: tuple[int, ...]) -> Plan:
    """The forward of `model` for pictures of `shape` (N, channels, H, W), worked out beforehand: `plan(pictures)` -> scores, `print(plan)`.

    It knows which kernel makes each map, has the weights as that wants them and memory for all maps, so that a call is NumPy's work alone. `predict` and
    `evaluate` make plans by themselves. The scores are a plain array, and no gradient comes of them.
    """
    if not isinstance(model, FCN):
        raise TypeError(f"plan: got a {type(model).__name__}; expected an FCN")
    sizes = as_sizes(shape)
    if not sizes or not all(whole(each) for each in sizes):
        given = f"of kind {type(shape).__name__}" if hasattr(shape, "shape") else repr(shape)
        raise ValueError(f"plan: shape is {given}; expected four integers (N, channels, H, W), such as pictures.shape")
    return Plan(model, tuple(int(each) for each in sizes))
