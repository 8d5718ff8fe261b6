"""Tiles: the same labels as from the whole picture where they see enough, every pixel once, and never more than a tile at a time."""

from itertools import pairwise

import numpy as np
import pytest

import minifcn as mf
from minifcn import Tensor
from minifcn.models import FCN, Backbone
from minifcn.training import predict, predict_maps, predict_tiled
from minifcn.training.scoring import picture_tiles as tiles

from .helpers import random_model


def noise(rng, height, width):
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


def short_sighted(overlapping=False, seed=0):
    """A network of stride 4 whose pixels see some 20 pixels, float64: rounding decides nothing. `overlapping`: SqueezeNet's pools."""
    mf.manual_seed(seed)
    pool = dict(kernel_size=3, stride=2, padding=1) if overlapping else dict(kernel_size=2, stride=2, ceil_mode=True)
    trunk = Backbone(
        {
            "conv1": mf.nn.Conv2d(3, 4, 3, padding=1),
            "relu1": mf.nn.ReLU(),
            "pool1": mf.nn.MaxPool2d(**pool),
            "conv2": mf.nn.Conv2d(4, 6, 3, padding=1),
            "relu2": mf.nn.ReLU(),
            "pool2": mf.nn.MaxPool2d(**pool),
        },
        {4: "pool2", 2: "pool1"},
        {"pool2": 6, "pool1": 4},
    )
    model = FCN(trunk, 2, 4)
    rng = np.random.default_rng(seed)
    for name, parameter in model.named_parameters():
        if name.startswith("score_"):
            parameter.data[...] = rng.standard_normal(parameter.shape)
    model.astype(np.float64).eval()
    # every class somewhere: the same spread and mean for each
    values = model.preprocessing(noise(rng, 60, 60)).astype(np.float64)
    spread = model(Tensor(values)).data.std((0, 2, 3)).reshape(-1, 1, 1, 1)
    for layer in (model.score_fr, model.score_pool1):
        layer.weight.data /= spread
    model.score_fr.bias.data -= model(Tensor(values)).data.mean((0, 2, 3))
    return model


def changed_rows(model, size, row):
    """The rows whose scores change where a pixel of `row` is changed, by running the network."""
    rng = np.random.default_rng(0)
    found = np.zeros(size, bool)
    for _ in range(8):
        one = noise(rng, size, 9)
        other = one.copy()
        other[row] = 255 - one[row]
        scores = [model(Tensor(model.preprocessing(x).astype(np.float64))).data[0] for x in (one, other)]
        found |= (scores[0] != scores[1]).any((0, 2))
    return np.flatnonzero(found)


@pytest.mark.parametrize("overlapping", [False, True])
def test_the_reach_is_how_far_a_changed_pixel_is_seen(overlapping):
    model, size = short_sighted(overlapping), 96
    far = 0
    for row in range(44, 52):  # two cells, in the middle
        rows = changed_rows(model, size, row)
        far = max(far, row - rows[0], rows[-1] - row)
    assert tiles.reach(model) == far


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (37, 41), (64, 64), (65, 63), (101, 150)])
@pytest.mark.parametrize("tile", [40, 41, 55, 400])
@pytest.mark.parametrize("overlapping", [False, True])
def test_with_enough_context_tiles_change_nothing(overlapping, size, tile, rng):
    model, picture = short_sighted(overlapping), noise(rng, *size)
    whole = predict(model, picture)
    assert min(size) < 30 or len(np.unique(whole)) > 1
    enough = 2 * tiles.reach(model)
    assert enough + model.cell <= tile
    tiled = predict_tiled(model, picture, tile, enough)
    assert tiled.dtype == np.uint8 and tiled.shape == size
    np.testing.assert_array_equal(tiled, whole)


