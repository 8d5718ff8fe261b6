"""Plain pictures and masks, in the many ways in which people lay them out."""

import struct
import unicodedata
import zlib

import numpy as np
import pytest
from PIL import Image

from minifcn.data.images import EXACT_ENDINGS, PICTURE_ENDINGS

from .builders import STEMS, build_pairs, coloured, photo, regions, save, text
from .helpers import digest, same

GREY = Image.fromarray


def lay(root, picture="images/{}.jpg", mask="masks/{}.png", stems=STEMS, make=GREY):
    """Pictures and masks by the patterns of their names; returns the numbers."""
    numbers = {}
    for seed, stem in enumerate(stems):
        numbers[stem] = regions(seed)
        if picture:
            save(photo(seed), root / picture.format(stem))
        save(make(numbers[stem]), root / mask.format(stem))
    return numbers


@pytest.mark.parametrize(
    "picture, mask",
    [
        ("images/{}.jpg", "masks/{}.png"),
        ("JPEGImages/{}.jpeg", "SegmentationClass/{}.png"),
        ("Images/{}.png", "Labels/{}.png"),
        ("imgs/{}.bmp", "gt/{}.tif"),
        ("img_dir/{}.jpg", "ann_dir/{}.png"),
        ("images/{}.jpg", "masks/{}_mask.png"),
        ("images/{}.jpg", "masks/{}_MASK.PNG"),
        ("images/{}.jpg", "masks/mask_{}.png"),
        ("images/{}.jpg", "masks/{}-label.png"),
        ("images/{}.jpg", "masks/{}_L.png"),
        ("images/{}.JPG", "masks/{}.jpg.png"),
        ("{}.jpg", "masks/{}.png"),
        ("{}.jpg", "{}_mask.png"),
        ("all/{}.jpg", "all/{}_mask.png"),
        ("{}.jpg", "{}.png"),
        ("{}.jfif", "{}.png"),
        ("{}.jpg", "{}_gt.bmp"),
        ("unpacked/images/{}.jpg", "unpacked/masks/{}.png"),
    ],
)
def test_layouts(picture, mask, tmp_path, imported):
    numbers = lay(tmp_path / "source", picture, mask)
    answer = imported(tmp_path / "source").worked().says("taken for pairs")
    same({name.rpartition("__")[2]: labels for name, labels in answer.labels.items()}, numbers)


WRITTEN_AS = {".jfif": "JPEG", ".jpe": "JPEG"}  # endings that Pillow does not write by
UNWRITTEN = {".jp2", ".avif"}  # not by every Pillow


@pytest.mark.parametrize("ending", [ending for ending in PICTURE_ENDINGS if ending not in UNWRITTEN])
def test_pictures_of_every_ending_that_a_folder_to_train_on_may_have(ending, tmp_path, imported):
    numbers = lay(tmp_path / "source")
    for stem in STEMS:
        before = tmp_path / "source/images" / f"{stem}.jpg"
        with Image.open(before) as picture:
            picture.convert("1" if ending == ".pbm" else "RGB").save(before.with_suffix(ending), WRITTEN_AS.get(ending))
        if ending != ".jpg":
            before.unlink()
    answer = imported(tmp_path / "source").worked().says("taken for pairs")
    same({name.rpartition("__")[2]: labels for name, labels in answer.labels.items()}, numbers)


@pytest.mark.parametrize("ending", sorted({*EXACT_ENDINGS} - {".webp", ".ppm", ".pbm", ".pnm"}))
def test_masks_of_every_ending_that_keeps_them_exactly(ending, tmp_path, imported):
    numbers = lay(tmp_path / "source", mask=f"masks/{{}}{ending}")
    answer = imported(tmp_path / "source").worked().says("taken for pairs")
    same({name.rpartition("__")[2]: labels for name, labels in answer.labels.items()}, numbers)


