"""Django app of the face: its jobs and commands. It has no rows of its own."""

from django.apps import AppConfig


class ExamFilesConfig(AppConfig):
    """Registers jobs, commands and the admin's page."""

    name = "cbt.faces.exam_files"
    label = "exam_files"
    verbose_name = "Exams as files"

    def ready(self) -> None:
        """Register jobs, and hear of attempts that end."""
        from cbt.faces.exam_files import tasks
        from cbt.kernel.events import SessionBanned, SessionCompleted, subscribe

        for event in (SessionCompleted, SessionBanned):
            subscribe(event, tasks.on_session_ended)
