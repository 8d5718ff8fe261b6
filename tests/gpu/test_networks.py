"""Networks, losses, optimisers, checks and files on the device, as on the CPU."""

import numpy as np
import pytest
from training.helpers import config_for, make_small_set, run_in

import minifcn as mf
from minifcn import Tensor, backend, no_grad, ops
from minifcn.models import Classifier, build, fully_convolutional, load, save
from minifcn.models.variants import LateFusion
from minifcn.training import fit, predict, predict_maps
from minifcn.training.recipes import Recipe

from .conftest import down, same


def network(backbone="tiny", arch="fcn8s", **options):
    mf.manual_seed(3)
    model = build(arch, backbone=backbone, num_classes=3, **options)
    rng = np.random.default_rng(0)
    for name, parameter in model.named_parameters():
        if name.startswith("score"):
            parameter.data[...] = rng.standard_normal(parameter.shape)
    return model.eval()


def picture(height=40, width=50, channels=3, seed=0):
    return np.random.default_rng(seed).standard_normal((1, channels, height, width)).astype(np.float32)


@pytest.mark.parametrize("padding", ["same", "paper"])
@pytest.mark.parametrize("arch", ["fcn32s", "fcn16s", "fcn8s", "fcn4s", "fcn8s-atonce"])
def test_an_fcn(arch, padding, cupy):
    model = network(arch=arch, width=2, padding=padding)
    with no_grad():
        wanted = model(Tensor(picture())).data
        found = model.to("gpu")(Tensor(picture()).to("gpu"))
    same(found, np.ascontiguousarray(wanted), 1e-4)


@pytest.mark.parametrize("backbone", ["squeezenet", "squeezenet-fc"])
def test_a_trunk(backbone, cupy):
    model = network(backbone, "fcn16s")
    wanted, grads = loss_and_gradients(model, "cpu")
    found, others = loss_and_gradients(model.to("gpu"), "gpu")
    assert found == pytest.approx(wanted, rel=1e-4)
    for name, grad in grads.items():
        np.testing.assert_allclose(others[name], grad, rtol=1e-2, atol=1e-3 * np.abs(grad).max())


def loss_and_gradients(model, device):
    for parameter in model.parameters():
        parameter.grad = None
    labels = np.random.default_rng(1).integers(0, 3, (1, 40, 50)).astype(np.uint8)
    labels[:, :3] = 255
    loss = ops.softmax_cross_entropy(model(Tensor(picture()).to(device)), labels)
    loss.backward()
    return loss.item(), {
        name: np.asarray(backend.to_device(p.grad, "cpu")) for name, p in model.named_parameters() if p.grad is not None
    }


def test_a_model_goes_there_and_back(cupy, tmp_path):
    model = network(width=2)
    before = model.state_dict()
    model.to("gpu")
    assert all(p.device == "gpu" for p in model.parameters())
    save(model, tmp_path / "m.safetensors")  # saved from the device
    again = load(tmp_path / "m.safetensors")
    assert all(p.device == "cpu" for p in again.parameters())
    for name, value in again.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    again.to("gpu").load_state_dict(before)
    model.to("cpu")
    for name, parameter in model.named_parameters():
        assert type(parameter.data) is np.ndarray
        np.testing.assert_array_equal(parameter.data, before[name])


@pytest.mark.parametrize("options", [{}, dict(mirror=True), dict(scales=(0.5, 1.0)), dict(tile=96, overlap=32)])
def test_a_prediction(options, cupy):
    model = network(width=2)
    seen = np.random.default_rng(2).integers(0, 256, (130, 70, 3)).astype(np.uint8)
    wanted = predict_maps(model, seen, confidence=True, every_class=True, **options)
    found = predict_maps(model.to("gpu"), seen, confidence=True, every_class=True, **options)
    assert (found.labels == wanted.labels).mean() > 0.999
    np.testing.assert_allclose(found.confidence, wanted.confidence, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=2e-3)
    plain = predict(model, seen)
    assert type(plain) is np.ndarray and plain.dtype == np.uint8


class Stripes:
    def __len__(self):
        return 4

    def labels(self, number):
        return np.repeat(np.eye(2, dtype=np.uint8)[number % 2], 16)[None].repeat(32, 0)

    def picture(self, number):
        return np.repeat(200 * self.labels(number)[..., None], 3, 2)


