"""`make run`: prepare everything, say where it is, serve in the foreground."""

import os
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from cbt.ops import demo

FOLDERS = ("mails", "media", "exams/input", "exams/attempts", "exams/output", "exams/progress")
ADDRESS = "127.0.0.1"


class Command(BaseCommand):
    help = "Migrate, load demo data (embedded or DEBUG only) and serve http://127.0.0.1:$PORT with the worker inside."
    requires_system_checks: list[str] = []  # the worker runs them; twice would be slow

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="do not load demo data")

    def handle(self, *args: Any, **options: Any) -> None:
        port: int = settings.PORT
        refuse_taken_port(port, "PORT")
        if "LIVE_PORT" in os.environ:
            refuse_taken_port(settings.LIVE_PORT, "LIVE_PORT")
        elif is_taken(settings.LIVE_PORT):
            os.environ["LIVE_PORT"] = str(free_port())
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - once more, with the port told
        for folder in FOLDERS:
            (settings.DATA_DIR / folder).mkdir(parents=True, exist_ok=True)
        migrate_if_needed(self.stdout)
        accounts = [] if options["no_demo"] else demo.load_demo()
        self.stdout.write(banner(accounts))
        self.stdout.flush()
        connections.close_all()
        become_server(port)


def is_taken(port: int) -> str:
    """Return why nobody can listen there, "" where one can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            return str(error.strerror)
    return ""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def refuse_taken_port(port: int, name: str) -> None:
    """Raise CommandError with a hint when somebody listens there already."""
    if reason := is_taken(port):
        raise CommandError(
            f"Cannot listen on {ADDRESS}:{port} ({reason}). Is a server running there already? "
            f"Stop it, or choose another port: {name}={port + 10} make run"
        )


def migrate_if_needed(stdout: Any) -> None:
    """Run the migrations that are missing; a warm start only compares the lists."""
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    except OperationalError as error:
        raise CommandError(f"The database cannot be reached: {str(error).strip()}") from None
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        stdout.write("Preparing the database ...")
        stdout.flush()
        call_command("migrate", interactive=False, verbosity=0)


def banner(accounts: list[demo.DemoAccount]) -> str:
    """Return what a newcomer needs: addresses, accounts, where the data lies, how to stop."""
    url = f"http://{ADDRESS}:{settings.PORT}"
    database = connections[DEFAULT_DB_ALIAS]
    lines = [
        "",
        f"  {settings.BRAND} is starting on {url}",
        "",
        f"    API documentation   {url}/api/docs",
        f"    Admin               {url}/admin/",
        f"    Sockets, streams    {settings.LIVE_URL}/ws/",
        # A frontend at localhost is another site than 127.0.0.1: browsers would keep the cookies to themselves.
        f"    For frontends       http://localhost:{settings.PORT}/api, where cookies reach it",
        f"    Health              {url}/health",
        f"    Data and mails      {settings.DATA_DIR}",
        f"    Database            {database.display_name}, {Path(str(database.settings_dict['NAME'])).name}",
    ]
    if accounts:
        width = max(len(account.login) for account in accounts)
        lines += ["", "  Demo accounts (this machine only)", ""]
        lines += [f"    {one.login:<{width}}  {one.password:<13} {one.what}" for one in accounts]
    return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])


def become_server(port: int) -> None:
    """Replace this process by the web server, so that signals reach it and Django's memory is given back."""
    # The server copies its environment into every request: nothing there may look like a header.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HTTP_", "CONTENT_"))}
    environment |= {
        "PORT": str(port),
        "LIVE_PORT": str(settings.LIVE_PORT),
        "DATA_DIR": str(settings.DATA_DIR),
        "PYTHONPATH": str(settings.BASE_DIR),
        "CBT_RUN_JOBS": "0" if os.environ.get("JOB_EXECUTOR") == "celery" else "1",
    }
    # A broker alone runs no jobs: Celery takes them only where it was asked for by name.
    environment.setdefault("JOB_EXECUTOR", "embedded")
    sys.stdout.flush()
    os.execve(  # noqa: S606 - our own interpreter and module
        sys.executable, [sys.executable, "-m", "cbt.ops.server", ADDRESS, str(port)], environment
    )
