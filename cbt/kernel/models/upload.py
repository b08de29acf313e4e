"""Files that users keep here."""

from django.db import models


class Upload(models.Model):
    """One uploaded file, stored privately. Only its owner, admins and holders of a signed address can read it.

    name: made by the server, and all that a client ever says of a file.  sha256, byte_count: of what is stored.
    """

    name = models.CharField(max_length=40, unique=True)
    owner_id = models.BigIntegerField(db_index=True)
    mime = models.CharField(max_length=40)
    byte_count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
