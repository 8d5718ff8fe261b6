"""`minifcn import` called in this process, and the folder that it left read back without the library."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.cli.main import main


@dataclass
class Import:
    """What a call printed and left."""

    status: int
    out: str
    err: str
    root: Path

    def failed(self, *words):
        """Exit status 1, all of `words` in the one sentence on stderr, and nothing left behind."""
        assert self.status == 1, self.out + self.err
        assert len(self.err.strip().splitlines()) == 1
        for word in words:
            assert str(word) in self.err, self.err
        assert not self.root.exists() and not list(self.root.parent.glob(".*half*"))
        return self

    def worked(self):
        assert self.status == 0, self.out + self.err
        return self

    def says(self, *words):
        for word in words:
            assert str(word) in self.out, self.out
        return self

    @property
    def pictures(self):
        return {path.stem: path for path in sorted((self.root / "JPEGImages").iterdir())}

    def row(self, key):
        """The row of the printed table that begins with `key`, cells apart."""
        return next(line.split() for line in self.out.splitlines() if line.split()[:1] == [key])

    @property
    def classes(self):
        return (self.root / "class_names.txt").read_text(encoding="utf-8").splitlines()

    @property
    def labels(self):
        """Name → the numbers in the file, uint8 (H, W)."""
        paths = sorted((self.root / "SegmentationClass").iterdir())
        return {path.stem: np.asarray(Image.open(path)) for path in paths}

    @property
    def splits(self):
        paths = sorted((self.root / "ImageSets/Segmentation").iterdir())
        return {path.stem: path.read_text(encoding="utf-8").splitlines() for path in paths}

    @property
    def record(self):
        return json.loads((self.root / "import.json").read_text(encoding="utf-8"))


def importing(capsys, source, root, *words):
    """`minifcn import SOURCE --out ROOT WORDS…`."""
    capsys.readouterr()
    status = main(["import", str(source), "--out", str(root), *map(str, words)])
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return Import(status, printed.out, printed.err, root)


def same_labels(found, expected):
    """Pixel for pixel, and no picture more or less."""
    assert sorted(found) == sorted(expected)
    for name, labels in expected.items():
        np.testing.assert_array_equal(found[name], labels, err_msg=name)


def told(done, *words):
    """A line of what was printed that holds all of these."""
    assert any(all(word in line for word in words) for line in done.out.splitlines()), (words, done.out)
