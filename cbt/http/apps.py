"""Django app of the HTTP layer (for its checks and templates)."""

from django.apps import AppConfig


class HttpConfig(AppConfig):
    """No rows; registered so that its system checks run."""

    name = "cbt.http"
    label = "http_layer"
