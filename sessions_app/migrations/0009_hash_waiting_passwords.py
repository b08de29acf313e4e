"""Passwords of imports that have not ended (also those that were given up) stood in their rows in plain."""

from django.contrib.auth.hashers import make_password
from django.db import migrations

PASSWORD_MISSING = "Password is required with a participant number"  # noqa: S105 - a text


def hash_passwords(apps, schema_editor):
    """[..., number, password] becomes [..., number, "", hash]; a row that cannot be invited needs none."""
    for batch in _waiting(apps):
        rows = [
            [*row[:5], "", "" if row[3] else make_password(row[5], hasher="sealed_pbkdf2")]
            if len(row) == 6 and row[5]
            else row
            for row in batch.rows
        ]
        _store(batch, rows)


def report_passwords(apps, schema_editor):
    """The code before knows no hashes here, and nobody knows the passwords: those rows fail and say so."""
    for batch in _waiting(apps):
        rows = [
            [*row[:3], [PASSWORD_MISSING] if row[6] and not row[3] else row[3], row[4], ""] if len(row) == 7 else row
            for row in batch.rows
        ]
        _store(batch, rows)


def _waiting(apps):
    return apps.get_model("sessions_app", "ImportBatch").objects.filter(finished_at=None).iterator(chunk_size=1)


def _store(batch, rows):
    if rows != batch.rows:
        batch.rows = rows
        batch.save(update_fields=["rows"])


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0008_taker_of_class_tests"), ("accounts", "0007_quick_passwords")]

    operations = [migrations.RunPython(hash_passwords, report_passwords)]
