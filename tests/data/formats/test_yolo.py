"""YOLO segmentation: whose labels are whose, what each line may be, each refusal, and the tools themselves as writers."""

import shutil

import numpy as np
import pytest
from PIL import Image

from minifcn.data.formats.registry import recognise
from minifcn.data.formats.yolo.drawing import Picture
from minifcn.data.formats.yolo.lines import Outline
from minifcn.data.formats.yolo.settings import read_settings

from .coco_sets import HEIGHT, WIDTH, empty, ring_of
from .drawing import becomes, blocks, photo, save, text
from .imported import same_labels, told
from .outlines import coco_by_loops, opencv_by_loops
from .real_tools import quietly, tool
from .yolo_sets import CONTOUR, HOLLOW, INNER, KITE, STAR, YOLO_SETS, box_line, filled, line


def small(place, *lines, names="names: [cat, dog]", more=()):
    """Two pictures; the first has these lines, the second an outline."""
    text(place / "data.yaml", "train: images", names, *more)
    for name, written in (("a", lines), ("b", [line(0, STAR)])):
        save(place / f"images/{name}.png", photo())
        text(place / f"labels/{name}.txt", *written)
    return place


@pytest.mark.parametrize("name", YOLO_SETS)
def test_what_it_is_taken_for(name, place):
    YOLO_SETS[name](place)
    assert [each.name for each, _ in recognise(place)[1]] == ["yolo-semantic" if name == "yolo_semantic" else "yolo"]


def test_classes_splits_and_what_is_said(place, bring):
    YOLO_SETS["yolo"](place)
    done = bring().worked()
    assert done.classes == ["background", "cat", "hot dog"]
    assert done.splits == {"train": ["a", "c", "night__b", "nobody"], "val": ["d", "e"]}
    told(done, "what no outline covers is called 2 here")
    told(done, "1 of 6 pictures have no label file: all background, as Ultralytics takes them")
    told(done, "1 label files hold no outline: all background")
    told(done, "2 of 6 outlines were traced along the pixels of masks: they are filled with their rims")
    told(done, "the smaller object, as Ultralytics has it, is on top")


def test_paths_that_lead_out_of_the_folder(place, bring):
    YOLO_SETS["roboflow_yolo"](place)
    done = bring().worked()
    assert {split: len(names) for split, names in done.splits.items()} == {"train": 3, "val": 2, "test": 1}
    assert done.classes == ["background", "leaf", "stem, old"]


@pytest.mark.parametrize("file", ["data.yaml", "dataset.yml"])
def test_the_yaml_itself_as_source(file, place, bring):
    expected = YOLO_SETS["yolo"](place)
    (place / "data.yaml").rename(place / file)
    done = bring(source=place / file).worked()
    same_labels(done.labels, expected)
    assert done.classes == ["background", "cat", "hot dog"]


def test_a_folder_above_the_set(place, bring):
    """As a repository holds it, in dataset/, with the data.yaml there."""
    expected = YOLO_SETS["roboflow_yolo"](place / "dataset")
    text(place / "README.md", "a repository")
    text(place / "docker-compose.yml", "services:", "  a: b")
    done = bring().worked()
    same_labels(done.labels, {f"dataset__{name}": labels for name, labels in expected.items()})
    assert {split: len(names) for split, names in done.splits.items()} == {"train": 3, "val": 2, "test": 1}
    assert done.classes == ["background", "leaf", "stem, old"]


@pytest.mark.parametrize(
    "lines",
    [
        ["path: ../set", "train: images"],
        ["path: {set}", "train: images"],
        ["train: {set}/images/train", "val: {set}/images/val"],
        ["train: ../set/images/train"],
    ],
    ids=["path", "absolute", "folders", "one-folder"],
)
def test_a_yaml_that_lies_apart_says_where_its_set_is(lines, place, bring):
    """Ultralytics' own lie in the program's folder, those of its users beside their scripts."""
    expected = YOLO_SETS["yolo"](place / "set")
    (place / "set/data.yaml").unlink()
    source = text(
        place / "scripts/data.yaml", *(each.format(set=place / "set") for each in lines), "names: [cat, hot dog]"
    )
    done = bring(source=source).worked()
    same_labels(done.labels, expected)
    assert done.classes == ["background", "cat", "hot dog"]


def test_a_yaml_whose_set_is_not_there(place, bring):
    source = text(place / "data.yaml", "path: ../datasets/mine", "train: images", "names: [cat]")
    bring(source=source).failed("no label files", "data.yaml says path: ../datasets/mine, which is not there")


