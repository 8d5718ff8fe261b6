"""What the numbers of all label files say together: whether they can mean what the class list says, and whether there is something to learn."""

import numpy as np
import pytest
from PIL import Image

from minifcn.data import ClassMap, VOCFolder, colour_map
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.findings import FINDINGS, MEANINGLESS
from minifcn.data.check.judging import Use
from minifcn.data.check.overlap import shared_names
from minifcn.data.check.together import told_together
from minifcn.data.check.training import check_training, sets_of

from .folders import LABELS, PICTURES, write_folder

TWO = ClassMap.own(["background", "polyp"])
SPLIT = {"train": ["a", "b", "c"], "val": ["d", "e"]}


def disc(value, ground=0):
    y, x = np.mgrid[:24, :30]
    return np.where((y - 10) ** 2 + (x - 12) ** 2 < 60, value, ground).astype(np.uint8)


def folder(path, labels, splits=SPLIT):
    """`labels`: one array for all names, or a function of the name's number."""
    root = write_folder(path / "data", splits, 24, 30)
    for number, file in enumerate(sorted((root / LABELS).iterdir())):
        Image.fromarray(labels(number) if callable(labels) else labels).save(file)
    return root


def check(root, classes=TWO, **use):
    return DataFolder(root).check(classes, use=Use(**use))


def said(found, kind):
    return [finding.message for finding in found if finding.kind == kind]


def verdict(root, classes=TWO, limit=None, asked=(), train="train", val="val"):
    train_set, val_set = VOCFolder(root, train, classes, limit), VOCFolder(root, val, classes)
    return check_training(sets_of(train_set, val_set), train_set, val_set, asked)


def test_every_kind_that_stops_a_training_is_a_finding_of_check_data():
    assert set(MEANINGLESS) <= set(FINDINGS)


# masks of 0 and 255


def test_masks_of_0_and_255(tmp_path):
    report = check(folder(tmp_path, disc(255)))
    assert [finding.kind for finding in report.findings] == ["masks"] and not said(report.warnings, "never shown")
    (sentence,) = said(report.findings, "masks")
    share = 100 * np.mean(disc(255) == 255)
    assert sentence.startswith(
        f"polyp never occurs, while 255, which means void, stands in {share:.1f} % of the pixels"
    )
    assert "The object wants 1: write that in place of 255" in sentence
    assert report.findings[0].names == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_few_stray_pixels_do_not_hide_them(everywhere, tmp_path):
    stray = disc(255)
    stray[10, 12:14] = 1
    report = check(folder(tmp_path, lambda number: stray if everywhere or number == 0 else disc(255)))
    (sentence,) = said(report.findings, "masks")
    assert sentence.startswith(f"polyp occurs in {10 if everywhere else 2} pixels, while 255")


def test_some_masks_of_0_and_255_are_told(tmp_path):
    """Two hands drew them: the objects of the second are void, and were left out without a word."""
    report = check(folder(tmp_path, lambda number: disc(255 if number == 1 else 1)))
    assert not report.findings
    assert said(report.warnings, "some masks") == [
        "1 of 5 label files (b) hold 0 and 255 alone, and none of those that show an object holds 255: if it is the object there, it counts "
        "as void, so write the number of its class; see with --sheet"
    ]


@pytest.mark.parametrize(
    "labels", [lambda number: disc(number % 2), lambda number: np.maximum(disc(number % 2), disc(255, 0)[::-1])]
)
def test_pictures_without_an_object_are_no_masks_of_0_and_255(labels, tmp_path):
    """None of them has void, or those with objects have it too."""
    assert not said(check(folder(tmp_path, labels)).warnings, "some masks")


def test_masks_in_one_split_alone_are_told_with_it(tmp_path):
    report = check(folder(tmp_path, lambda number: disc(255 if number < 3 else 1)))
    (sentence,) = said(report.findings, "masks")
    assert sentence.startswith("split train: polyp never occurs")


@pytest.mark.parametrize(
    "labels",
    [
        disc(1),  # void never occurs
        np.where(disc(1), 1, np.eye(24, 30, dtype=np.uint8) * 255).astype(np.uint8),
        np.pad(disc(1)[4:-4, 4:-4], 4, constant_values=255),  # much void at the edges, and an object
    ],
)
def test_sound_masks_are_no_masks_of_0_and_255(labels, tmp_path):
    assert not check(folder(tmp_path, labels)).findings


