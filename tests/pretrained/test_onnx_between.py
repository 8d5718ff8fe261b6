"""Graphs with the layers of a known network and something else between them, or with their numbers in another place: all of it valid ONNX."""

import numpy as np
import pytest

from minifcn.pretrained import import_file
from minifcn.pretrained.laying import laid
from minifcn.pretrained.recognise import recognised
from minifcn.weights import WeightsError
from minifcn.weights.formats.files import read_file

from . import proto, stand_ins
from .test_onnx import NAMINGS, Graph

ARRAYS = {}
CHANGED = "fire5/expand3x3"  # 3x3, stride 1, padding 1


def numbers():
    if not ARRAYS:
        ARRAYS.update(stand_ins.numbers(stand_ins.squeezenet()))
    return ARRAYS


class Network(Graph):
    """SqueezeNet. `conv`, `act`, `pool`, `before` are written otherwise where they are given; they see the graph first."""

    def __init__(self, convolve=None, act=None, pooled=None, before=None):
        super().__init__(numbers(), NAMINGS["numbers"])
        self.convolve, self.act, self.pooled, self.before = convolve, act, pooled, before

    def conv(self, x, layer, stride=1, padding=0):
        if self.convolve and layer == CHANGED:
            x = self.convolve(self, x, *self.arrays[layer])
        else:
            weight, bias = self.arrays[layer]
            names = [self.constant(layer, "w", weight), self.constant(layer, "b", bias)]
            x = self.add("Conv", [x, *names], strides=[stride] * 2, pads=[padding] * 4)
        return self.act(self, x, layer) if self.act else self.add("Relu", [x])

    def pool(self, x):
        return self.pooled(self, x) if self.pooled else super().pool(x)

    def held(self, array):
        return self.constant("held", "w", array)

    def written(self):
        x = self.before(self, "data") if self.before else "data"
        x = self.pool(self.conv(x, "conv1", 2))
        for number in range(2, 10):
            x = self.pool(x) if number in (4, 6) else x
            x = self.conv(x, f"fire{number}/squeeze1x1")
            ways = [self.conv(x, f"fire{number}/expand1x1"), self.conv(x, f"fire{number}/expand3x3", padding=1)]
            x = self.add("Concat", ways, axis=1)
        self.add("GlobalAveragePool", [self.conv(x, "conv10")])
        return self


def found_in(graph, folder):
    (folder / "m.onnx").write_bytes(graph.content())
    contents = read_file(folder / "m.onnx")
    return contents, recognised(contents, "squeezenet")


def brought(graph, folder):
    """The whole import, and the weight and bias of the convolution that is written otherwise."""
    (folder / "m.onnx").write_bytes(graph.content())
    done = import_file(folder / "m.onnx", "squeezenet")
    state = done.network.state_dict()
    return done, *(state[f"backbone.fire5.expand3x3.{part}"] for part in ("weight", "bias"))


WINDOW = dict(strides=[1, 1], pads=[1] * 4)


def with_bias(make, **window):
    """A convolution whose bias is what `make(graph, bias)` calls it."""

    def convolve(graph, x, weight, bias):
        return graph.add("Conv", [x, graph.held(weight), make(graph, bias)], **(window or WINDOW))

    return convolve


def by_node(operation, *inputs, **attributes):
    return lambda graph, bias: graph.add(
        operation, [graph.held(bias), *[graph.held(each) for each in inputs]], **attributes
    )


BIASES = {
    "Constant, value": lambda g, b: g.add("Constant", [], value=proto.tensor("", b)),
    "Constant, value_floats": lambda g, b: g.add("Constant", [], value_floats=[float(each) for each in b]),
    "Identity": by_node("Identity"),
    "Cast from float16": lambda g, b: g.add("Cast", [g.held(b.astype(np.float16))], to=1),
    "Cast from float64": lambda g, b: g.add("Cast", [g.held(b.astype(np.float64))], to=1),
    "CastLike the picture": lambda g, b: g.add("CastLike", [g.held(b), "data"]),
    "Reshape": by_node("Reshape", np.array([-1])),
    "Reshape, the first side kept": lambda g, b: g.add("Reshape", [g.held(b[:, None]), g.held(np.array([0]))]),
    "Squeeze": lambda g, b: g.add("Squeeze", [g.held(b[:, None, None])]),
    "Squeeze, axes": lambda g, b: g.add("Squeeze", [g.held(b[None, :, None])], axes=[0, 2]),
    "Squeeze, axes of version 13": lambda g, b: g.add("Squeeze", [g.held(b[:, None]), g.held(np.array([1]))]),
    "Unsqueeze and back": lambda g, b: g.add("Squeeze", [g.add("Unsqueeze", [g.held(b)], axes=[0, 1])]),
}


