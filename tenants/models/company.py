"""A company and the people who run it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class Company(models.Model):
    """One customer that imports its own people. Everything of a tenant hangs on this row.

    is_active: its admins may sign in and its links work.
    activated_at: when it became active for the first time; the proof of an address opens a company only once.
    deactivated_at: when staff shut it; null while nobody has. Only staff opens it again.
    deleted_at: soft delete; the row stays for what refers to it, the e-mail becomes free.

    .. pii: a company's contact address; kept while the company's records are.
    """

    name = models.CharField(max_length=255)
    email = models.EmailField(max_length=255)
    phone = models.CharField(max_length=50, default="", blank=True)
    address = models.TextField(default="", blank=True)
    logo = models.CharField(max_length=255, default="", blank=True)
    settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=False)
    activated_at = models.DateTimeField(null=True, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "companies"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], condition=Q(deleted_at__isnull=True), name="company_live"),
            models.Index(fields=["name", "id"], condition=Q(deleted_at__isnull=True), name="company_by_name"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(deleted_at__isnull=True, is_active=False),
                name="company_inactive",
            ),
            models.Index(fields=["id"], condition=Q(deleted_at__isnull=False), name="company_gone"),
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=Q(deleted_at__isnull=True),
                name="company_email_unique",
                violation_error_message="The email has already been taken.",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False)
                | Q(activated_at__isnull=False, deactivated_at__isnull=True, deleted_at__isnull=True),
                name="company_active_facts",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CompanyAdmin(models.Model):
    """One person who runs one company; exactly one of a company's admins is its primary one.

    The user row carries the company's id too, so that signing in needs no look upward. Users are deleted
    through `tenants.services.admins.company_admin_remove`, never below it: hence PROTECT.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="company_admin")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="admins")
    is_primary = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-is_primary", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["company"], condition=Q(is_primary=True), name="company_one_primary_admin")
        ]

    def __str__(self) -> str:
        return f"company admin {self.pk}"
