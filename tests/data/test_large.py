"""Huge pictures in parts: as when they are read whole, and the limit of the whole program stays as it was."""

import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from minifcn.data import DataError, large, read_picture
from minifcn.data.large import LargePicture, read_any, reduced
from minifcn.data.pixels import tiff_pieces

from .byhand import tiff

H, W = 157, 203
Y, X = np.mgrid[:H, :W]
GREY = ((3 * X + 5 * Y) % 256).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], -1)
PARTS = [
    (slice(0, H), slice(0, W)),
    (slice(13, 99), slice(50, 200)),
    (slice(100, H), slice(0, 7)),
    (slice(5, 6), slice(202, W)),
]


def images():
    rgb = Image.fromarray(COLOUR)
    return {
        "L": Image.fromarray(GREY), "RGB": rgb, "RGBA": Image.fromarray(np.dstack([COLOUR, GREY])), "P": rgb.quantize(64),
        "1": Image.fromarray(GREY > 100), "CMYK": rgb.convert("CMYK"), "I;16": Image.fromarray(GREY.astype(np.uint16) * 257),
    }  # fmt: skip


def as_whole(path, pieces):
    """Whether the parts of a picture are those of the whole; `pieces`: how many it is divided into, None for none."""
    expected = read_picture(path)
    with LargePicture(path) as picture:
        assert picture.shape == expected.shape
        assert (None if picture.grid is None else len(picture.grid.offsets)) == pieces
        for rows, columns in PARTS:
            rows, columns = slice(*rows.indices(picture.shape[0])), slice(*columns.indices(picture.shape[1]))
            np.testing.assert_array_equal(picture[rows, columns], expected[rows, columns])


@pytest.mark.parametrize("mode", images())
@pytest.mark.parametrize("packed", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_strips_of_a_tiff(mode, packed, tmp_path):
    image = images()[mode]
    row = len(image.tobytes()) // H
    image.save(tmp_path / "a.tif", compression=packed, strip_size=16 * row)
    as_whole(tmp_path / "a.tif", 10)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_strips_packed_as_jpeg(mode, tmp_path):
    images()[mode].save(tmp_path / "a.tif", compression="jpeg", strip_size=16 * len(images()[mode].tobytes()) // H)
    as_whole(tmp_path / "a.tif", 10)


@pytest.mark.parametrize("mode", images())
def test_one_strip_that_is_not_packed_is_cut_into_several(mode, tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_pieces, "ROWS_OF_PIXELS", 20 * W)
    images()[mode].save(tmp_path / "a.tif")
    as_whole(tmp_path / "a.tif", 8)


def tiled(order, wide=64, high=48, photometric=2):
    """A TIFF of tiles that are not packed, written by hand."""
    across, down = -(-W // wide), -(-H // high)
    channels = 3 if photometric == 2 else 1
    source = COLOUR if channels == 3 else GREY[..., None]
    padded = np.zeros((down * high, across * wide, channels), np.uint8)
    padded[:H, :W] = source
    parts = [
        padded[y : y + high, x : x + wide].tobytes()
        for y in range(0, down * high, high)
        for x in range(0, across * wide, wide)
    ]
    tags = {
        256: [W],
        257: [H],
        258: [8] * channels,
        259: [1],
        262: [photometric],
        277: [channels],
        322: [wide],
        323: [high],
    }
    count = len(tags) + 2
    start = 8 + 2 + 12 * count + 4
    bits = struct.pack(order + "3H", 8, 8, 8) if channels == 3 else b""
    tables = start + len(bits)
    first = tables + 8 * len(parts)
    offsets = [first + sum(map(len, parts[:number])) for number in range(len(parts))]
    entries = {
        tag: struct.pack(order + "HHL", tag, 4, 1) + struct.pack(order + "L", value[0]) for tag, value in tags.items()
    }
    if bits:
        entries[258] = struct.pack(order + "HHLL", 258, 3, 3, start)
    entries[324] = struct.pack(order + "HHLL", 324, 4, len(parts), tables)
    entries[325] = struct.pack(order + "HHLL", 325, 4, len(parts), tables + 4 * len(parts))
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HLH", 42, 8, count)
    lists = struct.pack(f"{order}{len(parts)}L", *offsets) + struct.pack(f"{order}{len(parts)}L", *map(len, parts))
    return head + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4) + bits + lists + b"".join(parts)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1, 2])
def test_tiles_of_a_tiff(order, photometric, tmp_path):
    (tmp_path / "a.tif").write_bytes(tiled(order, photometric=photometric))
    as_whole(tmp_path / "a.tif", 16)


