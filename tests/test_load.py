"""Sixty-four candidates save and hand in at once, on both databases: nobody is refused, nothing is lost."""

import os
import threading
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from benchmarks.load import QUESTIONS, Taker, drive
from cbt.kernel.ids import hash_token
from cbt.settings import SQLITE_OPTIONS
from tests import history
from tests.processes import ServerProcess, Workers, create_database, database_env, drop_database, manage, prepare

CLIENTS = 64
SAVES = 6


def saves_and_submits(tokens):
    """Return a source of requests for each client: a few saves, then handing in; and the candidates."""
    takers = [Taker(token) for token in tokens]
    plans = [iter([taker.first, *[taker.save] * SAVES, taker.submit]) for taker in takers]

    def next_request(number):
        step = next(plans[number], None)
        return step() if step else None

    return takers, next_request


def expected(taker):
    return {key: value for key, _, value in (entry.decode().replace('"', "").partition(":") for entry in taker.answers)}


def assert_load_is_carried(server, read):
    tokens = prepare(server.env, "sessions", count=CLIENTS, questions=QUESTIONS)
    takers, next_request = saves_and_submits(tokens)
    load = drive(server.port, CLIENTS, next_request)
    assert dict(load.statuses) == {200: CLIENTS * (SAVES + 2)}
    stored = read()
    for token, taker in zip(tokens, takers, strict=True):
        session = stored[hash_token(token)]
        assert session.answers == expected(taker)
        kinds = [kind for _, kind, _ in session.log]
        assert kinds[: SAVES + 2] == ["started", *["answers_saved"] * (SAVES + 1)]
        # The server itself notes that fifty questions in a moment are too fast.
        assert set(kinds[SAVES + 2 :]) - {"cheat_reported"} == {"submitted", "scored"}
        assert [number for number, _, _ in session.log] == list(range(1, len(kinds) + 1))
        changed = [len(payload["answers"]) for _, kind, payload in session.log if kind == "answers_saved"]
        assert changed == [QUESTIONS, *[2] * SAVES]


@pytest.mark.server
@pytest.mark.own_sqlite
@pytest.mark.timeout(120)
def test_64_candidates__when_saving_and_handing_in_at_once_on_sqlite__then_all_200_and_nothing_lost(tmp_path):
    with ServerProcess(tmp_path) as server:
        assert_load_is_carried(server, lambda: history.read_sqlite(tmp_path / "db.sqlite3"))


@pytest.mark.server
@pytest.mark.postgres
@pytest.mark.timeout(120)
@pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="needs PostgreSQL: set DATABASE_URL")
def test_64_candidates__when_saving_and_handing_in_at_once_on_postgres__then_all_200_and_nothing_lost(tmp_path):
    """Production's two worker processes, in a database of this test's own."""
    given = os.environ["DATABASE_URL"]
    name = f"load_{os.getpid()}"
    url = urlsplit(given)._replace(path=f"/{name}").geturl()
    create_database(given, name)
    try:
        manage(database_env(tmp_path, url), "migrate", "-v0")
        with Workers(tmp_path, DATABASE_URL=url) as server:
            assert_load_is_carried(server, lambda: history.read_postgres(url))
    finally:
        drop_database(given, name)


# --- why SQLite is not left at Django's defaults ------------------------------------------------------


def two_that_read_then_write(path, **database):
    """Let one transaction write and commit after another has read (or waits for its turn); return errors and count."""
    alike = {"NAME": str(path), **database}
    handler = ConnectionHandler({"default": alike})
    second_has_read, first_is_done, errors = threading.Event(), threading.Event(), []

    def begin_and_read():
        handler["default"].set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        with handler["default"].cursor() as cursor:
            return cursor.execute("SELECT count FROM saves").fetchone()[0]

    def write(count):
        with handler["default"].cursor() as cursor:
            cursor.execute("UPDATE saves SET count = %s", [count + 1])
        handler["default"].commit()

    def second():
        try:
            count = begin_and_read()
            second_has_read.set()
            assert first_is_done.wait(20)
            write(count)
        except OperationalError as error:
            errors.append(str(error))
        finally:
            handler["default"].close()

    with handler["default"].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("CREATE TABLE saves AS SELECT 0 AS count")
    count = begin_and_read()
    thread = threading.Thread(target=second)
    thread.start()
    second_has_read.wait(0.5)  # in vain where it has to wait for its turn
    write(count)
    first_is_done.set()
    thread.join(30)
    with handler["default"].cursor() as cursor:
        count = cursor.execute("SELECT count FROM saves").fetchone()[0]
    handler["default"].close()
    return errors, count


def test_sqlite__when_two_read_then_write_with_our_options__then_both_count(tmp_path, django_db_blocker):
    with django_db_blocker.unblock():
        ended = two_that_read_then_write(tmp_path / "ours", ENGINE="cbt.kernel.sqlite", OPTIONS=SQLITE_OPTIONS)
    assert ended == ([], 2)


def test_control__when_two_read_then_write_with_djangos_defaults__then_database_is_locked(tmp_path, django_db_blocker):
    with django_db_blocker.unblock():
        ended = two_that_read_then_write(tmp_path / "default", ENGINE="django.db.backends.sqlite3")
    assert ended == (["database is locked"], 1)
