"""labelme's JSON files, and the folder that labelme2voc.py makes of them."""

import json

import needs
import numpy as np
import pytest
from PIL import Image

from minifcn.data.formats.pixels import renumber
from minifcn.data.formats.source import Options
from minifcn.data.formats.tools import labelme
from minifcn.data.formats.tools import labelme_shapes as drawing

from .builders import (
    STEMS,
    H,
    W,
    build_labelme,
    build_labelme2voc,
    drawn_polygon,
    in_base64,
    labelme_json,
    labelme_shapes,
    palette_image,
    photo,
    png_bytes,
    save,
    shape,
    text,
)
from .helpers import pixels, same


def write(root, shapes, /, name="a", picture=True, **fields):
    """One file of labelme's and its picture."""
    root.mkdir(parents=True, exist_ok=True)
    if picture:
        save(photo(), root / f"{name}.jpg")
    (root / f"{name}.json").write_text(json.dumps(labelme_json(shapes, f"{name}.jpg") | fields), encoding="utf-8")
    return root


BOX = shape("cat", "rectangle", [[3.0, 2.0], [14.0, 12.0]])
BOXED = np.zeros((H, W), np.uint8)
BOXED[2:13, 3:15] = 1


def test_what_it_says(tmp_path, imported):
    build_labelme(tmp_path / "source")
    save(photo(), tmp_path / "source/later.png")
    text(tmp_path / "source/via.json", '{"other": 1}')
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["background", "cat", "dog"]
    assert answer.row("-1")[:2] == ["-1", "void"]
    answer.says("no labels.txt is there", "pictures without labels: 1 (later.png)", "not labelme's: 1 (via.json)")


def test_one_file_alone(tmp_path, imported):
    shapes, labels = labelme_shapes()
    answer = imported(write(tmp_path / "source", shapes) / "a.json").worked()
    same(answer.labels, {"a": labels})
    answer.says("one picture alone is no train and val")


def test_the_picture_within_is_written_as_it_is(tmp_path, imported):
    shapes, labels = labelme_shapes()
    content = png_bytes(photo(3))
    root = write(
        tmp_path / "source", shapes, picture=False, imageData=in_base64(content), imagePath="..\\elsewhere\\a.jpg"
    )
    save(photo(7), root / "a.bmp")  # of the JSON's name, but not what it says
    answer = imported(root).worked()
    assert answer.pictures["a"].name == "a.png" and answer.pictures["a"].read_bytes() == content
    same(answer.labels, {"a": labels})


def test_the_picture_beside_comes_before_the_one_within(tmp_path, imported):
    root = write(tmp_path / "source", [BOX], imageData=in_base64(png_bytes(photo(3))))
    assert imported(root).worked().pictures["a"].resolve() == root / "a.jpg"


def test_image_path_of_another_system_and_folder(tmp_path, imported):
    root = write(tmp_path / "source/json", [BOX], picture=False, imagePath="..\\pictures\\A 1.jpg")
    save(photo(), tmp_path / "source/pictures/A 1.jpg")
    answer = imported(root.parent).worked()
    assert answer.pictures["json__a"].resolve() == root.parent / "pictures/A 1.jpg"


def test_no_picture_anywhere(tmp_path, imported):
    root = write(tmp_path / "source", [BOX], picture=False)
    imported(root).failed("1 label files (a)", "--pictures FOLDER")
    save(photo(), tmp_path / "pictures/a.webp")
    same(imported(root, f"--pictures {tmp_path / 'pictures'}").worked().labels, {"a": BOXED})


LISTS = {
    "labelme's own": ["__ignore__", "_background_", "dog", "cat"],
    "names alone": ["dog", "cat"],
    "without __ignore__": ["_background_", "dog", "cat"],
}


