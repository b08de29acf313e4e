"""A candidate with a number, assigned to an exam."""

import itertools
from dataclasses import dataclass
from typing import Any

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from catalog.models import Test
from catalog.tests.builders import question
from sessions_app.models import Participant, TestAssignment
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant
from tests.support import Api

_number = itertools.count(7001)


@dataclass
class Candidate:
    """Who sits an exam: ``api`` is signed in as them, ``url`` is the exam."""

    participant: Participant
    test: Test
    assignment: TestAssignment
    token: str
    link: str

    @property
    def api(self) -> Api:
        return Api(self.token)

    @property
    def url(self) -> str:
        return f"/api/exam/{self.test.pk}"

    def questions(self) -> list[dict[str, Any]]:
        """Return the paper; the first time this starts the clock."""
        response = self.api.get(f"{self.url}/questions")
        assert response.status_code == 200, response.json()
        return response.json()["questions"]

    def answer(self, question_id: Any, answer: Any, **more: Any) -> Any:
        return self.api.post(f"{self.url}/answer", {"question_id": question_id, "answer": answer, **more})


def exam_test(**more: Any) -> Test:
    """A test of six single choices with five options each, key b, in random order, its key shown afterwards."""
    options = [{"key": key, "text": f"Text {key}"} for key in "abcde"]
    rows = [question("single_choice", f"q{n}", text=f"Question {n}?", options=options) for n in range(1, 7)]
    rules = {
        "shuffle_questions": True,
        "shuffle_options": True,
        "result_policy": "score_and_key",
        **more.pop("settings", {}),
    }
    return make_bank_test(*rows, settings=rules, **more)


def make_candidate(*, test: Test | None = None, participant: Participant | None = None, **assignment: Any) -> Candidate:
    """Store a candidate without biodata, with an account and an assignment; signed in."""
    person = participant or make_participant(biodata={})
    if person.user is None:
        person.user = make_user(
            Role.PARTICIPANT, participant_number=f"P-{next(_number)}", name=person.name, company_id=person.company_id,
            is_verified=False,
        )  # fmt: skip
        person.save()
    given = test or exam_test()
    row, link = make_assignment(participant=person, test=given, **assignment)
    return Candidate(person, given, row, token_of(person.user), link)
