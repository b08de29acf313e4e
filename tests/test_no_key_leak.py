"""Nothing that tells an answer reaches a taker while the session is open, in any state, by any route."""

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.tests.factories import make_user, token_of
from catalog.tests.builders import PNG_1X1, question
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.ids import hash_token
from commerce.tests.factories import make_purchase
from sessions_app.models import ExamSession
from sessions_app.services.participants import participant_ban
from sessions_app.services.sessions import session_abandon
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tests import calls
from tests.calls import Form, send
from tests.routes import ROUTES, Route
from tests.world import upload

pytestmark = pytest.mark.django_db
#: Values that stand nowhere but in keys, weights and scales.
PLANTED = (
    "91337", "913.37", "-913.37", "414.14", "717.17", "0.7713", "61661", "62662", "63663", "keyplantjawaban",
    "keyplantkedua", "keyplantscale", "keyplantdescription", "17.71",
)  # fmt: skip
#: Names that may stand in no answer to a taker, and those that may with nothing in them.
FORBIDDEN_NAMES = {
    "answer_key", "correct_answer", "accepted", "weight", "negative_weight", "tolerance", "partial_credit", "reverse",
    "case_sensitive", "value", "scales", "max_points", "percentage", "passed", "correct_count", "wrong_count",
    "pass_percentage", "content_hash", "scoring_version",
}  # fmt: skip
EMPTY_NAMES: dict[str, tuple[Any, ...]] = {"is_correct": (None,), "points": (0,)}
SCHEMA = "/api/tests/schema"  # publishes the names of the format, and no test
POLICIES = ("none", "score", "score_and_key")


def key_test(policy: str, **more: Any) -> Any:
    """A test with every kind of question, its keys unmistakable."""
    heavy = {"weight": 913.37, "negative_weight": 414.14}
    points = enumerate((61661, 62662, 63663))
    values = [{"key": f"k{index}", "text": f"Point {index}", "value": value} for index, value in points]
    choices = [{"key": key, "text": f"Choice {key}", "picture": "pic"} for key in "abc"]
    questions = [
        question("single_choice", "s1", options=choices, answer_key="b", picture="pic", **heavy),
        question("multiple_choice", "m1", partial_credit=True, **heavy),
        question("true_false", "t1", **heavy),
        question("likert", "l1", options=values, weight=717.17),
        question("number", "n1", answer_key=91337, tolerance=0.7713, **heavy),
        question("short_text", "x1", accepted=["KeyPlantJawaban", "KeyPlantKedua"], **heavy),
        question("long_text", "e1", weight=913.37),
        question("ranking", "r1", **heavy),
    ]
    scale = {
        "key": "keyplantscale", "name": "KeyPlantScale", "description": "KeyPlantDescription",
        "items": [{"question": "l1", "reverse": True, "weight": 17.71}],
    }  # fmt: skip
    return make_bank_test(
        *questions, scales=[scale], settings={"result_policy": policy, "max_attempts": 3, **more.pop("settings", {})},
        pictures={"pic": {"mime": "image/png", "alt": "a picture", "data_base64": PNG_1X1}}, **more,
    )  # fmt: skip


ANSWERS = {
    "s1": "a", "m1": ["a"], "t1": False, "l1": "k1", "n1": 1, "x1": "no", "e1": "text", "r1": ["a", "b", "c", "d"],
}  # fmt: skip
WRONG: list[Any] = ["zzz", 5, True, [], {}, ["a", "a"], 1.5, {"a": 1}, "x" * 30_000]


def faults_of(response: Any, *, names: bool = True) -> list[str]:
    """Return what the answer gives away: planted values, and members that must not be there."""
    text = response.body.decode("utf-8", "replace")
    whole = (text + str(dict(response.headers))).lower()
    # Digits of a random id may happen to be those of a key.
    whole = whole.replace(response.headers["X-Request-ID"].lower(), "")
    found = [planted for planted in PLANTED if planted in whole]
    try:
        body = json.loads(text)
    except ValueError:
        return found
    told = body.get("data") if isinstance(body, dict) else body
    for path, name, value in _members(told if names else None):
        if name in FORBIDDEN_NAMES:
            found.append(f"{path}={value!r}")
        if name in EMPTY_NAMES and value not in EMPTY_NAMES[name]:
            found.append(f"{path}={value!r}")
    return found