@pytest.mark.parametrize("lines", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("place", [".", ".."], ids=["in it", "above it"])
def test_labels_txt_gives_the_order(lines, place, tmp_path, imported):
    root = write(tmp_path / "all/source", [BOX])
    text(root / place / "labels.txt", *lines)
    answer = imported(root).worked().says("the classes are those of", "labels.txt")
    assert answer.classes == ["background", "dog", "cat"]
    same(answer.labels, {"a": 2 * BOXED})


def test_a_label_that_is_not_in_the_list(tmp_path, imported):
    root = write(tmp_path / "all/source", [BOX])
    text(root.parent / "labels.txt", "__ignore__", "_background_", "dog")  # of another folder, it seems
    assert imported(root).worked().classes == ["background", "cat"]
    text(root / "labels.txt", "__ignore__", "_background_", "dog")
    imported(root, out="o2").failed("a.json", "the label 'cat' is not in", "labels.txt")


def test_labels_that_differ_in_case_are_said(tmp_path, imported):
    root = write(tmp_path / "source", [BOX, BOX | {"label": "Cat "}])
    imported(root).worked().says("'Cat', 'cat' differ in case alone")


def test_no_shape_is_background_and_is_said(tmp_path, imported):
    root = write(tmp_path / "source", [])
    write(root, [BOX], "b")
    answer = imported(root).worked().says("1 files have no shape and become background alone: a")
    same(answer.labels, {"a": 0 * BOXED, "b": BOXED})


def test_shapes_of_before_there_were_kinds(tmp_path, imported):
    """labelme 3 and older write no shape_type: a polygon."""
    points = [[3, 2], [14, 2], [14, 12], [3, 12]]
    root = write(
        tmp_path / "source",
        [{"label": "cat", "points": points, "line_color": None, "fill_color": None}],
        version="3.5.0",
    )
    answer = imported(root).worked()
    same(answer.labels, {"a": BOXED})


def test_without_a_size_that_of_the_picture_as_it_is_shown(tmp_path, imported):
    root = write(tmp_path / "source", [BOX], imageHeight=None, imageWidth=None)
    exif = Image.Exif()
    exif[0x0112] = 6
    save(photo(0, W, H), root / "a.jpg", exif=exif)  # stored 32 high and 24 wide
    same(imported(root).worked().labels, {"a": BOXED})


def test_labels_lie_on_the_picture_as_it_is_shown(tmp_path, imported):
    """labelme turns the picture before anybody draws."""
    root = write(tmp_path / "source", [BOX])
    exif = Image.Exif()
    exif[0x0112] = 6
    save(photo(0, W, H), root / "a.jpg", exif=exif)
    same(imported(root).worked().labels, {"a": BOXED})


def bad(**fields):
    return BOX | fields


@pytest.mark.parametrize(
    "wrong, words",
    [
        (bad(shape_type="star"), ["a.json, shape 1 (star, 'cat')", "known are polygon"]),
        (bad(points=[[1, 2]]), ["rectangle", "1 points, 2 are expected"]),
        (bad(points=[[1, 2], [3, "x"]]), ["no list of [x, y]"]),
        (bad(points=[[1, 2], [3, float("nan")]]), ["no list of [x, y]"]),
        (bad(points=None), ["no list of [x, y]"]),
        (bad(label=None), ["shape 1: it has no label"]),
        (bad(shape_type="mask"), ["it has no mask"]),
        (bad(shape_type="mask", mask="!!"), ["its mask is no PNG in base64"]),
        (7, ["shape 1: it has no label"]),
    ],
)
def test_a_shape_that_cannot_be_drawn(wrong, words, tmp_path, imported):
    imported(write(tmp_path / "source", [wrong])).failed(*words)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"imageHeight": "24"}, ["imageHeight '24'"]),
        ({"imageHeight": 12}, ["12x32", "24x32", "same size"]),
        ({"shapes": {}}, ["no file of labelme's"]),
    ],
)
def test_a_file_that_cannot_be(fields, words, tmp_path, imported):
    imported(write(tmp_path / "source", [BOX], **fields) / "a.json", "--format labelme").failed(*words)


def test_outlines_beyond_their_pictures_are_counted(tmp_path, imported):
    beyond, outside = bad(points=[[3, 2], [90, 12]]), bad(points=[[60, 2], [70, 12]])
    root = write(tmp_path / "source", [BOX, beyond, outside])
    answer = imported(root).worked()
    answer.says("1 outlines reach beyond their pictures", "1 outlines lie outside their pictures and cover nothing")
    write(root, [outside])
    imported(root, out="o2").failed("all 1 outlines lie outside their pictures: were they drawn on larger copies?")


