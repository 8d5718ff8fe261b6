"""From photographs to numbers: order of channels, mean, scale, the colour of padding, and what is refused."""

import numpy as np
import pytest

from minifcn.models import FCN, Preprocessing

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)


def by_loops(pictures, channels, mean, scale):
    order = {"rgb": (0, 1, 2), "bgr": (2, 1, 0)}[channels]
    n, h, w, _ = pictures.shape
    result = np.zeros((n, 3, h, w))
    for place in np.ndindex(n, h, w):
        for c, source in enumerate(order):
            result[place[0], c, place[1], place[2]] = (float(pictures[place][source]) - mean[c]) * scale
    return result


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
@pytest.mark.parametrize("mean, scale", [((10.5, 20.0, 200.0), 1.0), ((104.007, 116.669, 122.679), 1 / 64)])
def test_values_by_loops(channels, mean, scale):
    values = Preprocessing(channels, mean, scale)(PICTURES)
    assert values.shape == (2, 3, 4, 5) and values.dtype == np.float32
    np.testing.assert_allclose(values, by_loops(PICTURES, channels, mean, scale), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_channels_lie_last_in_memory_and_the_picture_is_not_written_to(channels):
    pictures = PICTURES.copy()
    pictures.flags.writeable = False
    values = Preprocessing(channels)(pictures)
    assert values.transpose(0, 2, 3, 1).flags.c_contiguous
    assert not np.shares_memory(values, pictures)


def test_one_picture_becomes_a_batch_of_one_and_any_memory_order_is_read():
    preprocessing = Preprocessing()
    whole = preprocessing(PICTURES)
    np.testing.assert_array_equal(preprocessing(PICTURES[1]), whole[1:])
    np.testing.assert_array_equal(preprocessing(PICTURES[:, ::-1, ::2]), whole[:, :, ::-1, ::2])
    np.testing.assert_array_equal(preprocessing(np.asfortranarray(PICTURES)), whole)
    np.testing.assert_array_equal(preprocessing(PICTURES.tolist() and list(PICTURES)), whole)
    assert preprocessing(PICTURES[:0]).shape == (0, 3, 4, 5)


@pytest.mark.parametrize("channels, colour", [("rgb", (10, 21, 200)), ("bgr", (200, 21, 10))])
def test_the_fill_colour_becomes_about_0(channels, colour):
    preprocessing = Preprocessing(channels, (10.4, 20.6, 199.7), 2.0)
    assert preprocessing.fill == colour
    filled = preprocessing(np.full((1, 1, 3), colour, np.uint8))
    assert np.abs(filled).max() <= 0.5 * 2.0


@pytest.mark.parametrize(
    "pictures",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((3, 4, 5), np.uint8),
        np.zeros((4, 5, 3), np.float32),
        np.zeros((4, 5, 3), np.int64),
        np.zeros((1, 2, 4, 5, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_picture_is_refused(pictures):
    with pytest.raises(
        ValueError, match=r"preprocessing: got .*; expected RGB pictures, uint8 \(N, H, W, 3\) or \(H, W, 3\)"
    ):
        Preprocessing()(pictures)


def test_an_unknown_order_of_channels_is_refused():
    """Taken in silence, "BGR" would mean RGB, and every prediction would be a little wrong."""
    with pytest.raises(ValueError, match="BGR"):
        Preprocessing("BGR")(PICTURES)


def test_every_backbone_brings_its_own():
    tiny = FCN("tiny", 32, 2, width=1)
    assert tiny.preprocessing.channels == "rgb" and tiny.preprocessing.scale == 1 / 64
    own = Preprocessing("bgr", (1.0, 2.0, 3.0), 0.5)
    assert FCN("tiny", 32, 2, width=1, preprocessing=own).preprocessing == own


def test_vgg16_reads_blue_first_without_a_scale():
    from minifcn.models.preprocessing import DEFAULTS

    caffe = DEFAULTS["vgg16"]
    assert caffe.channels == "bgr" and caffe.scale == 1
    np.testing.assert_allclose(caffe.mean, (104.00699, 116.66877, 122.67892), atol=1e-3)
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_allclose(caffe(red).ravel(), [-104.007, -116.669, 132.321], atol=1e-3)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(mean=(1, 2)), r"mean is \(1, 2\); expected three numbers"),
        (dict(mean=7.0), r"mean is 7.0; expected three numbers"),
        (dict(mean=(1, 2, float("nan"))), "mean is .*nan.*; expected three numbers"),
        (dict(scale=0), "scale is 0; expected one number, or three, and none of them 0"),
        (dict(scale=(1.0, 2.0)), r"scale is \(1.0, 2.0\); expected one number, or three"),
        (dict(scale="a"), "scale is 'a'; expected one number"),
    ],
)
def test_a_channel_is_not_left_as_it_is(options, message):
    """A mean of two numbers left the third channel 120 too bright, and nobody heard of it."""
    with pytest.raises(ValueError, match=f"preprocessing: {message}"):
        Preprocessing(**options)(np.zeros((2, 2, 3), np.uint8))
