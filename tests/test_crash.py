"""Web server, job runner and database killed in mid-work: what was acknowledged is there, nothing else is.

``CRASH_ROUNDS=20 make test ARGS=tests/test_crash.py`` kills more often than the default.
"""

import contextlib
import os
import random
import shutil
import signal
import socketserver
import sqlite3
import threading
import time
from collections import Counter

import pytest

from cbt.kernel.ids import hash_token
from tests import history
from tests.history import OK, REFUSED, UNKNOWN, Saved, Saver, Stored, judge
from tests.processes import (
    PostgresCluster,
    ServerProcess,
    Workers,
    database_env,
    manage,
    postgres_binaries,
    prepare,
)

pytestmark = [pytest.mark.server, pytest.mark.timeout(120 + 30 * int(os.environ.get("CRASH_ROUNDS", "0")))]
SAVERS = 6
SESSIONS = 60  # 100 saves a minute each
needs_postgres = pytest.mark.skipif(
    postgres_binaries() is None, reason="no PostgreSQL binaries under /usr/lib/postgresql"
)


def some_saves():
    """Return how many saves to wait for before the next kill."""
    return random.randint(30, 120)


def rounds(default):
    return int(os.environ.get("CRASH_ROUNDS", default))


def wait_until(condition, seconds=30.0, what="it"):
    """Poll until the condition holds; return the seconds that took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"{what() if callable(what) else what} did not happen within {seconds} s")
        time.sleep(0.01)
    return time.monotonic() - began


@contextlib.contextmanager
def saving(port, tokens, count=SAVERS):
    """Let clients save all through the block; they have ended when it is left."""
    savers = [Saver(number, port, tokens, with_revision=number % 2 == 1) for number in range(count)]
    for saver in savers:
        saver.start()
    try:
        yield savers
    finally:
        for saver in savers:
            saver.halt()
        for saver in savers:
            saver.join(40)
        assert not any(saver.is_alive() for saver in savers), "a client hangs"


def acknowledged(savers):
    return sum(saver.ok_count for saver in savers)


def wait_for_more(savers, count):
    """Wait until this many more saves were acknowledged, and each client has had one of them."""
    before = [saver.ok_count for saver in savers]
    return wait_until(
        lambda: (
            acknowledged(savers) >= sum(before) + count
            and all(saver.ok_count > old for saver, old in zip(savers, before, strict=True))
        ),
        what=lambda: f"{count} more than {before} acknowledged saves (now {[(s.ok_count, s.seen) for s in savers]})",
    )


def all_saves(savers):
    return [save for saver in savers for save in saver.history]


def only_polite(savers):
    """Assert that no client saw anything but 200, 429, polite 503s and cut or refused connections."""
    assert [text for saver in savers for text in saver.strange] == []


# --- the judge itself --------------------------------------------------------------------------------


def a_history(*outcomes):
    return [Saved("s", ("q1", "q2"), value, outcome) for value, outcome in enumerate(outcomes, 1)]


def a_store(*logged, answers=None, first_number=1):
    log = [
        (number, "answers_saved", {"answers": [{"question_id": key, "answer": value} for key in ("q1", "q2")]})
        for number, value in enumerate(logged, first_number)
    ]
    answers = {"q1": logged[-1], "q2": logged[-1]} if answers is None and logged else answers or {}
    return {hash_token("s"): Stored(answers, log)}


@pytest.mark.parametrize(
    ("told", "stored"),
    [
        ((), a_store()),
        ((OK, OK), a_store(1, 2)),
        ((OK, UNKNOWN), a_store(1)),
        ((OK, UNKNOWN), a_store(1, 2)),
        ((UNKNOWN, OK, UNKNOWN), a_store(2)),
        ((OK, REFUSED), a_store(1)),
        ((UNKNOWN,), a_store()),
    ],
)
def test_judge__when_nothing_is_wrong__then_no_fault(told, stored):
    assert judge(a_history(*told), stored) == []


@pytest.mark.parametrize(
    ("told", "stored", "fault"),
    [
        ((OK, OK), a_store(1), "lost or made up"),
        ((OK,), a_store(), "lost or made up"),
        ((OK,), {}, "lost or made up"),
        ((OK, UNKNOWN), a_store(2, answers={"q1": 2, "q2": 2}), "acknowledged but not in the log"),
        ((OK, REFUSED), a_store(1, 2), "lost or made up"),
        ((OK,), a_store(1, 7), "lost or made up"),
        ((OK, OK), a_store(2, 1, 2), "goes back"),
        ((OK,), a_store(1, 1), "goes back or repeats"),
        ((OK,), a_store(1, answers={"q1": 1}), "torn"),
        ((OK,), a_store(1, first_number=2), "numbered"),
        ((OK, OK), a_store(1, answers={"q1": 2, "q2": 2}), "replaying"),
        ((OK,), a_store(1, answers={"q1": 1, "q2": 1, "q9": 1}), "never sent"),
    ],
)
def test_judge__when_something_is_wrong__then_said(told, stored, fault):
    assert fault in "\n".join(judge(a_history(*told), stored))


# --- the web server ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sqlite_folder(tmp_path_factory):
    """A data folder with a database and the running sessions; return it and their tokens."""
    folder = tmp_path_factory.mktemp("crash")
    env = ServerProcess(folder).env
    manage(env, "migrate", "-v0")
    return folder, prepare(env, "sessions", count=SESSIONS, questions=2 * SAVERS, kind="number")


@pytest.mark.own_sqlite
def test_kill_9_of_the_embedded_server__when_saving__then_nothing_acknowledged_is_lost(sqlite_folder, tmp_path):
    folder, tokens = sqlite_folder
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with ServerProcess(tmp_path) as server:
        with saving(server.port, tokens) as savers:
            for _ in range(rounds(3)):
                wait_for_more(savers, some_saves())
                server.kill()
                server.start()
            wait_for_more(savers, 30)
        only_polite(savers)
        assert judge(all_saves(savers), history.read_sqlite(tmp_path / "db.sqlite3")) == []
        assert sum(saver.seen["cut off"] for saver in savers) >= rounds(3)
        assert "SESSION-" not in server.log.read_text().replace("SESSION-[token]", "")


# --- the job runner ----------------------------------------------------------------------------------


class MailSink(socketserver.ThreadingTCPServer):
    """Takes mails by SMTP and counts them by address; at the wanted ones it falls silent after taking the mail."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, silent_at):
        super().__init__(("127.0.0.1", 0), MailDialogue)
        self.silent_at = list(silent_at)
        self.taken: Counter[str] = Counter()
        self.is_silent = threading.Event()