def test_renamed_files_of_one_picture_are_refused(tmp_path, imported):
    """Pictures and JSON files were copied or renamed by hand, and imagePath was not: b's labels would be learned on a."""
    root = write(tmp_path / "source", [BOX])
    write(root, [BOX], "b", imagePath="a.jpg")
    imported(root).failed(
        f"{root}/b.json: its imagePath says a.jpg, as {root}/a.json does, and b.jpg lies beside it: "
        "were the files renamed or copied? Correct imagePath, or take one of them out"
    )


def test_a_damaged_file_is_not_left_out_in_silence(tmp_path, imported):
    root = write(tmp_path / "source", [BOX])
    write(root, [BOX], "b")
    (root / "b.json").write_text((root / "b.json").read_text()[:-40])
    imported(root).failed("b.json", "cannot be read as JSON")


def test_the_size_of_the_picture_within(tmp_path, imported):
    content = in_base64(png_bytes(photo()))
    root = write(tmp_path / "source", [BOX], picture=False, imageData=content, imageHeight=None, imageWidth=None)
    same(imported(root).worked().labels, {"a": BOXED})
    write(root, [BOX], picture=False, imageHeight=None, imageWidth=None)
    save(photo(), tmp_path / "pictures/a.jpg")
    imported(root, f"--pictures {tmp_path / 'pictures'}", out="o2").failed("neither imageHeight", "a.json")


def test_a_picture_within_that_is_none(tmp_path, imported):
    imported(write(tmp_path / "source", [BOX], picture=False, imageData="AAAA")).failed("within the labels of a")


def test_a_polygon_of_two_points_covers_nothing(tmp_path, imported):
    """labelme 7 saves such; it does not draw them."""
    thin = shape("cat", "polygon", [[1.0, 1.0], [9.0, 9.0]])
    root = write(tmp_path / "source", [BOX, thin])
    same(imported(root).worked().says("1 polygons of fewer than three points").labels, {"a": BOXED})


def masks_at(left, top, right, bottom, seen):
    labels = np.zeros((H, W), np.int32)
    drawing.fill(labels, {"kind": "mask", "points": [[left, top], [right, bottom]], "where": "", "mask": in_base64(png_bytes(Image.fromarray(seen.astype(np.uint8))))}, 1, False)  # fmt: skip
    return labels


@pytest.mark.parametrize("left, top", [(0, 0), (-2, -3), (30, 22), (-9, 3), (40, 3), (5, 50)])
def test_a_mask_beyond_the_rim_is_cut(left, top):
    seen = np.arange(20).reshape(5, 4) % 3 > 0
    expected = np.zeros((H, W), np.int32)
    for y in range(5):
        for x in range(4):
            if seen[y, x] and 0 <= top + y < H and 0 <= left + x < W:
                expected[top + y, left + x] = 1
    np.testing.assert_array_equal(masks_at(left, top, left + 3, top + 4, seen), expected)


def test_corners_of_a_mask():
    """Whole ones cut it; with others it has the size that is stored, its first pixel on the rounded corner (labelme 7)."""
    seen = np.ones((5, 4), bool)
    assert masks_at(2.0, 3.0, 4.0, 6.0, seen).sum() == 12
    assert masks_at(2.0, 3.0, 9.0, 9.0, seen).sum() == 20
    assert masks_at(2.0, 3.0, 3.6, 4.0, seen).sum() == 20
    moved = masks_at(2.6, 3.4, 5.6, 7.4, seen)
    assert moved.sum() == 20 and moved[3:8, 3:7].all()


