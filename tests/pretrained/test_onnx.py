"""ONNX graphs, built here from the field numbers of onnx.proto, as several exporters write the same network. No name is trusted."""

import numpy as np
import pytest

from minifcn.pretrained import import_file
from minifcn.weights import WeightsError
from minifcn.weights.formats.files import read_file

from . import proto, stand_ins


class Graph:
    """A graph that grows node by node, under the names of one exporter."""

    def __init__(self, arrays, naming, raw=True):
        self.arrays, self.naming, self.raw = arrays, naming, raw
        self.nodes, self.tensors, self.count = [], [], 0

    def out(self):
        self.count += 1
        return f"t{self.count}"

    def constant(self, layer, part, array):
        name = self.naming(layer, part, len(self.tensors))
        self.tensors.append(proto.tensor(name, array, self.raw))
        return name

    def add(self, operation, inputs, **attributes):
        self.nodes.append(proto.node(operation, inputs, [made := self.out()], **attributes))
        return made

    def conv(self, x, layer, stride=1, padding=0, relu=True, **attributes):
        weight, bias = self.arrays[layer]
        names = [self.constant(layer, "w", weight), self.constant(layer, "b", bias)]
        x = self.add(
            "Conv", [x, *names], kernel_shape=weight.shape[2:], strides=[stride] * 2, pads=[padding] * 4, **attributes
        )
        return self.add("Relu", [x]) if relu else x

    def pool(self, x, **attributes):
        return self.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], **attributes)

    def content(self):
        return proto.model(self.nodes, self.tensors)


NAMINGS = {
    "caffe2": lambda layer, part, number: f"{layer}_{part}_0",
    "mxnet": lambda layer, part, number: f"squeezenet0_conv{number // 2}_{ {'w': 'weight', 'b': 'bias'}[part] }".replace(" ", ""),
    "numbers": lambda layer, part, number: f"onnx::Conv_{500 + number}",
}  # fmt: skip


def squeezenet_graph(naming="caffe2", raw=True, arrays=None, stride=2, ends="gap"):
    graph = Graph(arrays or stand_ins.numbers(stand_ins.squeezenet()), NAMINGS[naming], raw)
    x = graph.pool(graph.conv("data", "conv1", stride))
    for number in range(2, 10):
        x = graph.pool(x) if number in (4, 6) else x
        x = graph.conv(x, f"fire{number}/squeeze1x1")
        ways = [graph.conv(x, f"fire{number}/expand1x1"), graph.conv(x, f"fire{number}/expand3x3", padding=1)]
        x = graph.add("Concat", ways, axis=1)
    ratio = graph.constant("dropout", "ratio", np.array(0.5, np.float32)) if ends == "ratio" else None
    x = graph.add("Dropout", [x, ratio] if ratio else [x])
    graph.add("GlobalAveragePool", [graph.conv(x, "conv10")])
    return graph


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("naming", NAMINGS)
def test_squeezenet_whatever_its_names_are(naming, raw, tmp_path):
    graph = squeezenet_graph(naming, raw)
    (tmp_path / "m.onnx").write_bytes(graph.content())
    done = import_file(tmp_path / "m.onnx")
    found = done.network.state_dict()
    assert len(found) == 52 and done.left == {}
    for name, (weight, bias) in graph.arrays.items():
        ours = "classifier" if name == "conv10" else "backbone." + name.replace("/", ".")
        np.testing.assert_array_equal(found[f"{ours}.weight"], weight)
        np.testing.assert_array_equal(found[f"{ours}.bias"], bias)
    # Caffe2's names come from Caffe's weights; all others are taken for PyTorch's, and that is said
    assert done.network.preprocessing.channels == ("bgr" if naming == "caffe2" else "rgb")