@pytest.mark.parametrize("way", BIASES)
def test_a_bias_wherever_the_graph_holds_it(way, tmp_path):
    """`value_floats` was not seen, so the bias was taken for one of zeros, in silence."""
    done, _, bias = brought(Network(with_bias(BIASES[way])).written(), tmp_path)
    assert not {why for why in done.left.values() if "float" in why}  # nothing that it was made of
    exact = numbers()[CHANGED][1]
    assert bias.tolist() == (exact.astype(np.float16) if way == "Cast from float16" else exact).tolist()


def plus(shape, first=False, last=False):
    """A convolution without a bias, and a sum behind it with an array of `shape`."""

    def convolve(graph, x, weight, bias):
        made = graph.add("Conv", [x, graph.held(weight)], **WINDOW)
        made = graph.add("Transpose", [made], perm=[0, 2, 3, 1]) if last else made
        pair = [made, graph.held(np.ascontiguousarray(bias.reshape(shape)))]
        made = graph.add("Add", pair[::-1] if first else pair)
        return graph.add("Transpose", [made], perm=[0, 3, 1, 2]) if last else made

    return convolve


@pytest.mark.parametrize(
    "shape, options",
    [((-1, 1, 1), {}), ((1, -1, 1, 1), {}), ((-1, 1, 1), dict(first=True)), ((-1,), dict(last=True)), ((1, 1, 1, -1), dict(last=True))],
)  # fmt: skip
def test_a_bias_that_is_added_behind(shape, options, tmp_path):
    """As TensorFlow's converters write it, and who folds constants."""
    _, weight, bias = brought(Network(plus(shape, **options)).written(), tmp_path)
    assert weight.tolist() == numbers()[CHANGED][0].tolist() and bias.tolist() == numbers()[CHANGED][1].tolist()


@pytest.mark.parametrize("shape, options", [((-1,), {}), ((1, -1, 1), {}), ((-1, 1, 1), dict(last=True))])
def test_a_sum_along_another_axis_is_no_bias(shape, options, tmp_path):
    """(C,) is a number a column where rows and columns follow: right for pictures of one width, and no bias."""
    with pytest.raises(WeightsError, match="it has nothing where the graph has Add"):
        brought(Network(plus(shape, **options)).written(), tmp_path)


@pytest.mark.parametrize("kind", [np.float64, np.float16, None])
def test_an_array_that_several_layers_read(kind, tmp_path):
    """Programs that shrink a file keep equal arrays once: here two biases of zeros, in another kind or added behind."""
    graph = Network()
    held, usual = [], graph.conv

    def conv(x, layer, stride=1, padding=0):
        if layer not in ("fire4/expand1x1", "fire4/expand3x3"):
            return usual(x, layer, stride, padding)
        held.append(held[0] if held else graph.held(np.zeros(128, kind) if kind else np.zeros((128, 1, 1), np.float32)))
        inputs = [x, graph.held(numbers()[layer][0])]
        if kind:
            return graph.add(
                "Relu", [graph.add("Conv", [*inputs, graph.add("Cast", [held[0]], to=1)], pads=[padding] * 4)]
            )
        return graph.add("Relu", [graph.add("Add", [graph.add("Conv", inputs, pads=[padding] * 4), held[0]])])

    graph.conv = conv
    (tmp_path / "m.onnx").write_bytes(graph.written().content())
    state = import_file(tmp_path / "m.onnx").network.state_dict()
    for layer in ("expand1x1", "expand3x3"):
        assert not state[f"backbone.fire4.{layer}.bias"].any()
        assert state[f"backbone.fire4.{layer}.weight"].tolist() == numbers()[f"fire4/{layer}"][0].tolist()


