"""What is common to all formats: the table, the options, the folder that is whole or not there, and pictures that lie turned."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import needs
import numpy as np
import pytest
from PIL import Image, ImageOps
from signals import heard

from minifcn.cli.main import main
from minifcn.data.errors import DataError
from minifcn.data.formats import pairs, pixels, survey, turning, writing
from minifcn.data.formats.finding import read_json
from minifcn.data.formats.source import NO_DATA, Item, Options, Source
from minifcn.data.formats.survey import look_through, table_text

from .builders import CVAT_COLOURS, STEMS, build_cvat, build_pairs, coloured, photo, regions, save, text
from .helpers import digest, same
from .helpers import pixels as file_pixels


def plain(root, values=(0, 1, 2), stems=STEMS):
    """images/ and masks/ with these three numbers; returns them."""
    numbers = {}
    for seed, stem in enumerate(stems):
        numbers[stem] = np.array(values, np.uint8)[regions(seed)]
        save(photo(seed), root / f"images/{stem}.jpg")
        save(Image.fromarray(numbers[stem]), root / f"masks/{stem}.png")
    return numbers


# the runs of equal pixels


@pytest.mark.parametrize("high", [1, 2, 3, 300, 1 << 24])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 30)])
def test_runs_against_loops(high, shape):
    rng = np.random.default_rng(high)
    values = np.repeat(rng.integers(-1, high, shape), 3, axis=1).astype(np.int32)
    table = {value: int(rng.integers(0, 256)) for value in set(values.ravel().tolist())}
    counts = {}
    expected = np.zeros(values.shape, np.uint8)
    for place in np.ndindex(values.shape):
        value = int(values[place])
        counts[value] = counts.get(value, 0) + 1
        expected[place] = table[value]
    runs = pixels.runs(values)
    assert runs.counts() == counts == pixels.count(values)
    np.testing.assert_array_equal(runs.renumbered(table), expected)
    np.testing.assert_array_equal(pixels.renumber(values.T, table), expected.T)
    with pytest.raises(KeyError):
        runs.renumbered({})


def test_labels_for_which_there_is_no_room_are_read_again(tmp_path, imported, monkeypatch):
    expected = build_pairs(tmp_path / "source")
    reads = []
    original = survey.look_at
    monkeypatch.setattr(survey, "look_at", lambda *each: reads.append(each[-1].name) or original(*each))
    same(imported(tmp_path / "source").worked().labels, expected)
    assert sorted(reads) == sorted(expected)  # once each
    reads.clear()
    monkeypatch.setattr(survey, "ROOM", 0)
    same(imported(tmp_path / "source", out="o2").worked().labels, expected)
    assert sorted(reads) == sorted(2 * list(expected))


# the table


def source_of(*labels, meaning=None, colours=False, **more):
    """A source of these labels, each with a picture of its size within."""
    items = []
    for place, each in enumerate(labels):
        array = np.asarray(each, np.int32)
        content = png_of(photo(place, *array.shape))
        items.append(Item(f"n{place}", None, None, lambda array=array: array, lambda content=content: content))
    return Source(items, meaning, colours, **more)


def png_of(image):
    from .builders import png_bytes

    return png_bytes(image)


def test_the_table_of_numbers():
    source = source_of(
        [[0, 0, 7], [3, 7, 9]], [[7, 7, 7], [0, 0, 0]], meaning={7: "cat", 0: "background", 3: None, 5: "cow"}
    )
    found = look_through(source, Options())
    assert found.names == ["background", "cat", "cow"] and found.table == {7: 1, 0: 0, 3: 255, 5: 2}
    assert [(row.key, row.becomes, row.pixels, row.pictures) for row in found.rows] == [
        ("7", "cat", 5, 2), ("0", "background", 5, 2), ("3", None, 1, 1),
    ]  # fmt: skip
    assert [(row.key, row.pixels, row.pictures) for row in found.unknown] == [("9", 1, 1)]
    assert table_text(found) == textwrap.dedent("""\
        found  becomes       pixels   share  pictures
        7      1 cat              5  41.7 %         2
        0      0 background       5  41.7 %         2
        3      void               1   8.3 %         1
        9      ? no class         1   8.3 %         1""")


def test_the_table_of_colours():
    source = source_of([[0x33DDFF, 0, 5]], meaning={0x33DDFF: "cat", 0: "background"}, colours=True)
    lines = table_text(look_through(source, Options())).splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "#33ddff (51, 221, 255)",
        "#000000 (0, 0, 0)",
        "#000005 (0, 0, 5)",
    ]


def test_of_thousands_without_a_class_the_most_frequent_are_shown():
    labels = np.repeat(np.arange(2, 2002), np.r_[np.full(1999, 2), 10])[None]
    source = source_of(labels, [[0, 1]], meaning={0: "background", 1: "a"}, colours=True)
    lines = table_text(look_through(source, Options())).splitlines()
    assert len(lines) == 1 + 2 + 20 + 1
    assert lines[3].split() == ["#0007d1", "(0,", "7,", "209)", "?", "no", "class", "10", "0.2", "%", "1"]
    assert lines[-1].split() == ["1,980", "more", "?", "no", "class", "3,960", "98.8", "%"]


def test_the_person_comes_before_the_source():
    source = source_of([[0, 1, 2, 3]], meaning={0: "background", 1: "a", 2: "b"})
    found = look_through(source, Options(values={0: "x", 1: "background", 2: None, 3: "x"}))
    assert found.names == ["background", "x"] and found.table == {0: 1, 1: 0, 2: 255, 3: 1}
    found = look_through(source, Options(void=(1, 3)))
    assert found.names == ["background", "b"] and found.table == {0: 0, 1: 255, 2: 1, 3: 255}


def test_what_is_void_unless_somebody_says_otherwise():
    source = source_of([[0, 1, 2]], void=(0,))
    assert look_through(source, Options()).table == {0: 255, 1: 0, 2: 1}
    assert look_through(source, Options(values={0: "a", 1: "b", 2: "c"})).table == {0: 0, 1: 1, 2: 2}
    assert look_through(source_of([[0, 1]], meaning={0: "a", 1: "b"}, void=(0,)), Options()).table == {0: 0, 1: 1}


def test_what_a_reader_marks_as_none_has_a_word():
    found = look_through(source_of([[0, 1, NO_DATA]], void=(NO_DATA,)), Options())
    assert found.table == {NO_DATA: 255, 0: 0, 1: 1}
    assert [row.key for row in found.rows] == ["no data", "0", "1"]


def test_unknown_numbers_stop_it_with_both_ways_out(tmp_path, imported):
    numbers = plain(tmp_path / "source", (0, 1, 7))
    text(tmp_path / "source/classes.txt", "background", "leaf")
    count = sum(int((labels == 7).sum()) for labels in numbers.values())
    imported(tmp_path / "source").failed(f"1 numbers in {count:,} pixels", "7", "--values", "--void")
    table = np.arange(256, dtype=np.uint8)
    table[7] = 255
    answer = imported(tmp_path / "source", "--void 7").worked()
    same(answer.labels, {name: table[labels] for name, labels in numbers.items()})
    table[7] = 2
    answer = imported(tmp_path / "source", "--values 0=background,1=leaf,7=stem", out="o2").worked()
    same(answer.labels, {name: table[labels] for name, labels in numbers.items()})


def test_a_void_number_that_never_occurs_is_said(tmp_path, imported):
    plain(tmp_path / "source")
    imported(tmp_path / "source", "--void 2,9").worked().says("--void: 9 never occurs")


def test_classes_that_never_occur_are_said(tmp_path, imported):
    plain(tmp_path / "source")
    text(tmp_path / "source/classes.txt", "background", "leaf", "stem", "root")
    imported(tmp_path / "source").worked().says("never occur: root")


@pytest.mark.parametrize(
    "options, words",
    [
        ("--values 0=a", ["one class alone (a)", "2 to 255"]),
        ("--void 0,1 --values 0=a,1=b,2=c", ["one class alone (c)"]),
        ("--colours voc", ["--colours says what colours mean", "use --values"]),
        ("--soft-edges void", ["--soft-edges is about colours", "--threshold"]),
    ],
)
def test_options_that_do_not_fit(options, words, tmp_path, imported):
    plain(tmp_path / "source", (0, 0, 0) if options == "--values 0=a" else (0, 1, 2))
    imported(tmp_path / "source", options).failed(*words)


def test_more_classes_than_a_byte_has(tmp_path, imported):
    save(photo(0, 20, 20), tmp_path / "source/images/a.jpg")
    (tmp_path / "source/masks").mkdir()
    np.save(tmp_path / "source/masks/a.npy", np.arange(400).reshape(20, 20) % 300)
    imported(tmp_path / "source", "--values " + ",".join(f"{n}=c{n}" for n in range(300))).failed(
        "300 classes", "2 to 255"
    )


def test_numbers_beyond_a_byte_become_classes(tmp_path, imported):
    labels = np.array([0, 1000, 70000], np.int32)[regions()]
    save(photo(), tmp_path / "source/images/a.jpg")
    (tmp_path / "source/masks").mkdir()
    np.save(tmp_path / "source/masks/a.npy", labels)
    answer = imported(tmp_path / "source", "--values 0=background,1000=cat,70000=void").worked()
    same(answer.labels, {"a": np.array([0, 1, 255], np.uint8)[regions()]})


# soft edges


def soft(root):
    """Cats whose upper edge is half-way to background."""
    text(root / "labelmap.txt", *(f"{name}:{r},{g},{b}::" for name, (r, g, b) in CVAT_COLOURS.items()))
    labels = np.zeros((24, 32), np.uint8)
    labels[10:20] = 1
    image = np.array(coloured(labels, CVAT_COLOURS.values()))
    image[9], image[8] = (40, 170, 200), (10, 40, 60)
    save(photo(), root / "JPEGImages/a.jpg")
    save(Image.fromarray(image), root / "SegmentationClass/a.png")
    return labels


def test_soft_edges(tmp_path, imported):
    labels = soft(tmp_path / "source")
    imported(tmp_path / "source").failed("2 colours in 64 pixels", "--soft-edges nearest")
    nearest = labels.copy()
    nearest[9] = 1
    same(imported(tmp_path / "source", "--soft-edges nearest").worked().labels, {"a": nearest})
    void = labels.copy()
    void[8:10] = 255
    answer = imported(tmp_path / "source", "--soft-edges void", out="o2").worked()
    same(answer.labels, {"a": void})
    answer.says("soft edges")


# pictures that lie turned


def turned_oracle(stored, orientation):
    """What is shown of pixels that are stored so, by the words of the EXIF standard: where row 0 and column 0 lie."""
    height, width = stored.shape
    shown = np.zeros((width, height) if orientation >= 5 else (height, width), stored.dtype)
    for row in range(height):
        for column in range(width):
            at = {
                1: (row, column),  # row 0 is the top, column 0 the left
                2: (row, width - 1 - column),  # top, right
                3: (height - 1 - row, width - 1 - column),  # bottom, right
                4: (height - 1 - row, column),  # bottom, left
                5: (column, row),  # row 0 is the left, column 0 the top
                6: (column, height - 1 - row),  # right, top
                7: (width - 1 - column, height - 1 - row),  # right, bottom
                8: (width - 1 - column, row),  # left, bottom
            }[orientation]
            shown[at] = stored[row, column]
    return shown


def tagged(root, name, orientation, stored, labels):
    """A picture stored so with a tag, and labels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(Image.fromarray(stored).convert("RGB"), root / f"images/{name}.png", exif=exif)
    save(Image.fromarray(labels), root / f"masks/{name}.png")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("stored", [True, False], ids=["labels as stored", "labels as shown"])