class MailDialogue(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 sink")
        address = ""
        while line := self.rfile.readline().decode().strip():
            word = line.upper()
            if word.startswith("RCPT"):
                address = line.partition("<")[2].rstrip(">")
            if word == "DATA":
                self.say("354 go on")
                while self.rfile.readline() not in {b".\r\n", b""}:
                    pass
                self.server.taken[address] += 1
                if self.server.taken.total() in self.server.silent_at:
                    self.server.is_silent.set()
                    self.rfile.read()  # until the sender is dead
                    return
            self.say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@pytest.mark.own_sqlite
def test_kill_9_of_the_job_runner__when_sending__then_every_mail_is_sent_and_repeated_at_most_once_a_kill(
    sqlite_folder, tmp_path
):
    shutil.copytree(sqlite_folder[0], tmp_path, dirs_exist_ok=True)
    kills = [4, 17]
    with MailSink(silent_at=kills) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        server = ServerProcess(tmp_path, EMAIL_URL=f"smtp://127.0.0.1:{sink.server_address[1]}")
        addresses = prepare(server.env, "mails", count=30)
        with contextlib.closing(sqlite3.connect(tmp_path / "db.sqlite3", timeout=20)) as database, server:

            def mails(status):
                sql = "SELECT COUNT(*) FROM kernel_outgoingmail WHERE status = ?"
                return database.execute(sql, [status]).fetchone()[0]

            def jobs():
                sql = "SELECT state, COUNT(*) FROM kernel_job WHERE name = 'kernel.send_mail' GROUP BY state"
                return dict(database.execute(sql).fetchall())

            for _ in kills:
                assert sink.is_silent.wait(30)
                sink.is_silent.clear()
                server.kill()
                server.start()

            def all_done():
                # Those in flight when a process died wait for their leases; let these be over. There is one runner, so
                # what it runs now is not taken by another.
                with database:
                    database.execute("UPDATE kernel_job SET lease_until = '2000-01-01' WHERE state = 'running'")
                return jobs() == {"done": 30}

            wait_until(all_done, what=jobs)
            assert mails("sent") == 30
        sink.shutdown()
    assert set(sink.taken) == set(addresses)
    assert len(addresses) == 30
    assert sorted(sink.taken.values()) == [1] * (30 - len(kills)) + [2] * len(kills)


# --- the database ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A PostgreSQL of these tests' own, with a migrated database to copy."""
    with PostgresCluster() as running:
        manage(database_env(tmp_path_factory.mktemp("template"), running.create("migrated")), "migrate", "-v0")
        yield running


@pytest.fixture(scope="module")
def server_on_postgres(cluster, tmp_path_factory):
    """A server with a database of its own there; return both."""
    database = cluster.create("served", template="migrated")
    with ServerProcess(tmp_path_factory.mktemp("served"), DATABASE_URL=database) as server:
        yield server, database


def new_sessions(server):
    return prepare(server.env, "sessions", count=SESSIONS, questions=2 * SAVERS, kind="number")


def stored_of(tokens, database):
    everything = history.read_postgres(database)
    return {name: everything[name] for name in map(hash_token, tokens) if name in everything}


@needs_postgres
def test_kill_9_of_postgres__when_saving__then_nothing_acknowledged_is_lost_and_the_server_recovers(
    cluster, server_on_postgres
):
    server, database = server_on_postgres
    tokens, processes = new_sessions(server), server.pids()
    with saving(server.port, tokens) as savers:
        for _ in range(rounds(2)):
            wait_for_more(savers, some_saves())
            refused = sum(saver.seen["503"] for saver in savers)
            cluster.kill()
            wait_until(
                lambda before=refused: sum(saver.seen["503"] for saver in savers) >= before + 20,
                what="answers during the outage",
            )
            cluster.start()
            assert wait_for_more(savers, 1) < 10
        wait_for_more(savers, 30)
    only_polite(savers)
    assert judge(all_saves(savers), stored_of(tokens, database)) == []
    assert server.pids() == processes
    assert "SESSION-" not in server.log.read_text().replace("SESSION-[token]", "")


@needs_postgres
def test_control__when_postgres_may_acknowledge_before_the_disk__then_the_judge_sees_the_loss(
    cluster, server_on_postgres
):
    server, database = server_on_postgres
    tokens = new_sessions(server)
    cluster.kill()
    cluster.start(synchronous_commit="off", wal_writer_delay="10s")
    try:
        with saving(server.port, tokens) as savers:
            wait_for_more(savers, 60)
            cluster.kill()
    finally:
        cluster.kill()
        cluster.start()
    assert any(fault.startswith("lost") for fault in judge(all_saves(savers), stored_of(tokens, database)))


@needs_postgres
def test_kill_9_of_one_of_two_web_workers__when_saving__then_nothing_is_lost_and_the_other_goes_on(cluster, tmp_path):
    database = cluster.create("workers", template="migrated")
    with Workers(tmp_path, DATABASE_URL=database) as server:
        tokens = new_sessions(server)
        wait_until(lambda: len(server.workers()) == 2, what="two workers")
        with saving(server.port, tokens) as savers:
            for _ in range(rounds(2)):
                wait_for_more(savers, some_saves())
                # In turn: granian ends the whole server when one worker falls twice within six seconds.
                victim = server.workers()[0]
                os.kill(victim, signal.SIGKILL)
                assert wait_for_more(savers, 30) < 10
                wait_until(lambda gone=victim: gone not in server.workers() and len(server.workers()) == 2)
        only_polite(savers)
        assert judge(all_saves(savers), history.read_postgres(database)) == []