def test_masks_of_a_yaml_that_lies_apart(place, bring):
    expected = YOLO_SETS["yolo_semantic"](place / "set")
    source = text(place / "scripts/data.yaml", "path: ../set", *(place / "set/data.yaml").read_text().splitlines()[1:])
    same_labels(bring(source=source).worked().labels, expected)


def test_texts_beside_their_pictures_in_a_folder_called_images(place, bring):
    """As LabelImg saves them; Ultralytics' labels/ count where there are both."""
    for name, ring in (("a", KITE), ("b", STAR)):
        save(place / f"images/{name}.png", photo())
        text(place / f"images/{name}.txt", line(0, ring))
    expected = {"a": filled(empty(), 1, KITE), "b": filled(empty(), 1, STAR)}
    same_labels(bring().worked().labels, expected)
    text(place / "labels/a.txt", line(0, INNER))
    same_labels(bring(root="second").worked().labels, {**expected, "a": filled(empty(), 1, INNER)})


def test_a_film_whose_first_hundreds_are_empty_is_recognised(place):
    for number in range(60):
        text(place / f"labels/{number:03}.txt", *([line(0, KITE)] if number == 57 else []))
    assert [each.name for each, _ in recognise(place)[1]] == ["yolo"]


LISTS = {
    "from the root": "images/all/{}.png",
    "as Darknet does": "./images/all/{}.png",
    "of another machine": "/content/set/images/all/{}.png",
    "of Windows": r"C:\sets\mine\images\all\{}.png",
}


@pytest.mark.parametrize("said", ["train: [lists/t.txt]", "train: lists/t.txt", "train:\n  - lists/t.txt"])
@pytest.mark.parametrize("written", LISTS.values(), ids=LISTS)
def test_splits_in_lists(said, written, place, bring):
    text(place / "data.yaml", said, "val: ./lists/v.txt", "names: [cat]")
    for seed, name in enumerate("abcd"):
        save(place / f"images/all/{name}.png", photo(seed))
        text(place / f"labels/all/{name}.txt", line(0, KITE))
    text(place / "lists/t.txt", written.format("b"), written.format("c"))
    text(place / "lists/v.txt", written.format("a"), written.format("c"), written.format("gone"))
    done = bring().worked()
    assert done.splits == {"train": ["all__b", "all__c", "all__d"], "val": ["all__a"]}
    told(done, "1 names are in the lists train and val (c.png): taken for train alone")
    told(done, "left out, lines of lists without a picture: 1", "gone")


def test_lists_without_a_yaml(place, bring):
    """CVAT's and Darknet's: train.txt and val.txt beside the folders, obj.names for the classes."""
    for name in "ab":
        save(place / f"obj_train_data/{name}.png", photo())
        text(place / f"obj_train_data/{name}.txt", line(1, KITE))
    text(place / "obj.names", "cat", "dog")
    text(place / "train.txt", "data/obj_train_data/b.png")
    text(place / "val.txt", "data/obj_train_data/a.png")
    done = bring().worked()
    assert done.splits == {"train": ["obj_train_data__b"], "val": ["obj_train_data__a"]}
    assert done.classes == ["background", "cat", "dog"]


def test_one_folder_for_train_and_val(place, bring):
    """As coco128-seg: what is trained on would be scored too."""
    small(place, line(1, INNER), more=["val: images"])
    done = bring().worked()
    assert len(done.splits["train"]) == len(done.splits["val"]) == 1
    told(done, "2 names are in the lists train and val")


def test_labels_alone_ask_for_the_pictures(place, bring, tmp_path):
    expected = YOLO_SETS["labelstudio_yolo"](place)
    shutil.move(place / "images", tmp_path / "elsewhere")
    bring().failed("4 label files", "no picture of theirs", "--pictures FOLDER")
    same_labels(bring("--pictures", tmp_path / "elsewhere", root="second").worked().labels, expected)
    next((tmp_path / "elsewhere").glob("*.2.jpg")).unlink()
    done = bring("--pictures", tmp_path / "elsewhere", root="third").worked()
    told(done, "left out, label files without a picture: 1", "my pic.2.txt")
    same_labels(bring("--pictures", tmp_path / "elsewhere", source=place / "labels", root="fourth").worked().labels,
                done.labels)  # fmt: skip


