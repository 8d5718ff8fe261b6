"""COCO, Label Studio, Supervisely: what is said, what is left out, each refusal, and the tools themselves as writers."""

import base64
import io
import json
import shutil
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifcn.data.formats.registry import recognise

from .annotated_sets import ANNOTATED_SETS as SETS
from .coco_sets import COCO_SETS, HEIGHT, WIDTH, annotation, box, empty, picture, ring_of, write_json
from .cvat_xml_sets import brushed, document, frame, polygon_of, row_counts
from .drawing import photo, save
from .imported import same_labels, told
from .labelstudio_sets import LABELSTUDIO_SETS, brushes, disc, result
from .outlines import coco_by_loops
from .real_tools import quietly, tool
from .supervisely_sets import CLASSES, SUPERVISELY_SETS, bitmap, meta, polygon, supervisely_voc, thing
from .supervisely_sets import annotation as drawn


def changed(path, change):
    """A JSON file read, changed and written again."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


TAKEN_FOR = {"coco": "coco", "coco_panoptic": "coco-panoptic", "cvat_xml": "cvat-xml", "roboflow_coco": "coco", "supervision_coco": "coco", "labelstudio": "labelstudio", "labelstudio_png": "labelstudio",
             "labelstudio_min": "labelstudio", "labelstudio_coco": "coco", "labelstudio_brush_coco": "coco", "supervisely": "supervisely",
             "supervisely_masks": "supervisely-masks"}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_what_it_is_taken_for(name, place, bring):
    SETS[name](place)
    bring("--dry-run").worked()
    found = recognise(place)
    formats = found[1] if isinstance(found[0], Path) else found
    assert [each.name for each, _ in formats] == [TAKEN_FOR[name]]


CLASSES_OF = {
    "coco": ["background", "person", "dog", "brush"],  # by their ids, which have gaps
    "roboflow_coco": ["background", "apple", "pear"],  # "fruits" only holds the others together
    "coco_panoptic": ["person", "dog", "water-other"],  # nothing is background there
    "cvat_xml": ["background", "tree", "car"],  # as <meta> lists them
    "labelstudio": ["background", "car", "tree"],
    "labelstudio_brush_coco": ["background", "tree", "car"],
    "supervisely": ["background", *CLASSES],
}


@pytest.mark.parametrize("name", CLASSES_OF)
def test_classes(name, place, bring):
    SETS[name](place)
    assert bring().worked().classes == CLASSES_OF[name]


def test_splits(place, bring):
    COCO_SETS["roboflow_coco"](place)
    done = bring().worked()
    assert {split: len(names) for split, names in done.splits.items()} == {"train": 2, "val": 2, "test": 2}
    assert all(name.startswith("IMG_1") for name in done.splits["val"])


NOTES = {
    "coco": ["1 annotations are marked as crowds (iscrowd 1): they keep their class", "1 pictures are listed without annotations: all background",
             "classes overlap in 9 pixels of 1 pictures: the annotation that stands later in the file is on top"],
    "supervision_coco": ["as 2 of 2 areas in the file say: its corners are pixels"],
    "labelstudio": ["3 tasks have several annotations: the one marked as ground truth is taken, else the newest", "1 pictures were submitted without",
                    ("left out", "tasks that nobody annotated", "none"), "the later region is on top"],
    "labelstudio_png": ["the files do not say which is on top"],
    "labelstudio_brush_coco": ["Holes and lines one pixel wide are not in this export; its JSON export has them"],
    "cvat_xml": ["1 shapes are boxes and filled whole", "1 shapes of kind polyline are left out", "1 shapes of kind turned box",
                 ("left out", "frames without a shape", "empty.jpg"), "the shape of the higher z_order is on top"],
    "supervisely": ["1 objects of geometry point are no areas, left out", "1 objects are boxes and filled whole", "the later object is on top"],
}  # fmt: skip


@pytest.mark.parametrize("name", NOTES)
def test_what_is_said(name, place, bring):
    SETS[name](place)
    done = bring("--dry-run").worked()
    for note in NOTES[name]:
        told(done, *((note,) if isinstance(note, str) else note))


# COCO


def small_coco(
    place,
    *annotations,
    categories=({"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}),
    images=None,
    file="instances_train.json",
):
    images = images or [picture(1, "a.png"), picture(2, "b.png")]
    for image in images:
        save(place / "images" / image["file_name"], photo(1))
    return write_json(
        place / file, {"images": images, "annotations": list(annotations), "categories": list(categories)}
    )


CAT = annotation(1, 1, 1, [ring_of(2, 3, 5, 5)])


@pytest.mark.parametrize(
    "other, words",
    [
        (annotation(7, 1, 1, {"counts": [5, 6], "size": [HEIGHT, WIDTH]}), ("annotation 7 of a.png", "add up to 11 pixels", "35x49 = 1,715")),
        (annotation(7, 1, 1, {"counts": [5, 6], "size": [WIDTH, HEIGHT]}), ("annotation 7 of a.png", "[49, 35]", "35x49")),
        (annotation(7, 1, 1, {"counts": "5~", "size": [HEIGHT, WIDTH]}), ("annotation 7 of a.png", "'~' is no letter")),
        (annotation(7, 1, 1, {"size": [HEIGHT, WIDTH]}), ("annotation 7 of a.png", "whole numbers from 0")),
        (annotation(7, 1, 1, [[1, 2, 3, 4, 5]]), ("annotation 7 of a.png", "5 numbers; x and y come in pairs")),
        (annotation(7, 1, 1, [[1, 2, 3, 4, 5, "6"]]), ("annotation 7 of a.png", "something else than numbers")),
        (annotation(7, 1, 1, [[1, 2, 3, 4, 5, 10**400]]), ("annotation 7 of a.png", "something else than numbers")),
        (annotation(7, 1, 1, [[1, 2, 3, 4, 5, float("nan")]]), ("annotation 7 of a.png", "something else than numbers")),
        (annotation(7, 1, 1, "5222O"), ("annotation 7 of a.png", "its segmentation is str")),
        (annotation(7, 1, 1, [[1, 2, 3, 4, 5, 1e9]]), ("annotation 7 of a.png", "far outside a picture of 35x49")),
        (annotation(7, 1, 5, [[1, 2, 3, 4, 5, 6]]), ("category 5", "do not list")),
    ],
)  # fmt: skip
def test_a_bad_annotation_is_named(other, words, place, bring):
    small_coco(place, CAT, other)
    bring().failed(*words)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda content: content.pop("categories"), ("no list 'categories'",)),
        (lambda content: content["images"].append(7), ("'images' holds something else",)),
        (lambda content: content["images"][0].pop("file_name"), ("no 'file_name'",)),
        (lambda content: content["categories"][0].update(id="1"), ("whole number 'id'",)),
        (lambda content: content["annotations"][0].update(image_id=[1]), ("'annotations' 'image_id' is [1]",)),
        (lambda content: content["images"][0].update(height=2**40), ("a.png", "larger than Pillow's limit")),
        (lambda content: content["images"][0].update(height=-35), ("a.png", "no size of a picture")),
        (lambda content: content["images"][0].update(height=True), ("a.png", "no size of a picture")),
        (
            lambda content: content["categories"].append({"id": 1, "name": "cow"}),
            ("category 1 is called 'cat' and 'cow'",),
        ),
        (lambda content: content["annotations"].clear(), ("lists pictures, but no annotations",)),
        (
            lambda content: content["annotations"][0].update(segmentation=[]),
            ("(1 that are a box alone)", "Export the segmentation"),
        ),
        (
            lambda content: content["annotations"][0].update(segmentation=[], keypoints=[1, 2, 2]),
            ("(1 of keypoints alone)", "Export the segmentation"),
        ),
        (
            lambda content: content["annotations"][0].update(segmentation=[[1, 2, 3, 4]]),
            ("(1 of fewer than three corners)", "Export the segmentation"),
        ),
        (
            lambda content: content["annotations"][0].update(segmentation=[ring_of(3, 60, 5, 5)]),
            (
                "all 1 outlines lie outside their pictures",
                "were they drawn on larger copies? Give those with --pictures FOLDER",
            ),
        ),
        (
            lambda content: content["images"][1].update(id=1),
            ("a.png and b.png have one id, 1", "give each picture its own id"),
        ),
        (lambda content: content["images"].append({**content["images"][0], "id": 3}), ("a.png is listed twice",)),
        (lambda content: content["images"][0].update(height=34), ("34x49", "35x49", "same size")),
    ],
)
def test_a_bad_file_is_refused(change, words, place, bring):
    path = small_coco(place, CAT)
    changed(path, change)
    bring("--format", "coco", source=path).failed(*words)


def test_a_broken_picture_of_no_given_size_is_named(place, bring):
    path = small_coco(place, CAT)
    changed(path, lambda content: content["images"][0].pop("width"))
    (place / "images/a.png").write_bytes(b"nothing")
    bring().failed("a.png: cannot be read")


def test_cut_short_json_is_refused(place, bring):
    path = small_coco(place, CAT)
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    bring("--format", "coco", source=path).failed(
        "cannot be read as JSON", "cut short perhaps; copy or export it again, or take it out"
    )


def test_outlines_beyond_their_pictures_are_counted(place, bring):
    """Drawn on pictures twice as large, say: what was left of them was learned without a word."""
    beyond, outside = annotation(2, 2, 1, [ring_of(3, 40, 20, 20)]), annotation(3, 2, 1, [ring_of(3, 70, 20, 20)])
    nearly = annotation(4, 2, 1, [[-1, 3, 5, 3, 5, 8]])  # a hand slips
    small_coco(place, CAT, beyond, outside, nearly)
    done = bring("--dry-run").worked()
    told(done, "1 outlines reach beyond their pictures, and what lies outside is cut off")
    told(
        done,
        "1 outlines lie outside their pictures and cover nothing: see that the pictures are those that they were drawn on",
    )
    small_coco(place, CAT)
    assert "their pictures" not in bring("--dry-run").worked().out


@pytest.mark.parametrize("left", [lambda text: text[: len(text) // 2], lambda text: ""])
def test_a_json_file_that_was_cut_short_is_not_left_out(left, place, bring):
    """The other splits were imported, and the pictures of this one counted as listed by no file."""
    path = small_coco(place, CAT)
    (place / "instances_val.json").write_text(
        path.read_text(encoding="utf-8").replace("a.png", "c.png").replace("b.png", "d.png"), encoding="utf-8"
    )
    for name in ("c.png", "d.png"):
        save(place / "images" / name, photo(2))
    assert "2 train, 2 val" in bring("--dry-run").worked().out
    path.write_text(left(path.read_text(encoding="utf-8")), encoding="utf-8")
    bring().failed(str(path), "or take it out")


def test_a_panoptic_file_that_was_cut_short_is_not_left_out(place, bring):
    SETS["coco_panoptic"](place)
    path = place / "annotations/panoptic_train2017.json"
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    bring().failed(str(path), "cannot be read as JSON", "cut short perhaps; copy or export it again, or take it out")


def test_json_files_of_no_format_say_what_they_hold(place, bring):
    path = write_json(place / "result.json", {"annotations": [], "categories": []})
    bring().failed("of no format that is known here", "result.json holds 'annotations', 'categories'.")
    path.write_text('{"version": 3, ')
    bring().failed("result.json cannot be read as JSON", "cut short perhaps; copy or export it again")
    path.write_text("")
    (place / "annotations.xml").write_text("")
    bring().failed("annotations.xml (empty)", "result.json is an empty file; copy or export it again")


def test_what_cannot_be_drawn_is_counted(place, bring):
    lost = annotation(9, 77, 1, [ring_of(1, 1, 2, 2)])
    small_coco(place, CAT, annotation(2, 1, 2, [], bbox=[1, 2, 3, 4]), annotation(3, 1, 2, [[1, 2, 3, 4]]), lost)
    done = bring("--dry-run").worked()
    for words in (
        "1 annotations that are a box alone",
        "1 annotations of fewer than three corners",
        "1 annotations of pictures that the file does not list",
    ):
        told(done, f"{words}, left out")
    told(done, "never occur", "dog")


def test_ids_from_zero_leave_the_background_a_number_of_its_own(place, bring):
    small_coco(
        place,
        annotation(1, 1, 0, [ring_of(2, 3, 5, 5)]),
        annotation(2, 2, 1, [ring_of(2, 3, 5, 5)]),
        categories=[{"id": 0, "name": "car"}, {"id": 1, "name": "tree"}],
    )
    done = bring().worked()
    assert done.classes == ["background", "car", "tree"]
    assert (
        "categories begin at 0, so what no annotation covers is called 2 here" in done.out
        and "soft edges" not in done.out
    )
    same_labels(done.labels, {"a": box(empty(), 2, 3, 5, 5, 1), "b": box(empty(), 2, 3, 5, 5, 2)})


def test_a_category_called_background_is_the_background(place, bring):
    categories = [{"id": 0, "name": "_background_"}, {"id": 7, "name": "tree"}]
    small_coco(
        place,
        annotation(1, 1, 7, [ring_of(2, 3, 9, 9)]),
        annotation(2, 1, 0, [ring_of(4, 5, 2, 2)]),
        categories=categories,
    )
    done = bring().worked()
    assert done.classes == ["background", "tree"]
    np.testing.assert_array_equal(done.labels["a"], box(box(empty(), 2, 3, 9, 9), 4, 5, 2, 2, 0))


@pytest.mark.parametrize("first, second", [(2656977832, 2167159165), (-3, 2**31), (1, 2**70)], ids=str)
def test_ids_that_are_no_numbers_for_pixels(first, second, place, bring):
    """darwin-py 3.6.3 gives each class the checksum of its name, up to 2**32."""
    small_coco(
        place,
        annotation(1, 1, first, [ring_of(2, 3, 5, 5)]),
        annotation(2, 2, second, [ring_of(2, 3, 5, 5)]),
        categories=[{"id": first, "name": "cat"}, {"id": second, "name": "dog"}],
    )
    done = bring().worked()
    assert done.classes[0] == "background" and sorted(done.classes[1:]) == ["cat", "dog"]
    cat, dog = (done.classes.index(name) for name in ("cat", "dog"))
    same_labels(done.labels, {"a": box(empty(), 2, 3, 5, 5, cat), "b": box(empty(), 2, 3, 5, 5, dog)})


def test_a_panoptic_category_that_is_no_number_for_pixels(place, bring):
    """The segments' numbers fit into three bytes; those of their categories need not."""
    expected = COCO_SETS["coco_panoptic"](place)

    def enlarged(content):
        for each in content["categories"]:
            each["id"] = {18: 2167159165}.get(each["id"], each["id"])
        for segment in (one for each in content["annotations"] for one in each["segments_info"]):
            segment["category_id"] = {18: 2167159165}.get(segment["category_id"], segment["category_id"])

    for split in ("train", "val"):
        changed(place / f"annotations/panoptic_{split}2017.json", enlarged)
    done = bring().worked()
    assert sorted(done.classes) == ["dog", "person", "water-other"]
    numbers = np.array([done.classes.index(name) for name in ("person", "dog", "water-other")] + [255] * 253, np.uint8)
    same_labels(done.labels, {name: numbers[labels] for name, labels in expected.items()})


