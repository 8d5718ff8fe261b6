"""ONNX files hold the network: its scores in onnxruntime, for any size of picture."""

import importlib.util
import json
import re
from pathlib import Path

import needs
import numpy as np
import pytest
from PIL import Image

import minifcn as mf
from minifcn import nn
from minifcn.export import to_onnx
from minifcn.export.onnx_file import rounded_up
from minifcn.kernels.windows import Window
from minifcn.models import FCN, Preprocessing
from minifcn.models.trunks.trunk import Backbone

from .networks import LARGE, NETWORKS, SIZES, apart, network, pictures

needs_onnx = pytest.mark.skipif(not importlib.util.find_spec("onnx"), reason=needs.ONNX)
needs_runtime = pytest.mark.skipif(not importlib.util.find_spec("onnxruntime"), reason=needs.RUNTIME)


def session(path):
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@needs_onnx
@needs_runtime
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in NETWORKS])
def test_same_scores_in_onnxruntime(name, tmp_path):
    model = network(name)
    to_onnx(model, tmp_path / "m.onnx")
    there = session(tmp_path / "m.onnx")
    for size in SIZES:
        x = pictures(model, size)
        with mf.no_grad():
            assert apart(there.run(None, {"picture": x})[0], model(x).data) < 1e-5, size


@needs_onnx
@needs_runtime
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_pictures_in_label_maps_out(channels, tmp_path):
    model = FCN(
        "tiny", 8, 4, width=3, preprocessing=Preprocessing(channels, (100.5, 120.0, 90.0), (1 / 50, 1 / 60, 1 / 70))
    ).eval()
    photos = np.random.default_rng(1).integers(0, 256, (2, 30, 41, 3)).astype(np.uint8)
    for layer in (model.score_fr, model.score_pool3):
        layer.weight.data[...] = np.random.default_rng(0).standard_normal(layer.weight.shape)
    with mf.no_grad():  # else one class wins everywhere
        model.score_fr.bias.data -= model(model.preprocessing(photos)).data.mean((0, 2, 3))
    to_onnx(model, tmp_path / "m.onnx", preprocessing=True, argmax=True)
    (labels,) = session(tmp_path / "m.onnx").run(None, {"picture_uint8": photos})
    with mf.no_grad():
        expected = model(model.preprocessing(photos)).data.argmax(1)
    assert labels.dtype == np.uint8 and len(np.unique(expected)) > 1
    np.testing.assert_array_equal(labels, expected)


@needs_onnx
def test_what_the_file_says_of_itself(tmp_path):
    import onnx

    model = FCN("tiny", 8, 2, width=3, class_names=["ground", "leaf"]).eval()
    model.notes, model.picture_size = {"licence": "MIT"}, 256
    to_onnx(model, tmp_path / "m.onnx")
    made = onnx.load(str(tmp_path / "m.onnx"))
    facts = {entry.key: entry.value for entry in made.metadata_props}
    assert json.loads(facts["class_names"]) == ["ground", "leaf"] and json.loads(facts["picture_size"]) == 256
    assert facts["licence"] == "MIT" and json.loads(facts["preprocessing"])["channels"] == "rgb"
    assert made.producer_name == "minifcn" and made.opset_import[0].version == 13
    # runtimes read these two differently, and OpenCV wants to find shapes
    assert not {a.name for node in made.graph.node for a in node.attribute} & {"auto_pad", "output_shape", "ceil_mode"}
    assert {node.output[0] for node in made.graph.node} - {v.name for v in made.graph.value_info} == {"scores"}


@needs_onnx
def test_weights_that_do_not_lie_in_order_are_copied(tmp_path):
    import onnx

    model = FCN("tiny", 8, 2, width=3).eval()
    weight = model.backbone.conv1_1.weight
    weight.data = np.asfortranarray(weight.data)
    to_onnx(model, tmp_path / "m.onnx")
    found = {
        each.name: onnx.numpy_helper.to_array(each) for each in onnx.load(str(tmp_path / "m.onnx")).graph.initializer
    }
    np.testing.assert_array_equal(found["backbone.conv1_1.weight"], weight.data)


def with_layer(layer):
    return FCN(Backbone({"conv": nn.Conv2d(3, 4, 3, padding=1), "layer": layer}, {1: "layer"}, {"layer": 4}), 1, 2)


@needs_onnx
@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (nn.LocalResponseNorm(4), "backbone.layer sums 4 channels; runtimes take odd numbers alone"),
        (nn.MaxPool2d(3, 1, padding=1, ceil_mode=True), "backbone.layer rounds up with padding"),
    ],
)
def test_what_runtimes_do_not_agree_about_is_refused(layer, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        to_onnx(with_layer(layer), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("kernel", range(1, 6))
def test_a_pool_that_rounds_up_is_one_with_padding(kernel):
    """Their counts are the same for every size, and no last window begins outside the picture."""
    for stride in range(1, kernel + 1):
        window = Window((kernel, kernel), (stride, stride))
        padded = rounded_up("pool", window)
        for size in range(1, 40):
            count = padded.output_size((size, size))[0]
            assert count == window.ceil_output_size((size, size))[0]
            assert (count - 1) * stride < size


@needs_onnx
def test_every_window_says_its_sides(tmp_path):
    """ONNX lets a convolution leave out kernel_shape. OpenCV 4.5 to 4.12 refuse that, and then read no network of ours."""
    import onnx

    to_onnx(network("tiny, paper, at once"), tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    sides = {each.name: list(each.dims[2:]) for each in graph.initializer}
    windows = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose", "MaxPool")]
    assert {node.op_type for node in windows} == {"Conv", "ConvTranspose", "MaxPool"}
    for node in windows:
        said = {each.name: list(each.ints) for each in node.attribute}
        assert said["kernel_shape"] == ([2, 2] if node.op_type == "MaxPool" else sides[node.input[1]]), node.name


def test_a_pool_that_leaves_gaps_is_none():
    with pytest.raises(ValueError, match="leaves gaps"):
        rounded_up("pool", Window((2, 2), (3, 3)))


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'minifcn\[onnx\]'"):
        to_onnx(FCN("tiny", 8, 2, width=3), tmp_path / "m.onnx")


@needs_onnx
@needs_runtime
def test_the_three_lines_of_the_page(tmp_path, monkeypatch):
    """docs/export.md, on a photograph: the label map of the network itself, pixel for pixel."""
    page = Path(__file__).parents[2].joinpath("docs", "export.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert sum(map(bool, lines.splitlines())) == 3
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8))
    photo = photo.resize((400, 300), Image.Resampling.BICUBIC)
    monkeypatch.chdir(tmp_path)
    photo.save("photo.jpg")
    model = mf.models.load("voc7")
    to_onnx(model, "voc7.onnx", preprocessing=True, argmax=True)
    found = {}
    exec(lines, found)
    same = np.asarray(Image.open("photo.jpg").convert("RGB").resize((256, 192), Image.Resampling.BILINEAR))
    with mf.no_grad():
        scores = np.sort(model(model.preprocessing(same)).data[0], 0)
        expected = model(model.preprocessing(same)).data[0].argmax(0)
    sure = scores[-1] - scores[-2] > 1e-3  # where two classes tie, rounding decides
    np.testing.assert_array_equal(found["labels"][sure], expected[sure])
    assert sure.mean() > 0.99 and found["labels"].shape == (192, 256)
