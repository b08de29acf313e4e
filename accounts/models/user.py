"""A person who signs in, and the profile of a private buyer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower

from accounts.states import ROLE_PERMISSIONS, Role
from cbt.kernel.permissions import Perm


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this e-mail."""
        return self.alias(folded=Lower("email")).get(folded=Lower(Value(username)))


class User(AbstractBaseUser, PermissionsMixin):
    """One account: super admin, admin of a company, or private buyer. Its role says what it may do.

    company_id, is_locked: facts that the tenants app writes here (own company of a tenant admin; company
    inactive), so that signing in needs no look upward.

    .. pii: name and address; kept while the account exists.
    """

    name = models.CharField(max_length=255)
    email = models.EmailField(max_length=255)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    company_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    is_locked = models.BooleanField(default=False, help_text="May not sign in: the company is inactive or gone")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message="The email has already been taken."
            )
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="user_newest")]
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
