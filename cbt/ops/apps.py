"""Django app of operations: commands and server pages that span all rooms."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """Commands: serve, load_demo, run_jobs, ... and health."""

    name = "cbt.ops"
    label = "ops"
