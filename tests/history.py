"""Clients that write down what they saved and what they were told, and the judge of what is stored afterwards.

After the manner of Jepsen: each client asks, then learns *ok*, *refused* (nothing may be stored) or nothing at all
(*unknown*: both is allowed). Each (session, question) has one writer, whose values only grow.
"""

import http.client
import json
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from cbt.kernel.ids import hash_token

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


@dataclass(frozen=True)
class Saved:
    """One save of one value: under which questions of which session, and what the client learnt."""

    session: str
    questions: tuple[str, ...]
    value: int
    outcome: str


@dataclass
class Stored:
    """What the database holds of one session: current answers, and its log as (number, kind, payload)."""

    answers: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)


class Saver(threading.Thread):
    """A client that saves a growing number under its own two questions of each session in turn, without end."""

    def __init__(self, number: int, port: int, tokens: list[str], *, with_revision: bool = False) -> None:
        super().__init__(name=f"saver-{number}", daemon=True)
        self.port = port
        self.tokens = tokens
        self.questions = (f"q{2 * number + 1}", f"q{2 * number + 2}")
        self.with_revision = with_revision
        self.history: list[Saved] = []
        self.ok_count = 0
        self.seen: Counter[str] = Counter()
        self.strange: list[str] = []
        self._halt = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def halt(self) -> None:
        """Let the save under way end, then no other."""
        self._halt.set()

    def run(self) -> None:
        """Save until halted."""
        value = 0
        while not self._halt.is_set():
            token = self.tokens[value % len(self.tokens)]
            value += 1
            outcome = self._save(token, value)
            if outcome is None:  # never left this machine
                self._halt.wait(0.05)
                continue
            self.history.append(Saved(token, self.questions, value, outcome))
            if outcome == OK:
                self.ok_count += 1
            else:
                self._halt.wait(0.02)  # a client that is told to wait does not hammer
        if self._connection:
            self._connection.close()

    def _save(self, token: str, value: int) -> str | None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                self._connection.connect()
            except OSError as error:
                self._connection = None
                self.seen[type(error).__name__] += 1
                return None
        body: dict[str, Any] = {"answers": dict.fromkeys(self.questions, value)}
        if self.with_revision:
            body["revision"] = value
        try:
            self._connection.request(
                "POST",
                f"/api/test-session/{token}/save-answers",
                json.dumps(body),
                {"Content-Type": "application/json"},
            )
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.seen["cut off"] += 1
            if isinstance(error, TimeoutError):
                self.strange.append("no answer within 30 s")
            self._connection.close()
            self._connection = None
            return UNKNOWN
        return self._learn(response, text)

    def _learn(self, response: http.client.HTTPResponse, text: bytes) -> str:
        self.seen[str(response.status)] += 1
        try:
            body = json.loads(text)
        except ValueError:
            body = {}
        if response.status == 200 and body.get("success") is True:
            return OK
        if response.status == 429 and body.get("error_code") == "RATE_LIMITED":
            return REFUSED
        if response.status != 503 or body.get("error_code") != "UNAVAILABLE" or not response.headers.get("Retry-After"):
            self.strange.append(f"{response.status} {text[:300]!r}")
        return UNKNOWN


def judge(history: Iterable[Saved], stored: dict[str, Stored]) -> list[str]:
    """Return every fault of what is stored, in words; [] when nothing acknowledged is lost and nothing is made up."""
    faults: list[str] = []
    by_key: defaultdict[tuple[str, tuple[str, ...]], list[Saved]] = defaultdict(list)
    for save in history:
        by_key[save.session, save.questions].append(save)
    for (session, questions), saves in by_key.items():
        faults += _faults_of_writer(questions, saves, stored.get(hash_token(session), Stored()))
    sent = {(hash_token(session), key) for session, questions in by_key for key in questions}
    for name, session in stored.items():
        faults += _faults_of_log(session)
        faults += [f"{key} was never sent" for key in session.answers if (name, key) not in sent]
    return faults


def _faults_of_writer(questions: tuple[str, ...], saves: list[Saved], session: Stored) -> list[str]:
    faults = []
    values = {session.answers.get(key) for key in questions}
    if len(values) != 1:
        faults.append(f"torn: {questions} hold {values}")
    last_ok = max((index for index, save in enumerate(saves) if save.outcome == OK), default=None)
    allowed: set[int | None] = {None} if last_ok is None else {saves[last_ok].value}
    allowed |= {save.value for save in saves[0 if last_ok is None else last_ok + 1 :] if save.outcome == UNKNOWN}
    if not values <= allowed:
        faults.append(f"lost or made up: {questions} hold {values}, allowed is {allowed}")
    logged = [
        entry["answer"] for _, _, payload in session.log for entry in payload.get("answers", ())
        if entry["question_id"] == questions[0]
    ]  # fmt: skip
    if logged != sorted(set(logged)):
        faults.append(f"log of {questions[0]} goes back or repeats: {logged}")
    acknowledged = {save.value for save in saves if save.outcome == OK}
    possible = acknowledged | {save.value for save in saves if save.outcome == UNKNOWN}
    if not acknowledged <= set(logged):
        faults.append(f"acknowledged but not in the log of {questions[0]}: {acknowledged - set(logged)}")
    if not set(logged) <= possible:
        faults.append(f"in the log of {questions[0]} but never accepted: {set(logged) - possible}")
    return faults


def _faults_of_log(session: Stored) -> list[str]:
    faults = []
    numbers = [number for number, _, _ in session.log]
    if numbers != list(range(1, len(numbers) + 1)):
        faults.append(f"the log is numbered {numbers}")
    replayed: dict[str, Any] = {}
    for _, kind, payload in session.log:
        if kind == "answers_saved":
            replayed |= {entry["question_id"]: entry["answer"] for entry in payload["answers"]}
    if replayed != session.answers:
        faults.append(f"replaying the log gives {replayed}, stored is {session.answers}")
    return faults


def read_sqlite(path: Path) -> dict[str, Stored]:
    """Return {token hash: stored} of an SQLite file, which must be sound."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return _read(lambda sql: connection.execute(sql).fetchall())
    finally:
        connection.close()


def read_postgres(url: str) -> dict[str, Stored]:
    """Return {token hash: stored} of a PostgreSQL database."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:

            def rows(sql: str) -> list[Any]:
                cursor.execute(sql)
                return cursor.fetchall()

            return _read(rows)
    finally:
        connection.close()


def _read(rows: Callable[[str], list[Any]]) -> dict[str, Stored]:
    names = dict(rows("SELECT id, token_hash FROM sessions_app_examsession"))
    stored = {name: Stored() for name in names.values()}
    answers = rows("SELECT session_id, question_id, CAST(value AS TEXT) FROM sessions_app_sessionanswer")
    for session, question, value in answers:
        stored[names[session]].answers[question] = json.loads(value)
    log = "SELECT session_id, seq, kind, CAST(payload AS TEXT) FROM sessions_app_sessionevent ORDER BY session_id, seq"
    for session, number, kind, payload in rows(log):
        stored[names[session]].log.append((number, kind, json.loads(payload)))
    return stored
