"""The picture of a computation: its boxes and arrows against the graph itself, its shapes against real runs, and that it can be read."""

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.autodiff.walk import is_leaf
from minifcn.models.variants import joint_loss
from minifcn.nn.initialisers import undrawn

from .networks import FCNS, NAMES, OTHERS, fcn, named_modules, other, picture, run_watched
from .svgs import check_picture, first_rect, groups, parsed, title_of, words_of


def leaf(value, grad=True):
    return mf.Tensor(np.array(value, float), requires_grad=grad)


def drawn(loss, **options):
    found = mf.draw.graph(loss, **options)
    check_picture(found.svg)
    return found


def kinds(found, *wanted):
    return [box for box in found.boxes if box.kind in wanted]


def arrows(found):
    """(name, name) of the boxes of each arrow."""
    return sorted((found.boxes[arrow.source].name, found.boxes[arrow.target].name) for arrow in found.arrows)


def walked(results):
    """Functions, leaves and arrays without a gradient below the results, and how many inputs there are: by recursion, as one would by hand."""
    functions, leaves, constants, inputs = {}, {}, {}, 0

    def visit(node):
        nonlocal inputs
        if is_leaf(node):
            leaves[id(node)] = node
        elif id(node) not in functions:
            functions[id(node)] = node
            for each in node.inputs:
                inputs += 1
                if each.source is None:
                    constants[id(each.constant)] = each
                else:
                    visit(each.source)

    for result in results:
        visit(result.creator or result)
    return functions, leaves, constants, inputs


def as_dict(result):
    return result if isinstance(result, dict) else {"result": result}


def check_whole(found, results):
    """Every operation, leaf and constant once, every input an arrow; the shapes of the graph along the arrows."""
    functions, leaves, constants, inputs = walked(results)
    assert len(kinds(found, "operation")) == len(functions)
    assert sum(box.gradient for box in kinds(found, "leaf", "parameter")) == len(leaves)
    assert len(kinds(found, "leaf", "parameter")) - len(leaves) <= len(constants)
    assert len(kinds(found, "result")) == len(results) and len(found.arrows) == inputs + len(results)
    names = sorted(type(function).__name__ for function in functions.values())
    assert sorted(box.name for box in kinds(found, "operation")) == names
    given = sorted(each.shape for function in functions.values() for each in function.inputs)
    assert sorted(arrow.shape for arrow in found.arrows) == sorted([*given, *(result.shape for result in results)])


def check_folded(found, whole):
    """What a folded picture leaves out is in its boxes: as many operations and parameters as in the whole one; no arrow leads up."""
    assert sum(box.operations for box in found.boxes) == sum(box.operations for box in whole.boxes)

    def parameters(picture):
        inside = sum(box.parameters for box in picture.boxes)
        return inside + sum(int(np.prod(box.results[0][1])) for box in kinds(picture, "parameter"))

    assert parameters(found) == parameters(whole)


NETWORKS = [(name, lambda case=case: (fcn(case), (1, 3, 45, 64))) for name, case in zip(NAMES, FCNS, strict=True)]
NETWORKS += [(name, lambda name=name: other(name)) for name in OTHERS if not name.endswith("vgg16")]


@pytest.mark.parametrize("make", [make for _, make in NETWORKS], ids=[name for name, _ in NETWORKS])
def test_every_network_against_its_graph_and_a_real_run(make, monkeypatch):
    model, shape = make()
    x = picture(shape)
    result, shapes = run_watched(model, x, monkeypatch)
    results = as_dict(result)
    whole = mf.draw.graph(results, unfold=True, names={"x": x})
    check_whole(whole, list(results.values()))
    parameters = {name: parameter.shape for name, parameter in model.named_parameters()}
    boxes = kinds(whole, "parameter")
    assert {box.name: box.results[0][1] for box in boxes} == parameters and len(boxes) == len(parameters)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {box.name for box in boxes if box.gradient} == trained
    folded = drawn(results, names={"x": x}, unfold="")
    check_folded(folded, whole)
    direct = {name for name in named_modules(model) if "." not in name and name in shapes}
    for box in kinds(folded, "module"):
        if box.full in direct:
            assert box.results == [("", shapes[box.full])], box.full
    assert direct - {"backbone"} <= {box.full for box in kinds(folded, "module")}
    # the trunk open: a box for each of its layers that does anything, with the shape of the real run
    if "backbone" in {box.full for box in kinds(folded, "module")}:
        opened = drawn(results, unfold="backbone")
        check_folded(opened, whole)
        told = {box.full: box.results for box in kinds(opened, "module") if box.full.startswith("backbone.")}
        assert told and all(given == [("", shapes[name])] for name, given in told.items())
        busy = {
            name
            for name in named_modules(model.backbone)
            if "." not in name and not idle(getattr(model.backbone, name))
        }
        assert {name.removeprefix("backbone.") for name in told} >= {
            name for name in busy if f"backbone.{name}" in shapes
        } - unread(model)


