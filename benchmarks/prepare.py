"""Put rows for a measurement or a crash test into the database of the environment; print what was made as JSON.

DATA_DIR=/tmp/x .venv/bin/python -m benchmarks.prepare sessions --count 64 --questions 50 --kind single_choice
DATA_DIR=/tmp/x .venv/bin/python -m benchmarks.prepare mails --count 30
DATA_DIR=/tmp/x .venv/bin/python -m benchmarks.prepare candidates --count 500
DATA_DIR=/tmp/x .venv/bin/python -m benchmarks.prepare accounts --count 100
"""

import argparse
import json
import os
import secrets
import sys
from typing import Any


def make_sessions(count: int, questions: int, kind: str) -> list[str]:
    """Start ``count`` sessions of one new test, each of a participant of its own; return their tokens."""
    from catalog.tests.builders import question
    from sessions_app.tests.factories import make_bank_test, make_participant, start_session
    from tenants.tests.factories import make_company

    mark = secrets.token_hex(4)
    company = make_company(email=f"{mark}@example.com")
    test = make_bank_test(
        *[question(kind, f"q{number}") for number in range(1, questions + 1)], code=mark, duration_minutes=600
    )
    return [start_session(participant=make_participant(company=company), test=test).token for _ in range(count)]


def make_mails(count: int) -> list[str]:
    """Put ``count`` invitations into the outbox, each with its job; return their addresses."""
    from sessions_app.services.mails import assignment_mail_enqueue
    from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant
    from tenants.tests.factories import make_company

    mark = secrets.token_hex(4)
    company, test = make_company(email=f"{mark}@example.com"), make_bank_test(code=mark)
    addresses = []
    for _ in range(count):
        assignment, _ = make_assignment(participant=make_participant(company=company), test=test)
        assignment_mail_enqueue(assignment=assignment, participant=assignment.participant)
        addresses.append(assignment.participant.email)
    return addresses


def make_candidates(count: int, questions: int) -> dict[str, Any]:
    """Store candidates of one company, all with the same exam; return its id and what they type at sign-in."""
    from accounts.services import many_passwords
    from catalog.tests.builders import question
    from cbt.kernel import clock
    from cbt.kernel.actor import SYSTEM
    from sessions_app.services.credentials import MOST_AT_ONCE, Wish, credentials_issue
    from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant
    from tenants.tests.factories import make_company

    mark = secrets.token_hex(4)
    company = make_company(email=f"{mark}@example.com", quota=count)
    bank = [question("single_choice", f"q{number}") for number in range(1, questions + 1)]
    test = make_bank_test(*bank, code=mark, duration_minutes=600)
    people = [make_participant(company=company) for _ in range(count)]
    for person in people:
        make_assignment(participant=person, test=test)
    ids = [person.pk for person in people]
    rows = []
    many_passwords.FEW = MOST_AT_ONCE  # the form in which they stay: no job is to wrap them while something is measured
    for start in range(0, count, MOST_AT_ONCE):
        wishes = {participant_id: Wish() for participant_id in ids[start : start + MOST_AT_ONCE]}
        rows += credentials_issue(company_id=company.pk, wishes=wishes, now=clock.now(), actor=SYSTEM)
    return {"exam": test.pk, "people": [{"nomor_peserta": row.number, "password": row.password} for row in rows]}


def make_accounts(count: int) -> dict[str, dict[str, list[str]]]:
    """Store ``count`` accounts of each kind with each sort of name; return {kind: {sort of name: names}}."""
    from accounts.states import Role
    from accounts.tests.factories import make_user

    kinds: dict[str, dict[str, Any]] = {"known": {}, "shut": {"is_active": False}, "unverified": {"is_verified": False}}
    made = {"unknown": {word: [f"nobody{n}@example.com" for n in range(count)] for word in ("email", "username")}}
    made["unknown"]["nomor_peserta"] = [f"NOBODY-{number}" for number in range(count)]
    for kind, fields in kinds.items():
        buyers = [make_user(**fields) for _ in range(count)]
        pupils = [make_user(Role.STUDENT, username=f"{kind}-{number}", **fields) for number in range(count)]
        seated = [make_user(Role.PARTICIPANT, participant_number=f"{kind}-{n}", **fields) for n in range(count)]
        made[kind] = {
            "email": [str(user.email) for user in buyers],
            "username": [str(user.username) for user in pupils],
            "nomor_peserta": [str(user.participant_number) for user in seated],
        }
    return {kind: made[kind] for kind in ("known", "unknown", "shut", "unverified")}


def main() -> None:
    """Make the rows in one transaction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sessions", "mails", "candidates", "accounts"])
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--kind", default="single_choice")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")
    import django

    django.setup()
    from django.db import transaction

    with transaction.atomic():
        made: object
        if options.what == "candidates":
            made = make_candidates(options.count, options.questions)
        elif options.what == "accounts":
            made = make_accounts(options.count)
        elif options.what == "mails":
            made = make_mails(options.count)
        else:
            made = make_sessions(options.count, options.questions, options.kind)
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
