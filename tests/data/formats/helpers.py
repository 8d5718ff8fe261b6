"""What tests of formats share: an import by the command, what came out of it, and digests of folders."""

import hashlib
import json
import shlex

import numpy as np
from PIL import Image

from minifcn.cli.main import main


class Imported:
    """What a run of `minifcn import` left and said."""

    def __init__(self, status, captured, out):
        self.status, self.out, self.err, self.root = status, captured.out, captured.err, out
        assert "Traceback" not in self.out + self.err

    def worked(self):
        assert self.status == 0, self.out + self.err
        return self

    def failed(self, *words):
        """Exit status 1, all of `words` in one sentence on stderr, and nothing left behind."""
        assert self.status == 1, self.out + self.err
        assert len(self.err.strip().splitlines()) == 1
        for word in words:
            assert str(word) in self.err, self.err
        assert not self.root.exists()
        return self

    def says(self, *words):
        for word in words:
            assert str(word) in self.out, self.out
        return self

    @property
    def labels(self):
        """Name → labels, by Pillow alone."""
        return {path.stem: pixels(path) for path in sorted((self.root / "SegmentationClass").glob("*.png"))}

    @property
    def classes(self):
        return (self.root / "class_names.txt").read_text(encoding="utf-8").splitlines()

    @property
    def splits(self):
        lists = sorted((self.root / "ImageSets/Segmentation").glob("*.txt"))
        return {path.stem: path.read_text(encoding="utf-8").splitlines() for path in lists}

    @property
    def record(self):
        return json.loads((self.root / "import.json").read_text(encoding="utf-8"))

    @property
    def pictures(self):
        return {path.stem: path for path in sorted((self.root / "JPEGImages").iterdir())}

    def row(self, key):
        """The row of the printed table that begins with `key`, cells apart."""
        return next(line.split() for line in self.out.splitlines() if line.split()[:1] == [key])


def import_into(capsys, tmp_path):
    """imported(source, "--void 3"): the command with --out below tmp_path."""

    def run(source, options="", out="out"):
        capsys.readouterr()
        where = tmp_path / out
        status = main(["import", str(source), "--out", str(where), *shlex.split(options)])
        return Imported(status, capsys.readouterr(), where)

    return run


def digest(root):
    """Name → kind and content of everything below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        content = b"folder" if path.is_dir() else path.read_bytes()
        found[path.relative_to(root).as_posix()] = (path.is_symlink(), hashlib.sha256(content).hexdigest())
    return found


def same(got, expected):
    """Whether two sets of labels have the same names and pixels; says where they differ."""
    assert sorted(got) == sorted(expected)
    for name, labels in expected.items():
        np.testing.assert_array_equal(got[name], labels, err_msg=name)


def pixels(path):
    """A picture or labels as Pillow reads them."""
    with Image.open(path) as image:
        return np.asarray(image)
