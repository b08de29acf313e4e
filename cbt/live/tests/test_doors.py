"""Who is let in, by what, from where, and for how long."""

import logging
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.test import override_settings

from accounts.models import LiveTicket, Login, User
from accounts.services.login import login_open
from accounts.services.tickets import ticket_spend, tickets_forget
from accounts.states import LoginScope, Role
from accounts.tests.factories import make_user, token_of
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.ids import hash_token
from commerce.tests.factories import make_purchase
from sessions_app.services.participants import participant_ban
from sessions_app.services.sessions import Origin, session_start_purchase
from sessions_app.tests.factories import (
    make_assignment,
    make_bank_test,
    make_import,
    make_participant,
    start_session,
)
from tenants.models import Company
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, data_of, race

pytestmark = pytest.mark.django_db(transaction=True)
STATUS = {4401: 401, 4403: 403, 4404: 404, 200: 200}
ORIGIN = "http://localhost:3000"


@pytest.fixture
def company():
    return make_company()


@pytest.fixture
def token(company):
    return token_of(make_tenant_admin(company))


def test_topics__when_anybody_asks__then_by_every_reader_alike_only_who_may(live, company, token):
    unverified = make_user(is_verified=False)
    shut = make_company()
    shut_token = token_of(make_tenant_admin(shut))
    Company.objects.filter(pk=shut.pk).update(is_active=False)
    callers = {
        "nobody": "", "rubbish": "x.y.z", "house": token_of(make_user(Role.SUPER_ADMIN)), "own": token,
        "foreign": token_of(make_tenant_admin(make_company())), "shut": shut_token,
        "buyer": token_of(make_user(Role.PUBLIC_USER)),
        "instructor": token_of(make_user(Role.INSTRUCTOR, email=None, username="teacher")),
        "student": token_of(make_user(Role.STUDENT, email=None, username="pupil")),
        "candidate": token_of(make_user(Role.PARTICIPANT, participant_number="LIVE-1", company_id=company.pk)),
        "unverified": login_open(user=unverified, scope=LoginScope.UNVERIFIED, ip="127.0.0.1", user_agent="t").token,
    }  # fmt: skip
    nobody = {"nobody": 4401, "rubbish": 4401}
    others = ("buyer", "instructor", "student", "candidate", "unverified", "shut")
    staff = {**nobody, **dict.fromkeys(others, 4403), "house": 200, "own": 200}
    wanted = {
        f"imports/{make_import(company).pk}": {**staff, "foreign": 4404},
        "imports/909090909": {**staff, "foreign": 4404, "own": 4404, "house": 4404},
        f"imports/{10**25}": {"own": 4404, "house": 4404},
        "monitor": {**staff, "foreign": 200},
        "attendance": {**dict.fromkeys(callers, 4403), **nobody, "house": 200, "instructor": 200, "student": 200},
    }
    found = {path: {} for path in wanted}
    for path, verdicts in wanted.items():
        for name, code in verdicts.items():
            headers = {"Authorization": f"Bearer {callers[name]}"} if callers[name] else {}
            found[path][name] = live.verdict(f"/ws/{path}", **headers)
            assert live.stream(f"/ws/{path}", **headers).status == STATUS[code], (path, name)
            assert Api(callers[name]).get(f"/api/live/{path}").status_code == STATUS[code], (path, name)
    assert found == wanted
    assert live.verdict("/ws/elsewhere", Authorization=f"Bearer {token}") == 4404
    assert live.stream("/ws/elsewhere").status == 404
    assert live.stream("/ws/monitor", "POST").status == 405
    sitting = start_session(participant=make_participant(company=company))
    for path, status in ((f"session/{sitting.token}", 200), ("session/SESSION-NONE", 404)):
        assert live.verdict(f"/ws/{path}") == {200: 200, 404: 4404}[status]
        assert live.stream(f"/ws/{path}").status == status
        assert Api().get(f"/api/live/{path}").status_code == status


