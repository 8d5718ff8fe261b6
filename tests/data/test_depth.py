"""Pictures of 16 bits of which fewer hold something: never black in silence, and stretched where somebody says how many."""

import re

import numpy as np
import pytest
from PIL import Image

from minifcn.data import ClassMap, DataError, VOCFolder, read_picture
from minifcn.data.check.checking import DataFolder
from minifcn.data.pixels.depth import not_meant

from .byhand import chunk, png, tiff
from .folders import PICTURES, write_folder

TWELVE = np.array([[0, 16, 255, 256], [1000, 2048, 4012, 4095]])
FOUR = ClassMap.own(["ground", "x", "y", "z"])


def grey(tmp_path, values, name="a.png"):
    Image.fromarray(np.asarray(values, np.uint16)).save(tmp_path / name)
    return tmp_path / name


def colour_png(values):
    rows = [np.repeat(np.asarray(row)[:, None], 3, 1).astype(">u2").tobytes() for row in values]
    return png(rows, len(values[0]), 16, 2)


def colour_tiff(values, order):
    pixels = np.repeat(np.asarray(values)[..., None], 3, 2).astype(order + "u2")
    return tiff(pixels.tobytes(), len(values[0]), len(values), (16, 16, 16), 2, order)


@pytest.mark.parametrize("bits", range(8, 17))
@pytest.mark.parametrize("kind", ["grey png", "grey tiff", "colour png", "colour tiff <", "colour tiff >"])
def test_the_upper_eight_of_so_many_bits(bits, kind, tmp_path):
    values = np.array([[0, 1, 100, 255], [2**bits - 1, 2 ** (bits - 1), 3, 2**bits // 3]])
    path = tmp_path / "a"
    if kind.startswith("grey"):
        Image.fromarray(values.astype(np.uint16)).save(path, "PNG" if "png" in kind else "TIFF")
    else:
        path.write_bytes(colour_png(values) if "png" in kind else colour_tiff(values, kind[-1]))
    expected = values // 2 ** (bits - 8)
    np.testing.assert_array_equal(read_picture(path, bits), np.repeat(expected[..., None], 3, 2))


def test_what_is_beyond_is_white(tmp_path):
    assert read_picture(grey(tmp_path, [[4096, 65535, 4095]]), 12)[0, :, 0].tolist() == [255, 255, 255]


def test_transparency_is_no_brightness(tmp_path):
    """16 bits of RGB and of alpha: the alpha is of 16 bits, however many the colours have."""
    pixels = np.array([[[4095, 0, 0, 65535], [4095, 0, 0, 0]]], ">u2")
    (tmp_path / "a.png").write_bytes(png([pixels[0].tobytes()], 2, 16, 6))
    assert read_picture(tmp_path / "a.png", 12).tolist() == [[[255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("colour", [False, True])
def test_turned_ones(orientation, colour, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    if colour:  # a PNG's tag, in a chunk of its own
        rows = [np.repeat(row[:, None], 3, 1).astype(">u2").tobytes() for row in TWELVE]
        (tmp_path / "a.png").write_bytes(png(rows, 4, 16, 2, chunk(b"eXIf", exif.tobytes()[6:])))
    else:
        Image.fromarray(TWELVE.astype(np.uint16)).save(tmp_path / "a.png", exif=exif)
    upright = {3: np.rot90(TWELVE, 2), 6: np.rot90(TWELVE, -1)}[orientation]
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", 12)[..., 0], upright // 16)


@pytest.mark.parametrize("colour", [False, True])
def test_what_would_be_black_is_refused_with_the_way_out(colour, tmp_path):
    path = tmp_path / "a.png"
    values = [[0, 3, 200]]
    path.write_bytes(colour_png(values)) if colour else grey(tmp_path, values)
    with pytest.raises(DataError) as caught:
        read_picture(path)
    assert str(caught.value).startswith(
        f"picture {path}: it would come out black, for it has 16 bits a number and no number is above 200"
    )
    assert "give --bits 8" in str(caught.value)
    assert read_picture(path, 8)[0, :, 0].tolist() == [0, 3, 200]
    assert read_picture(path, 16).max() == 0  # who says so gets it


def test_all_black_is_black(tmp_path):
    assert read_picture(grey(tmp_path, np.zeros((2, 2)))).max() == 0


@pytest.mark.parametrize("bits", [7, 17, 0])
def test_bits_that_cannot_be(bits, tmp_path):
    with pytest.raises(DataError, match=rf"bits is {bits}; expected 8 to 16"):
        read_picture(grey(tmp_path, TWELVE), bits)


def test_16_bits_of_grey_and_alpha(tmp_path):
    """Pillow has one way to read these, by the upper byte."""
    pixels = np.array([[[0x1234, 65535], [0xFF00, 65535]]], ">u2")
    (tmp_path / "a.png").write_bytes(png([pixels[0].tobytes()], 2, 16, 4))
    assert read_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0x12, 0xFF]


@pytest.fixture
def root(tmp_path):
    """A folder of which all pictures have 12 bits in 16."""
    root = write_folder(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]}, 2, 4)
    for number, name in enumerate("abc"):
        Image.fromarray((TWELVE - number * (TWELVE > 99)).astype(np.uint16)).save(root / PICTURES / f"{name}.png")
    return root


def dark(root, **options):
    return [
        finding.message
        for finding in DataFolder(root, **options).check(FOUR).findings
        if finding.kind in ("dark", "black")
    ]


def test_a_whole_set_of_12_bits_is_one_finding(root):
    (message,) = dark(root)
    assert message.startswith(
        f"pictures, {root / PICTURES / 'a.png'} first: 3 of 16 bits a number, and no number is above 4095"
    )
    assert "as of a camera of 12 bits: they come out nearly black; give --bits 12" in message
    assert not dark(root, bits=12) and not dark(root, bits=16)


def test_ten_bits(root):
    for name in "abc":
        Image.fromarray((TWELVE // 4).astype(np.uint16)).save(root / PICTURES / f"{name}.png")
    assert "no number is above 1023, as of a camera of 10 bits" in dark(root)[0]


def test_one_bright_picture_says_that_16_are_meant(root):
    Image.fromarray((TWELVE * 16).astype(np.uint16)).save(root / PICTURES / "c.png")
    assert not dark(root)
    Image.fromarray(np.full((2, 4), 9, np.uint16)).save(root / PICTURES / "b.png")  # but one is black
    (message,) = dark(root)
    assert message.startswith(f"picture {root / PICTURES / 'b.png'}: it would come out black")


def test_8_bits_are_not_asked_about(root):
    for name in "abc":
        Image.fromarray(np.full((2, 4), 3, np.uint8)).save(root / PICTURES / f"{name}.png")
    assert not dark(root)


def test_a_split_is_refused_before_training(root):
    with pytest.raises(
        DataError, match=r"split train: pictures: 2 of 16 bits a number, and no number is above 4095.*give --bits 12"
    ):
        VOCFolder(root, "train", FOUR).check()
    data = VOCFolder(root, "train", FOUR, bits=12)
    assert data.check() == 16
    np.testing.assert_array_equal(data.picture(0)[..., 0], TWELVE // 16)


@pytest.mark.parametrize(
    "tops, bits, wanted",
    [
        ([], None, ""),
        (
            [],
            12,
            "of 16 bits 12 are said to hold something .* and no picture here has more than 8: that changes nothing",
        ),
        ([4095], 12, ""),
        ([65535], None, ""),
        ([900, 4096], 12, "numbers up to 4096: all above 4095 comes out white; give --bits 14, unless"),
        ([65535], 10, "numbers up to 65535: all above 1023 comes out white; give --bits 16, unless"),
        ([65535], 16, ""),
    ],
)
def test_bits_that_do_not_belong_to_the_pictures(tops, bits, wanted):
    said = not_meant(tops, bits)
    assert re.search(wanted, said) if wanted else said == ""


def test_check_data_and_a_split_say_so(root):
    """Of pictures of 12 bits in 16: nothing where 12 are said, and what becomes white where 10 are."""
    for bits, said in ((12, ""), (10, "numbers up to 4095: all above 1023 comes out white; give --bits 12")):
        warnings = [finding.message for finding in DataFolder(root, bits=bits).check(FOUR).warnings]
        assert any(said in each for each in warnings) if said else not any("bits" in each for each in warnings)
        data = VOCFolder(root, "train", FOUR, bits=bits)
        data.check()
        assert said in "".join(data.picture_notes) if said else not data.picture_notes
