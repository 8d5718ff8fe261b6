"""The picture of an architecture: its sizes against real runs of every built-in network, and that it can be read."""

import re

import pytest

import minifcn as mf
from minifcn import nn
from minifcn.models import BACKBONES, FCN, Classifier
from minifcn.models.trunks.backbones import vgg
from minifcn.models.trunks.trunk import Backbone
from minifcn.nn.initialisers import undrawn

from .networks import FCNS, NAMES, OTHERS, fcn, named_modules, other, picture, run_watched
from .svgs import check_picture, groups, parsed, title_of, words_of

SIZE = (45, 64)


def drawn(model, size=None):
    found = mf.draw.architecture(model, size)
    check_picture(found.svg)
    return found


def cards(found, *kinds):
    return [card for card in found.cards if card.kind in kinds]


def trunk_sizes(found):
    """{last layer of a block: the size told}."""
    return {block.layers[-1]: block.size for card in found.cards for block in card.blocks}


@pytest.mark.parametrize("case", FCNS, ids=NAMES)
def test_sizes_are_those_of_a_real_run(case, monkeypatch):
    model = fcn(case)
    found = drawn(model, SIZE)
    result, shapes = run_watched(model, picture((1, 3, *SIZE)), monkeypatch, record=False)
    sizes = trunk_sizes(found)
    assert sizes == {name: shapes[f"backbone.{name}"][1:] for name in sizes}
    assert [name for card in found.cards for block in card.blocks for name in block.layers] == model.backbone.order
    heads = {card.name: card.size for card in cards(found, "score", "upsampling")}
    layers = [name for name in named_modules(model) if "." not in name and name != "backbone"]
    assert heads == {name: shapes[name][1:] for name in layers}
    (output,) = cards(found, "output")
    assert output.size == result.shape[1:] and cards(found, "picture")[0].size == (3, *SIZE)


@pytest.mark.parametrize("case", FCNS, ids=NAMES)
def test_structure_of_an_fcn(case):
    """A score a head, a join and an upsampling a skip, one more upsampling; arrows as in the model."""
    model = fcn(case)
    found = drawn(model)
    skips = model.skips
    assert len(cards(found, "join")) == len(skips) and len(cards(found, "score")) == len(skips) + 1
    assert len(cards(found, "upsampling")) == len(skips) + 1 and len(cards(found, "output")) == 1
    at = {card.name: number for number, card in enumerate(found.cards)}
    arrows = {(found.cards[path.source].name, found.cards[path.target].name) for path in found.paths}
    last = "score_fr"
    for skip in skips:
        up, finer, join = f"upscore_{skip.stride}s", f"score_{skip.source}", f"fuse_{skip.source}"
        assert {(last, up), (up, join), (finer, join)} <= arrows
        factor = getattr(model, up).options["stride"]
        assert f"×{factor}, bilinear" in found.cards[at[up]].notes
        assert (f"sum, cut {skip.offset}" if skip.offset else "sum") in found.cards[at[join]].notes
        assert (f"input × {skip.scale:g}" in found.cards[at[finer]].notes) == (skip.scale != 1)
        last = join
    assert {(last, "upscore"), ("upscore", "score")} <= arrows
    stages = cards(found, "stage")
    assert len(found.paths) == len(stages) + 1 + 4 * len(skips) + 2
    assert sum(path.skip for path in found.paths) == 2 * len(skips)
    taps = {block.tap for card in found.cards for block in card.blocks if block.tap}
    assert taps == {model.coarsest, *(skip.source for skip in skips)}
    for path in found.paths:  # a score stands below the part of the trunk that it reads
        source, target = found.cards[path.source], found.cards[path.target]
        if source.kind == "stage" and target.kind == "score":
            tap = model.coarsest if target.name == "score_fr" else target.name.removeprefix("score_")
            assert source.column == target.column and tap in [block.tap for block in source.blocks]


