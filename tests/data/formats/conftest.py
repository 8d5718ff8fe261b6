"""An import by the command, for all tests of formats."""

import pytest

from .helpers import import_into
from .imported import importing


@pytest.fixture
def imported(capsys, tmp_path):
    return import_into(capsys, tmp_path)


@pytest.fixture
def place(tmp_path):
    """A folder for a set, empty so far."""
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


@pytest.fixture
def bring(capsys, place, tmp_path):
    """bring("--void", 3): the set at `place`, or another source, imported into a new folder."""
    return lambda *words, source=place, root="root": importing(capsys, source, tmp_path / root, *words)
