"""Django app of the face: its jobs and commands. It has no rows of its own."""

from django.apps import AppConfig


class ExamFilesConfig(AppConfig):
    """Registers jobs and commands."""

    name = "cbt.faces.exam_files"
    label = "exam_files"

    def ready(self) -> None:
        """Register jobs."""
        from cbt.faces.exam_files import tasks  # noqa: F401
