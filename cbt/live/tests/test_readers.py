"""The three readers give the same events, and whoever comes back gets what was missed and nothing twice."""

import contextlib

import pytest
from django.test import override_settings
from websockets.exceptions import ConnectionClosed

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.kernel import clock, feed
from cbt.kernel.feed import Fresh, News
from cbt.kernel.models import FeedEvent
from cbt.live import presence
from sessions_app.services.news import import_tell, monitor_topic
from sessions_app.tests.factories import make_import, make_participant, start_session
from tenants.tests.factories import make_company, make_tenant_admin
from tests.live_client import events_of
from tests.support import Api, data_of

pytestmark = pytest.mark.django_db(transaction=True)


def tell(batch, *numbers):
    for number in numbers:
        batch.rows_done = number
        import_tell(batch=batch, state="running", now=clock.now())


def done(frames):
    return [frame["data"]["done"] for frame in frames]


def test_import__when_followed_by_socket_stream_and_polling__then_the_same_events(live):
    company = make_company()
    batch, token = make_import(company), token_of(make_tenant_admin(company))
    other = make_import(company)
    tell(batch, 1, 2)
    tell(other, 77)
    socket = live.socket(f"/ws/imports/{batch.pk}?token={token}")
    first, second = socket.news(2)
    assert done([first, second]) == [1, 2]
    assert (set(first), first["event"]) == ({"event", "id", "data", "at"}, "import.progress")
    assert set(first["data"]) == {"import_id", "job_id", "done", "total", "created", "failed", "state"}
    tell(batch, 3)
    assert done(socket.news(1)) == [3]
    socket.connection.close()
    tell(batch, 4, 5)
    again = live.socket(f"/ws/imports/{batch.pk}?token={token}&last_event_id={second['id']}")
    tell(batch, 6)
    frames = again.news(4)
    tell(batch, 7)
    frames += again.news(1)
    assert done(frames) == [3, 4, 5, 6, 7]
    every = [first, second, *frames]
    bearer = {"Authorization": f"Bearer {token}"}
    assert events_of(live.stream(f"/ws/imports/{batch.pk}", **bearer), 7) == every
    rest = live.stream(f"/ws/imports/{batch.pk}", Last_Event_ID=str(first["id"]), **bearer)
    assert events_of(rest, 6) == every[1:]
    api = Api(token)
    polled = data_of(api.get(f"/api/live/imports/{batch.pk}"))
    assert (polled["events"], polled["has_more"], polled["is_reset"]) == (every, False, False)
    assert data_of(api.get(f"/api/live/imports/{batch.pk}", {"after": polled["last_event_id"]}))["events"] == []
    assert data_of(api.get(f"/api/live/imports/{batch.pk}", {"after": second["id"]}))["events"] == frames


def test_long_absence__when_pages_of_news_were_missed__then_all_in_order_and_what_came_meanwhile_too(live, monkeypatch):
    monkeypatch.setattr(feed, "PAGE", 500)
    company = make_company()
    token = token_of(make_tenant_admin(company))
    topic = monitor_topic(company.pk)
    seen = live.socket(f"/ws/monitor?token={token}").until("live.ready")[-1]["id"]
    missed = [Fresh(topic, News.PHOTO_TAKEN, {"number": number}) for number in range(1200)]
    feed.append(missed, now=clock.now())
    socket = live.socket(f"/ws/monitor?token={token}&last_event_id={seen}")
    feed.append([Fresh(topic, News.PHOTO_TAKEN, {"number": 1200})], now=clock.now())
    assert [frame["data"]["number"] for frame in socket.news(1201)] == list(range(1201))
    pages, after, more = [], seen, True
    while more:
        page = data_of(Api(token).get("/api/live/monitor", {"after": after}))
        assert len(page["events"]) <= 100
        pages += page["events"]
        after, more = page["last_event_id"], page["has_more"]
    assert [event["data"]["number"] for event in pages] == list(range(1201))


