"""Reading what was mailed."""

import re
from urllib.parse import parse_qs, urlsplit

from django.core import mail

from tests.support import run_jobs


def mails():
    """Run what is due and return all mails sent so far."""
    run_jobs()
    return mail.outbox


def link_of(message) -> str:
    """Return the one link of a mail's text."""
    links = set(re.findall(r"https?://\S+", message.body))
    assert len(links) == 1, links
    return links.pop()


def query_of(message) -> dict[str, str]:
    """Return the query of the mail's link."""
    return {name: values[0] for name, values in parse_qs(urlsplit(link_of(message)).query).items()}


def last_token() -> str:
    """Return the token of the newest mail."""
    return query_of(mails()[-1])["token"]
