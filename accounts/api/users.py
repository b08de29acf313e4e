"""Routes by which staff of the house looks after accounts. Source: details 2.11 and 1 (rows 48 to 53)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.profile import BiodataField
from accounts.api.serializers import PasswordField, UserOut, permission_names
from accounts.models import PublicProfile, User
from accounts.selectors.people import people, person_find
from accounts.services.passwords import MAX_LENGTH, MIN_LENGTH
from accounts.services.people import person_create, person_remove, person_update
from accounts.states import CONTRACT_ROLES, Role
from cbt.http.face import Ok
from cbt.http.fields import BirthDate, IdField, Input, JsonObject, OutputSerializer
from cbt.http.pages import bool_of, choice_of, page_of, search_of, sort_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode
from cbt.kernel.permissions import Perm

SORTS = {name: name for name in ("id", "name", "email", "role", "created_at", "updated_at")}
ROLES = [role.value for role in CONTRACT_ROLES]
DEACTIVATED = "User deactivated: purchases or other records refer to this account, so it cannot be deleted"


class PersonProfileIn(Input):
    """A private buyer's profile as staff writes it."""

    phone = serializers.CharField(max_length=20, required=False, allow_null=True)
    date_of_birth = BirthDate(required=False, allow_null=True)
    address = serializers.CharField(max_length=500, required=False, allow_null=True)
    biodata = BiodataField(required=False, allow_null=True)


class PersonIn(Input):
    """An account of any role. userable: only for private buyers; company_id: only for tenant admins."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    password = PasswordField(min_length=MIN_LENGTH, max_length=MAX_LENGTH)
    role = serializers.ChoiceField(ROLES)
    company_id = IdField(required=False, allow_null=True)
    userable = PersonProfileIn(required=False, allow_null=True)


class NewPersonIn(PersonIn):
    """A new account. email_verified: staff vouches for the address (true, the default), or a link is mailed."""

    email_verified = serializers.BooleanField(default=True, source="is_verified")


class PersonChangeIn(PersonIn):
    """Changes; all optional, null leaves a field as it is."""

    is_active = serializers.BooleanField(required=False, allow_null=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required, field.allow_null = False, True


class ListedPersonOut(UserOut):
    """The User shape as the list shows it, and what staff needs to find its way."""

    company_id = serializers.IntegerField(allow_null=True)
    is_active = serializers.BooleanField()


class PersonProfileOut(OutputSerializer):
    """A private buyer's profile; what was not told is null."""

    id = serializers.IntegerField()
    phone = serializers.SerializerMethodField()
    date_of_birth = serializers.DateField(allow_null=True)
    address = serializers.SerializerMethodField()
    biodata = JsonObject(allow_null=True)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_phone(self, profile: PublicProfile) -> str | None:
        """Return the phone number."""
        return profile.phone or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_address(self, profile: PublicProfile) -> str | None:
        """Return the address."""
        return profile.address or None


class PersonOut(ListedPersonOut):
    """One account with the permissions of its role, and the profile of a private buyer (null for everybody else)."""

    permissions = serializers.SerializerMethodField()
    userable = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_permissions(self, user: User) -> list[str]:
        """Return the codenames of the role."""
        return permission_names(user.permission_set())

    @extend_schema_field(PersonProfileOut(allow_null=True))
    def get_userable(self, user: User) -> dict[str, Any] | None:
        """Return the profile, loaded with the user."""
        profile = getattr(user, "profile", None) if user.role == Role.PUBLIC_USER else None
        return dict(PersonProfileOut(profile).data) if profile is not None else None


READ_ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN]
ONE_ERRORS = [*READ_ERRORS, ErrorCode.NOT_FOUND]
CHANGE_ERRORS = [*ONE_ERRORS, ErrorCode.VALIDATION_ERROR, ErrorCode.BUSINESS_RULE]
_EXAMPLE = {
    "name": "Siti Aminah", "email": "siti@example.com", "password": "password123", "role": "public_user",
    "userable": {"phone": "081234567890", "date_of_birth": "1990-01-01", "address": "Jl. Contoh No. 123"},
}  # fmt: skip


class Users(FaceView):
    """All accounts."""

    permission = {"get": Perm.VIEW_USERS, "post": Perm.CREATE_USERS}
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List users",
        response=ListedPersonOut,
        paged=True,
        errors=[*READ_ERRORS, ErrorCode.VALIDATION_ERROR],
        query=[
            ("role", "super_admin, tenant_admin or public_user"),
            ("is_active", "true or false; deactivated accounts are listed unless told otherwise"),
            ("search", "in name and e-mail"),
            ("sort_by", "created_at (default), updated_at, id, name, email, role"),
            ("sort_order", "desc (default) or asc"),
        ],
    )
    def get(self, request: Request) -> Ok:
        """A page of accounts."""
        rows = people().filter(search_of(request, "name", "email"))
        role, is_active = choice_of(request, "role", set(ROLES)), bool_of(request, "is_active")
        if role is not None:
            rows = rows.filter(role=role)
        if is_active is not None:
            rows = rows.filter(is_active=is_active)
        rows = rows.order_by(*sort_of(request, SORTS, default="created_at", descending=True))
        page = page_of(rows, request, lambda row: ListedPersonOut(row).data)
        return Ok(page=page, message="Users retrieved successfully")

    @documented(
        "Create a user",
        request=NewPersonIn,
        response=PersonOut,
        status=201,
        errors=[*READ_ERRORS, ErrorCode.VALIDATION_ERROR],
        example=_EXAMPLE,
    )
    def post(self, request: Request) -> Ok:
        """Make an account; a private buyer gets a profile."""
        data = NewPersonIn.parse(request)
        role = Role(data.pop("role"))
        made = person_create(**data, role=role, actor=request.actor)
        return Ok(PersonOut(made).data, message="User created successfully", status=201)


class OneUser(FaceView):
    """One account."""

    permission = {
        "get": Perm.VIEW_USERS,
        "put": Perm.EDIT_USERS,
        "patch": Perm.EDIT_USERS,
        "delete": Perm.DELETE_USERS,
    }
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Show a user", response=PersonOut, errors=ONE_ERRORS)
    def get(self, request: Request, user: int) -> Ok:
        """Show it with permissions and profile."""
        return Ok(PersonOut(person_find(user)).data, message="User retrieved successfully")

    @documented(
        "Change a user (a password, a role or a deactivation ends the user's logins)",
        request=PersonChangeIn,
        response=PersonOut,
        errors=CHANGE_ERRORS,
        example=_EXAMPLE,
    )
    def put(self, request: Request, user: int) -> Ok:
        """Change the given fields."""
        data = PersonChangeIn.parse(request)
        role = Role(data.pop("role")) if data.get("role") else None
        changed = person_update(user_id=user, **{**data, "role": role}, actor=request.actor)
        return Ok(PersonOut(changed).data, message="User updated successfully")

    @documented("Change a user in part", request=PersonChangeIn, response=PersonOut, errors=CHANGE_ERRORS)
    def patch(self, request: Request, user: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, user)
        return result

    @documented(
        "Delete a user; one with purchases is deactivated instead, and the message says so",
        errors=[*ONE_ERRORS, ErrorCode.BUSINESS_RULE],
    )
    def delete(self, request: Request, user: int) -> Ok:
        """Delete or deactivate it."""
        is_gone = person_remove(user_id=user, actor=request.actor)
        return Ok(message="User deleted successfully" if is_gone else DEACTIVATED)