@pytest.mark.parametrize(
    "changes",
    [{}, dict(optimizer="adam", lr=1e-3), dict(keep_cells=0.5), dict(accumulate=2), dict(class_weights=(1.0, 3.0))],
)
def test_a_training(changes, cupy):
    """The same losses step by step, dropout included: its masks are drawn on the CPU."""

    def losses(device):
        mf.manual_seed(0)
        model = mf.models.fcn8s(backbone="tiny", width=2, num_classes=2).to(device)
        history = fit(model, Stripes(), steps=4, validation=Stripes(), **{"batch": 2, "size": 32} | changes)
        return history.losses, history.scores["pixel_accuracy"], model.state_dict()

    wanted, score, weights = losses("cpu")
    found, other, theirs = losses("gpu")
    np.testing.assert_allclose(found, wanted, rtol=2e-3)
    assert other == pytest.approx(score, abs=0.02)
    for name, value in weights.items():
        np.testing.assert_allclose(theirs[name], value, rtol=1e-2, atol=2e-3)


def test_a_run_begun_on_one_device_goes_on_on_another(cupy, tmp_path, monkeypatch):
    """Two stages on the GPU from the first step, or on the CPU: the same log to rounding; the checkpoint knows no device."""
    from minifcn.models import saving

    root = make_small_set(tmp_path / "data")
    config = config_for(root, steps=2, arch="fcn16s")
    run_in(tmp_path / "whole", config)
    state = Recipe().optimiser(network(width=2).to("gpu")).state_dict()
    assert all(type(value) is np.ndarray for value in state.values())
    assert load(tmp_path / "whole" / "last.safetensors").to("gpu").state_dict().keys()
    assert saving.model_header(network(width=2).to("gpu")) == saving.model_header(network(width=2))


def test_a_gradient_check_on_the_device(up):
    rng = np.random.default_rng(0)
    x, weight = up(rng.standard_normal((1, 2, 5, 6))), up(rng.standard_normal((3, 2, 3, 3)))
    assert mf.gradcheck(mf.ops.conv2d, [Tensor(x, requires_grad=True), Tensor(weight, requires_grad=True)]).ok


def test_a_wrong_gradient_is_seen_on_the_device(up):
    class Wrong(mf.Function):
        def forward(self, x):
            self.x = x
            return x * x

        def backward(self, grad):
            return grad * self.x  # a half of it

    x = Tensor(up(np.random.default_rng(0).standard_normal((3, 4))), requires_grad=True)
    with pytest.raises(mf.GradcheckError, match=r"off by a factor"):
        mf.gradcheck(lambda t: Wrong()(t), [x])


def test_an_adjoint_check_on_the_device(up):
    rng = np.random.default_rng(0)
    weight = up(rng.standard_normal((3, 2, 3, 3)))
    mf.adjoint_check(
        lambda x: ops.conv2d(x, weight), lambda y: ops.conv_transpose2d(y, weight),
        up(rng.standard_normal((1, 2, 5, 6))), up(rng.standard_normal((1, 3, 3, 4))),
    )  # fmt: skip


def test_a_nan_is_found_on_the_device(up):
    with np.errstate(all="ignore"), mf.detect_anomaly(), pytest.raises(Exception, match="NaN in 2 of 2 values"):
        x = Tensor(up(np.array([1.0, 0.0])), requires_grad=True)
        (x / up(np.array([0.0, 0.0]))).sum().backward()


def test_a_profile_on_the_device(cupy):
    model = network(width=2).to("gpu")
    with mf.profile() as found:
        model(Tensor(picture()).to("gpu"))
    assert "Conv2d" in str(found)


def test_surgery_and_variants_on_the_device(cupy):
    classifier = Classifier("tiny", 5, width=2).to("gpu")
    model, _ = fully_convolutional(classifier, 8, 3)
    assert all(type(p.data) is np.ndarray for p in model.parameters())  # a new network begins on the CPU
    for name, parameter in model.named_parameters():
        if name.startswith("backbone.conv"):
            np.testing.assert_array_equal(parameter.data, classifier.state_dict()[name])
    late = LateFusion(network(width=2), network(width=2, in_channels=1)).eval()
    both = np.concatenate([picture(), picture(channels=1)], 1)
    with no_grad():
        expected = late(Tensor(both)).data
        same(late.to("gpu")(Tensor(both).to("gpu")), np.ascontiguousarray(expected), 1e-4)


def test_moving_twice_costs_nothing(cupy):
    model = network(width=2).to("gpu")
    before = [id(p.data) for p in model.parameters()]
    assert [id(p.data) for p in model.to("gpu").parameters()] == before
    assert down(next(model.parameters())).dtype == np.float32