def test_ids_may_mean_another_class_in_the_next_file(place, bring):
    """As where each split was exported for itself, with ids in the order that they were met."""
    small_coco(place, CAT)
    swapped = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cow"}, {"id": 3, "name": "cat"}]
    others = [
        annotation(1, 1, 1, [ring_of(2, 3, 5, 5)]),
        annotation(2, 1, 3, [ring_of(20, 3, 5, 5)]),
        annotation(3, 1, 2, [ring_of(20, 30, 5, 5)]),
    ]
    small_coco(place, *others, categories=swapped, images=[picture(1, "c.png")], file="instances_val.json")
    done = bring().worked()
    assert done.classes == ["background", "cat", "dog", "cow"]
    assert done.splits == {"train": ["a", "b"], "val": ["c"]}
    np.testing.assert_array_equal(done.labels["a"], box(empty(), 2, 3, 5, 5, 1))
    np.testing.assert_array_equal(
        done.labels["c"], box(box(box(empty(), 2, 3, 5, 5, 2), 20, 3, 5, 5, 1), 20, 30, 5, 5, 3)
    )


def test_pictures_in_sub_folders_and_of_the_same_name(place, bring):
    images = [picture(1, "day/a.png"), picture(2, "night\\a.png")]
    for name in ("day/a.png", "night/a.png"):
        save(place / "images" / name, photo(1))
    write_json(place / "all.json", {"images": images, "annotations": [CAT], "categories": [{"id": 1, "name": "cat"}]})
    done = bring().worked()
    same_labels(done.labels, {"day__a": box(empty(), 2, 3, 5, 5), "night__a": empty()})