@pytest.mark.parametrize("name", OTHERS)
def test_networks_that_are_no_fcn(name, monkeypatch):
    model, shape = other(name)
    found = drawn(model, shape[2:])
    result, shapes = run_watched(model, picture(shape), monkeypatch, record=False)
    results = result if isinstance(result, dict) else {"": result}
    ends = cards(found, "output")
    if name.startswith("multi"):
        assert [card.size for card in ends] == [tensor.shape[1:] for tensor in results.values()]
        assert [card.name for card in cards(found, "title")] == list(results)
        scores = [shapes[f"heads.{head}.score_fr"][1:] for head in results]
        assert [card.size for card in cards(found, "score") if card.name == "score_fr"] == scores
        assert sum(path.kind == "round" for path in found.paths) == (len(results) - 1) * (
            len(model.heads[next(iter(results))].skips) + 1
        )
    elif name == "late":
        assert [card.name for card in ends] == ["score", "score", "average"]
        assert ends[-1].size == result.shape[1:] and [card.size[0] for card in cards(found, "picture")] == [3, 2]
    else:
        last = found.cards[-1]
        assert last.size == result.shape[1:] and found.cards[-2 if last.name == "mean" else -1].name == "classifier"
        assert (last.name == "mean") == (name == "classifier-squeezenet")
    prefixes = ("first.backbone.", "second.backbone.") if name == "late" else ("backbone.",)
    parts = iter(shapes.items())
    order = [(key[len(prefix) :], size) for key, size in parts for prefix in prefixes if key.startswith(prefix)]
    blocks = [block for card in found.cards for block in card.blocks]
    assert [layer for block in blocks for layer in block.layers] == [key for key, _ in order if "." not in key]
    real = {}
    for key, size in order:
        real.setdefault(key, []).append(size[1:])
    for block in blocks:
        assert block.size in real[block.layers[-1]]


def test_vgg16_with_the_padding_of_the_paper_has_the_sizes_of_caffe():
    with undrawn():
        found = drawn(FCN("vgg16", 8, padding="paper"))
    sizes = trunk_sizes(found) | {card.name: card.size for card in found.cards if not card.blocks}
    expected = {
        "relu1_2": (64, 698, 698), "pool1": (64, 349, 349), "pool2": (128, 175, 175), "pool3": (256, 88, 88),
        "pool4": (512, 44, 44), "pool5": (512, 22, 22), "drop7": (4096, 16, 16), "score_fr": (21, 16, 16),
        "upscore_16s": (21, 34, 34), "fuse_pool4": (21, 34, 34), "upscore_8s": (21, 70, 70), "fuse_pool3": (21, 70, 70),
        "upscore": (21, 568, 568), "score": (21, 500, 500), "score_pool4": (21, 44, 44), "score_pool3": (21, 88, 88),
    }  # fmt: skip
    assert {name: sizes[name] for name in expected} == expected
    notes = {card.name: card.notes for card in found.cards}
    assert (notes["fuse_pool4"], notes["fuse_pool3"], notes["score"]) == (["sum, cut 5"], ["sum, cut 9"], ["cut 31"])
    assert [notes[name] for name in ("upscore_16s", "upscore_8s", "upscore")] == [["×2, bilinear"]] * 2 + [
        ["×8, bilinear"]
    ]
    # 134,346,581 of FCN-32s, two score layers, and three sets of bilinear kernels
    total = 134_346_581 + 10_773 + 5_397 + 21 * (16 + 16 + 256)
    assert found.title == f"FCN-8s over vgg16, padding paper: {total:,} parameters; a picture of 500×500"


def test_what_is_drawn_is_what_is_told():
    """Every card stands in the file with its name, size and notes; every path is an arrow."""
    found = drawn(fcn(("tiny", 8, "paper", True), learn_upsampling=True, fusion="max"), (70, 50))
    drawn_cards = groups(found.svg, "picture", "stage", "score", "upsampling", "join", "output")
    assert len(drawn_cards) == len(found.cards)
    for group, card in zip(drawn_cards, found.cards, strict=True):
        words = words_of(group)
        assert group.get("class") == card.kind
        assert "×".join(map(str, card.size)) in words
        if card.kind == "stage":
            assert {"×".join(map(str, block.size)) for block in card.blocks} <= set(words)
            assert all(layer in title_of(group) for block in card.blocks for layer in block.layers)
        else:
            assert card.name in words and set(card.notes) <= set(words)
    arrows = groups(found.svg, "arrow", "skip")
    assert len(arrows) == len(found.paths) and len(groups(found.svg, "skip")) == 4
    text = found.svg
    assert "×2, learned" in text and ">max, cut 5<" in text and "input × 0.0001" in text and "FCN-8s at once" in text


def test_bodies_shrink_and_thicken_along_the_trunk():
    """Heights follow the rows of the maps, the thickness of convolutions their channels, as in the figure."""
    from minifcn.draw.diagrams.cards import body

    found = drawn(fcn(("vgg16", 8, "same", False)))
    blocks = [block for card in cards(found, "stage") for block in card.blocks]
    sizes = [body(block, 500) for block in blocks]
    heights = [height for _, height, _ in sizes]
    assert heights == sorted(heights, reverse=True) and heights[0] > 2.5 * heights[-1]
    thick = [width for block, (width, _, _) in zip(blocks, sizes, strict=True) if block.kind == "convolution"]
    assert thick == sorted(thick) and thick[0] < thick[-1]
    # a pool's grid has the cells of 32 pixels: 16 for stride 2, one for stride 32
    lines = [len(re.findall("M", path.get("d"))) for group in groups(found.svg, "stage") for path in group.iter("{http://www.w3.org/2000/svg}path") if path.get("stroke-width") == "0.6"]  # fmt: skip
    assert lines == [2 * 15, 2 * 7, 2 * 3, 2 * 1]


