"""Somebody else's ImageNet weights: names, a photograph they know, and what is said of files that are not what they should be."""

import needs
import numpy as np
import pytest

import minifcn as mf
from minifcn.models import FCN, fully_convolutional, transplant
from minifcn.pretrained import load_pretrained
from minifcn.weights import WeightsError, save_arrays

SQUEEZENET = needs.DATA / "squeezenet11"


def caffe_arrays(seed=0):
    """A whole SqueezeNet v1.1 under Caffe's names, with random numbers. Shapes from the paper's table."""
    rng = np.random.default_rng(seed)
    shapes = {"conv1": (64, 3, 3), "conv10": (1000, 512, 1)}  # name: output, input, side
    inputs = 64
    for number, squeeze, expand in zip(range(2, 10), (16, 16, 32, 32, 48, 48, 64, 64), (64, 64, 128, 128, 192, 192, 256, 256), strict=True):  # fmt: skip
        shapes[f"fire{number}_squeeze1x1"] = (squeeze, inputs, 1)
        shapes[f"fire{number}_expand1x1"] = (expand, squeeze, 1)
        shapes[f"fire{number}_expand3x3"] = (expand, squeeze, 3)
        inputs = 2 * expand
    arrays = {}
    for name, (out, channels, side) in shapes.items():
        arrays[f"{name}_W"] = (rng.standard_normal((out, channels, side, side)) / channels).astype(np.float32)
        arrays[f"{name}_b"] = rng.standard_normal(out).astype(np.float32)
    return arrays


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_every_array_finds_its_parameter(tmp_path, ending):
    arrays, path = caffe_arrays(), tmp_path / f"weights.{ending}"
    if ending == "npz":
        np.savez(path, **arrays)
    else:
        save_arrays(path, arrays)
    network = load_pretrained(path)
    assert not network.training
    parameters = dict(network.named_parameters())
    assert len(parameters) == len(arrays) == 52
    for theirs, ours in (
        ("conv1_W", "backbone.conv1.weight"),
        ("fire5_squeeze1x1_b", "backbone.fire5.squeeze1x1.bias"),
        ("fire9_expand3x3_W", "backbone.fire9.expand3x3.weight"),
        ("conv10_b", "classifier.bias"),
    ):
        np.testing.assert_array_equal(parameters[ours].data, arrays[theirs])


@pytest.mark.parametrize("backbone, stride", [("squeezenet", 16), ("squeezenet32", 32), ("squeezenet-fc", 4)])
def test_an_fcn_starts_from_it(tmp_path, backbone, stride):
    np.savez(tmp_path / "w.npz", **caffe_arrays())
    network, model = load_pretrained(tmp_path / "w.npz"), FCN(backbone, stride, 7)
    report = transplant(network, model)
    assert len(report.copied) == 50 and report.dropped == ["classifier.weight", "classifier.bias"]
    np.testing.assert_array_equal(model.backbone.fire2.expand3x3.bias.data, network.backbone.fire2.expand3x3.bias.data)
    new = {name.split(".")[1] for name in report.left if name.startswith("backbone.")}
    assert new == ({"fc6_reduce", "fc6", "fc7"} if backbone == "squeezenet-fc" else set())


def test_stride_32_takes_one_more_pool(tmp_path):
    np.savez(tmp_path / "w.npz", **caffe_arrays())
    model, _ = fully_convolutional(load_pretrained(tmp_path / "w.npz"), 32, 7)
    assert model.architecture["backbone"] == "squeezenet32"


def test_what_is_said_of_other_files(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.npz: no such file"):
        load_pretrained(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(
        WeightsError,
        match=r"text\.npz: a text and no weights; where it describes a network, its numbers are in another file: safetensors, PyTorch",
    ):
        load_pretrained(tmp_path / "text.npz")
    np.savez(tmp_path / "pickled.npz", conv1_W=np.array([{"a": 1}], dtype=object))
    with pytest.raises(
        WeightsError, match=r"pickled\.npz: conv1_W in it holds Python objects, and only numbers are read"
    ):
        load_pretrained(tmp_path / "pickled.npz")
    for number, damage in enumerate(
        (b"x", b"\x01", b"\xff" * 4)
    ):  # BadZipFile, zlib.error and the like are none of a user's words
        content = bytearray((tmp_path / "pickled.npz").read_bytes())
        content[10 * number + 8 : 10 * number + 9] = damage
        content[-30:-28] = damage
        (tmp_path / "damaged.npz").write_bytes(content)
        with pytest.raises(WeightsError, match=r"damaged\.npz: a zip file that is cut off or damaged"):
            load_pretrained(tmp_path / "damaged.npz")
    np.savez(tmp_path / "other.npz", **caffe_arrays(), fc8_W=np.zeros(3))
    with pytest.raises(
        WeightsError,
        match=r"other\.npz: also holds fc8_W, for which Caffe's squeezenet has no place; .* --ignore 'fc8_W'",
    ):
        load_pretrained(tmp_path / "other.npz")
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(WeightsError, match=r"empty\.npz: a zip file with nothing in it"):
        load_pretrained(tmp_path / "empty.npz")
    arrays = caffe_arrays()
    del arrays["fire4_expand1x1_b"]
    np.savez(tmp_path / "part.npz", **arrays)
    with pytest.raises(WeightsError, match=r"part\.npz: there is no bias of backbone\.fire4\.expand1x1"):
        load_pretrained(tmp_path / "part.npz")
    del arrays["fire4_expand1x1_W"], arrays["conv1_W"], arrays["conv1_b"]
    np.savez(tmp_path / "part.npz", **arrays)
    with pytest.raises(
        WeightsError, match=r"part\.npz: not the whole of Caffe's squeezenet: there is no conv1, fire4_expand1x1$"
    ):
        load_pretrained(tmp_path / "part.npz")


@pytest.mark.skipif(not SQUEEZENET.exists(), reason=needs.SQUEEZENET)
def test_the_real_weights_know_a_photograph():
    """Classes of ImageNet: 281 tabby, 285 Egyptian cat, 282 tiger cat. The shares come from outside of this project."""
    from PIL import Image

    network = load_pretrained(SQUEEZENET / "squeezenet_v1.1.npz")
    assert sum(parameter.size for parameter in network.parameters()) == 1_235_496
    photograph = Image.open(SQUEEZENET / "cat.jpeg").convert("RGB").resize((227, 227))
    with mf.no_grad():
        scores = network(network.preprocessing(np.asarray(photograph))).data.mean((2, 3))[0]
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    assert shares[[281, 285, 282]] == pytest.approx([0.82, 0.12, 0.06], abs=0.015)
