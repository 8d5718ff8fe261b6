"""Pictures of every kind come out as upright RGB bytes, broken ones as a sentence with the file's name."""

import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from minifcn.data import DataError, images, read_labels, read_picture

ORIENTATION = 0x0112  # the EXIF tag


def saved(tmp_path, image, name="a.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def read(tmp_path, image, name="a.png", **options):
    picture = read_picture(saved(tmp_path, image, name, **options))
    assert picture.dtype == np.uint8 and picture.shape == (image.height, image.width, 3)
    return picture


def test_rgb_as_it_is_and_writable(tmp_path, rng):
    pixels = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = read(tmp_path, Image.fromarray(pixels))
    np.testing.assert_array_equal(picture, pixels)
    picture[0, 0] = 1  # a copy of its own


def test_jpeg_is_rgb_and_no_bgr(tmp_path):
    picture = read(tmp_path, Image.new("RGB", (16, 16), (250, 120, 10)), "a.jpg", quality=95)
    assert np.abs(picture.astype(int) - (250, 120, 10)).max() <= 4


def test_grey_is_repeated(tmp_path):
    grey = np.array([[0, 100, 255]], np.uint8)
    assert read(tmp_path, Image.fromarray(grey)).tolist() == [[[0] * 3, [100] * 3, [255] * 3]]


def test_black_and_white(tmp_path):
    image = Image.fromarray(np.array([[False, True]]))
    assert read(tmp_path, image).tolist() == [[[0] * 3, [255] * 3]]


def test_16_bit_grey_keeps_its_upper_half(tmp_path):
    grey = np.array([[0x0000, 0x00FF, 0x1234, 0xFFFF]], np.uint16)
    assert read(tmp_path, Image.fromarray(grey))[0, :, 1].tolist() == [0x00, 0x00, 0x12, 0xFF]


def test_32_bit_grey_is_taken_for_16_bit_and_cut_to_it(tmp_path):
    grey = np.array([[-5, 0x1234, 0x7FFFFFFF]], np.int32)
    assert read(tmp_path, Image.fromarray(grey), "a.tif")[0, :, 2].tolist() == [0, 0x12, 0xFF]


def test_palette_by_its_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([1, 2, 3, 40, 50, 60, 255, 0, 9])
    assert read(tmp_path, image).tolist() == [[[1, 2, 3], [40, 50, 60], [255, 0, 9]]]


def test_cmyk(tmp_path):
    image = Image.new("CMYK", (3, 2))
    for x, inks in enumerate([(0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 255)]):
        image.paste(inks, (x, 0, x + 1, 2))
    assert read(tmp_path, image, "a.tif")[0].tolist() == [[255, 255, 255], [0, 255, 255], [0, 0, 0]]
    picture = read(tmp_path, Image.new("CMYK", (16, 16), (0, 255, 0, 0)), "a.jpg")
    assert np.abs(picture.astype(int) - (255, 0, 255)).max() <= 6


# a kind of transparency: an image of one clear pixel (over black), one half clear and one solid
def rgba():
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 255, 128))
    image.putpixel((2, 0), (9, 8, 7, 255))
    return image


def test_what_is_transparent_lies_on_white(tmp_path):
    clear, half, solid = read(tmp_path, rgba())[0].tolist()
    assert clear == [255, 255, 255] and solid == [9, 8, 7]
    assert half[2] == 255 and abs(half[0] - 127) <= 1 and half[0] == half[1]


def test_transparent_grey(tmp_path):
    image = Image.new("LA", (2, 1), (0, 0))
    image.putpixel((1, 0), (77, 255))
    assert read(tmp_path, image).tolist() == [[[255] * 3, [77] * 3]]


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\xff"], ids=["one number", "bytes"])
def test_transparent_palette(tmp_path, transparency):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([1, 2, 3, 40, 50, 60, 70, 80, 90])
    picture = read(tmp_path, image, transparency=transparency)
    assert picture.tolist() == [[[1, 2, 3], [255, 255, 255], [70, 80, 90]]]


def test_one_colour_named_transparent(tmp_path):
    image = Image.new("RGB", (2, 1), (5, 6, 7))
    image.putpixel((1, 0), (5, 6, 8))
    assert read(tmp_path, image, transparency=(5, 6, 7)).tolist() == [[[255] * 3, [5, 6, 8]]]
    grey = Image.fromarray(np.array([[10, 20]], np.uint8))
    assert read(tmp_path, grey, transparency=20).tolist() == [[[10] * 3, [255] * 3]]


