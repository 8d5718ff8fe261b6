"""Confidence held against what was right, the temperature that brings them together, and that it goes into the weights."""

import contextlib
import tracemalloc

import numpy as np
import pytest

from minifcn.models import FCN, load, save
from minifcn.training import TrainingError, predict
from minifcn.training.scoring import calibration, picture_tiles
from minifcn.training.scoring.calibration import (
    BINS,
    at_temperature,
    best_temperature,
    fitted_temperature,
    reliability,
)
from minifcn.training.scoring.evaluate import probabilities, views_of

from .test_evaluate import Pairs, noise

NAMES = ("background", "disc", "square")


def network(rng, **options):
    """Random weights everywhere, the score layers too, which start at zero."""
    model = FCN("tiny", 8, len(NAMES), width=4, class_names=NAMES, **options)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data[...] = rng.standard_normal(parameter.shape) * 0.2
    return model.eval()


def drawn(rng, temperature, pixels=40_000):
    """Scores (3, P), and classes drawn from the softmax of the scores divided by `temperature`."""
    scores = rng.standard_normal((3, pixels)) * 3
    powers = np.exp(scores / temperature)
    edges = np.cumsum(powers / powers.sum(0), 0)
    return scores.astype(np.float32), (rng.random(pixels) > edges).sum(0).astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_found_that_the_labels_were_drawn_with(temperature, rng):
    assert best_temperature(*drawn(rng, temperature)) == pytest.approx(temperature, rel=0.05)


def confidence(scores, temperature):
    powers = np.exp(scores.astype(np.float64) / temperature)
    return (powers / powers.sum(0)).max(0)


@pytest.mark.parametrize("temperature", [0.4, 1.7])
def test_it_is_as_sure_as_it_is_right(temperature, rng):
    scores, truth = drawn(rng, temperature, 500)
    right = np.mean(scores.argmax(0) == truth)
    assert confidence(scores, best_temperature(scores, truth)).mean() == pytest.approx(right, abs=1e-6)


def test_whole_objects_under_a_wrong_name_do_not_take_the_confidence_of_all_else(rng):
    """The temperature of the least loss does: one object in fifty that is surely wrong outweighs all others there."""
    scores, truth = drawn(rng, 1.0)
    sure = np.zeros((3, 800), np.float32)
    sure[0] = 14
    scores, truth = np.concatenate([scores, sure], 1), np.concatenate([truth, np.ones(800, np.uint8)])

    def loss(temperature):
        found = scores.astype(np.float64) / temperature
        return np.mean(np.log(np.exp(found).sum(0)) - found[truth, np.arange(len(truth))])

    right = np.mean(scores.argmax(0) == truth)
    least = min(np.geomspace(0.5, 5, 200), key=loss)
    assert confidence(scores, least).mean() < right - 0.05
    assert confidence(scores, best_temperature(scores, truth)).mean() == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize(
    ("scores", "truth", "words"),
    [
        ([[9.0, 0.0], [0.0, 9.0]], [0, 1], r"2 pixels: the network is right on 100.0 % of them, and the surer"),
        ([[9.0, 0.0], [0.0, 9.0]], [1, 0], r"right on 0.0 % of them, and the less sure"),
        # mostly right, but where it is wrong it is so much surer that less is always better
        ([[9.0, 9.0, 90.0], [0.0, 0.0, 0.0]], [0, 0, 1], r"right on 66.7 % of them, and the less sure"),
        ([[1.0, 0.3], [1.0, 0.3], [1.0, 0.3]], [0, 1], "all classes have the same score everywhere"),
        ([[], []], [], "every pixel is void"),
    ],
)
def test_pixels_for_which_no_temperature_is_best(scores, truth, words):
    with pytest.raises(TrainingError, match=words):
        best_temperature(np.array(scores, np.float32), np.array(truth, np.uint8))


@pytest.mark.parametrize("options", [{}, {"fusion": "max"}, {"at_once": True}, {"padding": "paper"}])
def test_the_weights_of_the_score_layers_hold_it(options, rng, tmp_path):
    model = network(rng, **options)
    picture = noise(rng, 40, 56)
    before, classes = probabilities(model, picture), predict(model, picture)
    at_temperature(model, 2.0)
    after = probabilities(model, picture)
    expected = np.sqrt(before) / np.sqrt(before).sum(0)  # softmax(s / 2)
    np.testing.assert_allclose(after, expected, atol=1e-6)
    np.testing.assert_array_equal(predict(model, picture), classes)
    at_temperature(model, 0.25)  # twice as sure as at first, by a second look
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert again.notes["temperature"].startswith("0.5 ")
    np.testing.assert_allclose(probabilities(again, picture), before**2 / (before**2).sum(0), atol=1e-6)