def random_shapes(rng, count=5):
    """Shapes of all kinds with corners anywhere, beyond the rim too."""
    kinds = ("polygon", "rectangle", "circle", "line", "point", "linestrip", "oriented_rectangle", "mask")
    points = {"rectangle": 2, "circle": 2, "line": 2, "point": 1, "oriented_rectangle": 4}
    made = []
    for _ in range(count):
        kind = str(rng.choice(kinds))
        label = str(rng.choice(["cat", "dog", "_background_", "__ignore__"]))
        if kind == "mask":
            height, width = rng.integers(1, 7, 2)
            top, left = int(rng.integers(0, H - height)), int(rng.integers(0, W - width))
            corners = [[float(left), float(top)], [float(left + width - 1), float(top + height - 1)]]
            made.append(shape(label, kind, corners, rng.random((height, width)) > 0.4))
        else:
            many = points.get(kind, int(rng.integers(3, 7)))
            made.append(shape(label, kind, np.round(rng.uniform(-6, 38, (many, 2)), int(rng.integers(0, 4))).tolist()))
    return made


def labelme_draws(shapes):
    """labelme's own labels: of version 6 or 7, which is installed."""
    import labelme as tool

    numbers = {"__ignore__": -1, "_background_": 0, "cat": 1, "dog": 2}
    if int(tool.__version__.partition(".")[0]) >= 7:
        from labelme import _label_file, _utils

        loaded = [_label_file._load_shape_json_obj(shape_json_obj=each) for each in shapes]
        return _utils.shapes_to_label(img_shape=(H, W), shapes=loaded, label_name_to_value=numbers)[0], tool.__version__
    from labelme import _label_file, utils

    loaded = [_label_file._load_shape_json_obj(each) for each in shapes]
    return utils.shapes_to_label((H, W), loaded, numbers)[0], tool.__version__


@pytest.mark.filterwarnings("ignore")
def test_pixels_are_those_of_labelme_itself(tmp_path):
    pytest.importorskip("labelme", reason=needs.LABELME)
    rng = np.random.default_rng(0)
    for _ in range(150):
        shapes = random_shapes(rng)
        expected, version = labelme_draws(shapes)
        root = write(tmp_path, shapes, version=version)
        source = labelme.read(root / "a.json", Options())
        theirs = {"cat": 1, "dog": 2, "background": 0, None: -1}
        got = renumber(
            source.items[0].labels(), {number: theirs[name] for number, name in source.meaning.items()}, np.int32
        )
        np.testing.assert_array_equal(got, expected, err_msg=json.dumps(shapes))


@pytest.mark.filterwarnings("ignore")
def test_a_file_that_labelme_itself_saved(tmp_path, imported):
    tool = pytest.importorskip("labelme", reason=needs.LABELME)
    from labelme import _label_file

    shapes, labels = labelme_shapes()
    root = tmp_path / "source"
    save(photo(), root / "a.jpg")
    file, content, size = str(root / "a.json"), (root / "a.jpg").read_bytes(), {"image_height": H, "image_width": W}
    if int(tool.__version__.partition(".")[0]) >= 7:
        shapes = [_label_file._load_shape_json_obj(shape_json_obj=each) for each in shapes]
        saved = _label_file.Annotation("a.jpg", content, shapes, {}, {})
        _label_file.write_label_file(filename=file, annotation=saved, save_image_data=True, **size)
    else:
        _label_file.write_label_file(filename=file, shapes=shapes, image_path="a.jpg", image_data=content, **size)
    same(imported(root).worked().labels, {"a": labels})


@pytest.mark.parametrize("old", [False, True])
def test_the_folder_of_labelme2voc(old, tmp_path, imported):
    expected = build_labelme2voc(tmp_path / "source", old)
    answer = imported(tmp_path / "source").worked().says("taken for labelme2voc")
    assert answer.classes == ["background", "cat", "dog"]
    same(answer.labels, expected)


def test_the_folder_of_labelme2voc_with_arrays_alone(tmp_path, imported):
    """Between June and July 2018 it wrote no PNG."""
    expected = build_labelme2voc(tmp_path / "source", old=True)
    for path in (tmp_path / "source/SegmentationClassPNG").iterdir():
        path.unlink()
    answer = imported(tmp_path / "source").worked()
    same(answer.labels, expected)
    assert answer.row("-1")[:2] == ["-1", "void"]


