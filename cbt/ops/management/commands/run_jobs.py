"""A worker without Celery: runs due jobs, for as long as it lives or once."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections

from cbt.kernel import jobs, leases, runner


class Command(BaseCommand):
    help = "Run due jobs. Without --once it goes on until SIGINT or SIGTERM; several may run beside each other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="run what is due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            jobs.enqueue_periodic()
            self.stdout.write(f"{jobs.run_due()} jobs ran")
            return
        leases.start()
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("Running jobs; Ctrl-C ends it after the current one.")
        while not stop.is_set():
            try:
                ran = runner.tick()
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database cannot be reached, trying again: {type(error).__name__}")
                ran = 0
            close_old_connections()
            if not ran:
                stop.wait(runner.POLL_SECONDS)
