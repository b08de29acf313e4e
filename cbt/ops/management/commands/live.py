"""The live server as a process of its own."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Serve sockets and event streams (/ws/...) until SIGINT or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.LIVE_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        from cbt.live.server import serve

        try:
            serve(options["address"], options["port"])
        except OSError as error:
            raise CommandError(f"Cannot listen on {options['address']}:{options['port']} ({error.strerror}).") from None
