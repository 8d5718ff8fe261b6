"""Whose colours: tables, what each colour becomes, and that nobody's are taken for VOC's without a word."""

import re

import numpy as np
import pytest
from PIL import Image

from minifcn.data import ClassMap, DataError, colour_map, read_labels
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.coloured import Choice
from minifcn.data.check.colours import ColourSource, by_table, read_colours, source_of
from minifcn.data.check.fixing import fix_colours, fix_numbers
from minifcn.data.check.meant import Became, consent, convert, rows_in_words, what_becomes

from .folders import LABELS, numbered, write_folder

STREET = ClassMap.own(["Void", "Building", "Car", "Sky", "traffic light"])
SKY, CAR, BUILDING, BLACK = (128, 128, 128), (64, 0, 128), (128, 0, 0), (0, 0, 0)  # CamVid's


def street(path, names="abc"):
    """Labels in CamVid's colours: eight columns, half black, then building, car, and of the last two sky."""
    root = write_folder(path / "data", {"train": [*names[:-1]], "val": [names[-1]]})
    pixels = np.array([[BLACK] * 4 + [BUILDING, CAR, SKY, SKY]] * 6, np.uint8)
    for name in names:
        Image.fromarray(pixels).save(root / LABELS / f"{name}.png")
    return root


TABLE = {BLACK: 0, BUILDING: 1, CAR: 2, SKY: 3}


@pytest.mark.parametrize(
    "text",
    [
        "128 128 128\tSky\n64 0 128 Car\n128 0 0 Building\n0 0 0 Void\n1 2 3 traffic light",  # CamVid's
        "# label:color_rgb:parts:actions\nSky:128,128,128::\nCar:64,0,128::\nBuilding:128,0,0::\nVoid:0,0,0::\ntraffic light:1,2,3::\n",
        "name,r,g,b\nSky,128,128,128\ncar, 64, 0, 128\n\nBuilding,128,0,0\nvoid,0,0,0\ntraffic light,1,2,3\n",
    ],
)
def test_tables_of_three_kinds(text, tmp_path):
    (tmp_path / "colours.txt").write_text(text, encoding="utf-8-sig")
    assert read_colours(tmp_path / "colours.txt", STREET) == {**TABLE, (1, 2, 3): 4}


def test_a_name_of_no_class_is_void_only_where_it_says_so(tmp_path):
    file = tmp_path / "colours.txt"
    file.write_text("1 2 3 cat\n0 0 0 unlabelled\n")
    assert read_colours(file, ClassMap.own(["ground", "cat"])) == {(1, 2, 3): 1, BLACK: 255}
    file.write_text("1 2 3 cat\n0 0 0 dog\n")
    with pytest.raises(
        DataError,
        match=r"colours\.txt, line 2: there is no class 'dog' in the class list.*write void for a colour of no class",
    ):
        read_colours(file, ClassMap.own(["ground", "cat"]))


@pytest.mark.parametrize(
    "text, words",
    [
        ("1 2 3 cat\n1 2 cat\n", "line 2: '1 2 cat' is no colour and name"),
        ("1 2 300 cat\n", "line 1: '1 2 300 cat' is no colour and name"),
        ("1 2 3 cat\n1 2 3 ground\n", r"line 2: \(1, 2, 3\) stands above for another class"),
        ("name r g b\n", "no colours in it"),
        (None, "cannot be read"),
        (b"\xff\xfe\xff", "not UTF-8"),
    ],
)
def test_what_is_no_table(text, words, tmp_path):
    file = tmp_path / "colours.txt"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=words):
        read_colours(file, ClassMap.own(["ground", "cat"]))


@pytest.mark.parametrize("alpha", [None, 255, 254])
def test_by_table_against_a_loop(alpha, rng):
    colours = np.array([*TABLE, (9, 9, 9)], np.uint8)
    pixels = colours[rng.integers(0, 5, (7, 5))]
    if alpha is not None:
        pixels = np.concatenate([pixels, np.full((7, 5, 1), alpha, np.uint8)], -1)
    found, others = by_table(pixels, TABLE)
    wanted = np.zeros((7, 5), int)
    strange = {}
    for place in np.ndindex(7, 5):
        colour = tuple(map(int, pixels[place]))
        known = alpha != 254 and colour[:3] in TABLE  # what lets anything shine through is no colour of a class
        wanted[place] = TABLE[colour[:3]] if known else 255
        if not known:
            strange[colour] = strange.get(colour, 0) + 1
    assert found.dtype == np.uint8 and found.tolist() == wanted.tolist() and others == strange


