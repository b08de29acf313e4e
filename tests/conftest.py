"""Fixtures of the walks over all routes."""

import pytest

from tests import rows
from tests import world as worlds


@pytest.fixture
def world(db, media):
    """Two companies, two buyers; see `tests.world`."""
    with rows.kept_counters():
        yield worlds.build()
