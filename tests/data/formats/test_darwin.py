"""V7's Darwin: the semantic masks that darwin-py writes."""

from pathlib import Path

import needs
import pytest

from .builders import build_darwin, text
from .helpers import same


@pytest.mark.parametrize("kind", ["index", "grey", "rgb"])
def test_kinds(kind, tmp_path, imported):
    expected = build_darwin(tmp_path / "source", kind)
    answer = imported(tmp_path / "source").worked().says("taken for darwin")
    assert answer.classes == ["background", "cat", "dog"]
    same(answer.labels, expected)


def test_greys_that_merge_are_refused(tmp_path, imported):
    """With 16 classes and background class 1 becomes 15, and then 239 with class 15."""
    build_darwin(tmp_path / "source")
    for count, fine in ((15, True), (16, False)):
        greys = [int(place * 255 / count) for place in range(count + 1)]
        text(tmp_path / "source/class_mapping.csv", "class_name,class_color", *(f"c{grey},{grey}" for grey in greys))
        answer = imported(tmp_path / "source", "--void 1,2", out=f"o{count}")
        if not fine:
            answer.failed("greys with 17 classes", "merges class 1 into class 15", "semantic_mask_index")
        else:
            answer.worked()


@pytest.mark.parametrize(
    "lines, words",
    [
        (["name,colour", "a,1"], ["a heading class_name,class_color"]),
        (["class_name,class_color"], ["two columns are expected"]),
        (["class_name,class_color", "a,x"], ["line 2", "'x' is neither"]),
        (["class_name,class_color", "a,0 0 0", "b,1 2"], ["line 3", "is no colour"]),
    ],
)
def test_tables_that_cannot_be(lines, words, tmp_path, imported):
    build_darwin(tmp_path / "source")
    text(tmp_path / "source/class_mapping.csv", *lines)
    imported(tmp_path / "source").failed("class_mapping.csv", *words)


def test_no_such_folder(tmp_path, imported):
    (tmp_path / "source").mkdir()
    imported(tmp_path / "source", "--format darwin").failed("masks/ and class_mapping.csv; they are not there")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["index", "grey", "rgb"])
def test_what_darwin_py_writes(mode, tmp_path, imported):
    pytest.importorskip("darwin", reason=needs.DARWIN)
    import darwin.datatypes as dt
    import numpy as np
    from darwin.exporter.formats.mask import export

    from .builders import photo, save

    square = {"paths": [[{"x": x, "y": y} for x, y in ((5, 5), (10, 5), (10, 10), (5, 10))]]}
    annotations = [
        dt.Annotation(
            dt.AnnotationClass(name, "polygon"),
            {"paths": [[{"x": p["x"] + far, "y": p["y"]} for p in square["paths"][0]]]},
        )
        for name, far in (("cat", 0), ("Dog", 12))
    ]
    file = dt.AnnotationFile(
        path=Path("a.json"), filename="a.jpg", annotation_classes={each.annotation_class for each in annotations},
        annotations=annotations, remote_path="/night", image_height=24, image_width=32,
    )  # fmt: skip
    save(photo(), tmp_path / "source/images/night/a.jpg")
    export([file], tmp_path / "source", mode)
    expected = np.zeros((24, 32), np.uint8)
    expected[5:11, 5:11], expected[5:11, 17:23] = 1, 2
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["background", "cat", "Dog"]
    same(answer.labels, {"night__a": expected})
