"""The text file of class names: a name a line, every fault with file and line."""

import pytest

from minifcn.data import DataError, read_class_names


@pytest.fixture
def names_file(tmp_path):
    """content -> the path of a file that holds it."""

    def write(content):
        path = tmp_path / "names.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "sky\nsea\n",
        "sky\nsea",
        "sky\r\nsea\r\n",
        "  sky \n\tsea\n\n  \n",
        b"\xef\xbb\xbfsky\nsea\n",  # the mark that some editors put in front
    ],
)
def test_names(names_file, content):
    assert read_class_names(names_file(content)) == ["sky", "sea"]


def test_names_of_many_words_in_any_script(names_file):
    assert read_class_names(str(names_file("traffic light\nWiese\n猫\n"))) == ["traffic light", "Wiese", "猫"]


def test_255_names(names_file):
    names = [f"c{value}" for value in range(255)]
    assert read_class_names(names_file("\n".join(names))) == names


def refused(path):
    with pytest.raises(DataError) as caught:
        read_class_names(path)
    return str(caught.value)


REFUSED = {
    "empty": ("", ": no names in it; write one a line, line 1 for label value 0"),
    "blank": (" \n\n", ": no names in it; write one a line, line 1 for label value 0"),
    "one name": ("sky\n", ": only 'sky' in it; a model needs at least 2 classes to tell apart"),
    "blank between": ("sky\n\nsea\n", ", line 2: blank; each line names one label value, so give it a name"),
    "blank first": ("\nsky\n", ", line 1: blank; each line names one label value, so give it a name"),
    "twice": ("sky\nsea\nland\nsea\n", ", line 4: 'sea' stands in line 2 too; names must differ"),
    "256 names": (
        "\n".join(f"c{value}" for value in range(256)),
        ", line 256: only 255 names fit (label value 255 is void)",
    ),
    "not text": (
        b"sky\n\xff\xfe",
        ": cannot be read (not UTF-8 text); give a text file with one name a line",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(names_file, case):
    content, message = REFUSED[case]
    path = names_file(content)
    assert refused(path) == f"class names {path}{message}"


def test_no_file(tmp_path):
    path = tmp_path / "nowhere.txt"
    expected = "cannot be read (No such file or directory); give a text file with one name a line"
    assert refused(path) == f"class names {path}: {expected}"
    assert refused(tmp_path).startswith(f"class names {tmp_path}: cannot be read (")
