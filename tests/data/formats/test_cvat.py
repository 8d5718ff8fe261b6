"""CVAT's and Datumaro's "Segmentation mask 1.1"."""

import shutil

import needs
import numpy as np
import pytest
from PIL import Image

from .builders import CVAT_COLOURS, STEMS, build_cvat, coloured, photo, regions, save, text
from .helpers import same


def small(root, *lines, labels=None, stems="ab"):
    """A folder of CVAT's with its list of `lines`; labels an image, else `regions` in its colours."""
    text(root / "labelmap.txt", "# label:color_rgb:parts:actions", *lines)
    for seed, stem in enumerate(stems):
        save(photo(seed), root / f"JPEGImages/{stem}.jpg")
        save(labels or coloured(regions(seed), CVAT_COLOURS.values()), root / f"SegmentationClass/{stem}.png")
    text(root / "ImageSets/Segmentation/default.txt", *stems)
    return root


LINES = ("Dog:250,50,83::", "background:0,0,0::", "Cat:51,221,255::")


def test_what_it_says(tmp_path, imported):
    build_cvat(tmp_path / "source")
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["background", "Dog", "Cat"]  # background first, then as the list has them
    assert answer.row("#fa3253")[4:6] == ["1", "Dog"] and answer.row("#33ddff")[4:6] == ["2", "Cat"]
    answer.says(
        "frames without a mask: 1 (nothing drawn)",
        "default is taken for train",
        "the first label is Dog and not background: where a program sorted the table, Datumaro has painted as Dog",
    )


def test_a_table_without_background(tmp_path, imported):
    """Which of both it is, the table says, and so does the note."""
    pixels = np.full((20, 24, 3), (250, 50, 83), np.uint8)
    pixels[:9] = (51, 221, 255)
    root = small(tmp_path / "source", LINES[0], LINES[2], labels=Image.fromarray(pixels))
    for stem in "ab":
        Image.new("RGB", (24, 20)).save(root / f"JPEGImages/{stem}.jpg")
    imported(root).says("the first label is Dog and not background: as the table has none, Datumaro has painted as Dog")


def test_masks_alone_with_the_pictures_elsewhere(tmp_path, imported):
    expected = build_cvat(tmp_path / "source", pictures=False)
    imported(tmp_path / "source").failed("6 label files", "--pictures FOLDER")
    for name in ("a", "b", "c", "d", "night/e", "night/deep dir/f", "another"):
        save(photo(), tmp_path / f"pictures/film/{name}.png")  # the last part of a name is enough where only one has it
    answer = imported(tmp_path / "source", f"--pictures '{tmp_path / 'pictures'}'").worked()
    same(answer.labels, expected)
    answer.says("pictures without labels: 1 (film/another)")
    imported(tmp_path / "source", "--pictures nowhere", out="o2").failed("--pictures nowhere", "no such folder")


def test_pictures_whose_last_part_two_labels_share(tmp_path, imported):
    root = tmp_path / "source"
    text(root / "labelmap.txt", *LINES)
    for name in ("x/a", "y/a", "b"):
        save(coloured(regions(), CVAT_COLOURS.values()), root / f"SegmentationClass/{name}.png")
    save(photo(), tmp_path / "pictures/a.jpg")
    imported(root, f"--pictures {tmp_path / 'pictures'}").failed("x/a and y/a", "a.jpg", "rename")


def test_labels_whose_last_part_two_pictures_share(tmp_path, imported):
    """Nobody can say which of both: neither is taken."""
    build_cvat(tmp_path / "source", pictures=False)
    for name in ("x/a", "y/a", "b", "c"):
        save(photo(), tmp_path / f"pictures/{name}.jpg")
    answer = imported(tmp_path / "source", f"--pictures {tmp_path / 'pictures'}").worked()
    assert sorted(answer.labels) == ["b", "c"]
    answer.says(
        "labels without a picture: 4 (a, d, night/deep dir/f and 1 more)", "pictures without labels: 2 (x/a, y/a)"
    )


def test_two_pictures_of_one_name(tmp_path, imported):
    root = small(tmp_path / "source", *LINES)
    save(photo(), root / "JPEGImages/a.png")
    imported(root).failed("JPEGImages/a.jpg and a.png are both called a", "take out")


