"""The Django admin of accounts. Changes go through services; history is only looked at."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as _auth_admin  # noqa: F401 - registers Group, so that it can be taken out below
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import Group
from django.contrib.auth.views import PasswordChangeView
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse_lazy

from accounts.models import Login, User
from accounts.selectors.users import actor_of_user
from accounts.services.login import logins_end
from accounts.services.passwords import MAX_LENGTH, MIN_LENGTH, password_change
from accounts.services.people import person_create
from accounts.services.users import user_rename, users_lock, users_sign_out
from accounts.services.verification import verification_send
from accounts.states import CONTRACT_ROLES, Role
from cbt.http.admin_pages import ReadOnly
from cbt.http.client import client_ip
from cbt.http.service_forms import ServiceForm
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in super admin as the actor that services take; nobody else gets into the Django admin."""
    if not isinstance(request.user, User):
        raise TypeError("the Django admin is open to users only")
    return actor_of_user(request.user, ip=client_ip(request))


class UserAddForm(ServiceForm):
    """A new account with its first password."""

    password1 = forms.CharField(
        label="Password", min_length=MIN_LENGTH, max_length=MAX_LENGTH, strip=False, widget=forms.PasswordInput
    )
    password2 = forms.CharField(label="Password again", strip=False, widget=forms.PasswordInput)
    is_verified = forms.BooleanField(label="Address counts as verified", required=False)
    # Candidates are made with their participant, and other dialects make their own people.
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in CONTRACT_ROLES])
    email = forms.EmailField(max_length=255)

    class Meta:
        model = User
        fields = ("name", "email", "role", "company_id")

    def clean_password2(self) -> str:
        """Return the second password if it equals the first."""
        again: str = self.cleaned_data["password2"]
        if again != self.cleaned_data.get("password1"):
            raise forms.ValidationError("The password confirmation does not match.")
        return again

    def act(self, data: dict[str, Any]) -> Model:
        """Make the account, with its company and its mail where they belong to it."""
        return person_create(
            name=data["name"], email=data["email"], password=data["password1"], role=Role(data["role"]),
            company_id=data["company_id"], is_verified=data["is_verified"], actor=self.actor,
        )  # fmt: skip


class OwnPasswordForm(PasswordChangeForm):
    """The password of whoever is signed in, changed by the use case: every other login ends."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        user: Any = self.user
        try:
            password_change(
                actor=actor_of_user(user), current_password=self.cleaned_data["old_password"],
                password=self.cleaned_data["new_password1"],
            )  # fmt: skip
        except DomainError as error:
            self.add_error(None, [text for texts in error.fields.values() for text in texts] or [error.message])

    def save(self, commit: bool = True) -> Any:
        """Return the user as stored: the use case has saved the password."""
        self.user.refresh_from_db()
        return self.user


class OwnPassword(PasswordChangeView):
    """The admin's page for one's own password."""

    form_class = OwnPasswordForm
    template_name = "registration/password_change_form.html"
    success_url = reverse_lazy("admin:password_change_done")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the frame of the admin."""
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}


class VerifiedFilter(admin.SimpleListFilter):
    """Users with or without a proved address."""

    title = "verified"
    parameter_name = "verified"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the two choices."""
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the users of the choice."""
        if self.value() in {"yes", "no"}:
            return queryset.filter(email_verified_at__isnull=self.value() == "no")
        return queryset


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Accounts: add, rename, and what the actions do. Everything else is read-only."""

    list_display = (
        "name",
        "email",
        "username",
        "participant_number",
        "role",
        "company_id",
        "verified",
        "is_locked",
        "is_active",
        "last_login",
    )
    list_filter = ("role", VerifiedFilter, "is_locked", "is_active")
    search_fields = ("name", "email", "username", "participant_number")
    ordering = ("-created_at", "-id")
    list_per_page = 50
    actions = ("send_verification", "lock", "unlock", "sign_out")
    add_fields = ("name", "email", "role", "company_id", "password1", "password2", "is_verified")
    shown_fields = (
        "name", "email", "username", "participant_number", "role", "company_id", "email_verified_at", "is_locked",
        "is_banned", "is_active", "last_login",
        "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(boolean=True, description="verified", ordering="email_verified_at")
    def verified(self, user: User) -> bool:
        """Tell whether the address is proved."""
        return user.is_verified

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form with the password for a new account, the plain one otherwise."""
        if obj is None:
            kwargs["form"] = UserAddForm
        form = super().get_form(request, obj, change=change, **kwargs)
        form.actor = actor_of(request)  # type: ignore[attr-defined]
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the add form or of the change form."""
        return self.shown_fields if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return everything but the name on the change form."""
        return self.shown_fields[1:] if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Rename through the service; a new account was stored by its form."""
        if change:
            user_rename(user_id=obj.pk, name=form.cleaned_data["name"], actor=actor_of(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: accounts are locked, their history stays."""
        return False

    @admin.action(description="Send the verification mail again")
    def send_verification(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Mail a fresh link to those who are not verified."""
        users = list(queryset.filter(email_verified_at__isnull=True, email__isnull=False))
        for user in users:
            verification_send(user=user)
        self.message_user(request, f"{len(users)} mails are on their way.")

    @admin.action(description="Lock (signs out everywhere)")
    def lock(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Shut accounts out."""
        self._lock(request, queryset, locked=True)

    @admin.action(description="Unlock")
    def unlock(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let accounts in again."""
        self._lock(request, queryset, locked=False)

    def _lock(self, request: HttpRequest, queryset: QuerySet[Any], *, locked: bool) -> None:
        user_ids = list(queryset.values_list("pk", flat=True))
        try:
            changed = users_lock(user_ids=user_ids, locked=locked, actor=actor_of(request))
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return
        self.message_user(request, f"{changed} accounts changed.")

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End every login of these users."""
        ended = users_sign_out(user_ids=list(queryset.values_list("pk", flat=True)), actor=actor_of(request))
        self.message_user(request, f"{ended} logins ended.")


@admin.register(Login)
class LoginAdmin(ReadOnly, admin.ModelAdmin):
    """Logins: read-only, and they can be ended."""

    list_display = (
        "id", "user_name", "scope", "ip", "device", "created_at", "last_seen_at", "revoked_at", "revoke_reason",
    )  # fmt: skip
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("user__name", "user__email", "user__participant_number", "ip")
    list_select_related = ("user",)
    ordering = ("-created_at", "-id")
    list_per_page = 50
    date_hierarchy = "created_at"
    actions = ("revoke",)

    @admin.display(description="user", ordering="user__name")
    def user_name(self, login: Login) -> str:
        """Return whose login it is."""
        return login.user.name

    @admin.display(description="device")
    def device(self, login: Login) -> str:
        """Return what the browser calls itself, cut to fit."""
        return login.user_agent if len(login.user_agent) <= 80 else f"{login.user_agent[:80]}…"

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End the chosen logins."""
        ended = logins_end(login_ids=list(queryset.values_list("pk", flat=True)), actor=actor_of(request))
        self.message_user(request, f"{ended} logins ended.")


# Roles decide here (accounts.states); Django's groups would only suggest otherwise.
admin.site.unregister(Group)
