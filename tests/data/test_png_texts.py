"""A PNG is read however large its texts and its colour profile are, and what is damaged in it is still found."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from minifcn.data import DataError, read_labels, read_picture
from minifcn.data.pixels import png as chunks_of
from minifcn.data.pixels.png import Without, readable

from .byhand import chunk

PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
LARGE = 2 << 20


def plain():
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG")
    return stream.getvalue()


def with_chunks(*more, behind=False):
    """The plain PNG with chunks after its header, or before its end."""
    content = plain()
    place = len(content) - 12 if behind else 33
    return content[:place] + b"".join(more) + content[place:]


def packed(size):
    return zlib.compress(bytes(size))


METADATA = {
    "a profile": chunk(b"iCCP", b"name\0\0" + packed(LARGE)),
    "a packed text": chunk(b"zTXt", b"name\0\0" + packed(LARGE)),
    "an international text": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed(LARGE)),
    "an international text that is not packed": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * LARGE),
    "a plain text": chunk(b"tEXt", b"name\0" + b"x" * LARGE),
}


@pytest.mark.parametrize("behind", [False, True], ids=["before the pixels", "behind them"])
@pytest.mark.parametrize("what", METADATA)
def test_large_ones(what, behind, tmp_path):
    (tmp_path / "a.png").write_bytes(with_chunks(METADATA[what], behind=behind))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), PIXELS)


MALFORMED = {
    "a profile without its name": chunk(b"iCCP", b"broken"),
    "a profile packed in no known way": chunk(b"iCCP", b"name\0\7" + packed(9)),
    "an empty profile": chunk(b"iCCP", b""),
    "a text packed in no known way": chunk(b"zTXt", b"name\0\7" + packed(9)),
    "a text that cannot be unpacked": chunk(b"zTXt", b"name\0\0nonsense"),
    "a text without its name": chunk(b"iTXt", b"nonsense"),
    "half a gamma": chunk(b"gAMA", b"\0\0"),
    "half of the primaries": chunk(b"cHRM", bytes(15)),
    "an empty intent": chunk(b"sRGB", b""),
    "half a size of pixels": chunk(b"pHYs", bytes(3)),
    "half a time": chunk(b"tIME", bytes(3)),
}


@pytest.mark.parametrize("behind", [False, True], ids=["before the pixels", "behind them"])
@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_ones(what, behind, tmp_path):
    """No pixel depends on them, and other programs open such a file: it is no reason to call it no picture."""
    (tmp_path / "a.png").write_bytes(with_chunks(MALFORMED[what], behind=behind))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), PIXELS)


def test_pillow_refuses_such_a_file_and_still_does(tmp_path):
    """Why this is needed; and the guard of the whole program is as it was."""
    before = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    (tmp_path / "a.png").write_bytes(with_chunks(METADATA["a profile"]))
    read_picture(tmp_path / "a.png")
    assert before == (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)
    with pytest.raises(ValueError, match=r"(?i)too large"):
        Image.open(tmp_path / "a.png").load()


def test_many_that_are_large_together(tmp_path, monkeypatch):
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 3000)
    monkeypatch.setattr(chunks_of, "MOST", 2000)
    (tmp_path / "a.png").write_bytes(
        with_chunks(*[chunk(b"tEXt", b"name%d\0" % number + b"x" * 990) for number in range(5)])
    )
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), PIXELS)


def test_a_label_file(tmp_path):
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / "a.png", icc_profile=bytes(LARGE))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), PIXELS[..., 0])


def test_no_more_is_unpacked_than_is_needed(tmp_path, monkeypatch):
    """A few bytes that unpack to a hundred million: they are dropped after the first million."""
    longest = []

    class Watched:
        def __init__(self):
            self.real = zlib_decompressobj()

        def decompress(self, data, most):
            longest.append(most)
            return self.real.decompress(data, most)

        def __getattr__(self, name):
            return getattr(self.real, name)

    zlib_decompressobj = zlib.decompressobj
    (tmp_path / "a.png").write_bytes(with_chunks(chunk(b"zTXt", b"name\0\0" + packed(100 << 20))))
    monkeypatch.setattr(chunks_of.zlib, "decompressobj", Watched)
    with (tmp_path / "a.png").open("rb") as file:
        readable(file)
    assert set(longest) == {chunks_of.LARGEST + 1, chunks_of.PIECE}  # the text, and the pixels in pieces


def test_a_damaged_text_is_found_though_it_would_be_dropped(tmp_path):
    content = bytearray(with_chunks(METADATA["a plain text"]))
    content[1000] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"damaged: the checksum of its part 'tEXt' is wrong"):
        read_picture(tmp_path / "a.png")


def test_an_orientation_beside_a_large_profile(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(PIXELS).save(tmp_path / "a.png", icc_profile=bytes(LARGE), exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), PIXELS[::-1, ::-1])


def test_a_file_without_some_of_itself_against_slices(rng):
    content = rng.integers(0, 256, 500, dtype=np.uint8).tobytes()
    for dropped in ([], [(0, 10)], [(490, 500)], [(5, 6), (6, 9), (100, 300)], [(0, 500)]):
        expected = io.BytesIO(
            b"".join(
                content[start:stop]
                for start, stop in zip([0, *(b for _, b in dropped)], [*(a for a, _ in dropped), 500], strict=True)
            )
        )
        found = io.BufferedReader(Without(io.BytesIO(content), dropped), 16)
        for _ in range(60):
            if rng.random() < 0.5:
                whence = int(rng.integers(0, 3))
                offset = int(rng.integers(0, 500)) if whence == 0 else -int(rng.integers(0, 20)) if whence == 2 else 0
                if whence == 2 and -offset > len(expected.getvalue()):
                    continue
                assert found.seek(offset, whence) == expected.seek(offset, whence)
            count = int(rng.integers(0, 200))
            assert found.read(count) == expected.read(count)
            assert found.tell() == expected.tell()


def test_a_file_without_large_texts_is_the_file_itself(tmp_path):
    (tmp_path / "a.png").write_bytes(with_chunks(chunk(b"tEXt", b"name\0short")))
    with (tmp_path / "a.png").open("rb") as file:
        assert readable(file) is file and file.tell() == 0
