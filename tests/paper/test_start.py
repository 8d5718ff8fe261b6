"""How a finer net starts: what is equal, what is not, with the paper's own geometry; and that the check can fail."""

import numpy as np
import pytest

from minifcn.models import transplant
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import start as topic

claim = CLAIMS["unmodified-start"]


def test_it_holds_and_the_difference_is_told():
    outcome = claim.run(Setting())
    assert outcome.holds is True and (claim.kind, claim.section) == ("identity", "4.2")
    for words in ("0.750 and not 0.984", "up to 0.234", "a lone cell: 0.406"):
        assert words in outcome.measured
    for row in outcome.table[1:]:
        assert row[1:4] == ["equal", "nothing", "0"]
        assert row[4:8] == ["0.984", "0.750", "0.234", "0.406"]


def test_the_peaks_by_hand():
    """Tents at half-pixel centres: 1 - 0.5/32 once; twice by 2, 0.75 of it on two cells that lie side by side, flat in between."""
    found = topic.start_of(topic.fcn16s, "same")
    assert found.peaks == (63 / 64, 0.75)
    assert found.line == 63 / 64 - 0.75
    assert found.lone == pytest.approx((63 / 64) ** 2 - 0.75**2, abs=1e-15)
    assert 0.8 < found.kept < 1


@pytest.mark.parametrize("padding", ["same", "paper"])
def test_it_fails_where_the_skip_does_not_start_at_zero(padding, monkeypatch):
    def with_a_skip(source, model):
        transplant(source, model)
        model.score_pool4.bias.data[1] = 1e-6

    monkeypatch.setattr(topic, "transplant", with_a_skip)
    found = topic.start_of(topic.fcn16s, padding)
    assert found.same_scores and not found.skips_add_nothing
    outcome = claim.run(Setting())
    assert outcome.holds is False and outcome.measured.startswith("coarse scores do not all")


def test_it_fails_where_the_trunk_is_not_taken_over(monkeypatch):
    monkeypatch.setattr(topic, "transplant", lambda source, model: None)
    assert not topic.start_of(topic.fcn16s, "same").same_scores


def test_it_fails_where_the_crop_is_off_by_one(monkeypatch):
    right = topic.transplant

    def crooked(source, model):
        right(source, model)
        model.offset += 1

    monkeypatch.setattr(topic, "transplant", crooked)
    assert topic.start_of(topic.fcn16s, "paper").smooth == pytest.approx(3 / 32 - 2 / 32)


def test_the_profile_shows_each_net_in_one_line_with_the_same_sum():
    lines = topic.profile().lines
    assert list(lines) == ["FCN-32s", "FCN-16s", "FCN-8s"]
    for _, scores in lines.values():
        assert len(scores) == 160 and np.sum(scores) == pytest.approx(32, abs=1e-4)
