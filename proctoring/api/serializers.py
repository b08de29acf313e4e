"""What the routes of photos read and write."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from cbt.http.fields import Input, OutputSerializer
from cbt.kernel import clock, storage
from proctoring.models import Photo


class PhotoIn(Input):
    """One photo; documentation of the shape, the lean view reads it by hand."""

    photo = serializers.FileField(help_text="jpg, jpeg or png, at most 2048 KB")


class PhotoOut(OutputSerializer):
    """A photo. url: signed, good for ten minutes."""

    id = serializers.IntegerField()
    url = serializers.URLField()
    captured_at = serializers.DateTimeField()


class CapturedOut(OutputSerializer):
    """The stored photo, and the session's clock."""

    photo = PhotoOut()
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class StaffPhotoOut(OutputSerializer):
    """A photo as staff sees it. url: null once the file was removed by retention."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    url = serializers.URLField(allow_null=True)
    captured_at = serializers.DateTimeField()
    mime = serializers.CharField()
    size_bytes = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    sha256 = serializers.CharField()
    deleted_at = serializers.DateTimeField(allow_null=True)


def photo_row(photo: Photo, absolute: Callable[[str], str]) -> dict[str, Any]:
    """Write a photo as the contract does."""
    return {
        "id": photo.pk,
        "url": absolute(storage.signed_path(photo.path)),
        "captured_at": clock.iso(photo.captured_at),
    }


def staff_photo_row(photo: Photo, absolute: Callable[[str], str]) -> dict[str, Any]:
    """Write a photo for staff."""
    return {
        "id": photo.pk,
        "number": photo.number,
        "url": absolute(storage.signed_path(photo.path)) if photo.deleted_at is None else None,
        "captured_at": clock.iso(photo.captured_at),
        "mime": photo.mime,
        "size_bytes": photo.size_bytes,
        "width": photo.width,
        "height": photo.height,
        "sha256": photo.sha256,
        "deleted_at": clock.iso(photo.deleted_at),
    }
