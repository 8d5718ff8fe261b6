"""How ONNX says where windows lie: strides, dilations and paddings with their usual values, `auto_pad`, and a Pad in front."""

import numpy as np

Settings = dict[str, tuple[int, ...]]
SAME = ("SAME_UPPER", "SAME_LOWER")
ROWS, COLUMNS = 2, 3  # the axes of a map; 1 and 2 where its channels stand last


def window_settings(
    said: Settings, texts: dict[str, str], kernel: tuple[int, ...], before: tuple[int, ...]
) -> tuple[Settings, list[str]]:
    """(strides, dilations, group and pads of a convolution, what of it no layer here can have). `before`: the zeros of a Pad in front of it.

    What a file leaves out has ONNX's usual value. With stride 1 "the same size" is as much on both sides, for odd kernels; else it depends
    on the picture, and is more on one side.
    """
    axes = len(kernel)
    strides, dilations = said.get("strides", (1,) * axes), said.get("dilations", (1,) * axes)
    pads, strange = said.get("pads", (0,) * 2 * axes), []
    auto = texts.get("auto_pad", "NOTSET")
    if auto == "VALID":
        pads = (0,) * 2 * axes
    elif auto in SAME:
        more = [dilation * (side - 1) for dilation, side in zip(dilations, kernel, strict=False)]
        if set(strides) != {1} or any(each % 2 for each in more):
            strange.append(f"auto_pad {auto}")
        pads = tuple(each // 2 for each in more) * 2
    if before:
        pads = tuple(one + other for one, other in zip(pads, before, strict=False))
    return {"strides": strides, "dilations": dilations, "group": said.get("group", (1,)), "pads": pads}, strange


def padded_by(
    said: Settings, texts: dict[str, str], numbers: dict[str, float], given: list[np.ndarray | None]
) -> tuple[int, ...] | None:
    """How many zeros a Pad adds at the beginning of every axis, then at the end. None where they are no zeros, or the file does not say."""
    if texts.get("mode", "constant") != "constant" or numbers.get("value", 0.0) != 0:
        return None
    if len(given) > 1 and (given[1] is None or given[1].size != 1 or given[1].flat[0] != 0):
        return None
    if given:
        return (
            None
            if given[0] is None or given[0].dtype.kind != "i"
            else tuple(int(each) for each in given[0].ravel()[:64])
        )
    return said.get("pads")


def around(pads: tuple[int, ...] | None, last: bool) -> tuple[int, ...] | None:
    """Above, left, below and right of a map of four axes; None where others are padded."""
    if pads is None or len(pads) != 8:
        return None
    rows, columns = (ROWS - 1, COLUMNS - 1) if last else (ROWS, COLUMNS)
    sides = rows, columns, rows + 4, columns + 4
    if any(each for place, each in enumerate(pads) if place not in sides):
        return None
    return tuple(pads[place] for place in sides)


def words(operation: str, said: Settings, texts: dict[str, str] | None = None, before: tuple[int, ...] = ()) -> str:
    """A pool's window, how it moves and where it begins, in words that can be compared. `before`: the zeros of a Pad in front of it.

    What is padded below and to the right only says whether windows may reach beyond the edge, which changes no number but there.
    """
    kernel = said.get("kernel_shape", ())
    ones = (1,) * len(kernel)
    strides, dilations = said.get("strides", ones), said.get("dilations", ones)
    begins = said.get("pads", (0,) * len(kernel))[: len(kernel)]
    auto = (texts or {}).get("auto_pad", "NOTSET")
    if auto in SAME:  # of a picture whose sides are multiples of the strides
        more = [
            max(0, dilation * (side - 1) + 1 - stride)
            for dilation, side, stride in zip(dilations, kernel, strides, strict=False)
        ]
        begins = tuple((each + (auto == "SAME_LOWER")) // 2 for each in more)
    if before:
        begins = tuple(one + other for one, other in zip(begins, before, strict=False))
    return (
        f"{operation} {by(kernel)} by {by(strides)}"
        + f" padded by {by(begins)}" * any(begins)
        + f" dilated by {by(dilations)}" * (dilations != ones)
    )


def by(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))