def test_the_folder_of_labelme2voc_without_what_is_for_the_eye(tmp_path, imported):
    root = tmp_path / "source"
    text(root / "class_names.txt", "_background_", "cat")
    for stem in STEMS:
        save(photo(), root / f"JPEGImages/{stem}.jpg")
        save(palette_image(BOXED), root / f"SegmentationClass/{stem}.png")
    save(photo(), root / "JPEGImages/unlabelled.jpg")
    answer = imported(root).worked().says("taken for labelme2voc", "pictures without labels: 1 (unlabelled)")
    same(answer.labels, dict.fromkeys(STEMS, BOXED))


@pytest.mark.filterwarnings("ignore")
def test_the_builder_of_labelme2voc_writes_as_imgviz_does(tmp_path):
    """labelme2voc.py saves by imgviz: a palette PNG of all 256 colours."""
    pytest.importorskip("labelme", reason=needs.LABELME)
    import imgviz

    labels = BOXED.copy()
    labels[0] = 255
    imgviz.io.lblsave(str(tmp_path / "real.png"), labels)
    palette_image(labels).save(tmp_path / "own.png")
    assert (pixels(tmp_path / "real.png") == pixels(tmp_path / "own.png")).all()
    with Image.open(tmp_path / "real.png") as real, Image.open(tmp_path / "own.png") as own:
        assert real.mode == own.mode == "P" and len(real.getpalette()) == len(own.getpalette()) == 768


def test_polygons_fill_their_rim():
    """The square from 5 to 10 is 36 pixels: corners are pixels' centres."""
    labels = np.zeros((H, W), np.int32)
    points = [[5, 5], [10, 5], [10, 10], [5, 10]]
    drawing.fill(labels, {"kind": "polygon", "points": points}, 1, False)
    assert labels.sum() == 36 and (labels > 0).tolist() == drawn_polygon([tuple(point) for point in points]).tolist()


def test_shapes_as_x_anylabeling_writes_them(tmp_path, imported):
    """It gives a rectangle all four corners, and has two kinds of four corners of its own."""
    more = {"score": None, "difficult": False, "attributes": {}, "kie_linking": []}
    turned = [[20.0, 8.0], [24.0, 12.0], [20.0, 16.0], [16.0, 12.0]]
    shapes = [
        shape("cat", "rectangle", [[3.0, 2.0], [14.0, 2.0], [14.0, 12.0], [3.0, 12.0]]) | more,
        shape("dog", "rotation", turned) | more | {"direction": 0.785},
        shape("dog", "quadrilateral", [[1.0, 18.0], [9.0, 18.0], [9.0, 22.0], [1.0, 22.0]]) | more,
    ]
    labels = BOXED.copy()
    labels[drawn_polygon([tuple(point) for point in turned])] = 2
    labels[18:23, 1:10] = 2
    answer = imported(write(tmp_path / "source", shapes, version="4.2.1", checked=True)).worked()
    same(answer.labels, {"a": labels})


def test_x_anylabelings_cuboid_is_no_area(tmp_path, imported):
    root = write(tmp_path / "source", [shape("cat", "cuboid", [[1.0, 2.0]] * 8)])
    imported(root).failed("shape 1 (cuboid, 'cat')", "of a kind that is unknown here", "rotation, quadrilateral")


def test_a_picture_that_imagepath_does_not_name_is_said(tmp_path, imported):
    """The picture was renamed with its JSON, perhaps; that it is the one that was drawn on nobody has checked."""
    write(tmp_path / "source", [BOX], "a", imagePath="IMG_1.jpg")
    write(tmp_path / "source", [BOX], "b")
    answer = imported(tmp_path / "source").worked()
    answer.says(
        "1 files name a picture that is not there; that of their own name is taken: a.json names IMG_1.jpg, a.jpg is taken"
    )
    write(tmp_path / "other", [BOX], "b", imagePath="..\\\\else\\\\b.jpg")
    write(tmp_path / "other", [BOX], "a")
    assert "is taken" not in imported(tmp_path / "other", out="o2").worked().out