def test_pictures_elsewhere_and_pictures_that_are_not_there(place, bring, tmp_path):
    images = [picture(1, "a.png"), picture(2, "gone.png"), picture(3, "c.png")]
    path = write_json(
        place / "all.json", {"images": images, "annotations": [CAT], "categories": [{"id": 1, "name": "cat"}]}
    )
    bring(source=path).failed("3 label files", "no picture of theirs", "--pictures FOLDER")
    for name in "ac":
        save(tmp_path / "elsewhere/deep" / f"{name}.png", photo(1))
    done = bring("--pictures", tmp_path / "elsewhere", source=path).worked()
    told(done, "left out", "labels without a picture", "gone")
    assert sorted(done.labels) == ["a", "c"]


@pytest.mark.parametrize(
    "listed, there",
    [
        ("caf\u00e9.png", "cafe\u0301.png"),  # as macOS writes it
        ("my%20cat.png", "my cat.png"),
        ("https://host/x/a.png?sig=1&t=2", "a.png"),
        ("/data/upload/3/0a1b2c3d-a.png", "0a1b2c3d-a.png"),
        ("/data/upload/3/0a1b2c3d-a.png", "a.png"),
        ("/data/local-files/?d=shots/a.png", "shots/a.png"),
        ("C:\\pictures\\a.png", "a.png"),
        ("a.JPG", "a.png"),  # saved anew
    ],
)
def test_how_a_picture_may_be_named(listed, there, place, bring):
    images = [{**picture(1, listed)}, picture(2, "other.png")]
    write_json(place / "all.json", {"images": images, "annotations": [CAT], "categories": [{"id": 1, "name": "cat"}]})
    for name in (there, "other.png"):
        save(place / "images" / name, photo(1))
    done = bring().worked()
    assert len(done.labels) == 2 and "left out" not in done.out
    assert sum((labels > 0).sum() for labels in done.labels.values()) == 25


