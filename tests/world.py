"""Two companies side by side and two private buyers, every value of one side unmistakable.

`build` makes what is common to all (tests), then the *foreign* side (company B, buyer Y), then the callers' own
(company A, buyer X, a company without subscription, a login before verification). Each side's rows get ids from a
range of their own, so that an id found anywhere tells whose it is.
"""

import io
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import PasswordReset, User
from accounts.services import passwords, verification
from accounts.services.login import login_open
from accounts.services.passwords import password_reset_send
from accounts.services.refresh import tokens_open
from accounts.services.verification import verification_send
from accounts.states import LoginScope, Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from anticheat.models import CheatDetection
from anticheat.services.detections import cheat_log
from anticheat.states import DetectionType
from catalog.models import Test, TestCategory
from catalog.services.versions import version_freeze
from catalog.tests.builders import question
from catalog.tests.factories import make_category
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM, Actor, ActorKind
from cbt.kernel.ids import derive_token
from cbt.kernel.models import Upload
from cbt.kernel.uploads import upload_take
from commerce.models import Payment, PublicTransaction, Purchase
from commerce.tests.factories import make_order, make_purchase
from proctoring.models import Attendance, Photo
from proctoring.services.photos import photo_capture
from sessions_app.models import ExamSession, ImportBatch, Participant, Result, TestAssignment
from sessions_app.services.mails import assignment_mail_enqueue
from sessions_app.services.participants import participant_ban
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import Origin, Started, session_start_purchase, session_submit
from sessions_app.tests.factories import (
    make_assignment,
    make_bank_test,
    make_import,
    make_participant,
    start_session,
)
from tenants.models import Company, CompanyAdmin, CompanySubscription, Invoice, SubscriptionPrice
from tenants.services.purchases import subscription_extend
from tenants.tests.factories import make_company, make_price, make_subscription, make_tenant_admin
from tests.faces import parts
from tests.rows import changes_keys, count_ids_from, snapshot

OTHER_ROLES = (Role.PARTICIPANT, Role.INSTRUCTOR, Role.STUDENT)
MARK_FOREIGN = "Qxforeignqx"
MARK_OWN = "Zvownzv"
MISSING = 909_090_909  # an id nobody has
FOREIGN_IDS_FROM = 730_000_000
OWN_IDS_FROM = 110_000_000


def png(color: str = "red") -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(buffer, "PNG")
    return buffer.getvalue()


def upload(name: str = "a.png", color: str = "red") -> SimpleUploadedFile:
    """A small picture as a form sends it."""
    return SimpleUploadedFile(name, png(color), content_type="image/png")


@dataclass
class Common:
    """What all share: tests and their categories, offers, and the prices of subscriptions.

    offer: on sale and in nobody's cart.  ordered: in both buyers' pending orders.  free_price: nobody's.
    """

    category: TestCategory
    bank: Test
    bought: Test
    plain: Test
    hidden: Test
    exam: Test
    exam_done: Test
    offer: Test
    ordered: Test
    price: SubscriptionPrice
    free_price: SubscriptionPrice


@dataclass
class Side:
    """One company and one private buyer with everything they can have; of_faces: path values of dialects."""

    mark: str
    company: Company
    admin: User
    second: CompanyAdmin
    subscription: CompanySubscription
    invoice: Invoice
    payment: Payment
    batch: ImportBatch
    participant: Participant
    banned: Participant
    assignments: list[tuple[TestAssignment, str]]
    started: dict[str, Started]
    result: Result
    detection: CheatDetection
    photo: Photo
    buyer: User
    purchase: Purchase
    order: PublicTransaction
    buyer_result: Result
    buyer_open: Started
    admin_token: str = ""
    buyer_token: str = ""
    rows: set[tuple[str, Any]] = field(default_factory=set)
    planted: set[str] = field(default_factory=set)
    of_faces: dict[str, Any] = field(default_factory=dict)

    @property
    def open_token(self) -> str:
        return self.started["open"].token

    @property
    def link(self) -> str:
        return self.assignments[0][1]

    @property
    def secrets(self) -> set[str]:
        """Tokens of links and sessions, which only their holders may see."""
        return {token for _, token in self.assignments} | {started.token for started in self.started.values()}


@dataclass
class World:
    """Everything at once."""

    common: Common
    foreign: Side
    own: Side
    super_token: str
    poor: User
    poor_token: str
    fresh: User
    fresh_token: str
    verify_token: str
    reset_token: str
    other_tokens: dict[str, str]
    other_users: dict[Role, User]
    refresh_token: str
    attendance: Attendance
    file: Upload

    def login(self, role: str) -> str:
        """Return the bearer token of the own side's caller in this role."""
        return {
            Role.SUPER_ADMIN.value: self.super_token,
            Role.TENANT_ADMIN.value: self.own.admin_token,
            Role.PUBLIC_USER.value: self.own.buyer_token,
            **self.other_tokens,
        }[role]