def test_plain_numbers_are_places_in_the_list(tmp_path, imported):
    labels = regions()
    root = small(tmp_path / "source", *LINES, labels=Image.fromarray(labels))
    answer = imported(root).worked()
    assert answer.classes == ["background", "Dog", "Cat"]
    same(answer.labels, dict.fromkeys("ab", np.array([1, 0, 2], np.uint8)[labels]))


def test_a_list_without_colours_means_those_of_voc(tmp_path, imported):
    labels = regions()
    root = small(
        tmp_path / "source",
        "background:::",
        "cat:::",
        "dog:::",
        labels=coloured(labels, [(0, 0, 0), (128, 0, 0), (0, 128, 0)]),
    )
    answer = imported(root).worked()
    assert answer.classes == ["background", "cat", "dog"]
    same(answer.labels, dict.fromkeys("ab", labels))


def test_one_label_without_a_colour_is_white_and_of_two_nobody_knows(tmp_path, imported):
    labels = regions()
    image = coloured(labels, [(255, 255, 255), (51, 221, 255), (250, 50, 83)])
    answer = imported(small(tmp_path / "one", "background:::", *LINES[::2], labels=image)).worked()
    same(answer.labels, dict.fromkeys("ab", np.array([0, 2, 1], np.uint8)[labels]))
    answer.says("no colour in the list for background", "white")
    image = coloured(labels, [(0, 0, 0), (255, 255, 255), (250, 50, 83)])
    two = small(tmp_path / "two", "background:0,0,0::", "cat:::", "cow:::", "Dog:250,50,83::", labels=image)
    answer = imported(two, out="o2").failed("1 colours", "#ffffff")
    answer.says("no colour in the list for cat, cow")


def test_a_colour_that_is_not_in_the_list_stops_it(tmp_path, imported):
    labels = regions()
    labels[0, :3] = 3
    image = coloured(labels, [*CVAT_COLOURS.values(), (1, 2, 3)])
    answer = imported(small(tmp_path / "source", *LINES, labels=image)).failed(
        "1 colours in 6 pixels", "#010203", "--void"
    )
    answer.says("? no class")
    answer = imported(tmp_path / "source", "--void '#010203'").worked()
    labels = np.array([0, 2, 1, 255], np.uint8)[labels]
    same(answer.labels, dict.fromkeys("ab", labels))


@pytest.mark.parametrize(
    "lines, words",
    [
        (["Cat:51,221,255"], ["labelmap.txt, line 2", "Cat:51,221,255", "label:r,g,b:parts:actions"]),
        (["Cat:51,221::"], ["line 2", "'51,221' is no colour"]),
        (["Cat:51,221,256::"], ["line 2", "'51,221,256' is no colour"]),
        (["Cat:1,2,3::", "Dog:1,2,3::"], ["Dog and Cat have one colour"]),
        (["Cat:1,2,3::", "Cat:1,2,4::"], ["'Cat' stands twice"]),
        ([], ["0 labels in it"]),
    ],
)
def test_a_list_that_cannot_be(lines, words, tmp_path, imported):
    imported(small(tmp_path / "source", *lines)).failed(*words)


def test_names_with_colons_and_dots(tmp_path, imported):
    root = small(tmp_path / "source", "background:0,0,0::", "a:b:51,221,255::", "Dog:250,50,83::", stems=["x.y", "x"])
    answer = imported(root).worked()
    assert answer.classes == ["background", "a:b", "Dog"] and sorted(answer.labels) == ["x", "x.y"]


def test_splits_of_a_project(tmp_path, imported):
    root = small(tmp_path / "source", *LINES, stems=STEMS)
    lists = root / "ImageSets/Segmentation"
    (lists / "default.txt").unlink()
    for split, names in {"Train": "abc", "Validation": "d", "Test": "ef"}.items():
        text(lists / f"{split}.txt", *names)
    assert imported(root).worked().splits == {"train": [*"abc"], "val": ["d"], "test": [*"ef"]}


