"""Reads of question banks, for authors: answer keys included."""

import base64
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from catalog.engine.document import FORMAT, PaperVersion, dump, parse_stored
from catalog.models import Question, QuestionPicture, Scale, Test
from cbt.kernel import storage
from cbt.kernel.errors import not_found


def questions_for(test: Test) -> QuerySet[Question]:
    """Questions of the bank in order."""
    return Question.objects.filter(test=test).order_by("position", "pk")


def question_get(test: Test, question_id: int) -> Question:
    """One question of this bank. Raises NOT_FOUND."""
    question = questions_for(test).filter(pk=question_id).first()
    if question is None:
        raise not_found()
    return question


def scales_for(test: Test) -> QuerySet[Scale]:
    """Scales of the bank in order."""
    return Scale.objects.filter(test=test).order_by("position", "pk")


def pictures_for(test: Test) -> QuerySet[QuestionPicture]:
    """Current pictures of the bank by key."""
    return QuestionPicture.objects.filter(test=test, replaced_at__isnull=True).order_by("key")


def paper_of_bank(test: Test, *, is_offer: bool = False) -> PaperVersion:
    """The bank as it stands now, pictures by id.

    is_offer: with type, category and price, which say how a test is offered and not what it is; without them two
    versions of equal content are equal.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "code": test.code,
        "name": test.name,
        "description": test.description,
        "duration_minutes": test.duration_minutes,
        "settings": test.settings_document(),
        "questions": [question.document() for question in questions_for(test)],
        "scales": [scale.document() for scale in scales_for(test)],
        "pictures": {picture.key: picture.document() for picture in pictures_for(test)},
    }
    if is_offer:
        category = test.category
        shown = {"slug": category.slug, "name": category.name} if category else None
        document |= {"type": test.type, "price": test.price, "category": shown}
    return parse_stored(document)


def test_document_export(test: Test) -> dict[str, Any]:
    """The whole test as one `cbt-test/1` document with its pictures. Holds the answer key: for authors only."""
    document = dump(paper_of_bank(test, is_offer=True), stored=True)
    files = {picture.key: picture.file for picture in pictures_for(test)}
    document["pictures"] = {key: _embedded(picture, files[key]) for key, picture in document["pictures"].items()}
    return document


def _embedded(picture: Mapping[str, Any], file: str) -> dict[str, Any]:
    content = base64.b64encode(storage.read(file)).decode("ascii")
    return {"mime": picture["mime"], "alt": picture["alt"], "data_base64": content}
