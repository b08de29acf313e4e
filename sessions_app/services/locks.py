"""The only places where rows are locked, always in the order user, participant, assignment, session."""

from accounts.models import User
from sessions_app.models import ExamSession, Participant, TestAssignment


def lock_user(user_id: int) -> User:
    """Lock and return a user, whose row stands for the right to take a test of a class or an exam file."""
    return User.objects.select_for_update(of=("self",)).get(pk=user_id)


def lock_participant(participant_id: int) -> Participant:
    """Lock and return a participant."""
    return Participant.objects.select_for_update(of=("self",)).get(pk=participant_id)


def lock_assignment(assignment_id: int) -> TestAssignment:
    """Lock and return an assignment."""
    return TestAssignment.objects.select_for_update(of=("self",)).get(pk=assignment_id)


def lock_session(**where: object) -> ExamSession | None:
    """Lock and return the session with this pk or token_hash, None when there is none.

    Saves, submits, bans and reports of one session all pass here (or take the same row lock by the
    update of `hot_sql.touch`), so they have an order.
    """
    return ExamSession.objects.select_for_update(of=("self",)).filter(**where).first()


def lock_chain(token_hash: str, *, with_participant: bool = False) -> ExamSession | None:
    """Lock what a session stands on and then the session itself, None when there is no such session.

    The assignment is taken first because a start holds it while it looks at the session; the participant too
    where a ban may follow. Taking the session first would let two of these wait for each other.
    """
    found = ExamSession.objects.filter(token_hash=token_hash).values_list("pk", "participant_id", "assignment_id")
    row = found.first()
    if row is None:
        return None
    session_id, participant_id, assignment_id = row
    if with_participant and participant_id is not None:
        lock_participant(participant_id)
    if assignment_id is not None:
        lock_assignment(assignment_id)
    return lock_session(pk=session_id)


def lock_open_sessions(participant_id: int) -> list[ExamSession]:
    """Lock and return the sessions a participant is taking, in order of id."""
    return list(
        ExamSession.objects.select_for_update(of=("self",))
        .filter(participant_id=participant_id, status="in_progress")
        .order_by("pk")
    )
