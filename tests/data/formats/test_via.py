"""VIA: which pixels each region covers, which attribute is the class, and each refusal."""

import json

import numpy as np
import pytest
from PIL import Image

from minifcn.data.formats.registry import recognise
from minifcn.data.formats.shapes.ellipses import ellipse

from .coco_sets import HEIGHT, WIDTH, box, empty, write_json
from .drawing import photo, save
from .imported import same_labels, told
from .outlines import coco_by_loops
from .via_sets import (
    KITE,
    LINE,
    POINT,
    VIA_SETS,
    circle,
    ellipse_by_loops,
    entry,
    filled,
    polygon,
    rect,
    region,
)
from .via_sets import ellipse as turned


def small(place, *regions, file="via_region_data.json"):
    """Two pictures, these regions in the first."""
    other = region(polygon(KITE), **(regions[0]["region_attributes"] if regions else {"kind": "cat"}))
    for name in "ab":
        save(place / f"{name}.png", photo())
    return write_json(place / file, {"a.png1": entry("a.png", *regions), "b.png1": entry("b.png", other)})


@pytest.mark.parametrize("name", VIA_SETS)
def test_what_it_is_taken_for(name, place):
    VIA_SETS[name](place)
    assert [each.name for each, _ in recognise(place)[1]] == ["via"]


def test_classes_and_what_is_said(place, bring):
    VIA_SETS["via"](place)
    done = bring().worked()
    assert done.classes == ["background", "cat", "dog"]
    told(done, "of the attributes 'kind' alone is on all regions, so it is the class; --attribute note takes another")
    told(done, "2 regions are boxes and filled whole, whatever lies in them")
    told(done, "left out of the regions: 1 points, 1 lines")
    told(done, "left out, pictures without a region: 1 (empty.jpg)")
    told(done, "the region that stands later in the file is on top")
    told(done, "1 outlines reach beyond their pictures")


def test_the_order_of_the_projects_choices_is_that_of_the_classes(place, bring):
    VIA_SETS["via"](place)
    path = next(place.glob("*.json"))
    content = json.loads(path.read_text())
    content["_via_attributes"]["region"]["kind"]["options"] = {"2": "dog", "9": "never", "1": "cat"}
    write_json(path, content)
    done = bring().worked()
    assert done.classes == ["background", "dog", "never", "cat"]
    told(done, "classes of the list that never occur: never")


def test_splits_by_folders_and_one_class_alone(place, bring):
    VIA_SETS["via_balloon"](place)
    done = bring().worked()
    assert done.splits == {"train": ["a", "b", "c"], "val": ["d"]} and done.classes == ["background", "object"]
    told(done, "no region has an attribute that says what it is: all are called object")


@pytest.mark.parametrize("name", VIA_SETS)
def test_the_file_itself_as_source(name, place, bring):
    expected = VIA_SETS[name](place)
    path = next(path for path in sorted(place.rglob("*.*")) if path.suffix in (".json", ".csv"))
    same_labels(
        bring(source=path).worked().labels,
        {each: expected[each] for each in expected if name != "via_balloon" or each != "d"},
    )


# which pixels


