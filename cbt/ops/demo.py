"""Demo data: what each app brings, in one order. Only where no stranger can reach it."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db.models import Q

PASSWORD = "DemoPass123!"  # noqa: S105 - published on purpose; see `is_allowed`


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One way to sign in to the demo: what to type, and what is found there."""

    login: str
    password: str
    what: str


ACCOUNTS = [
    DemoAccount("superadmin@demo.test", PASSWORD, "super admin; also opens /admin"),
    DemoAccount("tenant@demo.test", PASSWORD, "company with an active subscription and participants"),
    DemoAccount("user@demo.test", PASSWORD, "private user, verified, one purchased test"),
    DemoAccount("P-1001", PASSWORD, "participant number: a candidate of the exam room (nomor_peserta)"),
    DemoAccount("test@example.com", "TestPass123!", "Test User"),
    DemoAccount("admin", PASSWORD, "username at /v1: looks after accounts"),
    DemoAccount("instructor", PASSWORD, "username at /v1: has a test for a class"),
    DemoAccount("student", PASSWORD, "username at /v1: may take it"),
]
#: (module, function) in the order in which they need one another; each is safe to run at every start.
PIECES = [
    ("tenants.services.initial_data", "load_initial_data"),  # first: it gives the categories their order
    ("catalog.services.demo", "load_demo_tests"),
    ("cbt.ops.demo_people", "load_demo_people"),
    ("cbt.ops.demo_classes", "load_demo_classes"),
]


def is_allowed() -> bool:
    """Tell whether demo data may exist here: the embedded run, or DEBUG."""
    return bool(settings.EMBEDDED or settings.DEBUG)


def load_demo() -> list[DemoAccount]:
    """Store the demo data that is not there yet and return the accounts; nothing, where it is not allowed."""
    if not is_allowed():
        return []
    for module, name in [*PIECES, *_pieces_of_faces()]:
        _piece(module, name)()
    return existing_accounts()


def _pieces_of_faces() -> list[tuple[str, str]]:
    """Return what faces bring themselves: ``load_demo`` in a module ``demo``."""
    modules = [f"{app.name}.demo" for app in apps.get_app_configs() if app.name.startswith("cbt.faces.")]
    return [(module, "load_demo") for module in modules if importlib.util.find_spec(module)]


def _piece(module: str, name: str) -> Callable[[], object]:
    function: Callable[[], object] = getattr(importlib.import_module(module), name)
    return function


def existing_accounts() -> list[DemoAccount]:
    """Return the demo accounts that are in the database; one that was deleted is not advertised."""
    from accounts.models import User

    names = [account.login for account in ACCOUNTS]
    rows = User.objects.filter(Q(email__in=names) | Q(participant_number__in=names) | Q(username__in=names))
    stored = {name for row in rows.values_list("email", "participant_number", "username") for name in row}
    return [account for account in ACCOUNTS if account.login in stored]
