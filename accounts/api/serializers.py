"""What the routes of accounts read and write."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import PublicProfile, User
from accounts.services.passwords import MAX_LENGTH, MIN_LENGTH
from cbt.http.fields import Input, OutputSerializer
from cbt.kernel.actor import Actor
from cbt.kernel.permissions import Perm

NAMES_TO_SIGN_IN = ("email", "nomor_peserta", "username")
ONE_NAME = "Give exactly one of email, nomor_peserta and username."
NOT_CONFIRMED = "The password confirmation does not match."


@extend_schema_field({"type": "string", "format": "password"})
class PasswordField(serializers.CharField):
    """A password as typed: a JSON string, nothing trimmed."""

    default_error_messages = {"invalid": "The password must be a string."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the text; numbers are not read as text, 1e3 has no one spelling."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class ConfirmedPasswordIn(Input):
    """Base of bodies that set a password: ``password`` and the same again in ``password_confirmation``.

    Too short and not confirmed are told at once, both under ``password``, as the contract's example shows.
    """

    password = PasswordField(min_length=MIN_LENGTH, max_length=MAX_LENGTH)
    password_confirmation = PasswordField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        """Validate the fields, then compare the two passwords even where another field was refused."""
        errors: dict[str, Any] = {}
        value: Any = {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = dict(error.detail) if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        if isinstance(data, dict) and isinstance(data.get("password"), str) and data["password"]:
            errors.pop("password_confirmation", None)
            if data.get("password_confirmation") != data["password"]:
                errors["password"] = [*errors.get("password", []), NOT_CONFIRMED]
        if errors:
            raise serializers.ValidationError(errors)
        value.pop("password_confirmation", None)
        return value


class RegisterIn(ConfirmedPasswordIn):
    """A private buyer."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)


class LoginIn(Input):
    """A password and exactly one of ``email``, ``nomor_peserta`` (exam room) and ``username`` (v1)."""

    email = serializers.EmailField(max_length=255, required=False, allow_null=True)
    nomor_peserta = serializers.CharField(
        max_length=100, required=False, allow_null=True, source="participant_number", help_text="Participant number"
    )
    username = serializers.CharField(max_length=150, required=False, allow_null=True)
    password = PasswordField(max_length=1000)

    def to_internal_value(self, data: Any) -> Any:
        """Validate the fields, and that exactly one of them names an account."""
        errors: dict[str, Any] = {}
        value: Any = {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = dict(error.detail) if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        if isinstance(data, dict):
            given = [name for name in NAMES_TO_SIGN_IN if data.get(name) not in (None, "")]
            if not given:
                # An empty form is at fault where it has its field; who sent none is told the first.
                asked = next((name for name in NAMES_TO_SIGN_IN if name in data), NAMES_TO_SIGN_IN[0])
                errors = {asked: [self.fields[asked].error_messages["required"]], **errors}
            elif len(given) > 1:
                errors |= {name: [*errors.get(name, []), ONE_NAME] for name in given}
        if errors:
            raise serializers.ValidationError(errors)
        return {name: text for name, text in value.items() if text is not None}


class TokenIn(Input):
    """The token of a verification mail."""

    token = serializers.CharField(max_length=200)


class EmailIn(Input):
    """The address of an account that may exist."""

    email = serializers.EmailField(max_length=255)


class ResetIn(ConfirmedPasswordIn):
    """The token of a reset mail, the account's address, the new password."""

    token = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=255)


def permission_names(permissions: frozenset[Perm]) -> list[str]:
    """Return codenames in the contract's order."""
    return [perm.value for perm in Perm if perm in permissions]


class RegisteredUserOut(OutputSerializer):
    """The user as registration shows it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    email_verified_at = serializers.DateTimeField(allow_null=True)
    roles = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        """Return the one role as the list the contract shows."""
        return [user.role]


class UserOut(RegisteredUserOut):
    """The User shape where permissions are not loaded."""

    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class LoginUserOut(OutputSerializer):
    """The user as signing in shows it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        """Return the one role as the list the contract shows."""
        return [user.role]

    def get_permissions(self, user: User) -> list[str]:
        """Return the codenames of the role."""
        return permission_names(user.permission_set())


class UserableOut(OutputSerializer):
    """What a private buyer told about themself; what was not told is null."""

    id = serializers.IntegerField()
    phone = serializers.SerializerMethodField()
    date_of_birth = serializers.DateField(allow_null=True)
    address = serializers.SerializerMethodField()

    def get_phone(self, profile: PublicProfile) -> str | None:
        """Return the phone number."""
        return profile.phone or None

    def get_address(self, profile: PublicProfile) -> str | None:
        """Return the address."""
        return profile.address or None


class MeOut(RegisteredUserOut):
    """The signed-in user. Context: ``actor`` (its permissions are what this login may do) and ``profile``."""

    permissions = serializers.SerializerMethodField()
    userable = serializers.SerializerMethodField()

    def get_permissions(self, user: User) -> list[str]:
        """Return what this login may do; nothing before the address is verified."""
        actor: Actor = self.context["actor"]
        return permission_names(actor.permissions)

    @extend_schema_field(UserableOut(allow_null=True))
    def get_userable(self, user: User) -> dict[str, Any] | None:
        """Return the profile of a private buyer, null for everybody else."""
        profile = self.context["profile"]
        return UserableOut(profile).data if profile is not None else None


class RegisteredOut(OutputSerializer):
    """A fresh account and a token good for me, logout and resend-verification until it is verified."""

    user = RegisteredUserOut()
    token = serializers.CharField()


class LoggedInOut(OutputSerializer):
    """A bearer token and whose it is."""

    token = serializers.CharField()
    user = LoginUserOut()


class VerifiedOut(OutputSerializer):
    """The user whose address is now verified."""

    user = UserOut()
