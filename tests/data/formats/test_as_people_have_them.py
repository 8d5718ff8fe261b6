"""Sources as people really have them: odd names, JPEG masks, links, lists that overlap. Nothing wrong may pass in silence."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from minifcn.cli.main import main
from minifcn.data import read_class_names

from .annotated_sets import ANNOTATED_SETS
from .builders import STEMS, build_cvat, labelme_json, photo, regions, save, shape, text
from .coco_sets import HEIGHT, WIDTH, annotation, picture, write_json
from .helpers import same
from .supervisely_sets import annotation as drawn
from .supervisely_sets import meta, polygon

SIZE = (24, 32)


def pairs(root, make, stems=STEMS[:4], mask="masks/{}.png", **options):
    """Pictures and masks: make(seed) is the mask's array."""
    for seed, stem in enumerate(stems):
        save(photo(seed), root / f"images/{stem}.jpg")
        path = root / mask.format(stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make(seed)).save(path, **options)
    return root


def greys(*values):
    return lambda seed: np.array(values, np.uint8)[regions(seed)]


def labelme(root, *labels, stems=("a", "b")):
    for seed, stem in enumerate(stems):
        boxes = [shape(label, "rectangle", [[2.0, 6.0 * n], [9.0, 6.0 * n + 4]]) for n, label in enumerate(labels)]
        save(photo(seed), root / f"{stem}.jpg")
        text(root / f"{stem}.json", json.dumps(labelme_json(boxes, f"{stem}.jpg")))
    return root


def coco(root, *names):
    """Two pictures, each with one box of each category, ids from 1."""
    for number in (1, 2):
        save(photo(number, HEIGHT, WIDTH), root / f"{number}.jpg")
    ring = [2, 2, 9, 2, 9, 9, 2, 9]
    write_json(
        root / "all.json",
        {
            "images": [picture(number, f"{number}.jpg") for number in (1, 2)],
            "annotations": [
                annotation(10 * image + place, image, place, [[x + 10 * place - 10 if n % 2 == 0 else x for n, x in enumerate(ring)]])
                for image in (1, 2) for place in range(1, len(names) + 1)
            ],
            "categories": [{"id": place, "name": name} for place, name in enumerate(names, 1)],
        },
    )  # fmt: skip
    return root


@pytest.mark.parametrize("make", [labelme, coco])
@pytest.mark.parametrize(
    "given, kept", [("road,\nwet", "road, wet"), (" wet  road ", "wet road"), ("a\u2028b", "a b"), ("a\tb", "a b")]
)
def test_a_name_is_one_line_whatever_it_holds(make, given, kept, tmp_path, imported):
    """A name of two lines would shift every class below it, a blank line too."""
    answer = imported(make(tmp_path / "source", given, "zebra")).worked()
    assert sorted(answer.classes) == sorted(["background", kept, "zebra"])
    assert read_class_names(answer.root / "class_names.txt") == answer.classes


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_a_class_without_a_name_is_refused(name, tmp_path, imported):
    imported(coco(tmp_path / "coco", "cat", name)).failed("the class of 2 has no name")
    imported(labelme(tmp_path / "labelme", "cat", name)).failed("a.json, shape 2: it has no label")


def test_labels_that_differ_in_blanks_are_one_class(tmp_path, imported):
    answer = imported(labelme(tmp_path / "source", "cat", "cat ", "Cat")).worked()
    assert sorted(answer.classes) == ["Cat", "background", "cat"]
    answer.says("the labels 'Cat', 'cat' differ in case alone")


@pytest.mark.parametrize("ending, options", [("jpg", {"quality": 60}), ("webp", {"quality": 60})])
@pytest.mark.parametrize("values", [(0, 100, 200), (0, 1, 2)])
def test_blurred_masks_do_not_make_classes(values, ending, options, tmp_path, imported):
    root = pairs(tmp_path / "source", greys(*values), mask=f"masks/{{}}.{ending}", **options)
    imported(root).failed("4 masks are of a kind that keeps no exact numbers", "as PNG", "--values")


