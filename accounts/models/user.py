"""A person who signs in, and the profile of a private buyer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower

from accounts.states import ROLE_PERMISSIONS, Role
from cbt.kernel.permissions import Perm

QUICK = "sealed_pbkdf2$"  # how the quick form of a password begins, see accounts.hashers


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this e-mail."""
        return self.alias(folded=Lower("email")).get(folded=Lower(Value(username)))


class User(AbstractBaseUser, PermissionsMixin):
    """One account: super admin, admin of a company, private buyer, candidate, … Its role says what it may do.

    One of e-mail, username and participant number names it at sign-in; each is unique whatever its case. A
    candidate's mail address stands with the participant, never here.

    company_id, is_locked, is_banned, exam_until: facts that higher rooms write here (own company of a tenant
    admin or candidate; company inactive; candidate banned; end of the exam a candidate is sitting, grace
    included), so that signing in needs no look upward.

    .. pii: name and address; kept while the account exists.
    """

    name = models.CharField(max_length=255)
    email = models.EmailField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null: none, and none is not unique
    username = models.CharField(max_length=150, null=True, blank=True)  # noqa: DJ001
    participant_number = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001
    email_verified_at = models.DateTimeField(null=True, blank=True)
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    company_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    is_locked = models.BooleanField(default=False, help_text="May not sign in: the company is inactive or gone")
    is_banned = models.BooleanField(default=False, help_text="A candidate who may not take exams")
    is_active = models.BooleanField(default=True)
    exam_until = models.DateTimeField(null=True, blank=True, help_text="No login of the candidate ends before")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message="The email has already been taken."
            ),
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique",
                violation_error_message="The username has already been taken.",
            ),
            models.UniqueConstraint(
                Lower("participant_number"),
                name="user_number_unique",
                violation_error_message="The participant number has already been taken.",
            ),
            models.CheckConstraint(
                condition=Q(email__isnull=False) | Q(username__isnull=False) | Q(participant_number__isnull=False),
                name="user_has_a_name_to_sign_in",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="user_newest"),
            models.Index(fields=["role", "-created_at", "-id"], name="user_role"),
            models.Index(fields=["name", "id"], include=["role", "is_active"], name="user_by_name"),
            models.Index(fields=["role"], condition=Q(email_verified_at__isnull=True), name="user_unverified"),
            models.Index(fields=["id"], condition=Q(password__startswith=QUICK), name="user_quick_password"),
        ]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"user {self.pk}"

    @property
    def is_staff(self) -> bool:
        """Tell whether the Django admin opens."""
        return self.role == Role.SUPER_ADMIN and self.is_active

    @property
    def is_verified(self) -> bool:
        """Tell whether the address has been proved."""
        return self.email_verified_at is not None

    @property
    def must_verify(self) -> bool:
        """Tell whether the address has to be proved before the account opens; who has none has none to prove."""
        return self.email is not None and not self.is_verified

    @property
    def is_shut(self) -> bool:
        """Tell whether the account is shut: deactivated, locked with its company, or banned."""
        return not self.is_active or self.is_locked or self.is_banned

    def permission_set(self) -> frozenset[Perm]:
        """Return the contract permissions of the role."""
        return ROLE_PERMISSIONS[Role(self.role)]

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django admin: super admins may everything, nobody else anything."""
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        """Django admin: as `has_perm`."""
        return self.is_staff


class PublicProfile(models.Model):
    """What a private buyer tells about themself; one row a public user.

    .. pii: phone, birth date, address, biodata; kept while the account exists.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    phone = models.CharField(max_length=20, default="", blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    address = models.CharField(max_length=500, default="", blank=True)
    biodata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"profile of user {self.user_id}"