def test_pictures_that_are_not_of_the_set_are_not_background(place, bring):
    small(place, line(1, INNER))
    save(place / "labels.jpg", photo())
    save(place / "runs/train/results.png", photo())
    save(place / "test/images/c.png", photo())
    done = bring().worked()
    assert sorted(done.labels) == ["a", "b"]
    told(done, "left out, pictures outside of a folder images/: 2")
    told(done, "left out, pictures of a split without labels: 1 (test/images/c.png)")


def test_pictures_of_one_name_in_two_splits(place, bring):
    for split in ("train", "val"):
        save(place / f"images/{split}/a.png", photo())
        text(place / f"labels/{split}/a.txt", line(0, KITE if split == "train" else STAR))
    labels = bring().worked().labels
    same_labels(labels, {"train__a": filled(empty(), 1, KITE), "val__a": filled(empty(), 1, STAR)})


def test_a_text_whose_picture_is_gone_takes_no_other_s(place, bring):
    """One of the same name, of another split, with labels of its own: it came twice, with both."""
    for split in ("train", "val"):
        for name, ring in (("a", KITE), ("b", INNER)):
            save(place / f"images/{split}/{name}.png", photo())
            text(place / f"labels/{split}/{name}.txt", line(0, ring if split == "train" else STAR))
    (place / "images/train/a.png").unlink()
    done = bring().worked()
    told(done, "left out, label files without a picture: 1 (labels/train/a.txt)")
    star = filled(empty(), 1, STAR)
    same_labels(done.labels, {"a": star, "train__b": filled(empty(), 1, INNER), "val__b": star})


def test_the_last_folder_called_images_counts(place, bring):
    for name, ring in (("one", KITE), ("two", STAR)):
        save(place / f"images/{name}/images/a.png", photo())
        text(place / f"images/{name}/labels/a.txt", line(0, ring))
    labels = bring().worked().labels
    assert sorted(map(np.count_nonzero, labels.values())) == sorted(
        np.count_nonzero(coco_by_loops(ring, HEIGHT, WIDTH)) for ring in (KITE, STAR)
    )


def test_a_picture_that_is_shown_turned(place, bring):
    """Ultralytics turns it before it looks at the labels."""
    small(place, line(1, KITE))
    image = photo(0, WIDTH, HEIGHT)  # stored lying, shown as large as the others
    exif = Image.Exif()
    exif[0x0112] = 6
    (place / "images/a.png").unlink()
    image.save(place / "images/a.jpg", exif=exif)
    same_labels(bring().worked().labels, {"a": filled(empty(), 2, KITE), "b": filled(empty(), 1, STAR)})


# what a line may be


@pytest.mark.parametrize(
    "written, words",
    [
        ("0 0.1 0.1 0.2 0.2 0.3 x", ("a.txt, line 2", "'x' is no number")),
        ("0 0.1 0.1 0.2 0.2 0.3 nan", ("a.txt, line 2", "'nan' is no number")),
        ("cat 0.1 0.1 0.2 0.2 0.3 0.3", ("a.txt, line 2", "'cat' is no class")),
        ("-1 0.1 0.1 0.2 0.2 0.3 0.3", ("a.txt, line 2", "'-1' is no class")),
        ("0.5 0.1 0.1 0.2 0.2 0.3 0.3", ("a.txt, line 2", "'0.5' is no class")),
        ("2 0.1 0.1 0.2 0.2 0.3 0.3", ("a.txt, line 2", "class 2", "data.yaml names 2 classes, 0 to 1")),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.9", ("a.txt, line 2", "7 numbers behind the class", "confidence")),
        ("0 0.1 0.1 0.2", ("a.txt, line 2", "4 numbers", "three corners and more")),
        ("0", ("a.txt, line 2", "1 numbers")),
        ("0 10 10 40 10 40 30", ("a.txt, line 2", "reach from 10 to 40", "shares of the picture, from 0 to 1")),
    ],
)
def test_a_bad_line_is_named(written, words, place, bring):
    small(place, line(1, INNER), written)
    bring().failed(*words)


def test_lines_as_programs_write_them(place, bring):
    """A class as 0.0, tabs, a mark before the first, numbers with exponents, Windows' ends of lines."""
    small(place)
    shares = line(1, KITE, 9).split()[1:]
    written = "\ufeff1.0\t" + "  ".join(f"{float(share):.9e}" for share in shares) + " \r\n\r\n"
    (place / "labels/a.txt").write_bytes(written.encode())
    same_labels(bring().worked().labels, {"a": filled(empty(), 2, KITE), "b": filled(empty(), 1, STAR)})


