"""Label files: the VOC colours, numbers read without a detour over colours, files written whole or not at all."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from minifcn.data import VOC_CLASSES, VOID, DataError, colour_map, read_labels, write_labels

from .folders import label_image

# the palette as published with PASCAL VOC: class number -> red, green, blue
VOC_COLOURS = {
    0: (0, 0, 0),
    1: (128, 0, 0),
    2: (0, 128, 0),
    3: (128, 128, 0),
    4: (0, 0, 128),
    5: (128, 0, 128),
    6: (0, 128, 128),
    7: (128, 128, 128),
    8: (64, 0, 0),
    9: (192, 0, 0),
    10: (64, 128, 0),
    11: (192, 128, 0),
    12: (64, 0, 128),
    13: (192, 0, 128),
    14: (64, 128, 128),
    15: (192, 128, 128),
    16: (0, 64, 0),
    17: (128, 64, 0),
    18: (0, 192, 0),
    19: (128, 192, 0),
    20: (0, 64, 128),
    255: (224, 224, 192),
}
NUMBERS = np.array([[0, 1, 20, 255], [7, 8, 254, 3], [100, 128, 200, 21]], np.uint8)


def test_void_and_the_classes_of_voc():
    assert VOID == 255
    assert len(VOC_CLASSES) == 21
    assert (VOC_CLASSES[0], VOC_CLASSES[1], VOC_CLASSES[8]) == ("background", "aeroplane", "cat")
    assert (VOC_CLASSES[15], VOC_CLASSES[20]) == ("person", "tvmonitor")


@pytest.mark.parametrize("number", VOC_COLOURS)
def test_colours_of_voc(number):
    assert tuple(colour_map()[number].tolist()) == VOC_COLOURS[number]


def test_colour_map_has_256_different_colours_and_shorter_ones_begin_it():
    colours = colour_map()
    assert colours.shape == (256, 3) and colours.dtype == np.uint8
    assert len({tuple(colour) for colour in colours.tolist()}) == 256
    assert colour_map(1).tolist() == [[0, 0, 0]]
    assert colour_map(3).tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0]]


@pytest.mark.parametrize("count", [0, -1, 257])
def test_colour_map_refuses(count):
    with pytest.raises(DataError) as caught:
        colour_map(count)
    assert str(caught.value) == f"colour_map: count {count} is not within 1 to 256, the numbers a byte can hold"


def test_palette_numbers_are_read_whatever_the_colours(tmp_path):
    label_image(NUMBERS).save(tmp_path / "a.png")
    labels = read_labels(tmp_path / "a.png")
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, NUMBERS)


def test_grey_values_are_the_numbers(tmp_path):
    Image.fromarray(NUMBERS).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(str(tmp_path / "a.png")), NUMBERS)


def test_black_and_white_is_0_and_1(tmp_path):
    Image.fromarray(np.array([[False, True], [True, True]])).save(tmp_path / "a.png")
    labels = read_labels(tmp_path / "a.png")
    assert labels.dtype == np.uint8 and labels.tolist() == [[0, 1], [1, 1]]


def png_row(bits, colour_type, row, width=4):
    """A PNG of one row, byte by byte."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, 1, bits, colour_type, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(3 * 2**bits)) if colour_type == 3 else b""
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("colour_type", [0, 3], ids=["grey", "palette"])
@pytest.mark.parametrize(
    "bits, row, expected",
    [(1, b"\x50", [0, 1, 0, 1]), (2, b"\x1b", [0, 1, 2, 3]), (4, b"\x0f\x95", [0, 15, 9, 5])],
)
def test_fewer_bits_a_pixel(tmp_path, bits, row, expected, colour_type):
    (tmp_path / "a.png").write_bytes(png_row(bits, colour_type, row))
    assert read_labels(tmp_path / "a.png").tolist() == [expected]


@pytest.mark.parametrize(
    "mode, colour", [("RGB", (1, 1, 2)), ("RGBA", (2, 1, 1, 255)), ("RGBA", (1, 1, 1, 254)), ("LA", (1, 254))]
)
def test_colours_are_no_labels(tmp_path, mode, colour):
    path = tmp_path / "a.png"
    image = Image.new(mode, (4, 3))
    image.putpixel((1, 2), colour)
    image.save(path)
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert str(caught.value) == (
        f"labels {path}: mode {mode} holds colours, not one class number (0 to 255) a pixel; "
        "save the class numbers as a palette PNG, for example with minifcn.data.write_labels, or see what minifcn check-data can make of it"
    )


