"""Dump and load of a whole database by its own tools: pg_dump and pg_restore, or SQLite's backup."""

import os
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.postgresql.client import DatabaseClient

from cbt.ops.fingerprint import Prints, fingerprint

SCRATCH = "scratch"


class ToolFailed(Exception):
    """A tool of the database is missing or refused; the message is its own."""


def engine() -> str:
    """Return postgresql or sqlite."""
    return connections[DEFAULT_DB_ALIAS].vendor


def dump(target: Path) -> Prints:
    """Write the default database to a file and return the fingerprint of exactly what was written."""
    return _dump_postgres(target) if engine() == "postgresql" else _dump_sqlite(target)


def load(source: Path, alias: str = DEFAULT_DB_ALIAS) -> None:
    """Fill an empty database from a dump. Raises ToolFailed, and leaves the database as it was."""
    if engine() == "postgresql":
        command = ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
        _run([*command, str(source)], alias)
    else:
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(_file_of(alias))) as other:
            one.backup(other)


def is_empty(alias: str = DEFAULT_DB_ALIAS) -> bool:
    """Tell whether a database has no table at all."""
    return not connections[alias].introspection.table_names()


@contextmanager
def scratch_database(folder: Path) -> Iterator[str]:
    """Make an empty database beside the real one and return its alias; it is gone afterwards."""
    name = f"cbt_drill_{secrets.token_hex(4)}"
    if engine() == "sqlite":
        with _registered(str(folder / f"{name}.sqlite3")) as alias:
            yield alias
        return
    _maintain(f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        with _registered(name) as alias:
            yield alias
    finally:
        _maintain(f'DROP DATABASE "{name}"')


@contextmanager
def _registered(name: str) -> Iterator[str]:
    """Let a second database be asked under an alias of its own for a while."""
    default = connections[DEFAULT_DB_ALIAS].settings_dict
    # SQLite's options would put a log beside the file; a copy that nobody writes needs none.
    options = {} if engine() == "sqlite" else default["OPTIONS"]
    connections.databases[SCRATCH] = {**default, "NAME": name, "OPTIONS": options}
    try:
        yield SCRATCH
    finally:
        connections[SCRATCH].close()
        del connections[SCRATCH]
        del connections.databases[SCRATCH]


def _dump_postgres(target: Path) -> Prints:
    """Dump and count inside one exported snapshot, so that both tell of the same moment while others write."""
    connection = connections[DEFAULT_DB_ALIAS]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        _run(["pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={target}"])
        return fingerprint()


def _dump_sqlite(target: Path) -> Prints:
    with closing(sqlite3.connect(_file_of(DEFAULT_DB_ALIAS))) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    with _registered(str(target)) as alias:
        return fingerprint(alias)


def _file_of(alias: str) -> str:
    return str(connections[alias].settings_dict["NAME"])


def _maintain(sql: str) -> None:
    with connections[DEFAULT_DB_ALIAS]._nodb_cursor() as cursor:
        cursor.execute(sql)


def _run(command: list[str], alias: str = DEFAULT_DB_ALIAS) -> None:
    """Run a tool of PostgreSQL where the settings say; the password goes by the environment, no process list has it."""
    path = shutil.which(command[0])
    if path is None:
        raise ToolFailed(f"{command[0]} is not installed (Debian: postgresql-client).")
    words, environment = _told(connections[alias].settings_dict, command[1:])
    done = subprocess.run(  # noqa: S603 - our own words
        [path, *words], env={"PATH": os.defpath, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolFailed(f"{command[0]}: {done.stderr.strip()}")


def _told(settings: dict[str, Any], options: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words and the environment that lead a tool of PostgreSQL to the database of these settings."""
    words, environment = DatabaseClient.settings_to_cmd_args_env(settings, [])
    # The last word is the database, as psql takes it; pg_restore takes a file there. It is not looked for by its
    # name: user, host and database may all have the same one.
    return [*words[1:-1], f"--dbname={words[-1]}", *options], environment or {}
