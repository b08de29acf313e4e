"""ASGI entry point: sockets and event streams only. Everything else is `cbt.wsgi`'s."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")
django.setup()

from cbt.live.routing import application_make  # noqa: E402 - needs the settings

application = application_make()
