"""Make running sessions in the database of the environment and print their tokens as a JSON list.

    DATA_DIR=/tmp/x .venv/bin/python -m benchmarks.sessions --count 64 --questions 50 --kind single_choice
"""

import argparse
import json
import os
import sys


def main() -> None:
    """Start ``count`` sessions of one new test, each of a participant of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--kind", default="single_choice")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")
    import django

    django.setup()
    from django.db import transaction

    from catalog.tests.builders import question
    from sessions_app.tests.factories import make_bank_test, make_participant, start_session
    from tenants.tests.factories import make_company

    with transaction.atomic():
        company = make_company()
        test = make_bank_test(
            *[question(options.kind, f"q{number}") for number in range(1, options.questions + 1)], duration_minutes=600
        )
        tokens = [
            start_session(participant=make_participant(company=company), test=test).token for _ in range(options.count)
        ]
    json.dump(tokens, sys.stdout)


if __name__ == "__main__":
    main()
