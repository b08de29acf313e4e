"""Serializer fields and the contract's phrases for what is wrong with a field."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cbt.http.request import Request
from cbt.kernel import clock

MAX_ID = 2**63 - 1


class Input(serializers.Serializer[Any]):
    """Base of every input: parses and bounds, decides nothing.

    Messages are phrased as the contract's example does (``The email field is required.``).
    Empty strings count as null where a field may be null; unknown keys are ignored, as documented clients send some.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            _phrase(name, field)

    def to_internal_value(self, data: Any) -> Any:
        """Read blanks as null for nullable fields, then validate."""
        if isinstance(data, dict):
            data = {
                key: None if value == "" and key in self.fields and self.fields[key].allow_null else value
                for key, value in data.items()
            }
        return super().to_internal_value(data)

    @classmethod
    def parse(cls, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """Return the validated body or raise the 422."""
        serializer = cls(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


def _kind_phrases(label: str, field: Any) -> dict[str, str]:
    """Return what is said of a value of the wrong kind."""
    if isinstance(field, serializers.IntegerField):
        return dict.fromkeys(("invalid", "max_string_length"), f"The {label} must be an integer.")
    if isinstance(field, serializers.BooleanField):
        return {"invalid": f"The {label} field must be true or false."}
    if isinstance(field, (serializers.DecimalField, serializers.FloatField)):
        more = f"The {label} must not have more than"
        return {
            **dict.fromkeys(("invalid", "max_string_length"), f"The {label} must be a number."),
            "max_digits": f"{more} {{max_digits}} digits.",
            "max_decimal_places": f"{more} {{max_decimal_places}} decimal places.",
            "max_whole_digits": f"{more} {{max_whole_digits}} digits before the decimal point.",
        }
    if isinstance(field, serializers.DateTimeField):
        moment = f"The {label} must be a date such as 2024-01-31T08:00:00Z."
        return dict.fromkeys(("invalid", "date", "overflow", "make_aware"), moment)
    if isinstance(field, serializers.DateField):
        return dict.fromkeys(("invalid", "datetime"), f"The {label} must be a date such as 1990-01-31.")
    if isinstance(field, serializers.CharField):
        return {"invalid": f"The {label} must be a string."}
    return {}


def _phrase(name: str, field: Any) -> None:
    label = name.replace("_", " ")
    field.error_messages |= {
        "required": f"The {label} field is required.",
        "null": f"The {label} field is required.",
        "blank": f"The {label} field is required.",
        "empty": f"The {label} field is required.",
        "not_a_dict": f"The {label} must be an object.",
        "not_a_list": f"The {label} must be an array.",
        "invalid_choice": f"The selected {label} is invalid.",
    }
    own = field._kwargs.get("error_messages", {})  # what the field says in words of its own
    field.error_messages |= _kind_phrases(label, field) | own
    if isinstance(field, serializers.EmailField):
        field.error_messages["invalid"] = f"The {label} must be a valid email address."
        validator: Any
        for validator in field.validators:
            if type(validator).__name__ == "EmailValidator":
                validator.message = field.error_messages["invalid"]
    is_list = isinstance(field, serializers.ListField)
    for validator in field.validators:
        kind, limit = type(validator).__name__, getattr(validator, "limit_value", None)
        if isinstance(field, IdField) and kind in {"MinValueValidator", "MaxValueValidator"}:
            validator.message = f"The selected {label} is invalid."
        elif kind == "MinValueValidator" and "min_value" not in own:
            validator.message = f"The {label} must be at least {limit}."
        elif kind == "MaxValueValidator" and "max_value" not in own:
            validator.message = f"The {label} must not be greater than {limit}."
        elif kind == "MaxLengthValidator":
            verb = "have more than" if is_list else "be greater than"
            validator.message = f"The {label} must not {verb} {limit} {'items' if is_list else 'characters'}."
        elif kind == "MinLengthValidator":
            verb = "have" if is_list else "be"
            validator.message = f"The {label} must {verb} at least {limit} {'items' if is_list else 'characters'}."


class OutputSerializer(serializers.Serializer[Any]):
    """Base of every output: explicit fields only. Doubles as the documented shape."""


class IdField(serializers.IntegerField):
    """The id of a row, 1 to 2**63-1: what no database can hold is refused before one is asked.

    Clients also send ids as text, where the bound on numbers in JSON does not reach.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MAX_ID, **kwargs})


class Money(serializers.FloatField):
    """A Decimal amount as a JSON number with two decimals; read as Decimal."""

    def to_representation(self, value: Any) -> Any:
        """Return the amount as a number."""
        return None if value is None else float(Decimal(value).quantize(Decimal("0.01")))


@extend_schema_field(OpenApiTypes.ANY)
class AnyJson(serializers.JSONField):
    """Any JSON value, stored and shown as it came."""


@extend_schema_field(OpenApiTypes.OBJECT)
class JsonObject(serializers.DictField):
    """A JSON object with free keys."""


class MomentIn(serializers.DateTimeField):
    """An instant: ISO 8601 with offset or ``Z``; without offset it is UTC; a bare date is its first second.

    end_of_day: a bare date means its last second instead.
    """

    def __init__(self, *, end_of_day: bool = False, **kwargs: Any) -> None:
        self.end_of_day = end_of_day
        super().__init__(default_timezone=UTC, **kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        """Return an aware instant in UTC."""
        if isinstance(value, str) and len(value) == 10:
            try:
                day = date.fromisoformat(value)
            except ValueError:
                self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
            return datetime.combine(day, time(23, 59, 59) if self.end_of_day else time(), UTC)
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except (OverflowError, ValueError):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")


class BirthDate(serializers.DateField):
    """A date before today."""

    default_error_messages = {"past": "The date of birth must be a date before today."}

    def to_internal_value(self, value: Any) -> date:
        """Return the date."""
        day = super().to_internal_value(value)
        if day >= clock.now().date():
            self.fail("past")
        return day