def test_a_small_object_in_most_pictures_is_one_though_void_is_large(tmp_path):
    """As lesions in a round field of view: 0.1 % of the pixels are lesions, a third is void."""
    labels = np.zeros((240, 300), np.uint8)
    labels[:, :100], labels[100:105, 200:205] = 255, 1
    root = folder(tmp_path, labels)
    for file in (root / PICTURES).iterdir():
        Image.new("RGB", (300, 240), (ord(file.stem), 0, 0)).save(file)
    assert not said(check(root).findings, "masks")


def test_with_more_classes_their_names_are_told(tmp_path):
    report = check(folder(tmp_path, disc(255)), ClassMap.own(["sky", "tree", "car"]))
    assert said(report.findings, "masks")[0].startswith("none of tree, car occurs, while 255")


# a class list that cannot belong to the numbers


@pytest.mark.parametrize(
    "values, names, words",
    [
        ((1, 2), ["cat", "dog"], "hold numbers 1 to 2, and the class list names 0 to 1; 2 is beyond it and 0 never occurs, as if the list began"),
        ((0, 1, 2), ["background", "cat"], "2 is beyond it, as if one name were missing"),
        ((0, 127), ["background", "cat"], "shades of grey, far apart to be seen, and no class numbers: write 0 for 0, 1 for 127"),
        ((0, 127, 255), ["background", "cat", "dog"], "write 0 for 0, 1 for 127, 2 for 255"),
        ((0, 3, 9), ["background", "cat"], "numbers 3 and 9 are beyond it; give the list that was made for these labels"),
        ((2, 250, 253), ["background", "cat"], "two shades, up to 2 and from 250 on, as a JPEG file or a soft brush leaves"),
        ((0, 10, 20), [f"c{i}" for i in range(21)], "18 of its 21 names never occur, and the numbers are 10 apart"),
    ],
)  # fmt: skip
def test_a_list_that_was_not_made_for_these_numbers(values, names, words, tmp_path):
    def labels(number):
        picture = np.full((24, 30), values[0], np.uint8)
        for place, value in enumerate(values):
            picture[:, 10 * place : 10 * place + 10] = value
        return picture

    report = check(folder(tmp_path, labels), ClassMap.own(names))
    (sentence,) = said(report.findings, "class list")
    assert words in sentence
    assert not said(report.findings, "masks")


