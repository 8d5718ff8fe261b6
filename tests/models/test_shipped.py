"""The model that ships with the package: found by name, missed in a sentence, and packed with the rest."""

import configparser
from pathlib import Path

import needs
import numpy as np
import pytest

import minifcn as mf
from minifcn.models import shipped
from minifcn.weights import WeightsError

from .nets import network

VOC = needs.DATA / "voc256"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stands for the folder inside the package."""
    monkeypatch.setattr(shipped, "shipped_folder", lambda: tmp_path / "shipped")
    (tmp_path / "shipped").mkdir()
    return tmp_path / "shipped"


def test_it_is_loaded_by_its_name(folder):
    model = network(classes=7)
    mf.models.save(model, folder / "voc7.safetensors", half=True)
    found = mf.models.load("voc7")
    np.testing.assert_array_equal(found.score_fr.weight.data, model.score_fr.weight.data.astype(np.float16))
    assert shipped.shipped_file() == folder / "voc7.safetensors"


def test_where_it_is_missing_a_sentence_says_so(folder):
    assert shipped.shipped_file() is None
    with pytest.raises(
        WeightsError, match=r"voc7: the model that ships with minifcn is not in this installation"
    ) as error:
        mf.models.load("voc7")
    for words in (str(folder), "install minifcn again", "minifcn train", "RUN/best.safetensors"):
        assert words in str(error.value)


def test_a_file_of_that_name_is_reached_by_its_path(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mf.models.save(network(classes=2), "voc7")
    mf.models.save(network(classes=7), folder / "voc7.safetensors")
    assert len(mf.models.load("./voc7").class_names) == len(mf.models.load(Path("voc7")).class_names) == 2
    assert len(mf.models.load("voc7").class_names) == 7


def test_a_name_that_is_none_says_which_there_are(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        WeightsError, match=r"voc21: no such file, and no model of that name ships with minifcn: did you mean voc7\?"
    ):
        mf.models.load("voc21")
    mf.models.save(network(classes=2), "voc21")
    assert len(mf.models.load("voc21").class_names) == 2


def test_the_folder_is_inside_the_package_and_its_files_are_packed():
    root = Path(mf.__file__).parent
    assert shipped.shipped_folder() == root / "weights" / "shipped"
    setup = configparser.ConfigParser()
    if not setup.read(root.parent / "setup.cfg"):
        pytest.skip("needs the sources: pip install -e .")
    patterns = setup["options.package_data"]["minifcn"].split()
    assert any((Path("weights/shipped") / "voc7.safetensors").match(pattern) for pattern in patterns)
    assert any(Path("py.typed").match(pattern) for pattern in patterns)


def test_the_file_that_ships_is_small_and_says_where_it_comes_from():
    file = shipped.shipped_file()
    assert file is not None and file.stat().st_size <= 4_000_000
    model = mf.models.load("voc7")
    assert model.class_names == ("background", "cat", "cow", "dog", "horse", "person", "sheep")
    assert model.picture_size == 256 and model.classes["values"] == [0, 8, 10, 12, 13, 15, 17]
    assert "BSD" in model.notes["licence"] and "SqueezeNet v1.1" in model.notes["origin"]


def test_it_sees_a_person_in_a_portrait():
    from minifcn.data import read_picture
    from minifcn.draw.pictures.sample import portrait
    from minifcn.training import predict_maps

    file = portrait()
    if file is None:
        pytest.skip(needs.PORTRAIT)
    labels = predict_maps(mf.models.load("voc7"), read_picture(file), size=256).labels
    person = labels == 5
    assert 0.4 < person.mean() < 0.75
    assert person[150:350, 200:330].mean() > 0.95  # the face


@pytest.mark.skipif(not VOC.exists(), reason=needs.VOC)
def test_it_scores_what_the_readme_says():
    """Every tenth of the 519 pictures, which takes seconds: 65.3 % mean IU, 91.8 % pixel accuracy; of all together it is 62.0 and 90.6."""
    from minifcn.data import ClassMap, VOCFolder
    from minifcn.training import evaluate

    model = mf.models.load("voc7")
    data = VOCFolder(VOC, "val", ClassMap.from_dict(model.classes))
    data.ids = data.ids[::10]
    scores = evaluate(model, data)
    assert scores["mean_iu"] == pytest.approx(0.653, abs=0.01)
    assert scores["pixel_accuracy"] == pytest.approx(0.908, abs=0.005)
