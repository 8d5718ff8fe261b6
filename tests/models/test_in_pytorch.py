"""Every network and its twin in PyTorch, with the same random weights: scores, and the gradient of the picture and of every parameter."""

import numpy as np
import pytest
from twins import MISSING, torch

import minifcn as mf

from .in_pytorch import random_network, scores
from .nets import PADDINGS, picture

pytestmark = pytest.mark.skipif(torch is None, reason=MISSING)


def torch_parameters(model, gradients):
    """Name -> a torch tensor in the same memory as the model's parameter."""
    return {name: torch.from_numpy(q.data).requires_grad_(gradients) for name, q in model.named_parameters()}


def far(found, expected):
    """The largest difference, in parts of the largest expected number."""
    difference = found - expected
    np.abs(difference, out=difference)  # fc6 of VGG16 is 0.8 GB: no more copies than needed
    return float(difference.max() / max(expected.max(), -expected.min()))


def compare(backbone, stride, padding, size, batch=1):
    """{what: how far it is from the twin's}, in float64: the scores, the picture's gradient and every parameter's."""
    model = random_network(backbone, stride, padding, learn_upsampling=True).astype(np.float64)
    x = picture(batch, 3, *size, dtype=np.float64)
    ours = mf.Tensor(x, requires_grad=True)
    result = model(ours)
    cotangent = np.random.default_rng(3).standard_normal(result.shape)
    result.backward(cotangent)
    p = torch_parameters(model, gradients=True)
    theirs = torch.from_numpy(x).requires_grad_()
    expected = scores(theirs, p, backbone, padding, stride)
    assert tuple(expected.shape) == result.shape == (batch, 2, *size)
    expected.backward(torch.from_numpy(cotangent))
    found = {"scores": far(result.data, expected.detach().numpy()), "picture": far(ours.grad, theirs.grad.numpy())}
    for name, parameter in model.named_parameters():
        found[name] = far(parameter.grad, p[name].grad.numpy())
        parameter.grad = p[name].grad = None  # VGG16's are 1 GiB each
    return found


def check(backbone, stride, padding, size, batch=1):
    found = compare(backbone, stride, padding, size, batch)
    wrong = {name: value for name, value in found.items() if not value <= 1e-9}
    assert not wrong and len(found) > 10


STRIDES = {
    "tiny": (32, 16, 8, 4),
    "alexnet": (32, 8),
    "googlenet": (32, 16, 8, 4),
    "squeezenet": (16, 8, 4),
    "squeezenet32": (32, 16, 8, 4),
    "squeezenet-fc": (32, 4),
    "alexnet-bvlc": (32, 8),
    "alexnet-torchvision": (32, 8),
    "googlenet-torchvision": (32, 16, 4),
}
# 100 pixels round it make a small picture large; without them it must be large enough for skips of odd sizes
SIZES = {"paper": (11, 8), "same": (75, 50)}


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("backbone, stride", [(name, stride) for name in STRIDES for stride in STRIDES[name]])
def test_scores_and_all_gradients(backbone, stride, padding):
    check(backbone, stride, padding, SIZES[padding])


@pytest.mark.parametrize("padding", PADDINGS)
def test_two_pictures_at_once(padding):
    check("squeezenet", 4, padding, SIZES[padding], batch=2)


@pytest.mark.slow  # 4.6 GB
@pytest.mark.parametrize("padding", PADDINGS)
def test_vgg16_at_its_true_width(padding):
    """fc6 of 4096 channels as it is: 134 M numbers, and their gradients twice, in float64."""
    check("vgg16", 4, padding, SIZES[padding])


@pytest.mark.slow
def test_fcn_8s_on_vgg16_at_the_size_of_a_voc_picture():
    """375x500 with 100 pixels round it, float32, 21 classes."""
    model = random_network("vgg16", 8, "paper", classes=21)
    x = picture(1, 3, 375, 500)
    with mf.no_grad():
        found = model(x).data
    with torch.no_grad():
        expected = scores(torch.from_numpy(x), torch_parameters(model, False), "vgg16", "paper", 8).numpy()
    assert found.shape == expected.shape == (1, 21, 375, 500)
    assert far(found, expected) <= 1e-4


def test_a_twin_that_is_one_cell_off_is_seen(monkeypatch):
    """The comparison itself: with 5 cropped where 4 were right it must say so."""
    from . import in_pytorch

    right = in_pytorch.after_pools_2x2

    def wrong(padding, stride):
        skips, last = right(padding, stride)
        return skips | {16: (4, 0, 0, 4)}, last

    monkeypatch.setitem(in_pytorch.UPSAMPLING, "tiny", wrong)
    found = compare("tiny", 16, "paper", (11, 8))
    assert found["scores"] > 1e-3 and found["backbone.conv1_1.weight"] > 1e-3
