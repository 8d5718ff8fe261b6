"""Label files as other programs write them: the numbers are those that are stored, and what holds none says why."""

import struct
from functools import partial

import numpy as np
import pytest
from PIL import Image, features

from minifcn.data import ClassMap, DataError, VOCFolder, read_labels
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.coloured import Choice
from minifcn.data.check.fixing import convert_labels, fix_colours, fix_numbers
from minifcn.data.check.recolour import convert_colours
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS, opened
from minifcn.data.labels import file_numbers

from .byhand import png, tiff, tiff_head, tiff_page
from .folders import LABELS, PICTURES, flat_picture, numbered, write_folder

AVIF = ".avif" in Image.registered_extensions() and features.check("avif")
NUMBERS = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [3, 3, 0, 1]], np.uint8)


def file(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def saved(tmp_path, image, name="a.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def refused(path, known=None):
    with pytest.raises(DataError) as caught:
        read_labels(path, known)
    return str(caught.value)


@pytest.mark.parametrize("dtype, name", [("uint16", "a.png"), ("uint16", "a.tif"), ("int32", "a.tif")])
def test_wide_numbers_that_fit_a_byte(dtype, name, tmp_path):
    values = np.array([[0, 1, 254, 255]], dtype)
    labels = read_labels(saved(tmp_path, Image.fromarray(values), name))
    assert labels.dtype == np.uint8 and labels.tolist() == values.tolist()


def test_minus_one_is_void(tmp_path):
    assert read_labels(saved(tmp_path, Image.fromarray(np.array([[-1, 3]], np.int32)), "a.tif")).tolist() == [[255, 3]]
    sixteen = struct.pack("<hh", -1, 7)  # a signed 16-bit TIFF, which Pillow does not write
    assert read_labels(file(tmp_path, tiff(sixteen, 2, 1, 16, 1, more=[(339, 2)]), "b.tif")).tolist() == [[255, 7]]
    assert "values from -2" in refused(saved(tmp_path, Image.fromarray(np.array([[-2, 3]], np.int32)), "c.tif"))


@pytest.mark.parametrize("dtype, name", [("uint16", "a.png"), ("uint16", "a.tif"), ("int32", "a.tif")])
def test_numbers_that_no_byte_holds(dtype, name, tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[0, 256, 1000]], dtype)), name)
    assert refused(path).startswith(
        f"labels {path}: values up to 1000: more than a byte holds, instances perhaps; write for every pixel"
    )


def test_65535_among_classes_is_void_perhaps(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[0, 3, 65535, 65535]], np.uint16)))
    assert f"labels {path}: the value 65535 in 2 pixels, void perhaps" in refused(
        path
    ) and "write 255 for it" in refused(path)


def test_black_and_white_in_16_bits_is_no_void(tmp_path):
    """It was called void, perhaps: who followed that trained on nothing."""
    path = saved(tmp_path, Image.fromarray(np.array([[0, 65535, 65535]], np.uint16)))
    assert refused(path) == (
        f"labels {path}: a mask of 0 and 65535, black and white in 16 bits, and no class numbers; write the number of the object's class, "
        "1 perhaps, for 65535 (minifcn import takes such masks as they are)"
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_equal_channels_hold_numbers(mode, tmp_path):
    image = (
        Image.merge("RGB", [Image.fromarray(NUMBERS)] * 3).convert("RGBA")
        if mode == "RGBA"
        else Image.fromarray(NUMBERS).convert(mode)
    )
    assert image.mode == mode
    np.testing.assert_array_equal(read_labels(saved(tmp_path, image), 4), NUMBERS)


def test_16_bits_a_channel_have_lost_the_numbers(tmp_path):
    rows = [np.repeat(row.astype(">u2")[:, None], 3, 1).astype(">u2").tobytes() for row in NUMBERS]
    path = file(tmp_path, png(rows, 4, 16, 2), "a.png")
    assert f"labels {path}: mode RGB holds 16 bits a channel, of which the lower 8 are lost" in refused(path)


def test_a_grey_that_is_a_colour_of_the_palette_is_asked_about(tmp_path):
    grey = np.array([[0, 128]], np.uint8)
    path = saved(tmp_path, Image.fromarray(grey).convert("RGB"))
    words = "(128, 128, 128) may be a grey of masks of 2 greys, and is the VOC palette's colour of class 7 as well"
    assert words in refused(path, known=8)
    assert read_labels(path, known=7).tolist() == grey.tolist()  # there is no class 7: the class map refuses 128
    assert (
        read_labels(saved(tmp_path, Image.fromarray(grey), "l.png"), known=8).tolist() == grey.tolist()
    )  # one channel: numbers


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "j.tif", "a.avif"])
def test_lossy_files_hold_no_labels(name, tmp_path):
    if name == "a.avif" and not AVIF:
        image = None
    else:
        image = Image.fromarray(np.kron(NUMBERS, np.ones((8, 8), np.uint8)))
    if image is not None:
        path = saved(tmp_path, image, name, **({"compression": "jpeg"} if name == "j.tif" else {}))
        assert (
            "keeps no exact numbers" in refused(path)
            and "save the labels again" in refused(path)
            and "PNG" in refused(path)
        )
        path.rename(tmp_path / "renamed.png")  # by what is in it, not by its name
        assert "keeps no exact numbers" in refused(tmp_path / "renamed.png")


