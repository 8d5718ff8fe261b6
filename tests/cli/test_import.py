"""minifcn import: what it prints, wrong usage, and where it may write. What formats mean is in tests/data/formats."""

import numpy as np
import pytest
from data.formats.builders import BUILDERS, build_cvat, build_pairs, photo, save
from data.formats.helpers import digest

from minifcn.cli.commands import import_
from minifcn.data.formats.registry import FORMATS


def test_what_is_printed(call, tmp_path):
    build_pairs(tmp_path / "mine")
    answer = call(f"import {tmp_path / 'mine'} --out {tmp_path / 'root'}").worked()
    lines = answer.out.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'mine'}: taken for pairs (") and lines[0].endswith(
        "as pictures and masks (masks/) are there"
    )
    assert lines[1].split() == ["found", "becomes", "pixels", "share", "pictures"]
    assert [line.split()[:3] for line in lines[2:6]] == [
        ["0", "0", "background"],
        ["1", "1", "leaf"],
        ["2", "2", "stem"],
        ["255", "void", "36"],
    ]
    assert "4 train, 2 val" in lines
    assert lines[-2] == f"{tmp_path / 'root'}: 6 pictures, 3 classes; what was done is in import.json"
    assert lines[-1] == f"learn them with: minifcn train --data {tmp_path / 'root'} --init voc7 --out run"
    assert answer.err == ""


@pytest.mark.parametrize("name", BUILDERS)
def test_dry_run_writes_nothing(name, call, tmp_path):
    BUILDERS[name](tmp_path / "source")
    before = digest(tmp_path)
    answer = call(f"import {tmp_path / 'source'} --dry-run").worked()
    assert "found" in answer.out and " train, " in answer.out
    assert digest(tmp_path) == before


def test_help_lists_the_formats(call):
    answer = call("import --help")
    assert answer.status == 0
    for each in FORMATS:
        assert each.name in answer.out and each.title in answer.out


@pytest.fixture
def source(tmp_path):
    build_pairs(tmp_path / "source")
    return tmp_path / "source"


@pytest.mark.parametrize(
    "options, words",
    [
        ("", ["--out ROOT", "--dry-run"]),
        ("--dry-run --format cvta", ["there is no format 'cvta'", "cvat"]),
        ("--dry-run --split 0", ["--split 0", "between 0 and 1"]),
        ("--dry-run --split 1.5", ["--split 1.5", "between 0 and 1"]),
        ("--dry-run --values 0=a,1:pet", ["--values '1:pet'", "1=pet"]),
        ("--dry-run --values nowhere.txt", ["--values nowhere.txt", "1=pet", "no such file"]),
        ("--dry-run --values 1=", ["--values '1='"]),
        ("--dry-run --values x=pet", ["'x' is no number and no colour"]),
        ("--dry-run --void '#12345z'", ["'#12345z' is no number and no colour"]),
        ("--dry-run --values 0=a,1=b --colours voc", ["--values and --colours", "one of them"]),
        ("--dry-run --colours nowhere.txt", ["--colours nowhere.txt: cannot be read"]),
        ("--dry-run --pictures nowhere", ["--pictures nowhere: there is no such folder"]),
        ("--dry-run --format roboflow", ["no _classes.csv in it"]),
        ("--dry-run --masks other", ["--masks other", "masks"]),
    ],
)
def test_wrong_usage(options, words, call, source):
    call(f"import {source} {options}").failed(*words)


def test_one_number_twice_in_values(call, source):
    call(f"import {source} --dry-run --values 0=a,0=b,1=c,2=d").failed("--values", "0", "twice")


def test_options_without_anything_to_do_are_said(call, source, tmp_path):
    save(photo(), tmp_path / "others/z.jpg")
    answer = call(f"import {source} --dry-run --split 0.3 --seed 0 --as-stored").worked()
    for words in ("--split is not used: the source has a val", "--seed is not used", "--as-stored is not used"):
        assert words in answer.out
    build_cvat(tmp_path / "cvat")
    answer = call(f"import {tmp_path / 'cvat'} --dry-run --pictures {tmp_path / 'others'}").worked()
    assert "--pictures is not used: the source has pictures of its own" in answer.out
    call(f"import {tmp_path / 'cvat'} --dry-run --masks x").failed(
        "--masks chooses between folders of plain masks", "cvat"
    )
    assert "not used" not in call(f"import {source} --dry-run").worked().out


def test_values_in_a_file_may_have_commas(call, source, tmp_path):
    (tmp_path / "v.txt").write_text("0 background\n1 leaf, green\n2: stem\n255 void\n")
    answer = call(f"import {source} --out {tmp_path / 'out'} --values {tmp_path / 'v.txt'}").worked()
    assert (tmp_path / "out/class_names.txt").read_text().splitlines() == ["background", "leaf, green", "stem"]
    assert answer.err == ""
    (tmp_path / "v.txt").write_text("0 0 0 background\n1 2 3 leaf\n")
    call(f"import {source} --dry-run --values {tmp_path / 'v.txt'}").failed("gives colours", "--colours")


