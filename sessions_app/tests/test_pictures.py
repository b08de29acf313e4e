"""Pictures of a paper: good as long as the sitting, counted by sitting, kept by the browser."""

from datetime import timedelta

import pytest
import time_machine

from catalog.tests.builders import PNG_1X1, question
from cbt.kernel import storage
from sessions_app.models import ExamSession
from sessions_app.tests.factories import make_bank_test, start_session
from tests.support import data_of, error_of

START = "2026-03-02T09:00:00Z"
PICTURE = {"pic": {"mime": "image/png", "alt": "", "data_base64": PNG_1X1}}


@pytest.fixture
def ticking(db):
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def picture_test(**more):
    return make_bank_test(question("single_choice", picture="pic"), pictures=PICTURE, **more)


def address(api, started):
    (row,) = data_of(api.get(f"/api/test-session/{started.token}/questions"))["questions"]
    return row["picture"]["url"].removeprefix("http://testserver")


def fetch(api, path):
    response = api.get(path)
    b"".join(response.streaming_content if response.streaming else [])
    response.close()
    return response


def test_picture__when_first_shown_late__then_there_up_to_deadline_and_grace(api, ticking):
    path = address(api, start_session(test=picture_test(duration_minutes=60)))
    ticking.shift(timedelta(seconds=3630))
    assert fetch(api, path).status_code == 200
    ticking.shift(timedelta(seconds=1))
    error_of(api.get(path), 404, "NOT_FOUND")


def test_picture__when_there_is_no_limit__then_a_day_at_least(api, ticking):
    started = start_session(test=picture_test(duration_minutes=0))
    ExamSession.objects.update(deadline_at=None)
    path = address(api, started)
    ticking.shift(timedelta(days=1))
    assert fetch(api, path).status_code == 200
    ticking.shift(timedelta(days=1))
    error_of(api.get(path), 404, "NOT_FOUND")


def test_picture__then_kept_by_the_browser_under_one_address(api, ticking):
    started = start_session(test=picture_test(duration_minutes=60))
    path = address(api, started)
    ticking.shift(timedelta(seconds=30))
    assert address(api, started) == path
    assert fetch(api, path)["Cache-Control"] == "private, immutable, max-age=3600"


def test_picture__when_two_sittings_share_a_client_address__then_each_has_its_own_count(api, ticking):
    test = picture_test(duration_minutes=60)
    one, other = (address(api, start_session(test=test)) for _ in range(2))
    assert {fetch(api, path).status_code for _ in range(301) for path in (one, other)} == {200}
    assert api.get("/health/live").status_code == 200


def test_picture__when_one_sitting_asks_without_end__then_429(api, ticking):
    path = address(api, start_session(test=picture_test(duration_minutes=60)))
    statuses = [fetch(api, path).status_code for _ in range(601)]
    assert statuses == [200] * 600 + [429]


def test_picture__when_nobody_signed__then_the_client_address_counts(api, ticking):
    statuses = [api.get(f"/storage/none.png?signature={n}:s{n}:x").status_code for n in range(601)]
    assert statuses == [404] * 600 + [429]
    assert api.get("/health/live").status_code == 200


@pytest.mark.parametrize("spoil", [("s1", "s2"), ("1772", "1872"), (":s1:", "::")])
def test_signature__when_its_end_or_holder_is_changed__then_it_opens_nothing(spoil, ticking):
    from cbt.kernel import clock

    path = storage.signed_path_of_paper("a/b.png", holder="s1", until=clock.now())
    signature = path.partition("signature=")[2]
    assert storage.signature_read("a/b.png", signature).holder == "s1"
    assert spoil[0] in signature
    assert storage.signature_read("a/b.png", signature.replace(*spoil)) is None
