"""AlexNet and SqueezeNet: where their cells lie, sizes for any picture, and the same numbers as PyTorch and as a photograph's label."""

import os
from pathlib import Path

import numpy as np
import pytest
from twins import MISSING, F, torch

import minifcn as mf
from minifcn.models import FCN
from minifcn.models.backbones import squeezenet
from minifcn.models.geometry import Field
from minifcn.models.summary import rows

from .nets import PADDINGS, parameter_sizes, picture

SQUEEZENET = Path(os.environ.get("MINIFCN_DATA", Path(__file__).parents[3] / "shared" / "data")) / "squeezenet11"


def without_draws(monkeypatch):
    """Zeros for weights: pages that nobody touches take no memory and no time."""
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.zeros(shape, np.float32))


def test_alexnet_as_in_table_1_and_in_the_reference(monkeypatch):
    without_draws(monkeypatch)
    model = FCN("alexnet", 32, 21, padding="paper")
    assert parameter_sizes(model, without=["upscore"]) == 56_954_261  # 57 M
    assert Field().through(model.backbone.layers_to("fc6")).size == 355
    assert (model.offset, model.upscore.weight.shape) == (18, (21, 1, 63, 63))
    sizes = {row.name: row.shape[2] for row in rows(model, (500, 500))}
    expected = {"conv1": 173, "pool1": 86, "pool2": 43, "pool5": 21, "fc6": 16, "upscore": 543, "score": 500}
    assert {name: sizes[name] for name in expected} == expected


def test_squeezenet_row_by_row():
    model = FCN("squeezenet", 4, 21)
    table = {row.name: row for row in rows(model, (64, 64))}
    with mf.profile() as profile, mf.no_grad():
        maps = model.backbone(picture(1, 3, 64, 64))
        model(picture(1, 3, 64, 64))
    assert all(table[name].shape == found.shape for name, found in maps.items())
    assert sum(row.parameters for row in table.values()) == parameter_sizes(model)
    # the profile counts an addition and a multiplication where the table counts one multiply-add; the trunk ran twice
    trunk = sum(row.multiply_adds for name, row in table.items() if name.startswith(("conv", "fire")))
    assert (
        sum(event.flops for event in profile.events) == 2 * sum(row.multiply_adds for row in table.values()) + 2 * trunk
    )
    assert [name for name in table if name.startswith("fire2")] == [
        "fire2.squeeze1x1", "fire2.expand1x1", "fire2.expand3x3", "fire2",
    ]  # fmt: skip


def test_squeezenet_has_its_parameters_and_strides():
    model = FCN("squeezenet", 4, 21)
    assert parameter_sizes(model.backbone) == 722_496  # 1,235,496 with the classifier of 512 x 1000 + 1000
    assert {name: Field().through(model.backbone.layers_to(name)).stride for name in ("fire9", "fire5", "fire3")} == {
        "fire9": 16,
        "fire5": 8,
        "fire3": 4,
    }


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", [16, 8, 4])
def test_squeezenet_scores_every_pixel_of_any_picture(stride, padding):
    model = FCN("squeezenet", stride, 2, padding=padding).eval()
    for size in ((1, 1), (2, 5), (16, 33), (47, 30)):
        scores = model(picture(1, 3, *size))
        assert scores.shape == (1, 2, *size)
        assert [row.shape for row in rows(model, size)][-1] == (1, 2, *size)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_alexnet_scores_every_pixel_of_any_picture(monkeypatch, stride, padding):
    without_draws(monkeypatch)
    model = FCN("alexnet", stride, 2, padding=padding).eval()
    for size in ((1, 1), (37, 50)):
        assert model(picture(1, 3, *size)).shape == (1, 2, *size)


@pytest.mark.parametrize("backbone, strides", [("squeezenet", "16, 8, 4"), ("alexnet", "32, 16, 8")])
def test_a_stride_that_a_backbone_has_not(monkeypatch, backbone, strides):
    without_draws(monkeypatch)
    missing = 32 if backbone == "squeezenet" else 4
    with pytest.raises(ValueError, match=f"stride is {missing}; this backbone has maps of stride {strides}"):
        FCN(backbone, missing, 2)


@pytest.mark.parametrize("backbone, channels", [("squeezenet", 64), ("alexnet", 96)])
def test_they_have_one_width(backbone, channels):
    with pytest.raises(ValueError, match=f"{backbone}: width is 8; it starts with {channels} channels"):
        FCN(backbone, 16, 2, width=8)


