"""What is measured: whole networks, forward or a training step, and every layer of VGG16-FCN-8s, forward and backward."""

from math import prod
from typing import Any, NamedTuple

from minifcn.bench.networks import VGG, Layer, SqueezeNet
from minifcn.bench.shapes import Map, Shape, Shapes, plan

RATE, MOMENTUM = 1e-4, 0.9  # of the steps: a rate so small that many steps on one batch stay tame


class Case(NamedTuple):
    """`mode`: "forward" (no gradients), "step" (loss, backward, SGD with momentum) or "backward" (of one layer, its forward not timed).

    `needs`: the input wants a gradient, as in the middle of a network. `times`: how often VGG16 has such a layer.
    """

    name: str
    mode: str
    shape: Shape
    network: Any
    needs: bool = False
    times: int = 1

    @property
    def variants(self) -> tuple[str, ...]:
        """What minifcn runs: plain operations, and the built-in model where there is one, forward by a plan too."""
        if not hasattr(self.network, "model"):
            return ("ops",)
        return ("ops", "model", "plan") if self.mode == "forward" else ("ops", "model")

    def plan(self) -> Shapes:
        return plan(self.network, self.shape, self.needs)

    def flops(self) -> int:
        plan = self.plan()
        return {"forward": plan.forward_flops, "backward": plan.backward_flops}.get(
            self.mode, plan.forward_flops + plan.backward_flops
        )

    def memory_needed(self, programs: int) -> int:
        """Bytes, roughly: weights (with gradient and velocity in a step) for each program, maps of the one that runs."""
        plan = self.plan()
        weights = sum(prod(shape) for shape in plan.parameters.values())
        return 4 * (weights * programs * (3 if self.mode == "step" else 1) + 3 * plan.floats)


VGG16 = VGG((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), 4096, 21)
SMALL = VGG((2, 2, 2, 2, 2), (16, 32, 64, 128, 128), 128, 21)
TINY = VGG((1, 1, 1, 1, 1), (12, 24, 48, 96, 96), 96, 9)  # what `minifcn demo` trains: tiny, width 12

CASES = {
    case.name: case
    for case in (
        Case("tiny-step", "step", (8, 3, 96, 96), TINY),
        Case("small-step", "step", (8, 3, 128, 128), SMALL),
        Case("squeeze-step", "step", (8, 3, 256, 256), SqueezeNet(21)),
        Case("vgg-forward", "forward", (1, 3, 384, 384), VGG16),
        Case("paper-forward", "forward", (1, 3, 375, 500), VGG16._replace(padding="paper")),
        Case("vgg-step", "step", (2, 3, 256, 256), VGG16),
    )
}


def layer_cases(network: Any = VGG16, shape: Shape = (1, 3, 384, 384)) -> list[Case]:
    """Every convolution, pool, upsampling and loss of a network, forward and backward; layers of one shape come once."""
    shapes = Shapes()
    shapes.loss("loss", network.run(shapes, Map(shape, needs=False)))
    found: dict[Any, Case] = {}
    for call in shapes.calls:
        alike = (call.kind, call.x, call.arguments)
        first = found.get(alike)
        layer = Case(call.name, "", call.x.shape, Layer(call.kind, call.name, call.arguments), call.x.needs)
        found[alike] = layer if first is None else first._replace(times=first.times + 1)
    return [case._replace(mode=mode) for case in found.values() for mode in ("forward", "backward")]