def test_what_becomes_of_each_colour(tmp_path):
    root = street(tmp_path)
    files = sorted((root / LABELS).iterdir())
    rows = what_becomes(files, ClassMap.voc())
    assert rows[:2] == [Became(None, BLACK, 0, 72, 3), Became(None, SKY, 7, 36, 3)]
    lines = rows_in_words(rows, ClassMap.voc())
    assert (
        "(128, 128, 128) becomes 7 car, 25 %, 36 pixels, 3 pictures" in lines
        and "(64, 0, 128) becomes 12 dog, 12 %, 18 pixels, 3 pictures" in lines
    )
    lines = rows_in_words(what_becomes(files[:1], numbered(5), ColourSource(TABLE | {BLACK: 255})), STREET)
    assert lines[:2] == [
        "(0, 0, 0) becomes void, 50 %, 24 pixels, 1 picture",
        "(128, 128, 128) becomes 3 Sky, 25 %, 12 pixels, 1 picture",
    ]


@pytest.mark.parametrize(
    "colours, names, words",
    [
        ([BLACK, SKY, CAR], None, r"CamVid's as well \(\(128, 128, 128\) Sky, \(64, 0, 128\) Car\)"),
        ([BLACK, SKY], None, ""),  # one colour: no more CamVid's than VOC's
        ([BLACK, SKY, CAR, (224, 224, 192)], None, ""),  # VOC's void
        ([BLACK, SKY, (0, 128, 0)], None, ""),  # of VOC's alone
        ([BLACK, (0, 128, 0)], ["ground", "cat", "dog"], "a class list of its own"),
    ],
)
def test_when_consent_is_asked_for(colours, names, words, tmp_path):
    classes = ClassMap.own(names) if names else ClassMap.voc()
    rows = [Became(None, colour, 1, 9, 1) for colour in colours]
    asked = consent(rows, classes)
    assert bool(asked) == bool(words)
    if words:
        assert re.search(words, asked) and "--colours FILE" in asked and "--voc-colours" in asked


def test_for_a_palette_consent_is_always_asked_for():
    assert "give --voc-colours" in consent([Became(1, (192, 128, 128), 15, 9, 1)], ClassMap.voc())


def test_colours_in_a_folder_with_a_list_of_its_own_are_nobodys(tmp_path):
    """They are not counted as the classes whose numbers VOC's palette gives them."""
    root = street(tmp_path)
    names = ClassMap.own([f"c{i}" for i in range(20)])
    report = DataFolder(root).check(names)
    assert {finding.kind for finding in report.findings} == {"colours"}
    assert (
        "the folder has a class list of its own" in report.findings[0].message and not report.summaries["train"].pixels
    )
    assert DataFolder(root).check(ClassMap.voc()).summaries["val"].pixels[7] == 12
    sure = DataFolder(root).check(STREET, source=source_of(STREET, TABLE))
    assert sure.summaries["val"].pixels == {0: 24, 1: 6, 2: 6, 3: 12}
    assert "that of a class in the table of colours" in sure.findings[0].message


def test_a_colour_that_the_table_has_not(tmp_path):
    root = street(tmp_path)
    table = {BLACK: 0, BUILDING: 1}
    report = DataFolder(root).check(STREET, source=source_of(STREET, table))
    assert {finding.kind for finding in report.findings} == {"other colours"}
    assert (
        "(128, 128, 128) in 12 pixels, (64, 0, 128) in 6 pixels: not in the table of colours"
        in report.findings[0].message
    )
    content = (root / LABELS / "a.png").read_bytes()
    with pytest.raises(DataError, match=r"a\.png: not converted"):
        convert(root / LABELS / "a.png", numbered(5), ColourSource(table))
    assert (root / LABELS / "a.png").read_bytes() == content