def test_a_frame_without_a_mask_is_not_its_namesake_elsewhere(tmp_path, imported):
    root = small(tmp_path / "source", *LINES, stems=["a", "b"])
    text(root / "ImageSets/Segmentation/default.txt", "a", "b", "night/a", "a.b")
    imported(root).worked().says("frames without a mask: 2 (night/a, a.b)")


def datumaro_set(root, **options):
    """What Datumaro itself writes, and the numbers it was given."""
    from datumaro.components.annotation import Mask
    from datumaro.components.dataset import Dataset
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image as Media

    items, numbers = [], {}
    for seed, name in enumerate(["a", "night/b", "c.d", "empty"]):
        labels = regions(seed) if name != "empty" else np.zeros((24, 32), np.uint8)
        masks = [Mask(labels == value, label=value, z_order=value) for value in (1, 2) if (labels == value).any()]
        media = Media.from_numpy(data=np.asarray(photo(seed)))
        items.append(DatasetItem(id=name, subset="default", media=media, annotations=masks))
        numbers[name.replace("/", "__")] = labels
    Dataset.from_iterable(items, categories=["background", "cat", "dog"]).export(
        str(root), "voc_segmentation", save_media=True, **options
    )
    return {name: labels for name, labels in numbers.items() if name != "empty"}


TAKEN = {"cat": [(51, 221, 255), [], []], "dog": [(250, 50, 83), [], []], "background": [(0, 0, 0), [], []]}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options", [{}, {"label_map": TAKEN}, {"apply_colormap": False}, {"save_dataset_meta": True}], ids=str
)
def test_what_datumaro_writes(options, tmp_path, imported):
    pytest.importorskip("datumaro", reason=needs.DATUMARO)
    expected = datumaro_set(tmp_path / "source", **options)
    answer = imported(tmp_path / "source").worked().says("taken for cvat")
    assert answer.classes == ["background", "cat", "dog"]
    same(answer.labels, expected)


@pytest.mark.filterwarnings("ignore")
def test_the_builder_writes_what_datumaro_writes(tmp_path):
    """The same names of files, modes of masks and lines of lists; so the other tests stand on what is real."""
    pytest.importorskip("datumaro", reason=needs.DATUMARO)
    datumaro_set(tmp_path / "real", label_map=TAKEN)
    root = small(tmp_path / "own", *LINES, stems=["a", "night/b", "c.d"])
    shutil.rmtree(tmp_path / "real/SegmentationObject")
    real, own = (
        {path.relative_to(place).as_posix() for path in place.rglob("*")} for place in (tmp_path / "real", root)
    )
    assert real - own == {"Annotations", "JPEGImages/empty.jpg"} and own <= real  # the first an empty folder
    with Image.open(tmp_path / "real/SegmentationClass/a.png") as image:
        assert image.mode == "RGB"
    assert (tmp_path / "real/labelmap.txt").read_text().splitlines() == [
        "# label:color_rgb:parts:actions", "background:0,0,0::", "cat:51,221,255::", "dog:250,50,83::",
    ]  # fmt: skip
    assert (tmp_path / "real/ImageSets/Segmentation/default.txt").read_text().splitlines() == [
        "a",
        "night/b",
        "c.d",
        "empty",
    ]


def test_a_json_list_that_cannot_be_read(tmp_path, imported):
    root = small(tmp_path / "source", *LINES)
    (root / "labelmap.txt").unlink()
    for content in ("{", "[]", '{"labels": []}', '{"label_map": {"0": "a"}, "segmentation_colors": [[0, 0]]}'):
        (root / "dataset_meta.json").write_text(content)
        imported(root, "--format cvat").failed("dataset_meta.json", "no list of labels can be read from it")


def test_colours_of_the_json_list_belong_to_labels_that_have_one(tmp_path, imported):
    """Datumaro leaves labels without a colour out of label_map, so places there are not places in labels."""
    root = small(tmp_path / "source")
    (root / "labelmap.txt").unlink()
    (root / "dataset_meta.json").write_text(
        '{"labels": ["void", "background", "Cat", "Dog"], "label_map": {"1": "background", "2": "Cat", "3": "Dog"},'
        ' "segmentation_colors": [[0, 0, 0], [51, 221, 255], [250, 50, 83]]}'
    )
    same(imported(root).worked().labels, {stem: regions(seed) for seed, stem in enumerate("ab")})
