"""Processes around the server for tests and benchmarks: a PostgreSQL of one's own, production's web workers, rows."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg2

from tests.server_process import ROOT, ServerProcess, free_port


def manage(env: dict[str, str], *arguments: str) -> None:
    """Run a management command in this environment."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True, timeout=120)


def prepare(env: dict[str, str], what: str, **options: Any) -> list[str]:
    """Make rows with `benchmarks.prepare` in this environment and return what it made."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.prepare", what, *words],
        cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return json.loads(ended.stdout)


def database_env(folder: Path, database_url: str) -> dict[str, str]:
    """Return the environment of a local run on this database."""
    return ServerProcess(folder, DATABASE_URL=database_url).env


class Workers(ServerProcess):
    """The web workers of the Docker image: two processes of granian, no job runner."""

    def command(self) -> list[str]:
        """Return granian's command line as the Dockerfile has it."""
        return [
            str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", str(self.port), "--http", "1", "--no-ws", "--workers", "2", "--blocking-threads", "4",
            "--backlog", "2048", "--backpressure", "4096", "--respawn-failed-workers", "--workers-kill-timeout", "15",
            "--log-level", "warning", "cbt.wsgi:application",
        ]  # fmt: skip

    def workers(self) -> list[int]:
        """Return the processes that serve, the oldest first."""
        found = [pid for pid in self.pids() if self.process and parent_of(pid) == self.process.pid]
        return sorted(found, key=lambda pid: int(stat_of(pid)[19]))


def stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def parent_of(pid: int) -> int | None:
    """Return the parent of a living process, None for one that has ended."""
    with contextlib.suppress(OSError):
        state, parent = stat_of(pid)[:2]
        return None if state == "Z" else int(parent)
    return None


def cpu_seconds(pids: list[int]) -> dict[int, float]:
    """Return the processor time each living one of these processes has used so far."""
    used = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            used[pid] = sum(int(field) for field in stat_of(pid)[11:13]) / os.sysconf("SC_CLK_TCK")
    return used


def cpu_since(before: dict[int, float], pids: list[int]) -> float:
    """Return the processor time used since; all of it for a process that is new."""
    return sum(used - before.get(pid, 0.0) for pid, used in cpu_seconds(pids).items())


def busy_seconds() -> float:
    """Return the processor time the whole machine has used so far, kernel included."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def postgres_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL of the distribution, None when there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: float(path.parent.name), default=None)


class PostgresCluster:
    """A throw-away PostgreSQL on a free port, with fsync on, that may be killed and started again."""

    def __init__(self) -> None:
        binaries = postgres_binaries()
        assert binaries, "no PostgreSQL here"
        self.binaries = binaries
        self.port = free_port()
        # Not below pytest's own folder, which only its owner may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="cbt-postgres-"))
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            self.identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def __enter__(self) -> "PostgresCluster":
        try:
            subprocess.run(
                [
                    self.binaries / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", "postgres", "-N",
                    "-E", "UTF8",
                ],
                check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60, **self.identity,
            )  # fmt: skip
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of one of its databases."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def start(self, **options: str) -> float:
        """Start it with these settings and wait until it answers; return the seconds that took."""
        began = time.monotonic()
        settings = {
            "port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder),
            "fsync": "on", "max_connections": "50", **options,
        }  # fmt: skip
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", *words],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.identity,
            )  # fmt: skip
        while time.monotonic() - began < 30:
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended:\n{(self.folder / 'log').read_text()}")
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(self.url("postgres"), connect_timeout=2).close()
                return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError("PostgreSQL did not answer")

    def create(self, database: str, *, template: str = "template0") -> str:
        """Create a database, maybe as a copy of another nobody is connected to; return its address."""
        create_database(self.url("postgres"), database, template)
        return self.url(database)

    def pids(self) -> list[int]:
        """Return the postmaster and its children."""
        if self.process is None or self.process.poll() is not None:
            return []
        everyone = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        return [self.process.pid, *[pid for pid in everyone if parent_of(pid) == self.process.pid]]

    def kill(self) -> None:
        """SIGKILL the postmaster first, then its children, as a power cut would; wait until all are gone."""
        pids = self.pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.wait(10)
        deadline = time.monotonic() + 10
        while any(parent_of(pid) is not None for pid in pids):
            assert time.monotonic() < deadline, "PostgreSQL could not be killed"
            time.sleep(0.01)


def create_database(admin_url: str, database: str, template: str = "template0") -> None:
    """Create an empty database, or the copy of one."""
    _outside_transactions(admin_url, f'CREATE DATABASE "{database}" TEMPLATE "{template}"')


def drop_database(admin_url: str, database: str) -> None:
    """Drop a database whoever is connected."""
    _outside_transactions(admin_url, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def _outside_transactions(url: str, sql: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()
