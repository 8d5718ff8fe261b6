"""An import by the command, for all tests of formats."""

import pytest

from .helpers import import_into


@pytest.fixture
def imported(capsys, tmp_path):
    return import_into(capsys, tmp_path)
