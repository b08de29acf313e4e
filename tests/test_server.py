"""The server as people start it: a process of its own, stopped, killed and started again."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from benchmarks.sqlite_writers import hammer
from tests.server_process import ROOT, ServerProcess

pytestmark = [pytest.mark.server, pytest.mark.own_sqlite, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A data folder whose database is ready; migrating once is enough."""
    folder = tmp_path_factory.mktemp("migrated")
    env = ServerProcess(folder).env
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True, timeout=60)
    return folder


def server_on_copy(migrated, folder, **env):
    shutil.copytree(migrated, folder, dirs_exist_ok=True)
    return ServerProcess(folder, DJANGO_SETTINGS_MODULE="benchmarks.writers.settings", **env)


@pytest.fixture(scope="module")
def server(migrated, tmp_path_factory):
    """One server for all tests that leave it running; its one extra route is the benchmarks' save."""
    with server_on_copy(migrated, tmp_path_factory.mktemp("server")) as running:
        yield running
        assert running.stop(signal.SIGINT) < 5  # Ctrl-C, after everything the tests did to it


def post(headers: str, body: bytes = b"") -> bytes:
    return f"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n\r\n".encode() + body


def test_serve__when_started__then_healthy_folders_made_and_small(server):
    status, body, headers = server.call("GET", "/health")
    assert (status, body["status"]) == (200, "ok")
    assert "x-request-id" in headers
    made = {str(path.relative_to(server.log.parent)) for path in server.log.parent.rglob("*") if path.is_dir()}
    assert made >= {"mails", "media", "exams/input", "exams/attempts", "exams/output", "exams/progress"}
    live = http.client.HTTPConnection("127.0.0.1", server.live_port, timeout=10)
    live.request("GET", "/ws/monitor")  # sockets and event streams, at their own port
    assert live.getresponse().status == 401
    live.close()
    assert len(server.pids()) == 2
    assert server.memory_mb() < 250


@pytest.mark.parametrize("extra", ["", "Content-Length: 3\r\n"])
def test_chunked_body__then_411(server, extra):
    answer = server.raw(post(f"{extra}Transfer-Encoding: chunked", b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n'))
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b'"error_code": "LENGTH_REQUIRED"' in answer


def test_body_of_30_megabytes__then_413_before_it_is_read(server):
    answer = server.raw(post(f"Content-Type: application/json\r\nContent-Length: {30 * 2**20}"))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_expect_continue__when_body_is_wanted__then_asked_for(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            b"POST /bench/save/900 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_slow_headers__when_200_clients_never_finish__then_others_are_served(server):
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert server.call("GET", "/health")[0] == 200


def test_slow_bodies__when_fewer_than_threads__then_others_are_served(server):
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(b"POST /bench/save/901 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
        assert server.call("GET", "/health")[0] == 200


def test_saves__when_64_clients_write_at_once__then_no_error_and_none_lost(server):
    before = server.call("GET", "/bench/counts")[1]
    load = hammer(server.port, clients=64, seconds=2)
    after = server.call("GET", "/bench/counts")[1]
    assert set(load.statuses) == {200}
    assert after["log"] - before["log"] == load.statuses[200] >= 64
    assert after["rows"] == after["log"]


def test_serve__when_port_is_taken__then_says_so_and_ends(server):
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve", "--no-demo"],
        cwd=ROOT, env=server.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{server.port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def own_server(migrated, tmp_path):
    """A server of this test's own, that it may stop."""
    with server_on_copy(migrated, tmp_path, HTTP_PROXY="http://x") as running:
        yield running


def wait_for(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if condition():
                return
        time.sleep(0.05)
    raise TimeoutError


def test_kill_9__when_in_mid_writing__then_every_acknowledged_save_is_there_and_it_still_stops(own_server):
    acknowledged = []
    with contextlib.suppress(OSError, http.client.HTTPException):
        while True:
            acknowledged.append(own_server.call("POST", "/bench/save/1", {})[1]["count"])
            if len(acknowledged) == 50:
                os.killpg(own_server.process.pid, signal.SIGKILL)
    own_server.process.wait(10)
    own_server.start()
    assert own_server.call("GET", "/bench/counts")[1]["log"] >= len(acknowledged) >= 50

    worker = next(pid for pid in own_server.pids() if pid != own_server.process.pid)
    os.kill(worker, signal.SIGKILL)  # the worker alone: a new one takes its place
    wait_for(lambda: own_server.call("GET", "/health")[0] == 200)
    assert worker not in own_server.pids()

    with socket.create_connection(("127.0.0.1", own_server.port)) as slow:
        slow.sendall(b"POST /bench/save/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
        assert own_server.stop(signal.SIGTERM) < 5


def test_kill_9__when_the_parent_alone_dies__then_no_orphan_keeps_the_port(own_server):
    os.kill(own_server.process.pid, signal.SIGKILL)
    own_server.process.wait(10)
    wait_for(lambda: own_server.pids() == [])