def idle(layer):
    """Dropout of nothing passes its input on."""
    return isinstance(layer, nn.Dropout) and layer.p == 0


def unread(model):
    """Layers of the trunk behind the last map that a head reads: no graph leads there."""
    trunk = model.backbone
    return set(trunk.order[1 + max(trunk.order.index(name) for name in trunk.heads.values()) :])


@pytest.mark.parametrize("name", ["classifier-vgg16"])
def test_the_largest_network(name):
    """138 million parameters, of which none is touched but by the run."""
    model, shape = other(name)
    loss = mf.ops.softmax_cross_entropy(model(picture(shape)), np.array([3]))
    found = drawn(loss)
    assert sum(box.parameters for box in found.boxes) == sum(parameter.size for parameter in model.parameters())
    layers = [f"backbone.{name}" for name in model.backbone.order] + ["classifier"]
    assert [box.full for box in kinds(found, "module")] == layers


def test_a_tensor_used_twice_has_two_arrows_and_is_drawn_once():
    x, w = leaf(2.0), leaf(-3.0)
    y = x * w
    found = drawn(y * y + x, names={"x": x, "w": w})
    assert sorted(box.name for box in found.boxes) == ["Add", "Mul", "Mul", "loss", "w", "x"]
    assert arrows(found) == [
        ("Add", "loss"),
        ("Mul", "Add"),
        ("Mul", "Mul"),
        ("Mul", "Mul"),
        ("w", "Mul"),
        ("x", "Add"),
        ("x", "Mul"),
    ]
    assert len(groups(found.svg, "arrow")) == 7
    values = {box.name: box.value for box in found.boxes}
    assert values["x"] == "2" and values["w"] == "-3" and values["loss"] == "38"


@pytest.mark.parametrize("constant", [leaf([1.0, 2.0], grad=False), np.array([1.0, 2.0])], ids=["tensor", "array"])
def test_an_input_without_a_gradient_is_drawn_once_too(constant):
    w = leaf([3.0, 4.0])
    found = drawn((w * constant + constant).sum(), names={"c": constant, "w": w})
    (box,) = [box for box in kinds(found, "leaf") if not box.gradient]
    assert box.name == "c" and sum(found.boxes[arrow.source] is box for arrow in found.arrows) == 2
    assert all(arrow.gradient == (found.boxes[arrow.source] is not box) for arrow in found.arrows)
    dashed = [
        group for group in groups(found.svg, "arrow") if "stroke-dasharray" in str([e.attrib for e in group.iter()])
    ]
    assert len(dashed) == 2 and all("no gradient comes back" in title_of(group) for group in dashed)
    assert "no gradient" in words_of(groups(found.svg, "leaf")[found.boxes.index(box) and 1])


def test_a_constant_that_nobody_keeps_is_still_one_box():
    w = leaf([1.0, 2.0])
    constant = mf.Tensor(np.array([5.0, 6.0]))
    loss = (w + constant + constant).sum()
    del constant
    found = drawn(loss)
    assert len([box for box in kinds(found, "leaf") if not box.gradient]) == 1 and len(kinds(found, "leaf")) == 2


def test_plain_numbers_have_their_value():
    w = leaf([1.0, 2.0])
    found = drawn((w * 3 + 4).sum())
    assert sorted(box.value for box in kinds(found, "leaf") if not box.gradient) == ["3", "4"]


def test_gradients_that_came_and_that_are_to_come():
    x, w, c = leaf(2.0), leaf([[1.0, 2.0]]), leaf(1.0, grad=False)
    (x * w * c).sum().backward()
    v = leaf([3.0])
    found = drawn((x * w * v * c).sum(), names={"x": x, "w": w, "v": v, "c": c})
    boxes = {box.name: box for box in kinds(found, "leaf")}
    assert (boxes["x"].stored, boxes["x"].slope) == (True, "3") and (boxes["w"].stored, boxes["w"].slope) == (True, "")
    assert not boxes["v"].stored and not boxes["c"].gradient
    words = {title_of(group).split()[0]: words_of(group) for group in groups(found.svg, "leaf")}
    assert "gradient 3" in words["x"] and "gradient (1, 2)" in words["w"] and "gradient (1,), none yet" in words["v"]
    assert "no gradient" in words["c"]
    for group in groups(found.svg, "arrow"):
        assert ("the gradient comes back in that shape" in title_of(group)) == (not title_of(group).startswith("c "))