QUARTER = proto.tensor("", np.array([0.25], np.float32))
EVERYWHERE = {
    "ConstantOfShape": (lambda g, b: g.add("ConstantOfShape", [g.held(np.array([len(b)]))], value=QUARTER), 0.25),
    "ConstantOfShape, of nothing said": (lambda g, b: g.add("ConstantOfShape", [g.held(np.array([len(b)]))]), 0),
    "Expand": (lambda g, b: g.add("Expand", [g.add("Constant", [], value_float=0.25), g.held(np.array([len(b)]))]), 0.25),
    "Expand, by the shape of an array": (
        lambda g, b: g.add("Expand", [g.add("Constant", [], value_float=0.25), g.add("Shape", [g.held(b[:, None])], end=1)]),
        0.25,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", EVERYWHERE)
def test_a_bias_of_one_number_everywhere(way, tmp_path):
    make, value = EVERYWHERE[way]
    contents, found = found_in(Network(with_bias(make)).written(), tmp_path)
    bias = contents.entries[found.layers["backbone.fire5.expand3x3"]["bias"]].float32()
    assert bias.shape == numbers()[CHANGED][1].shape and set(bias.tolist()) == {value}


def weight_behind(operation, *inputs):
    def convolve(graph, x, weight, bias):
        made = graph.add(operation, [graph.held(weight), *[graph.held(each) for each in inputs]])
        return graph.add("Conv", [x, made, graph.held(bias)], **WINDOW)

    return convolve


def of_the_picture(graph, x, weight, bias):
    return graph.add("Conv", [x, graph.add("Reshape", ["data", graph.held(np.array(weight.shape))])], **WINDOW)


def normed(graph, x, weight, bias):
    made = graph.add("Conv", [x, graph.held(weight)], **WINDOW)
    four = [graph.held(bias) for _ in range(4)]
    return graph.add("BatchNormalization", [made, graph.add("Neg", four[:1]), *four[1:]])


WORKED_OUT = {
    "a bias": (with_bias(by_node("Mul", np.array(2, np.float32))), r"t\d+, of Conv, from constants, by Mul"),
    "a bias, by two steps": (
        with_bias(lambda g, b: g.add("Neg", [g.add("Neg", [g.held(b)])])),
        r"t\d+, of Conv, from constants, by Neg",
    ),
    "a weight": (weight_behind("Mul", np.array(2, np.float32)), r"t\d+, of Conv, from constants, by Mul"),
    "a weight, of the picture": (of_the_picture, r"t\d+, of Conv, as it runs"),
    "a scale of a batch norm": (normed, r"t\d+, of BatchNormalization, from constants, by Neg"),
}


@pytest.mark.parametrize("what", WORKED_OUT)
def test_what_the_graph_works_out_is_refused_by_name(what, tmp_path):
    convolve, words = WORKED_OUT[what]
    with pytest.raises(
        WeightsError, match=f"its graph works out {words}; fold its constants before, for example with onnxsim"
    ):
        found_in(Network(convolve).written(), tmp_path)


def test_a_constant_that_asks_for_much_memory_is_not_made(tmp_path):
    make = lambda g, b: g.add("ConstantOfShape", [g.held(np.array([1 << 40]))])  # noqa: E731
    with pytest.raises(WeightsError, match="of Conv, from constants, by ConstantOfShape"):
        found_in(Network(with_bias(make)).written(), tmp_path)


def padded(pads, *more, window=None, **attributes):
    """Zeros around the map by a Pad of its own, as TensorFlow's converters write them."""

    def convolve(graph, x, weight, bias):
        x = graph.add("Pad", [x, graph.held(np.array(pads)), *[graph.held(each) for each in more]], **attributes)
        return graph.add("Conv", [x, graph.held(weight), graph.held(bias)], **(window or {}))

    return convolve


as_it_is = lambda graph, bias: graph.held(bias)  # noqa: E731
AROUND = [0, 0, 1, 1, 0, 0, 1, 1]
WINDOWS = {
    "SAME_UPPER": with_bias(as_it_is, auto_pad="SAME_UPPER"),
    "SAME_LOWER": with_bias(as_it_is, auto_pad="SAME_LOWER"),
    "NOTSET": with_bias(as_it_is, auto_pad="NOTSET", pads=[1] * 4),
    "a Pad": padded(AROUND),
    "a Pad that says 0": padded(AROUND, np.array(0, np.float32), mode="constant"),
}
OTHER_WINDOWS = {
    "no pads": with_bias(as_it_is, strides=[1, 1]),
    "VALID": with_bias(as_it_is, auto_pad="VALID"),
    "a Pad and pads": lambda g, x, w, b: with_bias(as_it_is)(g, g.add("Pad", [x, g.held(np.array(AROUND))]), w, b),
    "dilated": with_bias(as_it_is, pads=[1] * 4, dilations=[2, 2]),
}
OTHERWISE_PADDED = {
    "of one side alone": (padded([0, 0, 0, 0, 0, 0, 2, 2]), None),
    "of channels": (padded([0, 1, 1, 1, 0, 1, 1, 1], window=WINDOW), "it has nothing where the graph has Pad"),
    "of ones": (padded(AROUND, np.array(1, np.float32), window=WINDOW), "it has nothing where the graph has Pad"),
    "mirrored": (padded(AROUND, mode="reflect", window=WINDOW), "it has nothing where the graph has Pad"),
}


@pytest.mark.parametrize("way", WINDOWS)
def test_windows_however_they_are_written(way, tmp_path):
    assert found_in(Network(WINDOWS[way]).written(), tmp_path)[1].names.network == "squeezenet"


@pytest.mark.parametrize("way", OTHER_WINDOWS)
def test_what_is_left_out_is_onnx_s_usual_value(way, tmp_path):
    with pytest.raises(
        WeightsError, match=r"squeezenet: there is no backbone\.fire5\.expand3x3 \(128, 32, 3, 3\) where it would be"
    ):
        found_in(Network(OTHER_WINDOWS[way]).written(), tmp_path)


@pytest.mark.parametrize("way", OTHERWISE_PADDED)
def test_a_pad_that_is_no_frame_of_zeros(way, tmp_path):
    convolve, words = OTHERWISE_PADDED[way]
    with pytest.raises(WeightsError, match=words or r"there is no backbone\.fire5\.expand3x3"):
        found_in(Network(convolve).written(), tmp_path)


def test_the_same_size_with_a_stride_depends_on_the_picture(tmp_path):
    graph = Network()
    graph.conv, usual = None, graph.conv

    def conv(x, layer, stride=1, padding=0):
        if layer != "conv1":
            return usual(x, layer, stride, padding)
        names = [graph.held(each) for each in numbers()[layer]]
        return graph.add("Relu", [graph.add("Conv", [x, *names], strides=[2, 2], auto_pad="SAME_UPPER")])

    graph.conv = conv
    with pytest.raises(WeightsError, match=r"squeezenet: there is no backbone\.conv1 "):
        found_in(graph.written(), tmp_path)


def only(layer, operation, *inputs, **attributes):
    """`operation` behind one layer, ReLU behind the others."""

    def act(graph, x, name):
        if name != layer:
            return graph.add("Relu", [x])
        return graph.add(operation, [x, *[graph.held(each) for each in inputs]], **attributes)

    return act


def relu_then(operation, *inputs, **attributes):
    def act(graph, x, name):
        x = graph.add("Relu", [x])
        return (
            only("fire5/squeeze1x1", operation, *inputs, **attributes)(graph, x, name)
            if name == "fire5/squeeze1x1"
            else x
        )

    return act


ZERO, SIX, ONES = np.array(0, np.float32), np.array(6, np.float32), np.ones(32, np.float32)
ACTS = {
    "LeakyRelu": (only("fire5/squeeze1x1", "LeakyRelu", alpha=0.1), "Relu where the graph has LeakyRelu"),
    "Sigmoid": (only("fire5/squeeze1x1", "Sigmoid"), "Relu where the graph has Sigmoid"),
    "nothing": (only("fire5/squeeze1x1", "Identity"), "Relu where the graph has nothing"),
    "at least 1": (only("fire5/squeeze1x1", "Max", np.array(1, np.float32)), "Relu where the graph has Max"),
    "up to 6, by attributes": (only("fire5/squeeze1x1", "Clip", min=0.0, max=6.0), "Relu where the graph has Clip"),
    "up to 6": (only("fire5/squeeze1x1", "Clip", ZERO, SIX), "Relu where the graph has Clip"),
    "twice as much": (relu_then("Mul", np.array(2, np.float32)), "nothing where the graph has Mul"),
    "resized": (relu_then("Resize"), "nothing where the graph has Resize"),
    "turned": (relu_then("Transpose", perm=[0, 1, 3, 2]), r"nothing where the graph has Transpose to \(0, 1, 3, 2\)"),
    "an average": (relu_then("AveragePool", kernel_shape=[3, 3]), "nothing where the graph has average"),
    "somebody's own": (relu_then("Swish"), "nothing where the graph has Swish"),
}  # fmt: skip


@pytest.mark.parametrize("what", ACTS)
def test_another_activation_is_another_network(what, tmp_path):
    act, words = ACTS[what]
    with pytest.raises(WeightsError, match=rf"squeezenet: before backbone\.fire5\.expand1x1 it has {words}"):
        found_in(Network(act=act).written(), tmp_path)


INFINITE, MOST = np.array(np.inf, np.float32), np.array(np.finfo(np.float32).max)


@pytest.mark.parametrize("act", [
    only("fire5/squeeze1x1", "Clip", ZERO, INFINITE), only("fire5/squeeze1x1", "Clip", ZERO, MOST),
    only("fire5/squeeze1x1", "Clip", min=0.0, max=float(MOST)), only("fire5/squeeze1x1", "Max", ZERO),
    only("fire5/squeeze1x1", "Clip", ZERO), only("fire5/squeeze1x1", "Clip", min=0.0), relu_then("Dropout"), relu_then("Cast", to=1),
    relu_then("AveragePool", kernel_shape=[1, 1]),
])  # fmt: skip
def test_what_gives_the_same_numbers_is_the_same_network(act, tmp_path):
    found_in(Network(act=act).written(), tmp_path)


def test_a_batch_norm_behind_the_relu_is_not_folded_into_the_convolution(tmp_path):
    act = relu_then("BatchNormalization", ONES, ONES, ONES, ONES)
    with pytest.raises(WeightsError, match="squeezenet: it has 26"):
        found_in(Network(act=act).written(), tmp_path)


def test_a_sum_behind_the_relu_is_no_bias(tmp_path):
    """A convolution without a bias, ReLU, then a constant is added."""

    def act(graph, x, name):
        x = graph.add("Relu", [x])
        return graph.add("Add", [x, graph.held(numbers()[CHANGED][1][:, None, None])]) if name == CHANGED else x

    without = lambda graph, x, weight, bias: graph.add("Conv", [x, graph.held(weight)], **WINDOW)  # noqa: E731
    with pytest.raises(
        WeightsError, match=r"before backbone\.fire6\.squeeze1x1 it has nothing where the graph has Add"
    ):
        found_in(Network(without, act).written(), tmp_path)


POOLS = {
    "averages": lambda g, x: g.add("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2]),
    "of another window": lambda g, x: g.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2]),
    "of another stride": lambda g, x: g.add("MaxPool", [x], kernel_shape=[3, 3]),
    "none": lambda g, x: x,
    "padded": lambda g, x: g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "behind a Pad": lambda g, x: g.add("MaxPool", [g.add("Pad", [x, g.held(np.array(AROUND))])], kernel_shape=[3, 3], strides=[2, 2]),
    "of the same size, more above": lambda g, x: g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
    "dilated": lambda g, x: g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], dilations=[2, 2]),
}  # fmt: skip


