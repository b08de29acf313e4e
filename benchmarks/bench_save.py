"""Autosave over HTTP: 50 answers sent, two of them changed, until the commit is acknowledged.

    .venv/bin/python -m benchmarks.bench_save                  # or: make bench-save
    .venv/bin/python -m benchmarks.bench_save --clients 16 --rounds 5 --seconds 10
    .venv/bin/python -m benchmarks.bench_save --variants sqlite postgres-revision

Contestants take turns (a b a b a b) and medians are printed. The clients and the databases share the cores with the
server, so compare contestants of one run, not figures of two runs. "others" is how many cores everything else on the
machine used: above 0.1 the absolute figures say little. PostgreSQL is a throw-away one with fsync on.
"""

import argparse
import contextlib
import itertools
import os
import platform
import shlex
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import QUESTIONS, Load, Taker, drive, in_turn, share_out
from tests.processes import (
    PostgresCluster,
    ServerProcess,
    Workers,
    busy_seconds,
    cpu_seconds,
    cpu_since,
    database_env,
    manage,
    postgres_binaries,
    prepare,
)

SESSIONS = 1200  # 100 saves a minute each
VARIANTS = {
    "sqlite": "SQLite, one process (make run)",
    "sqlite-revision": "the same, each save with a revision",
    "postgres": "PostgreSQL, two worker processes",
    "postgres-revision": "the same, each save with a revision",
}


@dataclass
class Contestant:
    """A running server, its database if that is a process, and its candidates."""

    server: ServerProcess
    cluster: PostgresCluster | None
    takers: list[Taker]


@dataclass
class Round:
    """What one round showed; processor time in milliseconds a save."""

    load: Load
    web_ms: float
    database_ms: float
    memory_mb: float
    others: float  # cores used by whatever else runs on the machine


def start(variant: str, folder: Path, cluster: PostgresCluster | None, stack: contextlib.ExitStack) -> Contestant:
    """Start the server of a variant on a new database with running sessions, every answer stored once."""
    folder.mkdir()
    server: ServerProcess
    if cluster is not None:
        url = cluster.create(f"bench-{variant}")
        manage(database_env(folder, url), "migrate", "-v0")
        server = stack.enter_context(Workers(folder, DATABASE_URL=url))
    else:
        server = stack.enter_context(ServerProcess(folder))
    tokens = prepare(server.env, "sessions", count=SESSIONS, questions=QUESTIONS)
    takers = [Taker(token, with_revision=variant.endswith("revision")) for token in tokens]
    first = iter(takers)
    load = drive(server.port, 16, lambda _: next((taker.first() for taker in first), None))
    if set(load.statuses) != {200}:
        raise SystemExit(f"{variant}: {dict(load.statuses)}")
    return Contestant(server, cluster, takers)


def measure(contestant: Contestant, clients: int, seconds: float) -> Round:
    """Let this many clients save for a while."""

    def pids() -> list[list[int]]:
        database = contestant.cluster.pids() if contestant.cluster else []
        return [contestant.server.pids(), database, [os.getpid()]]

    before, busy = [cpu_seconds(group) for group in pids()], busy_seconds()
    load = drive(contestant.server.port, clients, in_turn(share_out(contestant.takers, clients)), seconds)
    if set(load.statuses) != {200}:
        raise SystemExit(f"not every save was answered 200: {dict(load.statuses)}")
    used = [cpu_since(then, group) for then, group in zip(before, pids(), strict=True)]
    others = max(0.0, busy_seconds() - busy - sum(used)) / load.seconds
    count = load.statuses[200] / 1000
    return Round(load, used[0] / count, used[1] / count, contestant.server.memory_mb(), others)


def report(clients: int, results: dict[str, list[Round]]) -> None:
    """Print one line of medians for each contestant; the ratio is to the first."""
    print(f"\n{clients} keep-alive connections")
    print(
        f"{'':<20}{'saves/s':>9}{'min-max':>14}{'ratio':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'web CPU ms':>12}{'db CPU ms':>11}{'PSS MB':>8}{'others':>8}"
    )
    base = 0.0
    for variant, rounds in results.items():
        rates = [one.load.rate for one in rounds]
        rate = statistics.median(rates)
        base = base or rate
        times = [statistics.median(one.load.percentile(share) for one in rounds) for share in (0.5, 0.95, 0.99)]
        print(
            f"{variant:<20}{rate:>9.0f}{f'{min(rates):.0f}-{max(rates):.0f}':>14}{rate / base:>7.2f}"
            + "".join(f"{value:>9.1f}" for value in times)
            + f"{statistics.median(one.web_ms for one in rounds):>12.2f}"
            + f"{statistics.median(one.database_ms for one in rounds):>11.2f}"
            + f"{statistics.median(one.memory_mb for one in rounds):>8.0f}"
            + f"{statistics.median(one.others for one in rounds):>8.2f}"
        )


def main() -> None:
    """Start the contestants, let them take turns, print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    options = parser.parse_args()
    variants: list[str] = options.variants
    if postgres_binaries() is None and any(name.startswith("postgres") for name in variants):
        variants = [name for name in variants if not name.startswith("postgres")]
        print("PostgreSQL is left out: no binaries under /usr/lib/postgresql")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-save-")))
        cluster = None
        if any(name.startswith("postgres") for name in variants):
            cluster = stack.enter_context(PostgresCluster())
        contestants = {
            name: start(name, folder / name, cluster if name.startswith("postgres") else None, stack)
            for name in variants
        }
        results: dict[int, dict[str, list[Round]]] = {
            clients: {name: [] for name in variants} for clients in options.clients
        }
        for _, clients, name in itertools.product(range(options.rounds), options.clients, variants):
            results[clients][name].append(measure(contestants[name], clients, options.seconds))
    print(shlex.join([".venv/bin/python", "-m", "benchmarks.bench_save", *sys.argv[1:]]))
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {options.rounds} alternated rounds of "
        f"{options.seconds:g} s, medians; {QUESTIONS} answers sent, 2 changed; every answer 200"
    )
    for name in variants:
        print(f"  {name:<18} {VARIANTS[name]}")
    for clients in options.clients:
        report(clients, results[clients])


if __name__ == "__main__":
    main()
