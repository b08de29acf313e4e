"""A school signs in at once: 500 candidates with number and password, against the started server.

    .venv/bin/python -m benchmarks.bench_login                 # or: make bench-login
    DATABASE_URL=postgres://... .venv/bin/python -m benchmarks.bench_login --clients 200

Prints how long all took, the slowest single login, and how much memory the server grew (PSS of all its processes).
Ends with status 1 above --budget seconds or --memory MiB. Measure on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.server_process import ROOT, ServerProcess


def made_people(env: dict[str, str], count: int) -> list[dict[str, str]]:
    """Store candidates with real hashes and return what they type."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.prepare", "candidates", "--count", str(count)],
        cwd=ROOT, env=env, check=True, capture_output=True,
    ).stdout  # fmt: skip
    return json.loads(told)


def sign_in_all(server: ServerProcess, people: list[dict[str, str]]) -> tuple[float, list[float], list[int], float]:
    """Let everybody sign in at the same moment; return seconds in all, seconds of each, statuses, peak memory."""
    barrier = threading.Barrier(len(people) + 1)
    seconds, statuses, peak, done = [0.0] * len(people), [0] * len(people), [0.0], threading.Event()

    def one(index: int) -> None:
        barrier.wait()
        began = time.perf_counter()
        for _ in range(3):  # a full backlog refuses a connection; a browser tries again
            try:
                statuses[index] = server.call("POST", "/api/auth/login", people[index])[0]
                break
            except OSError:
                time.sleep(0.5)
        seconds[index] = time.perf_counter() - began

    def watch() -> None:
        while not done.wait(0.3):
            peak[0] = max(peak[0], server.memory_mb())

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(people))]
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
    return total, seconds, statuses, peak[0]


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--memory", type=float, default=400.0)
    options = parser.parse_args()
    more = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="bench-login-") as folder:
        server = ServerProcess(Path(folder), **more)
        server.start(120)
        try:
            people = made_people(server.env, options.clients)
            before = server.memory_mb()
            total, seconds, statuses, peak = sign_in_all(server, people)
        finally:
            server.stop()
    good, slowest = statuses.count(200), max(seconds)
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    print(f"  {good} of {options.clients} signed in within {total:.1f} s, the slowest waited {slowest:.1f} s")
    print(f"  answers: {dict(Counter(statuses))} (0: no connection or no answer within 30 s)")
    print(f"  memory {before:.0f} MiB before, {peak:.0f} MiB at its peak")
    is_good = good == options.clients and total <= options.budget and peak - before <= options.memory
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
