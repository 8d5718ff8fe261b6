"""The cheat sheet: two pages, what it says about sizes is what the library does, and its table is the network's."""

import re

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops
from tests.docs.loading import ROOT, script

sheet = script("cheat_sheet")
RNG = np.random.default_rng(0)


def pages_of(content):
    return len(re.findall(rb"/Type\s*/Page\b", content))


def test_it_is_two_pages_to_print():
    committed = sheet.PAGE.read_bytes()
    assert committed.startswith(b"%PDF") and pages_of(committed) == 2
    assert re.search(rb"/MediaBox\s*\[\s*0 0 595\.\d+ 841\.\d+\s*\]", committed), "A4"
    assert len(committed) < 150_000


def test_drawn_anew_it_has_two_pages_and_the_same_bytes():
    once = sheet.drawn()
    assert pages_of(once) == 2 and once == sheet.drawn()


def test_a_page_that_is_too_full_is_told():
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="page 'Much' is too full by"):
        sheet.fill(Figure(figsize=sheet.A4), [("Much", [sheet.Row("a", "b", "c")] * 40)])


def test_all_rows_fit_in_width():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    for blocks in (sheet.first_page(), sheet.second_page()):
        figure = Figure(figsize=sheet.A4, dpi=72)
        renderer = FigureCanvasAgg(figure).get_renderer()
        sheet.fill(figure, blocks)
        for text in figure.texts:
            box = text.get_window_extent(renderer)
            assert box.x1 <= 72 * sheet.A4[0] * 0.97, text.get_text()


@pytest.mark.parametrize("H, k, s, p, d", [(9, 3, 1, 0, 1), (10, 3, 2, 1, 1), (23, 5, 3, 2, 2), (17, 4, 4, 0, 3)])
def test_sizes_are_the_librarys(H, k, s, p, d):
    x, weight = RNG.standard_normal((1, 1, H, H)), RNG.standard_normal((1, 1, k, k))
    options = dict(stride=s, padding=p, dilation=d)
    assert ops.conv2d(x, weight, **options).shape[2] == sheet.SIZES["conv2d"].compute(H, k, s, p, d)
    assert ops.conv_transpose2d(x, weight, **options).shape[2] == sheet.SIZES["conv_transpose2d"].compute(H, k, s, p, d)
    assert ops.max_pool2d(x, k, stride=s, padding=p).shape[2] == sheet.SIZES["max_pool2d"].compute(H, k, s, p)


def test_the_field_rule_gives_the_tables_numbers():
    """The rule as the sheet says it, over VGG16's layers written out here."""
    convolutions = {1: 2, 2: 2, 3: 3, 4: 3, 5: 3}
    size, stride, expected = 1, 1, {}
    for stage, count in convolutions.items():
        for kernel, step in [(3, 1)] * count + [(2, 2)]:
            size, stride = size + (kernel - 1) * stride, stride * step
        expected[f"pool{stage}"] = (str(size), str(stride))
    expected["fc7"] = (str(size + 6 * stride), str(stride))
    table = {row[0]: row[1:3] for row in sheet.network()[1:]}
    assert {name: table[name] for name in expected} == expected
    assert [row[-1] for row in sheet.network() if row[0] in ("pool3", "pool4", "upscore")] == ["9", "5", "31"]


def test_the_offsets_are_the_papers():
    assert [row.formula for row in sheet.offsets()] == [
        "19 at the end",
        "5 at pool4,   27 at the end",
        "5 at pool4,   9 at pool3,   31 at the end",
    ]


def test_the_tent_is_the_librarys():
    from minifcn.nn.initialisers import bilinear

    for k, f in ((4, 2), (3, 2), (16, 8), (15, 8)):
        tent = [1 - abs(i - (k - 1) / 2) / f for i in range(k)]
        assert np.allclose(bilinear(1, k)[0, 0], np.outer(tent, tent))


def test_the_step_is_the_librarys():
    """v ← μ v + ∂w + λ w, w ← w - η v."""
    w = mf.nn.Parameter(np.array([1.0, -2.0]))
    optimiser = mf.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.01)
    value, velocity = w.data.copy(), np.zeros(2)
    for _ in range(3):
        w.grad = np.array([0.5, 0.25])
        optimiser.step()
        velocity = 0.9 * velocity + np.array([0.5, 0.25]) + 0.01 * value
        value = value - 0.1 * velocity
    assert np.allclose(w.data, value)


def test_the_lessons_lead_to_it():
    assert "(../docs/cheat-sheet.pdf)" in (ROOT / "lessons/README.md").read_text(encoding="utf-8")
