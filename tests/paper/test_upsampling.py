"""The claims of section 3.3 hold, and each check can fail: with a fault planted it says so."""

import numpy as np
import pytest
from twins import MISSING, torch

from minifcn import ops
from minifcn.kernels import use
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import upsampling as topic
from minifcn.paper.training import small_network, synthetic_data, trained


def run(name, **setting):
    return CLAIMS[name].run(Setting(**setting))


@pytest.mark.parametrize("kernels", ["simple", "fast"])
@pytest.mark.parametrize(
    "name, words",
    [
        ("fractional-stride", "62 of 62 transposed convolutions"),
        ("deconvolution-backward", "to the last bit in 96 of 96 cases"),
        ("bilinear-start", "largest difference 0"),
    ],
)
def test_it_holds(name, words, kernels):
    with use(kernels):
        outcome = run(name)
    assert outcome.holds is True and words in outcome.measured
    assert CLAIMS[name].kind == "identity"


def test_fractional_stride_fails_where_the_kernel_is_not_turned(monkeypatch):
    monkeypatch.setattr(topic, "turned", lambda weight: weight.transpose(1, 0, 2, 3))
    outcome = run("fractional-stride")
    # a kernel of one element is the same turned: 4 strides
    assert outcome.holds is False and "4 of 62" in outcome.measured


def test_fractional_stride_fails_where_one_output_is_wrong(monkeypatch):
    right = ops.conv_transpose2d

    def wrong(x, weight, stride, padding):
        result = right(x, weight, stride=stride, padding=padding)
        if stride == 32:
            result.data[0, 0, 0, 0] += 1
        return result

    monkeypatch.setattr(ops, "conv_transpose2d", wrong)
    outcome = run("fractional-stride")
    assert outcome.holds is False and "60 of 62" in outcome.measured


def test_stuffed_and_turned_by_hand():
    x = np.array([[[[1.0, 2], [3, 4]]]])
    assert topic.stuffed(x, 3).tolist() == [[[[1, 0, 0, 2], [0] * 4, [0] * 4, [3, 0, 0, 4]]]]
    assert topic.turned(np.arange(8.0).reshape(2, 1, 2, 2)).tolist() == [[[[3, 2], [1, 0]], [[7, 6], [5, 4]]]]


def test_deconvolution_backward_fails_where_the_kernel_is_turned(monkeypatch):
    right = ops.conv_transpose2d
    monkeypatch.setattr(ops, "conv_transpose2d", lambda x, weight, **options: right(x, weight[:, :, ::-1], **options))
    outcome = run("deconvolution-backward")
    assert outcome.holds is False and "in 24 of 96 cases" in outcome.measured  # kernels of one element: 3·2·2·2


def caffes_filler(channels, kernel):
    """The centre of Caffe's BilinearFiller before BVLC/caffe#5713: wrong where f and the kernel differ in parity."""
    f = -(-kernel // 2)
    centre = (2 * f - 1 - f % 2) / (2 * f)
    row = 1 - np.abs(np.arange(kernel) / f - centre)
    return np.tile(np.outer(row, row).astype(np.float32), (channels, 1, 1, 1))


def test_bilinear_start_finds_the_fault_of_caffes_filler_in_odd_kernels(monkeypatch):
    monkeypatch.setattr(topic, "bilinear", caffes_filler)
    outcome = run("bilinear-start")
    wrong = [row[0] for row in outcome.table[1:] if set(row[1:]) != {"0"}]
    assert outcome.holds is False and wrong == ["3/2", "63/32"]


@pytest.mark.parametrize(
    "fault, found",
    [
        (lambda weight: weight * 1.5, {"kernel sum", "constant", "ramp", "resize"}),
        (lambda weight: np.ones_like(weight), {"kernel sum", "constant", "ramp", "resize"}),
        (lambda weight: np.roll(weight, 1, 3), {"ramp", "resize"}),
    ],
    ids=["too strong", "a box", "moved by one"],
)
def test_each_property_of_the_bilinear_start_can_fail(fault, found, monkeypatch):
    right = topic.bilinear
    monkeypatch.setattr(topic, "bilinear", lambda channels, kernel: fault(right(channels, kernel)))
    faults = topic.bilinear_faults(4, 2)
    # the impulse looks at the layer and not at its kernel
    assert {name for name, difference in faults.items() if difference} == found


def test_the_impulse_is_compared_with_the_kernel_itself(monkeypatch):
    right = topic.upsampled
    monkeypatch.setattr(topic, "upsampled", lambda *arguments: right(*arguments)[:, ::-1])
    assert topic.bilinear_faults(8, 4)["impulse"] > 0.1


@pytest.mark.skipif(torch is None, reason=MISSING)
def test_the_resize_by_coordinates_is_that_of_pytorch(rng):
    values, stride = rng.integers(-4, 5, (5, 6)).astype(float), 4
    twin = torch.nn.functional.interpolate(torch.from_numpy(values)[None, None], scale_factor=stride, mode="bilinear")
    places = [(np.arange(2, stride * n - 2) + 0.5) / stride - 0.5 for n in values.shape]
    np.testing.assert_allclose(topic.resized(values, *places), twin[0, 0, 2:-2, 2:-2].numpy(), rtol=0, atol=1e-12)


def test_learned_upsampling_in_small(monkeypatch):
    data = synthetic_small()
    monkeypatch.setattr(topic, "synthetic_data", lambda: data)
    outcome = run("learned-upsampling", seeds=(0, 1), scale=0.01)
    assert CLAIMS["learned-upsampling"].kind == "experiment"
    assert outcome.table[0] == ["seed", "fixed", "learned"] and [row[0] for row in outcome.table[1:]] == ["0", "1"]
    assert "2 steps, seeds 0, 1" in outcome.measured and list(outcome.plots[0].values) == ["fixed", "learned"]
    assert run("learned-upsampling", seeds=(0,), scale=0.01).holds is None


def synthetic_small():
    return synthetic_data(8, 4, (32, 40))


@pytest.mark.parametrize("learned, holds", [((0.30, 0.40), True), ((0.50, 0.60), False)])
def test_learned_upsampling_holds_where_the_difference_is_less_than_the_spread(learned, holds, monkeypatch):
    scores = {False: [0.31, 0.37], True: list(learned)}

    def pretended(model, data, steps, seed):
        return {"mean_iu": scores[model.architecture["learn_upsampling"]][seed]}

    monkeypatch.setattr(topic, "synthetic_data", lambda: None)
    monkeypatch.setattr(topic, "trained", pretended)
    outcome = run("learned-upsampling", seeds=(0, 1))
    assert outcome.holds is holds and "mean IU 34.0 fixed" in outcome.measured
    assert "moved by 0% to 0%" in outcome.measured


def test_only_learned_kernels_move():
    data = synthetic_small()
    for learned in (False, True):
        model = small_network("fcn8s", 0, 2, learn_upsampling=learned)
        trained(model, data, 3, 0)
        moved = [topic.distance_from_bilinear(layer.weight.data) for layer in topic.upsampling_layers(model)]
        assert len(moved) == 3 and all((distance > 0) == learned for distance in moved)