@pytest.mark.parametrize("picture, mask", [("images/image_{}.jpg", "masks/mask_{}.png"), ("{}_sat.jpg", "{}_mask.png")])
def test_a_word_at_both_names(picture, mask, tmp_path, imported):
    numbers = lay(tmp_path / "source", picture, mask)
    answer = imported(tmp_path / "source").worked()
    same({name.removeprefix("image_").removesuffix("_sat"): labels for name, labels in answer.labels.items()}, numbers)


@pytest.mark.parametrize(
    "pattern",
    [
        ("images/{split}/{name}.jpg", "masks/{split}/{name}.png"),
        ("{split}/images/{name}.jpg", "{split}/masks/{name}.png"),
        ("{split}/{name}.jpg", "{split}/{name}_mask.png"),
        ("{split}_images/{name}.jpg", "{split}_masks/{name}.png"),
        ("data/{split}/images/x/{name}.jpg", "data/{split}/labels/x/{name}.png"),
        ("images/{split}/{name}.jpg", "masks/{name}.png"),
        ("images/{name}.jpg", "masks/{split}/{name}.png"),
    ],
    ids=str,
)
@pytest.mark.parametrize("valid", ["val", "valid", "Validation"])
def test_splits_that_folders_say(pattern, valid, tmp_path, imported):
    picture, mask = pattern
    numbers = {}
    for seed, name in enumerate(STEMS):
        split = "train" if seed < 3 else valid if seed < 5 else "test"
        numbers[name] = regions(seed)
        save(photo(seed), tmp_path / "source" / picture.format(split=split, name=name))
        save(GREY(numbers[name]), tmp_path / "source" / mask.format(split=split, name=name))
    answer = imported(tmp_path / "source").worked()
    ends = {split: [name.rpartition("__")[2] for name in names] for split, names in answer.splits.items()}
    assert ends == {"train": [*"abc"], "val": [*"de"], "test": ["f"]}
    same({name.rpartition("__")[2]: labels for name, labels in answer.labels.items()}, numbers)


def test_one_name_in_two_splits_stays_two_pictures(tmp_path, imported):
    for seed, split in enumerate(("train", "val")):
        lay(tmp_path / "source", f"images/{split}/{{}}.jpg", f"masks/{split}/{{}}.png", stems="ab"[: 2 - seed])
    answer = imported(tmp_path / "source").worked()
    assert answer.splits == {"train": ["train__a", "train__b"], "val": ["val__a"]}


def test_a_mask_of_another_split_is_not_taken(tmp_path, imported):
    for split in ("train", "val"):
        lay(tmp_path / "source", f"images/{split}/{{}}.jpg", "masks/val/{}.png", stems="ab")
    answer = imported(tmp_path / "source").worked().says("pictures without a mask: 2 (a, b)")
    assert answer.splits == {"val": ["a", "b"]}


@pytest.mark.parametrize("place", ["ImageSets/Segmentation", ".", "splits"])
@pytest.mark.parametrize("line", ["{}", "{}.jpg", "images/{}.jpg", "./images/{}.jpg masks/{}.png", "images\\{}.jpg"])
def test_splits_that_lists_say(place, line, tmp_path, imported):
    lay(tmp_path / "source")
    for split, names in {"train": "ab", "val": "cd", "trainval": "abcd"}.items():
        text(tmp_path / "source" / place / f"{split}.txt", *(line.format(name, name) for name in [*names, "z"]))
    answer = imported(tmp_path / "source").worked()
    assert answer.splits == {"train": [*"ab"], "val": [*"cd"]}
    answer.says("pairs that no list names: 2 (e, f)", "names of the lists without a pair: 1 (")


