"""The model that ships with the package: found by name, missed in a sentence, and packed with the rest."""

import configparser
from pathlib import Path

import numpy as np
import pytest

import minifcn as mf
from minifcn.models import shipped
from minifcn.weights import WeightsError

from .nets import network


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
    with pytest.raises(WeightsError, match=r"voc21: no such file, and no model of that name ships .*\(it has voc7\)"):
        mf.models.load("voc21")
    mf.models.save(network(classes=2), "voc21")
    assert len(mf.models.load("voc21").class_names) == 2


def test_the_folder_is_inside_the_package_and_its_files_are_packed():
    root = Path(mf.__file__).parent
    assert shipped.shipped_folder() == root / "weights" / "shipped"
    setup = configparser.ConfigParser()
    if not setup.read(root.parent / "setup.cfg"):
        pytest.skip("installed without its sources")
    patterns = setup["options.package_data"]["minifcn"].split()
    assert any((Path("weights/shipped") / "voc7.safetensors").match(pattern) for pattern in patterns)
    assert any(Path("py.typed").match(pattern) for pattern in patterns)