def test_blurred_masks_with_a_list_are_said(tmp_path, imported):
    root = pairs(tmp_path / "source", lambda seed: np.full(SIZE, seed % 2, np.uint8), mask="masks/{}.jpg", quality=95)
    answer = imported(root, "--values 0=background,1=leaf").worked().says("4 masks are JPEG or lossy WebP")
    assert answer.classes == ["background", "leaf"]
    lossless = pairs(tmp_path / "lossless", greys(0, 1, 2), mask="masks/{}.webp", lossless=True)
    assert "JPEG" not in imported(lossless, out="second").worked().out


def soft(seed):
    """Three greys whose edges were smoothed by drawing at another size."""
    hard = np.zeros((60, 80), np.uint8)
    hard[10 + seed : 40, 10:50] = 127
    hard[30:55, 30 + seed : 75] = 254
    return np.asarray(Image.fromarray(hard).rotate(9 + seed, Image.Resampling.BICUBIC))


def test_soft_edges_of_three_greys_do_not_make_classes(tmp_path, imported):
    root = tmp_path / "source"
    for seed, stem in enumerate(STEMS[:4]):
        save(photo(seed, 60, 80), root / f"images/{stem}.jpg")
        save(Image.fromarray(soft(seed)), root / f"masks/{stem}.png")
    imported(root).failed("different numbers", "rather soft edges between 0", "127", "254", "hard edges", "--values")


def test_many_classes_of_which_a_picture_holds_few_are_classes(tmp_path, imported):
    """As in ADE20K: 150 classes, most of them rare, ten or so in a picture."""

    def scene(seed):
        labels = np.zeros(SIZE, np.uint8)
        for place, number in enumerate(np.random.default_rng(seed).permutation(149)[:10] + 1):
            labels[2 * place, :3] = number
        return labels

    assert len(imported(pairs(tmp_path / "source", scene, STEMS[:5])).worked().classes) > 30


@pytest.mark.parametrize("kind", ["pairs", "cvat"])
def test_a_name_in_two_lists_is_said(kind, tmp_path, imported):
    root = tmp_path / "source"
    if kind == "pairs":
        pairs(root, greys(0, 1, 2))
        lists, names = root, STEMS[:4]
    else:
        build_cvat(root)
        lists, names = root / "ImageSets/Segmentation", STEMS[:4]
        (lists / "default.txt").unlink()
    text(lists / "train.txt", *names[:3])
    text(lists / "val.txt", *names[2:])
    text(lists / "trainval.txt", *names)
    answer = imported(root).worked().says(f"1 names are in the lists train and val ({names[2]}): taken for train alone")
    assert "trainval" not in answer.out
    assert not set(answer.splits["train"]) & set(answer.splits["val"])


def supervisely(root, *tags):
    meta(root)
    for place, tag in enumerate(tags):
        save(photo(place, HEIGHT, WIDTH), root / f"ds/img/{place}.jpg")
        content = drawn(polygon([[2, 2], [12, 2], [12, 9]], title="road"))
        content["tags"] = [{"name": name, "value": None} for name in tag.split()]
        write_json(root / f"ds/ann/{place}.jpg.json", content)
    return root


def test_supervisely_tags_are_splits(tmp_path, imported):
    answer = imported(supervisely(tmp_path / "source", "train sunny", "val", "train", "validation")).worked()
    assert answer.splits == {"train": ["0", "2"], "val": ["1", "3"]}
    imported(supervisely(tmp_path / "both", "train val", "train"), out="second").failed("its tags say train and val")


@pytest.mark.parametrize(
    "kind, name, number",
    [
        ("coco", "dog", 2),
        ("cvat_xml", "tree", 1),
        ("labelstudio", "tree", 2),
        ("supervisely", "road", 2),
        ("supervisely_masks", "cat", 1),
    ],
)
@pytest.mark.parametrize("word", ["void", "Void", "__ignore__"])
def test_a_class_called_void_is_void_in_every_tool(kind, name, number, word, tmp_path, imported):
    expected = ANNOTATED_SETS[kind](tmp_path / "source")
    for path in [*(tmp_path / "source").rglob("*.json"), *(tmp_path / "source").rglob("*.xml")]:
        path.write_text(re.sub(rf"\b{name}\b", word, path.read_text(encoding="utf-8")), encoding="utf-8")
    table = np.arange(256, dtype=np.uint8)
    table[number + 1 : 255] -= 1
    table[number] = 255
    answer = imported(tmp_path / "source").worked()
    same(answer.labels, {each: table[labels] for each, labels in expected.items()})
    assert any((labels == 255).any() for labels in answer.labels.values()) and word not in answer.classes