def same_numbers(model, twin, x):
    """Scores and every gradient of model and twin(x, parameters by name), float64."""
    given = mf.Tensor(x, requires_grad=True)
    scores = model(given)
    cotangent = np.random.default_rng(3).standard_normal(scores.shape)
    scores.backward(cotangent)
    p = {name: torch.from_numpy(q.data.copy()).requires_grad_() for name, q in model.named_parameters()}
    tx = torch.from_numpy(x.copy()).requires_grad_()
    expected = twin(tx, p)
    expected.backward(torch.from_numpy(cotangent))

    def close(found, wanted, name):
        scale = max(1e-30, float(np.abs(wanted).max()))
        assert np.abs(found - wanted).max() <= 1e-9 * scale, name

    close(scores.data, expected.detach().numpy(), "scores")
    close(given.grad, tx.grad.numpy(), "picture")
    for name, q in model.named_parameters():
        if q.requires_grad:
            close(q.grad, p[name].grad.numpy(), name)


def squeezenet_twin(paper, crop):
    def conv(x, p, name, **options):
        return F.relu(F.conv2d(x, p[name + ".weight"], p[name + ".bias"], **options))

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True) if paper else F.max_pool2d(x, 3, 2, padding=1)

    def twin(x, p):
        h, w = x.shape[2:]
        y, maps = pool(conv(x, p, "backbone.conv1", stride=2, padding=100 if paper else 1)), {}
        for number in range(2, 10):
            if number in (4, 6):
                y = pool(y)
            name = f"backbone.fire{number}."
            y = conv(y, p, name + "squeeze1x1")
            y = torch.cat([conv(y, p, name + "expand1x1"), conv(y, p, name + "expand3x3", padding=1)], 1)
            maps[number] = y
        scores = F.conv2d(maps[9], p["score_fr.weight"], p["score_fr.bias"])
        for stride, number in ((8, 5), (4, 3)):
            up = dict(stride=2) if paper else dict(stride=2, padding=1, output_padding=1)
            scores = F.conv_transpose2d(scores, p[f"upscore_{stride}s.weight"], groups=2, **up)
            finer = F.conv2d(maps[number], p[f"score_fire{number}.weight"], p[f"score_fire{number}.bias"])
            rows, columns = min(scores.shape[2], finer.shape[2]), min(scores.shape[3], finer.shape[3])
            scores = scores[:, :, :rows, :columns] + finer[:, :, :rows, :columns]
        up = dict(stride=4) if paper else dict(stride=4, padding=3, output_padding=3)
        scores = F.conv_transpose2d(scores, p["upscore.weight"], groups=2, **up)
        return scores[:, :, crop : crop + h, crop : crop + w]

    return twin


@pytest.mark.skipif(torch is None, reason=MISSING)
@pytest.mark.parametrize("padding, crop, size", [("same", 0, (37, 50)), ("paper", 100, (11, 8))])
def test_squeezenet_fcn_4s_is_the_same_in_pytorch(padding, crop, size):
    mf.manual_seed(0)
    model = FCN("squeezenet", 4, 2, padding=padding, learn_upsampling=True)
    rng = np.random.default_rng(1)
    for name, parameter in model.named_parameters():
        if name.startswith("score_") or name.endswith("bias"):
            parameter.data[...] = 0.3 * rng.standard_normal(parameter.shape)
    same_numbers(
        model.astype(np.float64), squeezenet_twin(padding == "paper", crop), picture(2, 3, *size, dtype=np.float64)
    )


@pytest.mark.skipif(not SQUEEZENET.exists(), reason="no SqueezeNet weights at MINIFCN_DATA")
def test_squeezenet_with_its_real_weights_sees_the_cat():
    """Classes of ImageNet: 281 tabby, 285 Egyptian cat, 282 tiger cat. The shares come from outside of this project."""
    from PIL import Image

    weights = {name: array.astype(np.float32) for name, array in np.load(SQUEEZENET / "squeezenet_v1.1.npz").items()}
    trunk = squeezenet("paper")
    trunk.conv1 = mf.nn.Conv2d(3, 64, 3, stride=2)  # as it was trained, without padding
    for name, parameter in trunk.named_parameters():
        layer, _, kind = name.rpartition(".")
        parameter.data[...] = weights[f"{layer.replace('.', '_')}_{'W' if kind == 'weight' else 'b'}"]
    photograph = Image.open(SQUEEZENET / "cat.jpeg").convert("RGB").resize((227, 227))
    x = mf.models.preprocessing.DEFAULTS["squeezenet"](np.asarray(photograph))
    with mf.no_grad():
        scores = mf.ops.relu(mf.ops.conv2d(trunk(x)["fire9"], weights["conv10_W"], weights["conv10_b"])).data
    scores = scores.mean((2, 3))[0]
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    assert shares[[281, 285, 282]] == pytest.approx([0.82, 0.12, 0.06], abs=0.015)
