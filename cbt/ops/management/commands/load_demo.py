"""Load the demo data without serving."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.ops import demo


class Command(BaseCommand):
    help = "Store the demo data that is not there yet (embedded run or DEBUG only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not demo.is_allowed():
            raise CommandError(
                "Demo accounts have published passwords: they exist only on embedded runs and with DEBUG."
            )
        for account in demo.load_demo():
            self.stdout.write(f"{account.login}  {account.password}  {account.what}")