@pytest.mark.parametrize("listed", ["https://host", "/", "http://[x/c.png", "?", ".."])
def test_names_of_no_picture_are_left_out(listed, place, bring):
    images = [picture(1, "a.png"), picture(2, "b.png"), picture(3, listed)]
    save(place / "a.png", photo(1)), save(place / "b.png", photo(1))
    write_json(place / "all.json", {"images": images, "annotations": [CAT], "categories": [{"id": 1, "name": "cat"}]})
    told(bring().worked(), "left out", "labels without a picture")


def test_pictures_that_nobody_lists_are_said(place, bring):
    small_coco(place, CAT)
    save(place / "images/more.png", photo(3))
    told(bring("--dry-run").worked(), "left out", "pictures that no JSON file lists", "images/more.png")


def test_which_of_two_pictures_is_asked(place, bring):
    small_coco(place, CAT)
    save(place / "copies/a.png", photo(3))
    bring().failed("the picture a.png may be", "images/a.png", "copies/a.png")


def test_void_by_number(place, bring):
    small_coco(place, CAT, annotation(2, 1, 2, [ring_of(20, 3, 5, 5)]))
    done = bring("--void", 2).worked()
    np.testing.assert_array_equal(done.labels["a"], box(box(empty(), 2, 3, 5, 5), 20, 3, 5, 5, 255))


def test_without_width_and_height_the_picture_is_asked(place, bring):
    path = small_coco(place, CAT)
    changed(path, lambda content: content["images"][0].update(width=None, height=None))
    np.testing.assert_array_equal(bring().worked().labels["a"], box(empty(), 2, 3, 5, 5))


def test_coco_by_pycocotools(place, bring):
    """Each annotation as pycocotools draws it, the later on top."""
    coco = tool("pycocotools.coco", "pycocotools")
    expected = COCO_SETS["coco"](place)
    numbers = {1: 1, 18: 2, 90: 3}
    for split in ("train", "val"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = coco.COCO(str(place / f"annotations/instances_{split}2017.json"))
            for image in data.dataset["images"]:
                labels = empty()
                for each in data.loadAnns(data.getAnnIds(image["id"])):
                    labels[data.annToMask(each) > 0] = numbers[each["category_id"]]
                np.testing.assert_array_equal(labels, expected[image["file_name"][:-4]])


def test_coco_as_supervision_writes_it(place, bring):
    sv = tool("supervision")
    ring = box(box(empty(), 3, 30, 12, 12), 6, 33, 5, 4, 0) > 0
    masks = np.stack([box(empty(), 2, 3, 5, 5) > 0, ring, box(empty(), 20, 5, 9, 30) > 0])
    path = str(save(place / "images/a.png", photo(1)))
    found = quietly(sv.Detections, xyxy=sv.mask_to_xyxy(masks), mask=masks, class_id=np.array([0, 1, 1]))
    data = quietly(sv.DetectionDataset, classes=["cat", "dog"], images=[path], annotations={path: found})
    quietly(data.as_coco, annotations_path=str(place / "annotations.json"))
    save(place / "images/b.png", photo(2))
    changed(place / "annotations.json", lambda content: content["images"].append(picture(2, "b.png")))
    labels = empty()
    for mask, number in zip(masks, (1, 2, 2), strict=True):
        labels[mask] = number
    np.testing.assert_array_equal(bring().worked().labels["a"], labels)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda content: content["annotations"][0]["segments_info"].pop(), ("holds segment 300", "does not list")),
        (
            lambda content: content["annotations"][0]["segments_info"][0].update(category_id=5),
            ("picture 0", "'category_id' of the list"),
        ),
        (lambda content: content["annotations"][0].pop("file_name"), ("picture 0", "'file_name'")),
        (lambda content: content["categories"][0].update(id=0), ("whole number 'id' from 1",)),
        (lambda content: content["categories"][0].update(name="wolf"), ("category 18 is called", "'wolf'", "'dog'")),
    ],
)
def test_a_bad_panoptic_file_is_refused(change, words, place, bring):
    COCO_SETS["coco_panoptic"](place)
    changed(place / "annotations/panoptic_train2017.json", change)
    bring("--format", "coco-panoptic").failed(*words)


def test_panoptic_masks_have_to_be_there(place, bring):
    COCO_SETS["coco_panoptic"](place)
    (place / "annotations/panoptic_train2017").rename(place / "annotations/masks")
    bring().failed("a folder panoptic_train2017/ with its masks (PNG) is not beside it")