@pytest.mark.parametrize("name", ["unlabelled", "Unlabeled", "ignore", "unknown", "don't care", "not labeled"])
def test_names_that_sound_like_void_are_said(name, tmp_path, imported):
    root = pairs(tmp_path / "source", greys(0, 1, 2))
    text(root / "classes.txt", "background", "road", name)
    answer = imported(root).worked().says(f"{name!r} becomes a class as any other", "--void 2")
    assert answer.classes[2] == name
    answer = imported(root, "--void 2", out="second").worked()
    assert "as any other" not in answer.out and answer.classes == ["background", "road"]


@pytest.mark.parametrize(
    "values, far",
    [((0, 1, 254), 254), ((1, 2, 250), 250), ((0, 1, 2), None), ((0, 50, 100), None), ((0, 254, 0), None)],
)
def test_a_number_far_from_the_others_is_said(values, far, tmp_path, imported):
    answer = imported(pairs(tmp_path / "source", greys(*values))).worked()
    assert ("far from the other numbers" in answer.out) == (far is not None)
    if far:
        answer.says(f"{far} is far from the other numbers", f"--void {far}")


def linked(link, to):
    try:
        os.symlink(to, link, target_is_directory=True)
    except OSError:
        pytest.skip("needs a system that lets one make links")


def test_folders_that_are_links(tmp_path, imported):
    pairs(tmp_path / "real", greys(0, 1, 2))
    expected = {stem: regions(seed) for seed, stem in enumerate(STEMS[:4])}
    (tmp_path / "source").mkdir()
    for name in ("images", "masks"):
        linked(tmp_path / "source" / name, tmp_path / "real" / name)
    same(imported(tmp_path / "source").worked().labels, expected)
    linked(tmp_path / "real/again", tmp_path / "real")  # a ring: each file is met once
    linked(tmp_path / "real/a_copy", tmp_path / "real/images")
    same(imported(tmp_path / "real", out="second").worked().labels, expected)


@pytest.mark.parametrize("mask", ["masks/{}/a.png", "{}/masks/a.png"])
def test_sub_folders_called_x_and_y(mask, tmp_path, imported):
    root = tmp_path / "source"
    for seed, name in enumerate("xyz"):
        save(photo(seed), root / mask.format(name).replace("masks", "images").replace(".png", ".jpg"))
        save(Image.fromarray(regions(seed)), root / mask.format(name))
    same(imported(root).worked().labels, {f"{name}__a": regions(seed) for seed, name in enumerate("xyz")})


def test_what_a_mac_leaves_is_nobodys_picture(tmp_path, imported):
    root = labelme(tmp_path / "source", "cat")
    (root / "._a.jpg").write_bytes(b"\0\5\x16\7")
    (root / "._a.json").write_bytes(b"\0\5\x16\7")
    assert "._a" not in imported(root).worked().out


def test_pictures_that_were_found_are_not_said_to_be_spare(tmp_path, imported):
    root = coco(tmp_path / "source", "cat", "dog")
    content = json.loads((root / "all.json").read_text())
    content["images"].append(picture(3, "3.jpg"))
    write_json(root / "all.json", content)
    (tmp_path / "pictures").mkdir()
    for number in (1, 2):
        (root / f"{number}.jpg").rename(tmp_path / f"pictures/{number}.jpg")
    save(photo(9), tmp_path / "pictures/9.jpg")
    answer = imported(root, f"--pictures {tmp_path / 'pictures'}").worked()
    answer.says("pictures without labels: 1 (9)", "labels without a picture: 1 (3)")


def test_a_point_far_outside_is_named(tmp_path, imported):
    root = labelme(tmp_path / "source", "cat")
    content = json.loads((root / "b.json").read_text())
    content["shapes"][0]["points"][1] = [20.0, 1e9]
    text(root / "b.json", json.dumps(content))
    imported(root).failed("b.json, shape 1 (rectangle, 'cat')", "its point [20.0, 1000000000.0] lies far outside")


