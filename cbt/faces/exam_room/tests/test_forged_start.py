"""The paper is a GET that starts the clock: another site's page must not be able to open it."""

from django.core.cache import cache
from django.test import Client

from accounts.api.cookies import AUTH_COOKIE
from cbt.faces.exam_room.tests.factories import make_candidate
from sessions_app.models import ExamSession
from tests.support import error_of
from tests.test_csrf import FOREIGN, HONEST, headers


def test_paper__when_another_site_opens_it_first__then_403_and_the_clock_stands(db):
    """SameSite=Lax lets the cookie ride on a link; the exam room's paper is a GET, by contract."""
    one = make_candidate()
    candidate = Client(raise_request_exception=False, enforce_csrf_checks=True)
    candidate.cookies[AUTH_COOKIE] = one.token
    for name, origin, referer in FOREIGN:
        cache.clear()  # the limit of requests is not what is tried here
        response = candidate.get(f"{one.url}/questions", headers=headers(origin, referer))
        assert error_of(response, 403, "CSRF_FAILED"), name
    assert not ExamSession.objects.exists()
    cache.clear()
    for _, origin, referer in HONEST:
        assert candidate.get(f"{one.url}/questions", headers=headers(origin, referer)).status_code == 200
    assert ExamSession.objects.count() == 1
    assert candidate.get(f"{one.url}/questions").status_code == 200  # begun: what is left is a read
    other = make_candidate()
    assert other.api.get(f"{other.url}/questions", headers={"Origin": "https://evil.example"}).status_code == 200
