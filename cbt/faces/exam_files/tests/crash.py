"""Saves one attempt from 16 threads in a process that is killed in mid-write, again and again.

Run by `test_crash_files` as ``python -m cbt.faces.exam_files.tests.crash DATABASE SESSION TOKEN
ROUNDS`` (database name as the test has it; the folder comes with TEST_DATA_DIR). Each round forks a child whose writers
save as fast as they can and tell the parent of each acknowledged save through a pipe; at a chosen call of a chosen
system call the child sends itself SIGKILL. Prints one JSON line: rounds, kills by point, faults.
"""

import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from typing import Any

WRITERS = 16
#: (system call, where): half a write, before the file is forced to the disk, before and after the rename, the folder.
POINTS = [
    ("write", "half"), ("write", "after"), ("fsync", "before"), ("fsync", "after"), ("rename", "before"),
    ("rename", "after"), ("open", "after"), ("close", "before"),
]  # fmt: skip
#: Calls of the chosen kind that the child lives through.
MAX_CALLS = 60


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(tree: Any, name: str, where: str, countdown: int) -> None:
    """Let the n-th call of one system call in `tree` be the last thing this process does."""
    real, left, guard = getattr(os, name), [countdown], threading.Lock()

    def armed(*args: Any, **kwargs: Any) -> Any:
        with guard:
            left[0] -= 1
            is_last = left[0] == 0
        if is_last and where == "before":
            die()
        if is_last and where == "half":
            real(args[0], bytes(args[1])[: len(args[1]) // 2])
            die()
        result = real(*args, **kwargs)
        if is_last:
            die()
        return result

    setattr(tree.os, name, armed)


class ArmedOs:
    """`os`, with room for an armed call that only `tree` sees."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


def child(session_id: int, token: str, pipe: int, round_: int) -> None:
    """Save until the armed call; answers carry the round and a growing number."""
    from cbt.faces.exam_files import projection, tree
    from cbt.kernel import clock
    from sessions_app.models import ExamSession
    from sessions_app.services.saving import answers_save

    tree.os = ArmedOs()
    name, where = POINTS[round_ % len(POINTS)]
    arm(tree, name, where, random.Random(round_).randint(1, MAX_CALLS))
    session = ExamSession.objects.get(pk=session_id)

    def writer(index: int) -> None:
        for number in range(1, 200):
            value = round_ * 1000 + number
            answers_save(
                token=token, answers={f"w{index}": value}, revision=None, client_at=None, now=clock.now()
            )  # fmt: skip
            projection.saved(session)
            os.write(pipe, f"{index} {value}\n".encode())

    threads = [threading.Thread(target=writer, args=(index,)) for index in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def acknowledged(pipe: int) -> dict[int, int]:
    """Return {writer: last value it was told is saved}."""
    with os.fdopen(pipe, "rb") as file:
        lines = file.read().decode().split("\n")
    found = {}
    for line in lines[:-1]:
        index, value = line.split()
        found[int(index)] = int(value)
    return found


def main() -> None:
    database, session_id, token, rounds = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from django.db import connections

    from cbt.faces.exam_files import attempts, projection, tree
    from sessions_app.models import ExamSession

    session = ExamSession.objects.get(pk=session_id)
    path = projection.attempt_path(session)
    faults: list[str] = []
    kills: Counter[str] = Counter()
    last: dict[int, int] = {}
    count = 0
    for round_ in range(rounds):
        connections.close_all()
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            try:
                child(session_id, token, writing, round_)
            finally:
                os._exit(1)
        os.close(writing)
        told = acknowledged(reading)
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            kills[":".join(POINTS[round_ % len(POINTS)])] += 1
        count += len(told)
        last |= told
        for file in tree.root().rglob("*.json"):
            try:
                json.loads(file.read_bytes())
            except ValueError as error:
                faults.append(f"round {round_}: {file.name}: {error}")
        stored = json.loads(tree.read(path)) if tree.signature(path) else {"answers": []}
        in_file = {row["questionId"]: row["response"] for row in stored["answers"]}
        in_rows = {row["questionId"]: row["response"] for row in attempts.attempt_state(session_id)["answers"]}
        for index, value in last.items():
            if not value <= in_file.get(f"w{index}", -1) <= in_rows.get(f"w{index}", -1):
                faults.append(f"round {round_}: writer {index} was told {value}, {in_file}, {in_rows}")
    projection.project(session)
    is_equal = json.loads(tree.read(path)) == attempts.attempt_state(session_id)
    print(json.dumps({  # noqa: T201
        "rounds": rounds, "kills": kills, "acknowledged": count, "faults": faults[:5], "is_equal": is_equal,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
