"""The reference of error codes is whole and is what the code says."""

from django.conf import settings

from cbt.http.face import PRIMARY, STATUS
from cbt.http.reference import MEANING, as_markdown
from cbt.kernel.errors import ErrorCode


def test_reference__then_every_code_has_a_status_and_a_meaning():
    assert set(MEANING) == set(ErrorCode) == set(STATUS)
    assert all(what.endswith(".") and then.endswith(".") for what, then in MEANING.values())


def test_page__then_as_the_code_says():
    assert (settings.BASE_DIR / "docs/errors.md").read_text() == as_markdown()


def test_conflict__then_400_on_the_primary_face():
    """The primary contract's list of statuses has no 409: a refused business action is 400."""
    assert PRIMARY.status(ErrorCode.CONFLICT) == 400
