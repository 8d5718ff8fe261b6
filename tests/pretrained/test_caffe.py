"""Caffe's files, built here from the field numbers of caffe.proto: all generations of layers, packed numbers and loose ones."""

import needs
import numpy as np
import pytest
from twins import F, torch

import minifcn as mf
from minifcn.models import FCN
from minifcn.pretrained import import_file
from minifcn.pretrained.recognise import recognised
from minifcn.weights import WeightsError
from minifcn.weights.formats.caffe import read_caffe
from minifcn.weights.formats.files import read_file

from . import proto, stand_ins

FORMS = ["new", "old", "oldest", "loose"]


def written(path, layers, form="new", seed=0):
    arrays = stand_ins.numbers(layers, seed)
    path.write_bytes(stand_ins.caffemodel(layers, arrays, form))
    return arrays


@pytest.mark.parametrize("form", FORMS)
def test_every_blob_of_every_generation(form, tmp_path):
    layers = [
        ("conv", stand_ins.CONVOLUTION, (5, 3, 2, 4)), ("pool", stand_ins.POOL, None), ("a/full one", stand_ins.FULL, (4, 60)),
        ("up", stand_ins.DECONVOLUTION, (2, 2, 4, 4)),
    ]  # fmt: skip
    arrays = written(tmp_path / "m.caffemodel", layers, form)
    contents = read_file(tmp_path / "m.caffemodel")
    assert [name for name, _ in contents.nodes] == [name for name, _, _ in layers]
    assert list(contents.entries) == ["conv.0", "conv.1", "a/full one.0", "a/full one.1", "up.0"]
    for name, blobs in arrays.items():
        for number, blob in enumerate(blobs):
            found = contents.entries[f"{name}.{number}"].array
            np.testing.assert_array_equal(found.reshape(blob.shape), blob)
            if form != "new":
                assert found.shape == (1, 1, 1, 1, *blob.shape)[-4:]


def test_double_precision_and_fields_in_any_order():
    array = np.arange(6.0).reshape(2, 3) / 7
    content = proto.layer(
        "x", "InnerProduct", [proto.blob(array, double=True), proto.blob(array, double=True, packed=False)]
    )
    found = read_caffe(memoryview(content)).entries
    assert found["x.0"].kind == "float64"
    np.testing.assert_array_equal(found["x.0"].array, array)
    np.testing.assert_array_equal(found["x.1"].array, array)
    swapped = proto.packed_floats(5, array) + proto.block(
        7, proto.whole(1, 2) + proto.whole(1, 3)
    )  # numbers first, sides not packed
    layer = proto.block(100, proto.block(7, swapped) + proto.block(2, "X") + proto.block(1, "y"))
    np.testing.assert_array_equal(read_caffe(memoryview(layer)).entries["y.0"].array, array.astype(np.float32))


def test_numbers_in_several_pieces():
    """Protocol Buffers allow a packed field to come in parts, and loose ones between."""
    content = proto.packed_floats(5, [1, 2]) + proto.loose_floats(5, [3]) + proto.packed_floats(5, [4, 5, 6])
    blob = proto.block(7, proto.block(1, proto.varint(6))) + content
    found = read_caffe(memoryview(proto.layer("x", "X", [blob]))).entries["x.0"]
    assert found.array.tolist() == [1, 2, 3, 4, 5, 6]


def nchw(x, p, name, **options):
    weight, bias = (torch.from_numpy(each) for each in p[name])
    return F.relu(F.conv2d(x, weight, bias, **options))


def squeezenet_scores(x, p):
    """Caffe's SqueezeNet v1.1: no padding at conv1, pools round up."""
    pool = lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)  # noqa: E731
    x = pool(nchw(x, p, "conv1", stride=2))
    for number in range(2, 10):
        x = pool(x) if number in (4, 6) else x
        x = nchw(x, p, f"fire{number}/squeeze1x1")
        x = torch.cat([nchw(x, p, f"fire{number}/expand1x1"), nchw(x, p, f"fire{number}/expand3x3", padding=1)], 1)
    return nchw(x, p, "conv10")


