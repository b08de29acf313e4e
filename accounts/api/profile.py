"""Routes of a private buyer's own profile. Source: primary contract 2.1, details 2.2."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import NOT_CONFIRMED, ConfirmedPasswordIn, PasswordField
from accounts.selectors.profiles import Completion, FullProfile, completion_of, profile_for
from accounts.services.passwords import password_change
from accounts.services.profile import profile_complete, profile_update
from accounts.states import Role
from cbt.http.face import Ok
from cbt.http.fields import BirthDate, Input, JsonObject, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode
from cbt.kernel.permissions import Perm

BIODATA_MAX = 16_384
READ_ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.BUSINESS_RULE]
WRITE_ERRORS = [*READ_ERRORS, ErrorCode.VALIDATION_ERROR]


class BiodataField(JsonObject):
    """A JSON object with free keys, up to 16 KiB as text."""

    default_error_messages = {"too_long": f"The biodata must not be greater than {BIODATA_MAX} characters."}

    def to_internal_value(self, data: Any) -> Any:
        """Return the object."""
        value = super().to_internal_value(data)
        if len(json.dumps(value, ensure_ascii=False, default=str)) > BIODATA_MAX:
            self.fail("too_long")
        return value


def _say(field: Any, **texts: str) -> None:
    field.error_messages |= texts


class CompleteIn(Input):
    """The three fields a fresh profile lacks, and whatever else the person tells."""

    phone = serializers.CharField(max_length=20)
    date_of_birth = BirthDate()
    address = serializers.CharField(max_length=500)
    biodata = BiodataField(required=False, allow_null=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("phone", "Phone number"), ("date_of_birth", "Date of birth"), ("address", "Address")):
            _say(self.fields[name], **dict.fromkeys(("required", "null", "blank"), f"{label} is required."))
        _say(self.fields["date_of_birth"], past="Date of birth must be before today.")

    def to_internal_value(self, data: Any) -> Any:
        """Read an empty date as a missing one, then validate."""
        if isinstance(data, dict) and data.get("date_of_birth") == "":
            data = {**data, "date_of_birth": None}
        return super().to_internal_value(data)


class UpdateIn(Input):
    """Everything optional; null and empty texts leave a field as it is."""

    name = serializers.CharField(max_length=255, required=False, allow_null=True)
    email = serializers.EmailField(max_length=255, required=False, allow_null=True)
    phone = serializers.CharField(max_length=20, required=False, allow_null=True)
    date_of_birth = BirthDate(required=False, allow_null=True)
    address = serializers.CharField(max_length=500, required=False, allow_null=True)
    biodata = BiodataField(required=False, allow_null=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self.fields["date_of_birth"], past="Date of birth must be before today.")


class ChangePasswordIn(ConfirmedPasswordIn):
    """The present password, and the new one twice."""

    current_password = PasswordField(max_length=1000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = ("required", "null", "blank")
        _say(self.fields["current_password"], **dict.fromkeys(words, "Current password is required."))
        _say(self.fields["password"], **dict.fromkeys(words, "New password is required."))

    def to_internal_value(self, data: Any) -> Any:
        """Validate, and phrase the missing confirmation as this route does."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            texts = {name: list(value) for name, value in error.detail.items()}
            texts["password"] = [
                "Password confirmation does not match." if text == NOT_CONFIRMED else text
                for text in texts.get("password", [])
            ]
            raise serializers.ValidationError({name: value for name, value in texts.items() if value}) from None


class ProfileUserOut(OutputSerializer):
    """Whose profile it is. email: the address that counts now."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    email_verified_at = serializers.DateTimeField(allow_null=True)


class ProfileOut(OutputSerializer):
    """A private buyer's profile; what was not told is null. pending_email: a new address that waits to be proved."""

    id = serializers.IntegerField(source="profile.pk")
    user = ProfileUserOut()
    phone = serializers.SerializerMethodField()
    date_of_birth = serializers.DateField(source="profile.date_of_birth", allow_null=True)
    address = serializers.SerializerMethodField()
    biodata = JsonObject(source="profile.biodata", allow_null=True)
    pending_email = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField(source="profile.created_at")
    updated_at = serializers.DateTimeField(source="profile.updated_at")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_phone(self, full: FullProfile) -> str | None:
        """Return the phone number."""
        return full.profile.phone or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_address(self, full: FullProfile) -> str | None:
        """Return the address."""
        return full.profile.address or None


class CompletionFieldsOut(OutputSerializer):
    """Which of the five fields are there; the e-mail counts once it is verified."""

    name = serializers.BooleanField()
    email = serializers.BooleanField()
    phone = serializers.BooleanField()
    date_of_birth = serializers.BooleanField()
    address = serializers.BooleanField()


