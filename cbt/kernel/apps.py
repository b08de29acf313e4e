"""Django app of the kernel."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Rows every app relies on: jobs, outgoing mails, audit events."""

    name = "cbt.kernel"
    label = "kernel"
    verbose_name = "Operations"

    def ready(self) -> None:
        """Register periodic work."""
        from cbt.kernel import uploads  # noqa: F401