def googlenet_scores(x, p):
    pool = lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)  # noqa: E731
    norm = lambda x: F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)  # noqa: E731
    x = norm(pool(nchw(x, p, "conv1/7x7_s2", stride=2, padding=3)))
    x = pool(norm(nchw(nchw(x, p, "conv2/3x3_reduce"), p, "conv2/3x3", padding=1)))
    for name in stand_ins.INCEPTIONS:
        x = pool(x) if name in ("4a", "5a") else x
        way = f"inception_{name}/"
        x = torch.cat([
            nchw(x, p, way + "1x1"), nchw(nchw(x, p, way + "3x3_reduce"), p, way + "3x3", padding=1),
            nchw(nchw(x, p, way + "5x5_reduce"), p, way + "5x5", padding=2), nchw(F.max_pool2d(x, 3, 1, 1), p, way + "pool_proj"),
        ], 1)  # fmt: skip
    weight, bias = (torch.from_numpy(each) for each in p["loss3/classifier"])
    return F.linear(x.mean((2, 3)), weight, bias)


@pytest.mark.parametrize("form", ["new", "old"])
@pytest.mark.parametrize("name, scores, side, left", [
    ("squeezenet", squeezenet_scores, 227, 0), ("googlenet", googlenet_scores, 224, 4),
])  # fmt: skip
def test_a_classifier_scores_as_in_pytorch(name, scores, side, left, form, tmp_path):
    path = tmp_path / "m.caffemodel"
    arrays = written(path, getattr(stand_ins, name)(), form)
    done = import_file(path)
    assert done.network.name == name and len(done.left) == left
    assert done.network.preprocessing == ("bgr", (104.0, 117.0, 123.0), 1.0)
    if torch is None:
        pytest.skip(needs.PYTORCH)
    x = 40 * np.random.default_rng(5).standard_normal((1, 3, side, side)).astype(np.float32)
    expected = scores(torch.from_numpy(x), arrays).numpy()
    with mf.no_grad():
        found = done.network(x).data.reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("form", ["new", "old", "oldest"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_the_order_of_two_layers_says_which_alexnet_it_is(norm_first, form):
    layers = [(name, kind, None if shape is None else (1, 1)) for name, kind, shape in stand_ins.alexnet(norm_first)]
    contents = read_caffe(memoryview(stand_ins.caffemodel(layers, stand_ins.numbers(layers), form)))
    assert recognised(contents).names.network == ("alexnet-bvlc" if norm_first else "alexnet")
    contents.nodes.clear()
    assert recognised(contents).names.network == "alexnet"
    assert recognised(contents, "alexnet-bvlc").names.network == "alexnet-bvlc"


@pytest.mark.slow
@pytest.mark.parametrize("norm_first", [False, True])
def test_caffenet_and_alexnet_differ_in_the_order_of_two_layers_alone(norm_first, tmp_path):
    path = tmp_path / "m.caffemodel"
    written(path, stand_ins.alexnet(norm_first), "old")
    assert import_file(path).network.name == ("alexnet-bvlc" if norm_first else "alexnet")
    network = import_file(path, "alexnet").network
    assert network.name == ("alexnet-bvlc" if norm_first else "alexnet")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["new", "old"])
def test_vgg16(form, tmp_path):
    path = tmp_path / "m.caffemodel"
    arrays = written(path, stand_ins.vgg16(), form)
    network = import_file(path).network
    assert network.preprocessing == ("bgr", (103.939, 116.779, 123.68), 1.0)
    found = network.state_dict()
    assert len(found) == 32
    for name, (weight, bias) in arrays.items():
        ours = "classifier" if name == "fc8" else f"backbone.{name}"
        np.testing.assert_array_equal(found[f"{ours}.weight"].reshape(weight.shape), weight)
        np.testing.assert_array_equal(found[f"{ours}.bias"], bias)


@pytest.mark.parametrize("form", ["new", "old"])
@pytest.mark.parametrize("kind", ["fcn32s", "fcn16s", "fcn8s", "fcn8s-atonce"])
def test_the_authors_networks(kind, form, narrow, tmp_path):
    layers = narrow(stand_ins.fcn(kind))
    arrays = stand_ins.numbers(layers)
    if kind == "fcn8s-atonce":  # fixed scales before the skips
        layers += [("scale_pool4", stand_ins.DROPOUT, ()), ("scale_pool3", stand_ins.DROPOUT, ())]
        arrays |= {"scale_pool4": [np.full(64, 0.01, np.float32)], "scale_pool3": [np.full(32, 0.0001, np.float32)]}
    path = tmp_path / "m.caffemodel"
    path.write_bytes(stand_ins.caffemodel(layers, arrays, form))
    done = import_file(path)
    model = done.network
    assert isinstance(model, FCN) and model.class_names[15] == "person" and not model.training
    assert (model.architecture["padding"], model.architecture["at_once"]) == ("paper", kind == "fcn8s-atonce")
    assert model.preprocessing == ("bgr", (104.00698793, 116.66876762, 122.67891434), 1.0)
    if torch is None:
        pytest.skip(needs.PYTORCH)
    x = 40 * np.random.default_rng(5).standard_normal((1, 3, 45, 70)).astype(np.float32)
    expected = authors_scores(torch.from_numpy(x), arrays, kind).numpy()
    with mf.no_grad():
        found = model(x).data
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def authors_scores(x, p, kind):
    """The authors' networks as their prototxt has them: 100 pixels, ceil pools, full matrices of upsampling, crops 19, 5, 27, 9, 31."""
    height, width = x.shape[2:]
    maps, border = {}, 100
    for stage, count in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(1, count + 1):
            x, border = nchw(x, p, f"conv{stage}_{number}", padding=border), 1
        x = maps[stage] = F.max_pool2d(x, 2, 2, ceil_mode=True)
    score = lambda x, name: F.conv2d(x, *(torch.from_numpy(each) for each in p[name]))  # noqa: E731
    up = lambda x, name, stride: F.conv_transpose2d(x, torch.from_numpy(p[name][0]), stride=stride)  # noqa: E731
    like = lambda x, other, offset: x[:, :, offset : offset + other.shape[2], offset : offset + other.shape[3]]  # noqa: E731
    y = score(nchw(nchw(x, p, "fc6"), p, "fc7"), "score_fr")
    if kind == "fcn32s":
        return up(y, "upscore", 32)[:, :, 19 : 19 + height, 19 : 19 + width]
    y = up(y, "upscore2", 2)
    scales = (0.01, 0.0001) if kind == "fcn8s-atonce" else (1, 1)
    y = y + like(score(maps[4] * scales[0], "score_pool4"), y, 5)
    if kind == "fcn16s":
        return up(y, "upscore16", 16)[:, :, 27 : 27 + height, 27 : 27 + width]
    y = up(y, "upscore_pool4", 2)
    y = y + like(score(maps[3] * scales[1], "score_pool3"), y, 9)
    return up(y, "upscore8", 8)[:, :, 31 : 31 + height, 31 : 31 + width]


def fault(path, narrow, change, kind="fcn32s", classes=21):
    layers = narrow(stand_ins.fcn(kind, classes))
    arrays = stand_ins.numbers(layers)
    layers, arrays = change(layers, arrays) or (layers, arrays)
    path.write_bytes(stand_ins.caffemodel(layers, arrays))
    return path


def off_diagonal(layers, arrays):
    arrays["upscore"][0][3, 5, 1, 1] = 0.5


def shifted(layers, arrays):
    """Scale layers with a bias, which ours have not."""
    layers, arrays = misscaled(layers, arrays)
    arrays["scale_pool4"] = [np.full(64, 0.01, np.float32), np.ones(64, np.float32)]
    return layers, arrays


def without_scales(layers, arrays):
    return None


def misscaled(layers, arrays):
    arrays |= {"scale_pool4": [np.full(64, 0.02, np.float32)], "scale_pool3": [np.full(32, 0.0001, np.float32)]}
    return [*layers, ("scale_pool4", stand_ins.DROPOUT, ()), ("scale_pool3", stand_ins.DROPOUT, ())], arrays


def test_what_is_said_of_authors_networks_that_are_others(narrow, tmp_path):
    path = tmp_path / "m.caffemodel"
    with pytest.raises(
        WeightsError, match=r"upscore\.0 adds classes to each other while upsampling, which no network here does"
    ):
        import_file(fault(path, narrow, off_diagonal))
    with pytest.raises(
        WeightsError, match=r"not the whole of the authors' vgg16 fcn8s-atonce: there is no scale_pool4, scale_pool3"
    ):
        import_file(fault(path, narrow, without_scales, "fcn8s"), "fcn8s-atonce")
    with pytest.raises(WeightsError, match=r"scale_pool4\.0 multiplies by 0\.02.*, where the network has 0\.01"):
        import_file(fault(path, narrow, misscaled, "fcn8s"))
    with pytest.raises(
        WeightsError, match=r"a network for 40 classes, as those of NYUDv2, .* --mean 116\.190,97\.203,92\.318"
    ):
        import_file(fault(path, narrow, without_scales, classes=40))
    assert import_file(fault(path, narrow, without_scales, classes=60)).network.preprocessing.mean == (
        104.007,
        116.669,
        122.679,
    )


def test_a_network_of_another_size_is_named(tmp_path):
    layers = stand_ins.squeezenet()
    layers[0] = ("conv1", stand_ins.CONVOLUTION, (96, 3, 7, 7))  # as in v1.0
    written(tmp_path / "m.caffemodel", layers)
    with pytest.raises(
        WeightsError,
        match=r"conv1\.0 is 96x3x7x7, which does not fit backbone\.conv1\.weight, 64x3x3x3, of Caffe's squeezenet",
    ):
        import_file(tmp_path / "m.caffemodel")


RAW = {"float16": (2, "<f2"), "float32": (1, "<f4"), "float64": (0, "<f8")}


@pytest.mark.parametrize("kind", RAW)
def test_numbers_in_a_row_of_bytes(kind, tmp_path):
    """BlobProto of NVIDIA's Caffe and of OpenCV, whose shrinkCaffeModel halves a file: raw_data_type 10, raw_data 12. It was called damaged."""
    number, dtype = RAW[kind]
    rng = np.random.default_rng(7)
    arrays = {
        name: [rng.standard_normal(shape).astype(dtype)] for name, layer, shape in stand_ins.squeezenet() if shape
    }
    content = b""
    for name, parts in arrays.items():
        parts.append(rng.standard_normal(len(parts[0])).astype(dtype))
        sides = [proto.block(7, proto.block(1, b"".join(map(proto.varint, each.shape)))) for each in parts]
        said = proto.whole(10, number) if number else b""
        content += proto.layer(
            name,
            "Convolution",
            [side + said + proto.block(12, each.tobytes()) for side, each in zip(sides, parts, strict=True)],
        )
    (tmp_path / "m.caffemodel").write_bytes(content)
    done = import_file(tmp_path / "m.caffemodel")
    found = done.network.state_dict()
    for name, (weight, bias) in arrays.items():
        ours = "classifier" if name == "conv10" else "backbone." + name.replace("/", ".")
        np.testing.assert_array_equal(found[f"{ours}.weight"], weight.astype(np.float32))
        np.testing.assert_array_equal(found[f"{ours}.bias"], bias.astype(np.float32))
    assert ("52 widened" in done.in_words()) == (kind == "float16")


FAULTS = {
    "raw numbers of whole kind": (proto.layer("x", "X", [proto.whole(10, 3) + proto.block(12, b"1234")]), "x, blob 0 holds numbers of the kind 3, which is none that weights have"),
    "half a raw number": (proto.layer("x", "X", [proto.whole(10, 2) + proto.block(12, b"123")]), "x, blob 0 is cut off within a number"),
    "no weights": (proto.layer("x", "Pooling"), "a network without any weights"),
    "a shape that the numbers do not fill": (proto.layer("x", "X", [proto.block(7, proto.block(1, b"\x05")) + proto.packed_floats(5, [1])]), r"x, blob 0 has 1 numbers, which do not fill its shape \(5,\)"),
    "a negative side": (proto.layer("x", "X", [proto.block(7, proto.whole(1, -1)) + proto.packed_floats(5, [1])]), "do not fill"),
    "half a number": (proto.layer("x", "X", [proto.block(5, b"123")]), "field 5 is cut off within a number"),
    "a layer twice": (2 * proto.layer("x", "X", [proto.blob(np.ones(1))]), r"holds x\.0 twice"),
    "text for a layer": (proto.whole(100, 3), "none of the formats|field 100 is a number"),
    "cut off": (proto.layer("x", "X", [proto.blob(np.ones(9))])[:-3], r"cut off: field 100 needs"),
    "text for a kind": (proto.block(2, proto.block(4, "x") + proto.block(5, "Pooling") + proto.block(6, proto.blob(np.ones(1)))), "field 5 is no whole number"),
    "a number for a name": (proto.block(100, proto.whole(1, 7) + proto.block(7, proto.blob(np.ones(1)))), "field 1 is a number where text or a message belongs"),
    "a group, long out of use": (proto.block(1, "n") + b"\x0b", "field 1 of the kind 3, which is no longer in use"),
    "an endless number": (proto.block(1, "n") + b"\x10" + b"\xff" * 12, "a number of more than ten bytes"),
    "field 0": (proto.block(1, "n") + b"\x00\x00", "a message with a field 0"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_files_that_are_damaged(what, tmp_path):
    content, words = FAULTS[what]
    path = tmp_path / "m.caffemodel"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words) as error:
        read_file(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def sift_flow(kind):
    """The authors' network for SIFT Flow: every layer of the head twice, for 33 and for 3 classes."""
    trunk = [row for row in stand_ins.fcn(kind) if not row[0].startswith(("score", "upscore"))]
    ends = [
        (
            f"{name}_{end}",
            layer,
            (classes, classes, *shape[2:]) if layer == stand_ins.DECONVOLUTION else (classes, *shape[1:]),
        )
        for end, classes in (("sem", 33), ("geo", 3))
        for name, layer, shape in stand_ins.fcn(kind)
        if name.startswith(("score", "upscore"))
    ]
    return [*trunk, *ends]


@pytest.mark.parametrize("kind", ["fcn32s", "fcn16s", "fcn8s"])
def test_sift_flow_s_networks_answer_twice_and_one_answer_is_taken(kind, narrow, tmp_path):
    layers = narrow(sift_flow(kind))
    arrays = stand_ins.numbers(layers)
    path = tmp_path / f"siftflow-{kind}-heavy.caffemodel"
    path.write_bytes(stand_ins.caffemodel(layers, arrays))
    heads = {32: 3, 16: 6, 8: 9}[int(kind[3:-1])]  # arrays of one: weights and biases, and upsampling has no bias
    for wanted, classes, end in ((None, 33, "sem"), (f"{kind}-semantic", 33, "sem"), (f"{kind}-geometric", 3, "geo")):
        done = import_file(path, wanted)
        found = done.network.state_dict()
        np.testing.assert_array_equal(found["score_fr.weight"], arrays[f"score_fr_{end}"][0])
        np.testing.assert_array_equal(found["score_fr.bias"], arrays[f"score_fr_{end}"][1])
        np.testing.assert_array_equal(found["upscore.weight"].shape[:2], (classes, 1))
        np.testing.assert_array_equal(found["backbone.conv3_2.weight"], arrays["conv3_2"][0])
        assert done.network.preprocessing == ("bgr", (114.578, 115.294, 108.353), 1.0)
        assert len(done.left) == heads
        assert {why.split(",")[0] for why in done.left.values()} == {
            f"the {'geometric' if end == 'sem' else 'semantic'} head"
        }
    assert f"score_fr_sem.0: left, the semantic head, which --as {kind}-semantic takes" in done.lines()
    assert done.title == f"the authors' vgg16 {kind}, the geometric head"


def depth(name):
    return f"{name}_bgrd" if name == "conv1_1" else name


def test_networks_of_more_than_a_picture_are_called_what_they_are(narrow, tmp_path):
    """NYUDv2's colours with depth, and with HHA: neither is an unknown network, nor a part of one."""
    path, layers = tmp_path / "m.caffemodel", narrow(stand_ins.fcn("fcn32s", 40))
    four = [
        (depth(name), kind, (shape[0], 4, *shape[2:]) if name == "conv1_1" else shape) for name, kind, shape in layers
    ]
    path.write_bytes(stand_ins.caffemodel(four, stand_ins.numbers(four)))
    words = r"m\.caffemodel: the authors' network of NYUDv2's colours and {}"
    with pytest.raises(
        WeightsError, match=words.format(r"depth: its first layer reads four channels, and a picture has three")
    ):
        import_file(path)
    two = [(f"{name}{end}", kind, shape) for end in ("color", "hha") for name, kind, shape in layers[:-1]] + layers[-1:]
    path.write_bytes(stand_ins.caffemodel(two, stand_ins.numbers(two)))
    with pytest.raises(
        WeightsError, match=words.format("HHA: two networks whose scores are averaged, and a model file holds one")
    ):
        import_file(path)
