"""Answers as the contract prints them, for the API documentation."""

from typing import Any

MOMENT = "2024-01-01T00:00:00Z"
_CLOCK = {"server_time": "2024-01-01T00:05:10Z", "remaining_seconds": 3290}
_TOKEN = "SESSION-ABC123XYZ456"  # noqa: S105 - the contract's example
_ASSIGNMENT = {
    "id": 1, "token": "ASSIGNMENT-TOKEN-123", "start_date": MOMENT, "end_date": "2024-01-31T23:59:59Z",
}  # fmt: skip
_TEST = {"id": 1, "name": "Test Name", "code": "TEST-001", "duration_minutes": 60, "question_count": 50}
_ANSWER = {
    "question_id": "question_1", "answer": "answer_value", "is_correct": None, "points": 0,
    "updated_at": "2024-01-01T00:05:00Z",
}  # fmt: skip


def answer(data: Any, message: str) -> dict[str, Any]:
    """Return the envelope round an example."""
    return {"success": True, "message": message, "data": data, "status_code": 200}


ASSIGNMENT = answer(
    {
        "assignment": {**_ASSIGNMENT, "is_completed": False, "completed_at": None, "time_remaining": 2592000},
        "test": {
            **_TEST, "description": "Test description", "type": "public",
            "category": {"id": 1, "name": "Category Name"},
        },
        "participant": {"id": 1, "name": "Participant Name", "email": "participant@example.com", "biodata": {}},
    },
    "Assignment retrieved successfully",
)  # fmt: skip
BIODATA = answer(
    {"is_complete": False, "biodata": {"name": "Participant Name", "email": "participant@example.com"}},
    "Biodata status retrieved successfully",
)
STARTED = answer(
    {
        "session": {
            "session_token": _TOKEN, "test": {"id": 1, "name": "Test Name", "duration_minutes": 60},
            "started_at": MOMENT, "deadline_at": "2024-01-01T01:00:00Z",
        },
        "server_time": MOMENT, "remaining_seconds": 3600,
    },
    "Test session started successfully",
)  # fmt: skip
SESSION = answer(
    {
        "id": 1, "session_token": _TOKEN, "status": "in_progress", "started_at": MOMENT, "completed_at": None,
        "time_spent_seconds": 300, "test": _TEST, "assignment": _ASSIGNMENT, "answers": [_ANSWER],
        "deadline_at": "2024-01-01T01:00:00Z", **_CLOCK,
    },
    "Session retrieved successfully",
)  # fmt: skip
SAVED = answer(
    {"session_token": _TOKEN, "time_spent_seconds": 310, "answers": [_ANSWER], **_CLOCK}, "Answers saved successfully"
)
SUBMITTED = answer(
    {
        "id": 1, "session_token": _TOKEN, "status": "completed", "completed_at": "2024-01-01T00:30:00Z",
        "time_spent_seconds": 1800, "result_id": 1, "already_submitted": False, "submitted_by": "taker",
        "server_time": "2024-01-01T00:30:00Z", "remaining_seconds": 0,
    },
    "Test submitted successfully",
)  # fmt: skip
TIME = answer({"time_spent_seconds": 600, **_CLOCK}, "Time updated successfully")
