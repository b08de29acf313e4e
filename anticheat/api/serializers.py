"""What the routes of anti-cheat read and write."""

from typing import Any

import orjson
from rest_framework import serializers

from anticheat.states import MAX_SEVERITY, MIN_SEVERITY, DetectionType
from cbt.http.fields import Input, JsonObject, OutputSerializer

MAX_DATA_BYTES = 8 * 1024
_OUT_OF_RANGE = f"The severity must be between {MIN_SEVERITY} and {MAX_SEVERITY}."


class CheatLogIn(Input):
    """One report of the taker's browser."""

    detection_type = serializers.ChoiceField(choices=[kind.value for kind in DetectionType])
    detection_data = JsonObject(required=False, allow_null=True, help_text="Free keys, at most 8 KiB as JSON")
    severity = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=MIN_SEVERITY,
        max_value=MAX_SEVERITY,
        error_messages={"min_value": _OUT_OF_RANGE, "max_value": _OUT_OF_RANGE, "max_string_length": _OUT_OF_RANGE},
    )

    def validate_detection_type(self, value: str) -> DetectionType:
        """Return the word as what it means."""
        return DetectionType(value)

    def validate_detection_data(self, value: dict[str, Any] | None) -> dict[str, Any]:
        """Refuse data too large to keep."""
        if len(orjson.dumps(value)) > MAX_DATA_BYTES:
            raise serializers.ValidationError("The detection data must not be greater than 8 kilobytes.")
        return value or {}


class LoggedDetectionOut(OutputSerializer):
    """A detection as the report's answer tells it."""

    id = serializers.IntegerField()
    type = serializers.CharField(source="detection_type")
    severity = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class CheatLogOut(OutputSerializer):
    """The stored detection, and how the session stands after it."""

    detection = LoggedDetectionOut()
    session_status = serializers.CharField()
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class DetectionOut(OutputSerializer):
    """A detection as the taker may see it."""

    id = serializers.IntegerField()
    type = serializers.CharField(source="detection_type")
    detection_type = serializers.CharField()
    detection_data = JsonObject(source="data_for_taker")
    severity = serializers.IntegerField()
    is_resolved = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class StaffDetectionOut(OutputSerializer):
    """A detection as staff sees it: also who noticed it, what was claimed, and who looked at it."""

    id = serializers.IntegerField()
    session_id = serializers.IntegerField()
    type = serializers.CharField(source="detection_type")
    detection_type = serializers.CharField()
    detection_data = JsonObject()
    severity = serializers.IntegerField()
    claimed_severity = serializers.IntegerField(allow_null=True)
    source = serializers.CharField(help_text="client or server")  # type: ignore[assignment]
    is_counted = serializers.BooleanField(help_text="false: shown only, never leads to a ban")
    duplicate_of_id = serializers.IntegerField(allow_null=True, help_text="An earlier report of the same act")
    repeat_count = serializers.IntegerField(help_text="Further reports after the session's room was full")
    is_resolved = serializers.BooleanField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by_id = serializers.IntegerField(allow_null=True)
    resolve_note = serializers.CharField()
    created_at = serializers.DateTimeField()


class ResolveIn(Input):
    """Why a detection no longer counts."""

    note = serializers.CharField(max_length=1000, required=False, allow_null=True, allow_blank=True)
