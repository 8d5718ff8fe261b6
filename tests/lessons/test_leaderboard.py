"""lessons/leaderboard.py: pictures of their own, networks as people have them, and the best score kept where somebody works."""

import json
import re

import leaderboard
import numpy as np

import minifcn as mf
from minifcn.data.synthetic.dataset import make_synthetic

from .reading import LESSONS, notebook


def test_pictures_are_painted_like_the_demos_and_none_of_them_is_the_demos(tmp_path):
    root = make_synthetic(tmp_path / "set", train=2, val=2)
    for split, first in (("train", 0), ("val", 1)):
        for number in range(2):
            stem = f"{split}_{number:05d}"
            picture, labels = leaderboard.drawn(first, number, 0)
            assert np.array_equal(picture, mf.data.read_picture(root / "JPEGImages" / f"{stem}.jpg"))
            assert labels.shape == leaderboard.SIZE
    demo = leaderboard.DemoSet(2)
    assert len(demo) == 2 and np.array_equal(demo.picture(1), leaderboard.drawn(0, 1, 0)[0])
    mine = [leaderboard.drawn(leaderboard.SEED, number)[1] for number in range(3)]
    assert not any(np.array_equal(labels, demo.labels(i)) for labels in mine for i in range(2))


def test_a_network_its_file_and_its_function_score_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(leaderboard, "judged", lambda: [leaderboard.drawn(leaderboard.SEED, k) for k in range(2)])
    net = mf.models.fcn4s("tiny", 9, width=2)
    mf.models.save(net, tmp_path / "net.safetensors")
    zeros = leaderboard.scored(lambda picture: np.zeros(picture.shape[:2], int))
    for answer in (net, tmp_path / "net.safetensors", str(tmp_path / "net.safetensors")):
        assert leaderboard.scored(answer) == zeros, "score layers that are zero say class 0 everywhere"
    assert zeros["per_class"]["background"] > 0.3


def test_the_best_score_is_kept_where_somebody_works(tmp_path):
    assert leaderboard.remember(50.0, tmp_path) == "" and not list(tmp_path.iterdir())
    (tmp_path / leaderboard.LESSON).touch()
    assert leaderboard.remember(50.04, tmp_path) == "your best so far"
    assert leaderboard.remember(49.0, tmp_path) == "your best stays 50.0"
    assert leaderboard.remember(60.0, tmp_path) == "your best so far; before it was 50.0"
    assert json.loads((tmp_path / leaderboard.YOURS).read_text())["best"] == 60.0
    (tmp_path / leaderboard.YOURS).write_text("{")
    assert leaderboard.remember(40.0, tmp_path) == "your best so far"


def test_the_bars_are_those_that_were_measured():
    """The demo's stands in docs/results.md, the lesson's own in its page."""
    bars = leaderboard.bars()
    table = (LESSONS.parent / "docs" / "results.md").read_text(encoding="utf-8").split("## The demo")[1]
    assert float(re.search(r"\| FCN-8s \| \S+ \| \S+ \| (\S+) \|", table)[1]) == bars[leaderboard.DEMO]
    shown = json.dumps(notebook("26_your_own"), ensure_ascii=False)
    assert f"that it never saw: **{bars['lesson 26 as it stands']}**" in shown
    assert (LESSONS / leaderboard.LESSON).exists() and bars["lesson 26 as it stands"] < bars[leaderboard.DEMO]