def test_after_backward_the_graph_is_gone_and_the_message_says_what_to_do():
    w = leaf([1.0, 2.0])
    loss = (w * w).sum()
    before = mf.draw.graph(loss)
    loss.backward()
    with pytest.raises(
        ValueError,
        match=r"backward\(\) has walked this graph already \(at Sum\).*before backward\(\), or run the forward again",
    ):
        mf.draw.graph(loss)
    assert len(before.boxes) == 4 and check_picture(before.svg)
    again = (w * w).sum()
    assert [box.stored for box in kinds(mf.draw.graph(again), "leaf")] == [True]
    # a part of the graph is gone
    shared = w * w
    other_loss = shared.sum() + 1
    shared.sum().backward()
    with pytest.raises(ValueError, match=r"at Mul"):
        mf.draw.graph(other_loss)


def test_messages():
    w = leaf([1.0, 2.0])
    with mf.no_grad():
        nothing = w * w
    with pytest.raises(ValueError, match=r"draw\.graph: result has no graph: .*no_grad\(\)\. Make it from"):
        mf.draw.graph(nothing)
    with pytest.raises(TypeError, match=r"draw\.graph: result is of type ndarray; expected a Tensor, such as the loss"):
        mf.draw.graph(w.data)
    with pytest.raises(TypeError, match=r"draw\.graph: b is of type float"):
        mf.draw.graph({"a": w, "b": 1.0})
    with pytest.raises(ValueError, match=r"draw\.graph: there are no results"):
        mf.draw.graph([])
    with pytest.raises(TypeError, match=r"unfold is 3; expected True for all, or names"):
        mf.draw.graph((w * w).sum(), unfold=3)
    with pytest.raises(ValueError, match=r"nothing called 'trunk' to unfold; this graph has no modules"):
        mf.draw.graph((w * w).sum(), unfold="trunk")
    loss = fcn(("tiny", 8, "same", False))(picture((1, 3, 32, 32))).sum()
    with pytest.raises(
        ValueError, match=r"nothing called 'backbon' to unfold; did you mean backbone.*this graph has backbone, "
    ):
        mf.draw.graph(loss, unfold=["backbon"])
    with mf.profile() as p:
        (w + w).sum()
    with pytest.raises(
        ValueError, match=r"the profile has seen no operation of this graph; run the forward inside `with mf\.profile"
    ):
        mf.draw.graph(loss, profile=p)


def test_a_leaf_alone_and_several_results():
    w = leaf([1.0, 2.0])
    found = drawn(w, names={"w": w})
    assert [(box.kind, box.name) for box in found.boxes] == [("leaf", "w"), ("result", "result")]
    y = w * w
    found = drawn([y, y.sum(), w])
    assert [box.name for box in kinds(found, "result")] == ["result 0", "result 1", "result 2"]
    assert len(kinds(found, "operation")) == 2 and len(kinds(found, "leaf")) == 1


def test_folding_by_name():
    model = fcn(("squeezenet", 8, "same", False))
    loss = mf.ops.softmax_cross_entropy(model(picture((1, 3, 45, 64))), np.zeros((1, 45, 64), np.int64))
    closed = drawn(loss, unfold=())
    assert [box.name for box in kinds(closed, "module")] == ["FCN"]
    assert [box.name for box in kinds(closed, "operation")] == ["SoftmaxCrossEntropy"]
    assert [box.name for box in kinds(drawn(loss), "module")] == [
        "backbone",
        "score_fr",
        "upscore_8s",
        "score_fire5",
        "upscore",
    ]
    opened = drawn(loss, unfold="backbone.fire3")
    names = [box.name for box in kinds(opened, "module")]
    assert {"fire2", "squeeze1x1", "expand1x1", "expand3x3", "fire4", "score_fr"} <= set(names) and "fire3" not in names
    inside = {box.of for box in kinds(opened, "operation")}
    assert "fire3" in inside and "fire2" not in inside
    assert mf.draw.graph(loss, unfold=["backbone", "backbone.fire3"]).svg == opened.svg
    whole = drawn(loss, unfold=True)
    for found in (closed, opened):
        check_folded(found, whole)
    # the backbone's two maps: who made them, and their shapes
    (backbone,) = [box for box in drawn(loss).boxes if box.name == "backbone"]
    assert backbone.results == [("fire9", (1, 512, 3, 4)), ("fire5", (1, 256, 6, 8))]