def test_labels_of_tagged_pictures_fit_what_is_shown(orientation, stored, tmp_path, imported):
    """Where sizes cannot say how they lie, --as-stored does; else they are as they are."""
    rng = np.random.default_rng(orientation)
    as_stored = rng.integers(0, 3, (7, 11)).astype(np.uint8)
    as_shown = turned_oracle(as_stored, orientation)
    tagged(tmp_path / "source", "a", orientation, as_stored * 100, as_stored if stored else as_shown)
    ask = stored and orientation in (2, 3, 4)
    answer = imported(tmp_path / "source", "--as-stored" if ask else "").worked()
    same(answer.labels, {"a": as_shown})
    with Image.open(
        answer.pictures["a"]
    ) as picture:  # Pillow agrees with the oracle, and picture and labels with each other
        shown = np.asarray(ImageOps.exif_transpose(picture).convert("L"))
    np.testing.assert_array_equal(shown // 100, as_shown)
    assert ("the labels are turned too" in answer.out) == (stored and orientation > 1)
    assert ("sizes cannot say" in answer.out) == (not stored and orientation in (2, 3, 4))


def test_pictures_whose_sizes_say_it_speak_for_the_others(tmp_path, imported):
    rng = np.random.default_rng(0)
    arrays = {orientation: rng.integers(0, 3, (7, 11)).astype(np.uint8) for orientation in (1, 3, 6)}
    for orientation, array in arrays.items():
        tagged(tmp_path / "source", f"n{orientation}", orientation, array, array)
    answer = imported(tmp_path / "source").worked().says("2 label files lie as their pictures are stored")
    same(answer.labels, {f"n{orientation}": turned_oracle(array, orientation) for orientation, array in arrays.items()})
    for orientation, array in arrays.items():
        tagged(tmp_path / "shown", f"n{orientation}", orientation, array, turned_oracle(array, orientation))
    answer = imported(tmp_path / "shown", out="o2").worked()
    same(answer.labels, {f"n{orientation}": turned_oracle(array, orientation) for orientation, array in arrays.items()})
    assert "stored" not in answer.out


def test_pictures_that_contradict_each_other_speak_for_nobody():
    lies = [turning.STORED, turning.SHOWN, turning.EITHER, turning.PLAIN]
    assert turning.to_be_turned(lies, False) == ([True, False, False, False], 1)
    assert turning.to_be_turned(lies, True) == ([True, False, True, False], 0)
    assert turning.to_be_turned([turning.SHOWN, turning.EITHER], False) == ([False, False], 0)


def test_grey_from_the_threshold_on_is_the_object(tmp_path, imported):
    numbers = plain(tmp_path / "source", (127, 128, 255))
    answer = imported(tmp_path / "source", "--threshold 128").worked()
    same(answer.labels, {name: (labels >= 128).astype(np.uint8) for name, labels in numbers.items()})
    share = np.mean([(labels < 255).mean() for labels in numbers.values()])
    answer.says(f"{100 * share:.2f} % of the pixels are neither 0 nor 255")


def test_labels_of_another_size(tmp_path, imported):
    plain(tmp_path / "source")
    save(photo(0, 24, 31), tmp_path / "source/images/b.jpg")
    imported(tmp_path / "source").failed("the labels of b are 24x32", "images/b.jpg is 24x31")


def test_broken_files(tmp_path, imported):
    plain(tmp_path / "source")
    (tmp_path / "source/masks/c.png").write_bytes((tmp_path / "source/masks/c.png").read_bytes()[:60])
    imported(tmp_path / "source").failed("masks/c.png", "cannot be read")
    plain(tmp_path / "source")
    (tmp_path / "source/images/d.jpg").write_bytes(b"no picture")
    imported(tmp_path / "source").failed("images/d.jpg", "cannot be read")


# splits


def test_a_share_is_drawn_for_val_by_the_seed(tmp_path, imported):
    stems = [f"{number:02}" for number in range(20)]
    plain(tmp_path / "source", stems=stems)
    first = imported(tmp_path / "source").worked().says("4 of its 20 pictures are drawn", "--split 0.2 --seed 0").splits
    assert len(first["val"]) == 4 and sorted(first["train"] + first["val"]) == stems
    assert first["train"] == sorted(first["train"]) and first["val"] == sorted(first["val"])
    assert imported(tmp_path / "source", out="o2").splits == first
    assert imported(tmp_path / "source", "--seed 1", out="o3").splits != first
    half = imported(tmp_path / "source", "--split 0.5", out="o4").splits
    assert len(half["val"]) == 10
    assert len(imported(tmp_path / "source", "--split 0.001", out="o5").splits["val"]) == 1
    assert len(imported(tmp_path / "source", "--split 0.999", out="o6").splits["train"]) == 1


@pytest.mark.parametrize(
    "given, expected, said",
    [
        (["train", "valid", "test"], {"train": ["n0"], "val": ["n1"], "test": ["n2"]}, 0),
        (["default"] * 3, None, 2),
        (["fold1", "fold2", "val"], {"train": ["n0", "n1"], "val": ["n2"]}, 1),
        (["fold1", "train", "val"], {"train": ["n1"], "val": ["n2"], "fold1": ["n0"]}, 0),
        (["val", "val", "test"], {"val": ["n0", "n1"], "test": ["n2"]}, 1),
        (["test", "train", "train"], None, 1),
    ],
)
def test_words_of_splits(given, expected, said):
    items = [Item(f"n{place}", None, split, lambda: np.zeros((1, 1))) for place, split in enumerate(given)]
    splits, notes = writing.splits_of(items, 0.3, 0)
    assert len(notes) == said
    if expected is not None:
        assert splits == expected and list(splits) == list(expected)
    else:
        assert len(splits["train"]) + len(splits["val"]) == 3 - given.count("test")


# the folder


def test_pictures_are_links_or_copies(tmp_path, imported, monkeypatch):
    plain(tmp_path / "source")
    source = tmp_path / "source/images/a.jpg"
    linked = imported(tmp_path / "source").worked().pictures["a"]
    assert linked.is_symlink() and linked.resolve() == source
    copied = imported(tmp_path / "source", "--copy", out="o2").worked().pictures["a"]
    assert not copied.is_symlink() and not copied.samefile(source) and copied.read_bytes() == source.read_bytes()

    def refused(*_):
        raise OSError("not on this disk")

    monkeypatch.setattr(os, "symlink", refused)
    hard = imported(tmp_path / "source", out="o3").worked().pictures["a"]
    assert not hard.is_symlink() and hard.samefile(source)
    monkeypatch.setattr(os, "link", refused)
    last = imported(tmp_path / "source", out="o4").worked().pictures["a"]
    assert not last.is_symlink() and not last.samefile(source) and last.read_bytes() == source.read_bytes()


def test_a_relative_source_is_linked_rightly(tmp_path, imported, monkeypatch):
    plain(tmp_path / "source")
    monkeypatch.chdir(tmp_path)
    answer = imported(Path("source")).worked()
    assert all(path.exists() for path in answer.pictures.values())


def test_a_record_with_which_it_can_be_done_again(tmp_path, imported):
    build_cvat(tmp_path / "my source")
    answer = imported(tmp_path / "my source", "--void '#fa3253' --seed 3 --copy").worked()
    record = answer.record
    assert record["source"] == str(tmp_path / "my source") and record["format"] == "cvat" and record["pictures"] == 6
    assert record["options"] == {"void": "#fa3253", "seed": "3", "copy": "True"}
    assert record["splits"] == {split: len(names) for split, names in answer.splits.items()}
    assert record["classes"] == answer.classes == ["background", "Cat"]
    for row in record["found"]:
        numbers = {"background": 0, "Cat": 1, None: 255}
        shown = [labels == numbers[row["class"]] for labels in answer.labels.values()]
        assert row["pixels"] == sum(map(np.sum, shown)) and row["pictures"] == sum(map(np.any, shown))
    before = digest(answer.root)
    shutil.rmtree(answer.root)
    program, *words = shlex.split(record["command"])
    assert program == "minifcn" and main(words) == 0
    assert digest(answer.root) == before


KILLED = """
import itertools, os, sys
from minifcn.cli.main import main
from minifcn.data.formats import writing
numbers = itertools.count(1)  # threads share it
original = writing.place_picture
def place(*each):
    original(*each)
    if next(numbers) == 3:
        os.kill(os.getpid(), {signal})
writing.place_picture = place
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
def test_killed_half_way_it_leaves_nothing_that_looks_whole(name, tmp_path, imported):
    expected = build_pairs(tmp_path / "source")
    before = digest(tmp_path / "source")
    code = KILLED.format(signal=int(getattr(signal, name)))
    words = [sys.executable, "-c", code, "import", str(tmp_path / "source"), "--out", str(tmp_path / "out")]
    with heard("SIGINT"):
        done = subprocess.run(
            words, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
        )
    assert done.returncode == (130 if name == "SIGINT" else -signal.SIGKILL), done.stderr
    assert not (tmp_path / "out").exists()
    drafts = list(tmp_path.glob(".out.*"))
    assert len(drafts) == (name == "SIGKILL")  # a program that is killed cannot clean up
    assert digest(tmp_path / "source") == before
    same(imported(tmp_path / "source").worked().labels, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


def test_an_error_while_writing_leaves_nothing(tmp_path, imported, monkeypatch):
    build_pairs(tmp_path / "source")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    imported(tmp_path / "source", "--copy").failed("out: cannot be written", "the disk")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_names_of_files():
    items = [Item(name, None, None, lambda: np.zeros((1, 1))) for name in ("a/b", "c", "/d/e/", "..\\f", "x__y")]
    assert writing.flat_names(items) == ["a__b", "c", "d__e", "f", "x__y"]
    with pytest.raises(DataError, match="a/b and a__b of the source would both be called a__b"):
        writing.flat_names([items[0], Item("a__b", None, None, items[0].labels)])


def test_a_source_without_any_pair_says_what_was_left_out(tmp_path):
    from minifcn.data.formats.choices import with_pictures

    with pytest.raises(
        DataError, match=r"no picture with labels was found in the source \(2 frames without a mask: a, b\)"
    ):
        with_pictures(Source([], None, left_out={"frames without a mask": ["a", "b"]}), Options())


def test_the_picture_keeps_its_bytes(tmp_path, imported):
    plain(tmp_path / "source")
    answer = imported(tmp_path / "source", "--copy").worked()
    for stem in STEMS:
        assert answer.pictures[stem].read_bytes() == (tmp_path / f"source/images/{stem}.jpg").read_bytes()
        assert (file_pixels(answer.pictures[stem]) == file_pixels(tmp_path / f"source/images/{stem}.jpg")).all()


def test_the_format_of_pairs_finds_by_name_what_is_where():
    assert [pairs.rank(name) for name in ("masks", "labels", "train_masks")] == [0, 2, 0]


BROKEN = {
    "empty": (b" \n", "x.json: an empty file; export it again", ""),
    "cut in a list": (b'{"a": [1, ', "): cut short perhaps; export it again", ""),
    "cut in a text": (b'{"a": "b', "cut short perhaps", ""),
    "a bracket too many": (b'{"a": 1]}', "cannot be read as JSON (Expecting ',' delimiter", "cut short"),
    "of another alphabet": (b'{"a": "\xe9"}', "cannot be read as JSON (not UTF-8 text); export it again", "cut short"),
    "a deep well": (b"[" * 200_000, "cannot be read as JSON (", "cut short"),
    "thousands of digits": (b"[" + b"1" * 9000 + b"]", "cannot be read as JSON (Exceeds the limit", "cut short"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_json_that_cannot_be_read(case, tmp_path):
    content, words, not_these = BROKEN[case]
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DataError) as error:
        read_json(tmp_path / "x.json")
    assert words in str(error.value) and not (not_these and not_these in str(error.value))


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_json_in_the_encodings_that_it_has(code, tmp_path):
    (tmp_path / "x.json").write_bytes('{"a": "é"}'.encode(code))
    assert read_json(tmp_path / "x.json") == {"a": "é"}
