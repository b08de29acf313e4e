"""Does the time of a refusal tell which accounts exist? Against the started server, with the hashes it ships.

    .venv/bin/python -m benchmarks.bench_enumeration           # or: make bench-enumeration
    .venv/bin/python -m benchmarks.bench_enumeration --samples 200

At each door a wrong password is typed for known, unknown, shut and unverified accounts in random order, each time from
an address of its own. Prints the medians and the z of the Mann-Whitney test against the known ones.
Ends with status 1 where medians differ by more than 10 %, |z| is beyond 2.576 (p < 0.01) or answers differ. One of
twelve comparisons is beyond that by chance in one run of nine: run it again before you believe it.
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.server_process import ROOT, ServerProcess

MOST_DIFFERENCE, MOST_Z = 0.10, 2.576
#: (door, path, what the name is typed as)
DOORS = (
    ("e-mail", "/api/auth/login", "email"),
    ("participant number", "/api/auth/login", "nomor_peserta"),
    ("username (v1)", "/v1/auth/login", "username"),
    ("forgotten password", "/api/auth/forgot-password", "email"),
)


@dataclass
class Group:
    """What was seen for one kind of account. answers: status and message of each, which must all be alike."""

    seconds: list[float] = field(default_factory=list)
    answers: set[tuple[int, str]] = field(default_factory=set)


def z_of(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the normal approximation of Mann and Whitney's U; no ties are expected among times."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, 1) if side == 0)
    count, more = len(one), len(other)
    mean, spread = count * more / 2, math.sqrt(count * more * (count + more + 1) / 12)
    return (ranks - count * (count + 1) / 2 - mean) / spread


def made_accounts(env: dict[str, str], count: int) -> dict[str, dict[str, list[str]]]:
    """Store accounts; return {kind: {word: names}}."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.prepare", "accounts", "--count", str(count)],
        cwd=ROOT, env=env, check=True, capture_output=True,
    ).stdout  # fmt: skip
    made: dict[str, dict[str, list[str]]] = json.loads(told)
    return made


def knock(server: ServerProcess, path: str, typed: dict[str, str], address: int) -> tuple[float, tuple[int, str]]:
    """Try one name from one address; return seconds, and what was answered."""
    headers = {"X-Forwarded-For": f"10.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"}
    began = time.perf_counter()
    status, body, _ = server.call("POST", path, typed, headers)
    return time.perf_counter() - began, (status, str(body.get("message")))


def measure(server: ServerProcess, made: Any, path: str, word: str, samples: int, start: int) -> dict[str, Group]:
    """Knock ``samples`` times for each kind of account, in random order."""
    tries = [(kind, number) for kind in made for number in range(samples)]
    random.Random(start).shuffle(tries)
    groups = {kind: Group() for kind in made}
    for offset, (kind, number) in enumerate(tries):
        names = made[kind][word]
        typed = {word: names[number % len(names)], "password": "guess-guess-1"}
        seconds, answer = knock(server, path, typed, start + 256 * offset)
        groups[kind].seconds.append(seconds)
        groups[kind].answers.add(answer)
    return groups


def shown(door: str, groups: dict[str, Group]) -> bool:
    """Print one door; tell whether it gives nothing away."""
    known, told = groups["known"], []
    is_silent = len(set().union(*(group.answers for group in groups.values()))) == 1
    for kind, group in groups.items():
        middle, z = statistics.median(group.seconds), z_of(known.seconds, group.seconds)
        ratio = middle / statistics.median(known.seconds)
        is_silent &= abs(ratio - 1) <= MOST_DIFFERENCE and abs(z) <= MOST_Z
        told.append(f"{kind} {middle * 1000:.1f} ms" + ("" if kind == "known" else f" (z {z:+.2f})"))
    print(f"{door}: {', '.join(told)}{'' if is_silent else '  <- TELLS'}", flush=True)
    return is_silent


def main() -> int:
    """Measure every door once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000, help="tries for each kind of account at each door")
    parser.add_argument("--accounts", type=int, default=100, help="accounts of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-enumeration-") as folder:
        server = ServerProcess(Path(folder), TRUSTED_PROXY_COUNT="1")
        server.start(120)
        try:
            made = made_accounts(server.env, options.accounts)
            found = [
                shown(door, measure(server, made, path, word, options.samples, number << 22))
                for number, (door, path, word) in enumerate(DOORS)
            ]
        finally:
            server.kill()
    return int(not all(found))


if __name__ == "__main__":
    raise SystemExit(main())
