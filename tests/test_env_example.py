"""`.env.example` documents exactly what is read: by the settings, and by docker-compose.yml."""

import ast
import re

from django.conf import settings

ROOT = settings.BASE_DIR


def read_by_settings() -> set[str]:
    """Return the first argument of every ``env.…("NAME")`` and ``os.environ.get("NAME")``."""
    tree = ast.parse((ROOT / "cbt/settings.py").read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.fullmatch(r"env\.\w+|os\.environ\.get", ast.unparse(node.func))
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def read_by_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def documented() -> list[str]:
    return re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_env_example__then_documents_every_variable_once_and_no_other():
    assert len(documented()) == len(set(documented()))
    assert set(documented()) == read_by_settings() | read_by_compose()


def test_settings__then_the_only_module_that_reads_the_environment():
    apps = ("cbt", "accounts", "catalog", "commerce", "tenants", "sessions_app", "anticheat", "proctoring")
    own = [path for app in apps for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts]
    readers = {str(path.relative_to(ROOT)) for path in own if re.search(r"os\.(environ|getenv)", path.read_text())}
    assert readers <= {
        "cbt/settings.py",
        "cbt/wsgi.py", "cbt/asgi.py", "cbt/celery.py",  # name the settings module
        "cbt/ops/management/commands/serve.py",  # hands its own on to the server
        "accounts/management/commands/create_super_admin.py",  # takes one password, so that no shell history has it
    }  # fmt: skip


def test_env_example__then_holds_no_secret():
    text = (ROOT / ".env.example").read_text()
    assert re.search(r"^SECRET_KEY=$", text, re.MULTILINE)
    assert re.search(r"^POSTGRES_PASSWORD=$", text, re.MULTILINE)
