"""Who may read which topic. Every reader asks here when it begins, and the open ones are looked at again in batches."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from accounts.selectors.logins import actors_of_logins
from accounts.states import Role
from cbt.http.fields import MAX_ID
from cbt.kernel import feed
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from cbt.kernel.permissions import Perm
from proctoring.services.news import owner_topic, student_topic
from sessions_app.models import ExamSession
from sessions_app.selectors.exams import sitting_for
from sessions_app.selectors.imports import import_for
from sessions_app.selectors.sessions import session_get_by_token, session_of_own, sessions_not_banned
from sessions_app.services import refusals
from sessions_app.services.news import import_topic, monitor_topic, session_topic
from tenants.selectors.companies import companies_run_by, company_of


@dataclass(frozen=True, slots=True)
class Grant:
    """What one reader may read, and what that rests on.

    kind: imports, session, monitor or attendance.  topics: those ending in ``/*`` stand for all that begin alike.
    is_from_start: who names no event begins with the oldest, because the topic is one import or one sitting.
    actor: somebody signed in.  session_id: of a taker, signed in or not.  company_id: that the reader
    runs, or takes for.
    permission: that was asked for.
    """

    kind: str
    topics: tuple[str, ...]
    is_from_start: bool = False
    actor: Actor | None = None
    permission: Perm | None = None
    session_id: int | None = None
    company_id: int | None = None

    @property
    def holder(self) -> str:
        """Return whose sockets are counted together: a login's or a sitting's."""
        return f"login {self.actor.login_id}" if self.actor else f"session {self.session_id}"


def import_grant(actor: Actor, import_id: int) -> Grant:
    """Let staff of the company whose import it is watch it. Raises NOT_FOUND, also for a foreign one, and refusals."""
    company_id = _staff_company(actor, Perm.IMPORT_PARTICIPANTS)
    batch = import_for(actor, import_id)
    return Grant(
        "imports", (import_topic(batch.pk),), is_from_start=True,
        actor=actor, permission=Perm.IMPORT_PARTICIPANTS, company_id=company_id,
    )  # fmt: skip


def monitor_grant(actor: Actor) -> Grant:
    """Let an admin of a company watch its sessions, and staff of the house all. Raises refusals."""
    company_id = _staff_company(actor, Perm.VIEW_MONITORING)
    topic = f"monitor{feed.ALL}" if company_id is None else monitor_topic(company_id)
    return Grant("monitor", (topic,), actor=actor, permission=Perm.VIEW_MONITORING, company_id=company_id)


def attendance_grant(actor: Actor) -> Grant:
    """Let instructors watch their own tests, students their own records, admins all. Raises refusals."""
    _signed_in(actor)
    topics = {
        Role.SUPER_ADMIN.value: f"attendance-owner{feed.ALL}",
        Role.INSTRUCTOR.value: owner_topic(actor.id),
        Role.STUDENT.value: student_topic(actor.id or 0),
    }
    if actor.role not in topics:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    return Grant("attendance", (topics[actor.role],), actor=actor)


def session_grant(token: str) -> Grant:
    """Let whoever holds a session's token watch that sitting. Raises NOT_FOUND, BANNED."""
    return _sitting(session_get_by_token(token))


def exam_grant(actor: Actor, exam_id: int) -> Grant:
    """Let a signed-in candidate, who holds no session's token, watch the own newest sitting of an exam.

    exam_id: id of the test. Raises refusals, BANNED, NOT_FOUND, and SESSION_NOT_IN_PROGRESS before it was begun.
    """
    _signed_in(actor)
    if actor.role != Role.PARTICIPANT or not actor.may(Perm.TAKE_TESTS):
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    if exam_id > MAX_ID:
        raise not_found("Exam not found")
    return replace(_sitting(sitting_for(actor, exam_id)), actor=actor, permission=Perm.TAKE_TESTS)


def sitting_grant(actor: Actor, session_id: int) -> Grant:
    """Let whoever sits as a user, and holds no session's token (an exam file), watch that sitting of their own.

    Raises refusals, BANNED, and NOT_FOUND alike for what is absent or somebody else's.
    """
    _signed_in(actor)
    if not actor.may(Perm.TAKE_TESTS):
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    if session_id > MAX_ID:
        raise not_found()
    grant = _sitting(session_of_own(actor, session_id))
    return replace(grant, actor=actor, permission=Perm.TAKE_TESTS, company_id=None)


def _sitting(session: ExamSession) -> Grant:
    if session.banned_at is not None:
        raise refusals.banned()
    return Grant(
        "session", (session_topic(session.pk),), is_from_start=True,
        session_id=session.pk, company_id=session.company_id,
    )  # fmt: skip


def _signed_in(actor: Actor) -> None:
    if actor.kind is not ActorKind.USER:
        raise DomainError(ErrorCode.UNAUTHENTICATED, "Unauthenticated")
    if not actor.role:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")


def _staff_company(actor: Actor, permission: Perm) -> int | None:
    """Return the company an admin stands for, None for staff of the house."""
    _signed_in(actor)
    if not actor.may(permission):
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    return None if actor.is_super_admin else company_of(actor).company.pk


def no_longer_good(grants: Collection[Grant]) -> dict[Grant, ErrorCode]:
    """Return which of these have ended meanwhile, and why. Three queries at most, however many there are.

    A login that was revoked or has run out; a role, permission or company that was taken away; a company that was
    switched off, which ends its staff's and not those of takers by a session's token (docs/decisions/0010); a banned
    session, of which its taker is told even though the ban has ended the login as well.
    """
    actors = actors_of_logins({str(grant.actor.login_id) for grant in grants if grant.actor})
    staff = [grant for grant in grants if grant.session_id is None]
    admins = {grant.actor.id for grant in staff if grant.actor and grant.company_id is not None and grant.actor.id}
    running = companies_run_by(admins) if admins else set()
    sittings = {grant.session_id for grant in grants if grant.session_id is not None}
    going = sessions_not_banned(sittings) if sittings else set()

    def fault(grant: Grant) -> ErrorCode | None:
        if grant.session_id is not None and grant.session_id not in going:
            return ErrorCode.BANNED
        if grant.actor is None:
            return None
        actor = actors.get(str(grant.actor.login_id))
        if actor is None:
            return ErrorCode.UNAUTHENTICATED
        is_same = actor.role == grant.actor.role and (grant.permission is None or actor.may(grant.permission))
        is_taker = grant.session_id is not None  # whose company ends the login itself
        is_open = is_taker or grant.company_id is None or (actor.id, grant.company_id) in running
        return None if is_same and is_open else ErrorCode.FORBIDDEN

    found = {grant: fault(grant) for grant in grants}
    return {grant: code for grant, code in found.items() if code is not None}
