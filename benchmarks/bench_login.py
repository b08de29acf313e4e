"""A school begins its exam: 500 candidates sign in at once and then work, against the started server.

    .venv/bin/python -m benchmarks.bench_login                 # or: make bench-login
    DATABASE_URL=postgres://... .venv/bin/python -m benchmarks.bench_login --clients 200 --work 0

All come from one address, as behind a school's router. Prints how long signing in took, the slowest single one, and how
much memory the server grew (PSS of all its processes); then everybody fetches the questions and answers one every
--pace seconds for --work seconds: how many answers of which status, and how long they took.
Ends with status 1 above --budget seconds or --memory MiB, and when anything but 200 came. Measure on a machine that
does nothing else.
"""

import argparse
import http.client
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.server_process import ROOT, ServerProcess


@dataclass
class Candidate:
    """One person with a connection of their own, which a browser keeps open."""

    port: int
    typed: dict[str, str]
    token: str = ""
    connection: http.client.HTTPConnection | None = None
    seen: list[tuple[int, float]] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send one request, trying again as a browser does when no connection is to be had; note status and seconds."""
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        status, told, began = 0, b"", time.perf_counter()
        for _ in range(3):
            self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
                answer = self.connection.getresponse()
                status, told = answer.status, answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                time.sleep(0.5)
        self.seen.append((status, time.perf_counter() - began))
        return json.loads(told) if told else {}

    def sign_in(self) -> None:
        """Open a login."""
        self.token = self.call("POST", "/api/auth/login", self.typed).get("token", "")

    def work(self, exam: int, seconds: float, pace: float) -> None:
        """Fetch the questions, then answer one of them every ``pace`` seconds, beginning at a moment of one's own."""
        until, chance = time.monotonic() + seconds, random.Random(self.typed["nomor_peserta"])
        due = time.monotonic() + chance.uniform(0, pace)
        time.sleep(max(0.0, due - time.monotonic()))
        questions = self.call("GET", f"/api/exam/{exam}/questions").get("questions", [])
        while questions and (due := due + pace) < until:
            time.sleep(max(0.0, due - time.monotonic()))
            question = chance.choice(questions)
            letter = chance.choice(sorted(question["options"]))
            chosen = {"question_id": question["id"], "answer": letter, "is_doubtful": False}
            self.call("POST", f"/api/exam/{exam}/answer", chosen)


def made_people(env: dict[str, str], count: int) -> dict[str, Any]:
    """Store candidates with real hashes and an exam; return {"exam": id, "people": [what each types]}."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.prepare", "candidates", "--count", str(count)],
        cwd=ROOT, env=env, check=True, capture_output=True,
    ).stdout  # fmt: skip
    made: dict[str, Any] = json.loads(told)
    return made


def at_once(people: list[Candidate], act: Callable[[Candidate], None], server: ServerProcess) -> tuple[float, float]:
    """Let everybody do something, beginning in the same moment; return seconds in all and the server's peak memory."""
    barrier, peak, done = threading.Barrier(len(people) + 1), [0.0], threading.Event()

    def one(person: Candidate) -> None:
        barrier.wait()
        act(person)

    def watch() -> None:
        while not done.wait(0.3):
            peak[0] = max(peak[0], server.memory_mb())

    threads = [threading.Thread(target=one, args=(person,)) for person in people]
    watcher = threading.Thread(target=watch)
    for thread in (*threads, watcher):
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    total = time.perf_counter() - began
    done.set()
    watcher.join()
    return total, peak[0]


def taken(people: list[Candidate]) -> tuple[Counter[int], list[float]]:
    """Return the statuses and sorted seconds of what was sent since the last time."""
    seen = [one for person in people for one in person.seen]
    for person in people:
        person.seen.clear()
    return Counter(status for status, _ in seen), sorted(seconds for _, seconds in seen)


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--work", type=float, default=60.0, help="seconds of answering after signing in; 0: none")
    parser.add_argument("--pace", type=float, default=6.0, help="seconds between two answers of one candidate")
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--memory", type=float, default=400.0)
    options = parser.parse_args()
    more = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="bench-login-") as folder:
        server = ServerProcess(Path(folder), **more)
        server.start(120)
        try:
            made = made_people(server.env, options.clients)
            people = [Candidate(server.port, typed) for typed in made["people"]]
            before = server.memory_mb()
            total, peak = at_once(people, Candidate.sign_in, server)
            statuses, seconds = taken(people)
            load = os.getloadavg()[0]
            _, peak_at_work = at_once(people, lambda one: one.work(made["exam"], options.work, options.pace), server)
            worked, waited = taken(people)
        finally:
            server.stop()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}")
    print(
        f"  {statuses[200]} of {options.clients} signed in within {total:.1f} s, the slowest waited {seconds[-1]:.1f} s"
    )
    print(f"  answers: {dict(statuses)} (0: no connection or no answer within 30 s)")
    print(f"  memory {before:.0f} MiB before, {peak:.0f} MiB at its peak")
    if options.work:
        middle, late = statistics.median(waited) * 1000, waited[int(len(waited) * 0.95)] * 1000
        print(f"  {options.work:.0f} s of work: {dict(worked)}, median {middle:.0f} ms, p95 {late:.0f} ms, "
              f"slowest {waited[-1] * 1000:.0f} ms, {peak_at_work:.0f} MiB")  # fmt: skip
    is_good = set(statuses) == {200} and total <= options.budget and max(peak, peak_at_work) - before <= options.memory
    sys.exit(0 if is_good and set(worked) <= {200} else 1)


if __name__ == "__main__":
    main()
