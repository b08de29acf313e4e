"""What the routes of this dialect read and write."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import PasswordField
from accounts.models import User
from accounts.services.passwords import MAX_LENGTH, MIN_LENGTH
from accounts.states import Role
from cbt.faces.v1.views.base import ROLE_NAMES, ROLES_BY_NAME
from cbt.http.fields import Input, OutputSerializer

ROLES = list(ROLES_BY_NAME)


class V1MessageOut(OutputSerializer):
    """A word to the caller."""

    message = serializers.CharField()


class V1LoginIn(Input):
    """Username and password."""

    username = serializers.CharField(max_length=255)
    password = PasswordField(max_length=1000)


class V1RefreshIn(Input):
    """A refresh token."""

    refresh_token = serializers.CharField(max_length=4000)


class V1PairOut(OutputSerializer):
    """The next pair of tokens."""

    access_token = serializers.CharField(source="access", help_text="Bearer token (JWT), good for 15 minutes")
    refresh_token = serializers.CharField(source="refresh", help_text="Fetches the next pair, once")


class V1TokensOut(V1PairOut):
    """A pair of tokens, and what kind they are."""

    token_type = serializers.SerializerMethodField()

    def get_token_type(self, pair: Any) -> str:
        """Return the word before an access token in a header."""
        return "bearer"


class V1NewUserIn(Input):
    """A new account."""

    username = serializers.CharField(max_length=150, help_text="3 to 150 of A-Z a-z 0-9 . _ -")
    password = PasswordField(min_length=MIN_LENGTH, max_length=MAX_LENGTH)
    role = serializers.ChoiceField(ROLES)

    def to_internal_value(self, data: Any) -> Any:
        """Name the role as the house does."""
        value = super().to_internal_value(data)
        if value.get("role"):
            value["role"] = ROLES_BY_NAME[value["role"]]
        return {name: item for name, item in value.items() if item is not None}


class V1UserChangeIn(V1NewUserIn):
    """Changes; what is missing stays as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required, field.allow_null = False, True


class V1UserOut(OutputSerializer):
    """An account."""

    id = serializers.IntegerField()
    username = serializers.SerializerMethodField(help_text="The e-mail address where an admin has no username")
    role = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_username(self, user: User) -> str:
        """Return what signs in."""
        return user.username or user.email or ""

    @extend_schema_field(serializers.ChoiceField(ROLES))
    def get_role(self, user: User) -> str:
        """Return the role by its name here."""
        return ROLE_NAMES[Role(user.role)]
