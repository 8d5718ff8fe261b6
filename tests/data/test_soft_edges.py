"""Colours between those of two classes, along their edge: made one of the two, or void, and nothing else."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from minifcn.data import ClassMap, read_labels
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.coloured import Choice
from minifcn.data.check.fixing import fix_colours, fix_numbers
from minifcn.data.pixels.soft_edges import BETWEEN, REACH, pack, soften, unpack, within

from .folders import LABELS, numbered, write_folder

BLACK, RED, PINK, GREEN = (0, 0, 0), (128, 0, 0), (192, 128, 128), (0, 128, 0)
TABLE = [int(value) for value in pack(np.array([BLACK, RED, PINK, GREEN], np.uint8))]


def brushed(filter_=Image.Resampling.BOX, fill=PINK, ground=BLACK):
    """A disc drawn four times as large and resized."""
    big = Image.new("RGB", (160, 128), ground)
    ImageDraw.Draw(big).ellipse((20, 20, 90, 90), fill=fill)
    return np.asarray(big.resize((40, 32), filter_))


def share_of_disc():
    """How much of each pixel the disc covers, counted at four times the size."""
    big = Image.new("L", (160, 128))
    ImageDraw.Draw(big).ellipse((20, 20, 90, 90), fill=1)
    return np.asarray(big, float).reshape(32, 4, 40, 4).mean((1, 3))


def test_a_resized_disc_becomes_what_covers_more_than_half():
    found = soften(pack(brushed()), TABLE, "nearest")
    share = share_of_disc()
    sure = np.abs(share - 0.5) > 0.03  # exactly half may go either way
    np.testing.assert_array_equal(found[sure] == TABLE[2], share[sure] > 0.5)
    assert set(np.unique(found)) == {TABLE[0], TABLE[2]}


def test_half_way_to_pink_is_not_red():
    """(96, 64, 64) is nearer to dark red, (128, 0, 0), than to either of the two that stand there: the reason for looking around."""
    row = np.array([[BLACK] * 3 + [(100, 66, 67)] + [PINK] * 3] * 3, np.uint8)
    assert soften(pack(row), TABLE, "nearest")[1, 3] == TABLE[2]
    row[:, 3] = (90, 60, 60)
    assert soften(pack(row), TABLE, "nearest")[1, 3] == TABLE[0]


@pytest.mark.parametrize(
    "filter_", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.HAMMING]
)
@pytest.mark.parametrize("fill, ground", list(itertools.permutations([BLACK, PINK, GREEN], 2)))
def test_any_filter_leaves_nothing_strange(filter_, fill, ground):
    image = brushed(filter_, fill, ground)
    found = soften(pack(image), TABLE, "nearest")
    assert set(np.unique(found)) <= set(TABLE)
    same = np.isin(pack(image), TABLE)
    np.testing.assert_array_equal(found[same], pack(image)[same])


def test_void():
    image = brushed()
    found = soften(pack(image), TABLE, "void")
    np.testing.assert_array_equal(found == BETWEEN, ~np.isin(pack(image), TABLE))


def test_a_soft_brush_where_three_meet():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20, :20], image[:20, 20:] = PINK, GREEN
    blurred = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1)))
    found = soften(pack(blurred), TABLE, "nearest")
    assert set(np.unique(found)) == {TABLE[0], TABLE[2], TABLE[3]}
    assert (found == pack(image)).mean() > 0.97


@pytest.mark.parametrize(
    "colour",
    [(0, 0, 128), (255, 255, 255), (200, 0, 200), (60, 120, 60)],
)
def test_a_class_that_nobody_named_is_no_soft_edge(colour):
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = PINK
    image[8:12, 18:23] = colour
    np.testing.assert_array_equal(soften(pack(image), TABLE, "nearest"), pack(image))


@pytest.mark.parametrize("colour, area", [((64, 0, 0), True), ((64, 0, 0), False)])
def test_a_class_whose_colour_lies_between_two_others(colour, area):
    """VOC's cat is (64, 0, 0), half way from black to its aeroplane: where it fills an area it is no soft edge."""
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = RED
    image[8:12, 18:23] = colour if area else RED
    image[:, 19] = colour
    found = soften(pack(image), TABLE, "void")
    assert (found == BETWEEN).any() == (not area)


def test_a_mixture_that_is_another_class_by_chance():
    """Exactly half way from black to VOC's aeroplane is its cat: on a soft edge it is none."""
    cat = int(pack(np.array([64, 0, 0], np.uint8)))
    image = brushed(fill=RED).copy()
    image[image[..., 0] == 56] = (64, 0, 0)  # four pixels of the edge
    image[30, 36:] = (64, 0, 0), (64, 0, 0), (128, 0, 0), (64, 0, 0)  # nothing soft around: this is what it says
    packed = pack(image)
    assert (packed[:, :36] == cat).any()
    found = soften(packed, [*TABLE, cat], "nearest")
    assert set(np.unique(found[:, :36])) == {TABLE[0], TABLE[1]}
    np.testing.assert_array_equal(found[30, 36:], packed[30, 36:])