def test_a_tiff_that_its_tag_turns_is_read_whole(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", exif=exif, compression="tiff_lzw", strip_size=W * 3 * 16)
    as_whole(tmp_path / "a.tif", None)


@pytest.mark.parametrize("ending", ["png", "bmp", "jpg", "webp", "ppm"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_other_formats_are_read_whole(ending, orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(COLOUR).save(
        tmp_path / f"a.{ending}", **({"exif": exif} if ending in ("png", "jpg", "webp") else {})
    )
    as_whole(tmp_path / f"a.{ending}", None)


def test_transparency_lies_on_white_in_parts_too(tmp_path):
    image = images()["P"]
    image.save(tmp_path / "a.png", transparency=3)
    as_whole(tmp_path / "a.png", None)


def test_pieces_are_decoded_once_and_not_all_kept(tmp_path, monkeypatch):
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", compression="tiff_lzw", strip_size=W * 3 * 16)
    decoded = []
    monkeypatch.setattr(
        large,
        "piece_file",
        lambda file, grid, number, length, real=large.piece_file: (
            decoded.append(number) or real(file, grid, number, length)
        ),
    )
    with LargePicture(tmp_path / "a.tif") as picture:
        for column in range(0, W, 50):
            picture[0:60, slice(column, min(W, column + 50))]
        assert decoded == [0, 1, 2, 3]
        monkeypatch.setattr(large, "KEPT_BYTES", 3 * W * 16 * 4)
        picture[0:H, 0:9]
        assert decoded == list(range(10)) and len(picture._kept) == 3
        picture[0:5, 0:9]
        assert decoded[-1] == 0 and len(decoded) == 11


def test_a_damaged_piece_is_named(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", compression="tiff_adobe_deflate", strip_size=W * 3 * 16)
    with Image.open(tmp_path / "a.tif") as image:
        start = image.tag_v2[273][4]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start : start + 20] = b"\xff" * 20
    (tmp_path / "a.tif").write_bytes(content)
    with LargePicture(tmp_path / "a.tif") as picture:
        picture[0:64, 0:W]
        with pytest.raises(DataError, match=r"a\.tif: its part 4 cannot be read \(.*\); replace the file"):
            picture[60:70, 0:W]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "turned.tif", "a.bmp"])
def test_beyond_the_limit_without_a_warning_and_the_limit_stays(name, tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(COLOUR).save(tmp_path / name, **({"exif": exif} if "turned" in name else {}))
    expected = read_picture(tmp_path / name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # even beyond twice the limit, where Pillow raises
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with read_any(tmp_path / name, None, pieces=True) as picture:
            np.testing.assert_array_equal(picture[0:H, 0:W], expected)
    assert not caught and Image.MAX_IMAGE_PIXELS == 1000
    with pytest.raises(DataError, match="minifcn predict --tile 512 reads larger ones"):
        read_any(tmp_path / name, None, pieces=False)


def test_a_webp_that_pillow_refuses_names_another_format(tmp_path, monkeypatch):
    """Pillow's reader of WebP asks the limit of the whole program by itself, twice over."""
    Image.fromarray(COLOUR).save(tmp_path / "a.webp", lossless=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", COLOUR[..., 0].size - 1)
    with read_any(tmp_path / "a.webp", None, pieces=True) as picture:
        np.testing.assert_array_equal(picture[0:H, 0:W], COLOUR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    try:
        with read_any(tmp_path / "a.webp", None, pieces=True) as picture:  # older Pillows do not ask
            np.testing.assert_array_equal(picture[0:H, 0:W], COLOUR)
    except DataError as error:
        assert "so large that Pillow refuses it in this format; save it as PNG or TIFF" in str(error)


def test_there_is_a_bound(tmp_path, monkeypatch):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(large, "MOST_PIXELS", 2000)
    with pytest.raises(
        DataError, match=r"a\.png: larger than the limit of 2,000 pixels; make it smaller, or cut it into several"
    ):
        read_any(tmp_path / "a.png", None, pieces=True)


def test_small_ones_are_read_as_always(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_any(tmp_path / "a.png", None, pieces=True).pixels, COLOUR)


def test_16_bits_in_parts(tmp_path):
    Image.fromarray(GREY.astype(np.uint16) * 4).save(tmp_path / "a.tif", compression="tiff_lzw", strip_size=W * 2 * 16)
    with LargePicture(tmp_path / "a.tif", bits=10) as picture:
        np.testing.assert_array_equal(picture[0:H, 0:W][..., 1], GREY)
        assert picture.top == int(GREY.max()) * 4


def test_reduced():
    labels = GREY % 3
    picture, smaller = reduced(COLOUR, labels, 50)
    np.testing.assert_array_equal(picture, COLOUR[::5, ::5])
    np.testing.assert_array_equal(smaller, labels[::5, ::5])


def test_a_tiff_with_a_piece_left_out(tmp_path):
    """Map programs leave out tiles in which there is nothing: 0 bytes."""
    content = bytearray(tiled("<", photometric=1))
    sizes = content.index(struct.pack("<16L", *[64 * 48] * 16))
    content[sizes + 4 * 5 : sizes + 4 * 6] = bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    with LargePicture(tmp_path / "a.tif") as picture:
        found = picture[0:H, 0:W][..., 0]
    expected = GREY.copy()
    expected[48:96, 64:128] = 0
    np.testing.assert_array_equal(found, expected)


def test_the_writer_of_these_tests(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(COLOUR.tobytes(), W, H, (8, 8, 8), 2))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), COLOUR)
