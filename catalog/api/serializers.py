"""What the catalogue's routes read and write."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.engine.structure import KINDS
from catalog.models import Question, QuestionPicture, Test
from catalog.states import CheatPolicy, ResultPolicy, TestType
from cbt.http.fields import AnyJson, IdField, Input, JsonObject, Money, OutputSerializer
from cbt.kernel import storage
from cbt.kernel.actor import Actor

INTEGER_MAX = 2**31 - 1
TEXT_MAX = 20_000


QUESTION_KINDS = [(kind, kind) for kind in sorted(KINDS)]


class CategoryIn(Input):
    """A category. Without `slug` one is made of the name."""

    name = serializers.CharField(max_length=255)
    slug = serializers.CharField(max_length=255, required=False, allow_null=True)
    description = serializers.CharField(max_length=TEXT_MAX, required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    sort_order = serializers.IntegerField(min_value=0, max_value=INTEGER_MAX, required=False)


class CategoryOut(OutputSerializer):
    """A category."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    sort_order = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_description(self, category: Any) -> str | None:
        """Null where there is none."""
        return category.description or None


class CountedCategoryOut(CategoryOut):
    """A category with the number of its tests."""

    tests_count = serializers.IntegerField()


class SettingsIn(Input):
    """How a test is given. Left out: unchanged, or the default."""

    shuffle_questions = serializers.BooleanField(required=False)
    shuffle_options = serializers.BooleanField(required=False)
    max_attempts = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    result_policy = serializers.ChoiceField([word.value for word in ResultPolicy], required=False)
    cheat_policy = serializers.ChoiceField([word.value for word in CheatPolicy], required=False)
    pass_percentage = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(100),
        required=False,
        allow_null=True,
    )


class OfferIn(Input):
    """A test on offer."""

    category_id = IdField(required=False, allow_null=True)
    name = serializers.CharField(max_length=255)
    code = serializers.CharField(max_length=50)
    price = serializers.DecimalField(max_digits=15, decimal_places=2, min_value=Decimal(0))
    question_count = serializers.IntegerField(min_value=0, max_value=INTEGER_MAX, required=False, allow_null=True)
    duration_minutes = serializers.IntegerField(min_value=1, max_value=100_000, required=False, allow_null=True)
    type = serializers.ChoiceField([word.value for word in TestType])
    description = serializers.CharField(max_length=TEXT_MAX, required=False, allow_null=True)
    instruction_route = serializers.CharField(max_length=255, required=False, allow_null=True)
    test_route = serializers.CharField(max_length=255, required=False, allow_null=True)
    metadata = JsonObject(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    sort_order = serializers.IntegerField(min_value=0, max_value=INTEGER_MAX, required=False)
    settings = SettingsIn(required=False)


class OfferForOthersOut(OutputSerializer):
    """A test as companies and buyers see it: not how it watches and marks its takers."""

    id = serializers.IntegerField()
    category_id = serializers.IntegerField(allow_null=True)
    category = CategoryOut(allow_null=True)
    name = serializers.CharField()
    code = serializers.CharField()
    price = Money()
    question_count = serializers.IntegerField()
    duration_minutes = serializers.IntegerField()
    type = serializers.CharField()
    description = serializers.SerializerMethodField()
    instruction_route = serializers.SerializerMethodField()
    test_route = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    sort_order = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_description(self, test: Test) -> str | None:
        """Null where there is none."""
        return test.description or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_instruction_route(self, test: Test) -> str | None:
        """Null where there is none."""
        return test.instruction_route or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_test_route(self, test: Test) -> str | None:
        """Null where there is none."""
        return test.test_route or None


class OfferOut(OfferForOthersOut):
    """A test as its administrators see it (`AdminTest`), with the settings of its sittings."""

    metadata = AnyJson(allow_null=True)
    settings = serializers.SerializerMethodField()

    @extend_schema_field(SettingsIn)
    def get_settings(self, test: Test) -> dict[str, Any]:
        """Settings of the test document."""
        return test.settings_document()


class SeenOfferOut(OfferForOthersOut):
    """A test as the caller sees it; metadata and settings are shown to the super admin only."""

    metadata = AnyJson(allow_null=True, required=False)
    settings = SettingsIn(required=False)


def offer_shape(test: Test, actor: Actor) -> Any:
    """Write a test for whoever asks. Source: details W-17."""
    return (OfferOut if actor.is_super_admin else OfferForOthersOut)(test).data


class BankQuestionIn(Input):
    """One question as the test document writes it; which fields a kind has is told by `GET /api/tests/schema`."""

    key = serializers.CharField(max_length=64)
    kind = serializers.ChoiceField(QUESTION_KINDS)
    text = serializers.CharField(max_length=TEXT_MAX)
    picture = serializers.CharField(required=False, allow_null=True)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]
    weight = serializers.FloatField(required=False)
    negative_weight = serializers.FloatField(required=False)
    partial_credit = serializers.BooleanField(required=False)
    options = serializers.ListField(child=JsonObject(), required=False)
    answer_key = AnyJson(required=False, allow_null=True)
    tolerance = serializers.FloatField(required=False)
    min = serializers.FloatField(required=False, allow_null=True)
    max = serializers.FloatField(required=False, allow_null=True)
    step = serializers.FloatField(required=False, allow_null=True)
    accepted = serializers.ListField(child=serializers.CharField(), required=False)
    case_sensitive = serializers.BooleanField(required=False)
    max_length = serializers.IntegerField(max_value=INTEGER_MAX, required=False)
    position = serializers.IntegerField(min_value=1, max_value=INTEGER_MAX, required=False)


class BankQuestionOut(BankQuestionIn):
    """A question with its key: for authors only. Fields that its kind does not have are left out."""

    id = serializers.IntegerField()
    position = serializers.IntegerField()

    @staticmethod
    def of(question: Question) -> dict[str, Any]:
        """The answer for one question."""
        return {"id": question.pk, "position": question.position, **question.document()}


class ReorderIn(Input):
    """Every question key once, in the new order."""

    keys = serializers.ListField(child=serializers.CharField(max_length=64), max_length=1000)


class ScaleShape(OutputSerializer):
    """A scale as the test document writes it."""

    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    items = serializers.ListField(child=JsonObject())


class ScalesIn(Input):
    """All scales of a test."""

    scales = serializers.ListField(child=JsonObject(), max_length=200)


class PictureIn(Input):
    """A picture for questions and options: multipart with `key`, `picture` (PNG or JPEG, 2 MiB) and `alt`."""

    key = serializers.CharField(max_length=64)
    picture = serializers.FileField()
    alt = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class PictureOut(OutputSerializer):
    """A picture of the bank. `url` is signed and expires."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    mime = serializers.CharField()
    alt = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    byte_count = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_url(self, picture: QuestionPicture) -> str:
        """Signed path below the server's root."""
        return storage.signed_path(picture.file)


class DocumentShape(OutputSerializer):
    """A whole test, `cbt-test/1`; `GET /api/tests/schema` has the full schema."""

    format = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    duration_minutes = serializers.IntegerField(required=False)
    type = serializers.CharField(required=False)
    category = JsonObject(required=False, allow_null=True)
    price = serializers.FloatField(required=False)
    settings = JsonObject(required=False)
    questions = serializers.ListField(child=JsonObject(), required=False)
    scales = serializers.ListField(child=JsonObject(), required=False)
    pictures = JsonObject(required=False)