def test_a_blurred_mask_is_read_where_a_threshold_will_part_it(tmp_path):
    mask = np.kron(np.eye(4, dtype=np.uint8) * 255, np.ones((9, 9), np.uint8))
    path = saved(tmp_path, Image.fromarray(mask), "a.jpg", quality=60)
    numbers = file_numbers(opened(path, "labels"), path, blurred=True)
    assert len(np.unique(numbers)) > 2
    np.testing.assert_array_equal(numbers >= 128, mask == 255)


@pytest.mark.parametrize("extended", [False, True])
def test_lossless_webp_holds_labels(extended, tmp_path):
    """An extended one has other chunks before that of the pixels."""
    exif = Image.Exif()
    exif[0x010E] = "a description"
    path = saved(tmp_path, Image.fromarray(NUMBERS), "a.webp", lossless=True, **({"exif": exif} if extended else {}))
    assert (b"VP8X" in path.read_bytes()) == extended
    np.testing.assert_array_equal(read_labels(path), NUMBERS)


@pytest.mark.parametrize("name", ["a.bmp", "a.gif", "a.tga", "a.tiff"])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_other_exact_formats(name, mode, tmp_path):
    image = Image.fromarray(NUMBERS)
    if mode == "P":
        image.putpalette([9, 9, 9, 8, 8, 8, 7, 7, 7, 200, 1, 1])
    elif name == "a.gif":  # Pillow numbers greys anew as it saves them
        return
    path = saved(tmp_path, image, name)
    np.testing.assert_array_equal(read_labels(path), NUMBERS)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(
    "bits, content, expected",
    [
        (1, b"\x50", [0, 1, 0, 1]),
        (2, b"\x1b", [0, 1, 2, 3]),
        (4, b"\x0f\x95", [0, 15, 9, 5]),
        (8, b"\x00\x01\x02\xff", [0, 1, 2, 255]),
    ],
)
def test_numbers_of_a_tiff_are_those_stored(bits, content, expected, photometric, order, tmp_path):
    """Whether white is zero or not: photometric 0 is what Pillow turns round, and some libraries write it unasked."""
    path = file(tmp_path, tiff(content, 4, 1, bits, photometric, order), "a.tif")
    assert read_labels(path).tolist() == [expected]


def test_16_bits_with_white_as_zero(tmp_path):
    path = file(tmp_path, tiff(struct.pack("<4H", 0, 1, 2, 255), 4, 1, 16, 0), "a.tif")
    assert read_labels(path).tolist() == [[0, 1, 2, 255]]


