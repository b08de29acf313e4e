"""Hashing a password takes its time on purpose; no transaction may wait for it (on SQLite: no other writer)."""

import pytest
from django.db import connection

from accounts.services import credentials, users
from accounts.services.people import person_create
from accounts.states import Role
from cbt.kernel.actor import ANONYMOUS
from tenants.services.admins import company_admin_add
from tenants.services.registration import company_register
from tenants.tests.factories import make_company, super_actor

pytestmark = pytest.mark.django_db(transaction=True)
COMPANY = {
    "company_name": "PT X", "company_email": "x@example.com", "company_phone": "0812", "company_address": "Jl. X 1",
}  # fmt: skip
PERSON = {"name": "Admin", "email": "new@example.com", "password": "password123"}


@pytest.fixture
def hashed_inside(monkeypatch):
    """Whether a transaction was open, for each password hashed in the test."""
    seen = []
    for module in (credentials, users):
        original = module.make_password

        def watched(password, original=original):
            seen.append(connection.in_atomic_block)
            return original(password)

        monkeypatch.setattr(module, "make_password", watched)
    return seen


def test_company_register__then_hashed_before_the_transaction(hashed_inside):
    company_register(**COMPANY, **PERSON, actor=ANONYMOUS)
    assert hashed_inside == [False]


def test_person_create__then_hashed_before_the_transaction(hashed_inside):
    person_create(**PERSON, role=Role.PUBLIC_USER, actor=super_actor())
    assert hashed_inside == [False]


def test_company_admin_add__then_hashed_before_the_transaction(hashed_inside):
    company = make_company()
    hashed_inside.clear()
    company_admin_add(company_id=company.pk, **PERSON, actor=super_actor())
    assert hashed_inside == [False]
