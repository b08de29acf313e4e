"""Answers that are a file."""

from django.http import HttpResponse


def file_answer(name: str, content: bytes, content_type: str, *, inline: bool = False) -> HttpResponse:
    """Return a file under this name (ours: no quotes in it); inline: shown by the browser. No cache keeps it."""
    place = "inline" if inline else "attachment"
    headers = {"Content-Disposition": f'{place}; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=content_type, headers=headers)