@pytest.mark.parametrize("what", POOLS)
def test_other_pools_are_another_network(what, tmp_path):
    with pytest.raises(
        WeightsError, match=r"squeezenet: before backbone\.fire2\.squeeze1x1 it has MaxPool 3x3 by 2x2 where"
    ):
        found_in(Network(pooled=POOLS[what]).written(), tmp_path)


@pytest.mark.parametrize(
    "window",
    [
        dict(pads=[0, 0, 1, 1]),
        dict(ceil_mode=1),
        dict(auto_pad="SAME_UPPER"),
        dict(auto_pad="VALID"),
        dict(dilations=[1, 1]),
    ],
)
def test_how_far_a_pool_reaches_beyond_the_edge_is_no_other_network(window, tmp_path):
    """Caffe's windows do, which ONNX says in several ways."""

    def pooled(g, x):
        return g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], **window)

    found_in(Network(pooled=pooled).written(), tmp_path)


def test_functions_that_the_file_defines_are_told(tmp_path):
    """PyTorch's exporter wrote layers so for a while. What is in them was taken for what a runtime makes."""
    graph = Network(act=lambda g, x, layer: g.add("Relu", [x])).written()
    graph.nodes[1] = graph.nodes[1].replace(b"Relu", b"Mine", 2) + proto.block(7, "my.own")
    function = proto.block(25, proto.block(1, "Mine") + proto.block(10, "my.own"))
    (tmp_path / "m.onnx").write_bytes(graph.content() + function)
    with pytest.raises(
        WeightsError, match=r"calls functions of its own, such as Mine: write them out before, with onnx\.inliner"
    ):
        read_file(tmp_path / "m.onnx")


