"""The claim of appendix A on label maps: what it tells without data, on a folder of its own, and when it does not hold."""

import needs
import numpy as np
import pytest

from minifcn.data import write_labels
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import coarse_labels as topic

VOC = needs.DATA / "voc500"


def run(data):
    return CLAIMS["upper-bounds"].run(Setting(data=data))


def folder(root, maps):
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / part).mkdir(parents=True)
    for number, labels in enumerate(maps):
        write_labels(root / f"SegmentationClass/{number}.png", labels)
    (root / "ImageSets/Segmentation/val.txt").write_text("".join(f"{number}\n" for number in range(12)))
    return root


def discs(rng, height, width, radius):
    """Maps of one disc of a random class on background: blocks score the less, the smaller the disc."""
    rows, columns = np.mgrid[:height, :width]
    for number in range(12):
        y, x = rng.uniform(0.3, 0.7, 2) * (height, width)
        yield np.where((rows - y) ** 2 + (columns - x) ** 2 < radius**2, 1 + number % 3, 0).astype(np.uint8)


def test_without_data_it_says_so(tmp_path):
    assert run(None)[:2] == (None, "needs the labels of a VOC folder, and none was given")
    holds, measured, *_ = run(tmp_path / "nowhere")
    assert holds is None and measured == f"data {tmp_path / 'nowhere'}: there is no such folder"


def test_half_the_size_is_compared_at_half_the_factor(tmp_path, rng):
    outcome = run(folder(tmp_path / "small", discs(rng, 160, 250, 55)))
    head, *rows = outcome.table
    assert head[0] == "factor" and head[4] == "factor for pictures of this size"
    assert [(row[0], row[1], row[4]) for row in rows] == [(str(f), str(p), str(f // 2)) for f, p in topic.PAPER.items()]
    by_factor = {row[0]: row[2:4] for row in rows}
    assert [row[5:] for row in rows[:5]] == [by_factor[factor] for factor in ("64", "32", "16", "8", "4")]
    assert "12 label maps with a long side of 250 pixels" in outcome.measured
    assert list(outcome.plots[0].lines) == ["paper", "nearest", "majority"]


def test_at_full_size_no_factor_is_scaled(tmp_path, rng):
    outcome = run(folder(tmp_path / "full", discs(rng, 300, 500, 90)))
    assert outcome.table[0] == ["factor", "paper", "here, nearest", "here, majority"]


def test_it_does_not_hold_for_small_objects_nor_where_a_coarser_map_scores_more(tmp_path, rng, monkeypatch):
    assert run(folder(tmp_path / "specks", discs(rng, 300, 500, 9))).holds is False  # they vanish long before factor 32
    good = folder(tmp_path / "good", discs(rng, 300, 500, 90))
    monkeypatch.setattr(topic, "PAPER", {128: 60.0, 64: 80.0, 32: 90.0, 16: 95.0, 8: 97.0, 4: 99.0})
    assert run(good).holds is True
    right = topic.percent
    monkeypatch.setattr(topic, "percent", lambda *a: right(*a) | {128: 99.9})
    assert run(good).holds is False


@pytest.mark.skipif(not VOC.is_dir(), reason=needs.VOC)
def test_it_holds_on_real_labels():
    outcome = run(VOC)
    assert outcome.holds and "40 label maps with a long side of 500 pixels" in outcome.measured
