"""Class lists as tools write them, known by the names of their files: names, numbers, colours, void."""

import pytest

from minifcn.data import VOID, DataError
from minifcn.data.meaning.tables import read_table

CVAT = "# label:color_rgb:parts:actions\nCat:51,221,255::\nDog:250,50,83::\nbackground:0,0,0::\n"


@pytest.fixture
def table(tmp_path):
    """name, content -> what the file says."""

    def read(name, content):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return read_table(tmp_path / name)

    return read


def test_cvats_labelmap_has_the_background_first(table):
    found = table("labelmap.txt", CVAT)
    assert found.names == {0: "background", 1: "Cat", 2: "Dog"} and found.void == ()
    assert found.colours == {(0, 0, 0): 0, (51, 221, 255): 1, (250, 50, 83): 2}


def test_cvats_background_may_be_known_by_its_colour_alone(table):
    found = table("labelmap.txt", "tree:1,2,3::\nnothing:0,0,0::\n")
    assert found.names == {0: "nothing", 1: "tree"}


def test_a_background_by_name_goes_before_one_by_colour(table):
    found = table("labelmap.txt", "shade:0,0,0::\nbackground:9,9,9::\ntree:1,2,3::\n")
    assert found.names == {0: "background", 1: "shade", 2: "tree"} and found.colours[(0, 0, 0)] == 1


def test_a_labelmap_without_colours_has_those_of_voc(table):
    found = table("labelmap.txt", "background:::\ncat:::\n")
    assert found.names == {0: "background", 1: "cat"}
    assert found.colours == {(0, 0, 0): 0, (128, 0, 0): 1, (224, 224, 192): VOID}


def test_names_with_colons_and_parts(table):
    found = table("labelmap.txt", "background:0,0,0::\ncar: old:1,2,3:wheel,door:drive\n")
    assert found.names == {0: "background", 1: "car: old"}


def test_camvids_void_is_void_and_no_number_moves(table):
    found = table("label_colors.txt", "64 128 64\tAnimal\n0 0 0\t\tVoid\n192 0 128\tArch way\n")
    assert found.names == {0: "Animal", 1: "Void", 2: "Arch way"} and found.void == (1,)
    assert found.colours == {(64, 128, 64): 0, (0, 0, 0): VOID, (192, 0, 128): 2}


def test_roboflows_csv(table):
    found = table("_classes.csv", "Pixel Value, Class\n0, background\n3, leaf\n")
    assert found.names == {0: "background", 3: "leaf"} and not found.colours


def test_class_dict_with_names_in_quotes(table):
    found = table("class_dict.csv", 'name,r,g,b\n"building, edifice",1,2,3\nUnlabelled,0,0,0\n')
    assert found.names == {0: "building, edifice", 1: "Unlabelled"} and found.void == (1,)
    assert found.colours == {(1, 2, 3): 0, (0, 0, 0): VOID}


def test_any_other_name_is_a_list_of_names(table):
    assert table("names.txt", "sky\nsea\n").names == {0: "sky", 1: "sea"}


REFUSED = {
    "labelmap, no columns": ("labelmap.txt", "cat\n", "line 1: 'cat'; expected 'name:red,green,blue::'"),
    "labelmap, no colour": ("labelmap.txt", "# x\ncat:1,2::\n", "line 2: '1,2' is no colour"),
    "labelmap, beyond a byte": ("labelmap.txt", "cat:1,2,256::\n", "is no colour; expected red,green,blue, each 0 to 255"),
    "labelmap, a colour twice": ("labelmap.txt", "cat:1,2,3::\ndog:1,2,3::\n", "cat and dog have the same colour (1, 2, 3)"),
    "labelmap, a name twice": ("labelmap.txt", "cat:1,2,3::\ncat:1,2,4::\n", "line 2: 'cat' stands in line 1 too"),
    "labelmap, empty": ("labelmap.txt", "# label\n\n", "no classes in it"),
    "camvid, no colour": ("label_colors.txt", "64 128 64\n", "line 1: '64 128 64'; expected 'red green blue name'"),
    "camvid, a name first": ("label_colors.txt", "Sky 1 2 3\n", "'Sky,1,2' is no colour"),
    "roboflow, no number": ("_classes.csv", "Pixel Value, Class\nx, leaf\n", "line 2: 'x, leaf'; expected 'number, name'"),
    "class_dict, no colour": ("class_dict.csv", "name,r,g,b\nsky,1,2\n", "line 2: 'sky, 1, 2'; expected 'name, red, green, blue'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(table, case, tmp_path):
    name, content, words = REFUSED[case]
    with pytest.raises(DataError) as caught:
        table(name, content)
    assert str(caught.value).startswith(f"class names {tmp_path / name}") and words in str(caught.value)


def test_ade20ks_table(table):
    head = "Idx\tRatio\tTrain\tVal\tName\n"
    found = table(
        "objectInfo150.txt", f"{head}1\t0.1576\t11664\t1172\twall \n2\t0.1072\t6046\t612\tbuilding, edifice\n"
    )
    assert found.names == {1: "wall", 2: "building, edifice"} and found.void == (0,)
    with pytest.raises(DataError, match=r"line 3: 'x'; expected number and name"):
        table("objectInfo150.txt", f"{head}1\t0.1\t1\t1\twall\nx\n")