@pytest.mark.parametrize("padding", ["same", "paper"])
@pytest.mark.parametrize("arch", ["fcn32s", "fcn8s"])
def test_the_networks_of_the_paper_in_tiles(arch, padding, rng):
    model = random_model(arch, padding=padding).astype(np.float64)
    picture = noise(rng, 667, 45)
    whole = predict(model, picture)
    assert len(np.unique(whole)) > 1
    np.testing.assert_array_equal(predict_tiled(model, picture, 440, 2 * tiles.reach(model)), whole)


def test_with_less_context_tiles_differ_near_their_cuts_alone(rng):
    model, picture = short_sighted(), noise(rng, 200, 30)
    different = (predict_tiled(model, picture, 40, 0) != predict(model, picture)).any(1)
    assert different.any()
    far = tiles.reach(model)
    near = np.zeros(200, bool)
    for cut in range(40, 200, 40):
        near[cut - far : cut + far] = True
    assert not different[~near].any()
    # the default, about half of what is seen, is nearer to the whole than none
    default = (predict_tiled(model, picture, 40) != predict(model, picture)).mean()
    assert default < (predict_tiled(model, picture, 40, 0) != predict(model, picture)).mean()


@pytest.mark.parametrize("overlap", [0, 1, 13, 32])
@pytest.mark.parametrize("cell", [1, 4, 8])
def test_every_pixel_is_kept_once(overlap, cell):
    for tile in (overlap + cell, overlap + cell + 5, 64):
        for length in range(1, 200):
            found = tiles.pieces(length, tile, overlap, cell)
            kept = [pixel for piece in found for pixel in range(length)[piece.kept]]
            assert kept == list(range(length))
            for piece in found:
                assert piece.seen.start % cell == 0 and 0 < piece.seen.stop - piece.seen.start <= tile
                assert range(length)[piece.seen][piece.inner] == range(length)[piece.kept]
            for one, two in pairwise(found):
                assert one.seen.stop - two.seen.start >= overlap
                assert (
                    abs((one.seen.stop - one.kept.stop) - (two.kept.start - two.seen.start)) <= 1
                )  # cut in the middle


def test_a_tile_is_all_that_the_network_is_given(rng, monkeypatch):
    model, sizes, forward = random_model(), [], FCN.forward
    monkeypatch.setattr(FCN, "forward", lambda self, x: sizes.append(x.shape[2:]) or forward(self, x))
    done = []
    result = predict_maps(
        model, noise(rng, 130, 100), tile=96, overlap=32, mirror=True, scales=(1, 0.5),
        progress=lambda number, count: done.append((number, count)),
    )  # fmt: skip
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)] and len(sizes) == 16
    assert sizes[:4] == [(96, 96)] * 2 + [(48, 48)] * 2 and sizes[-4] == (66, 36)
    assert result.confidence is None and result.probabilities is None


@pytest.mark.parametrize(
    "tile, overlap, says",
    [(96, 65, "65 pixels"), (31, 0, "0 pixels"), (96, -1, "-1 pixels"), (200, None, "186 pixels, half of what")],
)
def test_tiles_that_cannot_overlap_so_far_are_refused(tile, overlap, says, rng):
    with pytest.raises(
        ValueError, match=rf"predict_tiled: tile is {tile} and .* overlap by {says}.*; expected an overlap"
    ):
        predict_tiled(random_model(), noise(rng, 9, 9), tile, overlap)


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(ValueError, match=r"predict: got .*; expected an RGB picture"):
        predict_tiled(random_model(), picture, 300)


def by_hand(model, picture):
    scores = model(Tensor(model.preprocessing(picture))).data[0].astype(float)
    return np.exp(scores) / np.exp(scores).sum(0)


def test_confidence_and_probabilities_by_hand(rng):
    model, picture = random_model(), noise(rng, 50, 43)
    expected = by_hand(model, picture)
    found = predict_maps(model, picture, confidence=True, every_class=True)
    np.testing.assert_array_equal(found.labels, predict(model, picture))
    assert found.confidence.dtype == np.float32 and found.probabilities.dtype == np.float16
    np.testing.assert_allclose(found.confidence, expected.max(0), rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-3, atol=1e-6)


