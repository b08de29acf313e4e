"""Import of a large list: reading the workbook in its child process, then the job, with mails in the outbox.

    .venv/bin/python -m benchmarks.bench_import                       # a throwaway SQLite, 10,000 rows, 2 tests
    .venv/bin/python -m benchmarks.bench_import --with-passwords --wrap   # and the jobs that follow, outside the budget
    DATABASE_URL=postgres://... .venv/bin/python -m benchmarks.bench_import --rows 2000 --tests 1

With DATABASE_URL the rows stay in that database: give it one of your own. Ends with status 1 above --budget seconds.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any


def prepare(test_count: int, quota: int) -> tuple[Any, list[int]]:
    """Migrate, and make a company with quota and tests to assign."""
    from django.core.management import call_command

    from sessions_app.tests.factories import make_bank_test
    from tenants.tests.factories import make_company

    call_command("migrate", verbosity=0)
    mark = int(time.time())
    company = make_company(quota=quota, email=f"bench{mark}@example.com")
    return company, [make_bank_test(code=f"BENCH-{mark}-{number}").pk for number in range(test_count)]


def timed_chunks() -> list[float]:
    """Measure how long each transaction of the job takes; the list fills while it runs."""
    from sessions_app.services import importing

    seconds: list[float] = []
    real = importing.import_chunk

    def measured(**what: Any) -> Any:
        began = time.perf_counter()
        try:
            return real(**what)
        finally:
            seconds.append(time.perf_counter() - began)

    importing.import_chunk = measured
    return seconds


def wrap() -> None:
    """Run the jobs that wrap the quick passwords, alone and one after the other; print what they took."""
    from accounts.models import User
    from accounts.services.many_passwords import JOB
    from cbt.kernel import jobs
    from cbt.kernel.models import Job

    began, used, seconds = time.perf_counter(), time.process_time(), []
    for job_id in Job.objects.filter(name=JOB, state="queued").order_by("pk").values_list("pk", flat=True):
        start = time.perf_counter()
        jobs.run(jobs.claim(job_id))
        seconds.append(time.perf_counter() - start)
    wrapped = User.objects.filter(password__startswith="argon2_pbkdf2$").count()
    took, spent = time.perf_counter() - began, time.process_time() - used
    print(f"  wrapping          {took:6.2f} s  {wrapped} in {len(seconds)} jobs, longest {max([0, *seconds]):.2f} s")
    print(f"  processor of that {spent:6.2f} s  load average {os.getloadavg()[0]:.1f}")
    assert not User.objects.filter(password__startswith="sealed_pbkdf2$").exists()


def measure(rows: int, tests: int, *, with_passwords: bool) -> float:
    """Read and import one list, print what it took, return the seconds in all."""
    from cbt.kernel import clock, spreadsheets
    from cbt.kernel.actor import SYSTEM
    from cbt.kernel.models import Job, OutgoingMail
    from sessions_app.engine.import_rows import COLUMNS
    from sessions_app.services import importing
    from sessions_app.services.participants import Window
    from sessions_app.tests.lists import HEADER, people, upload, xlsx_of

    company, test_ids = prepare(tests, quota=rows)
    header, listed = HEADER, people(rows)
    if with_passwords:
        header = (*HEADER, "Nomor Peserta", "Kata Sandi")
        listed = [(*row, f"{company.pk}-N{place}", f"sandi-{place:06d}") for place, row in enumerate(listed)]
    file = upload(xlsx_of([header, *listed]))
    chunks, now = timed_chunks(), clock.now()
    began = time.perf_counter()
    sheet = spreadsheets.read_table(file, COLUMNS)
    read = time.perf_counter()
    batch = importing.import_submit(
        company_id=company.pk, file_name="bench.xlsx", sheet=sheet, test_ids=test_ids,
        window=Window(now, now + timedelta(days=7)), now=now, actor=SYSTEM,
    ).batch  # fmt: skip
    submitted = time.perf_counter()
    importing.import_run(batch.pk)
    done = time.perf_counter()
    batch.refresh_from_db()
    mails = OutgoingMail.objects.filter(company_id=company.pk, status="queued").count()
    assert (batch.state, batch.created_count, mails) == ("done", rows, rows * tests), batch.failures[:3]
    assert Job.objects.filter(name="kernel.send_mail", state="queued").count() >= mails
    from django.db import connection

    print(f"{connection.vendor}: {rows} rows x {tests} tests, file of {file.size // 1024} KiB")
    print(f"  read in the child {read - began:6.2f} s")
    print(f"  submit            {submitted - read:6.2f} s  (request: read + submit)")
    print(f"  job               {done - submitted:6.2f} s  in {len(chunks)} transactions, longest {max(chunks):.2f} s")
    print(
        f"  in all            {done - began:6.2f} s  {rows} participants, {mails} mails in the outbox with their jobs"
    )
    print(f"  load average      {os.getloadavg()[0]:6.1f}")
    print(f"  peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    return done - began


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--tests", type=int, default=2)
    parser.add_argument("--with-passwords", action="store_true", help="everybody is to sign in with a number")
    parser.add_argument("--wrap", action="store_true", help="then run the jobs that wrap the passwords, 20 ms each")
    parser.add_argument("--budget", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")
        os.environ.update(DATA_DIR=folder, READ_DOT_ENV="0", JOB_EXECUTOR="none")
        os.environ.setdefault("LOCAL_RUN", "1")
        import django

        django.setup()
        seconds = measure(options.rows, options.tests, with_passwords=options.with_passwords)
        if options.wrap:
            wrap()
    sys.exit(0 if seconds <= options.budget else 1)


if __name__ == "__main__":
    main()
