"""Public sets: their classes and splits, what is left out and said, and each refusal."""

import importlib
import shutil

import numpy as np
import pytest
from PIL import Image

from minifcn.data.formats.registry import FORMATS
from minifcn.data.formats.sets import cityscapes
from minifcn.data.labels import VOC_CLASSES, colour_map

from . import public_sets
from .drawing import blocks, coloured_blocks, opened, photo, save, text
from .imported import same_labels
from .other_fields import FIELDS, module, tool
from .public_sets import CAMVID, PUBLIC_SETS

MINE = {**PUBLIC_SETS, **FIELDS}


def only(folder, pattern):
    """The first file of a pattern."""
    return sorted(folder.rglob(pattern))[0]


# of each set: a file of labels, a picture, and how many of each go when one is taken away
PARTS = {
    "pets": ("trimaps/Aby*_1.png", "images/Aby*_1.jpg"),
    "camvid": ("*_L.png", "701*/*.png"),
    "camvid_kaggle": ("train_labels/*.png", "train/*.png"),
    "fastai": ("labels/*.png", "images/*.png"),
    "cityscapes": ("aachen/*_labelIds.png", "aachen/*_leftImg8bit.png"),
    "cityscapes_train_ids": ("train/*/*_labelTrainIds.png", "train/*/*_leftImg8bit.png"),
    "ade20k": ("annotations/training/*.png", "images/training/*.jpg"),
    "drive": ("training/1st_manual/*.gif", "training/images/*.tif"),
    "sbd": ("cls/*.mat", "img/*.jpg"),
    "loveda": ("Train/Urban/masks_png/*.png", "Train/Urban/images_png/*.png"),
    "bdd100k": ("masks/train/*.png", "10k/train/*.jpg"),
    "kitti": ("training/semantic/*.png", "training/image_2/*.png"),
    "mapillary": ("training/v1.2/labels/*.png", "training/images/*.jpg"),
    "cocostuff": ("annotations/train2017/*.png", "images/train2017/*.jpg"),
    "geotiff": ("labels/*.tif", "images/*.tif"),
    "imagej": ("*.zip", "*.tif"),
    "cellpose": ("*_1_cp_masks.png", "*_1.tif"),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("part", (0, 1), ids=("labels", "picture"))
def test_without_its_partner_a_file_is_left_out_and_counted(name, part, place, bring):
    expected = MINE[name](place)
    gone = only(place, PARTS[name][part])
    gone.unlink()
    done = bring().worked()
    assert len(done.labels) == len(expected) - 1
    same_labels(done.labels, {one: expected[one] for one in done.labels})
    (missing,) = set(expected) - set(done.labels)
    counted = [
        line for line in done.out.splitlines() if "left out" in line and missing.split("__")[-1].split("_t")[0] in line
    ]
    assert counted, done.out


# of each set: its labels, a number or colour that its list does not have, and how the table writes it
STRANGERS = {
    "pets": ("trimaps/[Ab]*.png", 0, "0"),
    "camvid": ("*_L.png", (1, 2, 3), "#010203 (1, 2, 3)"),
    "camvid_kaggle": ("train_labels/*.png", (0, 0, 255), "#0000ff (0, 0, 255)"),
    "fastai": ("labels/*.png", 10, "10"),
    "segnet": ("trainannot/*.png", 12, "12"),
    "cityscapes": ("*_labelIds.png", 34, "34"),
    "cityscapes_train_ids": ("*_labelTrainIds.png", 19, "19"),
    "ade20k": ("annotations/training/*.png", 8, "8"),
    "drive": ("1st_manual/*.gif", 100, "100"),
    "loveda": ("masks_png/*.png", 8, "8"),
    "bdd100k": ("masks/train/*.png", 19, "19"),
    "kitti": ("training/semantic/*.png", 34, "34"),
    "mapillary": ("v1.2/labels/*.png", 5, "5"),
    "cocostuff": ("annotations/*/*.png", 182, "182"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_the_list_does_not_have_stops_the_import(name, place, bring):
    MINE[name](place)
    pattern, value, written = STRANGERS[name]
    path = only(place, pattern)
    pixels = np.array(opened(path))
    pixels[:2, :3] = value
    save(path, pixels)
    done = bring().failed(written, "6 pixels", "--void")
    assert next(line.split() for line in done.out.splitlines() if "? no class" in line)[-3:] == ["0.1", "%", "1"]


NOTHING = {
    "pets": "trimaps", "cityscapes": "gtFine", "ade20k": "objectInfo150.txt", "drive": "1st_manual", "sbd": "cls/", "loveda": "masks_png",
    "segnet": "trainannot", "fastai": "codes.txt", "camvid": "label_colors.txt", "voc": "JPEGImages", "cellpose": "_cp_masks",
    "imagej": "NAME_RoiSet.zip", "geotiff": "images/", "nifti": "imagesTr/", "dicomseg": "no DICOM SEG", "bdd100k": "labels/sem_seg/masks", "mapillary": "training/labels/", "cocostuff": "stuffthingmaps",
    "kitti": "image_2/ and semantic or instance/",
}  # fmt: skip


READERS = {"sbd": "scipy.io", "imagej": "roifile", "geotiff": "rasterio", "nifti": "nibabel", "dicomseg": "pydicom"}


@pytest.mark.parametrize("name", NOTHING)
def test_a_format_that_is_asked_for_and_not_there(name, place, bring):
    if name in READERS:
        module(READERS[name])
    text(place / "readme.txt", "nothing")
    bring("--format", name).failed(place, NOTHING[name])


@pytest.mark.parametrize("name", MINE)
def test_each_set_is_taken_for_what_it_is(name, place):
    """The format that a person would name comes first, with a reason that is there."""
    MINE[name](place)
    found = [(each.name, reason) for each in FORMATS if (reason := each.recognise(place))]
    assert found[0][0] == name.removesuffix("_kaggle").removesuffix("_train_ids")
    assert found[0][1].endswith(("is there", "are there"))


def test_nobody_takes_a_file_or_an_empty_folder(place):
    """Each format is asked about whatever a person gives."""
    for source in (text(place / "notes.txt", "nothing"), text(place / "labels.json", "{}"), place / "empty"):
        (place / "empty").mkdir(exist_ok=True)
        assert [each.name for each in FORMATS if each.recognise(source)] == []


# Oxford-IIIT Pet


def test_pets_have_two_classes_and_trainval_is_divided(place, bring):
    public_sets.pets(place)
    done = bring().worked()
    assert done.classes == ["background", "pet"]
    assert done.splits["test"] == ["Bombay_7"] and len(done.splits["train"]) == 3 and len(done.splits["val"]) == 1
    assert "no breed" in done.out and "trainval.txt becomes train" in done.out
    assert not list(done.root.rglob("._*"))


def test_pets_that_no_list_names(place, bring):
    """The release has 41 of them."""
    expected = public_sets.pets(place)
    save(place / "annotations/trimaps/Sphynx_5.png", blocks((1, 2, 3)))
    text(place / "annotations/test.txt", "Bombay_7 8 1 4", "Bombay_8 8 1 4")
    done = bring().worked()
    same_labels(done.labels, expected)
    assert "left out, trimaps that are in none of trainval.txt, test.txt: 1 (Sphynx_5)" in done.out
    assert "left out, lines of the lists without a trimap: 1 (Bombay_8 8 1 4)" in done.out


def test_pets_with_each_folder_twice_and_without_lists(place, bring):
    expected = public_sets.pets(place)
    for part in ("images", "annotations"):
        (place / part).rename(place / "inner")
        (place / part).mkdir()
        (place / "inner").rename(place / part / part)
    for path in place.rglob("*.txt"):
        path.unlink()
    done = bring().worked()
    same_labels(done.labels, expected)
    assert sorted(done.splits) == ["train", "val"]


# CamVid


def test_camvid_colours_are_those_of_its_own_list(place, bring):
    """All of them are colours of other classes in VOC's palette; Void stands within the list."""
    public_sets.camvid(place)
    done = bring().worked()
    assert done.classes == [name for name in CAMVID if name != "Void"]
    row = next(line for line in done.out.splitlines() if line.startswith("#808080"))
    assert row.split()[4:6] == ["6", "Sky"]
    assert "void" in next(line for line in done.out.splitlines() if line.startswith("#000000"))


def test_camvid_with_lists_and_plain_folders(place, bring):
    expected = public_sets.camvid(place)
    (place / "701_StillsRaw_full").rename(place / "images")
    (place / "LabeledApproved_full").rename(place / "labels")
    for path in (place / "labels").iterdir():
        path.rename(path.with_name(path.name.replace("_L", "")))
    text(place / "val.txt", "0016E5_01.png", "0016E5_09.png")
    text(place / "train.txt", *(f"0016E5_0{n}.png" for n in (0, 2, 3)))
    done = bring().worked()
    same_labels(done.labels, expected)
    assert done.splits["val"] == ["0016E5_01"]
    assert "left out, lines of the lists without labels: 1 (0016E5_09.png)" in done.out


@pytest.mark.parametrize("name", ("Unlabelled", "unknown", "VOID"))
def test_names_that_mean_nobody_are_void(name, place, bring):
    text(place / "label_colors.txt", f"1 1 1 {name}", "2 2 2 leaf", "3 3 3 stem")
    for stem in "ab":
        save(place / f"images/{stem}.png", photo())
        save(place / f"labels/{stem}.png", coloured_blocks(((1, 1, 1), (2, 2, 2), (3, 3, 3))))
    done = bring().worked()
    assert done.classes == ["leaf", "stem"]
    assert set(np.unique(done.labels["a"])) == {0, 1, 255}


@pytest.mark.parametrize(
    "lines, words",
    [
        (("1 2 Sky", "1 2 3 Tree"), ("line 2",)),
        (("48.8 10.7 5.7\thead", "1 2 3 Tree"), ("red green blue",)),
        (("1 2 300 Sky", "1 2 3 Tree"), ("line 1", "300")),
        (("1 2 3 Sky", "1 2 3 Tree"), ("line 2", "1,2,3")),
    ],
)  # fmt: skip
def test_a_colour_list_that_is_none(lines, words, place, bring):
    public_sets.camvid(place)
    text(place / "label_colors.txt", *lines)
    bring().failed("label_colors.txt", *words)


def test_two_pictures_that_may_belong_to_one_label_file(place, bring):
    public_sets.camvid(place)
    save(place / "more/0016E5_00.png", photo())
    bring().failed("0016E5_00_L.png", "2 pictures", "keep one")


def test_of_two_pictures_that_of_the_folder_of_the_same_name(place, bring):
    expected = public_sets.camvid_kaggle(place)
    shutil.copy(only(place, "train/*.png"), place / "other.png")
    (place / "sample").mkdir()
    shutil.copy(only(place, "train/0001TP_0.png"), place / "sample/0001TP_0.png")
    done = bring().worked()
    same_labels(done.labels, expected)
    assert (done.root / "JPEGImages/0001TP_0.png").resolve() == place / "train/0001TP_0.png"


def test_grey_labels_beside_a_list_of_colours(place, bring):
    public_sets.camvid(place)
    save(only(place, "*_L.png"), blocks(range(3)))
    bring().failed("0016E5_00_L.png", "mode L", "colours are expected")


def test_fastai_valid_txt_is_val(place, bring):
    public_sets.camvid_fastai(place)
    text(place / "valid.txt", "Seq05VD_f02.png", "Seq05VD_f77.png")
    done = bring().worked()
    assert done.splits == {"train": ["Seq05VD_f00", "Seq05VD_f01"], "val": ["Seq05VD_f02"]}
    assert "left out, names in valid.txt without labels: 1 (Seq05VD_f77.png)" in done.out
    text(place / "codes.txt", "Animal", "", "Car")
    shutil.rmtree(done.root)
    bring().failed("codes.txt, line 2", "blank")


# SegNet's CamVid


def test_segnet_lists_say_which_labels_are_a_pictures(place, bring):
    """The second column counts, and paths may hold blanks; a picture that no list names is not taken."""
    expected = public_sets.segnet(place)
    (place / "trainannot/0006R0_a.png").rename(place / "trainannot/0006R0_a_L.png")
    text(
        place / "train.txt",
        "/My Data/CamVid/train/0006R0_a.png /My Data/CamVid/trainannot/0006R0_a_L.png",
        r"C:\CamVid\train\0006R0_b.png C:\CamVid\trainannot\0006R0_b.png",
        "/CamVid/train/0006R0_x.png /CamVid/trainannot/0006R0_x.png",
    )
    done = bring().worked()
    del expected["0006R0_c"]
    same_labels(done.labels, expected)
    assert done.classes[:5] == ["Sky", "Building", "Pole", "Road", "Pavement"] and len(done.classes) == 11
    assert "left out, names in train.txt without a picture and labels: 1 (0006R0_x.png)" in done.out
    assert "left out, pictures in train/ that are not listed or have no labels: 1 (0006R0_c)" in done.out


def test_segnet_without_lists_or_with_one_column(place, bring):
    expected = public_sets.segnet(place)
    (place / "train.txt").unlink()
    text(place / "val.txt", "val/0006R0_d.png")
    done = bring().worked()
    same_labels(done.labels, expected)
    assert done.splits == {"train": ["0006R0_a", "0006R0_b", "0006R0_c"], "val": ["0006R0_d"], "test": ["0006R0_e"]}


def test_the_same_names_in_two_splits(place, bring):
    for split in ("train", "val"):
        for name in "ab":
            save(place / f"{split}/{name}.png", photo())
            save(place / f"{split}annot/{name}.png", blocks(range(12)))
    assert sorted(bring().worked().labels) == ["train__a", "train__b", "val__a", "val__b"]


def test_a_list_of_colours_is_heard_before_segnets_numbers(place, bring):
    """Datumaro's CamVid export has SegNet's folders and colours; numbers count the lines of the list."""
    public_sets.segnet(place)
    text(place / "label_colors.txt", *(f"{r} {g} {b} {name}" for name, (r, g, b) in CAMVID.items()))
    labels = blocks(range(len(CAMVID)))
    for path in place.glob("*annot/*.png"):
        save(path, labels)
    numbers = bring().worked()
    assert numbers.classes[0] == "Animal"
    for path in place.glob("*annot/*.png"):
        save(path, np.array(list(CAMVID.values()), np.uint8)[labels])
    shutil.rmtree(numbers.root)
    (place / "train.txt").unlink()
    colours = bring().worked()
    expected = np.array([*range(8), 255, 8], np.uint8)[labels]
    for found in colours.labels.values():
        np.testing.assert_array_equal(found, expected)


def test_one_number_in_three_channels_is_a_number(place, bring):
    expected = public_sets.segnet(place)
    for path in place.glob("*annot/*.png"):
        save(path, opened(path).convert("RGB"))
    same_labels(bring().worked().labels, expected)


def test_segnet_folders_of_colours_without_a_list(place, bring):
    public_sets.segnet(place)
    for path in place.glob("*annot/*.png"):
        save(path, coloured_blocks(((1, 2, 3), (4, 5, 6))))
    bring().failed("colours", "--colours FILE", "#010203")


# Cityscapes


def test_the_label_table_is_that_of_cityscapesscripts(place):
    """Ids, train ids, names and what evaluation ignores, of all labels of the package."""
    labels = tool("cityscapesscripts.helpers.labels").labels
    ids = {each.id: None if each.ignoreInEval else each.name for each in labels if each.id >= 0}
    assert cityscapes.KINDS["labelIds"] == ids
    trained = {each.trainId: each.name for each in labels if not each.ignoreInEval} | {255: None}
    assert cityscapes.KINDS["labelTrainIds"] == trained
    assert [name for name in cityscapes.KINDS["labelIds"].values() if name] == [
        name for name in trained.values() if name
    ]
    for kind, sentence in (("color", "car and its licence plate"), ("color", "black for five")):
        assert sentence in cityscapes.REFUSED[kind]
    colours = {each.name: each.color for each in labels}
    assert colours["car"] == colours["license plate"] and colours["pole"] == colours["polegroup"]
    assert sum(colour == (0, 0, 0) for colour in colours.values()) == 5


@pytest.mark.parametrize("encoding, ending", [("ids", "labelIds"), ("trainIds", "labelTrainIds")])
def test_what_cityscapesscripts_writes(encoding, ending, place, bring):
    """Polygons of a car, a group of cars, a licence plate, the car that took the picture: number for number as its tables say."""
    writer = tool("cityscapesscripts.preparation.json2labelImg")
    box = "[[{0},{1}],[{2},{1}],[{2},{3}],[{0},{3}]]".format
    drawn = {"road": (0, 0, 39, 31), "ego vehicle": (0, 28, 39, 31), "cargroup": (20, 20, 25, 25), "license plate": (21, 21, 23, 23),
             "sky": (5, 5, 10, 10), "polegroup": (12, 12, 14, 14)}  # fmt: skip
    objects = ", ".join(f'{{"label": "{name}", "polygon": {box(*corners)}}}' for name, corners in drawn.items())
    expected = np.zeros((32, 40), np.uint8)
    for name, number in {"ego vehicle": 255, "cargroup": 13, "sky": 10, "polegroup": 255}.items():
        left, top, right, bottom = drawn[name]
        expected[top : bottom + 1, left : right + 1] = number  # it fills with the rim: 36 pixels for a square of 5
    for split in ("train", "val"):
        folder = place / f"gtFine/{split}/ulm"
        polygons = text(
            folder / f"ulm_{split}_gtFine_polygons.json", f'{{"imgHeight": 32, "imgWidth": 40, "objects": [{objects}]}}'
        )
        writer.json2labelImg(str(polygons), str(folder / f"ulm_{split}_gtFine_{ending}.png"), encoding)
        save(place / f"leftImg8bit/{split}/ulm/ulm_{split}_leftImg8bit.png", photo(0, 32, 40))
    same_labels(bring().worked().labels, {"ulm_train": expected, "ulm_val": expected})


@pytest.mark.parametrize("kept, words", [
    ("color", ("one colour stands for several labels",)),
    ("instanceIds", ("26001",)),
    ("polygons", ("no NAME_gtFine_labelIds.png",)),
])  # fmt: skip
def test_cityscapes_without_class_numbers(kept, words, place, bring):
    public_sets.cityscapes(place)
    for path in place.glob("gtFine/*/*/*"):
        if not path.stem.endswith((kept, "polygons")):
            path.unlink()
    if kept == "polygons":
        save(place / "gtFine/train/aachen/aachen_000000_000019_gtFine_edges.png", blocks((0, 1)))
    bring("--format", "cityscapes").failed("gtFine", *words)


def test_cityscapes_labels_and_pictures_apart(place, bring, tmp_path):
    """gtFine itself is given, and --pictures says where leftImg8bit lies."""
    expected = public_sets.cityscapes(place / "gt")
    (place / "gt/leftImg8bit").rename(place / "leftImg8bit")
    (place / "gt/gtFine").rename(place / "gtCoarse")
    for path in place.glob("gtCoarse/*/*/*"):
        path.rename(path.with_name(path.name.replace("gtFine", "gtCoarse")))
    (place / "gt").rmdir()
    shutil.move(place / "leftImg8bit", tmp_path / "elsewhere")
    bring().failed("--pictures")
    done = bring("--pictures", tmp_path / "elsewhere").worked()
    same_labels(done.labels, expected)
    assert len(done.classes) == 19 and done.splits["val"] == ["lindau_000000_000019"]


def test_cityscapes_as_two_archives_unpack_side_by_side(place, bring):
    expected = public_sets.cityscapes(place)
    for part in ("gtFine", "leftImg8bit"):
        (place / f"{part}_trainvaltest").mkdir()
        (place / part).rename(place / f"{part}_trainvaltest" / part)
    same_labels(bring().worked().labels, expected)


def test_cityscapes_test_is_said_to_be_void(place, bring):
    public_sets.cityscapes(place)
    for folder, ending in (("leftImg8bit", "leftImg8bit"), ("gtFine", "gtFine_labelIds")):
        save(place / f"{folder}/test/berlin/berlin_000000_000019_{ending}.png", np.zeros((35, 49)))
    done = bring().worked()
    assert "withholds the labels of its test" in done.out and (done.labels["berlin_000000_000019"] == 255).all()


# ADE20K


def test_ade20k_names_hold_commas(place, bring):
    public_sets.ade20k(place)
    done = bring().worked()
    assert done.classes == ["wall", "building, edifice", "sky", "floor, flooring", "tree", "bed", "windowpane, window"]
    assert sorted(done.splits) == ["train", "val"] and done.splits["val"] == ["ADE_val_1"]


def test_ade20k_samples_and_the_csv(place, bring):
    """The samples have no folders of splits, and the list beside them; the csv has a column more and ; within names."""
    public_sets.ade20k(place)
    rows = [line.split("\t") for line in (place / "objectInfo150.txt").read_text().splitlines()]
    text(place / "objectInfo150.csv", *(",".join([*row[:4], "1", row[4].strip().replace(", ", ";")]) for row in rows))
    (place / "objectInfo150.txt").unlink()
    for part, split in (
        ("images", "training"),
        ("annotations", "training"),
        ("images", "validation"),
        ("annotations", "validation"),
    ):
        for path in (place / part / split).iterdir():
            (place / "sampleData" / part).mkdir(parents=True, exist_ok=True)
            path.rename(place / "sampleData" / part / path.name)
        (place / part / split).rmdir()
    for part in ("images", "annotations"):
        (place / part).rmdir()
    done = bring(source=place / "sampleData")
    assert done.worked().classes[1] == "building, edifice"
    assert len(done.labels) == 3 and "taken for ade20k" in done.out


@pytest.mark.parametrize("line, words", [
    ("3 0.08 8265 796 sky", ("line 4", "Idx, Ratio, Train, Val and Name")),
    ("x\t0.08\t8265\t796\tsky", ("line 4", "'x\\t0.08")),
    ("3\t0.08\t8265\t796\twall ", ("line 4", "'wall' is the name of another number")),
])  # fmt: skip
def test_a_list_of_ade20k_that_is_none(line, words, place, bring):
    public_sets.ade20k(place)
    lines = (place / "objectInfo150.txt").read_text().splitlines()
    text(place / "objectInfo150.txt", *lines[:3], line, *lines[4:])
    bring().failed("objectInfo150.txt", *words)


# DRIVE


@pytest.mark.parametrize("black, white, palette", [
    (0, 251, [0, 0, 0] * 251 + [255, 255, 255]),
    (0, 1, [4, 2, 4, 252, 254, 252]),
    (0, 255, None),
], ids=("a palette of 251", "nearly black and white", "grey"))  # fmt: skip
def test_drive_copies_that_were_saved_again(black, white, palette, place, bring):
    """White is what is seen as white, whatever number stands for it: each of these was met in a copy of the set."""
    expected = public_sets.drive(place)
    for path in place.glob("*/1st_manual/*.gif"):
        vessel = np.asarray(opened(path).convert("L")) > 127
        image = Image.fromarray(np.where(vessel, white, black).astype(np.uint8))
        if palette:
            image.putpalette(palette)
        image.save(path.with_suffix(".png"))
        path.unlink()
    done = bring().worked()
    same_labels(done.labels, expected)
    assert done.classes == ["background", "vessel"]
    assert "no data" in done.out and "2nd_manual/, what a second person saw, is left out" in done.out


def test_drive_without_a_field_of_view(place, bring):
    expected = public_sets.drive(place)
    only(place, "training/mask/21*").unlink()
    vessels = opened(place / "training/1st_manual/21_manual1.gif").convert("L")
    expected["21_training"] = (np.asarray(vessels) > 127).astype(np.uint8)
    done = bring().worked()
    same_labels(done.labels, expected)
    assert "training: 1 labels have no field of view" in done.out


def test_drive_with_a_field_of_view_of_another_size_or_two_files_of_one_eye(place, bring):
    public_sets.drive(place)
    other = save(place / "training/1st_manual/21_manual1_old.gif", blocks((0, 255)))
    bring().failed("21_manual1.gif", "21_manual1_old.gif", "eye 21")
    other.unlink()
    save(place / "training/mask/21_training_mask.gif", np.full((5, 7), 255))
    bring().failed("21_training_mask.gif", "5x7", "35x49")


# SBD


def test_sbd_needs_scipy_and_says_so(place, bring, monkeypatch):
    public_sets.sbd(place)
    real = importlib.import_module

    def without(name, *rest):
        if name.startswith("scipy"):
            raise ImportError("No module named 'scipy'")
        return real(name, *rest)

    monkeypatch.setattr("minifcn.data.extras.import_module", without)
    bring().failed("MATLAB files (.mat)", "SciPy", "pip install 'minifcn[formats]'", "No module named 'scipy'")


@pytest.mark.parametrize("inner", ("", "dataset", "benchmark_RELEASE/dataset"))
def test_sbd_from_wherever_it_was_unpacked(inner, place, bring):
    expected = public_sets.sbd(place / "once")
    (place / inner).parent.mkdir(parents=True, exist_ok=True)
    for path in (place / "once/benchmark_RELEASE/dataset").iterdir():
        (place / inner).mkdir(exist_ok=True)
        path.rename(place / inner / path.name)
    shutil.rmtree(place / "once")
    done = bring().worked()
    same_labels(done.labels, expected)
    assert tuple(done.classes) == VOC_CLASSES and done.splits["val"] == ["2008_000009"]


def test_sbd_lists_and_void(place, bring):
    public_sets.sbd(place)
    folder = place / "benchmark_RELEASE/dataset"
    labels = blocks((0, 3, 255)).astype(np.uint8)
    module("scipy.io").savemat(folder / "cls/2008_000002.mat", {"GTcls": {"Segmentation": labels}})
    text(folder / "train.txt", "2008_000002", "2008_000003", "2010_000001")
    text(folder / "train_noval.txt", "2008_000002")
    done = bring().worked()
    np.testing.assert_array_equal(done.labels["2008_000002"], labels)
    assert "left out, label files that are in none of train.txt, val.txt: 1 (2008_000007)" in done.out
    assert "left out, names in the lists without a label file: 1 (2010_000001)" in done.out
    assert "train_noval.txt" in done.out


@pytest.mark.parametrize("content, words", [
    (b"MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .".ljust(124) + b"\0\x02IM" + bytes(400), ("7.3", "-v7")),
    (b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\x01IM" + bytes(64), ("cannot be read",)),
    (b"", ("cannot be read",)),
])  # fmt: skip
def test_a_matlab_file_that_cannot_be_read(content, words, place, bring):
    public_sets.sbd(place)
    only(place, "*.mat").write_bytes(content)
    bring().failed("2008_000002.mat", "GTcls.Segmentation", *words)


def test_a_matlab_file_of_something_else(place, bring):
    public_sets.sbd(place)
    savemat = module("scipy.io").savemat
    savemat(only(place, "*.mat"), {"GTcls": {"Segmentation": np.zeros((3, 4, 3))}})
    bring().failed("2008_000002.mat", "float64 (3, 4, 3)", "integers (H, W)")
    savemat(only(place, "*.mat"), {"GTinst": {"Segmentation": np.zeros((3, 4), np.uint8)}})
    bring().failed("2008_000002.mat", "GTcls")


# LoveDA


def test_loveda_background_is_class_0_and_0_is_void(place, bring):
    public_sets.loveda(place)
    done = bring().worked()
    assert done.classes == ["background", "building", "road", "water", "barren", "forest", "agriculture"]
    assert done.splits == {"train": ["Train__Rural__0", "Train__Urban__1366"], "val": ["Val__Urban__3514"]}
    assert "left out, pictures without a mask: 1 (Test/Rural/4191)" in done.out


@pytest.mark.parametrize("inner, names", [("Train", ["Rural__0", "Urban__1366"]), ("Train/Urban", ["1366"])])
def test_a_part_of_loveda(inner, names, place, bring):
    public_sets.loveda(place)
    done = bring(source=place / inner).worked()
    assert sorted(done.labels) == names


# a folder in VOC layout


def voc_folder(root, labels, names=None):
    for stem in "abc":
        save(root / f"JPEGImages/{stem}.jpg", photo())
        save(root / f"SegmentationClass/{stem}.png", labels)
    text(root / "ImageSets/Segmentation/train.txt", "a", "b")
    text(root / "ImageSets/Segmentation/val.txt", "c")
    text(root / "ImageSets/Segmentation/trainval.txt", "a", "b", "c")
    if names:
        text(root / "class_names.txt", *names)


def test_a_voc_folder_has_nothing_to_import(place, bring):
    voc_folder(place / "VOCdevkit/VOC2012", blocks(range(4)))
    bring().failed("VOC folder already", "nothing to import", "minifcn train --data", "--values")


def test_a_voc_folder_whose_numbers_are_named(place, bring):
    """Pets as somebody moved them: 1 and 2 are classes, 3 is void, 0 does not occur."""
    labels = blocks((1, 2, 3))
    voc_folder(place, labels)
    done = bring("--values", "1=pet,2=background,3=void").worked()
    assert done.classes == ["background", "pet"]
    same_labels(done.labels, dict.fromkeys("abc", np.array([9, 1, 0, 255], np.uint8)[labels]))
    assert done.splits == {"train": ["a", "b"], "val": ["c"]}


def test_a_voc_folder_of_which_some_numbers_are_void(place, bring):
    labels = blocks((0, 1, 2))
    voc_folder(place, labels, names=("earth", "leaf", "stem"))
    (place / "SegmentationClass/b.png").unlink()
    save(place / "SegmentationClass/d.png", labels)
    done = bring("--void", "1").worked()
    assert done.classes == ["earth", "stem"]
    same_labels(done.labels, dict.fromkeys("ac", np.array([0, 255, 1], np.uint8)[labels]))
    assert "left out, names in the lists without labels: 1 (b)" in done.out
    assert "left out, labels that no list names: 1 (d)" in done.out


def test_a_voc_folder_of_one_number_in_three_channels(place, bring):
    labels = blocks((0, 1, 2))
    voc_folder(place, labels[..., None].repeat(3, -1), names=("earth", "leaf", "stem"))
    bring().failed("VOC folder already")
    done = bring("--void", "2").worked()
    same_labels(done.labels, dict.fromkeys("abc", np.array([0, 1, 255], np.uint8)[labels]))


def test_a_voc_folder_of_colours(place, bring):
    """They are VOC's only where a person says so."""
    labels = blocks((0, 1, 15, 255))
    voc_folder(place, colour_map()[labels])
    bring().failed("no list in the source says which classes they are", "#800000", "--colours FILE")
    done = bring("--colours", "voc").worked()
    assert tuple(done.classes) == VOC_CLASSES
    same_labels(done.labels, dict.fromkeys("abc", labels.astype(np.uint8)))


# BDD100K, Mapillary Vistas, COCO-Stuff


def test_the_older_archive_of_bdd100k(place, bring):
    for split, name in (("train", "a"), ("train", "b"), ("val", "c")):
        save(place / f"seg/images/{split}/{name}.jpg", photo())
        save(place / f"seg/labels/{split}/{name}_train_id.png", blocks([*range(19), 255]))
    done = bring().worked()
    assert done.classes[0] == "road" and done.classes[-1] == "bicycle" and len(done.classes) == 19
    assert done.splits == {"train": ["a", "b"], "val": ["c"]}


@pytest.mark.parametrize("inside", (False, True), ids=("whole", "training alone"))
def test_kitti_of_ids_and_objects_alone(inside, place, bring):
    """Its instances have the class in their upper 8 bits; the ids are the same without them."""
    expected = public_sets.kitti(place)
    shutil.rmtree(place / "training/semantic")
    if inside:
        shutil.rmtree(place / "testing")
    done = bring().worked()
    assert "taken for kitti" in done.out and "instance/ beside image_2/ is there" in done.out
    assert done.classes[0] == "road" and done.classes[13] == "car" and len(done.classes) == 19
    same_labels(done.labels, expected)
    labels = place / "training/instance/000001_10.png"
    save(labels, np.array(opened(labels)).astype(np.uint8))
    shutil.rmtree(done.root)
    bring().failed("instance/000001_10.png", "labels of 8 bits", "has 16")


def test_kitti_with_pictures_that_nobody_labelled(place, bring):
    public_sets.kitti(place)
    save(place / "training/image_2/000000_11.png", photo())
    done = bring().worked()
    assert "pictures without labels: 1 (000000_11)" in done.out
    assert sum(map(len, done.splits.values())) == 4


def test_mapillary_with_two_versions_or_none(place, bring):
    expected = public_sets.mapillary(place)
    shutil.copytree(place / "training/v1.2", place / "training/v2.0")
    done = bring().worked()
    assert (
        done.classes == ["Bird", "Ground Animal", "Curb", "Ego Vehicle"]
        and "v2.0 is there too, and left out" in done.out
    )
    shutil.rmtree(done.root)
    shutil.rmtree(place / "training/v2.0")
    for split in ("training", "validation"):
        for path in (place / split / "v1.2").iterdir():
            path.rename(place / split / path.name)
        (place / split / "v1.2").rmdir()
    (place / "config_v1.2.json").rename(place / "config.json")
    same_labels(bring().worked().labels, expected)
    text(place / "config.json", '{"labels": [{"name": "bird"}]}')
    shutil.rmtree(done.root)
    bring().failed("config.json", "cannot be read", "evaluate")


def test_numbers_of_cocostuff_are_one_below_its_list(place, bring):
    """Its labels.txt has 1 person to 182 wood."""
    public_sets.cocostuff(place)
    done = bring().worked()
    assert (
        len(done.classes) == 182
        and done.classes[0] == "person"
        and done.classes[91] == "banner"
        and done.classes[181] == "wood"
    )
    assert done.classes[156] == "sky-other" and done.classes[90] == "hair brush"


def test_cocostuff_as_its_archives_unpack(place, bring):
    expected = public_sets.cocostuff(place)
    (place / "annotations").rename(place / "stuffthingmaps")
    for split in ("train2017", "val2017"):
        (place / "images" / split).rename(place / split)
    (place / "images").rmdir()
    same_labels(bring().worked().labels, expected)


def test_the_full_ade20k_is_refused(place, bring):
    (place / "index_ade20k.pkl").write_bytes(b"")
    save(place / "images/ADE/training/street/ADE_train_1.jpg", photo())
    bring().failed("full ADE20K", "ADEChallengeData2016")
