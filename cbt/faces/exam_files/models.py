"""The page of the exam files in the admin has a name by this; there is no table behind it."""

from django.db import models


class ExamFile(models.Model):
    """An exam file, for the admin's list of pages. Never read or written."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = "exam file"

    def __str__(self) -> str:
        return "exam file"
