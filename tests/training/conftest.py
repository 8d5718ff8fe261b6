"""The set that the tests of training share."""

import pytest

from .helpers import make_small_set


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    return make_small_set(tmp_path_factory.mktemp("training") / "set")
