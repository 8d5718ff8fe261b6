"""Class maps: which classes a model learns, from the files' numbers and back; what does not fit is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minifcn.data import VOC_CLASSES, ClassMap, DataError

few = settings(deadline=None, max_examples=40, derandomize=True, database=None)


def byte(*values):
    return np.array(values, np.uint8)


def test_all_of_voc():
    classes = ClassMap.voc()
    assert classes.names == VOC_CLASSES and classes.values == tuple(range(21))
    assert (classes.others, classes.known) == ("void", 21)
    assert classes.apply(byte(0, 7, 20, 255)).tolist() == [0, 7, 20, 255]


def test_a_subset_in_the_order_given():
    classes = ClassMap.voc(["person", "cat", "aeroplane"])
    assert classes.names == ("background", "person", "cat", "aeroplane")
    assert classes.values == (0, 15, 8, 1)
    labels = classes.apply(byte(0, 15, 8, 1, 2, 20, 255))
    assert labels.dtype == np.uint8 and labels.tolist() == [0, 1, 2, 3, 255, 255, 255]


def test_background_stays_class_0_named_or_not():
    assert ClassMap.voc(["cat", "background"]) == ClassMap.voc(["cat"])
    assert ClassMap.own(["background", "a", "b"], ["b", "background"]).names == ("background", "b")


def test_other_classes_become_background_on_request():
    classes = ClassMap.voc(["cat", "dog"], others="background")
    assert classes.apply(byte(0, 8, 12, 3, 20, 255)).tolist() == [0, 1, 2, 0, 0, 255]


def test_a_background_that_is_not_class_0():
    classes = ClassMap.own(["tree", "background", "house"], ["house", "background"], others="background")
    assert classes.names == ("house", "background") and classes.values == (2, 1)
    assert classes.apply(byte(0, 1, 2, 255)).tolist() == [1, 1, 0, 255]


def test_own_classes_get_nothing_added():
    classes = ClassMap.own(["sky", "sea"])
    assert classes.names == ("sky", "sea") and classes.values == (0, 1) and classes.known == 2
    assert classes.apply(byte(1, 0, 255)).tolist() == [1, 0, 255]
    turned = ClassMap.own(["sky", "sea", "land"], ["land", "sky"])
    assert turned.apply(byte(0, 1, 2)).tolist() == [1, 255, 0]


def test_255_own_classes():
    classes = ClassMap.own([f"c{value}" for value in range(255)])
    assert classes.apply(byte(254, 255)).tolist() == [254, 255]


def test_apply_keeps_the_shape_and_the_argument():
    labels = np.zeros((0, 3), np.uint8)
    assert ClassMap.voc().apply(labels).shape == (0, 3)
    labels = byte(15, 3, 0).reshape(3, 1)
    assert ClassMap.voc(["person"]).apply(labels).tolist() == [[1], [255], [0]]
    assert labels.ravel().tolist() == [15, 3, 0]


def test_restore():
    classes = ClassMap.voc(["person", "cat"])
    values = classes.restore(byte(0, 1, 2, 255))
    assert values.dtype == np.uint8 and values.tolist() == [0, 15, 8, 255]


@few
@given(st.data(), st.integers(2, 12), st.sampled_from(["void", "background"]))
def test_there_and_back(data, count, others):
    names = ["background", *(f"c{value}" for value in range(1, count))]
    chosen = data.draw(st.lists(st.sampled_from(names[1:]), min_size=1, unique=True))
    classes = ClassMap.own(names, chosen, others)
    # from the model's numbers to the files' and back nothing is lost
    learnt = byte(*range(len(classes.names)), 255)
    np.testing.assert_array_equal(classes.apply(classes.restore(learnt)), learnt)
    # from the files' numbers: a chosen class by its place, any other as `others` says
    rest = 0 if others == "background" else 255
    expected = [0] + [chosen.index(name) + 1 if name in chosen else rest for name in names[1:]]
    assert classes.apply(np.arange(count, dtype=np.uint8)).tolist() == expected


def test_a_class_keeps_its_colour_in_every_subset():
    classes = ClassMap.voc(["tvmonitor", "cat"])
    assert classes.colours.dtype == np.uint8
    assert classes.colours.tolist() == [[0, 0, 0], [0, 64, 128], [64, 0, 0]]


@pytest.mark.parametrize(
    "classes",
    [ClassMap.voc(), ClassMap.voc(["cat"], "background"), ClassMap.own(["sky", "sea", "land"], ["land", "sea"])],
)
def test_as_json_and_back(classes):
    fields = json.loads(json.dumps(classes.to_dict()))
    assert ClassMap.from_dict(fields) == classes


def test_the_dictionary():
    assert ClassMap.voc(["cat"]).to_dict() == {
        "names": ["background", "cat"],
        "values": [0, 8],
        "others": "void",
        "known": 21,
    }


FIELDS = {"names": ["background", "cat"], "values": [0, 8], "others": "void", "known": 21}
NO_MAPS = [
    None,
    [],
    {},
    {**FIELDS, "names": None},
    {**FIELDS, "values": ["x", 1]},
    {**FIELDS, "values": [0, 8.5]},
    {**FIELDS, "known": "many"},
    {key: value for key, value in FIELDS.items() if key != "others"},
]


@pytest.mark.parametrize("fields", NO_MAPS, ids=str)
def test_no_class_map(fields):
    with pytest.raises(DataError) as caught:
        ClassMap.from_dict(fields)
    assert str(caught.value) == f"classes: {fields!r} is no class map; names, values, others, known are expected"


VOC = ", ".join(VOC_CLASSES)
REFUSED = {
    "others": (
        lambda: ClassMap.voc(["cat"], others="nothing"),
        'classes: others is \'nothing\'; choose "void" or "background"',
    ),
    "one class": (
        lambda: ClassMap.own(["sky", "sea"], ["sea"]),
        "classes: got ['sea']; a model needs at least 2 classes to tell apart",
    ),
    "no class": (
        lambda: ClassMap.voc([]),
        "classes: got ['background']; a model needs at least 2 classes to tell apart",
    ),
    "no names": (lambda: ClassMap.own([]), "classes: got []; a model needs at least 2 classes to tell apart"),
    "no background for the others": (
        lambda: ClassMap.own(["sky", "sea"], others="background"),
        "classes: others is background, but none of sky, sea is so named; use others void",
    ),
    "names without values": (
        lambda: ClassMap(("a", "b"), (0, 1, 2), "void", 3),
        "classes: 2 names, 3 values, known 3 do not fit",
    ),
    "known too large": (
        lambda: ClassMap(("a", "b"), (0, 1), "void", 256),
        "classes: 2 names, 2 values, known 256 do not fit",
    ),
    "a name twice": (
        lambda: ClassMap(("a", "b", "a"), (0, 1, 2), "void", 3),
        "classes: 'a' stands twice; give each name once",
    ),
    "a value twice": (
        lambda: ClassMap(("a", "b", "c"), (0, 2, 2), "void", 3),
        "classes: 2 stands twice; give each value once",
    ),
    "a value beyond": (
        lambda: ClassMap(("a", "b"), (0, 2), "void", 2),
        "classes: values (0, 2) must lie within 0 to 1",
    ),
    "a value below": (
        lambda: ClassMap(("a", "b"), (0, -1), "void", 2),
        "classes: values (0, -1) must lie within 0 to 1",
    ),
    "256 names": (
        lambda: ClassMap.own([str(value) for value in range(256)]),
        "classes: 256 names, but label files hold at most 255 classes (255 is void)",
    ),
    "an own name twice": (
        lambda: ClassMap.own(["sky", "sea", "sky"]),
        "classes: 'sky' stands twice; give each name once",
    ),
    "an unknown class": (
        lambda: ClassMap.voc(["cat", "unicorn"]),
        f"classes: there is no class 'unicorn'; choose one of {VOC}",
    ),
    "a chosen class twice": (
        lambda: ClassMap.voc(["cat", "dog", "cat"]),
        f"classes: 'cat' stands twice; give each once, from {VOC}",
    ),
    "apply type": (
        lambda: ClassMap.voc().apply(np.zeros(3, np.int64)),
        "apply: labels are int64, uint8 is expected; use labels.astype('uint8')",
    ),
    "restore type": (
        lambda: ClassMap.voc().restore(np.zeros(3, np.float32)),
        "restore: labels are float32, uint8 is expected; use labels.astype('uint8')",
    ),
    "unknown value": (
        lambda: ClassMap.voc(["cat"]).apply(byte(0, 21, 21, 255, 8)),
        "label value 21 stands in 2 pixels, but the classes are 0 to 20 and 255 for void; "
        "name this class, write its number into void.txt if it is nobody's, or correct the file",
    ),
    "unknown values": (
        lambda: ClassMap.own(["sky", "sea"]).apply(byte(9, 2, 254, 1)),
        "label value 2 stands in 1 pixels (2 more unknown values), but the classes are 0 to 1 and 255 for void; "
        "name this class, write its number into void.txt if it is nobody's, or correct the file",
    ),
    "restore unknown class": (
        lambda: ClassMap.voc(["cat", "dog"]).restore(byte(0, 4, 3)),
        "restore: class 3 came, but the model has 0 to 2",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, message = REFUSED[case]
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("names", ["ab", [1, 2], {0: "a", 1: None}, {"0": "a", 1: "b"}, {1.5: "a", 2: "b"}])
def test_names_are_strings(names):
    with pytest.raises(
        DataError, match=r"classes: names are .*; expected a list of strings, or a dict of integers to them"
    ):
        ClassMap.own(names)


@pytest.mark.parametrize("numbers, wrong", [((-1, 1), -1), ((0, 300), 300), ((0, 255), 255)])
def test_the_number_that_is_blamed_is_the_wrong_one(numbers, wrong):
    """Of -1 and 1 it was 1."""
    with pytest.raises(DataError, match=f"classes: {wrong} is named, but classes have the numbers 0 to 254"):
        ClassMap.own(dict(zip(numbers, "ab", strict=True)))
    with pytest.raises(DataError, match="classes: void holds 300, but label values are 0 to 255"):
        ClassMap.own(["a", "b"], void=[300])
