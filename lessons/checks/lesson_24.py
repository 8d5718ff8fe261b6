"""Checks of lesson 24: colours to numbers, a polygon between the lines, and arrays that may be written."""

import re
from typing import Any

import numpy as np

from checks.verdict import NotDone, Wrong, check, counted, equal, wrong

COLOURS = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (31, 119, 180), (1, 0, 0), (0, 0, 255)]
BESIDE = [(128, 0, 1), (127, 0, 0), (0, 1, 0), (180, 119, 31), (255, 255, 255)]


@check
def labels_of(answer: Any) -> None:
    """labels_of(picture, colours) -> uint8 (H, W): each pixel's place in the list of colours; ValueError for any other colour."""
    rng = np.random.default_rng(7)
    for shape, count in (((5, 7), 6), ((1, 1), 2), ((3, 4), 3)):
        wanted = rng.integers(0, count, shape).astype(np.uint8)
        picture = np.array(COLOURS, np.uint8)[wanted]
        try:
            found = answer(picture, COLOURS[:count])
        except Wrong as fault:
            if isinstance(fault.__cause__, ValueError):
                wrong(
                    f"it stops with {fault.__cause__}, and every colour of this picture is in the list: are numbers of 8 bits running over? Does red stand first?"
                )
            raise
        equal(found, wanted, colour_fault(picture, COLOURS[:count]))
        if np.asarray(found).dtype != np.uint8:
            wrong(f"labels are uint8, a byte a pixel; these are {np.asarray(found).dtype}")
    many = [(0, 0, number) for number in range(200, 60, -1)]
    picture = np.array([many], np.uint8)
    equal(
        answer(picture, many), np.arange(140)[None], "the place in the list counts, in whatever order the colours stand"
    )
    for stranger in BESIDE:
        picture = np.array([[COLOURS[0], stranger], [COLOURS[1], COLOURS[1]]], np.uint8)
        complaint(answer, picture, stranger)
        counted()


def complaint(answer: Any, picture: np.ndarray, stranger: tuple[int, ...]) -> None:
    """Wrong unless the answer raises a ValueError that names `stranger`."""
    raw = getattr(answer, "__wrapped__", answer)  # what it raises is what is asked here
    try:
        found = raw(picture, COLOURS[:3])
    except ValueError as error:
        numbers = [int(number) for number in re.findall(r"\d+", str(error))]
        if not all(value in numbers for value in stranger):
            wrong(f"the message must name the colour {stranger}, so that somebody can find it; it says: {error}")
        return
    except NotImplementedError:
        raise NotDone from None
    except Exception as error:
        wrong(
            f"for the colour {stranger}, which is not in the list, it stops with {type(error).__name__}; expected a ValueError"
        )
    if found is None or found is ...:
        raise NotDone
    wrong(f"the colour {stranger} is not in the list, and you give it a class: nobody would hear of it")


def colour_fault(picture: np.ndarray, colours: list[tuple[int, int, int]]) -> Any:
    """What wrong labels look like."""

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.array_equal(found, picture[..., 0]):
            return "that is the red channel; a colour is three numbers, and its place in the list is the class"
        if np.array_equal(found, wanted + 1):
            return "the first colour of the list is class 0"
        lost = found != wanted
        if len(np.unique(picture.reshape(-1, 3), axis=0)) > len(np.unique(found)):
            return "two different colours become one class: are numbers of 8 bits running over?"
        return f"{lost.sum()} pixels get another class than the place of their colour in the list"

    return fault