def test_boxes_alone_are_refused(place, bring):
    for name in "ab":
        save(place / f"images/{name}.png", photo())
        text(place / f"labels/{name}.txt", box_line(0, 3, 4, 9, 9), box_line(1, 3, 4, 9, 9) + " 0.87")
    bring().failed("boxes alone", "4 lines of a class and four numbers", "for detection", "Export the segmentation")


def test_a_picture_with_a_box_is_left_out(place, bring):
    """Its object's pixels are nobody's: as background they would teach the wrong thing, as a filled box too."""
    small(place, line(1, INNER), box_line(0, 3, 4, 9, 9))
    done = bring("--dry-run").worked()
    told(
        done, "left out, pictures with boxes, within which nobody said which pixels are the object's: 1 (labels/a.txt)"
    )
    text(place / "labels/b.txt", box_line(0, 3, 4, 9, 9))
    bring().failed("2 label files hold boxes", "no other holds an outline")


def test_points_are_counted(place, bring):
    small(place, line(1, INNER), "0 0.5 0.5")
    told(bring("--dry-run").worked(), "1 lines are points, left out")


def test_empty_files_alone_are_refused(place, bring):
    small(place)
    text(place / "labels/b.txt")
    bring("--format", "yolo").failed("none of the 2 label files holds an outline")


@pytest.mark.parametrize("dimensions", [2, 3])
def test_poses_are_refused(dimensions, place, bring):
    points = " ".join(["0.5 0.5 2" if dimensions == 3 else "0.5 0.5"] * 4)
    small(place, f"{box_line(0, 3, 4, 9, 9)} {points}", more=[f"kpt_shape: [4, {dimensions}]"])
    text(place / "labels/b.txt", f"{box_line(0, 3, 4, 9, 9)} {points}")
    bring().failed("a set of poses (kpt_shape 4, ", "Export the segmentation")


@pytest.mark.parametrize("dimensions, lines, refused", [(3, 2, True), (2, 6, True), (2, 3, False)])
def test_poses_that_nobody_says_are_poses(dimensions, lines, refused, place, bring):
    """Drawn as outlines they would be nonsense, and their flags, 2 for seen, no shares of a picture."""
    rng = np.random.default_rng(0)

    def pose():
        points = rng.uniform(0, 1, (4, 2)) * (9 / WIDTH, 9 / HEIGHT) + (3 / WIDTH, 4 / HEIGHT)
        seen = [f" {rng.integers(1, 3)}" if dimensions == 3 else ""] * 4
        return f"{box_line(0, 3, 4, 9, 9)} " + " ".join(
            f"{x:.6f} {y:.6f}{flag}" for (x, y), flag in zip(points, seen, strict=True)
        )

    small(place, *(pose() for _ in range(lines - 1)))
    text(place / "labels/b.txt", pose())
    done = bring()
    if refused:
        done.failed("read as a box and points within it, as YOLO has poses", "Export the segmentation")
    else:
        done.worked()  # too few to tell


def test_small_outlines_below_and_to_the_right_are_no_poses(place, bring):
    """Licence plates: first corner and second read as middle and size of a large box, in which the others lie."""
    rng = np.random.default_rng(0)
    small(place)
    for name in "ab":
        lefts, tops = rng.uniform(0.4, 0.7, 6), rng.uniform(0.5, 0.8, 6)
        plates = ([x, y, x + 0.12, y + 0.01, x + 0.12, y + 0.08, x, y + 0.07] for x, y in zip(lefts, tops, strict=True))
        text(place / f"labels/{name}.txt", *(f"0 {' '.join(f'{each:.6f}' for each in plate)}" for plate in plates))
    bring("--dry-run").worked()


def test_outlines_of_as_many_corners_are_no_poses(place, bring):
    rng = np.random.default_rng(0)
    rings = rng.uniform(0, 1, (40, 6, 2)) * (WIDTH, HEIGHT)
    small(place, *(line(0, ring) for ring in rings))
    text(place / "labels/b.txt", line(1, rings[0]))
    bring("--dry-run").worked()


@pytest.mark.parametrize("number", [2**31 - 1, 2**52])
@pytest.mark.parametrize("names", ["", "names: {{0: cat, 1: dog, {}: bird}}"])
def test_a_class_of_a_number_that_is_too_large(number, names, place, bring):
    small(place, line(number, INNER), names=names.format(number))
    bring().failed("a class has the number", "2147483646 is the largest that is read")


def test_labels_in_utf_16(place, bring):
    """As PowerShell writes them."""
    small(place)
    (place / "labels/a.txt").write_bytes(line(1, INNER).encode("utf-16"))
    assert bring().worked().labels["a"].any()
    (place / "labels/a.txt").write_bytes(b"1 \xe9")
    bring(root="second").failed("a.txt: cannot be read (not UTF-8 text)", "take it out")


