"""The experiments on skips and streams: they run whole, and what they say follows from the scores alone."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.models import FCN
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import refinement, skips, streams
from minifcn.paper.training import SHAPE_CLASSES, small_network, synthetic_data

QUICK = Setting(seeds=(0,), scale=0.01)
FOUND = {  # claim -> the scores in the order in which they are measured for one seed, and the verdict
    "table-2": [
        ([0.2, 0.3, 0.35, 0.4, 0.5], True),
        ([0.3, 0.2, 0.35, 0.4, 0.5], False),
        ([0.2, 0.3, 0.35, 0.5, 0.5], False),
        ([0.2, 0.3, 0.60, 0.4, 0.5], False),  # more steps alone would have done it
    ],
    "pool4-alone": [([0.2, 0.3, 0.4], True), ([0.5, 0.3, 0.4], False)],
    "sum-or-max": [([0.3, 0.4, 0.6, 0.4, 0.5], True), ([0.3, 0.4, 0.4, 0.4, 0.5], False)],
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A few pictures are enough to see whether it runs."""
    for module in (skips, refinement):
        monkeypatch.setattr(module, "data_of_skips", lambda: synthetic_data(12, 3, (64, 96)))
    monkeypatch.setattr(streams, "synthetic_data", lambda: synthetic_data(12, 3, (64, 96)))
    yield
    skips.classifier_trunk.cache_clear()
    skips.coarse_network.cache_clear()


@pytest.mark.parametrize(
    "name", ["table-2", "pool4-alone", "sum-or-max", "refinement-by-other-means", "early-or-late-fusion", "two-heads"]
)
def test_an_experiment_runs_whole(name):
    outcome = CLAIMS[name].run(QUICK)
    assert outcome.holds in (True, False) and "mean IU" in outcome.measured
    assert CLAIMS[name].kind == "experiment"
    widths = {len(row) for row in outcome.table}
    assert len(widths) == 1 and len(outcome.table) >= 3


@pytest.mark.parametrize("name, found, verdict", [(n, f, v) for n, cases in FOUND.items() for f, v in cases])
def test_the_verdict_follows_from_the_scores(monkeypatch, name, found, verdict):
    supply = iter(found)
    order = {"table-2": [0, 1, 2, 3, 4]}.get(name, range(len(found)))
    assert len(list(order)) == len(found)
    monkeypatch.setattr(skips, "learn", lambda *arguments: next(supply))
    outcome = CLAIMS[name].run(QUICK)
    assert outcome.holds is verdict
    assert next(supply, None) is None  # every score was asked for


def test_pieces_are_named_after_what_covers_most():
    data = synthetic_data(12, 3, (64, 96))[0]
    pictures, names = skips.pieces(data, 30, np.random.default_rng(0))
    assert pictures.shape == (30, 64, 64, 3) and pictures.dtype == np.uint8
    assert len(set(names)) > 3 and names.max() < len(SHAPE_CLASSES)
    for picture, name in zip(pictures, names, strict=True):  # find the piece again, and count its pixels
        places = [
            (i, x) for i in range(len(data)) for x in range(33) if (data.picture(i)[:, x : x + 64] == picture).all()
        ]
        i, x = places[0]
        counts = [(data.labels(i)[:, x : x + 64] == c).sum() for c in range(1, len(SHAPE_CLASSES))]
        assert name == (1 + int(np.argmax(counts)) if max(counts) > 200 else 0)


def test_stitched_cells_lie_where_upsampling_expects_them():
    """A trained map that is constant stays so, and one pass gives every second row and column of the four."""
    model = small_network("fcn32s", 0).eval()
    model.score_fr.bias.data[...] = np.arange(len(SHAPE_CLASSES))
    x = mf.Tensor(np.random.default_rng(0).standard_normal((1, 3, 64, 96)).astype(np.float32))
    inside = refinement.stitched(model, x).data[0, :, 16:48, 16:80]
    assert inside.shape[1:] == (32, 64)
    np.testing.assert_allclose(inside, np.broadcast_to(np.arange(9.0)[:, None, None], inside.shape), atol=1e-4)


def test_a_pool5_of_stride_1_gives_cells_of_stride_16():
    source = small_network("fcn32s", 0)
    finer = refinement.stride_1_at_pool5(7, 2, 1, source)
    assert isinstance(finer, FCN) and finer.cell == 16
    x = np.zeros((1, 3, 64, 96), np.float32)
    assert finer.backbone(x)["drop7"].shape[2:] == (4, 6)
    weights = dict(source.backbone.named_parameters())
    for name, parameter in finer.backbone.named_parameters():
        np.testing.assert_array_equal(parameter.data, weights[name].data)
    smaller = dict(refinement.stride_1_at_pool5(3, 1, 1, source).backbone.named_parameters())
    assert smaller["fc6.weight"].shape[2:] == (3, 3)
    np.testing.assert_array_equal(smaller["conv3_1.weight"].data, weights["conv3_1.weight"].data)


def test_depth_tells_shapes_from_ground_and_not_from_each_other():
    labels = np.zeros((40, 60), np.uint8)
    labels[5:15, 5:15], labels[20:30, 30:50], labels[15] = 3, 7, 255
    depths = np.stack([streams.depth_of(labels, np.random.default_rng(i)) for i in range(200)])
    mean = depths.mean(0)
    assert mean[labels == 3].mean() == pytest.approx(mean[labels == 7].mean(), abs=0.06)
    assert mean[labels == 0].mean() - mean[labels == 3].mean() == pytest.approx(0.6, abs=0.06)
    assert mean[labels == 255].mean() == pytest.approx(mean[labels == 0].mean(), abs=0.06)


def test_batches_go_through_all_pictures():
    chosen = np.concatenate(list(streams.batches(12, 6, 0)))
    assert len(chosen) == 48 and (np.bincount(chosen) == 4).all()