def essay_test(**fields: Any) -> Test:
    """A test with a choice, a number and a long text."""
    return make_bank_test(
        question("single_choice", "q1"), question("number", "q2"), question("long_text", "q3"),
        **{"settings": {"result_policy": "score"}, **fields},
    )  # fmt: skip


def build() -> World:
    """Make the world. Call within `kept_counters`."""
    common = _common()
    super_token = token_of(make_user(Role.SUPER_ADMIN))
    other_users = {role: make_user(role, email=None, username=role) for role in OTHER_ROLES}
    other_tokens = {role.value: token_of(user) for role, user in other_users.items()}
    before = snapshot()
    count_ids_from(FOREIGN_IDS_FROM)
    foreign = _side(MARK_FOREIGN, common)
    make_purchase(foreign.buyer, common.plain)  # what the own buyer has not bought
    foreign.rows = {(table, key) for table, rows in changes_keys(before, snapshot()) for key in rows}
    foreign.planted = _planted(foreign)
    count_ids_from(OWN_IDS_FROM)
    own = _side(MARK_OWN, common)
    candidate = make_user(Role.PARTICIPANT, participant_number="WORLD-1", company_id=own.company.pk)
    Participant.objects.filter(pk=own.participant.pk).update(user=candidate)
    other_tokens[Role.PARTICIPANT.value] = token_of(candidate)
    _sit_exams(own.participant, common)
    poor = make_tenant_admin(make_company(with_subscription=False))
    fresh = make_user(is_verified=False)
    proof = verification_send(user=fresh)
    password_reset_send(user_id=own.buyer.pk, asked_at=clock.now())
    return World(
        common=common, foreign=foreign, own=own, super_token=super_token, poor=poor, poor_token=token_of(poor),
        fresh=fresh, verify_token=derive_token(verification.PURPOSE, proof.nonce),
        fresh_token=login_open(user=fresh, scope=LoginScope.UNVERIFIED, ip="127.0.0.1", user_agent="tests").token,
        reset_token=derive_token(passwords.PURPOSE, PasswordReset.objects.get(user=own.buyer).nonce),
        other_tokens=other_tokens, other_users=other_users,
        file=upload_take(data=png(), actor=Actor(kind=ActorKind.USER, id=other_users[Role.STUDENT].pk)),
        attendance=Attendance.objects.create(
            test=common.bank, user=other_users[Role.STUDENT], status="present", method="staff", at=clock.now(),
            created_at=clock.now(),
        ),
        refresh_token=tokens_open(username="student", password=PASSWORD, ip="127.0.0.1", user_agent="tests").refresh,
    )  # fmt: skip


def _sit_exams(participant: Participant, common: Common) -> None:
    """Let a participant sit two exams, one open and one handed in."""
    tests = (common.exam, common.exam_done)
    _, token = (start_session(make_assignment(participant=participant, test=test)[1]).token for test in tests)
    session_submit(token=token, now=clock.now())


def _common() -> Common:
    category = make_category(name="Common category")
    hidden = essay_test(name="Hidden test")
    Test.objects.filter(pk=hidden.pk).update(is_active=False)
    common = Common(
        category=category,
        bank=essay_test(name="Common bank"),
        bought=essay_test(name="Bought test", settings={"result_policy": "score", "max_attempts": 2}),
        plain=make_bank_test(question("single_choice", "q1"), name="Common plain"),
        hidden=hidden,
        exam=essay_test(name="Common exam"),
        exam_done=essay_test(name="Common exam, handed in"),
        offer=make_bank_test(question("single_choice", "q1"), name="Common offer", type="public", price=1000),
        ordered=make_bank_test(question("single_choice", "q1"), name="Common ordered", type="public", price=3000),
        price=make_price(),
        free_price=make_price(),
    )
    for test in (common.bank, common.bought, common.plain, common.exam, common.exam_done, common.offer, common.ordered):
        version_freeze(test.pk)  # everybody's paper, not that of whoever starts first
    for part in parts("walk"):
        if hasattr(part, "prepare"):
            part.prepare()
    return common


