"""Fixtures of the walks over all routes."""

import pytest
import time_machine

from cbt.kernel import clock
from tests import rows
from tests import world as worlds


@pytest.fixture
def world(db, media):
    """Two companies, two buyers; see `tests.world`."""
    with rows.kept_counters():
        built = worlds.build()
        # A walk of minutes must not find a login "not seen for a while": the clock stands still.
        with time_machine.travel(clock.now(), tick=False):
            yield built
