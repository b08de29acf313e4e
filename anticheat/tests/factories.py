"""Sessions in progress, as small as they can be."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test
from cbt.kernel import clock
from cbt.kernel.ids import hash_token, new_nonce, new_token
from commerce.models import Purchase
from sessions_app.models import ExamSession, Participant, SessionAnswer, TestAssignment
from sessions_app.services.sessions import Origin, session_start, session_start_purchase
from tenants.models import Company
from tenants.tests.factories import make_company

_number = itertools.count(1)
BROWSER = "Firefox/140"
HOME_IP = "198.51.100.7"
BIODATA = {
    "name": "Sari", "email": "sari@example.com", "phone": "0811", "date_of_birth": "2000-01-01", "address": "Bandung",
}  # fmt: skip


@dataclass
class Sitting:
    """A session in progress with its token and what it stands on."""

    session: ExamSession
    token: str

    @property
    def path(self) -> str:
        return f"/api/test-session/{self.token}"

    def fresh(self) -> ExamSession:
        self.session.refresh_from_db()
        return self.session


def make_test(*, cheat_policy: str = "ban", duration_minutes: int = 60, question_count: int = 50) -> Test:
    """Store a test without a question bank."""
    number, now = next(_number), clock.now()
    return Test.objects.create(
        name=f"Test {number}", code=f"AC-{number}", type="all", duration_minutes=duration_minutes,
        question_count=question_count, cheat_policy=cheat_policy, created_at=now, updated_at=now,
    )  # fmt: skip


def make_participant(company: Company | None = None) -> Participant:
    """Store a participant whose form is complete."""
    now = clock.now()
    return Participant.objects.create(
        company=company or make_company(), name="Sari", email=f"sari{next(_number)}@example.com",
        unique_token=new_token(), biodata=BIODATA, created_at=now, updated_at=now,
    )  # fmt: skip


def make_assignment(participant: Participant, test: Test) -> TestAssignment:
    """Store an assignment that can be taken for ten days."""
    now = clock.now()
    return TestAssignment.objects.create(
        participant=participant, company_id=participant.company_id, test=test, nonce=new_nonce(),
        token_hash=hash_token(new_token()), created_at=now,
        start_at=now - timedelta(days=1), end_at=now + timedelta(days=10),
    )  # fmt: skip


def make_sitting(
    *,
    company: Company | None = None,
    participant: Participant | None = None,
    ip: str = "",
    user_agent: str = "",
    **test: Any,
) -> Sitting:
    """Start a session of a participant now."""
    assignment = make_assignment(participant or make_participant(company), make_test(**test))
    started = session_start(assignment=assignment, now=clock.now(), origin=Origin(ip=ip, user_agent=user_agent))
    return Sitting(started.session, started.token)


def make_buyer_sitting(**test: Any) -> Sitting:
    """Start a session of a private buyer now."""
    purchase = Purchase.objects.create(
        user=make_user(Role.PUBLIC_USER), test=make_test(**test), transaction_number=f"TRX-{next(_number)}",
        purchased_at=clock.now(),
    )  # fmt: skip
    started = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin())
    return Sitting(started.session, started.token)


def answer_all(sitting: Sitting, count: int) -> None:
    """Store this many answers."""
    now = clock.now()
    for index in range(count):
        SessionAnswer.objects.create(
            session=sitting.session, question_id=f"q{index}", value="a", revision=None, updated_at=now
        )