@pytest.fixture
def candidates(company):
    """Two candidates with logins of their own, assigned to one test; the first has begun."""
    test, made = make_bank_test(), []
    for index in range(2):
        user = make_user(Role.PARTICIPANT, participant_number=f"LIVE-{test.pk}-{index}", company_id=company.pk)
        person = make_participant(company=company, user=user)
        made.append((person, token_of(user), make_assignment(participant=person, test=test)[1]))
    return test, start_session(made[0][2]), made


def test_exam__when_its_candidate_asks_by_login__then_the_own_sitting_and_no_other(live, company, token, candidates):
    test, started, ((_, own, _), (_, neighbour, _)) = candidates
    other = start_session(participant=make_participant(company=company))
    callers = {
        "own": (own, test.pk, 200), "neighbour": (neighbour, test.pk, 4404), "nobody": ("", test.pk, 4401),
        "rubbish": ("x.y.z", test.pk, 4401), "staff": (token, test.pk, 4403),
        "house": (token_of(make_user(Role.SUPER_ADMIN)), test.pk, 4403),
        "buyer": (token_of(make_user(Role.PUBLIC_USER)), test.pk, 4403),
        "student": (token_of(make_user(Role.STUDENT, email=None, username="pupil2")), test.pk, 4403),
        "foreign exam": (own, other.session.test_id, 4404), "no exam": (own, 909090909, 4404),
        "no number": (own, 10**25, 4404),
    }  # fmt: skip
    for name, (bearer, exam, code) in callers.items():
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        status = 400 if name == "neighbour" else STATUS[code]  # assigned, and not begun
        assert live.verdict(f"/ws/exam/{exam}", **headers) == code, name
        assert live.stream(f"/ws/exam/{exam}", **headers).status == status, name
        assert Api(bearer).get(f"/api/live/exam/{exam}").status_code == status, name
    ticket = data_of(Api(own).post("/api/ws/ticket"))["ticket"]
    taker = live.socket(f"/ws/exam/{test.pk}?ticket={ticket}")
    told = taker.news(1)
    assert (told[0]["event"], told[0]["data"]["session_id"]) == ("session.started", started.session.pk)
    assert data_of(Api(own).get(f"/api/live/exam/{test.pk}"))["events"] == told


def test_sitting__when_whose_it_is_asks_by_login__then_that_one_and_nobody_elses(live, company, token):
    buyer = make_user()
    purchase = make_purchase(buyer, make_bank_test())
    started = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin("127.0.0.1", "tests"))
    own, number = token_of(buyer), started.session.pk
    invited = start_session(participant=make_participant(company=company)).session.pk
    callers = {
        "own": (own, number, 200), "neighbour": (token_of(make_user()), number, 4404), "nobody": ("", number, 4401),
        "house": (token_of(make_user(Role.SUPER_ADMIN)), number, 4404), "staff": (token, invited, 4403),
        "of a participant": (own, invited, 4404), "none": (own, 909090909, 4404), "no number": (own, 10**25, 4404),
    }  # fmt: skip
    for name, (bearer, session, code) in callers.items():
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        assert live.verdict(f"/ws/sittings/{session}", **headers) == code, name
        assert live.stream(f"/ws/sittings/{session}", **headers).status == STATUS[code], name
        assert Api(bearer).get(f"/api/live/sittings/{session}").status_code == STATUS[code], name
    cookie = {"Cookie": f"auth-token={own}", "Origin": ORIGIN}
    taker, left = live.socket(f"/ws/sittings/{number}", **cookie), live.socket(f"/ws/sittings/{number}?token={own}")
    told = taker.news(1)
    assert (told[0]["event"], told[0]["data"]["session_id"]) == ("session.started", number)
    assert data_of(Api(own).get(f"/api/live/sittings/{number}"))["events"] == told
    left.until("live.ready")
    with cut_within(5):
        Login.objects.filter(user=buyer).update(revoked_at=clock.now())
        assert left.code() == 4401