def _side(mark: str, common: Common) -> Side:
    low = mark.lower()
    company = make_company(name=f"{mark} company", email=f"office@{low}.example", with_subscription=False)
    Company.objects.filter(pk=company.pk).update(phone=f"{mark} 1", address=f"{mark} street", logo=f"{mark}.png")
    company.refresh_from_db()
    subscription = make_subscription(company, price=common.price)
    admin = make_tenant_admin(company, name=f"{mark} admin", email=f"admin@{low}.example")
    deputy = make_tenant_admin(company, name=f"{mark} second", email=f"second@{low}.example")
    subscription_extend(subscription_id=subscription.pk, months=1, actor=SYSTEM)
    invoice = Invoice.objects.get(company=company)
    person = make_participant(
        company=company, name=f"{mark} person", email=f"person@{low}.example", biodata=_biodata(mark)
    )
    banned = make_participant(
        company=company, name=f"{mark} banned", email=f"banned@{low}.example", biodata=_biodata(mark)
    )
    assignments = [
        make_assignment(participant=person, test=common.bank),
        make_assignment(participant=person, test=common.plain),
        make_assignment(participant=person, test=common.bought),
        make_assignment(participant=person, test=common.plain),  # not started
        make_assignment(participant=banned, test=common.bank),
    ]
    for assignment, _ in assignments[:4]:
        assignment_mail_enqueue(assignment=assignment, participant=person)
    started = {
        "open": start_session(assignments[0][1]),
        "completed": start_session(assignments[1][1]),
        "pending": start_session(assignments[2][1]),
        "banned": start_session(assignments[4][1]),
    }
    _save(started["open"], {"q3": f"{mark} essay"})
    _save(started["completed"], {"q1": "b"})
    _save(started["pending"], {"q3": f"{mark} essay"})
    detection, photo = _watch(started["open"], mark)
    _watch(started["banned"], mark)
    result = session_submit(token=started["pending"].token, now=clock.now()).result
    session_submit(token=started["completed"].token, now=clock.now())
    participant_ban(participant_id=banned.pk, reason=f"{mark} reason", now=clock.now(), actor=SYSTEM)
    buyer = make_user(name=f"{mark} buyer", email=f"buyer@{low}.example")
    buyer.profile.phone, buyer.profile.address = f"{mark} 2", f"{mark} lane"
    buyer.profile.save()
    purchase = make_purchase(buyer, common.bought)
    order = make_order(buyer, common.ordered)
    first = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin("127.0.0.1", f"{mark} browser"))
    _save(first, {"q3": f"{mark} essay"})
    buyer_result = session_submit(token=first.token, now=clock.now()).result
    second = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin("127.0.0.1", f"{mark} browser"))
    started |= {"buyer_completed": first, "buyer_open": second}
    return Side(
        mark=mark, company=company, admin=admin, second=deputy.company_admin, subscription=subscription,
        invoice=invoice, payment=Payment.objects.get(purpose="invoice", payable_id=invoice.pk),
        batch=make_import(company, file_name=f"{mark}.csv"), order=order, participant=person, banned=banned,
        assignments=assignments,
        started=started, result=result, detection=detection, photo=photo, buyer=buyer, purchase=purchase,
        buyer_result=buyer_result, buyer_open=second,
        of_faces={
            name: value
            for part in parts("walk") if hasattr(part, "values_of")
            for name, value in part.values_of(buyer).items()
        },
        admin_token=token_of(admin), buyer_token=token_of(buyer),
    )  # fmt: skip


def _biodata(mark: str) -> dict[str, str]:
    return {
        "name": f"{mark} full name", "email": f"home@{mark.lower()}.example", "phone": f"{mark} 3",
        "date_of_birth": "1999-05-17", "address": f"{mark} avenue",
    }  # fmt: skip


def _save(started: Started, answers: dict[str, Any]) -> None:
    answers_save(token=started.token, answers=answers, revision=None, client_at=None, now=clock.now())


def _watch(started: Started, mark: str) -> tuple[CheatDetection, Photo]:
    logged = cheat_log(
        token=started.token, detection_type=DetectionType.TAB_SWITCH, severity=2, now=clock.now(),
        detection_data={"details": f"{mark} tab"}, ip="127.0.0.1", user_agent="tests",
    )  # fmt: skip
    taken = photo_capture(token=started.token, data=png(), now=clock.now(), ip="127.0.0.1", user_agent="tests")
    return logged.detection, taken.photo


def _planted(side: Side) -> set[str]:
    """Return every text that can only have come from this side: its mark, ids, tokens, hashes and file names."""
    found = {side.mark.lower(), side.admin_token, side.buyer_token, *side.secrets}
    found |= {str(part) for _, key in side.rows for part in key if isinstance(part, int) and part > FOREIGN_IDS_FROM}
    for session in ExamSession.objects.filter(pk__in=[started.session.pk for started in side.started.values()]):
        found |= {session.nonce, session.token_hash}
    for assignment, _ in side.assignments:
        found |= {assignment.nonce, assignment.token_hash}
    found |= {
        side.participant.unique_token,
        side.banned.unique_token,
        side.photo.path,
        side.purchase.transaction_number,
        side.order.transaction_number,
        side.invoice.invoice_number,
    }
    return {text.lower() for text in found}