def test_far_from_any_edge_nothing_is_soft():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 40:] = PINK
    image[5, 40 - REACH - 1] = (96, 64, 64)
    image[5, 40 - REACH] = (96, 64, 64)
    found = soften(pack(image), TABLE, "void")
    assert found[5, 40 - REACH] == BETWEEN and tuple(unpack(found[5, 40 - REACH - 1])) == (96, 64, 64)


def test_a_photograph_is_no_edge():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    image[0, :2] = BLACK, PINK
    np.testing.assert_array_equal(soften(pack(image), TABLE, "nearest"), pack(image))


def test_another_word(rng):
    with pytest.raises(ValueError, match="how is 'void '; choose one of nearest, void"):
        soften(np.zeros((2, 2), np.int32), TABLE, "void ")


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (9, 14), (30, 1)])
@pytest.mark.parametrize("reach", [1, 5])
def test_within_against_loops(shape, reach, rng):
    mask = rng.random(shape) < 0.1
    expected = np.zeros(shape, bool)
    for y, x in np.argwhere(mask):
        expected[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    np.testing.assert_array_equal(within(reach, mask), expected)


def test_pack_and_unpack(rng):
    pixels = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(unpack(pack(pixels)), pixels)


@pytest.fixture
def root(tmp_path):
    root = write_folder(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]}, 32, 40)
    Image.fromarray(brushed()).save(root / LABELS / "a.png")
    return root


VOC = ClassMap.voc()


def test_soft_edges_are_told_with_their_number_and_the_way_out(root):
    strange = ~np.isin(pack(brushed()), TABLE)
    data = DataFolder(root)
    report = data.check(VOC)
    (finding,) = report.findings
    colours = len(np.unique(pack(brushed())[strange]))
    assert finding.kind == "soft edges" and finding.fixable is None
    assert (
        f"{colours} strange colours in {strange.sum()} pixels lie on the edge between two right ones" in finding.message
    )
    assert "--soft-edges nearest" in finding.message and "--soft-edges void" in finding.message
    assert fix_colours(report, numbered(21)) == [] and fix_numbers(data, report, numbered(21)) == ({}, [])


@pytest.mark.parametrize("how, values", [("nearest", {0, 15}), ("void", {0, 15, 255})])
def test_soft_edges_are_fixed_as_asked(how, values, root):
    content = (root / LABELS / "a.png").read_bytes()
    choice = Choice(soft_edges=how)
    data = DataFolder(root, choice=choice)
    report = data.check(VOC)
    assert set(report.pairs["a"].counts) == values
    assert fix_numbers(data, report, numbered(21)) == ({"soft edges": 1}, []) and not report.findings
    labels = read_labels(root / LABELS / "a.png")
    assert set(np.unique(labels)) == values
    strange = ~np.isin(pack(brushed()), TABLE)
    assert ((labels == 255) == strange).all() if how == "void" else not (labels == 255).any()
    assert (root / "SegmentationClass_colours" / "a.png").read_bytes() == content


def test_what_else_is_strange_keeps_a_file_from_being_fixed(root):
    image = brushed().copy()
    image[30, 5] = (0, 0, 255)
    Image.fromarray(image).save(root / LABELS / "a.png")
    choice = Choice(soft_edges="nearest")
    (finding,) = DataFolder(root, choice=choice).check(VOC).findings
    assert finding.kind == "other colours" and "(0, 0, 255) in 1 pixels" in finding.message and finding.fixable is None
    assert "pixels lie on the edge between two right ones" in finding.message


def grey_disc(low, high):
    return np.round(low + (high - low) * share_of_disc()).astype(np.uint8)


@pytest.mark.parametrize("low, high, threshold", [(0, 255, 128), (0, 200, 100), (40, 90, 65)])
def test_a_grey_mask_with_soft_edges_is_no_list_of_strange_classes(low, high, threshold, root):
    mask = grey_disc(low, high)
    Image.fromarray(mask).save(root / LABELS / "a.png")
    (finding,) = DataFolder(root).check(VOC).findings
    between = (mask > low) & (mask < high) & (mask >= 21)
    assert (
        finding.kind == "soft edges"
        and f"{len(np.unique(mask[between]))} strange greys in {between.sum()} pixels" in finding.message
    )
    assert f"between {low} and {high}" in finding.message and f"--threshold {threshold}" in finding.message


def test_strange_numbers_that_are_no_edge_stay_strange(root):
    labels = np.zeros((32, 40), np.uint8)
    labels[5:20, 5:20], labels[8:12, 8:12], labels[28:31, 30:39] = 200, 90, 120
    Image.fromarray(labels).save(root / LABELS / "a.png")
    (finding,) = DataFolder(root).check(VOC).findings
    assert finding.kind == "not a class"