@pytest.mark.parametrize("panoptic", [False, True])
def test_a_large_file_is_known_without_reading_it(panoptic, place, bring):
    """By its first key and its end: blanks make it larger than what is read."""
    COCO_SETS["coco_panoptic" if panoptic else "coco"](place)
    for path in (place / "annotations").glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "instances" in path.name or panoptic:
            content = {"images": content.pop("images"), "filled": " " * (1 << 21), **content}
        path.write_text(json.dumps(content), encoding="utf-8")
    bring("--dry-run").worked()


# Label Studio


CONFIG = """<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="car"/><Label value="tree"/></BrushLabels>
<PolygonLabels name="poly" toName="image"><Label value="car"/><Label value="tree"/></PolygonLabels></View>"""


def converted(place, tmp_path, kind):
    """The SDK's export of the set's JSON, into an empty folder, with the pictures."""
    converter = tool("label_studio_sdk.converter", "label-studio-sdk")
    LABELSTUDIO_SETS["labelstudio"](tmp_path / "source")
    source = next((tmp_path / "source").glob("*.json"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        convert = converter.Converter(CONFIG, project_dir=None, download_resources=False)
        convert.convert(str(source), str(place), kind, is_dir=False)
    for path in (tmp_path / "source/upload/4").iterdir():
        save(place / "pictures" / path.name, Image.open(path))
    return source


def test_brush_pngs_as_label_studio_writes_them(place, bring, tmp_path):
    """The JSON's run lengths are cut out, so that the files count."""
    source = converted(place, tmp_path, "BRUSH_TO_PNG")
    expected = LABELSTUDIO_SETS["labelstudio"](tmp_path / "again")
    write_json(
        place / "project.json",
        [
            {**task, "annotations": [{**each, "result": []} for each in task["annotations"]]}
            for task in json.loads(source.read_text())
        ],
    )
    done = bring().worked()
    for name in ("61148fa2-a_tree", "8336a0c4-c"):  # in the other the order of the names is another one
        np.testing.assert_array_equal(done.labels[name], expected[name])


def test_brush_coco_as_label_studio_writes_it(place, bring, tmp_path):
    """Annotations of all annotators go into it, so the wrong ones are taken out first."""
    exports = tool("label_studio_sdk.converter.exports.brush_to_coco", "label-studio-sdk")
    items = []
    for task, regions in brushes().items():
        output = {
            "tag": [
                {**result(*region)["value"], "type": "brushlabels", "original_width": WIDTH, "original_height": HEIGHT}
                for region in regions
            ]
        }
        items.append(
            {
                "id": task,
                "input": {"image": f"/data/upload/4/{task}.jpg"},
                "output": output if regions else {},
                "completed_by": 1,
            }
        )
        save(place / f"images/{task}.jpg", photo(task))
    quietly(exports.convert_to_coco, items, str(place))
    labels = {"1": empty(), "2": empty()}
    for task, regions in brushes().items():
        for label, mask in regions:
            labels[str(task)][mask] = {"tree": 1, "car": 2}[label]
    same_labels(bring().worked().labels, labels)


def long_json(place, *results, **more):
    """One task of one annotation, and another that was submitted empty."""
    tasks = []
    for task, name in ((1, "a"), (2, "b")):
        found = [{"id": 10 * task, "result": list(results) if task == 1 else [], **more}]
        tasks.append({"id": task, "annotations": found, "data": {"image": f"/data/upload/1/{name}.png"}})
        save(place / f"{name}.png", photo(task))
    return write_json(place / "project.json", tasks)


def region(kind, labels, **value):
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": "r1", "type": kind, "from_name": "tag", "value": {**value, kind: labels}, **size}


def test_polygons_in_hundredths_by_cocos_rule(place, bring):
    points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in np.reshape(ring_of(2, 3, 5, 6), (-1, 2))]
    long_json(place, region("polygonlabels", ["tree"], points=points, closed=True))
    np.testing.assert_array_equal(bring().worked().labels["a"], box(empty(), 2, 3, 5, 6))


def test_a_bitmask_is_what_is_not_transparent(place, bring):
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[2:7, 3:9, 3] = 255  # black on nothing
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    address = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    long_json(place, region("bitmasklabels", ["tree"], imageDataURL=address))
    np.testing.assert_array_equal(bring().worked().labels["a"], box(empty(), 2, 3, 5, 6))


@pytest.mark.parametrize(
    "results, words",
    [
        ([region("brushlabels", ["tree"], rle=[1, 2, 3])], ("task 1, region r1", "cut short")),
        ([region("polygonlabels", ["tree"], points=[["x", 1]])], ("task 1, region r1", "no list of x, y")),
        ([region("polygonlabels", ["tree"], points=[[10**400, 1]])], ("task 1, region r1", "no list of x, y")),
        ([region("polygonlabels", ["tree"], points=[[1e5, 1], [2, 2], [3, 0]])], ("task 1, region r1", "hundredths")),
        (
            [region("bitmasklabels", ["tree"], imageDataURL="data:image/png;base64,!!")],
            ("task 1, region r1", "no PNG in base64"),
        ),
        ([region("brushlabels", ["tree"], rle=5)], ("task 1, region r1", "no bytes")),
        (
            [{**region("brushlabels", ["tree"], rle=[1]), "original_width": "9"}],
            ("task 1, region r1", "no size of a picture"),
        ),
        ([region("brushlabels", "tree", rle=[1])], ("task 1, region r1", "a list of names")),
        (
            [region("rectanglelabels", ["tree"], x=1, y=1, width=9, height=9)],
            ("no brush, bitmask or polygon", "1 boxes", "which pixels"),
        ),
        ([7], ("task 1", "no list of regions")),
    ],
)
def test_a_bad_region_is_named(results, words, place, bring):
    long_json(place, *results)
    bring().failed(*words)


def test_a_brush_of_another_size_is_named(place, bring):
    wrong = result("tree", disc(9, 9, 6))
    wrong["original_width"] = WIDTH + 1
    long_json(place, wrong)
    bring().failed("task 1, region", "6,860 values", "35x50")


def test_ground_truth_counts_before_the_newest(place, bring):
    results = [[result("tree", disc(9, 9, 6))], [result("tree", disc(20, 20, 6))]]
    path = long_json(place)
    annotations = [
        {"id": 1, "ground_truth": True, "result": results[0], "created_at": "2026-01-01"},
        {"id": 2, "result": results[1], "created_at": "2026-02-01"},
    ]
    changed(path, lambda tasks: tasks[0].update(annotations=annotations))
    np.testing.assert_array_equal(bring().worked().labels["a"], disc(9, 9, 6))


def test_a_picture_that_was_turned_while_it_was_labelled_is_left_out(place, bring):
    path = long_json(place, result("tree", disc(9, 9, 6)))
    third = {
        "id": 3,
        "data": {"image": "c.png"},
        "annotations": [{"id": 5, "result": [{**result("car", disc(9, 9, 3)), "image_rotation": 90}]}],
    }
    changed(path, lambda tasks: tasks.append(third))
    told(bring().worked(), "left out", "pictures that were turned in Label Studio while they were labelled", "c")


def test_brush_files_alone_ask_for_the_json(place, bring):
    LABELSTUDIO_SETS["labelstudio_png"](place)
    (place / "tasks.json").unlink()
    bring().failed("linked to their pictures by a task's number alone", "Export the project as JSON too")


def test_a_brush_file_of_another_size_is_named(place, bring):
    LABELSTUDIO_SETS["labelstudio_png"](place)
    save(place / "task-1-annotation-11-by-1-tag-car-0.png", np.zeros((5, 6)))
    bring().failed("task-1-annotation-11-by-1-tag-car-0.png", "(5, 6)", "(35, 49)")


@pytest.mark.parametrize("name", ["label_with-dashes", "no_control"])
def test_labels_out_of_file_names(name, place, bring):
    """The control's name is in the JSON, or it is the first word; what stands behind it is the label, dashes and all."""
    path = long_json(place, region("rectanglelabels", ["tree"], x=1, y=1, width=9, height=9))
    control = "my-tag" if name == "label_with-dashes" else "tag"
    changed(path, lambda tasks: tasks[0]["annotations"][0]["result"][0].update(from_name=control))
    if name == "no_control":
        changed(path, lambda tasks: tasks[0]["annotations"][0].update(result=[]))
    np.save(place / f"task-1-annotation-10-by-me@x.org-{control}-fir-tree-0.npy", disc(9, 9, 6).astype(np.uint8) * 255)
    done = bring().worked()
    assert done.classes == ["background", "fir-tree"]
    np.testing.assert_array_equal(done.labels["a"], disc(9, 9, 6))


# Supervisely


def project(place, *objects):
    meta(place)
    write_json(place / "ds/ann/a.png.json", drawn(*objects))
    write_json(place / "ds/ann/b.png.json", drawn())
    for seed, name in enumerate("ab"):
        save(place / f"ds/img/{name}.png", photo(seed))
    return place / "ds/ann/a.png.json"


@pytest.mark.parametrize(
    "other, words",
    [
        (polygon([[1, 2], [3, 4]]), ("a.png.json: object 0 (polygon)", "expected 3 corners")),
        (thing("cat", "rectangle", points={"exterior": [[1, 2], [3, 1e30]]}), ("object 0 (rectangle)", "far outside")),
        (thing("cat", "bitmap", bitmap={"origin": [2**70, 1], "data": "eJx"}), ("object 0 (bitmap)", "no packed PNG")),
        (polygon([[1, 2], [3, 4], [1e6, 1]]), ("a.png.json: object 0 (polygon)", "far outside")),
        (polygon([[1, 2], [3, 4], ["x", 1]]), ("a.png.json: object 0 (polygon)", "not as the SDK writes it")),
        (
            thing("cat", "bitmap", bitmap={"origin": [1, 1], "data": "eJx"}),
            ("a.png.json: object 0 (bitmap)", "no packed PNG"),
        ),
        (thing("cat", "bitmap", bitmap={"data": "eJx"}), ("a.png.json: object 0 (bitmap)", "'origin'")),
        (
            thing("cow", "polygon", points={"exterior": [[1, 2], [3, 4], [5, 1]]}),
            ("class 'cow'", "meta.json does not list"),
        ),
    ],
)
def test_a_bad_object_is_named(other, words, place, bring):
    project(place, other)
    bring().failed(*words)


def test_a_bitmap_without_transparency_is_refused(place, bring):
    project(place, thing("cat", "bitmap", bitmap={"origin": [1, 1], "data": packed(np.zeros((4, 4, 3), np.uint8))}))
    bring().failed("object 0 (bitmap)", "mode RGB", "transparency or grey")


def packed(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return base64.b64encode(zlib.compress(stream.getvalue())).decode()


@pytest.mark.parametrize("channels", [1, 4])
def test_bitmaps_of_other_modes(channels, place, bring):
    pixels = np.full((4, 5, 4), 9, np.uint8)
    pixels[..., 3] = [[0, 1, 255, 0, 7]] * 4
    project(
        place,
        thing(
            "cat", "bitmap", bitmap={"origin": [44, 33], "data": packed(pixels if channels == 4 else pixels[..., 3])}
        ),
    )
    expected = empty()
    expected[33:, [45, 46, 48]] = 1  # what sticks out is cut off
    np.testing.assert_array_equal(bring().worked().labels["a"], expected)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda place: (place / "meta.json").write_text("{}"), ("no list 'classes'",)),
        (lambda place: (place / "meta.json").write_text("["), ("cannot be read as JSON",)),
        (lambda place: (place / "ds/ann/a.png.json").write_text("[]"), ("no JSON object",)),
        (lambda place: (place / "ds/ann/a.png.json").write_text("{}"), ("no 'size'",)),
        (
            lambda place: changed(place / "ds/ann/a.png.json", lambda each: each["size"].update(width=0)),
            ("a.png.json", "no size of a picture"),
        ),
        (
            lambda place: (place / "ds/ann/a.png.json").write_text('{"size": {"height": 35, "width": 49}}'),
            ("no list 'objects'",),
        ),
        (lambda place: (place / "meta.json").unlink(), ("meta.json with the project's classes is not there",)),
    ],
)
def test_a_bad_project_is_refused(change, words, place, bring):
    project(place, bitmap(np.ones((3, 4), bool), 5, 6))
    change(place)
    bring("--format", "supervisely").failed(*words)