def test_lists_that_name_nothing_of_it(tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/train.txt", "000001", "000002")
    imported(tmp_path / "source").failed("train.txt", "name none of the pictures, such as a", "000001")


def test_names_with_sub_folders_dots_blanks_and_accents(tmp_path, imported):
    stems = ["night/a", "a", "x.y", "x", "two words", "a_1_mask_2"]
    numbers = lay(tmp_path / "source", stems=stems)
    save(photo(1), tmp_path / "source/images" / f"{unicodedata.normalize('NFD', 'é')}.jpg")
    save(GREY(regions(2)), tmp_path / "source/masks" / f"{unicodedata.normalize('NFC', 'é')}.png")
    answer = imported(tmp_path / "source").worked()
    same(answer.labels, {name.replace("/", "__"): labels for name, labels in (numbers | {"é": regions(2)}).items()})


def test_names_that_would_become_one(tmp_path, imported):
    lay(tmp_path / "source", stems=["a/b", "a__b"])
    imported(tmp_path / "source").failed("a/b and a__b", "would both be called a__b")


def test_two_pictures_or_masks_of_one_name(tmp_path, imported):
    lay(tmp_path / "one")
    save(photo(), tmp_path / "one/images/a.png")
    imported(tmp_path / "one").failed("images/a.jpg and", "images/a.png are both called a", "take out")
    lay(tmp_path / "two", mask="masks/{}_mask.png")
    save(GREY(regions()), tmp_path / "two/masks/a_label.png")
    imported(tmp_path / "two").failed("the picture a has 2 masks: a_label, a_mask")


def test_what_has_no_partner_is_counted(tmp_path, imported):
    lay(tmp_path / "source")
    save(photo(), tmp_path / "source/images/g.jpg")
    save(GREY(regions()), tmp_path / "source/masks/h.png")
    save(photo(), tmp_path / "source/images/._a.jpg")  # what macOS leaves
    answer = imported(tmp_path / "source").worked()
    answer.says("left out, pictures without a mask: 1 (g)", "left out, masks without a picture: 1 (h)")
    assert len(answer.labels) == 6


def test_several_folders_of_masks_are_said(tmp_path, imported):
    numbers = lay(tmp_path / "source")
    lay(tmp_path / "source", mask="annotations/{}.png", make=lambda labels: GREY(3 - labels))
    lay(
        tmp_path / "source",
        mask="masks_rgb/{}.png",
        make=lambda labels: coloured(labels, [(0, 0, 0), (9, 9, 9), (1, 2, 3)]),
    )
    lay(tmp_path / "source", mask="SegmentationObject/{}.png")
    answer = imported(tmp_path / "source").worked()
    same(answer.labels, numbers)
    answer.says("the masks are those of masks/; annotations/, masks_rgb/ may hold masks too: choose with --masks NAME")
    other = imported(tmp_path / "source", "--masks annotations", out="o2").worked()
    same(other.labels, {name: 2 - labels for name, labels in numbers.items()})
    imported(tmp_path / "source", "--masks gt", out="o3").failed("--masks gt", "masks, annotations, masks_rgb")


def test_masks_alone(tmp_path, imported):
    numbers = lay(tmp_path / "here", picture="", mask="{}_mask.png")
    lay(tmp_path / "there", mask="elsewhere/{}.png")
    imported(tmp_path / "here").failed("of no format that is known here")
    imported(tmp_path / "here", "--format pairs").failed("--pictures FOLDER")
    answer = imported(tmp_path / "here", f"--format pairs --pictures {tmp_path / 'there/images'}").worked()
    same(answer.labels, numbers)


def test_no_names_in_common(tmp_path, imported):
    lay(tmp_path / "source", picture="images/photo{}.jpg", mask="masks/of{}.png")
    imported(tmp_path / "source").failed("no mask has the name of a picture", "photoa.jpg", "ofa.png")


def table_of(numbers):
    """The labels that numbers mean where classes are called by them: places among the numbers in use."""
    used = np.unique(np.concatenate([labels.ravel() for labels in numbers.values()]))
    return {name: np.searchsorted(used, labels).astype(np.uint8) for name, labels in numbers.items()}


def test_numbers_without_a_list_are_called_by_their_numbers(tmp_path, imported):
    numbers = lay(tmp_path / "source", make=lambda labels: GREY(np.array([0, 8, 15], np.uint8)[labels]))
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["number 0", "number 8", "number 15"]
    same(answer.labels, numbers)
    answer.says("no list of classes is in the source, so they are called by their numbers")


def test_black_and_white_is_an_object_on_background(tmp_path, imported):
    numbers = lay(tmp_path / "source", make=lambda labels: GREY((labels > 0).astype(np.uint8) * 255))
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["background", "object"]
    same(answer.labels, {name: (labels > 0).astype(np.uint8) for name, labels in numbers.items()})
    answer.says("0 is taken for background and 255 for the object")


def test_black_and_white_in_16_bits_is_an_object_on_background(tmp_path, imported):
    """As Fiji and OpenCV write masks: 65535 is white, and no class of that number."""
    numbers = lay(tmp_path / "source", make=lambda labels: GREY((labels > 0).astype(np.uint16) * 65535))
    answer = imported(tmp_path / "source").worked().says("0 is taken for background and 65535 for the object")
    assert answer.classes == ["background", "object"]
    same(answer.labels, {name: (labels > 0).astype(np.uint8) for name, labels in numbers.items()})


def test_large_numbers_of_one_mask_each_are_objects(tmp_path, imported):
    """Each picture's cells have numbers of their own: six classes of one picture were trained."""
    count = iter(range(1000, 9999))
    lay(tmp_path / "source", make=lambda labels: GREY(np.where(labels > 0, next(count), 0).astype(np.uint16)))
    words = "the labels hold numbers up to 1005, and 6 of the 6 above 255 stand in one mask alone: rather numbers of single objects"
    imported(tmp_path / "source").failed(words, "give --threshold 1", "name them with --values FILE")


def test_large_numbers_that_come_again_are_classes(tmp_path, imported):
    lay(tmp_path / "source", make=lambda labels: GREY(np.array([111, 311, 523], np.uint16)[labels]))
    assert imported(tmp_path / "source").worked().classes == ["number 111", "number 311", "number 523"]


def test_a_table_may_quote_names_with_commas(tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/classes.csv", "id, name", '0, "background"', '1, "leaf, green"', "2, stem")
    assert imported(tmp_path / "source").worked().classes == ["background", "leaf, green", "stem"]


LISTS = {
    "classes.txt": ["background", "leaf", "stem"],
    "class_names.txt": ["_background_", "leaf", "stem"],
    "labels.txt": ["__ignore__", "Background", "leaf", "stem"],
    "label_names.txt": ["0 background", "1 leaf", "2 stem"],
    "names.txt": ["0: background", "2: stem", "1: leaf"],
    "classes.csv": ["id,name", "0,background", "1,leaf", "2,stem"],
    "_classes.csv": ["Pixel Value, Class", "0, background", "1, leaf", "2, stem"],
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("place", [".", "masks"])
def test_a_list_beside_the_masks(name, place, tmp_path, imported):
    numbers = {}
    for seed, stem in enumerate(STEMS):
        numbers[stem] = regions(seed)
        numbers[stem][-1] = 255
        save(photo(seed), tmp_path / f"source/images/{stem}.jpg")
        save(GREY(numbers[stem]), tmp_path / f"source/masks/{stem}.png")
    text(tmp_path / "source" / place / name, *LISTS[name])
    answer = (
        imported(tmp_path / "source").worked().says(f"the classes are those of {tmp_path / 'source' / place / name}")
    )
    assert sorted(answer.classes) == ["background", "leaf", "stem"] and answer.classes[0] == "background"
    where = {"background": 0, "leaf": answer.classes.index("leaf"), "stem": answer.classes.index("stem")}
    table = np.arange(256, dtype=np.uint8)
    table[1], table[2] = where["leaf"], where["stem"]
    same(answer.labels, {stem: table[labels] for stem, labels in numbers.items()})


COLOURS = [(0, 0, 0), (51, 221, 255), (250, 50, 83)]
COLOUR_LISTS = {
    "label_colors.txt": ["0 0 0 background", "51 221 255 leaf", "250 50 83 Void"],
    "colors.txt": ["0,0,0,background", "51,221,255,leaf", "250,50,83,void"],
    "class_dict.csv": ["name,r,g,b", "background,0,0,0", "leaf,51,221,255", "void,250,50,83"],
    "labelmap.txt": ["# label:color_rgb:parts:actions", "background:0,0,0::", "leaf:51,221,255::", "void:250,50,83::"],
    "labelmap.csv": ["name,r,g,b", "background,0,0,0", "leaf,51,221,255", "void,250,50,83"],
    "dataset_meta.json": [
        '{"label_map": {"0": "background", "1": "leaf", "2": "Void"}, "background_label": "0",',
        '"segmentation_colors": [[0, 0, 0], [51, 221, 255], [250, 50, 83]]}',
    ],
}


@pytest.mark.parametrize("name", COLOUR_LISTS)
@pytest.mark.parametrize("palette", [False, True], ids=["true colour", "palette"])
def test_a_list_of_colours(name, palette, tmp_path, imported):
    """Of a palette whose numbers are in another order the colours count, as the list says colours."""

    def make(labels):
        if not palette:
            return coloured(labels, COLOURS)
        image = GREY((2 - labels).astype(np.uint8))
        image.putpalette(bytes(np.array(COLOURS[::-1], np.uint8)))
        return image

    numbers = lay(tmp_path / "source", make=make)
    text(tmp_path / "source" / name, *COLOUR_LISTS[name])
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["background", "leaf"]
    same(answer.labels, {stem: np.array([0, 1, 255], np.uint8)[labels] for stem, labels in numbers.items()})


def test_colours_without_a_list(tmp_path, imported):
    numbers = lay(tmp_path / "source", make=lambda labels: coloured(labels, COLOURS))
    imported(tmp_path / "source").failed("#000000 (0, 0, 0)", "#33ddff", "--colours FILE")
    text(tmp_path / "mine.txt", "# my colours", "0 0 0 background", "51 221 255 leaf", "", "250 50 83 stem")
    answer = imported(tmp_path / "source", f"--colours {tmp_path / 'mine.txt'}").worked()
    assert answer.classes == ["background", "leaf", "stem"]
    same(answer.labels, numbers)


def test_palettes_that_differ_from_file_to_file(tmp_path, imported):
    """Image editors sort the palette anew by what is in use: the same number is another class in each file."""
    turns = iter(range(6))

    def make(labels):
        order = np.roll(np.arange(3), next(turns))
        image = GREY(np.argsort(order).astype(np.uint8)[labels])
        image.putpalette(bytes(np.array(COLOURS, np.uint8)[order]))
        return image

    numbers = lay(tmp_path / "source", make=make)
    imported(tmp_path / "source").failed("#33ddff", "--colours FILE")
    text(tmp_path / "source/class_dict.csv", "name,r,g,b", "background,0,0,0", "leaf,51,221,255", "stem,250,50,83")
    answer = imported(tmp_path / "source").worked().says("palettes differ from file to file")
    same(answer.labels, numbers)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_grey_in_several_channels_is_numbers(mode, tmp_path, imported):
    numbers = lay(tmp_path / "source", make=lambda labels: GREY(labels).convert(mode))
    same(imported(tmp_path / "source").worked().labels, numbers)


def test_what_can_be_seen_through_is_refused(tmp_path, imported):
    def make(labels):
        image = GREY(labels).convert("RGBA")
        image.putalpha(GREY(np.where(labels == 2, 0, 255).astype(np.uint8)))
        return image

    lay(tmp_path / "source", make=make)
    imported(tmp_path / "source").failed("masks/a.png", "pixels are transparent")


def test_one_coloured_mask_among_grey_ones_is_no_number(tmp_path, imported):
    """Twenty masks of grey in three channels, and one that is coloured where nobody looks."""
    stems = [f"{number:02}" for number in range(20)]
    lay(tmp_path / "source", stems=stems, make=lambda labels: GREY(np.minimum(labels, 1)).convert("RGB"))
    save(coloured(regions(), COLOURS), tmp_path / "source/masks/13.png")
    imported(tmp_path / "source").failed("masks/13.png", "holds colours, not one class number")


@pytest.mark.parametrize("beside", [True, False])
def test_masks_that_are_all_black_but_one(beside, tmp_path, imported):
    """Those that are looked at are black, which is grey; the list says colours, so they are."""
    stems = [f"{number:02}" for number in range(20)]
    lay(tmp_path / "source", stems=stems, make=lambda labels: coloured(0 * labels, COLOURS))
    save(coloured(regions(), COLOURS), tmp_path / "source/masks/13.png")
    place = tmp_path / ("source/label_colors.txt" if beside else "mine.txt")
    text(place, "0 0 0 background", "51 221 255 leaf", "250 50 83 stem")
    answer = imported(tmp_path / "source", "" if beside else f"--colours {place}").worked()
    same({"13": answer.labels["13"]}, {"13": regions()})


def test_the_first_mask_is_black(tmp_path, imported):
    numbers = lay(tmp_path / "source", make=lambda labels: coloured(labels, COLOURS))
    save(coloured(0 * regions(), COLOURS), tmp_path / "source/masks/a.png")
    imported(tmp_path / "source").failed("the labels are colours", "--colours FILE")
    assert len(numbers) == 6


def test_arrays(tmp_path, imported):
    numbers = {}
    for seed, stem in enumerate(STEMS):
        numbers[stem] = regions(seed)
        save(photo(seed), tmp_path / f"source/images/{stem}.jpg")
        (tmp_path / "source/masks").mkdir(exist_ok=True)
        kind = [np.uint8, np.int64, np.float32, np.int16, np.uint16, np.float64][seed]
        np.save(
            tmp_path / f"source/masks/{stem}.npy",
            numbers[stem].astype(kind)[..., None] if seed % 2 else numbers[stem].astype(kind),
        )
    same(imported(tmp_path / "source").worked().labels, numbers)


@pytest.mark.parametrize(
    "array, words",
    [
        (np.zeros((24, 32, 3), np.uint8), ["uint8 (24, 32, 3)", "(H, W) is expected"]),
        (np.full((24, 32), 0.5), ["float64", "not whole"]),
        (np.full((24, 32), np.nan), ["not whole"]),
        (np.full((24, 32), 1 << 40), ["too large"]),
        (np.full((24, 32), "a"), ["<U1 (24, 32)"]),
        (np.array([{}]), ["cannot be read as a NumPy array"]),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_arrays_that_are_no_labels(array, words, tmp_path, imported):
    save(photo(), tmp_path / "source/images/a.jpg")
    (tmp_path / "source/masks").mkdir()
    np.save(tmp_path / "source/masks/a.npy", array, allow_pickle=True)
    imported(tmp_path / "source").failed("masks/a.npy", *words)


def tiff(numbers, bits, photometric):
    """A grey TIFF of one strip, by its standard alone."""
    height, width = numbers.shape
    per = 8 // bits
    rows = numbers.reshape(height, width // per, per)
    packed = sum(rows[..., place].astype(np.int64) << (8 - bits * (place + 1)) for place in range(per)).astype(np.uint8)
    tags = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 0),
        (277, 1),
        (278, height),
        (279, packed.size),
    ]
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, start if tag == 273 else value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + packed.tobytes()


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("photometric", [0, 1])
def test_tiffs_hold_the_numbers_that_are_stored(bits, photometric, tmp_path, imported):
    """Pillow stretches few bits to 255, and turns numbers around where 0 is white; other programs do neither."""
    numbers = lay(tmp_path / "source", mask="masks/{}.tif")
    for stem, labels in numbers.items():
        (tmp_path / f"source/masks/{stem}.tif").write_bytes(tiff(labels, bits, photometric))
    answer = imported(tmp_path / "source").worked()
    same(answer.labels, numbers)
    assert ("in 6 masks, TIFFs, 0 is stored for white" in answer.out) == (photometric == 0)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_pngs_of_few_bits(bits, tmp_path, imported):
    numbers = lay(tmp_path / "source")
    numbers = {stem: np.minimum(labels, (1 << bits) - 1) for stem, labels in numbers.items()}
    for stem, labels in numbers.items():
        (tmp_path / f"source/masks/{stem}.png").write_bytes(grey_png(labels, bits))
    same(imported(tmp_path / "source").worked().labels, numbers)


def grey_png(numbers, bits):
    """A grey PNG, by its standard alone."""
    height, width = numbers.shape
    per = 8 // bits
    rows = numbers.reshape(height, width // per, per)
    packed = sum(rows[..., place].astype(np.int64) << (8 - bits * (place + 1)) for place in range(per)).astype(np.uint8)
    lines = b"".join(b"\0" + row.tobytes() for row in packed)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint16])
def test_tiffs_of_wide_numbers(kind, tmp_path, imported):
    numbers = lay(tmp_path / "source", mask="masks/{}.tif", make=lambda labels: GREY(labels.astype(kind)))
    same(imported(tmp_path / "source").worked().labels, numbers)
    save(GREY(np.full((24, 32), 0.5, np.float32)), tmp_path / "source/masks/c.tif")
    imported(tmp_path / "source", out="o2").failed("c.tif", "not whole")


def test_jpeg_masks_of_two_greys(tmp_path, imported):
    """The share of what lies between is said, and nobody's shades become classes."""
    numbers = {}
    for seed, stem in enumerate(STEMS):
        numbers[stem] = (regions(seed) > 0).astype(np.uint8)
        save(photo(seed), tmp_path / f"source/images/{stem}.jpg")
        save(GREY(numbers[stem] * 255), tmp_path / f"source/masks/{stem}.jpg", quality=60)
    imported(tmp_path / "source").failed("two greys", "saved as JPEG", "--threshold 128", "another than 0 and 255")
    answer = imported(tmp_path / "source", "--threshold 128").worked()
    assert answer.classes == ["background", "object"]
    same(answer.labels, numbers)
    shades = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "source/masks").iterdir())]
    share = np.mean([((shade > 0) & (shade < 255)).mean() for shade in shades])
    assert share > 0.01
    answer.says(f"{100 * share:.2f} % of the pixels are neither 0 nor 255; --threshold 128 decided")