def test_two_pictures_with_one_label_file(place, bring):
    small(place, line(1, INNER))
    save(place / "images/a.jpg", photo())
    bring().failed("images/a.jpg", "images/a.png would have one label file")


def test_capital_letters(place, bring):
    """Folders Images and Labels, endings .PNG, beside each other too."""
    for name in "ab":
        save(place / f"flat/{name}.PNG", photo())
        text(place / f"flat/{name}.txt", line(0, KITE))
    assert len(bring().worked().labels) == 2
    for name in "ab":
        save(place / f"deep/Images/{name}.PNG", photo())
        text(place / f"deep/Labels/{name}.txt", line(0, KITE))
    assert len(bring(source=place / "deep", root="second").worked().labels) == 2


def test_a_number_behind_all_corners_is_left_out(place, bring):
    """A confidence, as `save_txt=True save_conf=True` writes it; of a track it may be any number."""
    small(place, line(1, INNER) + " 0.93")
    text(place / "labels/b.txt", line(0, STAR) + " 17")
    done = bring().worked()
    told(done, "each of the 2 outlines has a number behind its corners", "left out")
    same_labels(done.labels, {"a": filled(empty(), 2, INNER), "b": filled(empty(), 1, STAR)})


def test_oriented_boxes_are_said(place, bring):
    ring = [10, 3, 30, 13, 25, 23, 5, 13]
    small(place, line(1, ring))
    text(place / "labels/b.txt", line(0, ring_of(5, 5, 9, 9)))
    told(bring("--dry-run").worked(), "all 2 outlines are rectangles, of oriented boxes perhaps: they are filled whole")
    text(place / "labels/b.txt", line(0, STAR))
    assert "rectangles" not in bring("--dry-run").worked().out


def test_outlines_beyond_their_pictures_are_counted(place, bring):
    small(place, line(1, np.add(KITE, 20)), line(0, np.add(INNER, 30)))
    done = bring("--dry-run").worked()
    told(done, "1 outlines lie outside their pictures")
    told(done, "1 outlines reach beyond their pictures")


# which pixels, and which object is on top


def drawn(place, bring, *rings, decimals=6, root="root"):
    """The labels of a picture with these outlines, all of the first class."""
    small(place, *(line(0, ring, decimals) for ring in rings))
    return bring(root=root).worked().labels["a"]


