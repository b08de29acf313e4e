"""The table of all routes, as a person wrote it, and the routes the server really has."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from tests.faces import PRESENT

TABLE = Path(__file__).with_name("routes.csv")
#: Addresses that are no routes of ours; nothing else may be left out.
NOT_OURS = {"/api/schema", "/api/schema/<str:face>", "/api/docs", "/api/redoc", "/docs", "/redoc"}
NOT_OURS_BELOW = ("/admin/", "/static/")


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    roles: who passes the check of role and permission, besides the words public and the tokens.
    subscription: True where a tenant needs an active one.  section: of the primary contract; "details n" of
    its details; "ours" where no contract names the route.
    """

    method: str
    path: str
    face: str
    permission: str
    rate: str
    scope: str
    roles: frozenset[str]
    subscription: bool
    section: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def shape(self) -> tuple[str, str]:
        """What identifies a route whatever its parameters are called."""
        return self.method, shape_of(self.path)

    @property
    def params(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def is_read(self) -> bool:
        return self.method == "GET"

    @property
    def needs_login(self) -> bool:
        return self.permission not in {"public", "assignment_token", "session_token", "signed_url"}

    def fill(self, values: dict[str, Any]) -> str:
        """Return the path with these values; a parameter nobody thought of is an error."""
        return re.sub(r"\{(\w+)\}", lambda match: str(values[match.group(1)]), self.path)


def shape_of(path: str) -> str:
    """Return a path with nameless parameters, from either way of writing them."""
    return re.sub(r"\{\w+\}|<[^>]+>", "{}", path)


def load() -> list[Route]:
    """Read the table; the lines of a dialect that was taken away say nothing."""
    faces = {"primary", *PRESENT}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Route(
                **{
                    **row,
                    "roles": frozenset(row["roles"].split()) - {"-"},
                    "subscription": {"needed": True, "-": False}[row["subscription"]],
                }
            )
            for row in csv.DictReader(file)
            if row["face"] in faces
        ]


def patterns(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Walk the server's addresses; (path, pattern) of each."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if path.startswith(NOT_OURS_BELOW) or path in NOT_OURS:
            continue
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, path)
        else:
            yield path, pattern


def served() -> dict[tuple[str, str], Any]:
    """Return {(method, shape): view class} of everything the server answers."""
    return {
        (verb.upper(), shape_of(path)): pattern.callback.cls
        for path, pattern in patterns()
        if hasattr(pattern.callback, "cls")
        for verb in pattern.callback.cls.verbs()
    }


ROUTES = load()