@pytest.mark.parametrize("maxval", [1, 2, 3, 7, 20, 100, 254, 255, 256, 1000, 65535])
@pytest.mark.parametrize("plain", [False, True])
def test_numbers_of_a_pgm_are_those_stored(maxval, plain, tmp_path):
    values = np.arange(min(maxval, 255) + 1)
    if plain:
        content = b"P2\n%d 1\n%d\n" % (len(values), maxval) + " ".join(map(str, values)).encode()
    else:
        content = b"P5\n%d 1\n%d\n" % (len(values), maxval) + values.astype(">u1" if maxval < 256 else ">u2").tobytes()
    assert read_labels(file(tmp_path, content, "a.pgm")).tolist() == [values.tolist()]


def test_numbers_of_a_ppm_and_a_pbm(tmp_path):
    content = b"P6\n2 1\n9\n" + bytes([1, 1, 1, 9, 9, 9])
    assert read_labels(file(tmp_path, content, "a.ppm")).tolist() == [[1, 9]]
    assert read_labels(file(tmp_path, b"P4\n4 1\n\xa0", "a.pbm")).tolist() == [[1, 0, 1, 0]]
    assert read_labels(file(tmp_path, b"P1\n4 1\n1 0 1 1", "b.pbm")).tolist() == [[1, 0, 1, 1]]


@pytest.mark.parametrize("bits, numbers", [(1, [0, 1]), (2, [0, 1, 2, 3]), (4, [0, 3, 15])])
def test_a_palette_png_of_few_bits(bits, numbers, tmp_path):
    """Pillow saves so many bits as the palette is long."""
    image = Image.fromarray(np.array([numbers], np.uint8))
    image.putpalette([7, 8, 9] * 2**bits)
    path = saved(tmp_path, image)
    assert path.read_bytes()[24] == bits  # of IHDR
    assert read_labels(path).tolist() == [numbers]


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tag_does_not_turn_labels(orientation, name, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(NUMBERS), name, exif=exif)
    np.testing.assert_array_equal(read_labels(path), NUMBERS)


def test_pages(tmp_path):
    pages = [Image.fromarray(NUMBERS), Image.fromarray(NUMBERS)]
    path = saved(tmp_path, pages[0], "a.tif", save_all=True, append_images=pages[1:])
    assert refused(path) == f"labels {path}: 2 pages in one file; save the one that holds the labels alone"
    path = saved(
        tmp_path, pages[0], "b.gif", save_all=True, append_images=[Image.fromarray(NUMBERS[::-1].copy())], duration=9
    )
    assert "2 pages in one file" in refused(path)


def test_a_smaller_copy_is_no_page_of_its_own(tmp_path):
    """Map programs keep smaller copies of a page in the same file: tag 254 says so."""
    first = partial(tiff_page, NUMBERS.tobytes(), 4, 3, 8, 1)
    second = 8 + len(first())
    small = tiff_page(NUMBERS[:2, :2].tobytes(), 2, 2, 8, 1, start=second, more=[(254, 1)])
    path = file(tmp_path, tiff_head("<") + first(following=second) + small, "a.tif")
    with Image.open(path) as image:
        assert image.n_frames == 2
    np.testing.assert_array_equal(read_labels(path), NUMBERS)


def test_a_tiff_of_a_kind_that_pillow_does_not_read(tmp_path):
    path = file(tmp_path, tiff(bytes(32), 4, 1, 64, 1), "a.tif")
    assert "a TIFF of a kind that Pillow does not read, such as 64 bits a number" in refused(path)


def test_floating_point(tmp_path):
    path = saved(tmp_path, Image.new("F", (4, 3)), "a.tif")
    assert f"labels {path}: mode F holds floating point, not class numbers" in refused(path)


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]})


FOUR = ClassMap.own(["ground", "x", "y", "z"])


def check(root, classes=FOUR, **options):
    return DataFolder(root, **options).check(classes)


@pytest.mark.parametrize(
    "ending", [ending for ending in LABEL_ENDINGS if ending not in (".jpg", ".jpeg", ".jfif", ".jpe", ".avif")]
)
def test_labels_of_any_exact_ending_are_found(ending, root):
    (root / LABELS / "a.png").unlink()
    image = Image.fromarray(np.full((6, 8), 2, np.uint8))
    if ending == ".pbm":
        image = Image.fromarray(np.ones((6, 8), bool))
    elif ending == ".gif":
        image.putpalette([1, 2, 3, 4, 5, 6, 7, 8, 9])
    image.save(root / LABELS / f"a{ending.upper()}", **({"lossless": True} if ending == ".webp" else {}))
    expected = {".pbm": 0, ".gif": 0}.get(ending, 2)  # in a PBM white is 0; Pillow's GIF numbers anew from 0
    assert VOCFolder(root, "train", FOUR).labels(0).tolist() == [[expected] * 8] * 6
    assert not check(root).findings