def test_fixed_by_a_table(tmp_path):
    root = street(tmp_path)
    original = (root / LABELS / "b.png").read_bytes()
    report = DataFolder(root).check(STREET, source=source_of(STREET, TABLE))
    assert len(fix_colours(report, numbered(5), ColourSource(TABLE))) == 3 and not report.findings
    assert read_labels(root / LABELS / "b.png").tolist() == [[0, 0, 0, 0, 1, 2, 3, 3]] * 6
    assert (root / "SegmentationClass_colours" / "b.png").read_bytes() == original


def test_a_palette_is_fixed_by_its_colours_only_when_asked(tmp_path):
    root = write_folder(tmp_path / "data", {"train": ["a"], "val": ["b"]})
    for name in "ab":
        image = Image.fromarray(np.array([[0, 1, 1, 2, 0, 0, 0, 1]] * 6, np.uint8))
        image.putpalette([channel for number in (0, 15, 255) for channel in colour_map()[number].tolist()])
        image.save(root / LABELS / f"{name}.png")
    report = DataFolder(root).check(ClassMap.voc())
    assert fix_colours(report, numbered(21)) == [] and len(report.findings) == 2
    files = [finding.fixable for finding in report.findings]
    assert rows_in_words(what_becomes(files, ClassMap.voc()), ClassMap.voc()) == [
        "number 0, (0, 0, 0) becomes 0 background, 50 %, 48 pixels, 2 pictures",
        "number 1, (192, 128, 128) becomes 15 person, 38 %, 36 pixels, 2 pictures",
        "number 2, (224, 224, 192) becomes void, 12 %, 12 pixels, 2 pictures",
    ]
    assert len(fix_colours(report, numbered(21), palettes=True)) == 2 and not report.findings
    assert read_labels(root / LABELS / "a.png").tolist() == [[0, 15, 15, 255, 0, 0, 0, 15]] * 6
    assert not DataFolder(root).check(ClassMap.voc()).findings


def test_soft_edges_between_the_colours_of_a_table(tmp_path):
    root = street(tmp_path)
    labels = root / LABELS / "a.png"
    row = [BLACK] * 2 + [CAR] * 3 + [(96, 64, 128)] + [SKY] * 2  # half way from car to sky
    Image.fromarray(np.array([row] * 6, np.uint8)).save(labels)
    source, choice = ColourSource(TABLE), Choice(soft_edges="void")
    data = DataFolder(root, ["train"], choice=choice)
    report = data.check(STREET, source=source)
    assert {finding.kind for finding in report.findings} == {"soft edges", "colours"}
    rows = what_becomes([labels], STREET, source, choice)
    assert Became(None, None, 255, 6, 1) in rows and Became(None, CAR, 2, 18, 1) in rows
    assert "colours on soft edges become void" in "\n".join(rows_in_words(rows, STREET))
    assert fix_numbers(data, report, STREET, source) == ({"soft edges": 1}, [])
    assert read_labels(labels)[0].tolist() == [0, 0, 2, 2, 2, 255, 3, 3]


def test_soft_edges_of_nobody_s_colours_are_not_made_classes(tmp_path):
    root = street(tmp_path)
    row = [BLACK] * 4 + [(70, 0, 0)] + [BUILDING] * 3
    Image.fromarray(np.array([row] * 6, np.uint8)).save(root / LABELS / "a.png")
    data = DataFolder(root, choice=Choice(soft_edges="nearest"))
    report = data.check(STREET)  # a list of its own, and nobody said that its colours are VOC's
    assert [finding.kind for finding in report.findings if finding.names == ("a",)] == ["soft edges"]
    assert report.pairs["a"].counts is None and fix_numbers(data, report, STREET) == ({}, [])
    sure = source_of(STREET, palette=True)
    report = data.check(STREET, source=sure)
    assert report.pairs["a"].counts == {0: 24, 1: 24}
    assert fix_numbers(data, report, STREET, sure) == ({"soft edges": 1}, [])


