"""Label maps as pictures: which pixel gets which colour, what stays untouched, what the legend needs."""

import numpy as np
import pytest

from minifcn.draw.pictures import overlay as module
from minifcn.draw.pictures.legend import legend, one_line
from minifcn.draw.pictures.overlay import class_shares, colourise, overlay, overlay_strips, shares_line, tint

NAMES = ["background", "cat", "dog"]
COLOURS = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 120]], np.uint8)
VOID_CREAM = (224, 224, 192)


def scene(height=40, width=60):
    """A grey picture with a square of cat in the middle, a column of dog at the right and a row of void on top."""
    picture = np.full((height, width, 3), 100, np.uint8)
    labels = np.zeros((height, width), np.uint8)
    labels[height // 4 : 3 * height // 4, width // 4 : width // 2] = 1
    labels[:, -width // 6 :] = 2
    labels[0] = 255
    return picture, labels


def test_colourise_gives_each_label_its_colour_and_void_its_cream():
    drawn = colourise(np.array([[0, 1], [2, 255]], np.uint8), COLOURS)
    assert drawn.dtype == np.uint8
    assert drawn.tolist() == [[[0, 0, 0], [200, 0, 0]], [[0, 0, 120], list(VOID_CREAM)]]


def test_colourise_draws_void_even_with_a_palette_of_256():
    palette = np.zeros((256, 3), np.uint8)
    assert tuple(colourise(np.array([[255]]), palette)[0, 0]) == VOID_CREAM


@pytest.mark.parametrize(
    ("labels", "error", "sentence"),
    [
        (np.array([[0, 3]], np.uint8), ValueError, "label 3 is not in colours, which has 3 entries"),
        (np.array([[0, -1]]), ValueError, "label -1"),
        (np.zeros((1, 2, 2), np.uint8), ValueError, r"shape \(1, 2, 2\), expected \(H, W\)"),
        (np.zeros((2, 2)), TypeError, "float64, expected integers"),
    ],
)
def test_colourise_refuses_what_it_cannot_draw(labels, error, sentence):
    with pytest.raises(error, match=sentence):
        colourise(labels, COLOURS)


def test_overlay_keeps_background_and_tints_classes():
    picture, labels = scene()
    drawn = np.array(overlay(picture, labels, NAMES, COLOURS, alpha=0.5))[: picture.shape[0], : picture.shape[1]]
    assert (drawn[labels == 0] == 100).all()
    assert drawn[20, 22].tolist() == [150, 50, 50]  # inside the cat: half the grey, half the red
    assert drawn[20, 57].tolist() == [50, 50, 110]
    assert (drawn[0] == np.add(VOID_CREAM, 100) // 2).all()


def test_overlay_outlines_objects_in_a_lighter_colour():
    picture, labels = scene()
    drawn = np.array(overlay(picture, labels, NAMES, COLOURS))
    edge, inside = drawn[20, 15].astype(int), drawn[20, 22].astype(int)
    assert (edge > inside).all()
    assert (edge[0] > edge[1]) and edge[1] == edge[2]  # still a red


def test_a_first_class_of_another_name_is_tinted():
    picture, labels = scene()
    drawn = np.array(overlay(picture, labels, ["road", "cat", "dog"], COLOURS, alpha=0.5))
    assert drawn[30, 5].tolist() == [50, 50, 50]


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (7, 400), (400, 7), (375, 500), (2000, 3000)])
def test_overlay_fits_a_legend_to_any_size_and_keeps_the_picture_there(size):
    picture = np.full((*size, 3), 90, np.uint8)
    labels = np.zeros(size, np.uint8)
    image = overlay(picture, labels, NAMES, COLOURS)
    drawn = np.array(image)
    assert image.mode == "RGB"
    assert (drawn[: size[0], : size[1]] == 90).all()
    letters = drawn[size[0] :].min(axis=2) < 80
    assert image.height >= size[0] + 20
    assert letters.sum() > 100, "the legend has no text"
    assert not letters[:, -3:].any() and not letters[-3:].any(), "the text is cut off"
    assert image.width == size[1] or size[1] < 200


def test_legend_of_a_large_picture_has_larger_letters():
    def rows(size):
        return overlay(np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8), NAMES, COLOURS).height - size[0]

    assert rows((2000, 3000)) > 3 * rows((200, 300))


def test_legend_wraps_and_takes_any_name():
    entries = [(f"class {index}", (index, 0, 0)) for index in range(20)]
    assert legend(entries, 200, 12).width == 200
    assert legend(entries, 200, 12).height > legend(entries, 2000, 12).height
    assert legend([("x" * 500, (0, 0, 0))], 100, 12).width < 600
    blank = np.array(legend([("", (0, 0, 0))], 200, 20))
    written = np.array(legend([("кот żółw é", (0, 0, 0))], 200, 20))
    assert (blank != written).any()
    assert len(one_line("y" * 500)) == 40


