"""What lessons 12 to 16 share: the classifier that surgery starts from, and the accuracy at boundaries."""

import numpy as np
import pytest
import shapes

import minifcn as mf


def test_the_classifier_names_unseen_pieces_far_better_than_chance():
    pieces, names = shapes.pieces(shapes.Shapes(40, 3), 120, 0)
    with mf.no_grad():
        said = shapes.classifier()(mf.models.Preprocessing()(pieces)).data.argmax(1)
    assert (said == names).mean() > 2 * np.bincount(names).max() / len(names)


def test_surgery_copies_the_trunk_and_nothing_else():
    model, trained = shapes.on_trunk(8), shapes.classifier()
    for name, parameter in trained.backbone.named_parameters():
        assert np.array_equal(dict(model.backbone.named_parameters())[name].data, parameter.data)
    assert not any(getattr(model, f"score_{source}").weight.data.any() for source in ("fr", "pool4", "pool3"))


def test_boundary_accuracy_by_a_loop():
    rng = np.random.default_rng(0)
    labels = [rng.choice([0, 1, 255], (4, 3)).repeat(3, 0).repeat(4, 1) for _ in range(3)]
    guesses = [rng.integers(0, 2, each.shape) for each in labels]
    right = total = 0
    for truth, guess in zip(labels, guesses, strict=True):
        for (y, x), label in np.ndenumerate(truth):
            near = any(
                truth[v, u] != label
                for v in range(max(0, y - 2), min(12, y + 3))
                for u in range(max(0, x - 2), min(12, x + 3))
            )
            total += near and label != 255
            right += near and label != 255 and guess[y, x] == label
    assert 0 < right < total
    assert shapes.boundary_accuracy(labels, guesses, 2) == pytest.approx(right / total)
