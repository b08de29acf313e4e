"""All rows of ours at a glance: counted, remembered, compared; and the statements that would change them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, models

APP_LABELS = ("kernel", "accounts", "catalog", "commerce", "tenants", "sessions_app", "anticheat", "proctoring")


def house_models() -> list[type[models.Model]]:
    """Every model of ours."""
    return [model for label in APP_LABELS for model in apps.get_app_config(label).get_models()]


def _counted() -> list[tuple[str, str]]:
    """Return (table, column) of every id the database counts."""
    return [
        (model._meta.db_table, model._meta.pk.column)
        for model in house_models()
        if isinstance(model._meta.pk, models.AutoField | models.BigAutoField)
    ]


def count_ids_from(start: int) -> None:
    """Let every table go on counting from a range of its own, a million apart."""
    with connection.cursor() as cursor:
        for index, (table, column) in enumerate(_counted()):
            value = start + index * 1_000_000
            if connection.vendor == "postgresql":
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, column, value])
            else:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, value])


@contextmanager
def kept_counters() -> Iterator[None]:
    """Put the counters of ids back afterwards: PostgreSQL's survive a rollback."""
    if connection.vendor != "postgresql":
        yield
        return
    names = {}
    with connection.cursor() as cursor:
        for table, column in _counted():
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, column])
            name = cursor.fetchone()[0]
            cursor.execute(f"SELECT last_value, is_called FROM {name}")
            names[name] = cursor.fetchone()
    yield
    with connection.cursor() as cursor:
        for name, (value, is_called) in names.items():
            cursor.execute("SELECT setval(%s, %s, %s)", [name, value, is_called])


Rows = dict[str, dict[Any, tuple[Any, ...]]]


def snapshot(*, exclude: tuple[str, ...] = ()) -> Rows:
    """Return {table: {primary key: row}} of everything of ours; rows are all columns, with names."""
    found: Rows = {}
    with connection.cursor() as cursor:
        for model in house_models():
            meta = model._meta
            if meta.db_table in exclude:
                continue
            columns = [column.column for column in meta.local_concrete_fields]
            key = [columns.index(part.column) for part in meta.pk_fields]
            cursor.execute(f"SELECT {', '.join(columns)} FROM {meta.db_table}")
            found[meta.db_table] = {
                tuple(row[index] for index in key): tuple(zip(columns, row, strict=True)) for row in cursor.fetchall()
            }
    return found


def changes(before: Rows, after: Rows) -> dict[str, list[tuple[Any, ...]]]:
    """Return {table: rows} that are new or different; removed ones as ("removed", key)."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table, rows in after.items():
        old = before.get(table, {})
        rest = [row for key, row in rows.items() if old.get(key) != row]
        rest += [("removed", key) for key in old if key not in rows]
        if rest:
            found[table] = rest
    return found


def changes_keys(before: Rows, after: Rows) -> list[tuple[str, set[Any]]]:
    """Return [(table, keys)] of rows that are new."""
    return [(table, set(rows) - set(before.get(table, {}))) for table, rows in after.items()]


@contextmanager
def watched_writes() -> Iterator[list[str]]:
    """Collect the statements that would change rows."""
    found: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if is_write(sql):
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield found


def is_write(sql: str) -> bool:
    """Tell whether a statement changes rows (also one that begins WITH)."""
    words = sql.upper().split()
    return bool(words) and (
        words[0] in {"INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE"}
        or (words[0] == "WITH" and bool({"INSERT", "UPDATE", "DELETE"} & set(sql.upper().replace("(", " ").split())))
    )