def test_small_graphs_are_drawn_whole_and_large_ones_folded():
    layer = nn.Linear(3, 2)
    small = drawn(layer(np.ones((4, 3), np.float32)).sum())
    assert [box.name for box in kinds(small, "operation")] == ["Transpose", "Matmul", "Add", "Sum"]
    assert [box.full for box in kinds(small, "parameter")] == ["weight", "bias"]
    assert [box.of for box in kinds(small, "operation")] == ["", "", "", "Sum"]
    y = layer(np.ones((4, 3), np.float32))
    for _ in range(30):
        y = mf.ops.relu(y)
    assert [box.name for box in kinds(drawn(y.sum()), "module")] == ["Linear"]


def test_a_module_called_twice_is_two_boxes_and_its_weights_one():
    layer = nn.Linear(3, 3)
    x = np.ones((2, 3), np.float32)
    loss = layer(layer(x)).sum()
    found = drawn(loss, unfold=())
    assert [box.name for box in kinds(found, "module")] == ["Linear", "Linear, call 2"]
    assert [box.full for box in kinds(found, "parameter")] == ["weight", "bias"]
    assert sum(found.boxes[arrow.source].kind == "parameter" for arrow in found.arrows) == 4


def test_names_of_several_modules():
    hidden, out = nn.Linear(3, 4), nn.Linear(4, 1)
    loss = out(mf.ops.relu(hidden(np.ones((2, 3), np.float32)))).sum()
    assert [box.full for box in kinds(drawn(loss), "parameter")] == [
        "Linear 1.weight",
        "Linear 1.bias",
        "Linear 2.weight",
        "Linear 2.bias",
    ]
    named = drawn(loss, names={"hidden": hidden, "out": out})
    assert [box.full for box in kinds(named, "parameter")] == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    model = nn.Sequential(hidden, nn.ReLU(), out)
    assert [box.full for box in kinds(drawn(loss, model=model), "parameter")] == ["layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"]  # fmt: skip


def test_layers_called_one_by_one_fold_with_the_model():
    from minifcn.models.geometry import run_all

    model = fcn(("tiny", 8, "same", False))
    score = run_all(model, picture((1, 3, 32, 32)))["score"]
    found = drawn(score.sum(), model=model)
    assert {"backbone.conv1_1", "score_fr", "upscore"} <= {box.full for box in kinds(found, "module")}


def test_the_joint_loss_of_two_heads():
    model, shape = other("multi")
    scores = model(picture(shape))
    loss = joint_loss(scores, {name: np.zeros((1, 45, 64), np.int64) for name in scores})
    found = drawn(loss)
    assert {"heads.semantic.score_fr", "heads.geometric.score_fr", "backbone"} <= {
        box.full for box in kinds(found, "module")
    }


def test_time_and_memory():
    model = fcn(("tiny", 8, "same", False))
    x = picture((1, 3, 64, 64))
    with mf.profile() as p:
        loss = model(x).sum()
        found = mf.draw.graph(loss, profile=p)
        forward_only = found.svg
        loss.backward()
    check_picture(forward_only)
    check_picture(found.svg)
    assert "backward" not in forward_only and "forward" in forward_only and "backward" in found.svg
    costs = found.costs()
    assert set(costs) == {at for at, box in enumerate(found.boxes) if box.kind in ("operation", "module")}
    for column, direction in ((0, "forward"), (1, "backward")):
        whole = sum(event.seconds for event in p.events if event.direction == direction)
        assert sum(cost[column] for cost in costs.values()) == pytest.approx(whole)
    assert sum(cost[2] for cost in costs.values()) == sum(event.bytes for event in p.events)
    (conv,) = [at for at, box in enumerate(found.boxes) if box.name == "score_pool4"]
    shapes = {event.shapes for event in p.events if event.name == "Conv2d"}
    (mine,) = [shape for shape in shapes if shape[1:] == ((3, 16, 1, 1), (3,)) and shape[0] == (1, 16, 4, 4)]
    own = [event for event in p.events if event.shapes == mine]
    assert costs[conv][0] == sum(event.seconds for event in own if event.direction == "forward") > 0
    # another run of the same network is not counted here
    with mf.profile() as q:
        model(x)
    with pytest.raises(ValueError, match="has seen no operation"):
        mf.draw.graph(model(x).sum(), profile=q)