def test_exam__when_the_login_or_the_sitting_is_ended__then_cut_off_and_a_ban_is_told(live, company, candidates):
    test, _, ((person, own, _), (other, neighbour, link)) = candidates
    start_session(link)
    banned, left = live.socket(f"/ws/exam/{test.pk}?token={own}"), live.socket(f"/ws/exam/{test.pk}?token={neighbour}")
    for socket in (banned, left):
        socket.until("live.ready")
    with cut_within(5):
        participant_ban(participant_id=person.pk, reason="seen", now=clock.now(), actor=SYSTEM)
        assert banned.until("session.banned")[-1]["data"]["reason"] == "seen"
        assert banned.code() == 4403
    left.until("live.ping")  # a neighbour's ban is nothing to it
    left.until("live.ping")
    with cut_within(5):
        Login.objects.filter(user=other.user).update(revoked_at=clock.now())
        assert left.code() == 4401


def test_origin__when_a_page_of_another_site_connects__then_refused_and_a_listed_one_is_not(live, token):
    cookie = {"Cookie": f"other=1; auth-token={token}"}
    bearer = {"Authorization": f"Bearer {token}"}
    own = f"http://127.0.0.1:{live.port}"
    for origin in (ORIGIN, own, "http://localhost:5173"):
        assert live.verdict("/ws/monitor", Origin=origin, **cookie) == 200, origin
    foreign = (
        "http://evil.example", "null", "", "http://localhost:3000.evil.example", "https://localhost:3000",
        "http://localhost:30000", "http://evil.example@localhost:3000", "file://", "http://localhost",
    )  # fmt: skip
    for origin in foreign:
        assert live.verdict("/ws/monitor", Origin=origin, **cookie) == 4403, origin
        assert live.verdict("/ws/monitor", Origin=origin, **bearer) == 4403, origin
        refused = live.stream("/ws/monitor", Origin=origin, **cookie)
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (403, None)
    assert live.verdict("/ws/monitor", **cookie) == 4401  # no page, but a cookie: no client of ours does that
    assert live.verdict("/ws/monitor", **bearer) == 200
    rebound = {"Host": f"evil.example:{live.port}", "Origin": f"http://evil.example:{live.port}"}
    assert live.stream("/ws/monitor", **rebound, **cookie).status == 403
    stream = live.stream("/ws/monitor", Origin=ORIGIN, **cookie)
    assert (stream.status, stream.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert stream.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert stream.headers["Access-Control-Allow-Credentials"] == "true"
    assert stream.headers["Cache-Control"] == "no-store"
    assert live.stream("/ws/monitor", "OPTIONS", Origin=ORIGIN).headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.race
def test_ticket__when_many_spend_it_at_once__then_one_is_let_in_and_without_the_count_all_were(live, token):
    data = data_of(Api(token).post("/api/ws/ticket"))
    assert (set(data), data["expires_in"]) == ({"ticket", "expires_in", "url"}, 60)
    assert list(LiveTicket.objects.values_list("token_hash", flat=True)) == [hash_token(data["ticket"])]
    # The control: whoever only looks whether it is there is let in, all eight.
    assert race(8, lambda _: LiveTicket.objects.filter(token_hash=hash_token(data["ticket"])).exists()) == [True] * 8
    spent = race(8, lambda _: ticket_spend(ticket=data["ticket"]))
    assert (len([one for one in spent if one]), spent.count(None)) == (1, 7)

    def fresh():
        return data_of(Api(token).post("/api/ws/ticket"))["ticket"]

    for name in ("ticket", "token"):
        ticket = fresh()
        assert live.verdict(f"/ws/monitor?{name}={ticket}") == 200
        assert live.verdict(f"/ws/monitor?{name}={ticket}") == 4401
    late, ended = fresh(), fresh()
    LiveTicket.objects.filter(token_hash=hash_token(late)).update(expires_at=clock.now() - timedelta(seconds=1))
    assert live.verdict(f"/ws/monitor?ticket={late}") == 4401
    unused = fresh()
    LiveTicket.objects.filter(token_hash=hash_token(unused)).update(expires_at=clock.now() - timedelta(seconds=1))
    assert (tickets_forget(), LiveTicket.objects.count()) == (1, 1)
    Login.objects.update(revoked_at=clock.now())
    assert live.verdict(f"/ws/monitor?ticket={ended}") == 4401
    assert not LiveTicket.objects.exists()


def test_limits__when_a_client_asks_too_much__then_it_is_closed_and_others_are_served(live, token):
    big, chatty, calm = (live.socket(f"/ws/monitor?token={token}") for _ in range(3))
    calm.until("live.ready")
    big.connection.send("x" * 4096)
    big.until("live.pong")
    big.connection.send("x" * 4097)
    assert big.code() == 1009
    for _ in range(21):
        chatty.connection.send("{}")
    assert chatty.code() == 4429
    with override_settings(LIVE_SOCKETS_PER_LOGIN=2):
        second = live.socket(f"/ws/monitor?token={token}")
        second.until("live.ready")
        assert live.verdict(f"/ws/monitor?token={token}") == 4429
        assert live.stream(f"/ws/monitor?token={token}").status == 429
        other = token_of(make_tenant_admin(make_company()))
        assert live.verdict(f"/ws/monitor?token={other}") == 200
        second.connection.close()
        deadline = time.monotonic() + 5
        while live.verdict(f"/ws/monitor?token={token}") != 200:
            assert time.monotonic() < deadline
    with override_settings(LIVE_SOCKETS_PER_ADDRESS=1):
        assert live.verdict("/ws/monitor") == 4429  # before anything is looked up
    assert calm.until("live.ping")


@contextmanager
def cut_within(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_open_sockets__when_what_they_rest_on_ends__then_cut_off_within_five_seconds(live, company, token):
    admin = User.objects.get(company_id=company.pk, role=Role.TENANT_ADMIN)
    demoted, revoked = make_tenant_admin(company), make_tenant_admin(company)
    sockets = {name: live.socket(f"/ws/monitor?token={token_of(user)}") for name, user in
               (("admin", admin), ("demoted", demoted), ("revoked", revoked))}  # fmt: skip
    banned, sitting = (start_session(participant=make_participant(company=company)) for _ in range(2))
    stays = live.socket(f"/ws/session/{sitting.token}")
    taker = live.socket(f"/ws/session/{banned.token}")
    stream = live.stream(f"/ws/monitor?token={token_of(revoked)}")
    for socket in (*sockets.values(), stays, taker):
        socket.until("live.ready")
    with cut_within(5):
        Login.objects.filter(user=revoked).update(revoked_at=clock.now())
        assert sockets["revoked"].code() == 4401
        assert stream.read().endswith(b"\n\n")  # and the stream has ended
    with cut_within(5):
        User.objects.filter(pk=demoted.pk).update(role=Role.PUBLIC_USER)
        assert sockets["demoted"].code() == 4403
    with cut_within(5):
        participant_ban(participant_id=banned.session.participant_id, reason="seen", now=clock.now(), actor=SYSTEM)
        assert taker.until("session.banned")[-1]["data"]["reason"] == "seen"
        assert taker.code() == 4403
    assert live.verdict(f"/ws/session/{banned.token}") == 4403
    assert sockets["admin"].until("live.ping")
    with cut_within(5):
        Company.objects.filter(pk=company.pk).update(is_active=False)
        assert sockets["admin"].code() == 4403
    # Who is sitting a test goes on to the end (decision 0010).
    stays.until("live.ping")
    stays.until("live.ping")


def test_logs__when_tokens_stand_in_addresses__then_no_line_has_them(live, company, token, caplog):
    sitting = start_session(participant=make_participant(company=company))
    ticket = data_of(Api(token).post("/api/ws/ticket"))["ticket"]
    with caplog.at_level(logging.INFO):
        assert live.verdict(f"/ws/monitor?token={token}") == 200
        assert live.verdict(f"/ws/monitor?ticket={ticket}") == 200
        assert live.verdict(f"/ws/session/{sitting.token}") == 200
        assert live.verdict(f"/ws/monitor?token={token}x") == 4401
        assert live.stream(f"/ws/elsewhere?token={token}").status == 404
        for bad in ("?" + "&".join(f"a{n}=1" for n in range(40)), "?token=%00&after=%FF"):
            assert live.verdict(f"/ws/monitor{bad}") in {4401, 4403}
    told = "\n".join(record.getMessage() for record in caplog.records)
    for secret in (token[-20:], ticket, sitting.token):
        assert secret not in told
    assert "Traceback" not in caplog.text
