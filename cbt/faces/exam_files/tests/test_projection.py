"""Files that follow from the database: order, full disk, rebuilding."""

import errno
import fcntl
import io
import json
import os
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction

from accounts.selectors.users import actor_of_user
from accounts.tests.factories import make_user, token_of
from cbt.faces.exam_files import attempts, library, projection, tasks, tree, views
from cbt.faces.exam_files.tests.factories import attempt_of, put_exam, stored
from cbt.kernel import clock, jobs
from cbt.kernel.actor import SYSTEM
from cbt.kernel.events import subscriptions
from sessions_app.models import ExamSession
from sessions_app.services.closing import (
    session_abandon,
    session_ban,
    session_close_if_late,
    session_lock_open,
    session_submit,
)
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import session_token
from sessions_app.tests.factories import start_session
from tests.support import Api, race, run_jobs


def snapshot(root):
    return {
        str(path.relative_to(root)): json.loads(path.read_text()) for path in root.rglob("*.json") if path.is_file()
    }


def take(browser, exam_id="one", *, is_submitted=False):
    attempt = browser.post(f"/api/exams/{exam_id}/attempt").json()
    path = f"/api/attempts/{attempt['attemptId']}"
    browser.put(path, {"answers": [{"questionId": "q1", "response": "a", "timeSec": 3}]})
    if is_submitted:
        assert browser.post(f"{path}/submit").status_code == 200
    return attempt


