"""What a folder says about its numbers: which list counts, void, colours, and what is said where nobody says anything."""

import numpy as np
import pytest

from minifcn.data import VOC_CLASSES, VOID, ClassMap, DataError, Meaning, read_meaning
from minifcn.data.meaning.choice import chosen_classes
from minifcn.data.meaning.numbers import read_void

from .folders import write_folder

CVAT = "# label:color_rgb:parts:actions\ncat:51,221,255::\nbackground:0,0,0::\n"
VOC_NAMES = ["2007_000032", "2008_000008", "2012_004331"]


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]})


def say(root, **files):
    """say(root, void="1"): void.txt and the like."""
    for name, content in files.items():
        ending = "csv" if name == "_classes" else "txt"
        (root / f"{name}.{ending}").write_text(content, encoding="utf-8")


def test_our_own_list(root):
    say(root, class_names="sky\nsea\n")
    meaning = read_meaning(root)
    assert meaning.names == {0: "sky", 1: "sea"} and meaning.void == () and not meaning.colours and not meaning.notes
    assert meaning.said_by == str(root / "class_names.txt") and meaning.folder == root
    assert meaning.class_map() == ClassMap.own(["sky", "sea"])


LISTS = {
    "labelmap": (CVAT, {0: "background", 1: "cat"}),
    "label_colors": ("0 0 0 ground\n1 2 3\tcat\n", {0: "ground", 1: "cat"}),
    "_classes": ("Pixel Value, Class\n0, background\n1, leaf\n", {0: "background", 1: "leaf"}),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_tools(root, name):
    content, names = LISTS[name]
    say(root, **{name: content})
    assert read_meaning(root).names == names and not read_meaning(root).notes


def test_the_folder_that_was_found_counts(root, tmp_path):
    say(tmp_path, class_names="above\nbelow\n")
    assert read_meaning(root, tmp_path).names == {0: "above", 1: "below"}  # it has none itself
    assert not read_meaning(root).names
    say(root, class_names="above\nbelow\n")
    assert not read_meaning(root, tmp_path).notes  # both say the same
    say(root, class_names="sky\nsea\n")
    meaning = read_meaning(root, tmp_path)
    assert meaning.names == {0: "sky", 1: "sea"}
    (note,) = meaning.notes
    assert note == (
        f"{root / 'class_names.txt'} counts: it says that number 0 is 'sky', and {tmp_path / 'class_names.txt'} says 'above'"
    )


def test_colours_of_a_list_that_has_the_same_names_in_another_order(root):
    say(root, class_names="cat\nbackground\n", labelmap=CVAT)
    meaning = read_meaning(root)
    assert meaning.names == {0: "cat", 1: "background"} and not meaning.notes
    assert meaning.colours == {(51, 221, 255): 0, (0, 0, 0): 1}


def test_a_list_beside_ours_that_says_something_else_is_noted(root):
    say(root, class_names="background\ndog\n", labelmap=CVAT)
    meaning = read_meaning(root)
    assert meaning.names == {0: "background", 1: "dog"} and not meaning.colours
    assert "number 1 is 'dog', and" in meaning.notes[0] and "says 'cat'" in meaning.notes[0]
    say(root, labelmap="cat\n")
    assert "labelmap.txt cannot be read: class names" in read_meaning(root).notes[0]


def test_a_list_from_elsewhere(root, tmp_path):
    say(root, class_names="sky\nsea\n")
    say(tmp_path, other="1: pet\n2: background\n", void="3")
    meaning = read_meaning(root, root, str(tmp_path / "other.txt"))
    assert meaning.names == {1: "pet", 2: "background"} and meaning.void == (3,) and not meaning.notes
    say(root, void="4")
    assert read_meaning(root, root, tmp_path / "other.txt").void == (4,)  # what the folder says goes before
    with pytest.raises(DataError, match=r"class names .*nowhere"):
        read_meaning(root, root, "nowhere.txt")


def test_the_word_voc(root):
    say(root, class_names="sky\nsea\n")
    meaning = read_meaning(root, root, "voc")
    assert tuple(meaning.names.values()) == VOC_CLASSES and not meaning.notes


def test_pictures_with_names_of_voc_and_no_list(tmp_path):
    root = write_folder(tmp_path / "anything", {"train": VOC_NAMES[:2], "val": VOC_NAMES[2:]})
    meaning = read_meaning(root)
    assert meaning.class_map() == ClassMap.voc() and "taken for VOC's 21 classes" in meaning.notes[0]
    say(root, class_names="sky\nsea\n")  # a list counts, whatever the pictures are called
    assert read_meaning(root).names == {0: "sky", 1: "sea"}


@pytest.mark.parametrize(
    "place, names, voc",
    [
        ("VOC2012", ["a", "b"], False),  # the folder's name says nothing
        ("VOC2012", ["000032", "000033"], False),
        ("VOC2007", ["000032", "000033"], True),
        ("data", ["000032", "000033"], False),
        ("data", ["2007_000032 1", "JPEGImages/2008_000008.jpg"], True),
        ("data", ["2007_000032", "cat"], False),
        ("data", [*(f"2009_{n:06}" for n in range(9)), "cat"], True),  # nine of ten
        ("data", ["2023_000032", "2023_000033"], False),
    ],
)
def test_what_counts_as_names_of_voc(tmp_path, place, names, voc):
    root = write_folder(tmp_path / place, {"train": ["a"]})
    (root / "ImageSets/Segmentation/train.txt").write_text("\n".join(names))
    assert bool(read_meaning(root).names) == voc


def test_nobody_says_it(root):
    meaning = read_meaning(root)
    assert not meaning.names and not meaning.said_by
    with pytest.raises(DataError) as caught:
        meaning.class_map()
    for words in (
        str(root / "class_names.txt"),
        "labelmap.txt",
        "'1: cat'",
        "void.txt",
        "--class-names voc",
        "not VOC's by name",
    ):
        assert words in str(caught.value)
    say(root, classes="cat\ndog\n")
    with pytest.raises(DataError, match=r"classes\.txt is there: if it is the list, add --class-names .*classes\.txt"):
        meaning.class_map()


@pytest.mark.parametrize(
    "place", ["Labels.TXT", "ImageSets/class_names.txt", "SegmentationClass/labelmap.txt", "JPEGImages/classes.txt", "../class_names.txt"]
)  # fmt: skip
def test_a_list_that_lies_elsewhere_is_named(root, tmp_path, place):
    """It counts beside JPEGImages, and in the folder that was given."""
    (root / place).write_text("cat\ndog\n")
    with pytest.raises(DataError) as caught:
        read_meaning(root).class_map()
    file = tmp_path / "class_names.txt" if ".." in place else root / place
    assert f"({file} is there: if it is the list, add --class-names {file}.)" in str(caught.value)


def test_void_of_the_folder_the_one_above_and_a_table(root, tmp_path):
    say(root, class_names="1: pet\n2: background\n")
    say(tmp_path, void="7, 8")
    assert read_meaning(root, tmp_path).void == (7, 8)
    say(root, void="3")
    meaning = read_meaning(root, tmp_path)
    assert meaning.void == (3,) and "declares 3 void, and" in meaning.notes[0] and "declares 7 to 8" in meaning.notes[0]
    classes = meaning.class_map()
    assert classes.void == (3,) and classes.gaps == (0,) and classes.names == ("pet", "background")


def test_camvids_void_without_a_file(root):
    say(root, label_colors="0 0 0 Void\n1 2 3 sky\n9 9 9 road\n")
    classes = read_meaning(root).class_map()
    assert classes.names == ("sky", "road") and classes.values == (1, 2) and classes.void == (0,)
    assert not read_meaning(root).notes


def test_a_class_called_void_is_asked_about(root):
    say(root, class_names="sky\nsea\nunlabelled\n")
    (note,) = read_meaning(root).notes
    assert note.startswith("number 2 is called 'unlabelled' and is learned as a class") and "void.txt" in note
    say(root, void="2")
    assert not read_meaning(root).notes and read_meaning(root).class_map().names == ("sky", "sea")


@pytest.mark.parametrize(
    "content, numbers",
    [
        ("0\n11\n", (0, 11)),
        ("0, 11", (0, 11)),
        ("# nobody's\n11 0 # rest\n", (0, 11)),
        ("\ufeff3;255\r\n", (3,)),
        ("255", ()),
    ],
)
def test_numbers_that_are_void(tmp_path, content, numbers):
    say(tmp_path, void=content)
    assert read_void(tmp_path / "void.txt") == numbers


@pytest.mark.parametrize(
    "content, words",
    [("3\nborder\n", "line 2: 'border'; expected numbers from 0 to 255"), ("256", "line 1: '256'"), ("-1", "line 1: '-1'"), ("# none\n", ": no number in it")],
)  # fmt: skip
def test_void_that_is_no_numbers(tmp_path, content, words):
    say(tmp_path, void=content)
    with pytest.raises(DataError) as caught:
        read_void(tmp_path / "void.txt")
    assert str(caught.value).startswith(f"void numbers {tmp_path / 'void.txt'}") and words in str(caught.value)


ADE = {0: "other", 1: "wall", 2: "building, edifice", 3: "sky"}


@pytest.mark.parametrize(
    "text, chosen",
    [
        ("wall,building, edifice,sky", ["wall", "building, edifice", "sky"]),
        ("wall,building,edifice,sky", ["wall", "building, edifice", "sky"]),
        ("building, edifice", ["building, edifice"]),
        ('"building, edifice",sky', ["building, edifice", "sky"]),
        ("sky, 'building, edifice'", ["sky", "building, edifice"]),
        ("2,3", ["building, edifice", "sky"]),
        ("sky,2", ["sky", "building, edifice"]),
        (" sky , wall ,", ["sky", "wall"]),
    ],
)
def test_chosen_classes(text, chosen):
    assert chosen_classes(text, ADE) == chosen


def test_a_name_that_is_a_number_goes_before_the_number():
    assert chosen_classes("1,2", {0: "2", 1: "x", 2: "y"}) == ["x", "2"]


def test_letters_in_two_parts_are_the_same_name():
    assert chosen_classes("cafe\u0301", {0: "caf\u00e9"}) == ["caf\u00e9"]


def test_classes_from_a_file(tmp_path):
    say(tmp_path, mine='sky\n"building, edifice"\n1\n')
    for text in (f"@{tmp_path / 'mine.txt'}", str(tmp_path / "mine.txt")):
        assert chosen_classes(text, ADE) == ["sky", "building, edifice", "wall"]
    with pytest.raises(DataError, match=r"--classes .*none\.txt: cannot be read"):
        chosen_classes(f"@{tmp_path}/none.txt", ADE)


def test_the_refusal_says_how_a_name_with_a_comma_is_given():
    with pytest.raises(DataError) as caught:
        chosen_classes("buildings,sky", ADE)
    assert str(caught.value) == (
        "classes: there is no class 'buildings': did you mean building, edifice? "
        'Choose one of "other", "wall", "building, edifice", "sky". A name with a comma is given whole, by its number (2), '
        "or a line in a file: --classes @FILE"
    )
    with pytest.raises(DataError) as caught:
        chosen_classes("x", {0: "sky", 1: "sea"})
    assert str(caught.value) == "classes: there is no class 'x'; choose one of sky, sea"


def test_a_meaning_chooses(root):
    say(root, class_names="sky\n_background_\nbuilding, edifice\n")
    meaning = read_meaning(root)
    assert meaning.class_map("2", "background").names == ("background", "building, edifice")
    assert meaning.class_map("sky,background").names == ("sky", "background")
    assert meaning.class_map(["sky", "building, edifice"], "void").values == (1, 0, 2)  # and the background
    assert Meaning(root, {0: "a", 1: "b"}).class_map().names == ("a", "b")


def test_void_and_gaps_in_labels():
    pets = ClassMap.own({1: "pet", 2: "background"}, void=[3, VOID])
    labels = np.array([1, 2, 3, 255], np.uint8)
    assert pets.void == (3,) and pets.apply(labels).tolist() == [0, 1, VOID, VOID]
    assert pets.restore(np.array([0, 1, VOID], np.uint8)).tolist() == [1, 2, VOID]
    assert pets.shown(np.array([0, 1, 3, 4], np.uint8)).tolist() == [2, 0, VOID, 2]
    with pytest.raises(
        DataError,
        match=r"label value 0 stands in 2 pixels \(1 more .*\), but the classes are 1 to 2, and 3 and 255 for void",
    ):
        pets.apply(np.array([0, 0, 9], np.uint8))
    # void goes before what the rest becomes
    assert ClassMap.own(["background", "a", "b", "c"], ["a"], "background", void=[2]).apply(
        np.arange(4, dtype=np.uint8)
    ).tolist() == [0, 1, 255, 0]


@pytest.mark.parametrize(
    "names, found, asks",
    [(["cat", "dog"], [0, 1, 2], True), (["background", "cat"], [0, 2], False), (["cat", "dog"], [0, 3], False)],
)
def test_is_the_background_missing_in_the_list(names, found, asks):
    with pytest.raises(DataError) as caught:
        ClassMap.own(names).apply(np.array(found, np.uint8))
    assert ("is 0 the background, and cat 1? Then write background as the first line" in str(caught.value)) == asks


def test_a_list_of_one_class(root):
    say(root, class_names="polyp\n")
    with pytest.raises(DataError) as caught:
        read_meaning(root).class_map()
    assert str(caught.value).startswith(
        f"class names {root / 'class_names.txt'}: one class, 'polyp' for number 0, and a model"
    )


def test_what_is_void_is_no_class():
    with pytest.raises(DataError, match="'sea' has the number 1, which is declared void; leave it out"):
        ClassMap.own(["sky", "sea", "land"], ["sky", "sea"], void=[1])
    with pytest.raises(DataError, match="number 1 is 'b', and it is void; it can only be one of them"):
        ClassMap(("a", "b"), (0, 1), "void", 2, (1,))
    with pytest.raises(DataError, match="number 1 is 'b', and it is no class"):
        ClassMap(("a", "b"), (0, 1), "void", 2, (), (1,))
    pets = ClassMap.own({1: "pet", 2: "background"})
    assert pets.also_void([0, 3]).void == (0, 3) and pets.also_void([0, 3]).gaps == ()
    with pytest.raises(DataError, match="number 2 is 'background', and it is void"):
        pets.also_void([2])


def test_void_in_a_dictionary_and_none_in_old_ones():
    pets = ClassMap.own({1: "pet", 2: "background"}, void=[3])
    fields = pets.to_dict()
    assert fields["void"] == [3] and fields["gaps"] == [0] and ClassMap.from_dict(fields) == pets
    assert set(ClassMap.voc().to_dict()) == {"names", "values", "others", "known"}
    with pytest.raises(DataError, match="is no class map"):
        ClassMap.from_dict(fields | {"void": ["x"]})


@pytest.mark.parametrize(
    "found, asks",
    [([1, 2, 3], True), ([1, 3, 255], True), ([0, 1, 3], False), ([1, 4], False), ([3], False), ([1, 3, 4], False)],
)
def test_do_the_numbers_begin_at_1(found, asks):
    with pytest.raises(DataError) as caught:
        ClassMap.own(["pet", "background", "border"]).apply(np.array(found, np.uint8))
    assert ("do your numbers begin at 1? Then write the class list with numbers, '1: pet'" in str(caught.value)) == asks
