"""Masks as run lengths: how many pixels are outside, inside, outside, ... The order of the pixels is the format's matter.

`switches`   COCO's counts, down the columns, and its text of them
`brush`      Label Studio's stream of bits, along the rows, four equal channels a pixel
"""

from collections.abc import Sequence

import numpy as np

from minifcn.data.errors import DataError


def switches(counts: Sequence[int] | str | bytes, height: int, width: int) -> np.ndarray:
    """COCO's run lengths as `polygons.edges` gives polygons: where, down the columns, inside and outside change. int64, sorted.

    Raises DataError where the runs are no whole numbers from 0 or do not add up to the picture: nothing is decoded then.

    >>> switches([5, 2, 2, 2, 5], 4, 4).tolist(), switches("5222O", 7, 2).tolist()
    ([5, 7, 9, 11], [5, 7, 9, 13])
    """
    if isinstance(counts, (str, bytes)):
        counts = from_text(counts)
    try:
        lengths = np.asarray(counts)
    except ValueError as error:  # lists of several lengths
        raise DataError("run lengths must be whole numbers from 0") from error
    if (
        lengths.dtype.kind == "f"
        and lengths.size
        and (abs(lengths) <= 2**53).all()
        and (lengths == np.rint(lengths)).all()
    ):
        lengths = lengths.astype(np.int64)  # some writers of JSON write 5.0
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise DataError("run lengths must be whole numbers from 0")
    total = sum(lengths.tolist())
    if total != height * width:
        raise DataError(
            f"run lengths add up to {total:,} pixels, but the picture has {height}x{width} = {height * width:,}"
        )
    return lengths.astype(np.int64).cumsum()[:-1]


def from_text(text: str | bytes) -> list[int]:
    """The counts in COCO's text of them. Raises DataError where it ends too early or holds other letters.

    Five bits a letter from "0" on, the lowest first; a sixth bit says that more follow, the sign is the last letter's
    highest bit. From the fourth count on the difference to the count two before is written. Source: rleFrString in maskApi.c.

    >>> from_text("5222O")
    [5, 2, 2, 4, 1]
    """
    counts: list[int] = []
    value = shift = 0
    for code in text.encode("latin-1", "replace") if isinstance(text, str) else text:
        bits = code - 48
        if not 0 <= bits < 64:
            raise DataError(f"run lengths as text: {chr(code)!r} is no letter of COCO's code")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (bits & 16) << shift - 4  # the sign
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise DataError("run lengths as text: the text is cut short")
    return counts


def inside(columns: np.ndarray, changes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of `columns` that reaches from the first change to the last, as a view, and which of its pixels are inside.

    `columns` are labels with one column after the other, (W, H).

    >>> labels = np.zeros((4, 4), int)
    >>> view, which = inside(labels, switches([5, 2, 2, 2, 5], 4, 4))
    >>> view[which] = 7
    >>> labels.T.tolist()
    [[0, 0, 0, 0], [0, 7, 7, 0], [0, 7, 7, 0], [0, 0, 0, 0]]
    """
    flat = columns.reshape(-1)
    if not len(changes):
        return flat[:0], np.zeros(0, bool)
    first, last = int(changes[0]), int(changes[-1])
    if len(changes) % 2:  # the last run is inside and goes on to the end
        last = flat.size
    turned = np.zeros(last - first, np.uint8)
    np.bitwise_xor.at(turned, changes[changes < last] - first, 1)  # two changes at one place are none
    return flat[first:last], np.bitwise_xor.accumulate(turned).view(bool)


def brush(stream: Sequence[int], height: int, width: int) -> np.ndarray:
    """Label Studio's run lengths as bool (H, W): inside is where the fourth channel, alpha, is not 0. Raises DataError.

    32 bits: how many values. 5: bits of a value, less 1. Four times 4: bits of a length, less 1. Then runs: 1 bit, whether one
    value is repeated; 2 bits, which of the four sizes the length has; the length, less 1; one value, or as many as it says.
    Source: decode_rle of label-studio-sdk 2.1.2.
    """
    try:
        data = bytes(stream if isinstance(stream, (list, bytes)) else [-1])
        bits = Bits(data)
        total, word = bits.read(32), bits.read(5) + 1
        sizes = [bits.read(4) + 1 for _ in range(4)]
        if total != 4 * height * width:
            raise DataError(f"brush: {total:,} values, but a picture of {height}x{width} has {4 * height * width:,}")
        values, lengths, found = [], [], 0
        while found < total:
            repeated = bits.read(1)
            length = bits.read(sizes[bits.read(2)]) + 1
            for _ in range(1 if repeated else length):
                values.append(bits.read(word))
                lengths.append(length if repeated else 1)
            found += length
    except (ValueError, TypeError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("brush: the run lengths are no bytes, or are cut short") from error
    inside = np.repeat(np.array(values) > 0, lengths)[:total]
    return inside[3::4].reshape(height, width)


class Bits:
    """Reads whole numbers of any few bits out of bytes, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def read(self, bits: int) -> int:
        start, self.place = self.place, self.place + bits
        if self.place > 8 * len(self.data):
            raise EOFError
        end = -(-self.place // 8)
        return int.from_bytes(self.data[start // 8 : end], "big") >> (8 * end - self.place) & (1 << bits) - 1
