"""Indexes for searches "contains", as a migration's operation. PostgreSQL only: SQLite reads the rows."""

import logging

from django.apps.registry import Apps
from django.db import ProgrammingError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

logger = logging.getLogger("cbt.migrations")
NO_EXTENSION = (
    "This database user may not CREATE EXTENSION pg_trgm: searching works, but reads whole tables. To have the"
    " indexes, let an administrator run CREATE EXTENSION pg_trgm in this database, then migrate %s back by one"
    " migration and forward again."
)


def trigram_indexes(app: str, model: str, *columns: str) -> migrations.RunPython:
    """Return the operation that makes one GIN index for each column, as ``icontains`` asks for it; it can go back.

    ``icontains`` compares UPPER(column) LIKE UPPER(text): that is what is indexed. The extension stays when the
    migration goes back: others may use it. Searches shorter than three letters still read the table.
    """
    table = f"{app}_{model}"

    def forwards(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor != "postgresql" or not _extension(editor, app):
            return
        for column in columns:
            editor.execute(
                f'CREATE INDEX IF NOT EXISTS "{_name(table, column)}" ON "{table}"'
                f' USING gin (UPPER("{column}"::text) gin_trgm_ops)'
            )

    def backwards(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            for column in columns:
                editor.execute(f'DROP INDEX IF EXISTS "{_name(table, column)}"')

    return migrations.RunPython(forwards, backwards)


def _name(table: str, column: str) -> str:
    return f"{table}_{column}_search"


def _extension(editor: BaseDatabaseSchemaEditor, app: str) -> bool:
    """Make sure of the extension; False, and a warning, where this user may not create it."""
    try:
        with transaction.atomic(using=editor.connection.alias), editor.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except ProgrammingError:
        logger.warning(NO_EXTENSION, app)
        return False
    return True