def test_corners_that_are_shares_of_the_picture_are_refused(tmp_path, imported):
    """Else all is background, and nothing says so."""
    root = coco(tmp_path / "coco", "cat", "dog")
    content = json.loads((root / "all.json").read_text())
    for each in content["annotations"]:
        each["segmentation"] = [[x / 50 for x in ring] for ring in each["segmentation"]]
    write_json(root / "all.json", content)
    imported(root).failed("all corners lie between 0 and 1", "shares of the picture")
    root = labelme(tmp_path / "labelme", "cat")
    for path in root.glob("*.json"):
        content = json.loads(path.read_text())
        content["shapes"][0]["points"] = [[0.1, 0.2], [0.9, 1.0]]
        text(path, json.dumps(content))
    imported(root).failed("all points lie between 0 and 1")
    content["shapes"][0]["points"] = [[0.1, 0.2], [20, 9]]  # one that reaches further: they are pixels
    text(path, json.dumps(content))
    imported(root).worked()


@pytest.mark.parametrize(
    "stems",
    [[" lead", "trail ", "c", "d"], ["a\nb", "c", "d", "e"], ["a 1", "a", "a 2", "a -1"], ["a  b", "#c", "-d", '"e"']],
)
def test_names_that_lists_cannot_hold_are_changed(stems, tmp_path, imported):
    try:
        root = pairs(tmp_path / "source", greys(0, 1, 2), stems)
    except OSError:
        pytest.skip("needs a system that knows such names")
    answer = imported(root).worked()
    expected = {stem.replace("\n", " ").strip(): regions(seed) for seed, stem in enumerate(stems)}
    same(answer.labels, expected)
    assert sorted(answer.splits["train"] + answer.splits["val"]) == sorted(expected) == sorted(answer.pictures)
    assert check(answer.root) == []


def check(root):
    """What check-data finds: the names in the lists are read as they were meant."""
    return [] if main(["check-data", str(root)]) == 0 else ["findings"]


@pytest.mark.parametrize("masks", ["masks/{}_mask_{}.png", "masks/{1}/{0}.png", "masks/{}_{}.png"])
def test_several_masks_of_one_picture_are_refused(masks, tmp_path, imported):
    root = tmp_path / "source"
    for stem in STEMS[:3]:
        save(photo(), root / f"images/{stem}.jpg")
        for kind in ("car", "road"):
            save(Image.fromarray(regions(0)), root / masks.format(stem, kind))
    imported(root).failed("no mask has the name of a picture", "A picture has one mask", "car", STEMS[0])


@pytest.mark.parametrize("both, expected", [(False, None), (True, ["number 0", "number 1"])])
def test_objects_as_1_and_as_255(both, expected, tmp_path, imported):
    """Half of the masks hold 0 and 1, half 0 and 255; where one holds both, 255 is void."""

    def make(seed):
        labels = (regions(seed) > 0).astype(np.uint8) * (1 if seed % 2 else 255)
        labels[:2] = 0
        labels[0] = 1 if both and seed == 0 else 0
        return labels

    answer = imported(pairs(tmp_path / "source", make))
    if expected is None:
        answer.failed("2 masks hold 1 and 2 others 255", "--values 0=background,1=object,255=object")
        answer = imported(tmp_path / "source", "--values 0=background,1=object,255=object", out="second").worked()
        assert answer.classes == ["background", "object"]
    else:
        assert answer.worked().classes == expected


@pytest.mark.parametrize("void, words", [("0,1", "one class alone (number 2)"), ("0,1,2", "no class, as all is void")])
def test_too_few_classes_are_said_with_their_names(void, words, tmp_path, imported):
    imported(pairs(tmp_path / "source", greys(0, 1, 2)), f"--void {void}").failed(words, "2 to 255")


def test_nothing_but_background_is_said(tmp_path, imported):
    root = pairs(tmp_path / "source", greys(0, 0, 0))
    text(root / "classes.txt", "background", "road")
    imported(root).worked().says("all that is labelled is background: there is nothing to learn")


@pytest.mark.parametrize(
    "file, words",
    [
        ("labels/train/a.txt", "none that begins with a class and numbers, as YOLO's do"),
        ("train/labels/a.txt", "as YOLO's do"),
        ("Annotations/a.xml", "boxes"),
        ("export.zip", "unpack"),
    ],
)
def test_what_is_not_read_here_is_called_by_its_name(file, words, tmp_path, imported):
    save(photo(), tmp_path / "source/images/a.jpg")
    text(tmp_path / "source" / file, "Car 0.00 0 -1.57 599.41")  # KITTI's
    imported(tmp_path / "source").failed("of no format that is known here", words)


