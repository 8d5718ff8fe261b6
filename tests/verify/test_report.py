"""What is told of a check: maps, ranges, the worst place, and the lines of a report."""

import numpy as np
import pytest

from minifcn.verify.report import Found, Report, axis_name, ranges, where


def found(analytic, numeric, allowed=1e-6, name="input 0", **more):
    analytic, numeric = np.array(analytic, float), np.array(numeric, float)
    with np.errstate(invalid="ignore"):
        error = np.abs(analytic - numeric)
    more.setdefault("kink", np.zeros(analytic.shape, bool))
    allowed = np.broadcast_to(np.array(allowed, float), analytic.shape)
    return Found(name, more.pop("kind", "curved"), more.pop("step", 1e-5), analytic, numeric, error, allowed, **more)


def wrong_at(shape, *places):
    bad = np.zeros(shape, bool)
    for place in places:
        bad[place] = True
    return bad


@pytest.mark.parametrize(
    "numbers, text",
    [
        ([], ""),
        ([3], "3"),
        ([0, 1, 2, 5], "0-2, 5"),
        ([0, 2, 4], "0, 2, 4"),
        ([7, 8], "7-8"),
        ([0, 1, 3, 4, 5, 9, 10], "0-1, 3-5, 9-10"),
    ],
)
def test_ranges(numbers, text):
    assert ranges(np.array(numbers, int)) == text


def test_names_of_axes():
    assert [axis_name(axis, 4) for axis in range(4)] == ["axis 0", "axis 1", "row", "column"]
    assert [axis_name(axis, 3) for axis in range(3)] == ["axis 0", "axis 1", "axis 2"]
    assert axis_name(0, 1) == "axis 0"


# the map


def test_the_map_of_one_axis():
    assert where(wrong_at((5,), 1, 4)) == ["map of the last axis (x wrong, . right):", ". x . . x"]


def test_the_map_of_two_axes():
    assert where(wrong_at((2, 3), (0, 1), (1, 2))) == [
        "map of the last two axes (x wrong, . right):",
        ". x .",
        ". . x",
    ]


def test_the_map_of_three_axes_says_where_the_first_is_wrong():
    assert where(wrong_at((3, 2, 2), (1, 0, 0), (2, 0, 0))) == [
        "only at 1-2 of 0-2 along axis 0",
        "map of the last two axes (x all wrong, o some, . none over all other axes):",
        "o .",
        ". .",
    ]


def test_the_map_of_four_axes():
    bad = wrong_at((2, 3, 2, 4), np.s_[1, [0, 2], :, 3])
    lines = where(bad)
    assert lines[-3:] == [
        "map of the last two axes (x all wrong, o some, . none over all other axes):",
        ". . . o",
        ". . . o",
    ]
    assert lines[:-3] == ["only at 1 of 0-1 along axis 0", "only at 0, 2 of 0-2 along axis 1"]


def test_the_map_tells_all_from_some():
    bad = wrong_at((2, 1, 1, 3), np.s_[:, :, :, 0], np.s_[1, :, :, 1])
    assert where(bad)[-1] == "x o ."
    assert not any("only at" in line for line in where(bad)), "both pictures are wrong"


def test_all_wrong_is_all_x():
    assert where(np.ones((2, 2, 2, 2), bool))[1:] == ["x x", "x x"]
    assert where(np.ones((1, 1, 2, 2), bool))[1:] == ["x x", "x x"]


def test_a_single_number_has_no_map():
    assert where(np.ones((), bool)) == where(np.ones((1, 1), bool)) == []


@pytest.mark.parametrize(
    "shape, block, rows, columns",
    [
        ((12, 32), None, 12, 32),
        ((13, 33), "2 x 2", 7, 17),
        ((30, 40), "3 x 2", 10, 20),
        ((24, 8), "2 x 1", 12, 8),
        ((3, 65), "1 x 3", 3, 22),
        ((100,), "1 x 4", 1, 25),
        ((1000, 1000), "84 x 32", 12, 32),
    ],
)
def test_a_large_map_is_drawn_in_blocks(shape, block, rows, columns):
    lines = where(np.ones(shape, bool))
    assert ("a sign for" in lines[0]) == (block is not None)
    assert f", a sign for {block})" in lines[0] if block else True
    assert lines[1:] == [" ".join("x" * columns)] * rows


def test_a_block_is_x_if_all_of_it_is_wrong_and_o_if_some_is():
    bad = wrong_at((13, 33), np.s_[0:2, 0:2], np.s_[3, 5], np.s_[12, :])
    lines = where(bad)
    assert lines[0] == "map of the last two axes (x all wrong, o some, . none, a sign for 2 x 2):"
    assert lines[1] == " ".join("x" + "." * 16)
    assert lines[2] == " ".join("..o" + "." * 14)
    assert lines[3:7] == [" ".join("." * 17)] * 4
    assert lines[7] == " ".join("x" * 17), "the last block is cut off by the border, and all of it is wrong"


def test_a_large_map_over_pictures():
    bad = wrong_at((2, 1, 40, 3), np.s_[0, 0, 39, 0])
    assert where(bad)[-10:] == [". . ."] * 9 + ["o . ."]
    assert where(bad)[-11] == (
        "map of the last two axes (x all wrong, o some, . none over all other axes, a sign for 4 x 1):"
    )


# the worst place


