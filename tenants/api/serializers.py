"""What the routes of companies read and write."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import RegisterIn


class RegisterCompanyIn(RegisterIn):
    """A company, and its first admin as any user registers."""

    company_name = serializers.CharField(max_length=255)
    company_email = serializers.EmailField(max_length=255)
    company_phone = serializers.CharField(max_length=20, allow_null=True, required=False)
    company_address = serializers.CharField(max_length=2000, allow_null=True, required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Read optional texts that are absent or null as empty."""
        value = super().to_internal_value(data)
        return {**value, **{key: value.get(key) or "" for key in ("company_phone", "company_address")}}
