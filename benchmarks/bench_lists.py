"""Every list and dashboard over a hundred thousand rows of each kind, as each role that may read it, on PostgreSQL.

    .venv/bin/python -m benchmarks.bench_lists                 # or: make bench-lists
    .venv/bin/python -m benchmarks.bench_lists --plans         # with the plan of each call's slowest query
    .venv/bin/python -m benchmarks.bench_lists --only results --rows 20000

A throw-away PostgreSQL is started unless --database-url names a database: an empty one, which is filled, or one that
an earlier run has filled. Calls are made in this process, without a network: median of five after one to warm up.
The time limit is 300 ms a call; the exit code is 1 when one takes longer. A search that every row matches is shown
besides: no index can help it, for all rows have to be looked at to be counted.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.many_rows import Made, fill, set_environment
from tests.processes import PostgresCluster

LIMIT_MS = 300
CALLS = 5
EVERYBODY = "search=orang"
SEARCHES = ("search=zamrud", "search=tidakada", EVERYBODY)
SITTING = "/api/test-sessions/{session}"
#: (address, roles, what is asked for besides the first and the last page)
ROUTES: list[tuple[str, str, tuple[str, ...]]] = [
    ("/api/participants", "tenant super", ("status=banned", *SEARCHES)),
    ("/api/companies/{company}/participants", "super", ("status=active", *SEARCHES)),
    ("/api/test-sessions", "tenant super", ("status=in_progress", "test={test}", "flagged=true", *SEARCHES)),
    ("/api/results", "tenant super buyer", ("status=final", "passed=false", "test={test}", *SEARCHES)),
    (SITTING + "/events", "tenant super", ()),
    (SITTING + "/detections", "tenant super", ()),
    (SITTING + "/photos", "tenant super", ()),
    ("/api/users", "super", ("role=tenant_admin", "is_active=false", "sort_by=name", *SEARCHES)),
    (
        "/api/companies",
        "super",
        ("is_active=false", "has_active_subscription=true", "has_subscription=false", "sort_by=name", *SEARCHES),
    ),
    ("/api/tests", "tenant super", ("is_active=false", "type=all", "category={category}", "sort_by=name", *SEARCHES)),
    ("/api/test-categories", "super", ("is_active=true", *SEARCHES)),
    ("/api/tests/catalog", "- buyer", ("category={category}", *SEARCHES)),
    ("/api/tests/catalog/categories", "-", ()),
    ("/api/subscription-plans", "super", ("is_active=true", *SEARCHES)),
    ("/api/subscription-plans/{plan}/prices", "super", ("is_active=true",)),
    ("/api/subscriptions/available-plans", "tenant", ("limit=15",)),
    ("/api/subscriptions/history", "tenant", ()),
    ("/api/payments", "tenant", ()),
    ("/api/invoices", "tenant", ("status=overdue",)),
    ("/api/payments/all", "super", ("status=pending", "status=paid", "method=manual")),
    ("/api/payments/pending", "super", ()),
    ("/api/transactions", "buyer", ("status=pending", "status=cancelled")),
    ("/api/transactions/purchased-tests", "buyer", ()),
    ("/api/my-tests", "few", ()),
    ("/api/cart", "few", ()),
    ("/api/checkout/verify", "few", ()),
    ("/api/profile", "few", ()),
    (
        "/api/audit",
        "tenant super",
        ("action=tenants.company", "action=x.y", "object_type=tenants.company&object_id=7", "date_to=2020-01-01"),
    ),
    ("/api/companies/{company}/admins", "super tenant", ()),
    ("/api/participants/imports/{batch}", "tenant", ()),
    ("/api/dashboard", "super tenant", ()),
]
#: Lists the contracts give without pages; they have no last one.
WHOLE = {
    "/api/payments", "/api/invoices", "/api/my-tests", "/api/cart", "/api/checkout/verify", "/api/profile",
    "/api/dashboard", "/api/tests/catalog/categories", "/api/subscriptions/available-plans",
    "/api/subscription-plans/{plan}/prices/all", "/api/companies/{company}/admins", "/api/participants/imports/{batch}",
}  # fmt: skip


@dataclass
class Row:
    """What one call costs."""

    role: str
    address: str
    milliseconds: float
    statements: list[tuple[float, str, Any]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Tell whether it takes longer than it may."""
        return self.milliseconds > LIMIT_MS and EVERYBODY not in self.address

    @property
    def queries(self) -> int:
        """Tell how many statements it sends."""
        return len(self.statements)

    @property
    def slowest(self) -> tuple[float, str, Any]:
        """Return its slowest statement."""
        return max(self.statements, key=lambda found: found[0], default=(0.0, "", None))