@pytest.mark.parametrize("decimals", [5, 6, 16])
def test_traced_outlines_give_the_mask_back(decimals, place, bring):
    """Rounded to a few decimals, a corner may come back short of its pixel; cut to a whole number it would be the one before."""
    ring = HOLLOW
    for name in ("images/a.png", "labels/a.txt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
    mask = opencv_by_loops(CONTOUR, HEIGHT, WIDTH)
    mask[9:12, 10:14] = 0
    np.testing.assert_array_equal(drawn(place, bring, ring, decimals=decimals), mask)


def test_five_decimals_of_a_large_picture_are_whole_pixels():
    """A hundred-thousandth of 6001 pixels is more than the hundredths in which other corners come."""
    ring = np.array([[4999, 17], [5002, 20], [5002, 30], [4999, 30]])
    outline = Outline(0, np.round(ring / (6001, 4003), 5).ravel(), 1)
    assert (Picture(4003, 6001, [outline]).ring(outline) == ring).all()


def test_what_may_be_either_goes_with_the_others(place, bring):
    """A rectangle on whole pixels: traced, if most others were, else drawn from edge to edge."""
    ring = ring_of(20, 25, 9, 11)
    assert drawn(place, bring, ring)[15:, 20:].sum() == 9 * 11
    small(place, line(0, ring))
    text(place / "labels/b.txt", line(0, CONTOUR))
    labels = bring(root="second").worked().labels["a"]
    assert labels.sum() == 10 * 12 and labels[20:30, 25:37].all()


@pytest.mark.parametrize("seed", range(4))
def test_overlaps_by_loops(seed, place, bring):
    """The smaller object is on top; of two of one size the later."""
    rng = np.random.default_rng(seed)
    rings = [np.round(rng.uniform(-3, 45, (5, 2)), 2).ravel() for _ in range(6)]
    rings += [np.add(ring_of(3, 4, 8, 8), 0.3), np.add(ring_of(6, 8, 8, 8), 0.3)]
    numbers = [*rng.integers(0, 2, 6).tolist(), 0, 1]
    masks = [coco_by_loops(ring, HEIGHT, WIDTH) for ring in rings]
    expected = empty()
    for place_of in range(HEIGHT * WIDTH):
        row, column = divmod(place_of, WIDTH)
        covering = [(int(mask.sum()), -which) for which, mask in enumerate(masks) if mask[row, column]]
        if covering:
            expected[row, column] = 1 + numbers[-min(covering)[1]]
    small(place, *(line(number, ring, 9) for number, ring in zip(numbers, rings, strict=True)))
    np.testing.assert_array_equal(bring().worked().labels["a"], expected)


# names


@pytest.mark.parametrize(
    "written, classes",
    [
        ("names: [cat, 'hot dog, old']", ["cat", "hot dog, old"]),
        ("names:\n- cat\n- dog  # barks", ["cat", "dog"]),
        ("names:\n    1: dog\n    0: 'cat: a pet'", ["cat: a pet", "dog"]),
        ("names: {0: cat, 1: \"caf\\xe9\"}", ["cat", "café"]),
        ("names: ['cat',\n  'dog']\nnc: 2", ["cat", "dog"]),
        ("nc: 2\nnames:\n  '0': \"#1\"\n  '1': it's", ["#1", "it's"]),
        ("nc: 2", ["number 0", "number 1"]),
        ("names: &all [cat, dog]\nothers: *all", ["cat", "dog"]),
        ("names: !!seq\n- cat\n- dog", ["cat", "dog"]),
        ("names: &all\n  0: cat\n  1: dog", ["cat", "dog"]),
    ],
)  # fmt: skip
def test_names_however_they_are_written(written, classes, place, bring):
    small(place, line(1, INNER), names=written)
    assert bring().worked().classes == ["background", *classes]


@pytest.mark.parametrize(
    "file, content",
    [
        ("data.yaml", '{"train": "images", "names": ["cat", "dog"], "nc": 2}'),
        ("data.yaml", "  train: images\n\n  names: [cat, dog]\n"),
        ("DATA.YAML", "names: [cat, dog]\n"),
    ],
    ids=["JSON", "moved right", "capitals"],
)
def test_yaml_in_other_clothes(file, content, place, bring):
    small(place, line(1, INNER))
    (place / "data.yaml").unlink()
    (place / file).write_text(content)
    assert bring().worked().classes == ["background", "cat", "dog"]


def test_a_class_without_a_name(place, bring):
    """The first number is 0, which Python takes for nothing."""
    small(place, line(1, INNER), names="names: ['', dog]")
    bring().failed("the class of 0 has no name")


def test_names_that_nobody_gives_can_be_given(place, bring):
    small(place, line(1, INNER), names="")
    (place / "data.yaml").unlink()
    told(bring("--dry-run").worked(), "no data.yaml and no classes.txt names the classes", "2=background")
    assert bring("--values", "0=cat,1=dog,2=background").worked().classes == ["background", "cat", "dog"]


def test_a_class_called_background_and_one_called_void(place, bring):
    small(place, line(1, KITE), line(2, INNER), names="names: [road, Background, void]")
    done = bring().worked()
    assert done.classes == ["background", "road"]
    same_labels(done.labels, {"a": filled(empty(), 255, INNER), "b": filled(empty(), 1, STAR)})


def test_two_files_that_name_other_classes(place, bring):
    small(place, line(1, INNER))
    text(place / "other.yaml", "names: [dog, cat]", "train: images")
    bring().failed("data.yaml and other.yaml beside it name other classes", "as SOURCE")
    assert bring(source=place / "other.yaml").worked().classes == ["background", "dog", "cat"]
    text(place / "third.yaml", "names: none")
    bring(source=place / "third.yaml", root="third").failed("'names' is 'none'; a list of names")


def test_one_name_for_two_numbers_is_said(place, bring):
    small(place, line(1, INNER), names="names: [cat, cat]")
    told(bring("--dry-run").worked(), "gives the name 'cat' to several classes: they become one")


YAMLS = """
path: ../datasets/a b # root
train: ['x, y', "z"]
val:
  - images/val
  - "other # val"
names:
    0: cat
    1: "it's \\u00e9"
    "2": 'it''s'
    3: a#b
download: |
  # code
  names: nothing
  train: nothing
nc: 4
kpt_shape: [17, 3]
test: # none
flow: {0: 'a: b', "1": "c, d",
  2: e}
""".lstrip()


def test_settings_as_a_library_of_yaml_reads_them(tmp_path):
    yaml = tool("yaml", "PyYAML")
    path = tmp_path / "data.yaml"
    path.write_text(YAMLS, encoding="utf-8")

    def texts(value):
        if isinstance(value, dict):
            return {str(key): texts(each) for key, each in value.items()}
        return [texts(each) for each in value] if isinstance(value, list) else "" if value is None else str(value)

    expected = {key: texts(value) for key, value in yaml.safe_load(YAMLS).items() if key != "download"}
    found = {key: value or "" for key, value in read_settings(path).items()}
    assert found == expected


# masks


def test_masks_with_numbers_of_their_own(place, bring):
    YOLO_SETS["yolo_semantic"](place)
    save(place / "images/val/bare.jpg", photo())
    done = bring().worked()
    assert done.classes == ["road", "car", "sky"]
    assert {split: len(names) for split, names in done.splits.items()} == {"train": 3, "val": 1}
    told(done, "left out, pictures without a mask: 1 (images/val/bare.jpg)")


def test_masks_without_a_picture_and_capital_letters(place, bring):
    YOLO_SETS["yolo_semantic"](place)
    (place / "images/train/b.jpg").unlink()
    (place / "images").rename(place / "Images")
    done = bring().worked()
    assert len(done.labels) == 3
    told(done, "left out, masks without a picture: 1 (annotations/train/b.png)")


def masks_of(place, *lines, numbers=(0, 1)):
    for seed, name in enumerate("ab"):
        save(place / f"images/{name}.png", photo(seed))
        save(place / f"masks/{name}.png", blocks(numbers, seed))
    text(place / "data.yaml", "train: images", "masks_dir: masks", *lines)


def test_one_class_alone_is_1(place, bring):
    masks_of(place, "names: [crack]")
    done = bring(source=place / "data.yaml").worked()
    assert done.classes == ["background", "crack"]
    same_labels(done.labels, {name: blocks((0, 1), seed) for seed, name in enumerate("ab")})


def test_one_class_alone_under_another_number(place, bring):
    """Cracks in white: the mapping was passed over, and 255 is void without it."""
    masks_of(place, "names: [crack]", "label_mapping:", "  255: 1", "  7: ignore_label", numbers=(0, 255, 7))
    done = bring().worked()
    assert done.classes == ["background", "crack"]
    table = {0: 0, 255: 1, 7: 255}
    same_labels(done.labels, {name: becomes(blocks((0, 255, 7), seed), table) for seed, name in enumerate("ab")})


@pytest.mark.parametrize(
    "lines, numbers, words",
    [
        (["names: [a, b]"], (0, 1, 2), "1 numbers in"),
        (["nc: 2"], (0, 1), "names no classes"),
        (["names: [a, b]", "label_mapping: {0: road, 1: 1}"], (0, 1), "label_mapping says '0': 'road'"),
        (
            ["names: [a, b]", "label_mapping: {7: 2}"],
            (0, 1),
            "label_mapping says '7': '2'; a number, and that of a class (0 to 1), 255 or",
        ),
        (["names: [a, b]", "label_mapping: {car: 1}"], (0, 1), "label_mapping says 'car': '1'"),
    ],
)
def test_bad_sets_of_masks_are_refused(lines, numbers, words, place, bring):
    masks_of(place, *lines, numbers=numbers)
    bring().failed(words)


def test_no_masks_at_all(place, bring):
    small(place, line(1, INNER), more=["masks_dir: masks"])
    bring("--format", "yolo-semantic").failed("no picture in images/ has a mask in masks/, a PNG of its name")
    bring("--format", "yolo").worked()
    (place / "data.yaml").unlink()
    bring("--format", "yolo-semantic", root="second").failed("a data.yaml that says masks_dir is expected")


# the tools themselves


def masks(seed):
    """Two objects with holes that meet, bool (2, H, W)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    first = (x - 16 - seed) ** 2 / 90 + (y - 15) ** 2 / 60 < 1
    first[13:17, 13:18] = False
    second = ((x - 34) ** 2 / 60 + (y - 20) ** 2 / 100 < 1) & ~first
    second[19:22, 32:36] = False
    return np.stack([first, second])


def test_masks_as_supervision_writes_them(place, bring):
    sv, expected = tool("supervision"), {}
    found = {}
    for seed in range(3):
        path = save(place / f"in/{seed}.png", photo(seed))
        each = masks(seed)
        found[str(path)] = sv.Detections(
            xyxy=np.array([[0, 0, 9, 9]] * 2, np.float32), mask=each, class_id=np.array([0, 1])
        )
        expected[str(seed)] = np.where(each[1], 2, each[0]).astype(np.uint8)
    data = quietly(sv.DetectionDataset, classes=["cat", "hot dog"], images=list(found), annotations=found)
    quietly(data.as_yolo, str(place / "set/images"), str(place / "set/labels"), str(place / "set/data.yaml"))
    done = bring(source=place / "set").worked()
    same_labels(done.labels, expected)
    assert done.classes == ["background", "cat", "hot dog"]


def test_masks_as_ultralytics_writes_them_and_draws_them(place, bring):
    """An object within another of a higher number stands first, and is on top by its size."""
    converter, utils = tool("ultralytics.data.converter", "Ultralytics"), tool("ultralytics.data.utils", "Ultralytics")
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    expected = {}
    for seed in range(3):
        labels = empty()
        labels[(x - 18 - seed) ** 2 / 90 + (y - 15) ** 2 / 60 < 1] = 2
        labels[(x - 18 - seed) ** 2 / 20 + (y - 15) ** 2 / 10 < 1] = 1
        labels[20:24, 38:42] = 2
        save(place / f"masks/{seed}.png", labels)
        save(place / f"set/images/train/{seed}.png", photo(seed))
        expected[str(seed)] = labels
    quietly(
        converter.convert_segment_masks_to_yolo_seg, str(place / "masks"), str(place / "set/labels/train"), classes=2
    )
    text(place / "set/data.yaml", "names: [one, two]", "train: images/train")
    same_labels(bring(source=place / "set").worked().labels, expected)
    # its own drawing, of corners that are cut to whole numbers: give it whole ones
    rings, numbers = [], []
    for written in (place / "set/labels/train/0.txt").read_text().splitlines():
        number, *shares = written.split()
        numbers.append(int(number))
        rings.append(np.rint(np.array(shares, float).reshape(-1, 2) * (WIDTH, HEIGHT)))
    which, order = utils.polygons2masks_overlap((HEIGHT, WIDTH), rings)
    theirs = np.r_[0, np.array(numbers)[order] + 1][which]
    np.testing.assert_array_equal(theirs, expected["0"])


def test_parts_as_ultralytics_joins_them(place, bring):
    converter = tool("ultralytics.data.converter", "Ultralytics")
    rng = np.random.default_rng(0)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (3, 7)), 1)
    parts = [
        np.stack([cx + 7 * np.cos(a), cy + 7 * np.sin(a)], 1).round(2)
        for a, cx, cy in zip(angles, (10, 38, 26), (9, 11, 26), strict=True)
    ]
    joined = np.concatenate(converter.merge_multi_segment([part.ravel().tolist() for part in parts]))
    expected = empty()
    for part in parts:
        filled(expected, 1, part.ravel())
    np.testing.assert_array_equal(drawn(place, bring, joined.ravel(), decimals=16), expected)


def test_as_label_studio_writes_it(place, bring):
    converter = tool("label_studio_sdk.converter", "label-studio-sdk")
    (place / "up").mkdir()
    tasks = []
    for seed in range(2):
        name = f"0a1b2c{seed}d-my pic.{seed}.jpg"
        save(place / f"up/{name}", photo(seed))
        points = (np.reshape(KITE, (-1, 2)) / (WIDTH, HEIGHT) * 100).tolist()
        result = {"id": "r", "type": "polygonlabels", "from_name": "label", "to_name": "image", "original_width": WIDTH,
                  "original_height": HEIGHT, "image_rotation": 0, "value": {"points": points, "polygonlabels": ["zebra"]}}  # fmt: skip
        tasks.append({"id": seed, "data": {"image": f"/data/upload/1/{name}"}, "annotations": [{"id": seed, "result": [result], "completed_by": 1}]})  # fmt: skip
    import json

    text(place / "in/tasks.json", json.dumps(tasks))
    config = '<View><Image name="image" value="$image"/><PolygonLabels name="label" toName="image"><Label value="cat"/><Label value="zebra"/></PolygonLabels></View>'
    writer = quietly(converter.Converter, config=config, project_dir=str(place))
    quietly(writer.convert_to_yolo, str(place / "in/tasks.json"), str(place / "out"), is_dir=False)
    done = bring("--pictures", place / "up", source=place / "out").worked()
    assert done.classes == ["background", "cat", "zebra"]
    same_labels(done.labels, {f"0a1b2c{seed}d-my pic.{seed}": filled(empty(), 2, KITE) for seed in range(2)})