SHAPES = {
    "a square on the lines": ([(10, 15), (10, 10), (15, 10), (15, 15)], (32, 32)),
    "the same square, the other way round": ([(10, 15), (15, 15), (15, 10), (10, 10)], (32, 32)),
    "a square over the edge": ([(-3, -2), (4, -2), (4, 5), (-3, 5)], (8, 9)),
    "a triangle": ([(1.0, 1.0), (14.0, 3.0), (5.0, 12.3)], (16, 16)),
    "a polygon with a dent": ([(1, 1), (13, 1), (13, 12), (7, 4), (1, 12)], (14, 15)),
    "a star that crosses itself": ([(8.2, 0), (13.1, 15.3), (0, 5.2), (16, 5.3), (3.3, 15.1)], (16, 17)),
    "a sliver that meets no middle": ([(2, 2.6), (9, 2.6), (9, 3.4), (2, 3.4)], (8, 12)),
}  # fmt: skip


@check
def filled(answer: Any) -> None:
    """filled(corners, size) -> bool (H, W): the pixels whose middle lies inside, by the even-odd rule."""
    for name, (corners, size) in SHAPES.items():
        sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
        found = np.asarray(answer(list(corners), size))
        if found.dtype != bool:
            wrong(f"expected bool, got {found.dtype}")
        equal(
            found,
            odd(sides, size),
            lambda found, wanted, name=name, sides=sides: polygon_fault(name, sides, found, wanted),
        )


def odd(sides: list[Any], size: tuple[int, int]) -> np.ndarray:
    """Where a ray to the right crosses an odd number of sides, pixel by pixel; the middle of a pixel lies on none of them here."""
    result = np.zeros(size, bool)
    for row, column in np.ndindex(size):
        x, y = column + 0.5, row + 0.5
        crossed = [
            min(y0, y1) <= y < max(y0, y1) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0) for (x0, y0), (x1, y1) in sides
        ]
        result[row, column] = sum(crossed) % 2
    return result


def polygon_fault(name: str, sides: list[Any], found: np.ndarray, wanted: np.ndarray) -> str:
    """What a wrong filling looks like."""
    exchanged = [tuple((y, x) for x, y in side) for side in sides]
    patterns = [
        (~wanted, "inside and outside are exchanged"),
        (odd(exchanged, wanted.shape), "corners are (x, y), and x counts columns"),
        (odd(sides[:-1], wanted.shape), "is the last corner joined to the first?"),
        (
            odd([side for side in sides if side[0][1] < side[1][1]], wanted.shape),
            "sides that go up count as those that go down: exactly one of their ends is above the middle",
        ),
    ]
    for pattern, hint in patterns:
        if np.array_equal(found, pattern):
            return f"{name}: {hint}"
    if (found & ~wanted).any() and ("dent" in name or "star" in name):
        return f"{name}: the dent is filled too; count crossings, each one exchanges inside and outside"
    return f"{name}: {found.sum()} pixels, expected {wanted.sum()}; ask whether the middle of a pixel lies inside, at + 0.5"


@check
def ready_to_write(answer: Any) -> None:
    """ready_to_write(array) -> the same numbers, shape and dtype, in row-major order without gaps; no copy where there is none needed."""
    whole = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    cases = {
        "a transposed array": whole.T,
        "an array in column-major order": np.asfortranarray(whole),
        "every second column": whole[:, :, ::2],
        "a mirrored array": whole[::-1],
        "one row, repeated": np.broadcast_to(whole[0, 0], (3, 4)),
        "an array of no numbers": np.zeros((0, 3)).T,
        "a number": np.array(3.0, np.float16),
        "an array that is ready": whole,
        "a ready part of a larger one": whole[1],
    }
    for name, array in cases.items():
        found = answer(array)
        if not isinstance(found, np.ndarray):
            wrong(f"{name}: expected an array, got {type(found).__name__}")
        equal(found, array, f"{name}: the numbers have changed places; the same shape and numbers, only other memory")
        if found.dtype != array.dtype:
            wrong(f"{name}: {array.dtype} came in and {found.dtype} goes out")
        if not found.flags.c_contiguous:
            wrong(f"{name}: memory is still not in row-major order; look at flags.c_contiguous")
        if array.flags.c_contiguous and array.size and not np.shares_memory(found, array):
            wrong(f"{name}: it is copied, though nothing had to be done")
