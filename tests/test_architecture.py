"""What a reviewer would otherwise have to look for by eye."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from cbt.kernel import events, jobs, mail
from tests.rows import APP_LABELS

ROOT = Path(__file__).resolve().parent.parent
OURS = ("cbt", "accounts", "catalog", "commerce", "tenants", "sessions_app", "anticheat", "proctoring")
MODULE_LINES = 400
FUNCTION_LINES = 40
#: Rows are locked in a room of their own; elsewhere only here, and this list should not grow.
LOCKS_ELSEWHERE = {
    "accounts/selectors/users.py",
    "commerce/services/carts.py",
    "commerce/services/orders.py",
    "commerce/services/payments.py",
    "sessions_app/services/importing.py",
    "tenants/services/invoices.py",
    "tenants/services/plans.py",
    "tenants/services/purchases.py",
    "tenants/services/subscriptions.py",
    "accounts/services/login.py",
    "accounts/services/passwords.py",
    "accounts/services/users.py",
    "accounts/services/verification.py",
    "catalog/services/categories.py",
    "catalog/services/offers.py",
    "catalog/services/versions.py",
    "cbt/ops/services.py",
    "sessions_app/services/participants.py",
    "sessions_app/services/sessions.py",
    "tenants/selectors/companies.py",
    "tenants/services/companies.py",
}
CLOCK = "cbt/kernel/clock.py"
#: A face tells of its own in its tests, as it goes with its folder.
SUBSCRIPTIONS = {
    "UserEmailVerified": ["tenants.services.activation.company_activate_first"],
    "CompanyAdminAppointed": ["tenants.services.appointment.company_admin_appoint"],
    "SessionCompleted": ["anticheat.services.anomalies.on_session_completed"],
}

#: Personal data whose docstring does not say so yet. Only ever take names out of here.
PII_UNTOLD: set[str] = set()


def sources(*, with_tests: bool = False, roots: tuple[str, ...] = OURS) -> Iterator[tuple[str, str]]:
    """Return (path, text) of our modules, without migrations and, unless asked for, without tests."""
    for folder in roots:
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if "/migrations/" in path or (not with_tests and "/tests/" in path):
                continue
            yield path, file.read_text(encoding="utf-8")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls_of(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Return (dotted name, call)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function from def to its end; decorators (which document routes) do not count."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules__then_under_400_lines():
    long = {path: count for path, text in sources() if (count := text.count("\n")) >= MODULE_LINES}
    assert long == {}


def test_functions__then_under_40_lines():
    long = {
        f"{path}:{node.name}": code_lines(node)
        for path, text in sources()
        for node in functions(ast.parse(text))
        if code_lines(node) >= FUNCTION_LINES
    }
    assert long == {}


def test_tests__then_no_name_twice_in_a_module():
    """The second of two functions of one name hides the first, which then never runs."""
    twice = {}
    for path, text in sources(with_tests=True, roots=(*OURS, "tests", "benchmarks")):
        names = Counter(
            node.name
            for node in ast.parse(text).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        )
        twice |= {f"{path}:{name}": count for name, count in names.items() if count > 1}
    assert twice == {}


def test_locks__then_in_their_own_room_or_listed():
    found = {path for path, text in sources() if "select_for_update" in text}
    elsewhere = {path for path in found if not path.endswith("/services/locks.py")}
    assert elsewhere - LOCKS_ELSEWHERE == set(), "lock in */services/locks.py"
    assert LOCKS_ELSEWHERE - elsewhere == set(), "gone: take it off the list"


def test_clock__then_read_in_one_place():
    readers = re.compile(r"\bdatetime\.(now|utcnow|today)\(|\bdate\.today\(|\btimezone\.now\(|\btime\.time\(")
    assert {path for path, text in sources() if readers.search(text)} == {CLOCK}


def test_text__then_no_path_of_a_developers_machine():
    absolute = re.compile(r"(?<![\w.*])/(?:home|root|work|Users)/\w")
    mine = Path(__file__).name
    found = {
        f"{path}: {match.group()}"
        for path, text in sources(with_tests=True, roots=(*OURS, "tests", "benchmarks"))
        if not path.endswith(mine)
        for match in absolute.finditer(text)
    }
    assert found == set()


def test_code__then_no_print_and_no_debugger():
    bad = {"print", "breakpoint", "pdb.set_trace", "ipdb.set_trace"}
    assert [f"{path}: {name}" for path, text in sources() for name, _ in calls_of(ast.parse(text)) if name in bad] == []


def _names_given(first: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Return (path, name) of every literal first argument, or module constant, given to one of these calls."""
    for path, text in sources():
        tree = ast.parse(text)
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for name, call in calls_of(tree):
            if name in first and call.args:
                given = call.args[0]
                if isinstance(given, ast.Constant):
                    yield path, str(given.value)
                elif isinstance(given, ast.Name) and given.id in constants:
                    yield path, str(constants[given.id])
                elif isinstance(given, ast.Name) and given.id == "kind":
                    continue  # handed on: the caller is read instead
                elif not path.startswith("cbt/kernel/"):
                    yield path, f"cannot be read: {ast.unparse(given)}"


