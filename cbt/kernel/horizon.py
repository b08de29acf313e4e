"""Up to which transaction of this database everything is decided. Raw SQL: the ORM has no words for it."""

from django.db import connection

#: ``pg_snapshot_xmin`` would do, but it counts the writers of every database of the server. The list of running
#: transactions shows the lower 32 bits of their numbers; one ahead of ``next`` began after the snapshot.
_SQL = """
WITH top AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next),
running AS (
    SELECT top.next, (top.next - backend_xid::text::bigint) & 4294967295 AS behind
    FROM top, pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL
)
SELECT LEAST((SELECT next FROM top), (SELECT min(next - behind) FROM running WHERE behind < 2147483648))
"""


def horizon() -> int:
    """Return a number: transactions below it have ended, and whatever reads after this call sees what they wrote.

    The snapshot comes before the list: whoever wrote and is in neither has ended between them, and the next statement,
    with a snapshot of its own, sees it. On SQLite, with one writer and rows of transaction 0: 1.
    """
    if connection.vendor != "postgresql":
        return 1
    with connection.cursor() as cursor:
        if connection.in_atomic_block:  # within a transaction the list is read once and kept
            cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_SQL)
        (found,) = cursor.fetchone()
    return int(found)
