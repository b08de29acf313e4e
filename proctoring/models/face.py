"""A face that somebody has let the server learn."""

from django.conf import settings
from django.db import models


class FaceEnrolment(models.Model):
    """The face of one user as numbers; the picture they were read from is not kept.

    kind: what read them; numbers of different kinds say nothing about one another.
    used_at: when the face was last enrolled or recognised; retention counts from it.

    .. pii: biometric data, stored on the person's own word (`enrolled_at`) and removed on it, or FACE_RETENTION_DAYS
       after it was last used.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    encoding = models.JSONField()
    enrolled_at = models.DateTimeField()
    used_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"face of user {self.user_id}"
