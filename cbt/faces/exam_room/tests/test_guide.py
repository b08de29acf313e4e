"""The guide names what there is."""

import re

from django.conf import settings

from cbt.faces.exam_room import urls, views


def test_guide__then_it_names_every_route_and_every_code_of_its_own():
    page = (settings.BASE_DIR / "docs/exam-room.md").read_text(encoding="utf-8")
    ends = {re.sub(r"exam/?(<int:exam_id>)?/?", "", str(route.pattern)) for route in urls.urlpatterns} - {""}
    assert {"questions", "answer", "sync", "submit", "result", "timer", "heartbeat"} == ends
    assert [end for end in ends if f"/{end}`" not in page] == []
    codes = {*views.START, *views.WRITE, "UNKNOWN_QUESTION", "VALIDATION_ERROR", "RESULT_NOT_AVAILABLE"}
    assert [code for code in codes if f"`{code}`" not in page] == []
