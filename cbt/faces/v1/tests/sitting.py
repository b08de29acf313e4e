"""How a student takes a test of a class: in one request."""

from typing import Any

from accounts.services.users import users_lock
from accounts.states import Role
from accounts.tests.factories import token_of
from catalog.models import Test
from cbt.faces.v1.tests.factories import api_of, make_named, make_test, question
from tests.sittings import Sitting
from tests.support import Api


class ByClass(Sitting):
    """A student of a class.

    The dialect has neither a start nor a save. What was answered stays with the client until it is handed in, and
    the session begins, is saved and ends within that one request. So reading the test is the nearest to starting it,
    nothing can be late, what was not handed in is not on the server, and a ban can only shut the student out.
    """

    has_save = False

    def __init__(self, student: Any = None, test: int = 0) -> None:
        self.student = student or make_named()
        self.test = test or make_test(api_of(Role.INSTRUCTOR), *(question(key, "b") for key in ("q1", "q2", "q3")))
        self.api = Api(token_of(self.student))
        self.answers: dict[str, str] = {}

    def start(self) -> Any:
        return self.api.get(f"/v1/tests/{self.test}")

    def save(self, answers: dict[str, str]) -> Any:
        raise AssertionError("this dialect has no save")

    def keep(self, answers: dict[str, str]) -> None:
        """Remember them, as a browser does."""
        self.answers |= answers

    def send(self, answers: dict[str, str]) -> Any:
        self.keep(answers)
        return self.submit()

    def submit(self) -> Any:
        return self.api.post(f"/v1/tests/{self.test}/submit", {"answers": self.answers})

    def ban(self) -> None:
        users_lock(user_ids=[self.student.pk], locked=True)

    def as_stranger(self) -> Sitting:
        """Another student may take the test as well, for themself; to another instructor it is not there."""
        return ByClass(make_named(Role.INSTRUCTOR), self.test)

    def anew(self) -> Sitting:
        return ByClass(self.student, self.test)

    def set_duration(self, minutes: int) -> None:
        """Give the test a time limit, which only its staff elsewhere can."""
        Test.objects.filter(pk=self.test).update(duration_minutes=minutes)


DRIVER = ByClass
