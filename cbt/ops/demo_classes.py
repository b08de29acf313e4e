"""The class of the demo: an admin, an instructor with a test, a student. Safe to run again."""

from accounts.models import User
from accounts.selectors.users import actor_of_user, user_by_username
from accounts.services.named import named_create
from accounts.states import Role
from catalog.models import Test
from catalog.services.classes import ClassTest, class_test_create

PASSWORD = "DemoPass123!"  # noqa: S105 - published on purpose; `cbt.ops.demo.is_allowed` keeps it off real servers
_QUESTIONS = [
    ("q1", "Which city is the capital of Indonesia?", ["Bandung", "Jakarta", "Surabaya", "Medan"], "b"),
    ("q2", "How many provinces did Indonesia have when it was founded in 1945?", ["8", "27", "33", "38"], "a"),
    ("q3", "Which island is the largest part of Indonesia's land?", ["Java", "Sulawesi", "Kalimantan", "Bali"], "c"),
]


def load_demo_classes() -> None:
    """Store what is missing of the three accounts and the instructor's test."""
    for username, role in (("admin", Role.SUPER_ADMIN), ("instructor", Role.INSTRUCTOR), ("student", Role.STUDENT)):
        _account(username, role)
    instructor = _account("instructor", Role.INSTRUCTOR)
    if Test.objects.filter(owner=instructor).exists():
        return
    questions = [
        {
            "key": key,
            "kind": "single_choice",
            "text": text,
            "options": [{"key": letter, "text": option} for letter, option in zip("abcd", options, strict=True)],
            "answer_key": right,
        }
        for key, text, options, right in _QUESTIONS
    ]
    said = ClassTest(title="Geography of Indonesia", description="Three questions", questions=questions)
    class_test_create(said=said, actor=actor_of_user(instructor))


def _account(username: str, role: Role) -> User:
    return user_by_username(username) or named_create(username=username, password=PASSWORD, role=role)
