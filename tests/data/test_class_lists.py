"""Class lists in the forms that people and tools write: read where the form is certain, else refused with the line."""

import json

import pytest

from minifcn.data import DataError, read_class_names
from minifcn.data.meaning.lists import class_list_text, read_class_list


@pytest.fixture
def written(tmp_path):
    """content -> a file that holds it."""

    def write(content, name="class_names.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


PET = {1: "pet", 2: "background"}
READ = {
    "numbers": ("1: pet\n2: background\n", PET),
    "numbers and blanks": ("1 pet\n2   background", PET),
    "numbers and commas": ("1, pet\n2,background\n", PET),
    "numbers and tabs": ("1\tpet\n2\tbackground\n", PET),
    "numbers and arrows": ("1 -> pet\n2->background\n", PET),
    "numbers and equals": ("1 = pet\n2=background\n", PET),
    "numbers in any order": ("2: background\n1: pet\n", PET),
    "numbers behind": ("pet: 1\nbackground: 2\n", PET),
    "void is said": ("1: pet\n2: background\n255: void\n", PET),
    "a name with a comma and a number": ("0: building, edifice\n1: sky\n", {0: "building, edifice", 1: "sky"}),
    "a name that is a number": ("0: 10\n1: 20\n", {0: "10", 1: "20"}),
    "lists from 0": ("0. sky\n1. sea\n", {0: "sky", 1: "sea"}),
    "names that begin with numbers": ("2 euro\n5 euro\n", {0: "2 euro", 1: "5 euro"}),
    "coins in no order": ("5 cent\n2 euro\n", {0: "5 cent", 1: "2 euro"}),
    "one name with a number": ("sky\n3 wheeler\n", {0: "sky", 1: "3 wheeler"}),
    "names that end in numbers of their own": ("boeing 747\nairbus 380\n", {0: "boeing 747", 1: "airbus 380"}),
    "a name with a colon": ("2: the return\nsky\n", {0: "2: the return", 1: "sky"}),
    "names that end in numbers": ("type 1\ntype 2\n", {0: "type 1", 1: "type 2"}),
    "names with commas": ("wall\nbuilding, edifice\n", {0: "wall", 1: "building, edifice"}),
    "quotes": ('"wall"\n"building, edifice"\n', {0: "wall", 1: "building, edifice"}),
    "lines of a program": ("'wall',\n'sky',\n", {0: "wall", 1: "sky"}),
    "dashes": ("- wall\n- sky\n", {0: "wall", 1: "sky"}),
    "a dash alone is a name": ("-\npet\n", {0: "-", 1: "pet"}),
    "labelme's own": ("_background_\ncat\n", {0: "background", 1: "cat"}),
    "UTF-16 with its mark": ("sky\nsea\n".encode("utf-16"), {0: "sky", 1: "sea"}),
    "letters in two parts": ("cafe\u0301\nsea\n", {0: "caf\u00e9", 1: "sea"}),
    "a class called train": ("train\nbus\n", {0: "train", 1: "bus"}),
    "a JSON list": (json.dumps(["wall", "building, edifice"]), {0: "wall", 1: "building, edifice"}),
    "a list of Python's": ("['wall', 'sky']", {0: "wall", 1: "sky"}),
    "number to name": (json.dumps({"0": "wall", "12": "sky"}), {0: "wall", 12: "sky"}),
    "name to number": (json.dumps({"wall": 0, "sky": 12}), {0: "wall", 12: "sky"}),
    "COCO's categories": (
        json.dumps({"categories": [{"id": 1, "name": "cat"}, {"id": 18, "name": "dog"}]}),
        {1: "cat", 18: "dog"},
    ),
    "Supervisely's machine colours": (json.dumps({"cat": [1, 1, 1], "dog": [2, 2, 2]}), {1: "cat", 2: "dog"}),
    "YOLO with numbers": ("path: x\nnames:\n  0: cat\n  1: dog\nnc: 2\n", {0: "cat", 1: "dog"}),
    "YOLO with dashes": ("nc: 2\nnames:\n- cat\n- dog\n", {0: "cat", 1: "dog"}),
    "YOLO in one line": ("names: ['cat', 'hot dog']\nnc: 2\n", {0: "cat", 1: "hot dog"}),
    "YOLO in one line without quotes": ("nc: 2\nnames: [cat, hot dog]\n", {0: "cat", 1: "hot dog"}),
    "YOLO in two lines": ("names: ['cat',\n  'building, edifice']\n", {0: "cat", 1: "building, edifice"}),
    "YOLO numbers in one line": ("names: {0: 'cat', 3: 'dog'}\n", {0: "cat", 3: "dog"}),
}


@pytest.mark.parametrize("case", READ)
def test_read(written, case):
    content, names = READ[case]
    assert read_class_list(written(content)) == names


REFUSED = {
    "a mark that is spelled otherwise": ("_ignore_\n_background_\ncat\n", 1, "'_ignore_' is the mark of the list that labelme is given, whose numbers begin at -1: take the line out, so that the next one names label value 0 (or write numbers, '0: _ignore_', if label value 0 is to be ignored)"),
    "a mark without underscores": ("Ignore\nbackground\ncat\n", 1, "'Ignore' is the mark of the list that labelme is given"),
    "columns without a heading": ("background,void\ncat,animal\n", 1, "'background,void' holds columns with ',' between, as every line does, and not a name; write one name a line, or NUMBER: NAME (names that do hold a ',': in quotes)"),
    "columns behind numbers": ("0: road;flat\n1: car;vehicle\n", 1, "'road;flat' holds columns with ';' between"),
    "labelme's mark": ("__ignore__\n_background_\ncat\n", 1, "'__ignore__' is the mark of the list that labelme is given"),
    "Roboflow's heading": ("Pixel Value, Class\n0, background\n1, leaf\n", 1, "is a heading and no class; this is Roboflow's _classes.csv"),
    "any heading": ("id;name\n0;sky\n1;sea\n", 1, "'id;name' is a heading"),
    "a heading of one word": ("class_name\nsky\nsea\n", 1, "is a heading"),
    "a heading with blanks": ("id name\n0 sky\n1 sea\n", 1, "is a heading"),
    "a heading in quotes": ('"name","r","g","b"\n"sky","1","2","3"\n', 1, "is a heading"),
    "CVAT's labelmap": ("# label:color_rgb:parts:actions\nbackground:0,0,0::\n", 1, "begins with #, and is no class; this is the head of CVAT's labelmap.txt"),
    "CVAT's labelmap without its head": ("background:0,0,0::\nleaf:51,221,255::\n", 1, "is a line of CVAT's labelmap.txt"),
    "CVAT's labelmap without colours": ("background:::\nleaf:::\n", 1, "is a line of CVAT's labelmap.txt"),
    "a class commented out": ("sky\n#sea\nland\n", 2, "begins with #, and is no class"),
    "ADE20K's table": ("Idx\tRatio\tTrain\tVal\tName\n1\t0.15\t11664\t1172\twall \n", 1, "is a heading"),
    "ADE20K's table without its head": ("1\t0.1576\t11664\t1172\twall \n2\t0.1072\t6046\t612\tbuilding, edifice\n", 1, "holds columns with tabs"),
    "CamVid's colours": ("64 128 64\tAnimal\n192 0 128\tArchway\n", 1, "has a colour in front of a name; name the file label_colors.txt"),
    "numbers behind, after a blank": ("background 0\nleaf 1\n", 1, "'background 0' has a number behind a name, as every line has"),
    "numbers behind, from 1, after blanks": ("wild leaf 1\ntree   2\n", 1, "'wild leaf 1' has a number behind a name"),
    "one line with its number": ("0: sky\nsea\n", 2, "'sea' has no number, and line 1 has"),
    "one line with its number among many": ("sky\n1 = sea\nwall\nleaf\n", 1, "'sky' has no number, and line 2 has"),
    "colours behind": ("sky 128 128 128\nsea 0 0 255\n", 1, "has a colour behind a name"),
    "colours behind commas": ("sky,128,128,128\nsea,0,0,255\n", 1, "has a colour behind a name"),
    "colours as hex": ("sky #808080\nsea #0000ff\n", 1, "has a colour behind a name"),
    "columns with tabs": ("sky\tblue\tup\nsea\tblue\tdown\n", 1, "holds columns with tabs"),
    "numbers without names": ("0\n1\n2\n", 1, "'0' is a number and no name"),
    "a number below 0": ("-1 __ignore__\n0 background\n1 cat\n", 1, "a number below 0 is in no label file"),
    "is 1. the value": ("1. sky\n2. sea\n", 1, "is the first class label value 1, or is it 0?"),
    "all in one line": ("sky, sea, land\n", 1, "holds all the names; write one a line"),
    "a line without its number": ("0: sky\n1: sea\nland\n", 3, "'land' has no number, and other lines have"),
    "a number twice": ("0: sky\n0: sea\n", 2, "the number 0 stands in line 1 too"),
    "a name twice": ("0: sky\n1: sky\n", 2, "'sky' stands in line 1 too"),
    "a class at 255": ("0: background\n255: polyp\n", 2, "255 is void in label files; give 'polyp' another"),
    "beyond a byte": ("0: background\n300: polyp\n", 2, "only 255 names fit"),
    "TensorFlow's": ("item {\n  id: 1\n  name: 'cat'\n}\n", 1, "'item {' is no name"),
    "a list of pictures": ("a.jpg\nb.jpg\n", 1, "is a picture's name"),
    "markup": ("<annotation>\n<a>\n", 1, "is no name"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_its_line(written, case):
    content, line, words = REFUSED[case]
    path = written(content)
    with pytest.raises(DataError) as caught:
        read_class_list(path)
    assert str(caught.value).startswith(f"class names {path}, line {line}: ") and words in str(caught.value)


@pytest.mark.parametrize("content", ['{"a": ', '{"classes": [{"title": "cat"}]}', "{}", "[1, 2]", '{"cat": [1, 2, 3]}'])
def test_json_that_does_not_say_numbers(written, content):
    with pytest.raises(DataError, match=r"(begins as JSON does, and is none|this JSON does not say).*NUMBER: NAME"):
        read_class_list(written(content))


def test_zero_bytes_are_no_text(written):
    with pytest.raises(DataError, match="not UTF-8 text"):
        read_class_list(written("sky\nsea\n".encode("utf-16-le")))


def test_only_numbers_without_a_gap_are_a_list(written):
    assert read_class_names(written("1: sea\n0: sky\n")) == ["sky", "sea"]
    with pytest.raises(DataError, match="do not go from 0 without a gap; use read_class_list"):
        read_class_names(written("1: pet\n2: background\n"))


@pytest.mark.parametrize(
    "names",
    [
        {0: "sky", 1: "sea"}, PET, {0: "label", 1: "x"}, {0: "#1", 1: "x"}, {0: "1 cat", 1: "2 dog"}, {0: "10", 1: "20"}, {0: "a, b", 1: "c"},
        {0: '"quoted"', 1: "x"}, {0: "- a", 1: "- b"}, {0: "1. a", 1: "b"}, {0: "names: x", 1: "b"}, {0: "a", 200: "b"},
    ],
)  # fmt: skip
def test_what_is_written_is_read_again(written, names):
    assert read_class_list(written(class_list_text(names))) == names


@pytest.mark.parametrize("text", ['"a, b"\n"c, d"\n', '0: "a, b"\n1: "c, d"\n', "['a, b', 'c, d']"])
def test_names_in_quotes_are_no_columns(tmp_path, text):
    (tmp_path / "names.txt").write_text(text)
    assert read_class_list(tmp_path / "names.txt") == {0: "a, b", 1: "c, d"}


def test_what_is_written_is_read(tmp_path):
    for names in (
        {0: "a, b", 1: "c, d"},
        {0: "a|b", 1: 'c|"d"'},
        {0: "ignore", 1: "background"},
        {0: "sky", 1: "a, b"},
    ):
        (tmp_path / "names.txt").write_text(class_list_text(names))
        assert read_class_list(tmp_path / "names.txt") == names