@pytest.mark.parametrize("ending", PICTURE_ENDINGS)
def test_pictures_of_any_ending_are_found(ending, root):
    image = flat_picture(colour=(10, 200, 30))
    if ending == ".avif" and not AVIF:
        pytest.skip("needs a Pillow with AVIF")
    if ending == ".jp2" and not features.check("jpg_2000"):
        pytest.skip("needs a Pillow with JPEG 2000")
    (root / PICTURES / "a.png").unlink()
    image.convert({".pgm": "L", ".pbm": "1"}.get(ending, "RGB")).save(root / PICTURES / f"a{ending}")
    assert VOCFolder(root, "train", FOUR).picture(0).shape == (6, 8, 3)
    assert not check(root).findings


def test_of_two_with_one_name_the_ending_that_stands_first_is_read(root):
    flat_picture(colour=(9, 9, 9)).save(root / PICTURES / "a.bmp")
    Image.fromarray(np.full((6, 8), 3, np.uint8)).save(root / LABELS / "b.tif")
    assert VOCFolder(root, "train", FOUR).labels(1).max() == 1  # that of b.png
    said = [finding.message for finding in check(root).warnings if finding.kind == "same name"]
    assert said == [
        f"{root / PICTURES / 'a.bmp'}: not read, for a.png beside it is",
        f"{root / LABELS / 'b.tif'}: not read, for b.png beside it is",
    ]


def test_hidden_files_are_nobodys(root):
    """A Mac leaves ._a.png beside a.png."""
    (root / LABELS / "._a.png").write_bytes(b"no picture")
    (root / PICTURES / "._a.png").write_bytes(b"no picture")
    report = check(root)
    assert not report.findings and not [each for each in report.warnings if each.kind in ("same name", "unused")]


def test_jpeg_labels_are_named(root):
    (root / LABELS / "a.png").unlink()
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(root / LABELS / "a.jpg")
    (finding,) = check(root).findings
    assert (
        finding.kind == "lossy" and f"labels {root / LABELS / 'a.jpg'}: JPEG keeps no exact numbers" in finding.message
    )


def test_wide_labels_in_a_folder(root):
    Image.fromarray(np.full((6, 8), 3, np.uint16)).save(root / LABELS / "a.png")
    Image.fromarray(np.full((6, 8), 1000, np.uint16)).save(root / LABELS / "b.png")
    report = check(root)
    (finding,) = report.findings
    assert (
        finding.kind == "too large"
        and "b.png: values up to 1000: more than a byte holds, instances perhaps" in finding.message
    )
    assert report.pairs["a"].counts == {3: 48}


def test_white_as_zero_is_told(root):
    (root / LABELS / "a.png").unlink()
    (root / LABELS / "a.tif").write_bytes(tiff(bytes([3]) * 48, 8, 6, 8, 0))
    report = check(root)
    (note,) = [each for each in report.warnings if each.kind == "inverted"]
    assert not report.findings and report.pairs["a"].counts == {3: 48} and "stored with white as zero" in note.message


def kinds(report):
    return {each.kind for each in [*report.findings, *report.warnings]}


def test_what_convert_labels_does_not_convert(root):
    with pytest.raises(DataError, match=r"a\.png: not converted, for it is of class numbers already"):
        convert_labels(root / LABELS / "a.png", numbered(4))
    Image.new("RGB", (8, 6), (1, 2, 3)).save(root / LABELS / "a.png")
    with pytest.raises(DataError, match=r"a\.png: not converted, for mode RGB; \(1, 2, 3\) in 48 pixels"):
        convert_labels(root / LABELS / "a.png", numbered(4))
    assert not (root / "SegmentationClass_colours").exists()