def test_the_picture_s_channels_turned_round_are_told(tmp_path):
    """Our own export writes BGR so. Only what is picked was noted, as a setting."""
    for before in (
        lambda g, x: g.add("Gather", [x, g.held(np.array([2, 1, 0]))], axis=1),
        lambda g, x: g.add("Slice", [x, *(g.held(np.array([each])) for each in (2, -9, 1, -1))]),
        lambda g, x: g.add("Mul", [x, g.add("Constant", [], value_float=0.017)]),
    ):
        contents, _ = found_in(Network(before=before).written(), tmp_path)
        assert contents.before
    with pytest.raises(WeightsError, match=r"before backbone\.conv1 it has nothing, and the graph has Sqrt"):
        found_in(Network(before=lambda g, x: g.add("Sqrt", [x])).written(), tmp_path)


@pytest.mark.parametrize("how", ["MatMul", "Gemm", "Gemm turned", "Transpose"])
def test_a_matrix_that_meets_channels_last(how, tmp_path):
    """TensorFlow's converters turn the map before they flatten it. Taken for PyTorch's, the inputs of fc6 stood in another order, in silence."""
    rng = np.random.default_rng(2)
    x, kernel = rng.standard_normal((1, 3, 2, 4)), rng.standard_normal((5, 3, 1, 1)).astype(np.float32)
    weight = rng.standard_normal((5 * 2 * 4, 6)).astype(np.float32)  # (rows, columns, channels) x outputs
    graph = Graph({}, NAMINGS["numbers"])
    made = graph.add("Conv", ["data", graph.constant("conv", "w", kernel)])
    made = graph.add("Transpose", [made], perm=[0, 2, 3, 1])
    made = graph.add("Flatten", [made])
    if how == "MatMul":
        graph.add("MatMul", [made, graph.constant("fc", "w", weight)])
    elif how == "Gemm":
        graph.add("Gemm", [made, graph.constant("fc", "w", weight)])
    elif how == "Gemm turned":
        graph.add("Gemm", [made, graph.constant("fc", "w", weight.T)], transB=1)
    else:
        graph.add("MatMul", [made, graph.add("Transpose", [graph.constant("fc", "w", weight.T)])])
    (tmp_path / "m.onnx").write_bytes(graph.content())
    contents = read_file(tmp_path / "m.onnx")
    name = contents.steps[1].arrays[0]
    found = laid(contents.entries[name], (6, 5, 2, 4), name)
    maps = np.einsum("nchw,oc->nohw", x, kernel[:, :, 0, 0])
    expected = maps.transpose(0, 2, 3, 1).reshape(1, -1) @ weight
    np.testing.assert_allclose(np.einsum("nchw,ochw->no", maps, found), expected, rtol=1e-5)


def test_channels_that_were_turned_back_are_as_ever(tmp_path):
    """Behind each convolution to channels last and back, as a converter leaves it that folds nothing."""

    def act(graph, x, name):
        x = graph.add(
            "Transpose", [graph.add("Relu", [graph.add("Transpose", [x], perm=[0, 2, 3, 1])])], perm=[0, 3, 1, 2]
        )
        return x

    found_in(Network(act=act).written(), tmp_path)
    forgotten = lambda g, x, n: g.add("Transpose", [g.add("Relu", [x])], perm=[0, 2, 3, 1])  # noqa: E731
    with pytest.raises(WeightsError, match=r"it has nothing where the graph has Transpose"):
        found_in(Network(act=forgotten).written(), tmp_path)
