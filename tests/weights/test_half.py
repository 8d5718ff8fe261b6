"""Weights in float16, and the notes that travel with a model."""

import numpy as np
import pytest

from minifcn.models import load, save
from minifcn.models.saving import model_header
from minifcn.weights import WeightsError, load_arrays, save_arrays

from .test_saving import PICTURE, model


def test_half_is_every_value_rounded_to_float16(tmp_path):
    made = model()
    save(made, tmp_path / "full")
    save(made, tmp_path / "half", half=True)
    full, header = load_arrays(tmp_path / "full")
    half, same = load_arrays(tmp_path / "half")
    assert same == header and list(half) == list(full)
    for name, array in full.items():
        assert array.dtype == np.float32 and half[name].dtype == np.float16
        # 11 bits: at most half a unit in the last place from the value
        assert (np.abs(half[name] - array) <= np.maximum(2.0**-11 * np.abs(array), 2.0**-25)).all(), name
    again = load(tmp_path / "half")
    for name, array in again.state_dict().items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, half[name])


def test_scores_of_half_are_close_and_the_file_is_half_as_large(tmp_path):
    made = model(width=24)
    save(made, tmp_path / "full")
    save(made, tmp_path / "half", half=True)
    before, after = made.eval()(PICTURE).data, load(tmp_path / "half")(PICTURE).data
    assert after.dtype == np.float32
    error = np.abs(after - before).max() / np.abs(before).max()
    assert 0 < error < 0.002
    parameters = sum(p.size for p in made.parameters())
    saved = (tmp_path / "full").stat().st_size - (tmp_path / "half").stat().st_size
    assert abs(saved - 2 * parameters) < 100  # the header's numbers get shorter


def test_half_of_float64_comes_back_as_float32(tmp_path):
    save(model().astype(np.float64), tmp_path / "m", half=True)
    assert {p.dtype for p in load(tmp_path / "m").parameters()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("value", [65520, -1e9, np.inf, np.nan])
def test_what_float16_cannot_hold_is_refused(value, tmp_path):
    made = model()
    made.score_fr.bias.data[1] = 65519  # rounds to 65504, the last there is
    save(made, tmp_path / "m", half=True)
    assert load(tmp_path / "m").score_fr.bias.data[1] == 65504
    made.score_fr.bias.data[1] = value
    why = (
        r"reaches .*; float16 ends at 65504, so save it without"
        if np.isfinite(value)
        else r"holds NaN or infinity \(1 of 3"
    )
    with pytest.raises(WeightsError, match=f"save: score_fr.bias {why}"):
        save(made, tmp_path / "n", half=True)
    assert not (tmp_path / "n").exists()


def test_notes_travel_with_the_model(tmp_path):
    made = model()
    assert made.notes == {}
    made.notes["licence"] = "BSD 2-clause"
    made.notes |= {"Ursprung": "SqueezeNet v1.1, ImageNet – Küste"}
    save(made, tmp_path / "m")
    assert load(tmp_path / "m").notes == {"licence": "BSD 2-clause", "Ursprung": "SqueezeNet v1.1, ImageNet – Küste"}
    assert model().notes == {}  # a dict of its own for each model


def test_a_file_of_before_there_were_notes_has_none(tmp_path):
    made = model()
    header = {key: value for key, value in model_header(made).items() if key != "notes"}
    save_arrays(tmp_path / "m", made.state_dict(), header)
    assert load(tmp_path / "m").notes == {}


@pytest.mark.parametrize("notes", [None, ["MIT"], {"year": 2016}, {1: "one"}])
def test_notes_that_are_no_texts_are_refused(notes, tmp_path):
    made = model()
    made.notes = notes
    with pytest.raises(WeightsError, match=r"save: model.notes is .*; expected a dict of texts"):
        save(made, tmp_path / "m")
