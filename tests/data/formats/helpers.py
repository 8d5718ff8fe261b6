"""What tests of formats share beside an import: options in one text, and digests of folders."""

import hashlib
import shlex

import numpy as np
from PIL import Image

from .imported import importing, same_labels

same = same_labels


def import_into(capsys, tmp_path):
    """imported(source, "--void 3"): the command with --out below tmp_path."""

    def run(source, options="", out="out"):
        return importing(capsys, source, tmp_path / out, *shlex.split(options))

    return run


def digest(root):
    """Name → kind and content of everything below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        content = b"folder" if path.is_dir() else path.read_bytes()
        found[path.relative_to(root).as_posix()] = (path.is_symlink(), hashlib.sha256(content).hexdigest())
    return found


def pixels(path):
    """A picture or labels as Pillow reads them."""
    with Image.open(path) as image:
        return np.asarray(image)