class FullDisk:
    """Lets a few bytes of each file through, then there is no space, until ``is_over``."""

    def __init__(self, monkeypatch):
        self.real, self.is_over = os.write, False
        monkeypatch.setattr(tree.os, "write", self)

    def __call__(self, descriptor, data):
        if self.is_over:
            return self.real(descriptor, data)
        if len(data) > 10:
            return self.real(descriptor, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk__then_saves_are_acknowledged_and_the_files_follow_later(browser, tree_root, monkeypatch):
    put_exam("one")
    attempt = take(browser)
    before = snapshot(tree_root)
    disk = FullDisk(monkeypatch)
    path = f"/api/attempts/{attempt['attemptId']}"
    saved = browser.put(path, {"answers": [{"questionId": "q2", "response": 9}]})
    assert saved.status_code == 200
    assert len(saved.json()["answers"]) == 2
    assert browser.post(f"{path}/submit").status_code == 200
    assert snapshot(tree_root) == before, "whole, and as they were"
    assert list(tree_root.rglob("*.tmp")) == []
    assert jobs.Job.objects.filter(name=projection.PROJECT_JOB, state="queued").count() == 1
    run_jobs()
    assert jobs.Job.objects.get(name=projection.PROJECT_JOB).state == "queued", "tried again later"
    disk.is_over = True
    tasks.refresh()
    assert stored("attempts", attempt["userId"], "one", f"{attempt['attemptId']}.json")["status"] == "finished"
    assert len(stored("output", f"one_{attempt['attemptId']}.json")["attempt"]["answers"]) == 2


def test_refresh__when_staff_ended_an_attempt__then_its_file_says_so(browser, tree_root):
    put_exam("one")
    attempt = take(browser)
    session = ExamSession.objects.get()
    session_abandon(session_id=session.pk, reason="fire", now=clock.now(), actor=actor_of_user(browser.user))
    tasks.refresh()
    assert stored("attempts", attempt["userId"], "one", f"{attempt['attemptId']}.json")["status"] == "abandoned"
    assert stored("manifest.json")["users"][attempt["userId"]] == {"active": [], "finished": []}


def test_events__then_every_end_of_an_attempt_is_heard():
    handler = "cbt.faces.exam_files.tasks.on_session_ended"
    assert [name for name, handlers in subscriptions().items() if handler in handlers] == [
        "SessionCompleted", "SessionBanned",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["timer", "ban"])
def test_files__when_the_clock_or_a_ban_ends_an_attempt__then_they_follow_by_a_job(browser, tree_root, by):
    put_exam("one")
    attempt = take(browser)
    token, now = session_token(ExamSession.objects.get()), clock.now()
    if by == "timer":
        assert session_close_if_late(token=token, now=now + timedelta(hours=2))
    else:
        with transaction.atomic():
            session_ban(session=session_lock_open(token, now=now, may_ban=True), reason="x", now=now, actor=SYSTEM)
    run_jobs()
    name = f"{attempt['attemptId']}.json"
    status = stored("attempts", attempt["userId"], "one", name)["status"]
    assert status == stored("progress", f"{attempt['userId']}.json")["exams"][0]["status"]
    assert status == ("finished" if by == "timer" else "banned")
    assert (tree_root / "output" / f"one_{name}").exists() is (by == "timer")
    finished = ["one"] if by == "timer" else []
    assert stored("manifest.json")["users"][attempt["userId"]] == {"active": [], "finished": finished}


def test_job__when_a_session_of_another_kind_ends__then_there_is_none(db, tree_root):
    started = start_session()
    session_submit(token=started.token, now=clock.now())
    assert not jobs.Job.objects.filter(name=projection.PROJECT_JOB).exists()


def test_refresh__when_an_attempt_is_finished__then_its_files_are_left_alone(browser, tree_root, monkeypatch):
    put_exam("one")
    take(browser, is_submitted=True)
    run_jobs()
    monkeypatch.setattr(tree, "write", None)
    assert tasks.refresh()["failed"] == 0


def test_rebuild__when_everything_is_lost__then_as_it_was(browser, tree_root):
    put_exam("one")
    put_exam("two")
    take(browser, "one", is_submitted=True)
    take(browser, "two")
    before = snapshot(tree_root)
    out = io.StringIO()
    call_command("rebuild_exam_files", "--dry-run", stdout=out)
    assert "0 files differ" in out.getvalue()
    for name in ("attempts", "output", "progress"):
        shutil.rmtree(tree_root / name)
    tree.write(library.MANIFEST, library.to_bytes({"exams": {"one": {"published": True}, "two": {"published": True}}}))
    with pytest.raises(CommandError):
        call_command("rebuild_exam_files", "--dry-run", stdout=out)
    assert not (tree_root / "attempts").exists()
    call_command("rebuild_exam_files", stdout=out)
    assert snapshot(tree_root) == before


def test_rebuild__when_files_were_changed_or_added__then_only_those_are_touched(browser, tree_root):
    put_exam("one")
    attempt = take(browser)
    before = snapshot(tree_root)
    file = tree_root / "attempts" / attempt["userId"] / "one" / f"{attempt['attemptId']}.json"
    file.write_text('{"status": "finished"}')
    (file.parent / "424242.json").write_text("{}")
    (tree_root / "output").mkdir(exist_ok=True)
    (tree_root / "output" / "notes.json").write_text("{}")
    out = io.StringIO()
    call_command("rebuild_exam_files", stdout=out)
    lines = out.getvalue().splitlines()
    assert sorted(line.split()[0] for line in lines[:-1]) == ["different", "extra", "extra"]
    assert snapshot(tree_root) == before


def test_manifest__when_edited_while_it_is_being_written__then_the_edit_stands_and_the_sets_are_in_it(
    browser, tree_root, monkeypatch
):
    put_exam("one")
    real, edits = tree._write_whole, []

    def then_edited(name, data, folder):
        real(name, data, folder)
        if "manifest" in name and not edits:
            edits.append(name)
            (tree_root / "manifest.json").write_text('{"exams": {"one": {"published": false}}}')

    monkeypatch.setattr(tree, "_write_whole", then_edited)
    attempt = take(browser)
    assert len(edits) == 1
    assert stored("manifest.json") == {
        "exams": {"one": {"published": False}}, "users": {attempt["userId"]: {"active": ["one"], "finished": []}},
    }  # fmt: skip
    assert list(tree_root.rglob("*.tmp")) == []


@pytest.mark.parametrize("users", [[1], "all", 5])
def test_manifest__when_its_users_are_no_object__then_they_are_made_anew(browser, tree_root, users):
    put_exam("one")
    (tree_root / "manifest.json").write_text(json.dumps({"exams": {"one": {"published": True}}, "users": users}))
    attempt = take(browser)
    assert stored("manifest.json")["users"] == {attempt["userId"]: {"active": ["one"], "finished": []}}


def test_constraints__then_one_active_attempt_per_exam_and_user(db, tree_root):
    session = attempt_of(make_user())
    copy = ExamSession.objects.get(pk=session.pk)
    copy.pk, copy.token_hash, copy.attempt_number = None, "x", 2
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExamSession.objects.filter(pk=session.pk).update(exam_file="")
    with pytest.raises(IntegrityError), transaction.atomic():
        ExamSession.objects.filter(pk=session.pk).update(user_id=None)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_start__when_twelve_at_once__then_one_attempt_and_one_test(tree_root):
    user = make_user()
    put_exam("one")
    actor = actor_of_user(user)
    results = race(12, lambda _: attempts.attempt_start(exam_id="one", actor=actor, now=clock.now()).session.pk)
    assert len(set(results)) == 1, results
    assert ExamSession.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_saves__when_sixteen_overtake_one_another__then_the_file_is_what_the_database_says(tree_root):
    session = attempt_of(make_user())
    token = session_token(session)
    seen = []

    def save(index):
        for number in range(4):
            answers = {"q3": f"{index}.{number}", "q2": index * 10 + number}
            answers_save(token=token, answers=answers, revision=None, client_at=None, now=clock.now())
            projection.saved(session)
            seen.append(json.loads(tree.read(projection.attempt_path(session)))["updatedAt"])

    assert race(16, save) == [None] * 16
    assert stored(*projection.attempt_path(session)) == attempts.attempt_state(session.pk)
    assert len(seen) == 64


def held(session):
    """Tell whether the attempt's turn is somebody's."""
    stripe = zlib.crc32(f"attempts/{session.pk}".encode()) % tree.STRIPES
    with (Path(settings.DATA_DIR) / "exams/.locks" / f"turn-{stripe:02x}").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.parametrize(("act", "step"), [("save", "saved"), ("submit", "submitted")])
def test_save_and_submit__then_nobody_else_has_the_turn_until_the_files_are_written(
    browser, tree_root, monkeypatch, act, step
):
    put_exam("one")
    path = f"/api/attempts/{take(browser)['attemptId']}"
    session = ExamSession.objects.get()
    seen = []
    for where, name in ((attempts, "answers_save"), (views, "session_submit"), (projection, step)):
        real = getattr(where, name)
        monkeypatch.setattr(where, name, lambda *a, _real=real, **k: (seen.append(held(session)), _real(*a, **k))[1])
    response = browser.post(f"{path}/submit") if act == "submit" else browser.put(path, {"answers": []})
    assert response.status_code == 200
    assert seen == [True, True]
    assert not held(session)


def test_job__then_it_waits_for_its_turn(browser, tree_root, monkeypatch):
    put_exam("one")
    take(browser, is_submitted=True)
    session, seen = ExamSession.objects.get(), []
    monkeypatch.setattr(projection, "_write_submit", lambda session: seen.append(held(session)))
    tasks.project_attempt(session.pk)
    assert seen == [True]


def test_save__when_no_turn_can_be_had__then_acknowledged_all_the_same(browser, tree_root):
    put_exam("one")
    path = f"/api/attempts/{take(browser)['attemptId']}"
    shutil.rmtree(tree_root / ".locks")
    (tree_root / ".locks").write_text("in the way")
    saved = browser.put(path, {"answers": [{"questionId": "q2", "response": 9}]})
    assert saved.status_code == 200
    assert len(saved.json()["answers"]) == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_saves__when_eight_at_once__then_each_is_told_its_own_state_and_updated_at_is_their_order(tree_root):
    user = make_user()
    session = attempt_of(user)
    api, told = Api(token_of(user)), []

    def save(index):
        mine = Api(api.token)
        for number in range(3):
            body = {"answers": [{"questionId": "q3", "response": f"{index}.{number}"}]}
            told.append((f"{index}.{number}", mine.put(f"/api/attempts/{session.pk}", body).json()))

    assert race(8, save) == [None] * 8
    assert [state["answers"][0]["response"] for _, state in told] == [value for value, _ in told]
    assert len({state["updatedAt"] for _, state in told}) == 24
    assert max((state for _, state in told), key=lambda state: state["updatedAt"]) == attempts.attempt_state(session.pk)
    assert stored(*projection.attempt_path(session)) == attempts.attempt_state(session.pk)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_manifest__when_many_users_start_at_once__then_nobody_is_lost(tree_root):
    exam = library.exam_get(put_exam("one"))
    users = [make_user() for _ in range(12)]
    attempts.exam_test(exam)

    def begin(user):
        try:
            projection.started(
                attempts.attempt_start(exam_id="one", actor=actor_of_user(user), now=clock.now()).session
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(begin, users))
    told = {pk: sets for pk, sets in stored("manifest.json")["users"].items() if sets["active"] or sets["finished"]}
    assert told == {str(user.pk): {"active": ["one"], "finished": []} for user in users}
