"""Run lengths: against masks that are written down by loops, against the tools, and refused before they are decoded."""

import numpy as np
import pytest

from minifcn.data import DataError
from minifcn.data.formats.shapes import runlengths

from .outlines import counts_of, four_channels, stream_of, text_of
from .real_tools import tool


def decoded(counts, height, width):
    columns = np.zeros((width, height), np.uint8)
    view, which = runlengths.inside(columns, runlengths.switches(counts, height, width))
    view[which] = 1
    return columns.T


def masks(count=80):
    rng = np.random.default_rng(0)
    for place in range(count):
        shape = rng.integers(1, 30, 2)
        yield rng.random(shape) < (0, 0.02, 0.5, 0.98, 1)[place % 5]
    tall = np.zeros((300, 200), bool)
    tall[40:260, 3:197] = True
    yield tall


@pytest.mark.parametrize(
    "write", [list, text_of, lambda counts: text_of(counts).encode()], ids=["counts", "text", "bytes"]
)
def test_what_was_written_is_read(write):
    for mask in masks():
        np.testing.assert_array_equal(decoded(write(counts_of(mask)), *mask.shape), mask)


def test_text_by_pycocotools():
    tools = tool("pycocotools.mask", "pycocotools")
    for mask in masks():
        text = tools.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
        assert text == text_of(counts_of(mask)).encode(), "this test's writer writes what the tool does"
        np.testing.assert_array_equal(decoded(text, *mask.shape), mask)


@pytest.mark.parametrize("counts", [[3, 2], [3, 20], [0], [20, 0, 1]])
def test_runs_that_do_not_fill_the_picture_are_refused(counts):
    with pytest.raises(DataError, match=rf"add up to {sum(counts)} pixels, but the picture has 4x5 = 20"):
        runlengths.switches(counts, 4, 5)


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [-1, 21],
        [1.5, 18.5],
        [float("nan"), 20],
        [float("inf"), 20],
        [1e300, 20],
        [[20]],
        [1, [2, 3]],
        [2**70],
        None,
        ["20"],
    ],
)
def test_what_are_no_run_lengths_is_refused(counts):
    with pytest.raises(DataError, match="whole numbers from 0"):
        runlengths.switches(counts, 4, 5)


@pytest.mark.parametrize(
    "text, words", [("5}", "no letter"), ("5 2", "no letter"), ("5é", "no letter"), ("52P", "cut short")]
)
def test_what_is_no_text_of_run_lengths_is_refused(text, words):
    with pytest.raises(DataError, match=words):
        runlengths.switches(text, 4, 5)


@pytest.mark.parametrize("inside", [255, 1, 100])
def test_a_brush_is_what_its_alpha_says(inside):
    for mask in masks(40):
        np.testing.assert_array_equal(runlengths.brush(stream_of(four_channels(mask, inside)), *mask.shape), mask)


def test_a_brush_with_other_sizes_and_values_one_by_one():
    mask = np.random.default_rng(2).random((9, 7)) < 0.5
    values = four_channels(mask)
    for sizes, literal in [((1, 2, 3, 4), ()), ((3, 4, 8, 16), range(0, 99, 3)), ((16, 9, 5, 2), range(99))]:
        np.testing.assert_array_equal(runlengths.brush(stream_of(values, 8, sizes, literal), 9, 7), mask)
    np.testing.assert_array_equal(runlengths.brush(stream_of(values > 0, 1), 9, 7), mask)


def test_a_brush_by_label_studio():
    brush = tool("label_studio_sdk.converter.brush", "label-studio-sdk")
    for mask in masks(10):
        stream = brush.mask2rle(mask.astype(np.uint8) * 255)
        np.testing.assert_array_equal(runlengths.brush(stream, *mask.shape), mask)
        np.testing.assert_array_equal(
            brush.decode_rle(stream_of(four_channels(mask))).reshape(*mask.shape, 4)[..., 3] > 0, mask
        )


def test_a_brush_of_another_picture_is_refused():
    stream = stream_of(four_channels(np.ones((4, 6), bool)))
    with pytest.raises(DataError, match="96 values, but a picture of 4x5 has 80"):
        runlengths.brush(stream, 4, 5)


@pytest.mark.parametrize(
    "harm",
    [lambda stream: stream[:-3], lambda stream: stream[:2], lambda stream: [300], lambda stream: "x", lambda stream: 5],
)
def test_a_brush_that_is_cut_or_no_bytes_is_refused(harm):
    with pytest.raises(DataError, match="no bytes, or are cut short"):
        runlengths.brush(harm(stream_of(four_channels(np.eye(6, dtype=bool)))), 6, 6)
