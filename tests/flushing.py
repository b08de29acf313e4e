"""Emptying the database after a test that commits: what Django does, without what takes longer than the test.

Django truncates every table, which PostgreSQL writes to the disk file by file, and then makes content types and
permissions anew, which nothing here reads. There are hundreds of such tests: races, mostly.
"""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import TransactionTestCase


def empty_all(case: TransactionTestCase) -> None:
    """Stand in for `TransactionTestCase._fixture_teardown`."""
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True)


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what Django does."""
    monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", empty_all)
    if connection.vendor == "postgresql":
        monkeypatch.setattr(DatabaseOperations, "sql_flush", _deletes)


_truncates = DatabaseOperations.sql_flush


def _deletes(operations: Any, style: Any, tables: list[str], **more: Any) -> list[str]:
    """Return what empties these tables, most of which are empty; foreign keys are not looked at.

    Only a superuser may leave them alone; for any other user as Django has it.
    """
    with operations.connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        (is_superuser,) = cursor.fetchone()
    if not is_superuser:
        truncates: list[str] = _truncates(operations, style, tables, **more)
        return truncates
    deletes = " ".join(f"DELETE FROM {operations.quote_name(table)};" for table in tables)
    return [f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {deletes} END $$"] if tables else []