def test_an_older_project_names_annotations_without_the_ending(place, bring):
    path = project(place, bitmap(np.ones((3, 4), bool), 5, 6))
    path.rename(path.with_name("a.json"))
    same_labels(bring().worked().labels, {"a": box(empty(), 5, 6, 3, 4), "b": empty()})


def test_a_data_set_alone_finds_its_classes_above_it(place, bring):
    project(place, bitmap(np.ones((3, 4), bool), 5, 6))
    same_labels(bring(source=place / "ds").worked().labels, {"a": box(empty(), 5, 6, 3, 4), "b": empty()})


def test_numbers_that_no_class_has_stop_the_masks(place, bring):
    SUPERVISELY_SETS["supervisely_masks"](place)
    save(place / "val/masks_machine/c.png", np.full((HEIGHT, WIDTH, 3), 9))
    bring().failed("1 numbers in 1,715 pixels have no class", "9")


@pytest.mark.parametrize(
    "colours, words",
    [
        ('{"cat": [1, 1, 1], "road": 1}', "1 is both cat and road"),
        ('{"cat": "red"}', "cat is 'red'"),
        ('{"cat": [1, "1", [1]]}', "cat is [1, '1', [1]]"),
        ('{"cat": [300, 300, 300]}', "cat is [300, 300, 300]"),
        ("{}", "no classes in it"),
        ("{", "cannot be read as JSON"),
    ],
)
def test_bad_colours_of_masks_are_refused(colours, words, place, bring):
    SUPERVISELY_SETS["supervisely_masks"](place)
    (place / "obj_class_to_machine_color.json").write_text(colours)
    bring().failed(words)


