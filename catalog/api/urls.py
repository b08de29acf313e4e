"""Addresses of the catalogue, below /api/."""

from django.urls import path

from catalog.api import bank, categories, documents, offers

urlpatterns = [
    path("test-categories", categories.Categories.as_view(), name="test-categories"),
    path("test-categories/<int:category>", categories.OneCategory.as_view(), name="test-category"),
    path("tests", offers.Offers.as_view(), name="tests"),
    path("tests/schema", documents.Schema.as_view(), name="test-document-schema"),
    path("tests/import", documents.Import.as_view(), name="test-import"),
    path("tests/<int:test>", offers.OneOffer.as_view(), name="test"),
    path("tests/<int:test>/export", documents.Export.as_view(), name="test-export"),
    path("tests/<int:test>/questions", bank.Questions.as_view(), name="test-questions"),
    path("tests/<int:test>/questions/reorder", bank.QuestionOrder.as_view(), name="test-questions-reorder"),
    path("tests/<int:test>/questions/<int:question>", bank.OneQuestion.as_view(), name="test-question"),
    path("tests/<int:test>/scales", bank.Scales.as_view(), name="test-scales"),
    path("tests/<int:test>/pictures", bank.Pictures.as_view(), name="test-pictures"),
]
