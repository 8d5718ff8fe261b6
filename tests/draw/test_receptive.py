"""What is drawn where, what counts how much, and that looking leaves the model as it was."""

import subprocess
import sys

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.draw.curves import to_png
from minifcn.draw.networks.receptive import effective_field, half_side, receptive_field
from minifcn.models import FCN

SIZE = (96, 128)


def model(padding="paper", stride=16, seed=0, **options):
    mf.manual_seed(seed)
    return FCN("tiny", stride, 3, width=2, padding=padding, **options)


def photo(seed=0, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def outlines(figure):
    """(left, top, width, height) of the squares, once each, in the order drawn; dashed ones first."""
    found = [patch for patch in figure.axes[0].patches if not patch.get_fill() and patch.get_linestyle() != ":"]
    return [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in found[::2]], found


def entries(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_nested_squares_lie_where_their_cells_see():
    """By hand for tiny, one convolution a stage, padding 100: fc6 sees 286, cell (1, 2) lies at 12.5 + 32·cell + 40 - 100 …"""
    figure = receptive_field(model(), ["pool1", "pool3", "fc6"], 1, 2, photo())
    field = 286
    # centre of fc6: 1 - 100 of conv1_1 and then, stage by stage, half a pool more: -99 + 1/2 + 1 + 2 + 4 + 8 … 3 cells of 32 for fc6
    centre = -99 + 0.5 + 1 + 2 + 4 + 8 + 3 * 32
    squares, _ = outlines(figure)
    assert squares[0] == (centre + 64 - field / 2, centre + 32 - field / 2, field, field)
    assert [side for *_, side in squares] == [286, 22, 4]
    for left, top, width, height in squares[1:]:  # the cells next to it: no farther than half their stride
        away = abs(left + width / 2 - centre - 64), abs(top + height / 2 - centre - 32)
        assert max(away) <= {22: 4, 4: 1}[height]
    assert [name.split(",")[0] for name in entries(figure)[:3]] == ["fc6", "pool3", "pool1"]
    assert entries(figure)[0] == "fc6, cell (1, 2): sees 286 x 286 pixels, stride 32"
    named = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    assert set(named) == {"fc6", "pool3", "pool1"} and len(set(named.values())) == 3


def test_solid_on_the_picture_and_dashed_outside():
    figure = receptive_field(model(), "fc6", 0, 0, photo())
    _, (dashed, solid) = outlines(figure)
    assert dashed.get_linestyle() == (0, (3, 2)) and solid.get_linestyle() in ("-", "solid")
    clip = solid.get_clip_box().transformed(figure.axes[0].transData.inverted())
    assert sorted(clip.intervalx) == pytest.approx([-0.5, 127.5]) and sorted(clip.intervaly) == pytest.approx(
        [-0.5, 95.5]
    )
    assert "outside of the picture: padding, zeros" in entries(figure)
    inside = receptive_field(model("same"), "pool1", 20, 20, photo())
    assert "outside of the picture: padding, zeros" not in entries(inside)


def test_everything_drawn_is_within_the_axes_and_the_picture_lies_on_its_pixels():
    figure = receptive_field(model(), "fc6", 0, 0, photo())
    axes = figure.axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for x, y, width, height in outlines(figure)[0]:
        assert left < x and x + width < right and top < y and y + height < bottom
    assert left < -100 and right > 228 and top < -100 and bottom > 196  # the padding too
    assert list(axes.images[0].get_extent()) == [-0.5, 127.5, 95.5, -0.5]
    np.testing.assert_array_equal(axes.images[0].get_array(), photo())


def test_the_grid_runs_between_the_cells():
    figure = receptive_field(model("same"), "pool3", 3, 4, photo())
    rows = figure.axes[0].collections[0].get_segments()
    assert [segment[0][1] for segment in rows] == [8 * i - 0.5 for i in range(13)]
    assert "grid: the 12 x 16 cells of pool3" in entries(figure)
    fine = receptive_field(model("same"), "score", 3, 4, photo())  # as fine as the picture: no grid
    assert not fine.axes[0].collections and not any("grid" in entry for entry in entries(fine))


def test_the_cell_in_the_middle_is_taken_where_none_is_named():
    figure = receptive_field(model("same"), "pool4", picture=photo())
    assert entries(figure)[0].startswith(
        "pool4, cell (2, 4)"
    )  # 47.5 lies on 16·2.5 + 7.5, between 2 and 3; 63.5 between 3 and 4
    empty = receptive_field(model("same"), "pool4", size=(33, 65))
    assert entries(empty)[0].startswith("pool4, cell (1, 2)") and not empty.axes[0].images


def test_the_gradient_lies_within_what_is_seen_and_sums_to_one():
    network = model("same", 8)
    share = effective_field(network, "pool3", 5, 6, photo())
    assert share.shape == SIZE and share.sum() == pytest.approx(1, abs=1e-5) and share.min() >= 0
    inside = np.zeros(SIZE, bool)
    inside[33:55, 41:63] = True  # cell (5, 6) of stride 8: 43.5 ± 11 and 51.5 ± 11
    assert not share[~inside].any() and (share[inside] > 0).mean() > 0.2


def test_the_gradient_of_one_convolution_is_its_weights():
    layer = nn.Conv2d(3, 1, 3, padding=1)
    share = effective_field(nn.Sequential(layer), "0", 4, 5, photo(size=(9, 9)), cotangents=3)
    weights = np.abs(layer.weight.data[0]).sum(0)
    np.testing.assert_allclose(share[3:6, 4:7], weights / weights.sum(), rtol=1e-5)


def test_looking_leaves_the_model_as_it_was():
    network = model("same", 8).train()
    network.backbone.drop6.p, network.score_fr.weight.requires_grad = 0.5, False
    network.backbone.drop7.eval()
    for parameter in network.parameters():
        parameter.grad = np.full(parameter.shape, 7, np.float32)
    first = effective_field(network, "fc7", 1, 1, photo(), cotangents=2)
    np.testing.assert_array_equal(first, effective_field(network, "fc7", 1, 1, photo(), cotangents=2))  # no dropout
    assert all((parameter.grad == 7).all() for parameter in network.parameters())
    assert not network.score_fr.weight.requires_grad and network.backbone.fc6.weight.requires_grad
    assert network.training and network.backbone.drop6.training and not network.backbone.drop7.training


def test_heat_over_a_pale_picture_with_its_half_square():
    network, picture = model("same", 8), photo()
    figure = receptive_field(network, ["pool2", "pool3"], 5, 6, picture, effective=2, seed=3)
    ground, heat = figure.axes[0].images
    pale = ground.get_array()
    assert (pale[..., 0] == pale[..., 1]).all() and pale.min() >= 140
    share = effective_field(network, "pool3", 5, 6, picture, 2, 3)
    drawn = np.asarray(heat.get_array())
    np.testing.assert_allclose(drawn / drawn.sum(), share, atol=1e-6)
    (half,) = [patch for patch in figure.axes[0].patches if patch.get_linestyle() == ":"]
    side = half_side(share, range(33, 55), range(41, 63))
    assert half.get_width() == side and half.get_x() + side / 2 == 51.5
    assert f"half of the gradient: {side} x {side} pixels" in entries(figure)
    assert figure.axes[1].get_ylabel() == "|gradient|, mean of 2"
    assert receptive_field(network, "pool3", 5, 6, size=(64, 64), effective=1).axes[0].images  # noise serves as picture


def test_half_side_by_hand():
    share = np.zeros((7, 7))
    share[3, 3], share[2, 3], share[0, 0] = 0.4, 0.2, 0.4
    assert half_side(share, range(7), range(7)) == 3
    share[3, 3], share[2, 3] = 0.5, 0.1
    assert half_side(share, range(7), range(7)) == 1
    even = np.full((4, 4), 1 / 16)
    assert half_side(even, range(4), range(4)) == 4  # 2 x 2 hold a quarter
    assert half_side(even[:2] * 2, range(2), range(4)) == 2


def test_it_can_be_written_and_is_the_same_every_time():
    first, second = (to_png(receptive_field(model(), ["pool3", "fc6"], 1, 1, photo(), effective=1)) for _ in range(2))
    assert first == second and first.startswith(b"\x89PNG")


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match='receptive_field: no layer; give a name, such as "pool3", or several'):
        receptive_field(model(), [])
    with pytest.raises(ValueError, match="geometry: no layer 'pool6': did you mean"):
        receptive_field(model(), ["pool6", "pool3"], 1, 1)
    with pytest.raises(ValueError, match=r"geometry: pool3 has 12x16 cells .* there is no cell \(12, 0\)"):
        receptive_field(model("same"), "pool3", 12, 0, photo())
    with pytest.raises(ValueError, match=r"receptive_field: picture is float64 \(4, 4\), expected uint8 \(H, W, 3\)"):
        receptive_field(model(), "pool3", 1, 1, np.zeros((4, 4)))
    with pytest.raises(
        ValueError, match=r"effective_field: no pixel changes score at \(1, 1\): .* zero, as those of score layers are"
    ):
        effective_field(model("same"), "score", 1, 1, photo())


def test_it_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, minifcn as mf; assert 'matplotlib' not in sys.modules and 'receptive_field' in dir(mf.draw); "
        "print(mf.draw.receptive_field.__name__, 'matplotlib' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "receptive_field True"
    with pytest.raises(AttributeError, match=r"module 'minifcn[.]draw' has no attribute 'receptive_fields'"):
        _ = mf.draw.receptive_fields
