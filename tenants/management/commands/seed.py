"""`manage.py seed`: what a new installation starts with."""

from typing import Any

from django.core.management.base import BaseCommand

from tenants.services.initial_data import load_initial_data


class Command(BaseCommand):
    """Loads the initial data; safe to run again and on several machines at once."""

    help = "Load the initial data: subscription plans and prices, test categories. Changes nothing that exists."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in load_initial_data().items():
            self.stdout.write(f"{name}: {count} new")
