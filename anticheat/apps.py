"""Django app."""

from django.apps import AppConfig


class AnticheatConfig(AppConfig):
    """Registers the app."""

    name = "anticheat"