@pytest.mark.parametrize("size", [(1, 1), (2, 3000), (3000, 2), (2160, 3840)])
def test_extreme_sizes(size):
    found = mf.draw.architecture(fcn(("tiny", 4, "same", False)), size)
    check_picture(found.svg, most=900)
    assert found.cards[0].size == (3, *size)


def test_any_trunk_and_layers_in_a_row():
    with undrawn():
        deep = vgg((1,) * 5, (4,) * 5, 4, 0.0, "same")
        own = FCN(deep, 8, 3)
        row = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, stride=2), nn.Linear(150, 7)
        )
    assert "its own trunk" in drawn(own).title
    assert [card.kind for card in drawn(deep).cards] == ["picture"] + 6 * ["stage"]
    found = drawn(row, (28, 28))
    assert [card.size for card in found.cards] == [(1, 28, 28), (4, 13, 13), (7,)]
    assert [block.size for card in found.cards for block in card.blocks] == [(4, 26, 26), (4, 13, 13), (7,)]
    drawn(row.layers, (28, 28))


def test_two_maps_of_one_column_get_a_column_each():
    """A head on a convolution and one on the pool behind it: no score may stand on another."""
    layers = {
        "c1": nn.Conv2d(3, 4, 3, padding=1),
        "p1": nn.MaxPool2d(2, ceil_mode=True),
        "c2": nn.Conv2d(4, 4, 3, padding=1),
    }
    model = FCN(
        Backbone(layers | {"p2": nn.MaxPool2d(2, ceil_mode=True)}, {4: "p2", 2: "c2"}, {"p2": 4, "c2": 4}), 2, 3
    )
    found = drawn(model, (16, 16))
    scores = [card.column for card in cards(found, "score")]
    assert len(set(scores)) == 2


def test_names_are_escaped():
    with undrawn():
        model = mf.models.MultiHead("tiny", 32, {'<b> & "c"\x00\n': 2, "頭": 3}, width=1)
    svg = drawn(model).svg
    assert parsed(svg) is not None and "<b>" not in svg
    assert words_of(groups(svg, "title")[1])[0] == '<b> & "c"\ufffd'


def test_messages():
    with undrawn():
        classifier = Classifier("tiny", 3, width=1)
        model = fcn(("squeezenet", 16, "same", False))
        row = nn.Sequential(nn.Conv2d(3, 2, 7), nn.MaxPool2d(2))
    with pytest.raises(
        TypeError, match=r"draw\.architecture: got str; expected a network, such as mf\.models\.fcn8s\(\)"
    ):
        mf.draw.architecture("fcn8s")
    with pytest.raises(
        ValueError, match=r"size is \(64, 64\); this Classifier takes pictures of 224×224 only; leave size out"
    ):
        mf.draw.architecture(classifier, (64, 64))
    with pytest.raises(
        ValueError, match=r"draw\.architecture: 0 would have 0×0 cells for this picture; give a larger size"
    ):
        mf.draw.architecture(row, (6, 6))
    with pytest.raises(ValueError, match=r"draw\.architecture: cannot follow ReLU; expected an FCN, .*layers in a row"):
        mf.draw.architecture(nn.ReLU())
    for wrong in ((0, 5), 5.5, (1, 2, 3), "500", (-3, 4)):
        for network in (model, model.backbone):
            with pytest.raises((ValueError, TypeError), match=r"draw\.architecture: size"):
                mf.draw.architecture(network, wrong)


@pytest.mark.parametrize("padding", ["same", "paper"])
@pytest.mark.parametrize("name", list(BACKBONES))
def test_readable_at_800_pixels_with_sizes_and_classes_of_any_length(name, padding):
    """Nothing is run here, so that VGG16 with 100 pixels of padding and a picture of a camera cost nothing."""
    with undrawn():
        strides = list(BACKBONES[name]().heads)
    for stride in (max(strides), min(strides)):
        with undrawn():
            model = FCN(name, stride, 1000, padding=padding, at_once=True)
        for size in ((375, 500), (1024, 2048)):
            drawn(model, size)


def test_nothing_is_run_and_the_same_picture_comes_twice(monkeypatch):
    model = fcn(("tiny", 8, "same", False))

    def forward(*_):
        raise AssertionError("a picture of the architecture runs nothing")

    monkeypatch.setattr(nn.Conv2d, "forward", forward)
    assert mf.draw.architecture(model).svg == mf.draw.architecture(model).svg
    assert repr(mf.draw.architecture(model)).startswith("<Architecture of FCN-8s over tiny, padding same: ")
