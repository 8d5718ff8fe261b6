"""A link that leads nowhere is called so, wherever a path is asked for: "no such file" would be untrue for who sees its name there."""

import pytest

from minifcn.data import DataError
from minifcn.data.formats.choices import look_for_pictures
from minifcn.data.formats.source import Source
from minifcn.files import not_there

LINES = {
    "import {link} --out {out}": "import: {link}: this is a link to ",
    "import {link}/below --out {out}": "{link} is a link to ",
    "import {set} --values {link} --dry-run": "or give a file; this is a link to ",
    "weights show {link}": "{link}: this is a link to ",
    "eval {link} --data synthetic": "{link}: this is a link to ",
    "check-data {link}": "data {link}: this is a link to ",
    "predict {link}": "{link}: this is a link to ",
    "train --data {link} --out {out}": "data {link}: this is a link to ",
}


@pytest.fixture
def link(tmp_path):
    try:
        (tmp_path / "link").symlink_to(tmp_path / "gone")
    except OSError:
        pytest.skip("needs a system that lets links be made")
    return tmp_path / "link"


@pytest.mark.parametrize("line", LINES)
def test_a_link_to_nothing(line, call, link, person_model, tmp_path):
    words = dict(link=link, set=tmp_path, out=tmp_path / "out")
    model = f" --model {person_model}" if line.startswith("predict") else ""
    call(line.format(**words) + model).failed(f"{LINES[line].format(**words)}{tmp_path / 'gone'}, and nothing is there")


def test_pictures_for_labels_alone(link):
    with pytest.raises(DataError, match=r"^--pictures .*link: this is a link to .*gone, and nothing is there$"):
        look_for_pictures(Source([], {}), link)


def test_what_is_said_where_there_is_no_link(tmp_path):
    assert not_there(tmp_path / "none") == "there is no such file" and not_there(tmp_path / "none", "none") == "none"


def test_a_picture_that_is_a_link_to_nothing(call, copy, link):
    first = sorted((copy.root / "JPEGImages").iterdir())[0]
    first.unlink()
    first.symlink_to(link)
    answer = call("check-data", copy.root)
    assert answer.status == 1 and f"{first}: this is a link to {link}, and nothing is there" in answer.out + answer.err


def test_a_name_that_no_disk_can_hold_is_only_not_there(tmp_path):
    assert not_there(tmp_path / ("x" * 300)) == "there is no such file"
    assert not_there(f"{tmp_path}/a\0b") == "there is no such file"
