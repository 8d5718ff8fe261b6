"""From an FCN and the shape of its pictures to the layers of a plan: which kernel makes each map, once for all."""

from collections import Counter
from typing import Any, NamedTuple

from minifcn.kernels.cpu.laid import choice
from minifcn.kernels.cpu.laid.strips import Finish, Join, Layer, Norm, Pixels, Pointwise, Pool, Size
from minifcn.kernels.cpu.laid.whole import Upsampling
from minifcn.kernels.windows import Pair, pair
from minifcn.models.fcn import FCN
from minifcn.models.steps import PICTURE, SCORES, Step, steps_of


class View(NamedTuple):
    """A part of another map."""

    of: str
    rows: slice
    columns: slice


class Network:
    """`layers` in order; `views`: names that are parts of other maps; `sizes` (H, W, C) by name. The last layer makes the scores,
    and `scores` is the part of them that is wanted."""

    def __init__(self, model: FCN, shape: tuple[int, ...], other: "Network | None" = None) -> None:
        self.sizes: dict[str, Size] = {PICTURE: (shape[2], shape[3], shape[1])}
        self.layers: list[Layer] = []
        self.views: dict[str, View] = {}
        self.places: dict[str, tuple[str, slice]] = {}  # maps that are made inside a joined one
        steps = steps_of(model)
        self.readers = Counter(name for step in steps for name in step.inputs)
        made = {step.output for step in steps if step.kind == "conv"}
        followed = {step.inputs[0]: step.output for step in steps if step.kind == "relu"}
        self.relus = {name: relu for name, relu in followed.items() if name in made and self.readers[name] == 1}
        self.made_by = {self.relus.get(step.output, step.output): step for step in steps if step.kind == "conv"}
        self.joined = {
            name: step for step in steps if step.kind == "concat" and self.in_place(step) for name in step.inputs
        }
        for step in steps:
            getattr(self, step.kind)(step)
        laid = {layer.output: layer for layer in other.layers} if other else {}
        for layer in self.layers:
            layer.begin(laid.get(layer.output))
        self.scores = self.views[steps[-1].output]
        self.scores_early()
        self.last_read = {layer.output: len(self.layers) for layer in self.layers[-1:]}
        self.last_read |= {self.base(each)[0]: k for k, layer in enumerate(self.layers) for each in layer.inputs}

    def in_place(self, join: Step) -> bool:
        """Whether every map of a join is that of a convolution with bias and ReLU, which nobody else reads."""
        makers = [self.made_by.get(name) for name in join.inputs]
        return all(
            step and step.output in self.relus and step.layer.bias is not None and self.readers[name] == 1  # type: ignore[union-attr]
            for step, name in zip(makers, join.inputs, strict=True)
        )

    def scores_early(self) -> None:
        """Score layers are made right after the map that they read, while it is in the cache."""
        for layer in [each for each in self.layers if isinstance(each, Pixels) and not each.finish.relu]:
            maker = next((k for k, each in enumerate(self.layers) if each.output == layer.inputs[0]), None)
            if maker is not None:
                self.layers.remove(layer)
                self.layers.insert(maker + 1, layer)

    def base(self, name: str, rows: slice = slice(0, 0)) -> tuple[str, slice]:
        """The map that `name` is, or is a part of, and these rows of it."""
        if name not in self.views:
            return name, rows
        view = self.views[name]
        return view.of, slice(rows.start + view.rows.start, rows.stop + view.rows.start)

    def append(self, layer: Layer) -> None:
        self.sizes[layer.output] = layer.size
        self.layers.append(layer)

    def conv(self, step: Step) -> None:
        layer: Any = step.layer
        output, source = self.relus.get(step.output, step.output), self.sizes[step.inputs[0]]
        size = checked(step, layer.window.output_size(source[:2]))
        relu, finished = output != step.output, output not in self.joined
        for each in choice.convolution(output, step.inputs, source, size, layer, relu, finished):
            self.append(each)

    def relu(self, step: Step) -> None:
        if step.output not in self.relus.values():
            self.pointwise(step)

    def pointwise(self, step: Step) -> None:
        self.append(Pointwise(step.kind, step.output, step.inputs, self.sizes[step.inputs[0]], step.number))

    times = add = max = pointwise

    def max_pool(self, step: Step) -> None:
        layer: Any = step.layer
        source = self.sizes[step.inputs[0]]
        find = layer.window.ceil_output_size if layer.ceil_mode else layer.window.output_size
        size = (*checked(step, find(source[:2])), source[2])
        self.append(Pool(step.output, step.inputs, size, layer.window, source[0]))

    def lrn(self, step: Step) -> None:
        self.append(Norm(step.output, step.inputs, self.sizes[step.inputs[0]], step.layer))

    def concat(self, step: Step) -> None:
        channels = [self.sizes[name][2] for name in step.inputs]
        in_place = step.inputs[0] in self.joined
        biases = [self.made_by[name].layer.bias for name in step.inputs] if in_place else []  # type: ignore[union-attr]
        size = (*self.sizes[step.inputs[0]][:2], sum(channels))
        join = Join(step.output, step.inputs, size, channels, Finish(biases, True) if in_place else None)
        self.append(join)
        if in_place:
            self.places |= {name: (step.output, place) for name, place in zip(step.inputs, join.places, strict=True)}

    def conv_transpose(self, step: Step) -> None:
        layer: Any = step.layer
        source, options, window = self.sizes[step.inputs[0]], layer.options, layer.window
        inside = all(sides[0] < kernel for sides, kernel in zip(window.padding, window.kernel, strict=True))
        a_kernel_a_channel = options["groups"] == source[2] == len(layer.weight) and layer.weight.shape[1] == 1
        if not (inside and a_kernel_a_channel and window.dilation == (1, 1) and layer.bias is None):
            raise ValueError(f"plan: {step.name} is no upsampling channel by channel")
        h, w = window.transposed_size(source[:2])
        more = pair(options["output_padding"], "plan: output_padding", 0)
        size = (*checked(step, (h + more[0], w + more[1])), source[2])
        self.append(Upsampling(step.output, step.inputs, source, layer, size))

    def crop(self, step: Step) -> None:
        (h, w, c), (most_h, most_w, _), start = self.sizes[step.inputs[0]], self.sizes[step.inputs[1]], int(step.number)
        rows, columns = slice(start, min(h, start + most_h)), slice(start, min(w, start + most_w))
        if step.output == SCORES and (h - start < most_h or w - start < most_w):
            raise ValueError(f"plan: {step.inputs[0]} is {(h, w)} and has no {(most_h, most_w)} from {start} on")
        self.views[step.output] = View(step.inputs[0], rows, columns)
        self.sizes[step.output] = (*checked(step, (rows.stop - start, columns.stop - start)), c)


def checked(step: Step, size: Pair) -> Pair:
    if min(size) < 1:
        raise ValueError(f"plan: pictures of this size leave nothing for {step.output}: its map would be {size}")
    return size