def test_jobs__when_enqueued__then_each_has_a_handler():
    given = list(_names_given(("jobs.enqueue", "jobs.enqueue_many")))
    assert len(given) >= 3
    assert [pair for pair in given if pair[1] not in jobs.handler_names()] == []


def test_mails__when_enqueued__then_each_has_a_builder_and_templates():
    given = list(_names_given(("mail.enqueue", "_enqueue")))
    assert len(given) >= 3
    assert [pair for pair in given if pair[1] not in mail.kinds()] == []


def test_mails__when_registered__then_each_is_sent_by_somebody():
    assert mail.kinds() == {name for _, name in _names_given(("mail.enqueue", "_enqueue"))}


def test_periodic_table__then_each_row_says_what_for():
    for row in jobs.periodic_table():
        assert row.purpose
        assert row.every_seconds >= 10
        assert row.name in jobs.handler_names()


def test_events__then_exactly_these_subscribers():
    lasting = {
        name: [handler for handler in handlers if not handler.startswith("cbt.faces.")]
        for name, handlers in events.subscriptions().items()
    }
    assert {name: handlers for name, handlers in lasting.items() if handlers} == SUBSCRIPTIONS


@pytest.mark.parametrize("label", APP_LABELS)
def test_models__then_each_says_what_a_row_is(label):
    for model in apps.get_app_config(label).get_models():
        text = model.__doc__ or ""
        assert text, model
        assert not text.startswith(f"{model.__name__}("), f"{model.__name__} has only Django's own docstring"


def test_models__when_they_hold_names_or_addresses__then_the_docstring_says_so():
    personal = re.compile(
        r"^(email|recipient|phone|address|biodata|date_of_birth|ip|start_ip|user_agent|start_user_agent)$"
    )
    silent = {
        model.__name__
        for label in APP_LABELS
        for model in apps.get_app_config(label).get_models()
        if any(personal.match(field.name) for field in model._meta.local_fields)
        and ".. pii:" not in (model.__doc__ or "")
    }
    assert silent == PII_UNTOLD


def test_services_and_selectors__then_no_rest_framework():
    room = re.compile(r"/(services|selectors|models|engine)/")
    transport = re.compile(r"^\s*(from|import) rest_framework\b", re.MULTILINE)
    assert [path for path, text in sources() if room.search(path) and transport.search(text)] == []


def test_views__then_no_try_for_domain_errors():
    """A view never catches a refusal: the handler phrases it."""
    found = [
        f"{path}:{node.lineno}"
        for path, text in sources()
        if "/api/" in path
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ExceptHandler) and node.type is not None and "DomainError" in ast.unparse(node.type)
    ]
    assert found == []


def test_raw_sql__then_only_in_its_room():
    rooms = {"sessions_app/services/hot_sql.py", "cbt/ops/health.py", "cbt/ops/databases.py"}
    rooms |= {"cbt/kernel/trigrams.py"}  # runs in migrations only
    rooms |= {"cbt/kernel/horizon.py"}
    found = {path for path, text in sources() if re.search(r"\bcursor\(\)|\.raw\(|RawSQL\(|\.extra\(", text)}
    found -= {path for path in found if path.startswith("cbt/kernel/sqlite/")}
    assert found <= rooms
