"""Augmentation: pictures and labels stay together, labels never mix, nothing is asked of the generator in vain."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minifcn.data import VOID, Augmentation, Batches, DataError, random_crop, random_mirror
from minifcn.data.augment import adjust_colour, share_seen

from .coded import FILL, Coded, coded_pair, label_of

few = settings(deadline=None, max_examples=100, derandomize=True, database=None)
sides = st.integers(1, 12)
odd = st.integers(0, 6).map(lambda half: 2 * half + 1)  # then no new pixel's centre lies on the border of two old ones
ALL = Augmentation(scale=(0.5, 2.0), jitter=3, colour=0.3)


def seeded(seed=0):
    return np.random.default_rng(seed)


def lanczos(line, length):
    """`line` scaled up to `length` by definition: each pixel's neighbours within 3, by sinc(d) sinc(d / 3), which add up to 1."""
    found = []
    for i in range(length):
        at = (i + 0.5) * len(line) / length - 0.5
        near = [k for k in range(len(line)) if abs(k - at) < 3]
        weights = [np.sinc(k - at) * np.sinc((k - at) / 3) for k in near]
        found.append(sum(w * line[k] for w, k in zip(weights, near, strict=True)) / sum(weights))
    return np.clip(found, 0, 255)  # between the directions too: a pixel is a byte


def nearest(line, length):
    return [line[int((i + 0.5) * len(line) / length)] for i in range(length)]


# ---- scale


@pytest.mark.parametrize("factor", [2, 1.37, 3])
def test_pictures_are_scaled_by_lanczos_and_labels_by_nearest(rng, factor):
    picture = rng.integers(0, 256, (7, 5, 3), dtype=np.uint8)
    labels = rng.integers(0, 256, (7, 5), dtype=np.uint8)
    height, width = round(7 * factor), round(5 * factor)
    seen, seen_labels = Augmentation(False, (factor, factor)).apply(picture, labels, None, rng)
    columns = np.apply_along_axis(lanczos, 1, picture.astype(float), width)  # first, as Pillow does
    expected = np.apply_along_axis(lanczos, 0, columns, height)
    assert seen.shape == (height, width, 3) and seen.dtype == seen_labels.dtype == np.uint8
    assert abs(seen - expected).max() <= 1.51  # Pillow rounds once a direction, and the weights add rounding up
    rows = np.apply_along_axis(nearest, 0, labels, height)
    np.testing.assert_array_equal(seen_labels, np.apply_along_axis(nearest, 1, rows, width))


def test_scaling_keeps_a_picture_as_sharp_as_it_was():
    """A network that never saw a sharp picture misjudges the ones it is given: bilinearly almost half of the finest grain goes."""
    picture = np.random.default_rng(0).integers(64, 192, (64, 64, 3), dtype=np.uint8)

    def grain(picture):
        return np.abs(np.diff(picture.astype(float), axis=1)).mean()

    for factor in (1.02, 1.05, 1.1):
        seen, _ = Augmentation(False, (factor, factor)).apply(picture, np.zeros((64, 64), np.uint8), None, seeded())
        assert grain(seen) > 0.8 * grain(picture) / factor


def test_shrinking_skips_no_pixel():
    picture = np.zeros((1, 100, 3), np.uint8)
    picture[:, ::4] = 200  # every fourth: by nearest all or nothing of it would be left
    seen, _ = Augmentation(False, (0.25, 0.25)).apply(picture, np.zeros((1, 100), np.uint8), None, seeded())
    assert seen.shape == (1, 25, 3)
    assert (abs(seen[:, 1:-1].astype(int) - 50) < 25).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2)])
def test_no_side_shrinks_to_nothing(shape):
    seen, labels = Augmentation(False, (0.01, 0.01)).apply(*coded_pair(*shape), None, seeded())
    assert seen.shape == (1, 1, 3) and labels.shape == (1, 1)


