"""The experiments' helper: what it trains on, and that a seed decides everything."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from minifcn.data import make_synthetic, read_labels, read_picture
from minifcn.models import FCN
from minifcn.paper.training import small_network, synthetic_data, trained
from minifcn.training import TrainingError


def test_the_data_are_those_of_make_synthetic_drawn_once_and_no_folder_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    synthetic_data.cache_clear()
    train, val = synthetic_data(3, 2, (32, 40))
    assert not list((tmp_path / "temporary").iterdir())
    assert (len(train), len(val)) == (3, 2)
    root = make_synthetic(tmp_path / "own", 3, 2, (32, 40))
    for split, data in (("train", train), ("val", val)):
        for i in range(len(data)):
            name = f"{split}_{i:05d}"
            np.testing.assert_array_equal(data.picture(i), read_picture(Path(root, f"JPEGImages/{name}.jpg")))
            np.testing.assert_array_equal(data.labels(i), read_labels(Path(root, f"SegmentationClass/{name}.png")))
    assert synthetic_data(3, 2, (32, 40))[0] is train


def test_a_network_is_its_seed():
    first, again, other = (small_network("fcn16s", seed, 2) for seed in (4, 4, 5))
    assert isinstance(first, FCN) and len(first.class_names) == 9 and first.architecture["stride"] == 16
    weights = [np.concatenate([p.data.ravel() for p in model.parameters()]) for model in (first, again, other)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_a_training_is_its_seed_and_learns():
    data = synthetic_data(8, 4, (32, 40))
    runs = [trained(small_network("fcn32s", 0, 2), data, 12, seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] and runs[0]["losses"] != runs[2]["losses"]
    assert len(runs[0]["losses"]) == 12 and runs[0]["losses"][0] == pytest.approx(np.log(9), abs=1e-5)
    assert runs[0]["losses"][-1] < 1.5 < runs[0]["losses"][0]
    assert np.sum(runs[0]["confusion"]) == sum((data[1].labels(i) != 255).sum() for i in range(4))


def test_changes_are_fields_of_a_recipe():
    data = synthetic_data(8, 4, (32, 40))
    usual, slow = (
        trained(small_network("fcn32s", 0, 2), data, 3, 0, **changes)["losses"] for changes in ({}, {"lr": 1e-9})
    )
    assert usual[2] < slow[2] == pytest.approx(np.log(9), abs=1e-4)
    with pytest.raises(TrainingError, match="a recipe has no speed"):
        trained(small_network("fcn32s", 0, 2), data, 3, 0, speed=1)