def test_greys_that_a_table_names_are_its_colours_and_numbers_stay_numbers(tmp_path):
    root = street(tmp_path)
    Image.new("RGB", (8, 6), SKY).save(root / LABELS / "a.png")
    Image.new("RGB", (8, 6), BLACK).save(root / LABELS / "b.png")
    report = DataFolder(root, ["train"]).check(STREET, source=ColourSource(TABLE))
    assert report.pairs["a"].counts == {3: 48} and report.pairs["b"].counts == {0: 48}
    (finding,) = (finding for finding in report.findings if finding.kind == "colours")
    assert finding.names == ("a",) and report.pairs["b"].rewrite == "three channels"


def test_numbers_that_the_folder_declares_void_are_numbers_in_equal_channels_too(tmp_path):
    root = street(tmp_path)
    pixels = np.repeat(np.array([[0, 1, 200, 255]] * 6, np.uint8)[..., None], 3, 2)
    for name in "abc":
        Image.fromarray(np.repeat(pixels, 2, 1)).save(root / LABELS / f"{name}.png")
    classes = ClassMap.own(["ground", "cat"], void=[200])
    report = DataFolder(root).check(classes)
    assert not report.findings and {pair.rewrite for pair in report.pairs.values()} == {"three channels"}
    lines = rows_in_words(what_becomes([root / LABELS / "a.png"], classes), classes)
    assert "number 200, (200, 200, 200) becomes 200 void, 25 %, 12 pixels, 1 picture" in lines
    report = DataFolder(root).check(ClassMap.own(["ground", "cat"]))
    assert {finding.kind for finding in report.findings} == {"other colours"}


def test_originals_of_folders_in_the_folder_keep_out_of_the_labels(tmp_path):
    """SegmentationClass/sub/a.png goes to SegmentationClass_colours/sub/a.png, where no reader looks for labels."""
    root = street(tmp_path)
    for part in ("JPEGImages", LABELS):
        (root / part / "sub").mkdir()
        for file in (root / part).glob("a.*"):
            file.rename(root / part / "sub" / file.name)
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("sub/a\nb\n")
    before = (root / LABELS / "sub" / "a.png").read_bytes()
    report = DataFolder(root).check(ClassMap.voc())
    assert len(fix_colours(report, ClassMap.voc())) == 3
    assert (root / "SegmentationClass_colours" / "sub" / "a.png").read_bytes() == before
    report = DataFolder(root).check(ClassMap.voc())
    assert not report.findings and not [each for each in report.warnings if each.kind == "unused"]


def test_a_palette_in_the_colours_of_a_table_is_held_against_that_and_not_against_voc_s(tmp_path):
    """(128, 0, 0) is VOC's class 1; here the table says that it is class 1 or 2, and the palette has a number of it."""
    root = write_folder(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]})
    image = Image.fromarray(np.array([[0, 1, 2, 3] * 2] * 6, np.uint8))
    image.putpalette([*BLACK, *SKY, *BUILDING, *CAR])
    for name in "abc":
        image.save(root / LABELS / f"{name}.png")
    right = ColourSource({BLACK: 0, SKY: 1, BUILDING: 2, CAR: 3})
    assert not DataFolder(root, ["val"]).check(STREET, source=right).findings
    other = ColourSource({BLACK: 0, BUILDING: 1, SKY: 2, CAR: 3})
    report = DataFolder(root, ["val"]).check(STREET, source=other)
    (finding,) = report.findings
    assert (
        finding.kind == "palette" and "number 1 has the colour of 2 Car, number 2 that of 1 Building" in finding.message
    )
    assert "--fix --colours FILE" in finding.message and "VOC" not in finding.message
    assert fix_colours(report, STREET, other) == []
    assert fix_colours(report, STREET, other, palettes=True) == [root / LABELS / "c.png"]
    assert read_labels(root / LABELS / "c.png")[0].tolist() == [0, 2, 1, 3] * 2


def test_doubtful_greys_are_not_taken_for_voc_s_where_a_table_says_the_colours(tmp_path):
    root = street(tmp_path)
    many = ClassMap.own([f"class {value}" for value in range(12)])
    grey = np.zeros((6, 8, 3), np.uint8)
    grey[:3] = 128
    Image.fromarray(grey).save(root / LABELS / "a.png")
    report = DataFolder(root, ["train"]).check(many, source=ColourSource({BLACK: 0, BUILDING: 1, CAR: 2}))
    assert [finding.kind for finding in report.findings if finding.names == ("a",)] == ["greys"]