def test_no_cut_goes_unseen(tmp_path, rng):
    """Wherever a file is cut off: either it is refused by name, or no pixel was lost."""
    numbers = rng.integers(0, 21, (20, 24)).astype(np.uint8)
    label_image(numbers).save(tmp_path / "whole.png")
    content, path = (tmp_path / "whole.png").read_bytes(), tmp_path / "cut.png"
    refused = 0
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        try:
            np.testing.assert_array_equal(read_labels(path), numbers)
        except DataError as error:
            said = ("cannot be read (", "); replace the file") if length else ("an empty file; ", "download it again")
            assert str(error).startswith(f"labels {path}: {said[0]}") and str(error).endswith(said[1])
            refused += 1
    assert refused > len(content) // 7 - 6


@pytest.mark.parametrize("level", [9, 0])
def test_a_flipped_bit_never_changes_labels_unseen(level, tmp_path, rng):
    numbers = np.repeat(rng.integers(0, 21, (12, 15)), 3, 0).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(numbers).save(encoded, "PNG", compress_level=level)
    content, path = encoded.getvalue(), tmp_path / "flipped.png"
    for place, bit in zip(range(len(content)), rng.integers(0, 8, len(content)).tolist(), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"^labels .*flipped\.png: cannot be read \("):
            read_labels(path)


def test_the_checksum_of_the_last_chunk_is_looked_at(tmp_path):
    label_image(NUMBERS).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[content.rindex(b"IDAT") + 4 + int.from_bytes(content[content.rindex(b"IDAT") - 4 :][:4], "big")] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match="damaged: the checksum of its part 'IDAT' is wrong"):
        read_labels(tmp_path / "a.png")


def test_damaged_labels(tmp_path):
    path = tmp_path / "a.png"
    label_image(NUMBERS).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^labels .*a\.png: cannot be read \(.+\); replace the file$"):
        read_labels(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.int32, np.uint16])
def test_written_labels_come_back_with_the_colours_of_voc(tmp_path, dtype):
    write_labels(tmp_path / "a.png", NUMBERS.astype(dtype))
    with Image.open(tmp_path / "a.png") as image:
        assert (image.mode, image.format) == ("P", "PNG")
        np.testing.assert_array_equal(np.asarray(image), NUMBERS)
        colours = np.asarray(image.convert("RGB"))
    assert tuple(colours[0, 2].tolist()) == VOC_COLOURS[20]
    assert tuple(colours[0, 3].tolist()) == VOC_COLOURS[255]
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), NUMBERS)


def test_write_labels_takes_lists_and_views(tmp_path):
    write_labels(str(tmp_path / "list.png"), [[1, 2], [3, 255]])
    assert read_labels(tmp_path / "list.png").tolist() == [[1, 2], [3, 255]]
    write_labels(tmp_path / "view.png", NUMBERS[::-1, ::2])
    assert read_labels(tmp_path / "view.png").tolist() == [[100, 200], [7, 254], [0, 20]]


REFUSED = {
    "three axes": (np.zeros((2, 3, 1), int), "expected integers (H, W), got int64 (2, 3, 1)"),
    "fractions": (np.zeros((2, 3)), "expected integers (H, W), got float64 (2, 3)"),
    "truth values": (np.zeros((2, 3), bool), "expected integers (H, W), got bool (2, 3)"),
    "empty": (np.zeros((0, 3), np.uint8), "expected integers (H, W), got uint8 (0, 3)"),
    "negative": (np.array([[-1, 4]]), "labels must be 0 to 255, got -1 to 4"),
    "large": (np.array([[3, 256]]), "labels must be 0 to 255, got 3 to 256"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_write_labels_refuses_and_touches_nothing(tmp_path, case):
    labels, message = REFUSED[case]
    path = tmp_path / "a.png"
    path.write_bytes(b"as it was")
    with pytest.raises(DataError) as caught:
        write_labels(path, labels)
    assert str(caught.value) == f"write_labels {path}: {message}"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"] and path.read_bytes() == b"as it was"


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, fill_disk):
    path = tmp_path / "a.png"
    path.write_bytes(b"as it was")

    fill_disk()
    with pytest.raises(OSError, match="No space left"):
        write_labels(path, NUMBERS)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"] and path.read_bytes() == b"as it was"


def test_writing_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"as it was")
    write_labels(path, NUMBERS)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(read_labels(path), NUMBERS)


def test_no_folder_to_write_to(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_labels(tmp_path / "nowhere" / "a.png", NUMBERS)
