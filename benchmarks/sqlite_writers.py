"""SQLite under many writing clients: the real server, one process, with and without our writer's queue.

    .venv/bin/python -m benchmarks.sqlite_writers                # both back ends, interleaved, 64 clients
    .venv/bin/python -m benchmarks.sqlite_writers --clients 16 --rounds 5
    .venv/bin/python -m benchmarks.sqlite_writers --variants queue unqueued reopen deferred

The generator shares the cores with the server: compare variants of one run, not runs with one another.
"""

import argparse
import http.client
import statistics
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.server_process import ServerProcess

DJANGO = "django.db.backends.sqlite3"
VARIANTS = {
    "queue": {"BENCH_ENGINE": "cbt.kernel.sqlite", "BENCH_CONN_MAX_AGE": "none"},
    "unqueued": {"BENCH_ENGINE": DJANGO, "BENCH_CONN_MAX_AGE": "none"},
    "reopen": {"BENCH_ENGINE": "cbt.kernel.sqlite", "BENCH_CONN_MAX_AGE": "0"},
    "deferred": {"BENCH_ENGINE": DJANGO, "BENCH_CONN_MAX_AGE": "none", "BENCH_TRANSACTION_MODE": "default"},
}


@dataclass
class Load:
    """What the clients saw: milliseconds of each request, and how many answers of each status."""

    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int | str] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def hammer(port: int, clients: int, seconds: float) -> Load:
    """Let each client save again and again over its own connection; return what they saw."""
    load, lock, stop = Load(), threading.Lock(), threading.Event()
    barrier = threading.Barrier(clients + 1)

    def client(number: int) -> None:
        taken, statuses = [], Counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        barrier.wait()
        while not stop.is_set():
            began = time.perf_counter()
            try:
                connection.request(
                    "POST", f"/bench/save/{number}", b'{"question": 7}', {"Content-Type": "application/json"}
                )
                response = connection.getresponse()
                response.read()
                statuses[response.status] += 1
            except (OSError, http.client.HTTPException) as error:
                statuses[type(error).__name__] += 1
                connection.close()
            taken.append((time.perf_counter() - began) * 1000)
        connection.close()
        with lock:
            load.milliseconds += taken
            load.statuses += statuses

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - began
    return load


def measure(variant: str, clients: int, seconds: float) -> tuple[Load, float]:
    """Start a server of this variant on an empty database and hammer it; return the load and its memory in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        env = {"DJANGO_SETTINGS_MODULE": "benchmarks.writers.settings", **VARIANTS[variant]}
        with ServerProcess(Path(folder), **env) as server:
            hammer(server.port, clients, 1)
            load = hammer(server.port, clients, seconds)
            memory = server.memory_mb()
            counts = server.call("GET", "/bench/counts")[1]
            if counts["rows"] != counts["log"]:
                raise SystemExit(f"{variant}: rows and log differ: {counts}")
            server.stop()
    return load, memory


def main() -> None:
    """Run the variants in turn and print one line of medians each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["queue", "unqueued"])
    options = parser.parse_args()
    results: dict[str, list[tuple[Load, float]]] = {variant: [] for variant in options.variants}
    for _ in range(options.rounds):
        for variant in options.variants:
            results[variant].append(measure(variant, options.clients, options.seconds))
    print(f"{options.clients} clients, {options.rounds} rounds of {options.seconds:g} s, medians")
    print(f"{'variant':<10}{'req/s':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}{'errors':>8}{'PSS MB':>8}")
    for variant, rounds in results.items():
        loads = [load for load, _ in rounds]
        columns = [statistics.median(load.rate for load in loads)]
        columns += [statistics.median(load.percentile(share) for load in loads) for share in (0.5, 0.95, 0.99, 1)]
        wrong = sum((load.statuses for load in loads), Counter())
        del wrong[200]
        memory = statistics.median(memory for _, memory in rounds)
        print(
            f"{variant:<10}{columns[0]:>8.0f}"
            + "".join(f"{x:>9.1f}" for x in columns[1:])
            + f"{wrong.total():>8}{memory:>8.0f}  {dict(wrong) or ''}"
        )


if __name__ == "__main__":
    main()
