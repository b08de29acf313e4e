"""Tests that instructors and admins make for classes of their own. Source: v1 contract, tests."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.engine.document import FORMAT
from catalog.models import Test
from catalog.selectors.bank import test_document_export
from catalog.services import offers
from catalog.services.documents import test_document_import
from catalog.states import ResultPolicy, TestType
from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode

Document = Mapping[str, Any]
_NAMES = {"key": "id", "answer_key": "correct_option", "weight": "points"}


@dataclass(frozen=True, slots=True)
class ClassTest:
    """What authors say about a test; None: not said. questions: documents of `cbt-test/1`.

    has_start: starts_at was said, be it None.
    """

    title: str | None = None
    description: str | None = None
    questions: Sequence[Document] | None = None
    is_active: bool | None = None
    starts_at: datetime | None = None
    has_start: bool = False


def class_test_create(*, said: ClassTest, actor: Actor) -> Test:
    """Store a test with its questions, owned by the actor; takers learn their score, each may take it once.

    Raises VALIDATION_ERROR with paths such as ``questions.0.correct_option``.
    """
    document = {
        "format": FORMAT,
        "code": f"V1-{secrets.token_hex(6).upper()}",
        "name": said.title or "",
        "description": said.description or "",
        "type": TestType.ALL.value,
        "settings": {"result_policy": ResultPolicy.SCORE.value},
        "questions": list(said.questions or ()),
    }
    with transaction.atomic():
        test, _ = _imported(document, actor, is_new=True)
        test.owner_id = actor.id
        return _facts(test, said)


def class_test_update(*, test_id: int, said: ClassTest, actor: Actor) -> Test:
    """Change what is said. Sessions keep the version they were started with; who starts now gets the new one.

    The caller has seen to it that the actor may (`catalog.selectors.offers.sees_keys`).
    Raises NOT_FOUND, VALIDATION_ERROR.
    """
    with transaction.atomic():
        test = offers.test_lock(test_id)
        if any(part is not None for part in (said.title, said.description, said.questions)):
            document = test_document_export(test)
            document |= {"name": said.title} if said.title is not None else {}
            document |= {"description": said.description} if said.description is not None else {}
            document |= {"questions": list(said.questions)} if said.questions is not None else {}
            test, _ = _imported(document, actor, is_new=False)
        return _facts(test, said)


def _facts(test: Test, said: ClassTest) -> Test:
    """Write what no version carries."""
    test.is_active = test.is_active if said.is_active is None else said.is_active
    test.starts_at = said.starts_at if said.has_start else test.starts_at
    test.updated_at = clock.now()
    test.save(update_fields=["owner", "is_active", "starts_at", "updated_at"])
    return test


def _imported(document: dict[str, Any], actor: Actor, *, is_new: bool) -> tuple[Test, bool]:
    try:
        return test_document_import(document=document, actor=actor, replace_bank=not is_new)
    except DomainError as error:
        if error.code is not ErrorCode.VALIDATION_ERROR:
            raise
        fields: dict[str, list[str]] = {}
        for path, texts in error.fields.items():
            fields.setdefault(_renamed(path), []).extend(texts)
        raise DomainError(error.code, error.message, fields=fields) from error


def _renamed(path: str) -> str:
    """Return a path in the words of the contract."""
    words = path.split(".")
    if words[0] == "questions":
        return ".".join(_NAMES.get(word, word) for word in words)
    return "title" if path == "name" else path