def test_position__when_its_row_is_gone__then_the_reader_is_told_and_goes_on_live(live):
    company = make_company()
    token = token_of(make_tenant_admin(company))
    gone = "909090909"
    socket = live.socket(f"/ws/monitor?token={token}&last_event_id={gone}")
    assert [frame["event"] for frame in socket.until("live.ready")] == ["live.reset", "live.ready"]
    feed.append([Fresh(monitor_topic(company.pk), News.PHOTO_TAKEN, {"number": 1})], now=clock.now())
    assert socket.news(1)[0]["data"] == {"number": 1}
    assert data_of(Api(token).get("/api/live/monitor", {"after": gone}))["is_reset"] is True
    for bad in ("x", "-1", "9" * 30):
        assert live.verdict(f"/ws/monitor?token={token}&last_event_id={bad}") == 4403
        assert Api(token).get("/api/live/monitor", {"after": bad}).status_code == 422


def test_quiet_socket__then_a_sign_of_life_with_which_to_come_back(live):
    company = make_company()
    token = token_of(make_tenant_admin(company))
    socket = live.socket(f"/ws/monitor?token={token}")
    socket.until("live.ready")
    feed.append([Fresh(monitor_topic(-1), News.PHOTO_TAKEN, {})], now=clock.now())  # somebody else's
    ping = socket.until("live.ping")[-1]
    newest = FeedEvent.objects.latest("pk").pk
    while ping["id"] != newest:
        ping = socket.until("live.ping")[-1]
    assert live.verdict(f"/ws/monitor?token={token}&last_event_id={ping['id']}") == 200
    socket.connection.send('{"event": "ping"}')
    assert socket.until("live.pong")[-1]["id"] is None


def test_slow_reader__when_it_takes_nothing__then_it_is_dropped_others_are_not_and_it_can_come_back(live):
    company = make_company()
    token = token_of(make_tenant_admin(company))
    topic = monitor_topic(company.pk)
    with override_settings(LIVE_QUEUE=10):
        slow = live.socket(f"/ws/monitor?token={token}", buffer_bytes=65536)
        first = slow.until("live.ready")[-1]["id"]
    quick = live.socket(f"/ws/monitor?token={token}")
    quick.until("live.ready")
    fill = "x" * 100_000
    for burst in range(15):
        rows = [Fresh(topic, News.PHOTO_TAKEN, {"number": burst * 10 + n, "fill": fill}) for n in range(10)]
        feed.append(rows, now=clock.now())
        assert [frame["data"]["number"] for frame in quick.news(10)] == [row.data["number"] for row in rows]
    numbers = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            numbers += [frame["data"]["number"] for frame in slow.news(1)]
    assert slow.connection.close_code in {1006, 1013}
    assert numbers == list(range(len(numbers)))
    assert len(numbers) < 150
    back = live.socket(f"/ws/monitor?token={token}&last_event_id={first}")
    assert [frame["data"]["number"] for frame in back.news(150)] == list(range(150))


def test_presence__when_a_taker_comes_and_goes__then_the_staff_of_the_company_is_told(live, monkeypatch):
    monkeypatch.setattr(presence, "ABSENT_SECONDS", 0.1)
    company = make_company()
    token = token_of(make_tenant_admin(company))
    monitor = live.socket(f"/ws/monitor?token={token}")
    before = monitor.until("live.ready")[-1]["id"]
    started = start_session(participant=make_participant(company=company))
    taker = live.socket(f"/ws/session/{started.token}")
    assert [frame["event"] for frame in taker.news(1)] == ["session.started"]
    frames = monitor.until("session.presence")
    assert frames[-1]["data"] == {"session_id": started.session.pk, "is_online": True}
    taker.connection.close()
    assert monitor.until("session.presence")[-1]["data"] == {"session_id": started.session.pk, "is_online": False}
    other = token_of(make_tenant_admin(make_company()))
    assert data_of(Api(other).get("/api/live/monitor", {"after": 0}))["events"] == []
    house = token_of(make_user(Role.SUPER_ADMIN))
    seen = data_of(Api(house).get("/api/live/monitor", {"after": before}))["events"]
    assert [event["event"] for event in seen] == ["session.started", "session.presence", "session.presence"]