def test_one_colour_twice(call, source, tmp_path):
    (tmp_path / "c.txt").write_text("0 0 0 a\n0 0 0 b\n")
    call(f"import {source} --dry-run --colours {tmp_path / 'c.txt'}").failed(
        "line 2", "0 0 0 stands in a line above too"
    )


@pytest.mark.parametrize("line, words", [("1 2 3", "line 2"), ("1 2 x y", "line 2"), ("1 2 300 y", "line 2")])
def test_files_of_colours_that_cannot_be(line, words, call, source, tmp_path):
    (tmp_path / "c.txt").write_text(f"# colours\n{line}\n")
    call(f"import {source} --dry-run --colours {tmp_path / 'c.txt'}").failed(words, line, "red green blue name")
    (tmp_path / "c.txt").write_text("# none\n")
    call(f"import {source} --dry-run --colours {tmp_path / 'c.txt'}").failed("no colours in it")


def test_where_it_may_write(call, source, tmp_path):
    (tmp_path / "file").write_text("")
    call(f"import {source} --out {tmp_path / 'file'}").failed("this is a file")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("")
    call(f"import {source} --out {tmp_path / 'full'}").failed("is not empty", "nothing is written over")
    assert (tmp_path / "full/mine").exists()
    (tmp_path / "empty").mkdir()
    call(f"import {source} --out {tmp_path / 'empty'}").worked()
    call(f"import {source} --out {tmp_path / 'empty'}").failed("holds an earlier import")
    for inside in (source / "out", source, source / "masks/../out"):
        call(f"import {source} --out {inside}").failed("lies within", "elsewhere")
    call(f"import {source} --out {tmp_path / 'file/below'}").failed("file", "give a folder")
    call(f"import {source} --out {tmp_path / 'new/and/below'}").worked()


def test_what_is_no_source(call, tmp_path):
    call(f"import {tmp_path / 'nowhere'} --dry-run").failed("there is no such file or folder")
    call(f"import {tmp_path / 'nowhere'} --dry-run --format cvat").failed("there is no such file or folder")
    (tmp_path / "empty").mkdir()
    call(f"import {tmp_path / 'empty'} --dry-run").failed("The folder is empty", "Known are cvat")
    (tmp_path / "text.txt").write_text("x")
    call(f"import {tmp_path / 'text.txt'} --dry-run").failed("a file that ends in .txt")


@pytest.mark.parametrize("name", ["export.zip", "export.tar", "export.tar.gz", "export.TGZ", "export.7z"])
def test_an_archive_is_to_be_unpacked(name, call, tmp_path):
    (tmp_path / name).write_bytes(b"PK")
    for options in ("", "--format cvat"):
        call(f"import {tmp_path / name} --dry-run {options}").failed("this is an archive; unpack it")


def test_the_one_folder_of_an_archive_is_meant(call, tmp_path):
    build_cvat(tmp_path / "task/inner/one")
    (tmp_path / "task/__MACOSX").mkdir()
    (tmp_path / "task/inner/Thumbs.db").write_bytes(b"")
    for options in ("", "--format cvat"):
        answer = call(f"import {tmp_path / 'task'} --out {tmp_path / ('o' + options[-4:])} {options}").worked()
        assert "background" in answer.out


def test_ctrl_c(call, source, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_, "write_folder", stopped)
    answer = call(f"import {source} --out {tmp_path / 'out'}")
    assert answer.status == 130 and "stopped" in answer.err and not (tmp_path / "out").exists()


def test_colours_of_voc_by_a_word(call, tmp_path):
    """`--colours voc` names VOC's 21 and void; nobody's labels become those without it."""
    from data.formats.builders import coloured

    labels = np.zeros((24, 32), np.uint8)
    labels[3:9], labels[12:] = 1, 2
    save(photo(), tmp_path / "source/images/a.jpg")
    save(coloured(labels, [(0, 0, 0), (64, 0, 0), (224, 224, 192)]), tmp_path / "source/masks/a.png")
    call(f"import {tmp_path / 'source'} --dry-run").failed("--colours FILE")
    answer = call(f"import {tmp_path / 'source'} --dry-run --colours voc").worked()
    rows = [line.split() for line in answer.out.splitlines()]
    assert any(row[:1] == ["#400000"] and "cat" in row for row in rows) and any(
        row[:1] == ["#e0e0c0"] and "void" in row for row in rows
    )


