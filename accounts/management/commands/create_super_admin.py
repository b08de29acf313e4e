"""Make the first super admin of a new installation."""

import getpass
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.services.users import super_admin_create
from cbt.kernel.errors import DomainError


class Command(BaseCommand):
    """``create_super_admin --email --name``; safe to run again: an existing super admin is left as it is."""

    help = "Make a verified super admin. The password is asked for, or read from SUPER_ADMIN_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="Super Admin")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip()
        try:
            validate_email(email)
            made = super_admin_create(name=options["name"], email=email, password=self._password())
        except ValidationError:
            raise CommandError("That is not an e-mail address.") from None
        except DomainError as error:
            texts = [text for field in error.fields.values() for text in field]
            raise CommandError(" ".join(texts) or error.message) from None
        word = "made" if made.is_new else "exists already and was left as it is"
        self.stdout.write(f"Super admin #{made.user.pk} {word}.")

    def _password(self) -> str:
        # Not a setting: settings are shown by debug pages and `diffsettings`; this is read once and forgotten.
        given = os.environ.get("SUPER_ADMIN_PASSWORD", "")
        if given:
            return given
        first = getpass.getpass("Password (at least 8 characters): ")
        if getpass.getpass("Again: ") != first:
            raise CommandError("The two passwords differ.")
        return first