def test_confidence_and_probabilities_in_tiles(rng):
    model, picture = short_sighted(), noise(rng, 90, 61)
    whole = predict_maps(model, picture, confidence=True, every_class=True)
    tiled = predict_maps(model, picture, confidence=True, every_class=True, tile=48, overlap=2 * tiles.reach(model))
    np.testing.assert_array_equal(tiled.labels, whole.labels)
    np.testing.assert_allclose(tiled.confidence, whole.confidence, rtol=1e-6)
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, rtol=1e-3)
    only = predict_maps(model, picture, confidence=True)
    assert only.probabilities is None and np.array_equal(only.confidence, whole.confidence)


def test_probabilities_of_many_views_are_their_mean(rng):
    model, picture = random_model(), noise(rng, 41, 34)
    mean = (by_hand(model, picture) + by_hand(model, picture[:, ::-1])[:, :, ::-1]) / 2
    found = predict_maps(model, picture, mirror=True, every_class=True)
    np.testing.assert_allclose(found.probabilities, mean, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(found.labels, predict(model, picture, mirror=True))


def test_the_longer_side_is_resized_first(rng, monkeypatch):
    model, sizes, forward = random_model(), [], FCN.forward
    monkeypatch.setattr(FCN, "forward", lambda self, x: sizes.append(x.shape[2:]) or forward(self, x))
    picture = noise(rng, 80, 60)
    found = predict_maps(model, picture, size=40)
    assert sizes == [(40, 30)] and found.labels.shape == (80, 60)
    np.testing.assert_array_equal(found.labels, predict(model, picture, scales=(0.5,)))
    sizes.clear()
    predict_maps(model, picture.transpose(1, 0, 2), size=160, scales=(1, 0.25))
    assert sizes == [(120, 160), (30, 40)]
    sizes.clear()
    np.testing.assert_array_equal(predict_maps(model, picture, size=80).labels, predict(model, picture))
    assert sizes == [(80, 60)] * 2


@pytest.mark.parametrize("wrong", [dict(size=0), dict(size=64, tile=400)])
def test_sizes_that_make_no_sense_are_refused(wrong, rng):
    with pytest.raises(
        ValueError, match=r"predict: size is .* and tile is .*; expected a size of at least 1, and not both"
    ):
        predict_maps(random_model(), noise(rng, 9, 9), **wrong)


@pytest.mark.parametrize(
    "options", [dict(scales=(0.4, 1.7), mirror=True), dict(size=23), dict(tile=96, overlap=32, scales=(0.5,))]
)
def test_some_rows_at_a_time_is_the_same(options, rng, monkeypatch):
    model, picture = random_model(), noise(rng, 121, 77)
    asked = dict(options, confidence=True, every_class=True)
    whole = predict_maps(model, picture, **asked)
    monkeypatch.setattr(tiles, "AT_ONCE", 4 * 77 * 7)  # seven rows
    found = predict_maps(model, picture, **asked)
    np.testing.assert_allclose(found.confidence, whole.confidence, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, whole.probabilities, atol=1e-3)
    sure = np.sort(whole.probabilities.astype(float), axis=0)
    clear = sure[-1] - sure[-2] > 2e-3
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(found.labels[clear], whole.labels[clear])


def test_memory_follows_the_tile(rng):
    """Not the network's maps, which other tests of memory look at, but what is handed to it and what is kept."""
    import tracemalloc

    model = short_sighted().astype(np.float32)
    peaks = []
    for options in (dict(), dict(tile=64)):
        picture = noise(rng, 800, 300)
        tracemalloc.start()
        predict_maps(model, picture, confidence=True, **options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    results = 800 * 300 * 5  # uint8 labels, float32 confidence
    assert peaks[1] < results + 3e6 < peaks[0] / 4  # the plans of four sizes of tile are kept, 1.5 MB of them
