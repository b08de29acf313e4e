"""How long `make run`'s server takes until /health answers 200, and how much memory it then holds.

    .venv/bin/python -m benchmarks.bench_start                 # or: make bench-start

First start: an empty folder, so migrations and demo data too. Warm start: the same folder again. Memory is the
proportional set size (PSS) of all its processes, summed, after a few requests.
"""

import argparse
import os
import platform
import shlex
import statistics
import sys
import tempfile
from pathlib import Path

from tests.server_process import ServerProcess

PATHS = ("/health", "/api/test-session/none", "/api/docs", "/api/schema")


def main() -> None:
    """Start, touch and stop the server a few times; print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    first, warm, idle_mb, used_mb = [], [], [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
            server = ServerProcess(Path(folder), arguments=())
            first.append(server.start(120))
            server.stop()
            warm.append(server.start())
            idle_mb.append(server.memory_mb())
            for path in PATHS:
                server.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            used_mb.append(server.memory_mb())
            server.stop()
    print(shlex.join([".venv/bin/python", "-m", "benchmarks.bench_start", *sys.argv[1:]]))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {options.rounds} rounds: median (min-max)")
    for name, values, unit in (
        ("first start", first, "s"),
        ("warm start", warm, "s"),
        ("memory after a warm start", idle_mb, "MB"),
        ("memory after the API documentation was made", used_mb, "MB"),
    ):
        print(f"  {name:<45}{statistics.median(values):>7.1f} {unit:<3}({min(values):.1f}-{max(values):.1f})")


if __name__ == "__main__":
    main()
