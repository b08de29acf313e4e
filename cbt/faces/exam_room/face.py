"""How the exam room writes its answers: bare objects; errors as everywhere. Source: exam-room contract 1 and 2."""

from typing import Any

from cbt.http.face import SIGNING_IN, Face, Ok, error_body


def _bare(ok: Ok) -> Any:
    return ok.data


EXAM_ROOM = Face(
    name="exam_room", title="exam room", wrap=_bare, fail=error_body, borrowed=SIGNING_IN | {"/health", "/metrics"}
)