@pytest.mark.parametrize("values", [(0, 127, 255), (0, 128, 255)])
def test_greys_that_are_spread_to_be_seen(values, tmp_path, imported):
    """255 is the third class here, and not void."""
    numbers = lay(tmp_path / "source", make=lambda labels: GREY(np.array(values, np.uint8)[labels]))
    words = [f"{value}=NAME" for value in values]
    imported(tmp_path / "source").failed("3 numbers evenly from 0 to 255", f"--values {','.join(words)}")
    named = ",".join(f"{value}={name}" for value, name in zip(values, ("background", "leaf", "stem"), strict=True))
    same(imported(tmp_path / "source", f"--values {named}").worked().labels, numbers)


def test_a_threshold_that_nothing_reaches(tmp_path, imported):
    lay(tmp_path / "source")
    imported(tmp_path / "source", "--threshold 128").failed("--threshold 128: no pixels reach it")


def test_jpeg_masks_in_three_channels(tmp_path, imported):
    numbers = {}
    for seed, stem in enumerate(STEMS):
        numbers[stem] = (regions(seed) > 0).astype(np.uint8)
        save(photo(seed), tmp_path / f"source/images/{stem}.jpg")
        save(
            coloured(numbers[stem], [(0, 0, 0), (255, 40, 40)]),
            tmp_path / f"source/masks/{stem}.jpg",
            quality=95,
            subsampling=0,
        )
    same(imported(tmp_path / "source", "--threshold 50").worked().labels, numbers)