def test_what_a_json_file_holds_is_said(call, tmp_path):
    for content, words in (
        ('{"images": 1, "tags": []}', "holds 'images', 'tags'"),
        ("[]", "holds a list"),
        ("{", "cannot be read as JSON"),
        ("{}", "holds nothing"),
    ):
        (tmp_path / "x.json").write_text(content)
        call(f"import {tmp_path / 'x.json'} --dry-run").failed("ends in .json", words)


@pytest.mark.parametrize(
    "name, content, tool",
    [
        ("a.jpg___pixel.json", '{"metadata": {}, "instances": []}', "SuperAnnotate"),
        ("item.json", '{"_id": "x", "datasetId": "y", "annotations": []}', "Dataloop"),
        ("data.tfrecord", "x", "TensorFlow"),
        ("hasty.json", '{"project_name": "x", "label_classes": []}', "Hasty"),
        ("a.jpg___objects.json", '{"metadata": {}, "instances": []}', "SuperAnnotate"),
        ("export.ndjson", '{"data_row": {"id": "x"}}', "Labelbox"),
    ],
)
def test_tools_whose_files_are_not_read_are_named(name, content, tool, call, tmp_path):
    """With what to do: each of them writes something that is read."""
    (tmp_path / "source").mkdir()
    save(photo(), tmp_path / "source/a.jpg")
    (tmp_path / "source" / name).write_text(content)
    call(f"import {tmp_path / 'source'} --dry-run").failed(
        f"{name} is of {tool}, which is not read: export the set as COCO JSON, or as one mask a picture."
    )


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("train.csv", "ImageId,EncodedPixels\na.jpg,1 3 10 5\n", "Kaggle's run lengths, which is not read: draw them to one mask a picture"),
        ("flowers-v1.0.json", '{"name": "v1.0", "dataset": {"task_type": "segmentation-bitmap"}}', "Segments.ai, which is not read: call its export_dataset"),
        ("set.ndjson", '{"type": "dataset", "task": "segment", "bn": 1}', "Ultralytics' platform, which is not read: turn it into folders"),
        ("a.json", '{"version": "2.0", "schema_ref": "https://darwin-public.s3/darwin_json_2_0.schema"}', "V7's Darwin, which is not read: convert it"),
        ("x.csv", "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk)", "VIA 3, which is not read: save the project"),
        ("shapes.csv", "index,shape-type,vertex-index,axis-0,axis-1\n", "napari's shapes, which is not read: save a labels layer"),
        ("a.geojson", "{}", "QuPath, or of a map (GeoJSON), which is not read: draw it"),
        ("a.json", '{"type": "FeatureCollection", "features": []}', "QuPath, or of a map (GeoJSON), which is not read: draw it"),
        ("output.manifest", '{"source-ref": "s3://x/a.jpg"}', "SageMaker Ground Truth, which is not read: copy the masks"),
        ("seg.nrrd", "NRRD0004", "3D Slicer, which is not read: save pictures and segmentation as NIfTI"),
        ("seg.mha", "ObjectType", "ITK, which is not read: save pictures and labels as NIfTI"),
        ("a.xml", "<annotation><object/></annotation>", "LabelImg or its like, boxes as VOC has them, which is not read: pixels cannot"),
        ("_annotations.createml.json", "[]", "CreateML, boxes, which is not read: pixels cannot be learned from boxes"),
    ],
)  # fmt: skip
def test_each_of_them_is_told_what_helps(name, content, words, call, tmp_path):
    """In a folder, and as the file itself."""
    (tmp_path / "source").mkdir()
    save(photo(), tmp_path / "source/a.jpg")
    (tmp_path / "source" / name).write_text(content)
    call(f"import {tmp_path / 'source'} --dry-run").failed(f"{name} is of {words}")
    call(f"import {tmp_path / 'source' / name} --dry-run").failed(f"It is of {words}")


def test_empty_folders_are_called_so(call, tmp_path):
    (tmp_path / "source/images").mkdir(parents=True)
    (tmp_path / "source/masks").mkdir()
    call(f"import {tmp_path / 'source'} --dry-run").failed("There is images/ (empty), masks/ (empty)")


def test_home_is_home(call, source, tmp_path, monkeypatch):
    """A shell leaves ~ in --out=~/here as it is, and a folder called ~ is nobody's wish."""
    (tmp_path / "home").mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    call(f"import {source} --out=~/mine").worked()
    assert (tmp_path / "home/mine/import.json").is_file() and not (tmp_path / "~").exists()


def test_a_place_that_cannot_be_is_said_before_anything_is_read(call, source, tmp_path):
    (tmp_path / "file").write_text("")
    answer = call(f"import {source} --out {tmp_path / 'file/a/b'}")
    answer.failed("file is a file, and no folder can be made in it")
    assert "found" not in answer.out


def test_names_and_titles_stand_apart_in_the_help(call):
    lines = call("import --help").out.splitlines()
    for each in FORMATS:
        assert any(line.split(maxsplit=1) == [each.name, each.title] for line in lines), each.name