# EXIF 2.3, 4.6.4 A: where the stored rows "abc", "def" belong; the upright picture, row by row
UPRIGHT = {
    1: ["abc", "def"],
    2: ["cba", "fed"],
    3: ["fed", "cba"],
    4: ["def", "abc"],
    5: ["ad", "be", "cf"],
    6: ["da", "eb", "fc"],
    7: ["fc", "eb", "da"],
    8: ["cf", "be", "ad"],
}


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_are_turned_upright(tmp_path, orientation, ending):
    stored = np.array([[ord(letter) for letter in row] for row in UPRIGHT[1]], np.uint8)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture = read_picture(saved(tmp_path, Image.fromarray(stored), f"a.{ending}", exif=exif))
    assert ["".join(chr(pixel[0]) for pixel in row) for row in picture] == UPRIGHT[orientation]


def test_an_upright_jpeg(tmp_path):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255  # white to the left; turned by 90 degrees clockwise it is above
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = read_picture(saved(tmp_path, Image.fromarray(pixels), "a.jpg", exif=exif))
    assert picture.shape == (32, 16, 3)
    assert picture[:14].min() > 200 and picture[18:].max() < 55


def test_broken_exif_says_nothing_about_the_pixels(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.new("RGB", (4, 3), (1, 2, 3)))

    def broken(image):
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr(images.ImageOps, "exif_transpose", broken)
    assert read_picture(path).tolist() == [[[1, 2, 3]] * 4] * 3


def refused(path, reader=read_picture):
    with pytest.raises(DataError) as caught:
        reader(path)
    return str(caught.value)


def test_missing_file(tmp_path):
    path = tmp_path / "a.jpg"
    assert refused(path) == f"picture {path}: there is no such file"
    assert refused(str(path), read_labels) == f"labels {path}: there is no such file"


def test_a_folder(tmp_path):
    assert refused(tmp_path) == f"picture {tmp_path}: this is a folder; give a file"


@pytest.mark.parametrize("content", [b"hello", b"\xff\xd8\xff"])
def test_not_a_picture(tmp_path, content):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert refused(path) == f"picture {path}: cannot be read (not an image file that Pillow knows); replace the file"


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "an empty file; copy or download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS and no {}: fetch the file itself with git lfs pull"),
        (b"<html>404</html>", "a web page and no {}: the download went wrong; open the address in a browser"),
        (b"<svg xmlns=''/>", "a text of lines and shapes (SVG perhaps) and no {}; save its pixels as PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC, as telephones save photographs, which Pillow does not read; save it as JPEG or PNG"),
        (b"\x93NUMPY\x01\0", "a NumPy array; save it as PNG (minifcn import reads masks in .npy files)"),
    ],
)  # fmt: skip
def test_what_is_there_in_place_of_a_picture_is_named(tmp_path, content, sentence):
    """Each is sound as what it is: to replace it is no advice."""
    (tmp_path / "a.png").write_bytes(content)
    assert refused(tmp_path / "a.png") == f"picture {tmp_path}/a.png: {sentence.format('picture')}"
    assert refused(tmp_path / "a.png", read_labels) == f"labels {tmp_path}/a.png: {sentence.format('labels')}"


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 1.0])
def test_a_jpeg_cut_short(tmp_path, rng, part):
    pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = saved(tmp_path, Image.fromarray(pixels), "a.jpg")
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content)) - 2])
    message = refused(path)
    assert message.startswith(f"picture {path}: cannot be read (") and message.endswith("); replace the file")


def test_whatever_a_parser_raises_names_the_file(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.new("L", (4, 4)))

    def broken(image):
        raise ZeroDivisionError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    assert refused(path) == f"picture {path}: cannot be read (ZeroDivisionError); replace the file"


