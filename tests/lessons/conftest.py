"""The lessons are no package: their folder is put on the path, as it is for a notebook that runs there."""

import sys
from pathlib import Path

import pytest

LESSONS = Path(__file__).parents[2] / "lessons"
sys.path.insert(0, str(LESSONS))


@pytest.fixture(scope="session")
def lessons():
    return LESSONS