def test_overlay_refuses_wrong_shapes():
    picture, labels = scene()
    with pytest.raises(ValueError, match=r"labels \(39, 60\) do not fit a picture of \(40, 60\)"):
        overlay(picture, labels[1:], NAMES, COLOURS)
    with pytest.raises(ValueError, match="picture is float64"):
        overlay(picture / 255, labels, NAMES, COLOURS)
    with pytest.raises(ValueError, match="alpha is 2"):
        overlay(picture, labels, NAMES, COLOURS, alpha=2)
    with pytest.raises(ValueError, match="label 2 is not in names"):
        overlay(picture, labels, NAMES[:2], COLOURS)


def test_class_shares_leave_void_out_and_sort():
    labels = np.array([[255, 255, 2, 2], [2, 0, 255, 255]], np.uint8)
    assert class_shares(labels, NAMES) == [("dog", 0.75), ("background", 0.25)]
    assert shares_line(labels, NAMES) == "dog 75.0 %, background 25.0 %"


def test_shares_of_void_alone_and_of_a_trace():
    assert class_shares(np.full((2, 2), 255, np.uint8), NAMES) == []
    assert shares_line(np.full((2, 2), 255, np.uint8), NAMES) == "void only"
    assert shares_line(np.full((2, 2), 255, np.uint8), NAMES, "unsure") == "unsure 100.0 %"
    assert shares_line(np.array([[0, 1, 255, 255]]), NAMES, "unsure") == "unsure 50.0 %, background 25.0 %, cat 25.0 %"
    trace = np.zeros((100, 100), np.uint8)
    trace[0, 0] = 1
    assert shares_line(trace, NAMES) == "background 100.0 %, cat <0.1 %"


def blended(picture, labels, colours, alpha, clear):
    """What `tint` looks up, worked out for each pixel in floating point."""
    edges = np.zeros(labels.shape, bool)  # for pictures so small an outline is one pixel wide on each side
    edges[1:] |= labels[1:] != labels[:-1]
    edges[:-1] |= labels[1:] != labels[:-1]
    edges[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edges[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    colour = colourise(labels, colours).astype(np.float32)
    blend = picture + np.float32(alpha) * (colour - picture)
    blend = np.where((edges & (labels != 255))[..., None], 0.55 * colour + 0.45 * 255, blend)
    return np.where(((labels != 0) | (not clear))[..., None], np.rint(blend).astype(np.uint8), picture)


@pytest.mark.parametrize("alpha", [0, 0.1, 0.55, 1])
@pytest.mark.parametrize("names", [NAMES, ["sky", "cat", "dog"]])
@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (64, 48)])
def test_every_brightness_of_every_label_is_blended_as_worked_out(alpha, names, shape, rng, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 150)  # strips of a few rows
    picture = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    labels = rng.choice(np.array([0, 1, 2, 255], np.uint8), shape)
    labels[shape[0] // 3 :, shape[1] // 2 :] = 1  # an area, so that not all is outline
    expected = blended(picture, labels, COLOURS, alpha, names is NAMES)
    np.testing.assert_array_equal(tint(picture, labels, names, COLOURS, alpha), expected)
    np.testing.assert_array_equal(
        tint(picture[::-1, ::-1], labels[::-1, ::-1], names, COLOURS, alpha), expected[::-1, ::-1]
    )


def test_the_strips_are_the_overlay(rng, monkeypatch):
    for height, width in ((40, 60), (90, 5)):  # the second is narrower than its legend
        picture, labels = scene(height, width)
        whole = np.asarray(overlay(picture, labels, NAMES, COLOURS))
        monkeypatch.setattr(module, "AT_ONCE", 7 * width)
        across, down, strips = overlay_strips(picture, labels, NAMES, COLOURS)
        strips = list(strips)
        assert len(strips) > 5 and (down, across) == whole.shape[:2]
        np.testing.assert_array_equal(np.concatenate(strips), whole)


def test_strips_refuse_before_the_first_is_drawn():
    picture, labels = scene()
    with pytest.raises(ValueError, match="do not fit"):
        overlay_strips(picture[1:], labels, NAMES, COLOURS)
    with pytest.raises(ValueError, match="label 2 is not in colours"):
        overlay_strips(picture, labels, NAMES, COLOURS[:2])


def test_shares_of_many_classes_and_rows(rng, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 30)
    labels, names = rng.integers(0, 300, (40, 9)), [f"class {number}" for number in range(300)]
    labels[labels == 255] = 7
    found = dict(class_shares(labels, names))
    assert found == {names[label]: np.count_nonzero(labels == label) / labels.size for label in np.unique(labels)}
