"""Timing, ordering and saving as pure functions; the state machine under any interleaving."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError
from sessions_app.engine import biodata, ordering, saving, timing
from sessions_app.engine.saving import Stored
from sessions_app.models import ExamSession, Result, SessionEvent
from sessions_app.services import closing, participants
from sessions_app.services.saving import answers_save
from sessions_app.states import TRANSITIONS, SessionStatus
from sessions_app.tests.factories import BIODATA, make_assignment, make_bank_test, start_session

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
durations = st.integers(0, 600)


@given(moments, durations, durations, st.none() | moments, st.integers(0, 3600))
def test_deadline__then_monotone_in_duration_and_never_after_the_window(started, one, two, window, extra):
    def deadline(minutes):
        return timing.deadline_at(
            started_at=started, duration_minutes=minutes, window_end=window, extra_seconds=extra
        )  # fmt: skip

    short, long = sorted((max(one, 1), max(two, 1)))
    assert deadline(short) <= deadline(long)
    for minutes in (one, two):
        found = deadline(minutes)
        assert found is None or window is None or found <= window
        assert (found is None) is (minutes == 0 and window is None)


@given(moments, moments, st.none() | moments, st.integers(0, 10_000))
def test_time_spent__then_never_negative_never_beyond_the_deadline(started, until, deadline, paused):
    spent = timing.time_spent_seconds(started_at=started, until=until, deadline=deadline, paused_seconds=paused)
    assert spent >= 0
    if deadline is not None and deadline >= started:
        assert spent <= (deadline - started).total_seconds()


@pytest.mark.parametrize(("seconds", "accepted"), [(-1, True), (0, True), (30, True), (31, False)])
def test_accepts_saves__then_the_grace_is_exact(seconds, accepted):
    now = START + timedelta(seconds=seconds)
    assert timing.accepts_saves(now=now, deadline=START, grace_seconds=30) is accepted


def test_deadline_after_pause__then_never_beyond_the_window():
    moved = timing.deadline_after_pause(deadline=START, paused_seconds=600, window_end=None)
    assert moved == START + timedelta(minutes=10)
    window = START + timedelta(minutes=5)
    assert timing.deadline_after_pause(deadline=START, paused_seconds=600, window_end=window) == window
    assert timing.deadline_after_pause(deadline=None, paused_seconds=600, window_end=window) is None


@given(st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=30), st.text(max_size=10))
def test_shuffled__then_a_permutation_that_depends_on_the_seed_alone(keys, seed):
    order = ordering.shuffled(keys, seed=seed, is_random=True)
    assert sorted(order) == sorted(keys)
    assert order == ordering.shuffled(keys, seed=seed, is_random=True)
    assert ordering.shuffled(keys, seed=seed, is_random=False) == keys


@pytest.mark.parametrize("missing", biodata.REQUIRED)
def test_biodata__when_one_answer_is_missing_or_blank__then_incomplete(missing):
    assert biodata.is_complete(BIODATA)
    assert not biodata.is_complete({**BIODATA, missing: "  "})
    assert not biodata.is_complete({key: value for key, value in BIODATA.items() if key != missing})


values = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.lists(st.integers(0, 2), max_size=2)
revisions = st.none() | st.integers(0, 4)


@given(st.lists(st.tuples(values, revisions), max_size=8))
def test_changes__then_an_older_revision_never_overwrites(saves):
    stored: dict[str, Stored] = {}
    highest = None
    for value, revision in saves:
        before = stored.get("q")
        stored |= saving.changes(stored=stored, sent={"q": value}, revision=revision)
        after = stored.get("q")
        if revision is not None and highest is not None and revision < highest:
            assert after == before
        elif after is not None:
            assert saving.canonical(after.value) == saving.canonical(value)
        if revision is not None:
            highest = max(revision, highest if highest is not None else revision)


@given(values, values)
def test_changes__when_equal__then_nothing_to_write(one, other):
    stored = {"q": Stored(one, None)}
    changed = saving.changes(stored=stored, sent={"q": other}, revision=None)
    assert bool(changed) is (saving.canonical(one) != saving.canonical(other))


@pytest.mark.parametrize(("one", "other"), [(True, 1), (0, False), ("1", 1), (None, "")])
def test_canonical__then_json_values_of_different_type_differ(one, other):
    assert saving.canonical(one) != saving.canonical(other)


def test_transitions__then_total_and_ends_are_ends():
    assert set(TRANSITIONS) == set(SessionStatus)
    assert {state for state, following in TRANSITIONS.items() if not following} == {
        SessionStatus.COMPLETED, SessionStatus.BANNED, SessionStatus.ABANDONED,
    }  # fmt: skip


STEPS = ["start", "save", "submit", "ban", "unban", "expire", "sweep", "abandon", "pause", "continue"]


class Machine:
    """One participant, one assignment, and the clock; each step may be refused, none may break the rules."""

    def __init__(self):
        self.assignment, self.link = make_assignment(test=make_bank_test())
        self.now = clock.now()
        self.history: dict[int, list[str]] = {}

    def step(self, name):
        with time_machine.travel(self.now, tick=False), contextlib.suppress(DomainError):
            getattr(self, f"do_{name}")()
        self.check()

    def newest(self):
        return ExamSession.objects.order_by("-pk").first()

    def token(self):
        from sessions_app.services.sessions import session_token

        session = self.newest()
        return session_token(session) if session else "SESSION-NONE"

    def do_start(self):
        start_session(self.link)

    def do_save(self):
        answers_save(token=self.token(), answers={"q1": "a"}, revision=None, client_at=None, now=self.now)

    def do_submit(self):
        closing.session_submit(token=self.token(), now=self.now)

    def do_ban(self):
        participants.participant_ban(
            participant_id=self.assignment.participant_id, reason="x", now=self.now, actor=SYSTEM
        )  # fmt: skip

    def do_unban(self):
        participants.participant_unban(participant_id=self.assignment.participant_id, now=self.now, actor=SYSTEM)

    def do_expire(self):
        self.now += timedelta(minutes=61)

    def do_sweep(self):
        closing.sessions_close_late()

    def do_abandon(self):
        session = self.newest()
        closing.session_abandon(session_id=session.pk if session else -1, reason="x", now=self.now, actor=SYSTEM)

    def do_pause(self):
        from django.db import transaction

        with transaction.atomic():
            session = closing.session_lock_open(self.token(), now=self.now)
            closing.session_pause(session=session, reason="x", now=self.now)

    def do_continue(self):
        session = self.newest()
        closing.session_continue(session_id=session.pk if session else -1, now=self.now, actor=SYSTEM)

    def check(self):
        for session in ExamSession.objects.all():
            states = self.history.setdefault(session.pk, [session.status])
            if states[-1] != session.status:
                assert session.status in TRANSITIONS[SessionStatus(states[-1])]
                states.append(session.status)
            assert Result.objects.filter(session=session).count() == (session.status == "completed")
            seqs = list(SessionEvent.objects.filter(session=session).order_by("seq").values_list("seq", flat=True))
            assert seqs == list(range(1, len(seqs) + 1))
        assert ExamSession.objects.filter(status="in_progress").count() <= 1
        assert ExamSession.objects.filter(status="completed").count() <= 1


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=12))
def test_any_interleaving__then_the_state_table_holds(steps):
    from django.db import transaction

    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():
        machine = Machine()
        for name in steps:
            machine.step(name)
        raise Undo
