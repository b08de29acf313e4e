"""Every route can be called properly: what the walks rest on."""

from tests import calls
from tests.routes import ROUTES


def test_bodies__then_none_is_left_over():
    writes = {str(row) for row in ROUTES if row.method not in {"GET", "DELETE"}}
    assert set(calls.BODIES) == writes


def test_every_route__when_called_properly__then_it_succeeds(world):
    failed = {}
    for row in ROUTES:
        with calls.undone():
            response = calls.call(row, world)
        if response.status_code not in {200, 201}:
            failed[str(row)] = (response.status_code, response.body[:300])
    assert failed == {}
