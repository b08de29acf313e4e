"""Rows of the catalogue."""

from catalog.models.bank import Question, QuestionPicture, Scale
from catalog.models.offer import Test, TestCategory
from catalog.models.version import ImmutableRow, TestVersion

__all__ = ["ImmutableRow", "Question", "QuestionPicture", "Scale", "Test", "TestCategory", "TestVersion"]
