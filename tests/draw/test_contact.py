"""Contact sheets: which pictures are chosen, what stands where, and how bad ones are shown."""

import numpy as np
import pytest
from PIL import Image

from minifcn.draw.pictures.contact import Tile, contact_sheet, spread

NAMES = ["background", "cat", "dog"]
COLOURS = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 120]], np.uint8)
TILE, GAP = 200, 10


def grey(height=50, width=100):
    return np.full((height, width, 3), 100, np.uint8)


def labels(value, height=50, width=100):
    return np.full((height, width), value, np.uint8)


def sheet(*tiles):
    return np.array(contact_sheet(tiles, NAMES, COLOURS)).astype(int)


def middle(pixels, column):
    """The pixel in the middle of a tile of 50x100 (drawn as 100x200) in the first row."""
    return pixels[GAP + 50, GAP + column * (TILE + GAP) + TILE // 2].tolist()


def has_colour(pixels, colour):
    return bool((pixels == colour).all(-1).any())


def test_spread_goes_over_the_whole_split():
    names = [f"{number:03}" for number in range(481)]
    assert spread(names, []) == [f"{number:03}" for number in np.linspace(0, 480, 48).round().astype(int)]
    assert spread(names, [], most=2) == ["000", "480"] and spread(names, [], most=1) == ["000"]


def test_spread_takes_all_of_a_few():
    assert spread(["a", "b", "c"], []) == ["a", "b", "c"]
    assert spread(["a", "b", "c"], ["c", "c"]) == ["c", "a", "b"]
    assert spread([], []) == []


def test_spread_is_full_of_bad_ones_where_there_are_many():
    names = [f"{number:03}" for number in range(100)]
    assert spread(names, names[40:]) == names[40:88]
    assert spread(names, names[60:70])[:10] == names[60:70] and len(set(spread(names, names[60:70]))) == 48


def test_labels_lie_over_the_pictures():
    pixels = sheet(*(Tile(str(value), grey(), labels(value)) for value in (0, 1, 2, 255)))
    assert middle(pixels, 0) == [100, 100, 100]  # background is not tinted
    # 100 + 0.55 (colour - 100)
    assert middle(pixels, 1) == [155, 45, 45]
    assert middle(pixels, 2) == [45, 45, 111]
    assert middle(pixels, 3) == [168, 168, 151]


def test_the_legend_has_the_classes_that_are_shown():
    pixels = sheet(Tile("a", grey(), labels(1)))
    assert has_colour(pixels, COLOURS[1]) and not has_colour(pixels, COLOURS[2])
    assert not has_colour(pixels, (255, 0, 255)) and not has_colour(pixels, (224, 224, 192))


def test_values_that_are_no_class_are_magenta():
    for value in (3, 77, 254):
        pixels = sheet(Tile("a", grey(), labels(value)))
        assert middle(pixels, 0) == [185, 45, 185] and has_colour(pixels, (255, 0, 255))


def test_with_all_255_classes_nothing_is_no_class():
    names, colours = [f"class {number}" for number in range(255)], np.zeros((255, 3), np.uint8)
    pixels = np.array(contact_sheet([Tile("a", grey(), labels(254)), Tile("b", grey(), labels(255))], names, colours))
    assert middle(pixels, 0) == [45, 45, 45] and middle(pixels, 1) == [168, 168, 151]
    assert not has_colour(pixels, (255, 0, 255))


def test_what_cannot_be_read_leaves_the_rest_to_see():
    pixels = sheet(Tile("a", None, labels(1)), Tile("b", grey(), None), Tile("c", None, None))
    assert middle(pixels, 0) == [168, 58, 58]  # the tint over a grey of 128
    assert middle(pixels, 1) == [100, 100, 100]
    assert pixels[GAP + TILE // 2, GAP + 2 * (TILE + GAP) + TILE // 2].tolist() == [128, 128, 128]


def test_labels_of_another_size_are_stretched():
    half = labels(0, 30, 10)
    half[:, 5:] = 1
    pixels = sheet(Tile("a", grey(), half))
    row = pixels[GAP + 50, GAP : GAP + TILE]
    assert row[50].tolist() == [100, 100, 100] and row[150].tolist() == [155, 45, 45]


def test_only_a_problem_has_a_red_frame_and_red_words():
    red = (200, 0, 0)
    tiles = [Tile("a", grey(), None), Tile("b", grey(), None, "sizes differ")]
    pixels = np.array(contact_sheet(tiles, ["x", "y"], np.zeros((2, 3), np.uint8)))
    left, right = pixels[:, : GAP + TILE], pixels[:, GAP + TILE :]
    assert not has_colour(left, red)
    assert (right[GAP, GAP : GAP + TILE] == red).all()
    below = right[GAP + 100 :, GAP : GAP + TILE]
    assert has_colour(below[20:], red)


def test_the_aspect_stays():
    tall = sheet(Tile("a", grey(100, 20), None))
    column = (tall[GAP : GAP + TILE, GAP : GAP + TILE] == 100).all(-1)
    rows, columns = np.flatnonzero(column.any(1)), np.flatnonzero(column.any(0))
    assert (len(rows), len(columns)) == (200, 40) and columns[0] == 80


def test_rows_of_eight():
    assert sheet(*[Tile("a", grey(), None)] * 8).shape[1] == 8 * (TILE + GAP) + GAP
    one, two = (sheet(*[Tile("a", grey(), None)] * count) for count in (8, 9))
    assert two.shape[1] == one.shape[1] and two.shape[0] > one.shape[0] + 100
    assert middle(two, 0) == two[GAP + 50 + two.shape[0] - one.shape[0], GAP + 100].tolist() == [100, 100, 100]


def test_a_long_name_stays_in_its_tile():
    name = "a_picture_of_a_long_name_from_a_folder_of_others_0001"
    pixels = sheet(Tile(name, grey(), None), Tile("", grey(), None))
    below = pixels[GAP + 100 : GAP + 118]
    assert (below[:, GAP : GAP + TILE] < 100).any()
    assert (below[:, :GAP] == 255).all() and (below[:, GAP + TILE :] == 255).all()


def test_names_in_other_alphabets():
    assert (sheet(Tile("猫кошка", grey(), None))[GAP + 100 : GAP + 118] < 100).any()


@pytest.mark.parametrize("count", [0, 49])
def test_too_few_or_too_many_tiles(count):
    with pytest.raises(ValueError, match=f"contact_sheet: got {count} tiles; expected 1 to 48"):
        contact_sheet([Tile("a", grey(), None)] * count, NAMES, COLOURS)


def test_the_tiles_are_not_changed():
    picture, numbers = grey(), labels(77)
    sheet(Tile("a", picture, numbers))
    assert (picture == 100).all() and (numbers == 77).all()
    assert isinstance(contact_sheet([Tile("a", picture, numbers)], NAMES, COLOURS), Image.Image)