def test_a_note_of_somebody_else_stays(rng):
    """It is no number, and was taken for one; a number of theirs is none of ours either."""
    model = network(rng)
    for note in ("warm", "21 degrees in the shade"):
        model.notes["temperature"] = note
        at_temperature(at_temperature(model, 2.0), 1.5)
        said = model.notes["temperature"]
        assert said.startswith("3 (scores were divided by it") and said.endswith(f"; before: {note}")


@pytest.mark.parametrize("at_once", [picture_tiles.AT_ONCE, 500])
def test_reliability_counts_pixel_by_pixel(at_once, rng, monkeypatch):
    """In one piece, and some rows at a time."""
    monkeypatch.setattr(picture_tiles, "AT_ONCE", at_once)
    model = network(rng)
    pairs = [(noise(rng, 24, 40), rng.integers(0, 3, (24, 40)).astype(np.uint8)) for _ in range(3)]
    pairs[1][1][:7] = 255
    found = reliability(model, Pairs(*pairs))
    pixels, right, total = [0] * BINS, [0] * BINS, [0.0] * BINS
    for picture, labels in pairs:
        for scores, label in zip(probabilities(model, picture).reshape(3, -1).T, labels.ravel(), strict=True):
            if label == 255:
                continue
            place = min(int(float(scores.max()) * BINS), BINS - 1)
            pixels[place] += 1
            right[place] += int(scores.argmax() == label)
            total[place] += float(scores.max())
    assert found.pixels.tolist() == pixels and found.right.tolist() == right
    np.testing.assert_allclose(found.confidence, total)
    gaps = [abs(r / n - t / n) * n for n, r, t in zip(pixels, right, total, strict=True) if n]
    assert found.error == pytest.approx(sum(gaps) / sum(pixels))


def test_memory_does_not_grow_with_classes_times_pixels(rng, monkeypatch):
    """A photograph whose network looks at it small: all classes of all its pixels at once took 309 and 157 MB."""
    monkeypatch.setattr(calibration, "PIXELS", 20_000)
    model = FCN("tiny", 32, 40, width=2)
    model.score_fr.bias.data[...] = rng.standard_normal(40) * 0.1
    model.picture_size = 64
    pairs = Pairs((noise(rng, 600, 800), rng.integers(0, 40, (600, 800)).astype(np.uint8)))
    for measured in (reliability, lambda *given: best(fitted_temperature, *given)):
        measured(model, pairs)
        tracemalloc.start()
        measured(model, pairs)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 80e6, measured


def best(fitted, *given):
    with contextlib.suppress(TrainingError):  # here its labels have nothing to do with the network
        fitted(*given)


def test_the_pixels_of_a_temperature_are_spread_over_the_pictures(rng, monkeypatch):
    """Every n-th of a picture n pixels wide would be one column: here the network errs everywhere but there."""
    monkeypatch.setattr(calibration, "PIXELS", 96)
    seen = []
    monkeypatch.setattr(calibration, "best_temperature", lambda scores, truth: seen.append(truth) or 1.0)
    labels = np.ones((24, 32), np.uint8)
    labels[:, 0] = 2
    fitted_temperature(network(rng), Pairs(*[(noise(rng, 24, 32), labels)] * 4))
    assert len(seen[0]) == 96 and np.mean(seen[0] == 2) < 0.2


def test_the_size_that_a_temperature_is_fitted_at(rng):
    model, seen = network(rng), []
    pairs = Pairs((noise(rng, 40, 60), rng.integers(0, 3, (40, 60)).astype(np.uint8)))
    model.picture_size = 30
    for size in ("known", "own", 90):
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(TrainingError):
            patch.setattr(calibration, "views_of", lambda *given: seen.append(given[3]) or views_of(*given))
            fitted_temperature(model, pairs, size=size)
    assert seen == [(0.5,), (1.0,), (1.5,)]


def test_a_set_of_void_alone_has_no_error(rng):
    nothing = Pairs((noise(rng, 16, 16), np.full((16, 16), 255, np.uint8)))
    found = reliability(network(rng), nothing)
    assert found.error is None and found.nine_in_ten is None
    with pytest.raises(TrainingError, match="every pixel is void"):
        fitted_temperature(network(rng), nothing)


def test_labels_drawn_from_the_network_itself_need_no_temperature(rng):
    """Who draws each pixel's label from what the network says has a network that is as sure as it is right; one made twice as sure is found out."""
    model, pairs = at_temperature(network(rng), 20.0), []  # else it is sure of nearly everything
    for _ in range(6):
        picture = noise(rng, 64, 64)
        edges = np.cumsum(probabilities(model, picture), 0)
        pairs.append((picture, (rng.random((64, 64)) > edges[:-1]).sum(0).astype(np.uint8)))
    honest = reliability(model, Pairs(*pairs)).error
    assert fitted_temperature(model, Pairs(*pairs)) == pytest.approx(1, rel=0.15)
    at_temperature(model, 0.5)
    assert reliability(model, Pairs(*pairs)).error > honest + 0.03
    at_temperature(model, fitted_temperature(model, Pairs(*pairs)))
    assert reliability(model, Pairs(*pairs)).error < 0.02
