"""What the tests of the command line share: small sets, one finished run, and a way to call a command."""

import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest
from training.helpers import make_small_set, random_model, saved, three_stripes, write_set

from minifcn.cli.commands import train
from minifcn.cli.main import main
from minifcn.data import ClassMap
from minifcn.models import shipped

SMALL = "--width 2 --size 32 --batch 2 --steps 2"
ONE = f"{SMALL} --arch fcn32s"


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    """Six and three synthetic pictures; class_names.txt stands beside them."""
    return make_small_set(tmp_path_factory.mktemp("cli") / "small")


@pytest.fixture(scope="session")
def voc_set(tmp_path_factory):
    """Pictures with the label values of VOC: cat 8, car 7, person 15; and with such names, for nothing else says so."""
    pairs = [three_stripes(seed, (8, 7, 15)) for seed in range(6)]
    return write_set(tmp_path_factory.mktemp("cli") / "voc", pairs, name="2007_{:06}")


@pytest.fixture(scope="session")
def own_set(tmp_path_factory):
    """Pictures with three classes of one's own, and no class_names.txt beside them."""
    pairs = [three_stripes(seed, (0, 1, 2)) for seed in range(10)]
    return write_set(tmp_path_factory.mktemp("cli") / "own", pairs)


@pytest.fixture(scope="session")
def trained(small_set, tmp_path_factory):
    """The folder of a finished run of three stages over the small set."""
    path = tmp_path_factory.mktemp("cli") / "trained"
    assert main(shlex.split(f"train --data {small_set} --out {path} {SMALL} --lr 0.5")) == 0
    return path


@pytest.fixture(scope="session")
def person_model(tmp_path_factory):
    """An untrained model of background, person and cat that predicts all three."""
    classes = ClassMap.voc(["person", "cat"])
    return saved(random_model(classes=classes), tmp_path_factory.mktemp("cli") / "person.safetensors")


class Answer:
    """The exit status of a command and what it printed."""

    def __init__(self, status, captured):
        self.status, self.out, self.err = status, captured.out, captured.err
        assert "Traceback" not in self.out + self.err

    def failed(self, *words):
        """Exit status 1, and all of `words` in one sentence on stderr."""
        assert self.status == 1, self.out + self.err
        for word in words:
            assert str(word) in self.err, self.err
        return self

    def worked(self):
        assert self.status == 0, self.out + self.err
        return self


@pytest.fixture
def call(capsys):
    """call("train --data X", path, ...): the words of the line, then the other arguments as they are."""

    def run(line, *arguments):
        try:
            status = main([*shlex.split(line), *map(str, arguments)])
        except SystemExit as stop:
            status = stop.code
        return Answer(status, capsys.readouterr())

    return run


@pytest.fixture
def small_synthetic(monkeypatch):
    """The word synthetic stands for four and two pictures of 40x48."""
    monkeypatch.setattr(train, "make_synthetic", partial(train.make_synthetic, train=4, val=2, size=(40, 48)))


class Copy:
    """A copy of the small set that may be damaged."""

    def __init__(self, source, root):
        self.root = shutil.copytree(source, root)

    def picture(self, name):
        return self.root / "JPEGImages" / f"{name}.jpg"

    def labels(self, name):
        return self.root / "SegmentationClass" / f"{name}.png"

    def split(self, name):
        return self.root / "ImageSets" / "Segmentation" / f"{name}.txt"


@pytest.fixture
def copy(small_set, tmp_path):
    return Copy(small_set, tmp_path / "copy")


@pytest.fixture
def no_shipped(tmp_path, monkeypatch):
    """An installation without the model that ships with minifcn; the folder where it would lie."""
    folder = tmp_path / "shipped"
    monkeypatch.setattr(shipped, "shipped_folder", lambda: folder)
    return folder


@pytest.fixture
def with_shipped(no_shipped, person_model):
    """An installation whose shipped model is that of background, person and cat; its file."""
    no_shipped.mkdir()
    return Path(shutil.copy(person_model, no_shipped / "voc7.safetensors"))