def test_fix_says_what_it_could_not_write(root, fill_disk):
    Image.fromarray(np.full((6, 8), 2, np.uint8)).convert("RGB").save(root / LABELS / "a.png")
    data = DataFolder(root)
    report = data.check(FOUR)
    fill_disk()
    fixed, kept = fix_numbers(data, report, numbered(4))
    assert not fixed and "a.png: not converted, it is as it was" in kept[0] and "three channels" in kinds(report)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_equal_channels_are_told_and_fix_writes_one(mode, root):
    labels = np.tile(np.array([0, 2], np.uint8), (6, 4))
    path = root / LABELS / "a.png"
    Image.fromarray(labels).convert("RGB").convert(mode).save(path)
    content = path.read_bytes()
    data = DataFolder(root)
    report = data.check(FOUR)
    (note,) = [each for each in report.warnings if each.kind == "three channels"]
    assert not report.findings and "these are class numbers in three equal channels" in note.message
    assert fix_colours(report, numbered(4)) == []  # these are no colours
    assert fix_numbers(data, report, numbered(4)) == ({"three channels": 1}, []) and "three channels" not in kinds(
        report
    )
    with Image.open(path) as image:
        assert image.mode == "P"
    np.testing.assert_array_equal(read_labels(path), labels)
    assert (root / "SegmentationClass_colours" / "a.png").read_bytes() == content


VOC = ClassMap.voc()


def grey_and_black(root, name="a"):
    labels = np.tile(np.array([0, 128], np.uint8), (6, 4))
    Image.fromarray(labels).convert("RGB").save(root / LABELS / f"{name}.png")
    return root / LABELS / f"{name}.png"


def test_greys_of_two_meanings_are_asked_about_and_answered(root):
    path = grey_and_black(root)
    report = check(root, VOC)
    (finding,) = report.findings
    assert finding.kind == "greys" and finding.fixable is None and "Which is it?" in finding.message
    assert "--grey-colours" in finding.message and "--threshold" in finding.message
    assert fix_colours(report, numbered(21)) == []
    choice = Choice(grey_colours=True)
    report = check(root, VOC, choice=choice)
    assert fix_colours(report, numbered(21)) == [path] and set(np.unique(read_labels(path))) == {0, 7}


def test_greys_beside_colours_of_classes_are_colours(root):
    path = grey_and_black(root)
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:3] = (128, 0, 0)
    Image.fromarray(pixels).save(root / LABELS / "b.png")
    report = check(root, VOC)
    assert [finding.kind for finding in report.findings] == ["colours", "colours"]
    fix_colours(report, numbered(21))
    assert set(np.unique(read_labels(path))) == {0, 7}


def test_greys_that_are_nothing(root):
    Image.fromarray(np.full((6, 8), 99, np.uint8)).convert("RGB").save(root / LABELS / "a.png")
    (finding,) = check(root).findings
    assert (
        finding.kind == "other colours"
        and "red, green and blue are equal everywhere, greys 99, which are no class" in finding.message
    )


def test_a_converted_tiff_becomes_a_png(root):
    (root / LABELS / "a.png").unlink()
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:3] = (128, 0, 0)
    Image.fromarray(pixels).save(root / LABELS / "a.tif")
    content = (root / LABELS / "a.tif").read_bytes()
    fix_colours(check(root), numbered(4))
    assert not (root / LABELS / "a.tif").exists() and set(np.unique(read_labels(root / LABELS / "a.png"))) == {0, 1}
    assert (root / "SegmentationClass_colours" / "a.tif").read_bytes() == content
    assert not check(root).findings


def test_a_converted_tiff_never_takes_the_place_of_another_file(root):
    """The PNG is what is read; who deletes it finds the TIFF, and who converts that must not lose a third file."""
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:3] = (128, 0, 0)
    Image.fromarray(pixels).save(root / LABELS / "a.tif")
    before = (root / LABELS / "a.png").read_bytes()
    with pytest.raises(DataError, match=r"a\.tif: not converted, for .*a\.png is there already"):
        convert_colours(root / LABELS / "a.tif", 4)
    assert (root / LABELS / "a.png").read_bytes() == before and (root / LABELS / "a.tif").exists()