def test_twenty_classes_are_no_shades(tmp_path, imported):
    """Many numbers of which two are frequent: only where little else is there are they shades."""
    save(photo(), tmp_path / "source/images/a.jpg")
    labels = np.repeat(np.arange(24, dtype=np.uint8)[:, None], 32, 1)
    labels[:6], labels[-3:] = 0, 200
    save(GREY(labels), tmp_path / "source/masks/a.png")
    assert len(imported(tmp_path / "source").worked().classes) == 17


def test_a_list_of_names_that_is_too_short(tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/classes.txt", "background", "leaf")
    imported(tmp_path / "source").failed("1 numbers in", "no class in the source's list: 2", "--values")


@pytest.mark.parametrize(
    "lines, words",
    [
        (["a", "b", "a"], ["classes.txt", "'a' stands twice"]),
        (["0 a", "0 b", "2 c"], ["classes.txt, line 2", "the number 0 stands in a line above"]),
        (["0 0 0 a", "0 0 0 b"], ["classes.txt, line 2", "the colour 0,0,0"]),
        (["0 0 0 a", "0 0 300 b"], ["line 2", "'0,0,300' is no colour"]),
        ([], ["no classes in it"]),
    ],
)
def test_lists_that_cannot_be(lines, words, tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/classes.txt", *lines)
    imported(tmp_path / "source").failed(*words)


@pytest.mark.parametrize(
    "lines, words",
    [
        (["name,r,g", "a,1,2"], ["its heading is 'name, r, g'"]),
        (["name,r,g,b", "a,1,2"], ["line 2", "3 columns, its heading 4"]),
        (["id,name", "1,a, b"], ["line 2", "3 columns, its heading 2"]),
        (["id,name", "x,a"], ["line 2", "'x' is no number"]),
        (["id,name", "1,a", "1,b"], ["line 3", "stands in a line above"]),
    ],
)
def test_tables_that_cannot_be(lines, words, tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/classes.csv", *lines)
    imported(tmp_path / "source").failed("classes.csv", *words)


def test_two_lists_that_differ(tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/classes.txt", "background", "leaf", "stem")
    text(tmp_path / "source/labels.txt", "__ignore__", "_background_", "leaf", "stem")
    imported(tmp_path / "source").failed("classes.txt and labels.txt", "different things")


def test_a_list_that_fits_the_other_kind_is_not_used(tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/label_colors.txt", *COLOUR_LISTS["label_colors.txt"])
    imported(tmp_path / "source").worked().says("gives colours, but the masks hold numbers: it is not used")


def test_a_json_list_of_numbers(tmp_path, imported):
    """Datumaro's dataset_meta.json, in which colours are optional."""
    numbers = lay(tmp_path / "source")
    text(tmp_path / "source/dataset_meta.json", '{"label_map": {"2": "stem", "0": "Background", "1": "Void"}}')
    answer = imported(tmp_path / "source").worked().says("the classes are those of", "dataset_meta.json")
    assert answer.classes == ["background", "stem"]
    same(answer.labels, {stem: np.array([0, 255, 1], np.uint8)[labels] for stem, labels in numbers.items()})


@pytest.mark.parametrize("content", ["{", "[]", '{"label_map": {}}', '{"label_map": {"a": "b"}}', '{"label_map": [1]}'])
def test_a_json_list_that_cannot_be(content, tmp_path, imported):
    lay(tmp_path / "source")
    text(tmp_path / "source/dataset_meta.json", content)
    imported(tmp_path / "source").failed("dataset_meta.json", "no list of labels can be read from it")


def test_the_source_stays_as_it_is(tmp_path, imported):
    build_pairs(tmp_path / "source")
    before = digest(tmp_path / "source")
    imported(tmp_path / "source").worked()
    imported(tmp_path / "source", "--copy", out="o2").worked()
    assert digest(tmp_path / "source") == before