@few
@given(odd, odd, sides, st.floats(0.2, 4), st.integers(0, 2**32 - 1))
def test_a_scaled_crop_is_a_crop_of_the_scaled_picture(height, width, size, factor, seed):
    random = seeded(seed)
    # no value near 0 or 255: Pillow cuts them between its two directions, whose order is its own
    picture, labels = random.integers(100, 156, (height, width, 3), dtype=np.uint8), coded_pair(height, width)[1]
    scaling = Augmentation(False, (factor, factor))
    whole = scaling.apply(picture, labels, None, seeded())
    seen, seen_labels = scaling.apply(picture, labels, size, seeded(seed), FILL)
    generator = seeded(seed)
    if factor != 1:
        generator.random()  # the draw of the factor
    expected, expected_labels = random_crop(*whole, size, generator, FILL)
    assert abs(seen.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(seen_labels, expected_labels)


@pytest.mark.parametrize("factor", [0.3, 0.77, 1.4, 2.6])
def test_edges_of_picture_and_labels_stay_together(factor):
    labels = np.zeros((40, 60), np.uint8)
    labels[13:, 22:] = 1
    picture = np.repeat(labels[..., None] * np.uint8(255), 3, 2)
    seen, seen_labels = Augmentation(False, (factor, factor)).apply(picture, labels, None, seeded())
    bright = seen[..., 0] > 127
    for axis in (0, 1):  # the edge, as the number of bright rows and columns
        assert abs(int(bright.any(axis).sum()) - int((seen_labels == 1).any(axis).sum())) <= 1
    assert (bright != (seen_labels == 1)).mean() < 0.06


@pytest.mark.parametrize("factor", [0.13, 0.3, 0.77, 1.37, 4])
def test_a_label_is_the_one_under_the_middle_of_its_pixel(factor):
    """Nearest by the corner, as in some libraries, would lay the labels up to half a pixel beside the picture: 3.5 of it at 1/8."""
    columns = np.tile(np.arange(20, 221, dtype=np.uint8), (3, 1))  # each pixel, and its label, say where they come from
    picture = np.repeat(columns[..., None], 3, 2)
    seen, labels = Augmentation(False, (factor, factor)).apply(picture, columns, None, seeded())
    beside = (labels.astype(int) - seen[..., 0])[:, 6:-6]  # Lanczos reaches over the rim, where the columns end
    assert abs(beside).max() <= 1  # half a pixel, and the rounding of the picture
    assert abs(beside.mean()) < 0.2
    np.testing.assert_array_equal(labels[0], nearest(columns[0], labels.shape[1]))


@few
@given(sides, sides, st.one_of(st.none(), sides), st.integers(0, 2**32 - 1))
def test_labels_never_mix(height, width, size, seed):
    picture, labels = coded_pair(height, width)
    labels = (labels // 100 * 99).astype(np.uint8)  # 0 and 99 only
    labels[0, 0] = VOID
    before = picture.copy(), labels.copy()
    _, seen = ALL.apply(picture, labels, size, seeded(seed), FILL)
    assert set(np.unique(seen)) <= {0, 99, VOID}
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_factors_lie_between_low_and_high_as_often_below_one_as_above():
    pair = coded_pair(100, 50)
    scaling = Augmentation(scale=(0.5, 2.0))
    shapes = [scaling.apply(*pair, None, seeded(seed))[1].shape for seed in range(400)]
    factors = [height / 100 for height, _ in shapes]
    assert 0.5 <= min(factors) < 0.53 and 1.9 < max(factors) <= 2.0
    assert 160 <= sum(factor < 1 for factor in factors) <= 240
    assert all(abs(width - height / 2) <= 0.75 for height, width in shapes)


# ---- jitter


def corners(augmentation, height, width, size, times=400):
    """(row, column) of the picture's corner seen from the crop's, for many crops of a coded picture."""
    picture, labels = coded_pair(height, width)
    found = []
    for seed in range(times):
        seen, seen_labels = augmentation.apply(picture, labels, size, seeded(seed), FILL)
        row, column = np.argwhere(seen_labels != VOID)[0]
        found.append((row - int(seen[row, column, 0]), column - int(seen[row, column, 1])))
        inside = seen_labels != VOID
        np.testing.assert_array_equal(seen_labels[inside], label_of(seen[inside][:, 0], seen[inside][:, 1]))
        assert (seen[~inside] == FILL).all()
    return found


@pytest.mark.parametrize(
    "height, width, size, jitter, rows, columns",
    [
        (6, 9, 4, 1, range(-3, 2), range(-6, 2)),  # one beyond every edge
        (3, 3, 5, 1, range(-1, 4), range(-1, 4)),  # a small picture may be cut
        (4, 4, 4, 2, range(-2, 3), range(-2, 3)),
        (5, 6, None, 2, range(-2, 3), range(-2, 3)),  # not cropped: shifted on a ground of its own size
        (3, 2, None, 9, range(-2, 3), range(-1, 2)),  # a pixel always stays
        (2, 2, 3, 9, range(-1, 3), range(-1, 3)),
    ],
)
def test_jitter_adds_places_each_as_likely_as_any_other(height, width, size, jitter, rows, columns):
    found = corners(Augmentation(False, jitter=jitter), height, width, size)
    places = {(row, column) for row in rows for column in columns}
    assert set(found) == places
    average = len(found) / len(places)
    for place in places:
        assert abs(found.count(place) - average) <= 4.5 * average**0.5


def test_a_shifted_picture_keeps_its_size():
    seen, labels = Augmentation(jitter=4).apply(*coded_pair(7, 9), None, seeded(1))
    assert seen.shape == (7, 9, 3) and labels.shape == (7, 9)


# ---- colour


def as_defined(picture, brightness, contrast, saturation):
    """Saturation, contrast, brightness, pixel after pixel."""
    grey = [[0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue in row] for row in picture.tolist()]
    mean = sum(map(sum, grey)) / picture[..., 0].size
    seen = np.empty(picture.shape)
    for y, row in enumerate(picture.tolist()):
        for x, pixel in enumerate(row):
            for channel, value in enumerate(pixel):
                value = grey[y][x] + saturation * (value - grey[y][x])
                value = mean + contrast * (value - mean)
                seen[y, x, channel] = min(max(brightness * value, 0), 255)
    return seen


@pytest.mark.parametrize(
    "factors", [(1.3, 1, 1), (1, 0.6, 1), (1, 1, 1.8), (1, 1, 0), (0.7, 1.4, 0.5), (1.5, 1.5, 1.5)]
)
def test_brightness_contrast_and_saturation(rng, factors):
    picture = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    seen = adjust_colour(picture, *factors)
    assert seen.dtype == np.uint8
    assert abs(seen - as_defined(picture, *factors)).max() <= 0.501
    np.testing.assert_array_equal(adjust_colour(picture, 1, 1, 1), picture)


def test_colour_leaves_labels_and_fill_alone():
    picture, labels = coded_pair(5, 4, 90)
    plain = Augmentation(False).apply(picture, labels, 9, seeded(3), FILL)
    seen, seen_labels = Augmentation(False, colour=0.5).apply(picture, labels, 9, seeded(3), FILL)
    np.testing.assert_array_equal(seen_labels, plain[1])
    inside = seen_labels != VOID
    assert (seen[~inside] == FILL).all() and (seen[inside] != plain[0][inside]).any()


def test_the_three_factors_are_drawn_each_by_itself():
    grey = np.full((2, 2, 3), 100, np.uint8)  # neither contrast nor saturation moves it
    found = [
        Augmentation(False, colour=0.4).apply(grey, grey[..., 0], None, seeded(seed))[0][0, 0, 0] for seed in range(400)
    ]
    assert 60 <= min(found) <= 63 and 137 <= max(found) <= 140
    assert 160 <= sum(value < 100 for value in found) <= 240
    # two greys and a red pixel: what is left of their distances tells contrast and saturation
    picture = np.array([[[100] * 3, [140] * 3, [140, 120, 120]]], np.uint8)
    triples = set()
    for seed in range(30):
        one, two, red = Augmentation(False, colour=0.3).apply(picture, picture[..., 0], None, seeded(seed))[0][0]
        triples.add((int(one[0]), int(two[0]) - int(one[0]), int(red[0]) - int(red[1])))
    for number in range(3):
        assert len({triple[number] for triple in triples}) >= 8
    assert len(triples) == 30


# ---- all of it


def test_the_default_is_crop_and_mirror():
    pair = coded_pair(9, 7)
    for seed in range(30):
        one, two = seeded(seed), seeded(seed)
        seen = Augmentation().apply(*pair, 4, one, FILL)
        expected = random_mirror(*random_crop(*pair, 4, two, FILL), two)
        assert all(np.array_equal(a, b) for a, b in zip(seen, expected, strict=True))
        assert one.random() == two.random()  # asked for nothing more


def test_nothing_asked_for_is_nothing_drawn():
    pair = coded_pair(9, 7)
    generator = seeded(4)
    seen = Augmentation(mirror=False).apply(*pair, None, generator)
    assert all(np.array_equal(a, b) for a, b in zip(seen, pair, strict=True))
    assert generator.random() == seeded(4).random()


@pytest.mark.parametrize("size", [6, None])
def test_augmented_batches_depend_on_seed_and_step_alone(size):
    sizes = ((9, 7), (5, 12), (8, 8), (3, 4))

    def fresh(seed=3, **options):
        return Batches(Coded(*sizes), 3, size, seed, FILL, augmentation=ALL, **options)

    forward = [fresh().at(step) for step in range(5)]
    looped = list(fresh(threads=4).iterate(0, 5))
    for step in (4, 0, 2, 2):
        for one, two, three in zip(fresh().at(step), forward[step], looped[step], strict=True):
            assert one.tobytes() == two.tobytes() == three.tobytes() and one.shape == two.shape == three.shape
    assert any(one[0].tobytes() != fresh(4).at(step)[0].tobytes() for step, one in enumerate(forward))
    assert len({pictures.tobytes() for pictures, _ in forward}) == 5


def test_scaled_pictures_of_unequal_sizes_are_padded_with_void():
    batches = Batches(Coded((9, 7), (5, 12)), 8, None, 0, FILL, augmentation=Augmentation(False, (0.5, 2)))
    pictures, labels = batches.at(0)
    inside = labels != VOID
    heights, widths = inside.any(2).sum(1), inside.any(1).sum(1)
    assert pictures.shape == (8, heights.max(), widths.max(), 3) and len(set(heights)) > 2
    for number, (tall, wide) in enumerate(zip(heights, widths, strict=True)):
        assert inside[number, :tall, :wide].all() and inside[number].sum() == tall * wide  # at the top left
    assert (pictures[~inside] == FILL).all()


# ---- examples for the report


def test_examples_are_variations_of_one_picture_and_the_same_every_time():
    def asked(seed=0, index=1):
        dataset = Coded((9, 7), (30, 40))
        return Batches(dataset, 2, 16, seed, FILL, augmentation=Augmentation(jitter=2)).examples(index, 6)

    found = asked()
    picture, labels = coded_pair(30, 40, 1)
    assert np.array_equal(found.picture, picture) and np.array_equal(found.labels, labels)
    assert len(found.variations) == 6
    for seen, seen_labels in found.variations:
        assert seen.shape == (16, 16, 3) and seen_labels.shape == (16, 16)
        inside = seen_labels != VOID
        assert inside.any() and (seen[inside][:, 2] == 1).all()
        np.testing.assert_array_equal(seen_labels[inside], label_of(seen[inside][:, 0], seen[inside][:, 1]))

    def pixels(examples):
        return [seen.tobytes() for seen, _ in examples.variations]

    assert len(set(pixels(found))) == 6
    assert pixels(asked()) == pixels(found) != pixels(asked(seed=1))
    assert found.sentence == Augmentation(jitter=2).describe(16)


def test_examples_of_two_pictures_are_cut_in_different_places():
    batches = Batches(Coded((30, 40), (30, 40)), 2, 16, 0, mirror=False)
    one, two = ([seen[0, 0, :2].tolist() for seen, _ in batches.examples(i, 4).variations] for i in (0, 1))
    assert one != two


def test_examples_without_a_size_share_one():
    batches = Batches(Coded((9, 7)), 1, None, 0, FILL, augmentation=Augmentation(scale=(0.5, 2)))
    shapes = {pair[1].shape for pair in batches.examples(0, 5).variations}
    assert len(shapes) == 1


@pytest.mark.parametrize("index, count", [(-1, 3), (2, 3), (0, 0)])
def test_examples_refused(index, count):
    with pytest.raises(DataError) as caught:
        Batches(Coded((4, 4), (4, 4)), 1, 4, 0).examples(index, count)
    assert str(caught.value) == (
        f"examples: index is {index} and count {count}; expected a picture from 0 to 1 and at least 1 variation"
    )


# ---- the settings


@pytest.mark.parametrize(
    "settings, size, sentence",
    [
        ({}, None, "Each time a picture is used it is mirrored half the time."),
        ({"mirror": False}, None, "Pictures are used as they are."),
        ({"mirror": False}, 96, "Each time a picture is used it is cropped to 96x96 pixels at a random place."),
        (
            {"scale": (2, 2), "jitter": 4},
            None,
            "Each time a picture is used it is scaled by 2, shifted by up to 4 pixels in each direction, and mirrored half the time.",
        ),
        (
            {"jitter": 8, "colour": 0.25, "mirror": False},
            128,
            "Each time a picture is used it is cropped to 128x128 pixels at a random place (up to 8 pixels beyond its edges) and given 0.75 to 1.25 times its brightness, contrast and saturation.",
        ),
    ],
)
def test_what_is_varied_is_said_in_one_sentence(settings, size, sentence):
    assert Augmentation(**settings).describe(size) == sentence


def test_settings_go_to_json_and_back():
    assert Augmentation().to_dict() == {"mirror": True, "scale": [1.0, 1.0], "jitter": 0, "colour": 0.0}
    one = Augmentation(False, (0.5, 2), 7, 0.25)
    text = json.dumps(one.to_dict())
    assert text == '{"mirror": false, "scale": [0.5, 2.0], "jitter": 7, "colour": 0.25}'
    again = Augmentation.from_dict(json.loads(text))
    assert again == one and hash(again) == hash(one) and again.scale == (0.5, 2.0)
    assert Augmentation.from_dict({}) == Augmentation()
    assert Augmentation.from_dict({"jitter": 3}) == Augmentation(jitter=3)
    assert Augmentation(scale=[1, 1], colour=0) == Augmentation()


SCALE = "expected two numbers, 0 < low <= high"
JITTER = "expected a whole number of pixels, 0 or more"
COLOUR = "expected a number from 0 to below 1"
REFUSED = [
    ({"mirror": "no"}, "augmentation: mirror is 'no'; expected True or False"),
    ({"mirror": 1}, "augmentation: mirror is 1; expected True or False"),
    ({"scale": 2}, f"augmentation: scale is 2; {SCALE}"),
    ({"scale": (1, 2, 3)}, f"augmentation: scale is (1, 2, 3); {SCALE}"),
    ({"scale": (2, 1)}, f"augmentation: scale is (2, 1); {SCALE}"),
    ({"scale": (0, 1)}, f"augmentation: scale is (0, 1); {SCALE}"),
    ({"scale": (1, math.inf)}, f"augmentation: scale is (1, inf); {SCALE}"),
    ({"scale": ("1", "2")}, f"augmentation: scale is ('1', '2'); {SCALE}"),
    ({"jitter": -1}, f"augmentation: jitter is -1; {JITTER}"),
    ({"jitter": 1.5}, f"augmentation: jitter is 1.5; {JITTER}"),
    ({"jitter": True}, f"augmentation: jitter is True; {JITTER}"),
    ({"colour": 1}, f"augmentation: colour is 1; {COLOUR}"),
    ({"colour": -0.1}, f"augmentation: colour is -0.1; {COLOUR}"),
    ({"colour": math.nan}, f"augmentation: colour is nan; {COLOUR}"),
    ({"colour": "0.1"}, f"augmentation: colour is '0.1'; {COLOUR}"),
    (
        {"color": 0.1},
        "augmentation: 'color' is not known: did you mean colour? Choose one of mirror, scale, jitter, colour",
    ),
]


@pytest.mark.parametrize("settings, message", REFUSED)
def test_refused(settings, message):
    with pytest.raises(DataError) as caught:
        Augmentation.from_dict(settings)
    assert str(caught.value) == message


def test_a_pair_that_does_not_fit_is_refused():
    picture, labels = coded_pair(4, 5)
    with pytest.raises(DataError) as caught:
        ALL.apply(picture, labels.T, 3, seeded())
    assert str(caught.value) == (
        "crop: expected picture (H, W, 3) and labels (H, W), both uint8, got uint8 (4, 5, 3) and uint8 (5, 4)"
    )


@pytest.mark.parametrize(
    "shapes, size, augmentation",
    [
        ([(20, 30)], 16, Augmentation()),
        ([(20, 30), (9, 40)], (24, 32), Augmentation()),
        ([(20, 30)], 16, Augmentation(jitter=11)),
        ([(20, 30)], 64, Augmentation(jitter=500)),
        ([(20, 30)], 32, Augmentation(scale=(0.5, 0.5))),
    ],
)
def test_the_share_of_a_crop_that_shows_its_picture(shapes, size, augmentation):
    """As drawing many crops gives it: what is not void there is the picture."""
    rng, shares = np.random.default_rng(0), []
    for shape in shapes:
        picture, labels = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
        shares.append([np.mean(augmentation.apply(picture, labels, size, rng)[1] == 0) for _ in range(4000)])
    found = share_seen(np.array(shapes), size, augmentation)
    assert found == pytest.approx(np.mean(shares), abs=5 * np.std(shares) / 4000**0.5 + 1e-9)


def test_the_share_seen_at_several_scales_is_that_at_the_middle():
    shapes = np.array([(20, 30)])
    assert share_seen(shapes, 32, Augmentation(scale=(0.25, 1))) == share_seen(
        shapes, 32, Augmentation(scale=(0.5, 0.5))
    )