@pytest.mark.parametrize("lowest, void", [(-1, "-1"), (-5, "-5,-4")])
def test_numbers_below_0_are_asked_about(lowest, void, tmp_path, imported):
    """-1 would become class 0 of all classes."""
    root = tmp_path / "source"
    for seed, stem in enumerate(STEMS[:4]):
        save(photo(seed), root / f"images/{stem}.jpg")
        (root / "masks").mkdir(exist_ok=True)
        numbers = regions(seed).astype(np.int64)
        np.save(root / f"masks/{stem}.npy", np.where(numbers < 2, numbers, 7) if lowest == -1 else numbers)
        array = np.load(root / f"masks/{stem}.npy")
        array[0, : len(void.split(","))] = [int(value) for value in void.split(",")]
        np.save(root / f"masks/{stem}.npy", array)
    imported(root).failed("numbers below 0", f"--void {void}")
    answer = imported(root, f"--void={void}", out="second").worked()
    assert answer.classes[0] == "number 0" and all(labels[0, 0] == 255 for labels in answer.labels.values())


def test_coco_ids_as_text_in_one_list(tmp_path, imported):
    root = coco(tmp_path / "source", "cat", "dog")
    content = json.loads((root / "all.json").read_text())
    for each in content["annotations"]:
        each["image_id"] = str(each["image_id"])
    write_json(root / "all.json", content)
    imported(root).failed("4 name another image_id", "Is it text in one list")


def test_a_picture_that_is_listed_twice_in_one_file(tmp_path, imported):
    root = coco(tmp_path / "source", "cat", "dog")
    content = json.loads((root / "all.json").read_text())
    content["images"].append(picture(9, "1.jpg"))
    write_json(root / "all.json", content)
    imported(root).failed("1.jpg is listed twice in one JSON file")


def test_a_picture_with_two_tasks(tmp_path, imported):
    root = tmp_path / "source"
    ANNOTATED_SETS["labelstudio"](root)
    path = next(root.glob("*.json"))
    tasks = json.loads(path.read_text())
    write_json(path, [*tasks, {**tasks[0], "id": 77}])
    imported(root).failed("2 annotated tasks are about the picture", "delete all but one")


def objects(seed, count):
    """So many objects of 2x2 pixels, each of a number of its own."""
    labels = np.zeros(SIZE, np.uint16)
    for number in range(count):
        labels[3 * (number // 10) : 3 * (number // 10) + 2, 3 * (number % 10) : 3 * (number % 10) + 2] = number + 1
    return labels


def test_numbers_of_objects_do_not_become_classes(tmp_path, imported):
    root = pairs(tmp_path / "source", lambda seed: objects(seed, 12 + 3 * seed))
    imported(root).failed("each mask holds all numbers from 1 to one of its own, 12 to 21", "--threshold 1")
    answer = imported(root, "--threshold 1", out="second").worked()
    same(answer.labels, {stem: objects(seed, 12 + 3 * seed) > 0 for seed, stem in enumerate(STEMS[:4])})
    for place, counts in enumerate([(12, 12, 12, 12), (2, 3, 4, 5)]):  # the same classes everywhere, or few
        root = pairs(tmp_path / f"classes{place}", lambda seed, counts=counts: objects(seed, counts[seed]))
        assert len(imported(root, out=f"out{place}").worked().classes) == max(counts) + 1


@pytest.mark.parametrize(
    "lines",
    [["names:", "0: background", "1: road", "2: car"], ["background,road,car"], ['["background", "road", "car"]']],
)
def test_a_list_in_another_form_is_refused_with_its_line(lines, tmp_path, imported):
    root = pairs(tmp_path / "source", greys(0, 1, 2))
    text(root / "classes.txt", *lines)
    imported(root).failed("classes.txt, line 1", lines[0], "a class a line is expected")


def test_a_folder_that_may_not_be_read_is_named(tmp_path, imported, monkeypatch):
    """Walking passes over it without a word, and its pictures would be missing."""
    root = pairs(tmp_path / "source", greys(0, 1, 2))
    pairs(root / "more", greys(0, 1, 2))
    scandir = os.scandir

    def locked(folder="."):
        if os.path.basename(folder) == "more":
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", locked)
    imported(root).failed(root / "more", "the folder cannot be read (Permission denied)")