def test_all_is_everything_but_zero(place, bring):
    expected = SUPERVISELY_SETS["supervisely_masks"](place)
    (place / "obj_class_to_machine_color.json").write_text('{"thing": "__all__"}')
    same_labels(bring().worked().labels, {name: (labels > 0).astype(np.uint8) for name, labels in expected.items()})


@pytest.mark.parametrize("above", [".", "VOCdevkit", "VOCdevkit/VOC"])
def test_the_pascal_voc_export_is_refused_with_the_reason(above, place, bring):
    supervisely_voc(place)
    bring(source=place / above).failed(
        "a colour drawn by chance for every object", "own format (ann, img, meta.json) or as masks"
    )


def test_as_the_sdk_writes_and_draws_it(place, bring):
    """Random polygons with holes, bitmaps and boxes: the SDK writes the project and draws it, each class with its number."""
    sly = tool("supervisely")
    rng = np.random.default_rng(0)
    classes = [sly.ObjClass(title, sly.AnyGeometry) for title in CLASSES]
    written = quietly(sly.Project, str(place / "own"), sly.OpenMode.CREATE)
    written.set_meta(sly.ProjectMeta(classes))
    data = written.create_dataset("ds")
    expected = {}
    for name in "abcdef":
        labels = []
        for number in rng.integers(0, 3, 6).tolist():
            corners = rng.integers(0, (WIDTH, HEIGHT), (5, 2)).tolist()
            hole = rng.integers(5, 30, (3, 2)).tolist()
            shapes = (
                sly.Polygon.from_json({"points": {"exterior": corners, "interior": [hole] if number else []}}),
                sly.Bitmap(rng.random((9, 8)) < 0.5, origin=sly.PointLocation(*rng.integers(0, 26, 2).tolist())),
                sly.Rectangle(3, 4, *rng.integers(6, 30, 2).tolist()),
            )
            labels.append(sly.Label(shapes[int(rng.integers(3))], classes[number]))
        quietly(data.add_item_np, f"{name}.png", np.asarray(photo(1)), sly.Annotation((HEIGHT, WIDTH), labels))
        expected[name] = empty()
        for label in labels:
            label.draw(expected[name], 1 + CLASSES.index(label.obj_class.name))
    same_labels(bring(source=place / "own").worked().labels, expected)


# CVAT's XML


@pytest.mark.parametrize(
    "shape, words",
    [
        (brushed("tree", 2, 3, 4, 5, "1, 2"), ("a.jpg: a mask of tree", "add up to 3 pixels", "4x5 = 20")),
        (
            brushed("tree", 2, 47, 4, 5, "0, 20"),
            ("a.jpg: a mask of tree", "4x5 at row 2, column 47", "does not lie in the picture"),
        ),
        (brushed("tree", 2, 3, 4, 5, "a"), ("a.jpg: a mask of tree", "missing or no number")),
        (polygon_of("tree", [1, 2, 3, 4]), ("a.jpg: a polygon of tree", "no ring of a picture of 35x49")),
        (polygon_of("tree", [1, 2, 3, 4, 1e6, 1]), ("a.jpg: a polygon of tree", "no ring of a picture of 35x49")),
        ('<polygon label="tree"/>', ("a.jpg: a polygon of tree", "missing or no number")),
        (polygon_of("tree", [1, 2, 3, 4, 5, 1], z="top"), ("a.jpg", "'z_order' is 'top'")),
        (polygon_of("cow", [1, 2, 3, 4, 5, 1]), ("the label 'cow'", "<meta> does not list")),
    ],
)
def test_a_bad_shape_is_named(shape, words, place, bring):
    (place / "annotations.xml").write_text(document(frame("a.jpg", shape)), encoding="utf-8")
    save(place / "images/a.jpg", photo(1))
    bring().failed(*words)


