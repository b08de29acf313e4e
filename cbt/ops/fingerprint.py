"""What is stored, in a few numbers: rows and a checksum of every table. Two databases with the same numbers agree."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, models

CHUNK = 2000
Prints = dict[str, dict[str, Any]]


def tables() -> Iterator[type[models.Model]]:
    """Return every model that has a table, those of Django and of many-to-many relations too, by table name."""
    found = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    yield from sorted((model for model in found if model._meta.managed), key=lambda model: model._meta.db_table)


def fingerprint(alias: str = DEFAULT_DB_ALIAS) -> Prints:
    """Return {table: {"rows": count, "sha256": of all rows in the order of their keys}} of one database.

    Reads everything: minutes for millions of rows. Call it inside the snapshot that is to be described.
    """
    return {model._meta.db_table: _of_table(model, alias) for model in tables()}


def _of_table(model: type[models.Model], alias: str) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    names = [field.attname for field in model._meta.concrete_fields]
    for row in model._base_manager.using(alias).order_by("pk").values_list(*names).iterator(chunk_size=CHUNK):
        digest.update(json.dumps(row, default=str, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
        rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def differences(expected: Prints, found: Prints) -> list[str]:
    """Return one line for each table that is not the same in both."""
    lines = []
    for table in sorted(expected.keys() | found.keys()):
        one, other = expected.get(table), found.get(table)
        if one != other:
            lines.append(f"{table}: {_told(one)} expected, {_told(other)} found")
    return lines


def _told(entry: dict[str, Any] | None) -> str:
    return "no table" if entry is None else f"{entry['rows']} rows ({entry['sha256'][:12]})"