@contextlib.contextmanager
def timed_queries() -> Iterator[list[tuple[float, str, Any]]]:
    """Collect (milliseconds, statement, values) of what is sent to the database in the block."""
    from django.db import connection

    found: list[tuple[float, str, Any]] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            found.append(((time.perf_counter() - began) * 1000, sql, params))

    with connection.execute_wrapper(wrapper):
        yield found


def measure(made: Made, role: str, address: str) -> tuple[Row, Any]:
    """Call an address six times; return what the last five cost and the last answer's data."""
    from django.core.cache import cache

    from tests.support import Api

    api = Api(made.tokens["" if role == "-" else role])
    times: list[float] = []
    for number in range(CALLS + 1):
        cache.clear()
        with timed_queries() as statements:
            began = time.perf_counter()
            response = api.get(address)
            spent = (time.perf_counter() - began) * 1000
        if response.status_code != 200:
            raise RuntimeError(f"{role} {address}: {response.status_code} {response.content[:500]!r}")
        if number:
            times.append(spent)
    return Row(role, address, statistics.median(times), statements), json.loads(response.content)["data"]


def addresses(made: Made, path: str, variants: tuple[str, ...]) -> list[str]:
    """Return the addresses of a route's first page, filters and searches."""
    found = path.format(**made.ids)
    return [found, *(f"{found}?{variant.format(**made.ids)}" for variant in variants)]


def walk(made: Made, only: str) -> Iterator[Row]:
    """Measure everything."""
    for path, roles, variants in ROUTES:
        if only not in path:
            continue
        for role in roles.split():
            for address in addresses(made, path, variants):
                row, data = measure(made, role, address)
                yield row
                if path not in WHOLE and data["last_page"] > 10:
                    joined = "&" if "?" in address else "?"
                    yield measure(made, role, f"{address}{joined}page={data['last_page']}")[0]


def plan_of(row: Row, *options: str) -> list[str]:
    """Return the lines of the plan of the slowest statement, run again; the last tells its execution time."""
    from django.db import connection

    _, sql, params = row.slowest
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({', '.join(('ANALYZE', *options))}) {sql}", params)
        return [line for (line,) in cursor.fetchall()]


def execution_ms(row: Row) -> float:
    """Return the database's own time for the slowest statement, the least of three: what the load adds is left out."""
    times = (plan_of(row, "TIMING OFF")[-1] for _ in range(3))
    return min(float(line.removeprefix("Execution Time: ").removesuffix(" ms")) for line in times)


def show(row: Row, *, with_plan: bool) -> None:
    """Print one line, and the plan."""
    mark = " **over**" if row.is_over else ""
    address = row.address.replace("|", "\\|")
    print(
        f"| {row.role} | `{address}` | {row.milliseconds:.0f}{mark} | {row.queries} | {execution_ms(row):.0f} |",
        flush=True,
    )
    if with_plan:
        plan = "\n".join(plan_of(row, "BUFFERS"))
        print(f"\n{row.slowest[1]}\n{plan}\n", flush=True)


def run(url: str, options: argparse.Namespace) -> int:
    """Fill the database if need be, measure, print."""
    set_environment(url)
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    began = time.monotonic()
    made = known() or remember(fill(options.rows))
    print(f"{made.count:,} rows of each kind, made in {time.monotonic() - began:.0f} s\n")
    print("| role | address | ms | queries | slowest query, in the database |\n|---|---|---|---|---|")
    slow = 0
    for row in walk(made, options.only):
        slow += row.is_over
        if not options.over or row.is_over:
            show(row, with_plan=options.plans)
    print(f"\nover {LIMIT_MS} ms: {slow}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    connection.close()
    return 1 if slow else 0


def known() -> Made | None:
    """Return what an earlier run has made in this database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('bench_lists')")
        if cursor.fetchone()[0] is None:
            return None
        cursor.execute("SELECT made FROM bench_lists")
        return Made(**json.loads(cursor.fetchone()[0]))


def remember(made: Made) -> Made:
    """Write down what was made, for the next run."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_lists (made text)")
        text = json.dumps({"tokens": made.tokens, "ids": made.ids, "count": made.count})
        cursor.execute("INSERT INTO bench_lists VALUES (%s)", [text])
    return made


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", default="", help="only addresses that contain this")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--over", action="store_true", help="print only what takes too long")
    parser.add_argument("--database-url", default="")
    options = parser.parse_args()
    if options.database_url:
        return run(options.database_url, options)
    with PostgresCluster() as cluster:
        return run(cluster.create("lists"), options)


if __name__ == "__main__":
    sys.exit(main())
