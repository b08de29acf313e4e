"""Numbers people read aloud: random, not counted, so that they tell nobody how much is sold. Source: W-39."""

import secrets
import string
from datetime import UTC, datetime

ALPHABET = string.ascii_uppercase + string.digits
INSERT_TRIES = 5


def random_word(length: int) -> str:
    """Return ``length`` random capital letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def payment_number(now: datetime) -> str:
    """Return a candidate ``PAY-YYYYMMDD-XXXXXXXX``; the unique column decides."""
    return f"PAY-{now.astimezone(UTC):%Y%m%d}-{random_word(8)}"