class CompletionOut(OutputSerializer):
    """How complete the profile is: 20 % for each of five fields."""

    is_complete = serializers.BooleanField()
    completion_percentage = serializers.IntegerField(source="percentage")
    missing_fields = serializers.ListField(child=serializers.CharField(), source="missing")
    fields = CompletionFieldsOut()  # type: ignore[assignment]


class ProfilePageOut(ProfileOut):
    """The profile, once as itself and once under its name, and how complete it is."""

    profile = ProfileOut()
    completion_status = CompletionOut()


_EXAMPLE = {
    "phone": "081234567890", "date_of_birth": "1990-01-01", "address": "Jl. Contoh No. 123",
    "biodata": {"additional_info": "Some info"},
}  # fmt: skip
_COMPLETION = {
    "is_complete": True, "completion_percentage": 100, "missing_fields": [],
    "fields": {"name": True, "email": True, "phone": True, "date_of_birth": True, "address": True},
}  # fmt: skip


def _completion(full: FullProfile) -> Completion:
    return completion_of(full.user, full.profile)


class OwnView(FaceView):
    """Base: a private buyer and nobody else; staff holds the codenames and has no profile."""

    permission = Perm.MANAGE_OWN_PROFILE
    role = Role.PUBLIC_USER
    rate = Rate.STAFF
    scope = Scope.SELF


class OwnProfile(OwnView):
    """The caller's profile."""

    permission = Perm.VIEW_OWN_PROFILE

    @documented("My profile", response=ProfilePageOut, errors=READ_ERRORS)
    def get(self, request: Request) -> Ok:
        """Show it, and how complete it is."""
        full = profile_for(request.actor)
        # Some clients read `data.phone`, others `data.profile.phone`.
        profile = ProfileOut(full).data
        shown = {**profile, "profile": profile, "completion_status": CompletionOut(_completion(full)).data}
        return Ok(shown, message="Profile retrieved successfully")


class CompletionStatus(OwnView):
    """How complete the caller's profile is."""

    permission = Perm.VIEW_OWN_PROFILE

    @documented(
        "How complete my profile is",
        response=CompletionOut,
        errors=READ_ERRORS,
        answer={
            "success": True,
            "message": "Profile completion status retrieved successfully",
            "data": _COMPLETION,
            "status_code": 200,
        },
    )
    def get(self, request: Request) -> Ok:
        """Count the fields."""
        full = profile_for(request.actor)
        return Ok(CompletionOut(_completion(full)).data, message="Profile completion status retrieved successfully")


class CompleteProfile(OwnView):
    """Filling the profile in for the first time."""

    @documented(
        "Complete my profile",
        request=CompleteIn,
        response=ProfileOut,
        status=201,
        errors=WRITE_ERRORS,
        example=_EXAMPLE,
    )
    def post(self, request: Request) -> Ok:
        """Store the fields; a profile that has all of them is not completed again."""
        made = profile_complete(actor=request.actor, **CompleteIn.parse(request))
        return Ok(ProfileOut(made).data, message="Profile completed successfully", status=201)


class UpdateProfile(OwnView):
    """Changing the profile."""

    @documented(
        "Change my profile (a new e-mail counts once the link mailed there is used)",
        request=UpdateIn,
        response=ProfileOut,
        errors=[*WRITE_ERRORS, ErrorCode.RATE_LIMITED],
        example={"name": "New Name", "email": "newemail@example.com", **_EXAMPLE, "biodata": {}},
    )
    def put(self, request: Request) -> Ok:
        """Change what is given."""
        changed = profile_update(actor=request.actor, **UpdateIn.parse(request))
        return Ok(ProfileOut(changed).data, message="Profile updated successfully")

    @documented(
        "Change my profile in part",
        request=UpdateIn,
        response=ProfileOut,
        errors=[*WRITE_ERRORS, ErrorCode.RATE_LIMITED],
    )
    def patch(self, request: Request) -> Ok:
        """As PUT."""
        result: Any = self.put(request)
        return result


class ChangePassword(OwnView):
    """A new password by whoever knows the present one."""

    @documented(
        "Change my password: every other login ends, this one goes on",
        request=ChangePasswordIn,
        errors=[*WRITE_ERRORS, ErrorCode.RATE_LIMITED],
        example={
            "current_password": "oldpassword123",
            "password": "newpassword123",
            "password_confirmation": "newpassword123",
        },
    )
    def post(self, request: Request) -> Ok:
        """Set it."""
        password_change(actor=request.actor, **ChangePasswordIn.parse(request))
        return Ok(message="Password changed successfully")
