"""SqueezeNet v1.1: its parameters, the two backbones that are made of it, and a photograph that it names with its real weights."""

import needs
import numpy as np
import pytest

import minifcn as mf
from minifcn.models import FCN, transplant
from minifcn.models.geometry import Field
from minifcn.models.trunks.backbones import squeezenet, squeezenet32

from .nets import PADDINGS, parameter_sizes, picture

SQUEEZENET = needs.DATA / "squeezenet11"


def test_squeezenet_has_its_parameters_and_strides():
    model = FCN("squeezenet", 4, 21)
    assert parameter_sizes(model.backbone) == 722_496  # 1,235,496 with the classifier of 512 x 1000 + 1000
    assert {name: Field().through(model.backbone.layers_to(name)).stride for name in ("fire9", "fire5", "fire3")} == {
        "fire9": 16,
        "fire5": 8,
        "fire3": 4,
    }


def test_squeezenet32_is_squeezenet_and_a_pool():
    plain, more = squeezenet(), squeezenet32()
    assert more.order == [*plain.order, "pool9"]
    assert [(name, p.shape) for name, p in more.named_parameters()] == [
        (n, p.shape) for n, p in plain.named_parameters()
    ]
    more.load_state_dict(plain.state_dict())
    x = picture(1, 3, 70, 45)
    plain_maps, maps = plain(x), more(x)
    assert {name: maps[name].shape for name in maps} == {
        "fire3": (1, 128, 18, 12), "fire5": (1, 256, 9, 6), "fire9": (1, 512, 5, 3), "pool9": (1, 512, 3, 2),
    }  # fmt: skip
    for name, found in plain_maps.items():
        np.testing.assert_array_equal(maps[name].data, found.data)
    # the maximum of the 3x3 cells round every second one
    fire9 = np.pad(maps["fire9"].data, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    expected = [[fire9[0, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(2)] for i in range(3)]
    np.testing.assert_array_equal(maps["pool9"].data[0], np.array(expected).transpose(2, 0, 1))


def random_scores(model, seed):
    rng = np.random.default_rng(seed)
    for name, parameter in model.named_parameters():
        if name.startswith("score_"):
            parameter.data[...] = rng.standard_normal(parameter.shape)
    return model


@pytest.mark.parametrize("padding", PADDINGS)
def test_from_32s_to_16s_to_8s_to_4s(padding):
    """Staged training: every finer network starts from the same trunk and the same coarse scores."""
    x = picture(1, 3, 45, 70)
    model = random_scores(FCN("squeezenet32", 32, 3, padding=padding), 1)
    coarse = model.score_fr(model.backbone(x)["pool9"]).data
    for stride, source in ((16, "fire9"), (8, "fire5"), (4, "fire3")):
        finer = FCN("squeezenet32", stride, 3, padding=padding)
        report = transplant(model, finer)
        new = {f"score_{source}.weight", f"score_{source}.bias", f"upscore_{stride}s.weight", "upscore.weight"}
        assert set(report.left) == new
        np.testing.assert_array_equal(finer.score_fr(finer.backbone(x)["pool9"]).data, coarse)
        model = finer
    assert np.ptp(model(x).data) > 0.1  # the skips say nothing yet, the coarse scores do


def test_weights_pass_between_the_two():
    natural, deep = random_scores(FCN("squeezenet", 16, 3), 1), FCN("squeezenet32", 32, 3)
    transplant(natural, deep)
    for name, parameter in natural.backbone.named_parameters():
        np.testing.assert_array_equal(dict(deep.backbone.named_parameters())[name].data, parameter.data)


@pytest.mark.skipif(not SQUEEZENET.exists(), reason=needs.SQUEEZENET)
def test_squeezenet_with_its_real_weights_sees_the_cat():
    """Classes of ImageNet: 281 tabby, 285 Egyptian cat, 282 tiger cat. The shares come from outside of this project."""
    from PIL import Image

    weights = {name: array.astype(np.float32) for name, array in np.load(SQUEEZENET / "squeezenet_v1.1.npz").items()}
    trunk = squeezenet("trained")
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
