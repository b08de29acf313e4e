"""The real server as a process of its own, for tests and benchmarks."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """``manage.py serve`` in its own session, with its own data folder and none of our environment."""

    def __init__(self, data_dir: Path, *, arguments: tuple[str, ...] = ("--no-demo",), **env: str) -> None:
        self.port = free_port()
        self.live_port = free_port()
        self.arguments = arguments
        self.log = data_dir / "server.log"
        self.env = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "READ_DOT_ENV": "0",
            "LOCAL_RUN": "1",
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            "LIVE_PORT": str(self.live_port),
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def command(self) -> list[str]:
        """Return what is run."""
        return [sys.executable, "manage.py", "serve", *self.arguments]

    def start(self, timeout_seconds: float = 30) -> float:
        """Start it and wait until /health answers 200; return the seconds that took."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        while time.monotonic() - began < timeout_seconds:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.call("GET", "/health")[0] == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError(f"the server did not answer within {timeout_seconds} s:\n{self.log.read_text()}")

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Send one JSON request; return status, parsed body and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = None if body is None else json.dumps(body).encode()
            sent = {"Content-Type": "application/json"} if data is not None else {}
            connection.request(method, path, data, {**sent, **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else {}, dict(response.getheaders())
        finally:
            connection.close()

    def raw(self, data: bytes, *, timeout_seconds: float = 10) -> bytes:
        """Send bytes as they are (with ``Connection: close`` in them) and return the whole answer."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout_seconds) as connection:
            connection.sendall(data)
            while part := connection.recv(65536):
                answer += part
        return answer

    def pids(self) -> list[int]:
        """Return the living processes of the server's session."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if self.process and int(fields[3]) == self.process.pid and fields[0] != "Z":
                    found.append(int(folder.name))
        return found

    def memory_mb(self) -> float:
        """Return the proportional memory (PSS) of all processes of the server, in MB."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024

    def stop(self, number: int = signal.SIGTERM, timeout_seconds: float = 10) -> float:
        """Signal the main process (SIGINT: all, as Ctrl-C does) and wait until all are gone; return the seconds."""
        assert self.process
        began = time.monotonic()
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        self.process.wait(timeout_seconds)
        while self.pids() and time.monotonic() - began < timeout_seconds:
            time.sleep(0.02)
        assert not self.pids(), "processes were left behind"
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL the whole group, as a power cut would."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
