"""What the walks over all routes send to the exam room."""

from tests.calls import NO_BODY, Maker

BODIES: dict[str, Maker] = {
    "POST /api/exam/{exam}/answer": lambda world, side: {"question_id": 1, "answer": "A", "is_doubtful": True},
    "POST /api/exam/{exam}/sync": lambda world, side: {
        "answers": [{"question_id": 1, "answer": "A", "is_doubtful": True}], "revision": 3,
    },
    "POST /api/exam/{exam}/submit": lambda world, side: NO_BODY,
    "POST /api/exam/{exam}/heartbeat": lambda world, side: NO_BODY,
}  # fmt: skip