def test_the_worst_place_is_where_the_error_is_the_largest_part_of_what_is_allowed():
    one = found([1.0, 2.0, 3.0], [1.5, 2.0, 3.1], [1.0, 1.0, 1e-3])
    assert one.index == (2,)
    assert one.wrong == 1 and list(one.bad) == [False, False, True]


def test_the_worst_place_in_two_axes():
    assert found(np.zeros((2, 3)), [[0, 1, 0], [0, 3, 2]]).index == (1, 1)


@pytest.mark.parametrize("place", range(3))
def test_nan_is_wrong_and_the_worst(place):
    analytic = np.array([5.0, 1.0, 1.0])
    analytic[place] = np.nan
    one = found(analytic, [1.0, 1.0, 2.0])
    assert one.index == (place,) and one.bad[place]
    assert np.isnan(one.relative_error)


def test_infinity_is_wrong_and_the_worst():
    one = found([5.0, np.inf, 1.0], [1.0, 1.0, 1.0])
    assert one.index == (1,) and one.bad[1]


def test_nothing_wrong_where_nothing_is_allowed_is_not_the_worst():
    """0 of 0: with rtol=0 and atol=0, where an element changes nothing."""
    one = found([0.0, 2.0, 1.0], [0.0, 1.0, 1.0], allowed=0.0)
    assert one.index == (1,)
    assert "worst at (1,): analytic 2, numeric 1" in str(one)


def test_the_relative_error_is_that_of_the_worst_over_the_largest_gradient():
    assert found([1e-3, 8.0], [0.0, 8.0]).relative_error == 1e-3 / 8
    assert found([0.0, 1.0], [0.0, 4.0]).relative_error == 3 / 4
    assert found([0.0], [0.0]).relative_error == 0
    assert found(np.zeros((0, 2)), np.zeros((0, 2))).relative_error == 0


# the lines


def test_the_line_of_what_is_wrong():
    one = found(
        [[1.0, 2.5], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]], diagnosis="a known pattern", kind="linear", step=2.0
    )
    assert str(one).splitlines() == [
        "input 0: 1 of 4 elements wrong (linear, step 2); worst at (0, 1): analytic 2.5, numeric 2, "
        "relative error 0.12, tolerance 2.5e-07, both of the scale 4",
        "    diagnosis: a known pattern",
        "    map of the last two axes (x wrong, . right):",
        "    . x",
        "    . .",
    ]


def test_the_line_of_what_is_right_has_no_map():
    one = found([1.0, 2.0], [1.0, 2.0], kink=np.array([True, False]))
    assert str(one).startswith("input 0: 0 of 2 elements wrong, 1 of them at a kink (curved, step 1e-05); worst at (")
    assert len(str(one).splitlines()) == 1


def test_directions_have_no_map():
    one = found([1.0, 3.0], [1.0, 2.0], directions=True)
    text = str(one)
    assert "1 of 2 random directions wrong" in text and "worst at direction 1: " in text and "map" not in text
    assert "no pattern that is known here" in text


def test_an_empty_input_has_one_short_line():
    assert str(found(np.zeros((0, 3)), np.zeros((0, 3)))) == "input 0: 0 of 0 elements wrong (curved, step 1e-05)"


def test_a_report_that_is_right_tells_all():
    report = Report({0: found([1.0], [1.0]), "w": found([2.0, 3.0], [2.0, 3.0], name="parameter w", step=1.0)})
    assert report.ok and report.elements == 3 and report.steps == (1.0, 1e-5)
    lines = str(report).splitlines()
    assert lines[0] == "gradcheck: all right, 3 values compared"
    assert lines[1].startswith("  input 0: 0 of 1") and lines[2].startswith("  parameter w: 0 of 2")


def test_a_report_that_is_wrong_tells_what_is_wrong_and_names_the_rest():
    report = Report(
        {0: found([1.0], [1.0]), 1: found([1.0], [2.0], name="input 1"), "w": found([1.0], [1.0], name="parameter w")}
    )
    assert not report.ok
    lines = str(report).splitlines()
    assert lines[0] == "gradcheck: WRONG, 3 values compared"
    assert lines[1].startswith("  input 1: 1 of 1 elements wrong")
    assert lines[-1] == "  right: input 0, parameter w"
    assert "input 0: " not in str(report)


def test_a_fault_makes_a_report_wrong():
    report = Report({0: found([1.0], [1.0])}, faults=["not repeatable"])
    assert not report.ok
    assert str(report).splitlines() == ["gradcheck: WRONG, 1 values compared", "  not repeatable", "  right: input 0"]


def test_what_a_fault_blames_is_not_called_right():
    fine = {0: found([1.0], [1.0]), 1: found([1.0], [1.0], name="input 1")}
    report = Report(fine, faults=["input 0: does not use the incoming gradient"])
    assert str(report).splitlines()[1:] == ["  input 0: does not use the incoming gradient", "  right: input 1"]


def test_the_worst_of_a_report():
    small, large = found([1.0, 2.0], [1.0, 2.0]), found([1.0, 1.0], [1.0, 2.0])
    assert Report({0: small, 1: large}).worst == Report({0: large, 1: small}).worst == 0.5
    assert Report({}).worst == 0


def test_the_worst_of_a_report_is_nan_if_any_is():
    small, nan = found([1.0], [1.0]), found([np.nan], [1.0])
    assert np.isnan(Report({0: nan, 1: small}).worst)
    assert np.isnan(Report({0: small, 1: nan}).worst)