@pytest.mark.parametrize("reader, what", [(read_picture, "picture"), (read_labels, "labels")])
@pytest.mark.parametrize("side", [11, 15, 40])  # beyond the limit, beyond twice the limit
def test_a_decompression_bomb(tmp_path, monkeypatch, side, reader, what):
    path = saved(tmp_path, Image.new("L", (side, side)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    more = "; minifcn predict --tile 512 reads larger ones" if what == "picture" else ""
    expected = f"{what} {path}: larger than Pillow's limit of 100 pixels; make it smaller{more}"
    assert refused(path, reader) == expected
    with warnings.catch_warnings(record=True) as caught:  # as a user has it, Pillow only warns in between
        warnings.simplefilter("always")
        assert refused(path, reader) == expected
    assert not caught


def test_pictures_at_the_limit_and_without_one(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.new("L", (10, 10)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_picture(path).shape == (10, 10, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_picture(path).shape == (10, 10, 3)


def test_floating_point(tmp_path):
    path = saved(tmp_path, Image.new("F", (4, 4)), "a.tif")
    assert refused(path) == f"picture {path}: floating point has no fixed range of brightness; save it with 8 bits"


def test_a_mode_without_a_way_to_rgb(tmp_path, monkeypatch):
    plain = images.opened(saved(tmp_path, Image.new("L", (2, 2))), "picture")
    monkeypatch.setattr(images, "opened", lambda path, what: plain._replace(image=Image.new("La", (2, 2))))
    message = refused(tmp_path / "a.png")
    assert message.startswith(f"picture {tmp_path / 'a.png'}: mode La cannot be turned into RGB (")
    assert message.endswith("); save it as RGB")


def chunks_of(content):
    """(kind, content) of every part of a PNG."""
    found, at = [], 8
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(chunks):
    """A PNG of these parts, with right checksums."""
    parts = [len(c).to_bytes(4, "big") + kind + c + zlib.crc32(kind + c).to_bytes(4, "big") for kind, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def with_pixels(content, change):
    """The PNG with `change` made to its unpacked pixels."""
    chunks = chunks_of(content)
    packed = b"".join(part for kind, part in chunks if kind == b"IDAT")
    kept = [(kind, part) for kind, part in chunks if kind not in (b"IDAT", b"IEND")]
    return png_of([*kept, (b"IDAT", zlib.compress(change(zlib.decompress(packed)))), (b"IEND", b"")])


FORMS = {
    "black and white": ("1", {}), "2 bits": ("L", {"bits": 2}), "4 bits": ("L", {"bits": 4}), "grey": ("L", {}), "palette": ("P", {}),
    "few colours": ("P", {"bits": 4}), "grey and alpha": ("LA", {}), "RGB": ("RGB", {}), "RGBA": ("RGBA", {}), "16 bits": ("I;16", {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (9, 16), (13, 5)])
def test_a_png_with_fewer_pixels_than_it_says_is_refused(form, size, tmp_path):
    """Pillow takes what is missing for 0, a class like any other. Not one byte may be missing, and none more is asked for."""
    mode, options = FORMS[form]
    path = saved(tmp_path, Image.new(mode, size, 1), **options)
    whole = path.read_bytes()
    images.open_image(path, "picture")
    path.write_bytes(with_pixels(whole, lambda pixels: pixels[:-1]))
    with pytest.raises(DataError, match=r"a\.png: cannot be read \(damaged: it holds .* bytes that its pixels take\)"):
        images.open_image(path, "picture")
    path.write_bytes(with_pixels(whole, lambda pixels: pixels + b"more"))
    images.open_image(path, "picture")


@pytest.mark.parametrize("width, height", [(1, 1), (2, 1), (1, 5), (4, 4), (5, 3), (8, 8), (9, 17), (33, 12)])
def test_an_interlaced_png_is_read_and_refused_when_pixels_are_missing(width, height, tmp_path):
    rng = np.random.default_rng(width * height)
    grey = rng.integers(0, 256, (height, width), dtype=np.uint8)
    rows = b""
    for top, left, down, right in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        part = grey[top::down, left::right]
        rows += b"".join(b"\0" + row.tobytes() for row in part if row.size)
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 1])
    path = tmp_path / "a.png"
    path.write_bytes(png_of([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]))
    np.testing.assert_array_equal(read_labels(path), grey)
    path.write_bytes(png_of([(b"IHDR", header), (b"IDAT", zlib.compress(rows[:-1])), (b"IEND", b"")]))
    with pytest.raises(DataError, match="bytes that its pixels take"):
        read_labels(path)


def test_a_small_png_that_says_it_is_huge_is_refused_before_memory_is_taken(tmp_path, monkeypatch):
    header = (26).to_bytes(4, "big") + (2_000_000).to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    path = tmp_path / "a.png"
    path.write_bytes(png_of([(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1500))), (b"IEND", b"")]))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("Pillow was asked for all of it"))
    with pytest.raises(DataError, match="it holds 1,500 of the 158,000,000 bytes"):
        read_picture(path)
