"""Where boxes stand: random graphs, held against what a reader needs and against counting by loops."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from minifcn.draw.diagrams.layers import crossings, depths, plan, spaced


def random_graph(rng, count):
    """Boxes of random sizes, arrows from lower numbers to higher ones, some of them double."""
    sizes = {at: (float(rng.integers(40, 200)), float(rng.integers(20, 120))) for at in range(count)}
    arrows = []
    for target in range(1, count):
        for _ in range(rng.integers(1, 4)):
            near = max(0, target - 6) if rng.random() < 0.8 else 0
            arrows.append((int(rng.integers(near, target)), target))
    return sizes, arrows


@pytest.mark.parametrize("seed", range(40))
def test_boxes_stand_apart_and_arrows_lead_down_past_them(seed):
    rng = np.random.default_rng(seed)
    sizes, arrows = random_graph(rng, int(rng.integers(2, 40)))
    found = plan(sizes, arrows, 776)
    assert set(found.places) == set(sizes)
    rects = {at: (p.x - sizes[at][0] / 2, p.y, *sizes[at]) for at, p in found.places.items()}
    for (x, y, w, h), (a, b, c, d) in combinations(rects.values(), 2):
        assert x + w <= a or a + c <= x or y + h <= b or b + d <= y
    for x, y, w, h in rects.values():
        assert x >= -1e-9 and y >= 0 and x + w <= found.width + 1e-9 and y + h <= found.height + 1e-9
    for (source, target), route in zip(arrows, found.routes, strict=True):
        xs, ys = zip(*route, strict=True)
        assert list(ys) == sorted(ys) and len(route) % 2 == 0
        assert ys[0] == rects[source][1] + rects[source][3] and ys[-1] == rects[target][1]
        assert rects[source][0] < xs[0] < rects[source][0] + rects[source][2]
        assert rects[target][0] < xs[-1] < rects[target][0] + rects[target][2]
        for at in range(0, len(route), 2):  # straight down, so through no other box
            assert xs[at] == xs[at + 1]
        for (x, top), (nx, bottom) in zip(route[1:-1:2], route[2::2], strict=True):  # a bend lies between two rows
            for left, y, w, h in rects.values():
                assert y + h <= top + 1e-9 or y >= bottom - 1e-9 or max(x, nx) < left or min(x, nx) > left + w


@pytest.mark.parametrize("seed", range(20))
def test_no_layer_is_wider_than_the_page_where_it_can_be_helped(seed):
    rng = np.random.default_rng(seed)
    sizes, arrows = random_graph(rng, 30)
    found = plan(sizes, arrows, 776)
    assert found.width <= 776 or len({source for source, _ in arrows}) * 14 + 214 > 776
    wide = dict.fromkeys(range(9), (300.0, 20.0))
    assert plan(wide, [(at, 8) for at in range(8)], 776).width <= 776  # eight inputs of one box, two a layer


def test_the_arrows_of_one_tensor_share_a_lane():
    sizes = dict.fromkeys("xabcdefgh", (60.0, 20.0))
    chain = list(zip("xabcdefg", "abcdefgh", strict=True))
    found = plan(sizes, chain + [("x", name) for name in "cdefgh"], 776)
    lanes = {route[at] for route in found.routes[len(chain) :] for at in range(2, len(route) - 2)}
    assert len({y for _, y in lanes}) == len(lanes)  # never two side by side


def test_a_chain_stands_straight_and_two_arrows_stay_two():
    sizes = {at: (50.0 + 10 * at, 20.0) for at in range(5)}
    found = plan(sizes, [(at, at + 1) for at in range(4)] + [(3, 4)], 776)
    assert len({round(place.x, 6) for place in found.places.values()}) == 1
    assert found.routes[3] != found.routes[4] and found.routes[3][-1] != found.routes[4][-1]


def test_crossings_are_counted():
    layers = [["a", "b", "c"], ["d", "e", "f"]]
    links = [("a", "f"), ("b", "e"), ("c", "d"), ("a", "d")]
    above, below = {"a": 0, "b": 1, "c": 2}, {"d": 0, "e": 1, "f": 2}
    expected = sum(
        (above[a] - above[c]) * (below[b] - below[d]) < 0 for (a, b), (c, d) in combinations(links, 2)
    )  # fmt: skip
    assert crossings(layers, links) == expected == 3


@pytest.mark.parametrize("seed", range(10))
def test_spaced_is_the_least_sum_of_squares(seed):
    """Against a search over small moves of every group of neighbours: none brings the boxes nearer to where they wish to be."""
    rng = np.random.default_rng(seed)
    keys = list(range(6))
    widths = dict(zip(keys, rng.integers(10, 60, 6).astype(float), strict=True))
    wish = dict(zip(keys, rng.uniform(0, 400, 6), strict=True))
    middles = {}
    spaced(keys, wish, widths, 500.0, middles)

    def cost(at):
        return sum((at[key] - wish[key]) ** 2 for key in keys)

    def allowed(at):
        apart = all(at[b] - at[a] >= (widths[a] + widths[b]) / 2 - 1e-9 for a, b in pairwise(keys))
        return apart and at[0] >= widths[0] / 2 - 1e-9 and at[5] <= 500 - widths[5] / 2 + 1e-9

    assert allowed(middles)
    for first in range(6):
        for last in range(first, 6):
            for step in (-1.0, -0.01, 0.01, 1.0):
                moved = {key: x + step * (first <= key <= last) for key, x in middles.items()}
                assert not allowed(moved) or cost(moved) >= cost(middles) - 1e-9


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="the arrows lead round in a circle"):
        depths({"a": 0, "b": 0}, {"a": ["b"], "b": ["a"]}, {"a": ["b"], "b": ["a"]})


def test_different_tensors_of_one_box_have_lanes_of_their_own():
    sizes = dict.fromkeys("xabc", (60.0, 20.0))
    arrows = [("x", "a"), ("a", "b"), ("b", "c"), ("x", "c"), ("x", "c"), ("x", "c")]
    found = plan(sizes, arrows, 776, ways=[0, 1, 2, 3, 3, 4])
    assert found.routes[3][1:-2] == found.routes[4][1:-2] and found.routes[3][-1] != found.routes[4][-1]
    assert not {x for x, _ in found.routes[3][2:-2]} & {x for x, _ in found.routes[5][2:-2]}