def test_outlines_beyond_their_pictures_are_counted_in_cvats_xml(place, bring):
    beyond, outside = polygon_of("tree", ring_of(3, 40, 20, 20)), polygon_of("tree", ring_of(3, 70, 20, 20))
    within = polygon_of("car", ring_of(3, 3, 5, 5)) + brushed("tree", 2, 3, 1, 3, "0, 3")
    (place / "annotations.xml").write_text(document(frame("a.jpg", within, beyond, outside)), encoding="utf-8")
    save(place / "images/a.jpg", photo(1))
    done = bring("--dry-run").worked()
    told(done, "1 outlines reach beyond their pictures, and what lies outside is cut off")
    told(done, "1 outlines lie outside their pictures and cover nothing")
    (place / "annotations.xml").write_text(document(frame("a.jpg", outside)), encoding="utf-8")
    bring().failed("annotations.xml: all 1 outlines lie outside their pictures: were they drawn on larger copies?")


@pytest.mark.parametrize(
    "content, words",
    [
        (document(frame("a.jpg"))[:-9], "cannot be read as XML"),
        (document("<track/>"), "export it as"),
        (document(frame("a.jpg")).replace("utf-8", "utf-99"), "cannot be read as XML"),
        (document(""), "no <image>"),
        (document(frame("a.jpg")), "no picture has a polygon"),
        (document(frame("a.jpg").replace('height="35"', "")), "'height' is ''; expected a whole number"),
    ],
)
def test_a_bad_xml_is_refused(content, words, place, bring):
    (place / "annotations.xml").write_text(content, encoding="utf-8")
    bring("--format", "cvat-xml").failed(words)


def test_several_xml_files_are_all_read(place, bring):
    """Datumaro 1.13.12 writes one a split; who exports task by task has one a task. A label's number may be another in the next."""
    square = polygon_of("car", ring_of(2, 3, 5, 6))
    first = document(*(frame(name, polygon_of("tree", ring_of(2, 3, 5, 6))) for name in ("a.jpg", "b.jpg")))
    second = document(frame("c.jpg", square))
    for old, new in (("<name>tree<", "<name>_<"), ("<name>car<", "<name>tree<"), ("<name>_<", "<name>car<")):
        second = second.replace(old, new)
    (place / "train.xml").write_text(first, encoding="utf-8")
    (place / "val.xml").write_text(second, encoding="utf-8")
    for name in "abc":
        save(place / f"images/{name}.jpg", photo(1))
    done = bring().worked()
    assert done.classes == ["background", "tree", "car"] and done.splits == {"train": ["a", "b"], "val": ["c"]}
    same_labels(done.labels, {name: box(empty(), 2, 3, 5, 6, 2 if name == "c" else 1) for name in "abc"})
    (place / "val.xml").rename(place / "annotations.xml")
    (place / "train.xml").rename(place / "task 2.xml")
    save(place / "images/d.jpg", photo(1))
    (place / "third.xml").write_text(document(frame("d.jpg", square)), encoding="utf-8")
    shutil.rmtree(done.root)
    done = bring().worked()
    told(done, "annotations.xml, with <annotations> of CVAT")
    assert sorted(done.labels) == ["a", "b", "c", "d"] and done.classes == ["background", "car", "tree"]


def test_a_picture_in_two_xml_files_is_refused(place, bring):
    for name in ("annotations.xml", "annotations old.xml"):
        (place / name).write_text(document(frame("a.jpg", polygon_of("car", ring_of(2, 3, 5, 6)))), encoding="utf-8")
    save(place / "images/a.jpg", photo(1))
    bring().failed("images/a.jpg is listed in annotations.xml and in annotations old.xml", "give the one that counts")
    (place / "annotations old.xml").unlink()
    bring().worked()


def test_brush_masks_as_cvat_writes_them():
    """The SDK's run lengths, with its bounds cut off, are this test's writer's."""
    masks = tool("cvat_sdk.masks", "cvat-sdk")
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:14, 7:20] = np.random.default_rng(0).random((9, 13)) < 0.6
    *counts, left, top, right, bottom = masks.encode_mask(mask)
    assert row_counts(mask[top : bottom + 1, left : right + 1]) == counts


def test_xml_as_datumaro_writes_it(place, bring):
    """Polygons and masks through Datumaro's writer of CVAT's format, which CVAT uses."""
    dm = tool("datumaro")
    mask = disc(12, 12, 7) & ~disc(12, 12, 3)
    shapes = [dm.Polygon([20.5, 5, 40, 8.25, 30, 30], label=0, z_order=1), dm.Mask(mask, label=1, z_order=0)]
    media = dm.Image.from_numpy(np.asarray(photo(1)))
    items = [
        dm.DatasetItem(name, media=media, annotations=shapes, attributes={"frame": i}) for i, name in enumerate("ab")
    ]
    quietly(
        quietly(dm.Dataset.from_iterable, items, categories=["tree", "car"]).export, str(place), "cvat", save_media=True
    )
    expected = np.where(mask, 2, 0).astype(np.uint8)
    expected[coco_by_loops([20.5, 5, 40, 8.25, 30, 30], HEIGHT, WIDTH) > 0] = 1
    source = next(path.parent for path in place.rglob("*.xml"))
    np.testing.assert_array_equal(bring(source=source).worked().labels["a"], expected)