def _members(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{path}.{name}", name, item
            yield from _members(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _members(item, f"{path}[{index}]")


def taker_routes() -> list[Route]:
    """Every route a taker has: by link, by session, by nothing, and a private buyer's."""
    return [row for row in ROUTES if not row.needs_login or row.roles & {"public_user"}]


def requests_of(route: Route, link: str, token: str, test_id: int) -> Iterator[tuple[str, Any, str]]:
    """Return (path, body, query) of everything a taker could send to this route."""
    values = {
        "token": link, "sessionToken": token, "testId": test_id, "test": test_id, "result": 1, "name": "nothing.png",
        "filename": "nothing.png",
        "transactionId": 1, "payment": 1, "examId": "walk-exam", "attemptId": 1,
        "session": ExamSession.objects.filter(token_hash=hash_token(token)).values_list("pk", flat=True).first() or 0,
    }  # fmt: skip
    path, query = route.fill(values), f"token={link}"
    bodies: list[Any] = [None]
    if route.path.endswith("/save-answers"):
        bodies = [{"answers": {}}, {"answers": ANSWERS}, {"answers": {"nope": 1}}, {"answers": None}, {}]
        bodies += [{"answers": {key: value}} for key, value in itertools.product(ANSWERS, WRONG)]
    elif route.path.endswith("/cheat/log"):
        bodies = [{"detection_type": "copy_paste", "severity": 1}, {"detection_type": "zzz"}]
    elif route.path.endswith("/photo/capture"):
        bodies = [Form({"photo": upload}), Form({"photo": "text"})]
    elif route.path.endswith("/biodata/complete"):
        bodies = [{}, {"name": 5}]
    for body in bodies:
        yield path, body, query


def walk(link: str, token: str, test_id: int, bearer: str = "") -> tuple[list[str], list[Any]]:
    """Send everything a taker can send, undoing each; return what was given away, and the answers."""
    faults, answers = [], []
    for route in taker_routes():
        if route.path.startswith(("/api/auth/", "/health", "/metrics", "/storage/")) or (
            route.needs_login and not bearer
        ):
            continue
        for path, body, query in requests_of(route, link, token, test_id):
            with calls.undone():
                response = send(route, path, body, query=query, token=bearer if route.needs_login else "")
            answers.append(response)
            faults += [f"{route}: {fault}" for fault in faults_of(response, names=route.path != SCHEMA)]
            if response.status_code >= 500:
                faults.append(f"{route}: {response.status_code}")
    return faults, answers


def sitting(policy: str, **more: Any) -> tuple[str, Any, Any]:
    """Return (link, started, test) of a session that has answers."""
    test = key_test(policy, **more)
    link = make_assignment(participant=make_participant(), test=test)[1]
    started = start_session(link)
    save(started.token)
    return link, started, test


def save(token: str) -> Any:
    route = next(row for row in ROUTES if row.path.endswith("/save-answers"))
    response = send(route, route.fill({"sessionToken": token}), {"answers": ANSWERS})
    assert response.status_code == 200, response.body
    return response


def test_open__when_any_policy__then_no_key(media):
    for policy in POLICIES:
        link, started, test = sitting(policy)
        faults, answers = walk(link, started.token, test.pk)
        assert faults == [], policy
        assert sum(answer.status_code == 200 for answer in answers) >= 12


def test_paper__then_every_question_is_there_and_only_listed_names(media):
    """Control: the paper really carries what is searched, so that finding nothing means something."""
    _, started, _ = sitting("none")
    route = next(row for row in ROUTES if row.path.endswith("{sessionToken}/questions"))
    data = json.loads(send(route, route.fill({"sessionToken": started.token}), None).body)["data"]
    assert [row["question_id"] for row in data["questions"]] == list(ANSWERS)
    allowed = {
        "question_id", "number", "kind", "text", "picture", "required", "options", "min", "max", "step", "max_length",
    }  # fmt: skip
    for row in data["questions"]:
        assert set(row) <= allowed
        assert all(set(option) == {"key", "text", "picture"} for option in row["options"])


def test_pictures__then_neither_bytes_nor_headers_tell(media):
    _, started, _ = sitting("none")
    route = next(row for row in ROUTES if row.path.endswith("{sessionToken}/questions"))
    body = send(route, route.fill({"sessionToken": started.token}), None).body.decode()
    urls = {part.split('"')[0] for part in body.split("http://testserver")[1:]}
    assert urls
    stored = next(row for row in ROUTES if row.permission == "signed_url")
    for url in urls:
        path, _, query = url.partition("?")
        response = send(stored, path, None, query=query)
        assert response.status_code == 200
        assert faults_of(response) == []
        assert set(response.headers) <= {
            "Content-Type", "Content-Length", "X-Content-Type-Options", "Cache-Control", "Referrer-Policy",
            "X-Request-ID", "X-Frame-Options", "Cross-Origin-Opener-Policy", "Vary", "Content-Disposition", "Allow",
        }  # fmt: skip


def test_paused__then_no_key(media):
    link, started, test = sitting("score_and_key")
    ExamSession.objects.filter(pk=started.session.pk).update(paused_at=clock.now())
    assert walk(link, started.token, test.pk)[0] == []


def test_before_the_start__then_no_key(media):
    test = key_test("score_and_key")
    link = make_assignment(test=test)[1]
    assert walk(link, "SESSION-NONE", test.pk)[0] == []


def test_before_and_after_the_window__then_no_key(media):
    link, started, test = sitting("none")
    for days in (-30, 30):
        with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
            assert walk(link, started.token, test.pk)[0] == []


def test_banned__when_the_policy_shows_all__then_no_key(media):
    link, started, test = sitting("score_and_key")
    participant_ban(participant_id=started.session.participant_id, reason="seen", now=clock.now(), actor=SYSTEM)
    assert walk(link, started.token, test.pk)[0] == []


def test_abandoned__when_the_policy_shows_all__then_no_key(media):
    link, started, test = sitting("score_and_key")
    session_abandon(session_id=started.session.pk, reason="power", now=clock.now(), actor=SYSTEM)
    assert walk(link, started.token, test.pk)[0] == []


def submit(token: str) -> Any:
    route = next(row for row in ROUTES if row.path.endswith("/submit"))
    response = send(route, route.fill({"sessionToken": token}), None)
    assert response.status_code == 200
    return response


def test_submitted__when_the_policy_is_none__then_neither_key_nor_score(media):
    link, started, test = sitting("none", settings={"max_attempts": 1})
    assert faults_of(submit(started.token)) == []
    assert walk(link, started.token, test.pk)[0] == []


def test_submitted__when_the_policy_is_score__then_the_score_and_no_key(media):
    link, started, test = sitting("score", settings={"max_attempts": 1})
    submit(started.token)
    _, answers = walk(link, started.token, test.pk)
    text = "".join(
        answer.body.decode("utf-8", "replace") for answer in answers if b"$schema" not in answer.body
    ).lower()
    assert "max_points" in text
    for secret in ("91337", "keyplantjawaban", "keyplantkedua", "0.7713", "answer_key", "correct_answer", "accepted"):
        assert secret not in text


def test_submitted__when_the_policy_shows_all__then_the_key_is_found(media):
    """Control: what is planted is found once it may be shown."""
    _, started, _ = sitting("score_and_key", settings={"max_attempts": 1})
    submit(started.token)
    route = next(row for row in ROUTES if row.path == "/api/test-session/{sessionToken}/result")
    found = faults_of(send(route, route.fill({"sessionToken": started.token}), None))
    assert "91337" in found
    assert any("correct_answer" in fault for fault in found)


def test_private_buyer__when_open__then_no_key_on_any_route(media):
    for policy in POLICIES:
        test = key_test(policy)
        buyer = make_user()
        make_purchase(buyer, test)
        bearer = token_of(buyer)
        start = next(row for row in ROUTES if str(row) == "POST /api/my-tests/{testId}/start")
        begun = json.loads(send(start, start.fill({"testId": test.pk}), None, token=bearer).body)["data"]
        token = begun["session"]["session_token"]
        save(token)
        faults, answers = walk("NONE", token, test.pk, bearer)
        # A test's own settings are no key; what they give away is judged below.
        assert [fault for fault in faults if ".settings." not in fault] == [], policy
        assert sum(answer.status_code == 200 for answer in answers) >= 10


def test_events__when_a_taker_looks__then_no_route_of_theirs_tells_the_log():
    assert [str(row) for row in taker_routes() if "events" in row.path or "export" in row.path] == []


def test_submitted__while_attempts_are_left__then_no_key_yet(media):
    _, started, _ = sitting("score_and_key")
    submit(started.token)
    route = next(row for row in ROUTES if row.path == "/api/test-session/{sessionToken}/result")
    text = send(route, route.fill({"sessionToken": started.token}), None).body.decode()
    assert "correct_answer" not in text
    assert "max_points" in text
