"""The people of the demo: accounts, a company with a subscription, participants at every stage. Safe to run again."""

from datetime import timedelta
from random import Random
from typing import Any

from accounts.selectors.users import user_by_email, user_by_number
from accounts.services.users import super_admin_create, user_create
from accounts.states import Role
from catalog.engine.paper import answer_key_json
from catalog.models import Test
from catalog.selectors.versions import version_load
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from commerce.services.purchases import purchase_grant
from sessions_app.models import Participant
from sessions_app.selectors.assignments import assignment_by_token, assignment_token
from sessions_app.services.closing import session_submit
from sessions_app.services.credentials import Wish, credentials_issue
from sessions_app.services.participants import Window, biodata_complete, participant_create
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import Origin, session_start
from tenants.models import Company, SubscriptionPrice
from tenants.services.admins import company_admin_add
from tenants.services.companies import company_create
from tenants.services.subscriptions import subscription_grant

PASSWORD = "DemoPass123!"  # noqa: S105 - published on purpose; `cbt.ops.demo.is_allowed` keeps it off real servers
COMPANY_EMAIL = "office@demo.test"


def load_demo_people() -> None:
    """Store what is missing of the demo's accounts, company and participants."""
    super_admin_create(name="Super Admin", email="superadmin@demo.test", password=PASSWORD)
    _buyer("user@demo.test", "Budi Santoso", PASSWORD, ["IPIP-BFM-50"])
    _buyer("test@example.com", "Test User", "TestPass123!", [])
    company = _company()
    _participants(company)
    _candidate(company)


def _buyer(email: str, name: str, password: str, codes: list[str]) -> None:
    user = user_by_email(email) or user_create(
        name=name, email=email, password=password, role=Role.PUBLIC_USER, is_verified=True
    )
    for test in Test.objects.filter(code__in=codes, deleted_at__isnull=True):
        purchase_grant(user_id=user.pk, test_id=test.pk, now=clock.now(), actor=SYSTEM)


def _company() -> Company:
    found = Company.objects.filter(email=COMPANY_EMAIL).first()
    if found is not None:
        return found
    company = company_create(
        name="PT Demo Talenta", email=COMPANY_EMAIL, phone="0215550123", address="Jl. Sudirman 1, Jakarta", actor=SYSTEM
    )
    company_admin_add(
        company_id=company.pk, name="Rina Wijaya", email="tenant@demo.test", password=PASSWORD, actor=SYSTEM,
        is_primary=True,
    )  # fmt: skip
    price = SubscriptionPrice.objects.filter(user_quota=100, plan__duration_months=12).order_by("pk").first()
    if price is not None:
        subscription_grant(
            company_id=company.pk, plan_id=price.plan_id, price_id=price.pk, user_quota=100, actor=SYSTEM
        )  # fmt: skip
    return company


def _participants(company: Company) -> None:
    if Participant.objects.filter(company=company).exists():
        return
    tests = {test.code: test.pk for test in Test.objects.filter(deleted_at__isnull=True)}
    now = clock.now()
    window = Window(now - timedelta(hours=1), now + timedelta(days=30))
    wanted = [
        ("Siti Aminah", "siti@demo.test", ["APT-20", "IPIP-BFM-50"], True),
        ("Andi Pratama", "andi@demo.test", ["APT-20"], False),
        ("Dewi Lestari", "dewi@demo.test", ["ESSAY-01"], False),
    ]
    for name, email, codes, has_finished in wanted:
        person = participant_create(
            company_id=company.pk, name=name, email=email, test_ids=[tests[code] for code in codes if code in tests],
            window=window, now=now, actor=SYSTEM,
        )  # fmt: skip
        if has_finished:
            _take_first_test(person)


def _candidate(company: Company) -> None:
    """Give one of them, assigned to an exam with a question bank, a number to sign in with at the exam room."""
    if user_by_number("P-1001") is not None:
        return
    person = Participant.objects.filter(company=company, email="andi@demo.test", user=None, deleted_at=None).first()
    if person is not None:
        credentials_issue(
            company_id=company.pk, wishes={person.pk: Wish("P-1001", PASSWORD)}, now=clock.now(), actor=SYSTEM
        )


def _take_first_test(person: Participant) -> None:
    """Let a demo participant finish one test, so that lists and results have something to show."""
    biodata_complete(
        participant_id=person.pk,
        biodata={
            "name": person.name, "email": person.email, "phone": "081234567890", "date_of_birth": "1999-05-17",
            "address": "Jl. Merdeka 1, Bandung",
        },
        now=clock.now(),
    )  # fmt: skip
    assignment = assignment_by_token(assignment_token(person.assignments.order_by("pk")[0]))
    started = session_start(assignment=assignment, now=clock.now(), origin=Origin("127.0.0.1", "demo"))
    version = version_load(started.session.version_id)
    chance = Random(20)  # the same demo answers on every machine
    answers = {
        question.key: answer_key_json(question) if chance.random() < 0.7 else _some_answer(question, chance)
        for question in version.questions
        if answer_key_json(question) is not None and question.kind != "short_text"
    }
    answers_save(token=started.token, answers=answers, revision=1, client_at=None, now=clock.now())
    session_submit(token=started.token, now=clock.now())


def _some_answer(question: Any, chance: Random) -> Any:
    """Return a well-formed answer to a question, right or wrong."""
    keys = list(question.option_keys)
    if question.kind == "single_choice":
        return chance.choice(keys)
    if question.kind == "multiple_choice":
        return keys[:1]
    if question.kind == "true_false":
        return chance.random() < 0.5
    return None