@pytest.mark.parametrize("seed", range(30))
def test_ellipses_by_loops(seed):
    rng = np.random.default_rng(seed)
    x, y, across, down, turn = (*rng.uniform(-8, 55, 2), *rng.uniform(0.2, 25, 2), rng.uniform(-4, 4))
    found = empty()
    top, left, mask = ellipse(x, y, across, down, turn, HEIGHT, WIDTH)
    found[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    np.testing.assert_array_equal(found, ellipse_by_loops(x, y, across, down, turn))


@pytest.mark.parametrize("axes", [(0, 5), (5, 0), (0, 0)])
def test_an_ellipse_of_no_width_covers_nothing(axes):
    assert not ellipse(20, 20, *axes, 0.3, HEIGHT, WIDTH)[2].any()


def test_an_ellipse_is_near_the_polygon_that_via_exports(place, bring):
    """Its COCO export has a corner each 5 degrees."""
    angles = np.radians(np.arange(0, 360, 5))
    across, down, turn = 15.0, 8.0, 0.7
    ring = [
        24 + across * np.cos(angles) * np.cos(turn) - down * np.sin(angles) * np.sin(turn),
        17 + across * np.cos(angles) * np.sin(turn) + down * np.sin(angles) * np.cos(turn),
    ]
    theirs = coco_by_loops(np.stack(ring, 1).ravel(), HEIGHT, WIDTH)
    assert (ellipse_by_loops(24, 17, across, down, turn) != theirs).sum() <= 6
    assert (ellipse_by_loops(24, 17, across, down, -turn) != theirs).sum() > 100


def test_old_ellipses_have_no_turn(place, bring):
    shape = turned(20, 15, 9, 4, 0)
    del shape["theta"]
    small(place, region(shape, kind="cat"))
    np.testing.assert_array_equal(bring().worked().labels["a"], ellipse_by_loops(20, 15, 9, 4))


def test_a_picture_that_is_shown_turned(place, bring):
    """A browser turns it, and the regions lie on what was seen."""
    small(place, region(polygon(KITE), kind="cat"))
    exif = Image.Exif()
    exif[0x0112] = 6
    (place / "a.png").unlink()
    photo(0, WIDTH, HEIGHT).save(place / "a.jpg", exif=exif)
    np.testing.assert_array_equal(bring().worked().labels["a"], filled(empty(), 1, coco_by_loops(KITE, HEIGHT, WIDTH)))


@pytest.mark.parametrize("back", [(24, 4), (25, 6)])
def test_a_line_that_ends_where_it_begins_is_an_area(back, place, bring):
    """As people have drawn whole sets."""
    ring = [*KITE, *back]
    small(place, region({**polygon(ring), "name": "polyline"}, kind="cat"), region(LINE, kind="cat"))
    done = bring().worked()
    np.testing.assert_array_equal(done.labels["a"], filled(empty(), 1, coco_by_loops(ring, HEIGHT, WIDTH)))
    told(done, "1 lines end where they begin, and are filled as polygons")
    told(done, "left out of the regions: 1 lines")


@pytest.mark.parametrize(
    "ring", [[*KITE, 18, 8], [3, 3, 4, 4, 5, 3, 3, 4], [1, 2, "x", 4, 5, 6, 1, 2], [1, 2, 10**400, 4, 5, 6, 1, 2]]
)
def test_a_line_that_does_not_is_none(ring, place, bring):
    small(place, region({**polygon(ring), "name": "polyline"}, kind="cat"), region(rect(1, 1, 3, 3), kind="dog"))
    told(bring("--dry-run").worked(), "left out of the regions: 1 lines")


def test_a_picture_within_the_file_hides_nothing(place, bring):
    small(place, region(polygon(KITE), kind="cat"))
    content = json.loads((place / "via_region_data.json").read_text())
    content = {key: {"fileref": "", "base64_img_data": "x" * 100_000, **each} for key, each in content.items()}
    write_json(place / "via_region_data.json", content)
    assert len(bring().worked().labels) == 2


# which attribute


def test_of_several_attributes_on_all_regions_a_person_chooses(place, bring):
    small(place, region(polygon(KITE), kind="cat", age="old"), region(rect(1, 1, 3, 3), kind="dog", age="new"))
    bring().failed(
        "each of some is on all 3 of them", "'kind' on 3 (cat, dog)", "'age' on 3 (old, new)", "--attribute NAME"
    )
    assert bring("--attribute", "kind", root="one").worked().classes == ["background", "cat", "dog"]
    assert bring("--attribute", "age", root="two").worked().classes == ["background", "new", "old"]
    bring("--attribute", "size", root="three").failed("--attribute size: no region has it; there are 'kind' on 3")


def test_where_no_attribute_is_on_all_regions_a_person_chooses(place, bring):
    small(place, region(polygon(KITE), kind="cat"), region(rect(1, 1, 3, 3), age="new"))
    bring().failed("none is on all 3 of them", "'kind' on 2 (cat)", "'age' on 1 (new)")
    done = bring("--attribute", "kind", root="one").worked()
    told(done, "1 regions have no kind: they are void")
    expected = box(filled(empty(), 1, coco_by_loops(KITE, HEIGHT, WIDTH)), 1, 1, 3, 3, 255)
    np.testing.assert_array_equal(done.labels["a"], expected)


def test_an_attribute_for_another_format_is_refused(place, bring):
    save(place / "images/a.png", photo())
    save(place / "masks/a.png", empty())
    bring("--attribute", "kind").failed("--attribute chooses between attributes of VIA's regions, and pairs has none")


@pytest.mark.parametrize("value", ["", "  ", None, {}, {"cat": False}, [], True])
def test_what_says_nothing_is_no_class(value, place, bring):
    small(place, region(polygon(KITE), kind="cat"), region(rect(1, 1, 3, 3), kind=value))
    told(bring("--dry-run").worked(), "1 regions have no kind: they are void")


def test_a_class_in_a_list(place, bring):
    small(place, region(polygon(KITE), kind=["cat"]), region(rect(1, 1, 3, 3), kind=["dog", "old"]))
    done = bring().worked()
    assert done.classes == ["background", "cat", "dog"]
    told(done, "1 regions have several values of kind: the first is taken")


def test_several_boxes_ticked_are_said(place, bring):
    small(place, region(polygon(KITE), kind={"cat": True}), region(rect(1, 1, 3, 3), kind={"dog": True, "old": True}))
    done = bring().worked()
    told(done, "1 regions have several values of kind: the first is taken")
    assert done.classes == ["background", "cat", "dog"]


def test_boxes_ticked_in_version_3(place, bring):
    VIA_SETS["via_3"](place)
    content = json.loads((place / "project.json").read_text())
    content["attribute"]["1"]["type"] = 2
    for each in content["metadata"].values():
        each["av"] = {"1": each["av"].get("1", "") + ",0"} if each["xy"] else {}
    write_json(place / "project.json", content)
    done = bring().worked()
    assert done.classes == ["background", "cat", "dog"]
    told(done, "regions have several values of kind")


def test_classes_called_background_and_void(place, bring):
    small(
        place,
        region(polygon(KITE), kind="cat"),
        region(rect(1, 1, 3, 3), kind="Background"),
        region(rect(9, 20, 3, 3), kind="void"),
    )
    done = bring().worked()
    assert done.classes == ["background", "cat"]
    expected = box(filled(empty(), 1, coco_by_loops(KITE, HEIGHT, WIDTH)), 9, 20, 3, 3, 255)
    np.testing.assert_array_equal(done.labels["a"], expected)


# files and pictures


def test_the_same_regions_in_two_files_are_one(place, bring):
    """A project and its export side by side: the project says what the choices are called."""
    expected = VIA_SETS["via"](place)
    content = json.loads(next(place.glob("*.json")).read_text())
    write_json(place / "a_via_region_data.json", content["_via_img_metadata"])
    done = bring().worked()
    same_labels(done.labels, expected)
    assert done.classes == ["background", "cat", "dog"]
    content["_via_img_metadata"]["a.jpg1234"]["regions"].pop()
    write_json(place / "a_via_region_data.json", content["_via_img_metadata"])
    bring(root="second").failed("a.jpg has other regions in", "a_via_region_data.json", "as SOURCE")


def test_pictures_elsewhere_and_pictures_that_are_not_there(place, bring, tmp_path):
    VIA_SETS["via"](place)
    (tmp_path / "elsewhere").mkdir()
    for name in "abcd":
        (place / f"{name}.jpg").rename(tmp_path / f"elsewhere/{name}.jpg")
    bring().failed("none of the 4 pictures with regions (a.jpg, …) is there", "--pictures FOLDER")
    (tmp_path / "elsewhere/c.jpg").unlink()
    done = bring("--pictures", tmp_path / "elsewhere", root="second").worked()
    assert sorted(done.labels) == ["a", "b", "d"]
    told(done, "left out, pictures with regions that are not there: 1 (c.jpg)")


def test_pictures_that_nobody_lists_are_said(place, bring):
    small(place, region(polygon(KITE), kind="cat"))
    save(place / "more/c.png", photo())
    told(bring("--dry-run").worked(), "left out, pictures that no file of VIA's lists: 1 (more/c.png)")


def test_pictures_named_by_addresses_and_paths(place, bring):
    small(place, region(polygon(KITE), kind="cat"))
    content = json.loads((place / "via_region_data.json").read_text())
    content["a.png1"]["filename"] = "https://example.org/pictures/a.png"
    content["b.png1"]["filename"] = r"C:\pictures\b.png"
    write_json(place / "via_region_data.json", content)
    assert len(bring().worked().labels) == 2


def test_one_picture_with_two_entries(place, bring):
    """Loaded twice, once by its name and once by its address."""
    path = small(place, region(polygon(KITE), kind="cat"))
    content = json.loads(path.read_text())
    content["a.png-1"] = entry("a.png")
    write_json(path, content)
    assert len(bring().worked().labels) == 2
    content["a.png-1"] = entry("https://example.org/a.png", region(rect(1, 1, 3, 3), kind="cat"))
    write_json(path, content)
    bring(root="second").failed(f"{path}: the picture", "a.png stands in it twice", "take out the entry")


def test_pictures_of_one_name_in_several_folders(place, bring):
    """Who labels folder by folder has a file of VIA's in each."""
    for folder in ("one", "two"):
        small(place / folder, region(polygon(KITE), kind="cat"))
    assert sorted(bring().worked().labels) == ["one__a", "one__b", "two__a", "two__b"]


@pytest.mark.parametrize("gone", ["train", "val"])
def test_a_picture_that_is_gone_is_not_that_of_another_file(gone, place, bring):
    """It was taken for the one of its name in the other folder, which has other regions."""
    for split, shape in (("train", polygon(KITE)), ("val", rect(1, 1, 3, 3))):
        small(place / split, region(shape, kind="cat"))
    (place / gone / "a.png").unlink()
    done = bring().worked()
    told(done, "left out, pictures with regions that are not there: 1 (a.png)")
    assert sorted(done.labels) == ["a", "train__b", "val__b"]
    assert done.labels["a"].sum() == (9 if gone == "train" else coco_by_loops(KITE, HEIGHT, WIDTH).sum())


def test_a_name_that_may_be_two_pictures_matters_where_it_has_regions(place, bring):
    path = small(place, region(polygon(KITE), kind="cat"))
    write_json(path, {**json.loads(path.read_text()), "c.png1": entry("c.png")})
    for folder in ("one", "two"):
        save(place / folder / "c.png", photo())
    assert len(bring().worked().labels) == 2
    write_json(path, {**json.loads(path.read_text()), "c.png1": entry("c.png", region(rect(1, 1, 3, 3), kind="cat"))})
    bring(root="second").failed("the picture c.png may be", "one/c.png")


@pytest.mark.parametrize(
    "shape, words",
    [
        ({**rect(1, 1, 3, 3), "x": 10**400}, ("region 1 of a.png", "'x' holds 1000000", "a number is expected")),
        ({**rect(1, 1, 3, 3), "theta": 0.5}, ("region 1 of a.png", "a rect that is turned (theta 0.5)", "make a polygon of it")),
        ({"name": "star"}, ("region 1 of a.png", "its shape is 'star'")),
        ({}, ("region 1 of a.png", "its shape is ''")),
        ({**polygon(KITE), "all_points_y": [1, 2]}, ("region 1 of a.png", "4 numbers in all_points_x and 2 in all_points_y")),
        ({**polygon(KITE), "all_points_x": [1, 2, "3", 4]}, ("region 1 of a.png", "'all_points_x' holds '3'")),
        ({**polygon(KITE), "all_points_x": None}, ("region 1 of a.png", "'all_points_x' is None")),
        ({**polygon(KITE), "all_points_x": [1, 2, 1e9, 4]}, ("region 1 of a.png", "far outside a picture of 35x49")),
        ({**circle(9, 9, 4), "r": None}, ("region 1 of a.png", "'r' holds None")),
        (circle(9, 1e9, 4), ("region 1 of a.png", "far outside a picture of 35x49")),
        ({**rect(1, 1, 3, 3), "width": "wide"}, ("region 1 of a.png", "'width' holds 'wide'")),
    ],
)  # fmt: skip
def test_a_bad_shape_is_named(shape, words, place, bring):
    small(place, region(polygon(KITE), kind="cat"), region(shape, kind="cat"))
    bring().failed(*words)


@pytest.mark.parametrize(
    "content, words",
    [
        ('{"_via_img_metadata": {"a.png1": {"filename": "a.png", "regions": [{"shape', ("cannot be read as JSON", "cut short perhaps")),
        ('{"_via_img_metadata": {"a.png1": {"filename": "", "regions": []}}}', ("the picture a.png1 has no 'filename'",)),
        ('{"_via_img_metadata": {"a.png1": {"filename": "a.png", "regions": [{}]}}}', ("region 0 of a.png", "has no 'shape_attributes'")),
        ('{"_via_img_metadata": {"a.png1": {"filename": "a.png", "regions": []}}}', ("lists 1 pictures, and no region of any",)),
        ('["_via_img_metadata"]', ("holds no object",)),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused(content, words, place, bring):
    save(place / "a.png", photo())
    (place / "project.json").write_text(content, encoding="utf-8")
    bring().failed("project.json", *words)


@pytest.mark.parametrize(
    "line, words",
    [
        ('a.png,1,"{}",1,0,"{""name"":""rect""","{}"', ("line 2", "cannot be read as JSON")),
        ('a,b.png,1,"{}",1,0,"{}","{}"', ("line 2", "8 cells, but the heading has 7", "a name with a comma")),
        ('a.png,1,"{}",1,0,"[1]","{}"', ("line 2", "a cell holds no object")),
        ('\n\na.png,1,"{}",1,0,"[1]","{}"', ("line 4", "a cell holds no object")),
        ('a.png,1,"{}",1,0,"' + "[" * 100_000 + '","{}"', ("line 2", "cannot be read as JSON (")),
        ("x" * 200_000, ("line 2", "cannot be read as CSV (field larger than field limit", "export it as JSON")),
    ],
)
def test_a_bad_line_of_a_csv_is_named(line, words, place, bring):
    save(place / "a.png", photo())
    heading = "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    (place / "regions.csv").write_text(f"{heading}\n{line}\n", encoding="utf-8")
    bring().failed("regions.csv", *words)


def test_no_areas_at_all(place, bring):
    small(place, region(POINT, kind="cat"), region(LINE, kind="cat"))
    content = json.loads((place / "via_region_data.json").read_text())
    content["b.png1"]["regions"] = [region({**polygon(KITE), "all_points_x": [1], "all_points_y": [1]}, kind="cat")]
    write_json(place / "via_region_data.json", content)
    bring().failed("none of the 3 regions is an area (1 points, 1 lines, 1 polygons of fewer than three corners)")


@pytest.mark.parametrize("numbers", [[77, 1, 2], [[7], 1, 2], ["7", 1, 2], "7"])
def test_a_bad_shape_of_version_3_is_named(numbers, place, bring):
    VIA_SETS["via_3"](place)
    content = json.loads((place / "project.json").read_text())
    content["metadata"]["1_x0"]["xy"] = numbers
    write_json(place / "project.json", content)
    bring().failed(
        "region 1_x0 of a.jpg", f"its shape is {numbers}" if isinstance(numbers, list) else "its shape is '7'"
    )


def test_outlines_of_larger_pictures_are_refused(place, bring):
    small(place, region(rect(100, 100, 9, 9), kind="cat"))
    content = json.loads((place / "via_region_data.json").read_text())
    content["b.png1"]["regions"] = [region(circle(200, 90, 20), kind="cat")]
    write_json(place / "via_region_data.json", content)
    bring().failed("all 2 outlines lie outside their pictures")