def inception(graph, x, name, order):
    """The four ways, written in `order`: exporters follow their own."""
    way = f"inception_{name}/"
    ways = {
        "1x1": lambda: graph.conv(x, way + "1x1"),
        "3x3": lambda: graph.conv(graph.conv(x, way + "3x3_reduce"), way + "3x3", padding=1),
        "5x5": lambda: graph.conv(graph.conv(x, way + "5x5_reduce"), way + "5x5", padding=2),
        "pool": lambda: graph.conv(graph.add("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4), way + "pool_proj"),
    }
    made = {each: ways[each]() for each in order}
    return graph.add("Concat", [made[each] for each in ways], axis=1)


def googlenet_graph(order, matrix="gemm"):
    graph = Graph(stand_ins.numbers(stand_ins.googlenet()), NAMINGS["numbers"])
    x = graph.add("LRN", [graph.pool(graph.conv("data", "conv1/7x7_s2", 2, 3))], size=5)
    x = graph.add("LRN", [graph.conv(graph.conv(x, "conv2/3x3_reduce"), "conv2/3x3", padding=1)], size=5)
    x = graph.pool(x)
    for name in stand_ins.INCEPTIONS:
        x = inception(graph, graph.pool(x) if name in ("4a", "5a") else x, name, order)
    x = graph.add(
        "Reshape",
        [graph.add("AveragePool", [x], kernel_shape=[7, 7]), graph.constant("shape", "w", np.array([1, 1024]))],
    )
    weight, bias = graph.arrays["loss3/classifier"]
    if matrix == "gemm":
        graph.add("Gemm", [x, graph.constant("fc", "w", weight), graph.constant("fc", "b", bias)], transB=1)
    elif matrix == "gemm turned":
        graph.add("Gemm", [x, graph.constant("fc", "w", weight.T), graph.constant("fc", "b", bias)])
    else:
        graph.add(
            "Add", [graph.add("MatMul", [x, graph.constant("fc", "w", weight.T)]), graph.constant("fc", "b", bias)]
        )
    return graph


@pytest.mark.parametrize(
    "order, matrix",
    [
        (("1x1", "3x3", "5x5", "pool"), "gemm"),
        (("pool", "3x3", "1x1", "5x5"), "gemm turned"),
        (("5x5", "3x3", "1x1", "pool"), "matmul and add"),
    ],
)
def test_googlenet_in_any_order_of_its_branches(order, matrix, tmp_path):
    """3b has two 1x1 convolutions of one shape side by side: only what reads them tells them apart."""
    graph = googlenet_graph(order, matrix)
    (tmp_path / "m.onnx").write_bytes(graph.content())
    done = import_file(tmp_path / "m.onnx")
    found, arrays = done.network.state_dict(), graph.arrays
    parts = {
        "conv1x1": "1x1",
        "reduce3x3": "3x3_reduce",
        "conv3x3": "3x3",
        "reduce5x5": "5x5_reduce",
        "conv5x5": "5x5",
        "project": "pool_proj",
    }
    for name in stand_ins.INCEPTIONS:
        for ours, theirs in parts.items():
            np.testing.assert_array_equal(
                found[f"backbone.inception_{name}.{ours}.weight"], arrays[f"inception_{name}/{theirs}"][0]
            )
    np.testing.assert_array_equal(found["classifier.weight"].reshape(1000, 1024), arrays["loss3/classifier"][0])
    np.testing.assert_array_equal(found["classifier.bias"], arrays["loss3/classifier"][1])
    assert list(done.left.values()) == ["a setting of the graph (int64)"]


def test_numbers_in_a_file_beside(tmp_path):
    """As PyTorch's newer exporter writes them: location, offset, length."""
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    (tmp_path / "m.onnx.data").write_bytes(b"12345678" + array.tobytes())

    def written(**said):
        pairs = b"".join(proto.block(13, proto.block(1, key) + proto.block(2, value)) for key, value in said.items())
        tensor = (
            proto.whole(1, 3) + proto.whole(1, 4) + proto.whole(2, 1) + proto.block(8, "x") + proto.whole(14, 1) + pairs
        )
        (tmp_path / "m.onnx").write_bytes(proto.model([], [tensor]))
        return tmp_path / "m.onnx"

    found = read_file(written(location="m.onnx.data", offset="8", length="48")).entries["x"]
    np.testing.assert_array_equal(found.array, array)
    for said in (
        dict(location="./m.onnx.data", offset="8", length="48"),
        dict(location="m.onnx.data", offset="8"),
    ):  # as long as its shape says
        np.testing.assert_array_equal(read_file(written(**said)).entries["x"].array, array)
    for said, words in (
        (
            dict(location="gone.data", offset="0", length="48"),
            r"x lies in another file, 'gone\.data', which is not there: put it beside",
        ),
        (dict(location="../m.onnx.data", offset="0", length="48"), "only one beside this one is read"),
        (dict(location="/etc/passwd", offset="0", length="48"), "only one beside this one is read"),
        (dict(location="..", offset="0", length="48"), "only one beside this one is read"),
        (dict(location="m.onnx.data", offset="48", length="48"), "x is cut off in m.onnx.data"),
        (dict(location="m.onnx.data", offset="-8", length="48"), "not said where"),
        (dict(location="m.onnx.data", offset="0", length="44"), "x has 11 numbers, which do not fill its shape"),
    ):
        with pytest.raises(WeightsError, match=words):
            read_file(written(**said))


def test_every_kind_of_numbers_and_constants_in_nodes(tmp_path):
    half = np.array([1.5, -2], np.float16)
    loose_half = (
        proto.whole(1, 2)
        + proto.whole(2, 10)
        + proto.block(8, "loose half")
        + b"".join(proto.whole(5, int(each)) for each in half.view(np.uint16))
    )
    brain = (
        proto.whole(1, 1)
        + proto.whole(2, 16)
        + proto.block(8, "brain")
        + proto.block(9, (np.array([3.140625], "<f4").view("<u4") >> 16).astype("<u2").tobytes())
    )
    tensors = [
        proto.tensor("half", half),
        loose_half,
        brain,
        proto.tensor("double", np.array([0.1])),
        proto.tensor("long", np.array([-3, 4])),
    ]
    constant = (
        proto.block(2, "in a node")
        + proto.block(4, "Constant")
        + proto.block(5, proto.block(1, "value") + proto.block(5, proto.tensor("", np.ones(2, np.float32))))
    )
    (tmp_path / "m.onnx").write_bytes(proto.model([constant], tensors))
    found = read_file(tmp_path / "m.onnx").entries
    assert {name: (entry.kind, np.asarray(entry.array).tolist()) for name, entry in found.items() if name != "brain"} == {
        "half": ("float16", [1.5, -2]), "loose half": ("float16", [1.5, -2]), "double": ("float64", [0.1]), "long": ("int64", [-3, 4]),
        "in a node": ("float32", [1, 1]),
    }  # fmt: skip
    assert found["brain"].float32().tolist() == [3.140625]


def test_a_graph_whose_windows_move_otherwise(tmp_path):
    (tmp_path / "m.onnx").write_bytes(squeezenet_graph(stride=1).content())
    with pytest.raises(
        WeightsError,
        match=r"a graph with 26 layers of weights that is no network known here \(.*squeezenet: there is no backbone\.conv1 \(64, 3, 3, 3\)",
    ):
        import_file(tmp_path / "m.onnx")


def test_the_ratio_of_dropout_is_no_weight(tmp_path):
    (tmp_path / "m.onnx").write_bytes(squeezenet_graph(ends="ratio").content())
    done = import_file(tmp_path / "m.onnx")
    assert done.left == {"dropout_ratio_0": "a setting of the graph (float32)"}


def test_pictures_that_the_graph_prepares_itself(tmp_path):
    """A factor in the graph would be lost without a word, and every score be wrong."""
    graph = squeezenet_graph()
    graph.nodes.insert(0, proto.node("Mul", ["picture", graph.constant("factor", "w", np.float32(0.017))], ["data"]))
    (tmp_path / "m.onnx").write_bytes(graph.content())
    with pytest.raises(
        WeightsError,
        match=r"its graph works factor_w_0 into the picture before the first layer: say what that is with --channels",
    ):
        import_file(tmp_path / "m.onnx")
    from minifcn.models import Preprocessing

    done = import_file(
        tmp_path / "m.onnx", ignore=["factor_w_0"], preprocessing=Preprocessing("rgb", (1.0, 2.0, 3.0), 0.017)
    )
    assert done.network.preprocessing == ("rgb", (1.0, 2.0, 3.0), 0.017)


def test_torchvision_s_googlenet_prepares_them_in_a_known_way():
    from minifcn.models.preprocessing import DEFAULTS, TORCHVISION
    from minifcn.pretrained.known import TRANSFORM_INPUT

    picture = np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8)
    usual, ours = TORCHVISION(picture), DEFAULTS["googlenet-torchvision"](picture)
    factor, shift = (np.reshape(TRANSFORM_INPUT[part], (1, 3, 1, 1)) for part in (slice(3), slice(3, 6)))
    np.testing.assert_allclose(usual * factor + shift, ours, atol=1e-6)


FAULTS = {
    "no graph": (proto.whole(1, 8), "a model without a graph"),
    "no network": (proto.model([], [proto.tensor("x", np.ones(2, np.float32))]), None),
    "text": (proto.model([], [proto.whole(2, 8) + proto.block(8, "x")]), "x holds numbers of the kind 8, which is none that weights have"),
    "sparse": (proto.whole(1, 8) + proto.block(7, proto.block(15, b"")), "its weights are sparse; save them dense"),
    "a name twice": (proto.model([], 2 * [proto.tensor("x", np.ones(2, np.float32))]), "holds x twice"),
    "too few numbers": (proto.model([], [proto.whole(1, 5) + proto.whole(2, 1) + proto.block(8, "x") + proto.block(9, b"1234")]), r"x has 1 numbers, which do not fill its shape \(5,\)"),
    "half a number": (proto.model([], [proto.whole(1, 1) + proto.whole(2, 1) + proto.block(8, "x") + proto.block(9, b"123")]), "x is cut off within a number"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_files_that_are_damaged(what, tmp_path):
    content, words = FAULTS[what]
    (tmp_path / "m.onnx").write_bytes(content)
    if words is None:
        with pytest.raises(
            WeightsError, match=r"m\.onnx: holds x, which are not the names of a network that is known here"
        ):
            import_file(tmp_path / "m.onnx")
        return
    with pytest.raises(WeightsError, match=words):
        read_file(tmp_path / "m.onnx")