@pytest.mark.parametrize(
    "values, names",
    [
        ((0, 1), ["background", "cat", "dog"]),  # a name too many: it is told as a class that never occurs
        ((1, 2), ["background", "cat", "dog"]),  # nobody left a pixel to the background
        ((0, 7, 14), None),  # VOC's car and motorbike
        ((0, 12, 15), None),
        ((0, 1, 5), ["a", "b", "c", "d", "e", "f"]),
    ],
)
def test_a_list_that_may_belong_to_them(values, names, tmp_path):
    labels = np.repeat(np.array(values, np.uint8), 30 // len(values))[None].repeat(24, 0)
    labels = np.pad(labels, ((0, 0), (0, 30 - labels.shape[1])), mode="edge")
    report = check(folder(tmp_path, labels), ClassMap.own(names) if names else ClassMap.voc())
    assert not report.findings
    assert names is None or set(values) == set(range(len(names))) or said(report.warnings, "never shown")


def test_one_file_with_a_wrong_number_is_no_matter_of_the_list(tmp_path):
    report = check(folder(tmp_path, lambda number: disc(7 if number == 4 else 1)))
    assert [finding.kind for finding in report.findings] == ["not a class"]


# palettes


def with_palette(path, colours, labels=None, own=None):
    labels = disc(1) if labels is None else labels
    labels[:4] = 2
    root = folder(path, labels)
    for file in (root / LABELS).iterdir():
        image = Image.fromarray(labels)
        image.putpalette([channel for colour in colours for channel in colour])
        image.save(file)
    return root


VOC = [tuple(colour) for colour in colour_map().tolist()]


def test_a_palette_sorted_anew_is_a_finding_with_every_number_and_a_way_out(tmp_path):
    report = check(with_palette(tmp_path, [VOC[0], VOC[15], VOC[255]]), ClassMap.voc())
    sentences = said(report.findings, "palette")
    assert len(sentences) == 5 and all(finding.fixable for finding in report.findings)
    assert "a.png: number 1 has the colour of 15 person, number 2 that of void; as if a program" in sentences[0]
    assert "--fix --voc-colours" in sentences[0]
    assert len(told_together(report.findings)) == 1


def test_two_classes_that_changed_places_in_a_list_of_ones_own(tmp_path):
    classes = ClassMap.own(["ground", "cat", "dog"])
    report = check(with_palette(tmp_path, [VOC[0], VOC[2], VOC[1]]), classes)
    assert "number 1 has the colour of 2 dog, number 2 that of 1 cat" in said(report.findings, "palette")[0]


def test_one_colour_of_no_class_leaves_a_note(tmp_path):
    report = check(with_palette(tmp_path, [VOC[0], VOC[15], (200, 10, 10)]), ClassMap.voc())
    assert not report.findings
    (sentence, *_) = said(report.warnings, "some colours")
    assert "number 1 has the colour of 15 person; but number 2 has a colour of no class, (200, 10, 10)" in sentence


@pytest.mark.parametrize(
    "colours, names",
    [
        ([VOC[0], VOC[1], VOC[2]], None),  # VOC's
        ([(0, 0, 0), (90, 90, 90), (250, 250, 250)], None),  # greys of a program
        ([(0, 0, 0)] * 3, None),  # a palette that nobody filled says nothing
        (
            [VOC[7], VOC[38], VOC[11]],
            ["Sky", "Building", "Pole"],
        ),  # colours of another set, some of them in VOC's palette
    ],
)
def test_palettes_that_say_nothing_else(colours, names, tmp_path):
    report = check(with_palette(tmp_path, colours), ClassMap.own(names) if names else ClassMap.voc())
    assert not said(report.findings, "palette")


PLAIN, RED, BLUE, WHITE = (0, 0, 0), (250, 10, 10), (10, 10, 250), (255, 255, 255)
RAMP = [(value, value, value) for value in range(256)]
THREE = ClassMap.own(["ground", "cat", "dog"])


def with_palettes(path, palettes, labels=None):
    """The palettes in turn, one a file."""
    labels = disc(1) if labels is None else labels
    root = folder(path, labels)
    for number, file in enumerate(sorted((root / LABELS).iterdir())):
        image = Image.fromarray(labels)
        image.putpalette([channel for colour in palettes[number % len(palettes)] for channel in colour])
        image.save(file)
    return root


@pytest.mark.parametrize(
    "palettes, sentence",
    [
        (
            [[PLAIN, RED, BLUE], [PLAIN, BLUE, RED]],
            "(250, 10, 10) is number 1 in 3 files, such as a and number 2 in 2 files, such as b, and 1 more colour is so; each file",
        ),
        ([[PLAIN, RED, BLUE], [BLUE, PLAIN, RED]], "(250, 10, 10) is number 1 in 3 files, such as a and number 2"),
        (
            [[PLAIN, RED, BLUE]] * 4 + [[PLAIN, (9, 9, 99), RED]],
            "number 1 in 4 files, such as a and number 2 in e; each",
        ),
        ([[PLAIN, WHITE, RED], [WHITE, PLAIN, BLUE]], "(0, 0, 0) is number 0 in 3 files"),  # greys that changed places
    ],
)
def test_palettes_that_contradict_each_other(palettes, sentence, tmp_path):
    """Made anew for each picture, as quantising does it: number 1 is the cat here and the dog there, and nobody would know."""
    labels = disc(1)
    labels[:4] = 2
    root = with_palettes(tmp_path, palettes, labels)
    report = check(root, THREE)
    (said_of,) = said(report.findings, "palettes")
    assert said_of.startswith("the palettes of label files contradict each other: ") and sentence in said_of
    assert "--fix --colours FILE" in said_of
    assert verdict(root, THREE).meaningless == [said_of]  # nothing is trained


@pytest.mark.parametrize(
    "palettes",
    [
        [[PLAIN, RED, BLUE], [PLAIN, RED, BLUE, (1, 2, 3)]],  # one is longer
        [[PLAIN, RED, BLUE], [PLAIN, (1, 2, 3), (4, 5, 6)]],  # two programs, each with colours of its own
        [[PLAIN, WHITE, RED], RAMP],  # white is the object here and the last of a ramp there, which no pixel has
        [VOC[:4], RAMP],
        [[PLAIN, PLAIN, RED], [PLAIN, RED, PLAIN]],  # two numbers of one colour: it says nothing
    ],
)
def test_palettes_that_differ_and_do_not_contradict(palettes, tmp_path):
    labels = disc(1)
    labels[:4] = 2
    assert not said(check(with_palettes(tmp_path, palettes, labels), THREE).findings, "palettes")


def test_one_grey_of_two_numbers_says_nothing(tmp_path):
    """Void is white in a ramp, and the object white in a palette of two colours."""
    labels = disc(1)
    labels[:4] = 255
    report = check(with_palettes(tmp_path, [[PLAIN, WHITE], RAMP], labels), TWO)
    assert not said(report.findings, "palettes")


# one class alone, and classes that never occur


def test_one_class_in_all_pictures(tmp_path):
    report = check(folder(tmp_path, disc(1, 1)))
    assert said(report.findings, "one class") == [
        "split train: polyp is the only class in all 3 pictures, so there is nothing to tell it from: nothing can be learned"
    ]
    assert said(report.warnings, "one class scored")[0].endswith("a mean IU on it will be meaningless")


def test_one_class_because_the_others_were_left_out(tmp_path):
    classes = ClassMap.own(["background", "cat", "dog"], ["dog"])
    labels = np.where(disc(1), 2, 1).astype(np.uint8)  # no background, and cat is void now
    found = said(check(folder(tmp_path, labels), classes).findings, "one class")
    assert "dog is the only class" in found[0] and "--others background" in found[0]
    classes = ClassMap.own(["background", "cat", "dog"], ["dog"], "background")
    assert not check(folder(tmp_path / "more", labels), classes).findings


def test_a_class_that_was_asked_for_and_never_occurs(tmp_path):
    classes = ClassMap.own(["background", "cat", "dog", "cow"], ["dog", "cat"])
    root = folder(tmp_path, disc(1))
    (sentence,) = said(check(root, classes, asked=["dog", "cat"]).findings, "never chosen")
    assert sentence.startswith("split train: no picture shows dog, which was asked for")
    report = check(root, ClassMap.own(["background", "cat", "dog", "cow"]))
    assert not report.findings and "dog, cow" in said(report.warnings, "never shown")[0]


def test_one_class_a_picture_is_a_note(tmp_path):
    report = check(folder(tmp_path, lambda number: disc(number % 2, number % 2)))
    assert not report.findings and len(said(report.warnings, "one class each")) == 1


# what a training is told


def test_a_training_is_told_the_same(tmp_path):
    told = verdict(folder(tmp_path, disc(255)))
    assert told.meaningless == said(check(tmp_path / "data").findings, "masks") and not told.impossible
    assert told.pixels == np.sum(disc(255) == 0) * 3


def test_sound_data_has_nothing_to_tell(tmp_path):
    assert verdict(folder(tmp_path, disc(1)))[:4] == ([], "", [], [])


def test_a_limit_is_heeded(tmp_path):
    """Of what the limit leaves out nothing is read, nor said; what the rest lacks is a note, for it may be there."""
    root = folder(tmp_path, lambda number: disc(0 if number < 2 else 1))
    (root / LABELS / "c.png").write_bytes(b"")
    assert verdict(root).impossible
    told = verdict(root, limit=2)
    assert not told.impossible and not told.meaningless
    assert any(
        note.startswith("the first 2 of split train, which --limit leaves: background is the only")
        for note in told.notes
    )
    assert verdict(root, limit=2, asked=["polyp"]).meaningless[0].startswith("the first 2 of split train")


def test_the_same_split_twice(tmp_path):
    told = verdict(folder(tmp_path, disc(1)), val="train")
    assert len(told.meaningless) == 1 and "split train is trained on and scored" in told.meaningless[0]
    assert verdict(folder(tmp_path / "more", disc(1)), val="train", limit=2).meaningless


def test_a_split_that_holds_the_other_is_no_excuse_in_a_training(tmp_path):
    root = folder(tmp_path, disc(1), {**SPLIT, "trainval": [*"abcde"]})
    assert not check(root).findings
    told = verdict(root, train="trainval")
    assert [sentence for sentence in told.meaningless if "d stands in val.txt" in sentence]


def test_a_copy_of_the_list_under_another_name(tmp_path):
    root = folder(tmp_path, disc(1), {"train": [*"abcdef"], "val": [*"fedcba"]})
    (sentence,) = verdict(root).meaningless
    assert "val.txt lists the same 6 pictures as train.txt" in sentence


def test_copies_of_the_pictures_under_other_names_are_one_sentence(tmp_path):
    root = folder(tmp_path, disc(1), {"train": [*"abcdef"], "val": [*"ghijkl"]})
    for first, second in zip("abcdef", "ghijkl", strict=True):
        (root / PICTURES / f"{second}.png").write_bytes((root / PICTURES / f"{first}.png").read_bytes())
    (sentence,) = verdict(root).meaningless
    assert sentence.startswith("pictures a and g, b and h, c and i and 3 more (6 in all) have the same pixels")


def test_pictures_that_agree_in_every_eighth_row_are_not_the_same(tmp_path):
    """The digest of some rows chooses whom to compare, not who is equal."""
    root = folder(tmp_path, disc(1))
    for name in "ad":
        picture = np.zeros((24, 30, 3), np.uint8)
        picture[3] = ord(name)
        Image.fromarray(picture).save(root / PICTURES / f"{name}.png")
    assert not check(root).findings


def test_many_names_in_two_splits_are_one_sentence(tmp_path):
    splits = {
        "train": dict(zip("abcdefgh", range(1, 9), strict=True)),
        "val": dict(zip("xabcde", range(1, 7), strict=True)),
    }
    found = shared_names(splits, tmp_path)
    assert len(found) == 5
    (sentence,) = told_together(found)
    assert sentence.startswith("a, b, c and 2 more (5 in all) stand in ") and "val.txt too" in sentence


def test_two_years_of_an_archive(tmp_path):
    """Train in one, val in the other: each is checked, and a picture of both is found."""
    years = []
    for year, split, names in (("VOC2007", "val", "de"), ("VOC2012", "train", "abc")):
        root = folder(tmp_path / year, disc(1), {split: [*names]})
        target = tmp_path / "archive" / "VOCdevkit" / year
        target.parent.mkdir(parents=True, exist_ok=True)
        years.append(root.rename(target))
    pictures = sorted((years[1] / PICTURES).iterdir()) + sorted((years[0] / PICTURES).iterdir())
    for number, file in enumerate(pictures):
        Image.new("RGB", (30, 24), (number, 9, 9)).save(file)
    assert not verdict(tmp_path / "archive").meaningless
    (years[0] / PICTURES / "e.png").write_bytes((years[1] / PICTURES / "b.png").read_bytes())
    (sentence,) = verdict(tmp_path / "archive").meaningless
    assert "b.png (VOC2012 train): the same pixels as e.png (VOC2007 val)" in sentence
    (years[0] / LABELS / "d.png").write_bytes(b"")
    told = verdict(tmp_path / "archive")
    assert "d.png" in told.impossible[0] and told.bad == "split val: 1 of 2 pairs are bad"


def test_a_label_of_void_alone_is_a_note_in_a_training(tmp_path):
    told = verdict(folder(tmp_path, lambda number: disc(1) if number else np.full((24, 30), 255, np.uint8)))
    assert not told.meaningless and "a.png: every pixel is void" in told.notes[0]


def test_one_fault_of_a_whole_folder_is_one_sentence(tmp_path):
    root = folder(tmp_path, disc(1), {"train": [*"abcdefghij"], "val": [*"kl"]})
    for file in (root / LABELS).iterdir():
        Image.new("RGB", (30, 24), (9, 9, ord(file.stem))).save(file)
    (sentence,) = verdict(root).impossible  # though each has another colour
    assert sentence.startswith("labels a.png, b.png, c.png and 9 more (12 in all): mode RGB, with colours of no class")
    for file in (root / LABELS).iterdir():
        Image.fromarray(disc(5)).save(file)
    found = verdict(root)
    assert found.impossible[0] == (
        "labels a.png, b.png, c.png and 9 more (12 in all): label value 5, but the classes are 0 to 1 and 255 for void; name this class, "
        "write its number into void.txt if it is nobody's, or correct the files"
    )
    assert "numbers 0 and 5, and the class list names 0 to 1" in found.impossible[1] and len(found.impossible) == 2
    assert found.bad == "split train: 10 of 10 pairs are bad; split val: 2 of 2 pairs are bad"
