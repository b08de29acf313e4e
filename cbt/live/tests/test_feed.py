"""The rows behind the live feed: nobody who reads on can miss one, whatever order transactions commit in."""

import contextlib
import threading
from datetime import timedelta

import psycopg2
import pytest
from django.db import connection, connections, transaction

from cbt.kernel import clock, feed
from cbt.kernel.feed import Fresh, News, Position
from cbt.kernel.models import FeedEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rows")]


def append(number, topic="import/1"):
    feed.append([Fresh(topic, News.IMPORT_PROGRESS, {"done": number})], now=clock.now())


def settings_of(name):
    return connection.settings_dict[name.upper()]


def told(rows):
    return [row.payload["done"] for row in rows]


@contextlib.contextmanager
def uncommitted(number):
    """Append in a transaction of another connection that commits when the block ends."""
    written, may_commit = threading.Event(), threading.Event()

    def body():
        try:
            with transaction.atomic():
                append(number)
                written.set()
                assert may_commit.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=body)
    thread.start()
    assert written.wait(20)
    try:
        yield
    finally:
        may_commit.set()
        thread.join(20)


@pytest.mark.race
@pytest.mark.postgres
def test_feed__when_a_smaller_id_commits_later__then_the_reader_sees_both_and_a_reader_by_id_would_not():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: SQLite has one writer")
    append(0)
    reader, by_id = feed.latest(), FeedEvent.objects.latest("pk").pk
    with uncommitted(1):
        append(2)
        assert told(feed.after(reader)) == []  # the later one is held back until the earlier one is decided
        seen_by_id = list(
            FeedEvent.objects.filter(pk__gt=by_id).order_by("pk")
        )  # the control: what a plain cursor does
        assert told(seen_by_id) == [2]
        by_id = seen_by_id[-1].pk
    assert told(feed.after(reader)) == [1, 2]
    assert told(FeedEvent.objects.filter(pk__gt=by_id)) == []  # and there the first one is lost for ever


@pytest.mark.postgres
def test_feed__when_another_database_of_the_server_is_written__then_nobody_waits_for_it():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: SQLite has no server")
    given = {name: value for name in ("host", "port", "user", "password") if (value := settings_of(name))}
    with contextlib.closing(psycopg2.connect(dbname="postgres", **given)) as elsewhere, elsewhere.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")  # a writer, as far as the server knows
        append(1)
        assert told(feed.after(feed.START)) == [1]
        with connection.cursor() as own:
            own.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            (oldest,) = own.fetchone()
        assert oldest <= FeedEvent.objects.get().xid  # the control: the server's own bound would hold it back


@pytest.mark.race
def test_feed__when_many_append_at_once__then_one_who_reads_on_sees_each_row_once_and_in_one_order():
    writers, each = 6, 15
    seen, position = [], feed.latest()

    def write(writer):
        try:
            for number in range(each):
                with transaction.atomic():
                    append(writer * 1000 + number)
                    if number % 5 == 0:
                        append(writer * 1000 + number + 500)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    while True:
        is_last = not any(thread.is_alive() for thread in threads)
        for row in feed.after(position, limit=7):
            seen.append(row)
            position = Position(row.xid, row.pk)
        if is_last and not feed.after(position):
            break
    wanted = {writer * 1000 + n for writer in range(writers) for n in range(each)}
    wanted |= {writer * 1000 + n + 500 for writer in range(writers) for n in range(0, each, 5)}
    assert len(seen) == len(wanted)
    assert {row.payload["done"] for row in seen} == wanted
    assert [row.pk for row in seen] == [row.pk for row in feed.after(feed.START)]


def test_after__when_asked_for_topics_and_an_end__then_those_rows_and_no_others():
    for number, topic in enumerate(("import/1", "monitor/1", "monitor/2", "import/12", "monitor/1")):
        append(number, topic)
    assert told(feed.after(feed.START, topics=["monitor/1"])) == [1, 4]
    assert told(feed.after(feed.START, topics=["monitor/*"])) == [1, 2, 4]
    assert told(feed.after(feed.START, topics=["import/1"])) == [0]
    assert told(feed.after(feed.START, topics=["import/1", "monitor/2"])) == [0, 2]
    second = feed.position_of(FeedEvent.objects.get(payload__done=1).pk)
    assert told(feed.after(second, topics=["monitor/*"], until=feed.latest())) == [2, 4]
    assert told(feed.after(feed.START, until=second)) == [0, 1]
    assert feed.position_of(0) == feed.START
    assert feed.position_of(909_090_909) is None


def test_forget__then_rows_of_a_day_ago_and_of_another_server_go(monkeypatch):
    append(1)
    append(2)
    append(3)
    FeedEvent.objects.filter(payload__done=1).update(created_at=clock.now() - timedelta(hours=25))
    FeedEvent.objects.filter(payload__done=2).update(created_at=clock.now() - timedelta(hours=23))
    FeedEvent.objects.filter(payload__done=3).update(xid=2**62)  # as a dump of an older, larger server brings it
    monkeypatch.setattr(feed, "_DELETE_AT_ONCE", 1)
    assert feed.forget_feed() == {"deleted": 2}
    assert told(FeedEvent.objects.all()) == [2]


def test_append__when_its_transaction_is_undone__then_no_news_and_nobody_is_woken():
    from cbt.kernel import wakeup

    calls = []
    wakeup.listen(lambda: calls.append(1))
    try:
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            append(1)
            raise ZeroDivisionError
        assert (told(feed.after(feed.START)), calls) == ([], [])
        append(2)
        assert (told(feed.after(feed.START)), calls) == ([2], [1])
    finally:
        wakeup._listeners.clear()
