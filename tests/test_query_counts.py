"""Lists cost the same for 2 rows and for 20, and never more than eight queries."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from anticheat.models import CheatDetection
from anticheat.states import DetectionSource, DetectionType
from catalog.services import bank
from catalog.tests.builders import question
from catalog.tests.factories import ADMIN, make_category, make_offer
from cbt.kernel import clock
from commerce.tests.factories import make_purchase
from proctoring.models import Photo
from sessions_app.models import SessionEvent
from sessions_app.services.mails import assignment_mail_enqueue
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import session_submit
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, counted_queries

pytestmark = pytest.mark.django_db
MOST = 8


class Setting:
    """One company, its admin, a test and a session in progress; a buyer; staff of the house."""

    def __init__(self) -> None:
        self.company = make_company(quota=1000)
        self.test = make_bank_test()
        self.person = make_participant(company=self.company)
        self.link = make_assignment(participant=self.person, test=self.test)[1]
        self.started = start_session(self.link)
        self.buyer = make_user()
        self.tokens = {
            "tenant": token_of(make_tenant_admin(self.company)),
            "buyer": token_of(self.buyer),
            "super": token_of(make_user(Role.SUPER_ADMIN)),
            "": "",
        }

    def sitting(self, _: int, *, is_done: bool = False) -> None:
        person = make_participant(company=self.company)
        assignment, link = make_assignment(participant=person, test=self.test)
        assignment_mail_enqueue(assignment=assignment, participant=person)
        make_assignment(participant=person, test=self.test)
        started = start_session(link)
        if is_done:
            session_submit(token=started.token, now=clock.now())

    def result(self, index: int) -> None:
        self.sitting(index, is_done=True)

    def offer(self, _: int) -> None:
        make_offer(category_id=make_category().pk)

    def question(self, index: int) -> None:
        bank.question_create(test_id=self.test.pk, document=question("likert", f"z{index}"), position=None, actor=ADMIN)

    def detection(self, index: int) -> None:
        CheatDetection.objects.create(
            session_id=self.started.session.pk, detection_type=DetectionType.TAB_SWITCH, severity=1,
            source=DetectionSource.CLIENT, created_at=clock.now() + timedelta(seconds=index),
        )  # fmt: skip

    def photo(self, index: int) -> None:
        Photo.objects.create(
            session_id=self.started.session.pk, number=index + 1, path=f"test-sessions/photos/{index}.png",
            mime="image/png", size_bytes=1, width=1, height=1, sha256="0" * 64, captured_at=clock.now(),
        )  # fmt: skip

    def event(self, index: int) -> None:
        SessionEvent.objects.create(
            session_id=self.started.session.pk, seq=index + 100, kind="answers_saved", payload={}, at=clock.now()
        )

    def purchase(self, _: int) -> None:
        make_purchase(self.buyer, make_offer(category_id=make_category().pk))

    def answer(self, index: int) -> None:
        value = {"z": index}
        answers_save(
            token=self.plain.token, answers={f"k{index}": value}, revision=None, client_at=None, now=clock.now()
        )

    def assignment(self, _: int) -> None:
        make_assignment(participant=self.person, test=make_bank_test())

    @property
    def plain(self) -> Any:
        if not hasattr(self, "_plain"):
            self._plain = start_session(make_assignment(test=make_offer())[1])
        return self._plain


Case = tuple[str, str, str, Callable[[Setting, int], None]]
CASES: list[Case] = [
    ("participants", "tenant", "/api/participants", Setting.sitting),
    ("participants for staff", "super", "/api/participants", Setting.sitting),
    ("one participant", "tenant", "/api/participants/{person}", Setting.assignment),
    ("test-sessions", "tenant", "/api/test-sessions", Setting.sitting),
    ("test-sessions for staff", "super", "/api/test-sessions", Setting.sitting),
    ("results", "tenant", "/api/results", Setting.result),
    ("results for staff", "super", "/api/results", Setting.result),
    ("results as a file", "tenant", "/api/results/export?format=csv", Setting.result),
    ("tests", "tenant", "/api/tests", Setting.offer),
    ("tests for staff", "super", "/api/tests", Setting.offer),
    ("test-categories", "super", "/api/test-categories", Setting.offer),
    ("questions", "super", "/api/tests/{test}/questions", Setting.question),
    ("test as a document", "super", "/api/tests/{test}/export", Setting.question),
    ("detections", "tenant", "/api/test-sessions/{session}/detections", Setting.detection),
    ("own detections", "", "/api/test-session/{token}/cheat/detections", Setting.detection),
    ("photos", "tenant", "/api/test-sessions/{session}/photos", Setting.photo),
    ("own photos", "", "/api/test-session/{token}/photos", Setting.photo),
    ("events", "tenant", "/api/test-sessions/{session}/events", Setting.event),
    ("my-tests", "buyer", "/api/my-tests", Setting.purchase),
    ("own assignments", "", "/api/participant/assignments?token={link}", Setting.assignment),
    ("own session with its answers", "", "/api/test-session/{plain}", Setting.answer),
]


def rows_of(body: dict[str, Any]) -> int:
    data = body["data"]
    if isinstance(data, dict):
        data = next(data[name] for name in ("data", "test_assignments", "answers", "questions") if name in data)
    return len(data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].replace(" ", "-"))
def test_list__when_two_and_when_twenty_rows__then_the_same_queries(case: Case):
    _, who, path, more = case
    setting = Setting()
    address = path.format(
        test=setting.test.pk, session=setting.started.session.pk, token=setting.started.token, link=setting.link,
        person=setting.person.pk, plain=setting.plain.token if "{plain}" in path else "",
    )  # fmt: skip
    address += ("&" if "?" in address else "?") + "per_page=100"
    counts = {}
    for wanted in (2, 20):
        for index in range(0 if wanted == 2 else 2, wanted):
            more(setting, index)
        Api(setting.tokens[who]).get(address)  # versions of tests come from memory the second time
        with counted_queries() as queries:
            response = Api(setting.tokens[who]).get(address)
        assert response.status_code == 200, response.content
        if response["Content-Type"] == "application/json":
            assert rows_of(json.loads(response.content)) >= wanted
        counts[wanted] = list(queries)
    assert len(counts[2]) == len(counts[20]), counts[20]
    assert len(counts[20]) <= MOST, counts[20]