def test_words_for_time_and_memory():
    w = leaf(np.ones(1000))
    with mf.profile() as p:
        loss = (w * w).sum()
    events = [event._replace(seconds=seconds) for event, seconds in zip(p.events, (0.00123, 2.5), strict=True)]
    p.events = events
    found = drawn(loss, profile=p)
    mul, total = groups(found.svg, "operation")
    assert words_of(mul)[-2:] == ["forward 1.23 ms", "new arrays 7.81 KiB"]
    assert words_of(total)[-2:] == ["forward 2.5 s", "new arrays 0 B"]


def test_a_picture_keeps_no_array_alive():
    x = mf.Tensor(np.ones((50, 50)), requires_grad=True)
    y = x * 2
    loss = (y * y).sum()
    arrays = [weakref.ref(x.data), weakref.ref(y.data)]
    functions = [weakref.ref(loss.creator)]
    with mf.profile() as p:
        pass
    assert p.events == []
    found = mf.draw.graph(loss)
    del x, y, loss
    gc.collect()
    assert [each() for each in arrays + functions] == [None] * 3
    check_picture(found.svg)


def test_names_are_escaped_and_long_ones_cut():
    x = leaf([1.0])
    for name in (
        '<script>alert("&")</script>',
        "a\x00b\x1b",
        "two\nlines",
        "頭" * 60,
        "𝔵" * 10,
        "m" * 300,
        "\ud800",
        "a" * 5 + "." * 300,
        "&amp;",
        "",
    ):
        found = drawn(x * x, names={name: x})
        assert "<script" not in found.svg and parsed(found.svg) is not None
        (words, *_) = words_of(groups(found.svg, "leaf")[0])
        assert first_rect(groups(found.svg, "leaf")[0]).w <= 240
        assert words == name or words.startswith("…") or "\ufffd" in words or words == "two lines" or not name
    assert "&lt;script&gt;" in drawn(x * x, names={"<script>": x}).svg


def test_a_long_computation():
    """No recursion anywhere, and a page that only grows downwards."""
    x = leaf([1.0])
    y = x
    for _ in range(1500):
        y = y * x
    found = mf.draw.graph(y.sum())
    assert len(found.boxes) == 1503 and len(found.arrows) == 3002
    y = x
    for _ in range(120):
        y = y + x if _ % 3 else y * 0.5
    found = mf.draw.graph(y.sum())
    parsed(found.svg)
    tops = [first_rect(group).y for group in groups(found.svg, "operation")]
    assert all(a < b for a, b in pairwise(tops))


def test_the_gpu_too(on_gpu):
    with undrawn():
        layer = nn.Conv2d(3, 2, 3).to("cpu")
    for parameter in layer.parameters():
        parameter.data = on_gpu(parameter.data)
    x = on_gpu(np.ones((1, 3, 8, 8), np.float32))
    with mf.profile() as p:
        loss = (layer(x) * 2).sum()
    found = drawn(loss, names={"x": x}, profile=p)
    assert {box.name for box in found.boxes} == {"x", "weight", "bias", "Conv2d", "constant", "Mul", "Sum", "loss"}
    assert [box.value for box in found.boxes if box.name == "constant"] == ["2"]


def test_save_writes_it_whole(tmp_path, fill_disk):
    found = mf.draw.graph((leaf([1.0]) * 2).sum())
    path = tmp_path / "graph.svg"
    assert found.save(path) == path and path.read_bytes() == found.svg.encode()
    with pytest.raises(ValueError, match=r"save: 'graph\.pdf' ends neither in \.svg nor in \.png"):
        found.save(tmp_path / "graph.pdf")
    with pytest.raises(FileNotFoundError, match=r"save: there is no folder .*nowhere; make it first"):
        found.save(tmp_path / "nowhere" / "graph.svg")
    fill_disk()
    with pytest.raises(OSError, match="No space left"):
        found.save(path)
    assert path.read_bytes() == found.svg.encode() and [each.name for each in tmp_path.iterdir()] == ["graph.svg"]


def test_a_notebook_shows_it():
    from IPython.core import formatters

    found = mf.draw.graph((leaf([1.0]) * 2).sum())
    assert formatters.SVGFormatter()(found) == found.svg
    assert repr(found).startswith("<Graph of the computation of loss: 2 operations in 5 boxes with 4 arrows; ")


def test_the_functions_stay_functions_when_their_modules_are_imported():
    import minifcn.draw.diagrams.architecture
    import minifcn.draw.diagrams.graph

    assert (
        mf.draw.graph is minifcn.draw.diagrams.graph.graph
        and mf.draw.architecture is minifcn.draw.diagrams.architecture.architecture
    )
    assert {"graph", "architecture"} <= set(dir(mf.draw))
