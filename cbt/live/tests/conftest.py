"""The live server in a thread, over rows that are committed: what a module's tests store goes at its end, in one go."""

import threading
import time
from contextlib import ExitStack

import pytest
from django.core.management import call_command
from django.test import override_settings

from cbt.kernel.models import FeedEvent
from cbt.live import server
from tests.live_client import Client

#: Short, so that nothing has to be waited for; the order of the turns is the same.
QUICK = {"LIVE_POLL_SECONDS": 0.05, "LIVE_CHECK_SECONDS": 0.2, "LIVE_HEARTBEAT_SECONDS": 0.4}


@pytest.fixture(scope="module")
def committed(django_db_setup, django_db_blocker):
    """Let the tests of a module commit."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def _django_db_helper(committed):
    """Stand in for pytest-django's, which would empty all tables after each test: that takes longer than the test."""


@pytest.fixture
def rows(db):
    """No news yet."""
    FeedEvent.objects.all().delete()


@pytest.fixture(scope="module")
def running(committed):
    """The server as `make run` starts it, on a port of its own."""
    with override_settings(**QUICK), ExitStack() as stack:
        listening = stack.enter_context(server._listening("127.0.0.1", 0))
        running = server.server_make()
        thread = threading.Thread(target=lambda: running.run(sockets=[listening]))
        thread.start()
        deadline = time.monotonic() + 10
        while not running.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert running.started
        yield listening.getsockname()[1]
        running.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def live(running, db):
    """A client of that server; what it opened is closed at the end."""
    with Client(running) as client:
        yield client
