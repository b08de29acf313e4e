"""Idle sockets on the started server, and an event a second: how many are dropped, how late it is, what each costs.

    make bench-live ARGS="--sockets 500 --seconds 20"

The server is that of `make run`. The sockets are a super admin's, who watches all sessions; the event is a private
user's opening of a test again. Its delay is counted from the moment the request is sent, so it holds the request too.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cbt.ops.server import _allow_open_files
from tests.server_process import ServerProcess

PASSWORD = "DemoPass123!"


class Watch:
    """What the sockets saw: seconds from the request to the frame, and how many sockets ended by themselves."""

    def __init__(self) -> None:
        self.asked_at = 0.0
        self.delays: list[float] = []
        self.ready = 0
        self.drops = 0


def sign_in(server: ServerProcess, email: str) -> dict[str, str]:
    body = server.call("POST", "/api/auth/login", {"email": email, "password": PASSWORD})[1]
    return {"Authorization": f"Bearer {body['data']['token']}"}


async def watch(address: str, headers: dict[str, str], seen: Watch, gate: asyncio.Semaphore) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        try:
            async with gate:
                socket = await connect(address, additional_headers=headers, proxy=None, compression=None)
                assert json.loads(await socket.recv())["event"] == "live.ready"
            seen.ready += 1
            async for text in socket:
                if '"session.' in str(text):
                    seen.delays.append(time.perf_counter() - seen.asked_at)
        except (ConnectionClosed, OSError, AssertionError):
            pass
        seen.drops += 1


async def measure(server: ServerProcess, sockets: int, seconds: int) -> None:
    admin, user = sign_in(server, "superadmin@demo.test"), sign_in(server, "user@demo.test")
    test = server.call("GET", "/api/my-tests", headers=user)[1]["data"]
    test_id = (test["data"] if isinstance(test, dict) else test)[0]["id"]
    start = f"/api/my-tests/{test_id}/start"
    assert server.call("POST", start, {}, user)[0] == 200
    seen, gate = Watch(), asyncio.Semaphore(50)
    before, began = server.memory_mb(), time.perf_counter()
    address = f"ws://127.0.0.1:{server.live_port}/ws/monitor"
    tasks = [asyncio.create_task(watch(address, admin, seen, gate)) for _ in range(sockets)]
    while seen.ready + seen.drops < sockets:
        await asyncio.sleep(0.02)
    print(f"{seen.ready} sockets open after {time.perf_counter() - began:.1f} s")
    await asyncio.sleep(2)
    each = (server.memory_mb() - before) * 1024 / max(1, seen.ready)
    for _ in range(seconds):
        turn = time.perf_counter()
        seen.asked_at = turn
        status = await asyncio.to_thread(server.call, "POST", start, {}, user)
        assert status[0] == 200, status
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - turn)))
    delays = sorted(seen.delays) or [0.0]
    p50, p95 = (delays[int(len(delays) * part)] * 1000 for part in (0.5, 0.95))
    print(f"{seconds} events, {len(seen.delays)} of {seconds * sockets} frames came, {seen.drops} sockets dropped")
    print(f"delay p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {delays[-1] * 1000:.0f} ms; {each:.0f} KiB a socket")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    _allow_open_files(2 * arguments.sockets + 200)
    print(f"{arguments.sockets} sockets, {resource.getrlimit(resource.RLIMIT_NOFILE)[0]} open files allowed")
    limits = {name: str(arguments.sockets + 10) for name in ("LIVE_SOCKETS_PER_LOGIN", "LIVE_SOCKETS_PER_ADDRESS")}
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder), arguments=(), **limits) as server:
        asyncio.run(measure(server, arguments.sockets, arguments.seconds))


if __name__ == "__main__":
    main()
