"""The contract's table of roles and permissions, as data (details, section 3)."""

import pytest

from accounts.states import ROLE_PERMISSIONS, Role
from accounts.tests.factories import make_user
from cbt.kernel.permissions import Perm
from tests.support import data_of

# codename: s(uper admin) t(enant admin) p(ublic user)
MATRIX = {
    "view_dashboard": "stp", "view_analytics": "st",
    "view_users": "s", "create_users": "s", "edit_users": "s", "delete_users": "s",
    "view_tests": "stp", "create_tests": "s", "edit_tests": "s", "delete_tests": "s",
    "view_test_categories": "s", "manage_test_categories": "s",
    "view_subscriptions": "s", "manage_subscription_plans": "s", "manage_subscription_prices": "s",
    "purchase_subscription": "st", "view_invoices": "st", "manage_payments": "s",
    "view_companies": "s", "create_companies": "s", "edit_companies": "s", "delete_companies": "s",
    "manage_company_admins": "st",
    "view_participants": "st", "create_participants": "st", "edit_participants": "st", "delete_participants": "st",
    "import_participants": "st", "assign_tests": "st", "ban_participants": "st",
    "view_test_results": "st", "export_test_results": "st",
    "view_monitoring": "st", "view_test_sessions": "st", "view_cheat_detections": "st",
    "view_cart": "sp", "manage_cart": "sp", "view_transactions": "sp", "purchase_tests": "sp",
    "manage_settings": "s", "manage_menus": "s",
    "take_tests": "sp", "view_own_results": "sp", "view_own_profile": "sp", "manage_own_profile": "sp",
}  # fmt: skip
ADDED = {"manage_companies": "s"}  # not seeded by the contract's tables, used by toggle-active
LETTERS = {Role.SUPER_ADMIN: "s", Role.TENANT_ADMIN: "t", Role.PUBLIC_USER: "p"}
COUNTS = {Role.SUPER_ADMIN: 46, Role.TENANT_ADMIN: 18, Role.PUBLIC_USER: 10}


def test_codenames__then_the_contracts_45_and_one():
    assert len(MATRIX) == 45
    assert {perm.value for perm in Perm} == set(MATRIX) | set(ADDED)


@pytest.mark.parametrize("role", LETTERS)
def test_matrix__then_each_role_holds_exactly_its_column(role):
    column = {name for name, letters in (MATRIX | ADDED).items() if LETTERS[role] in letters}
    assert ROLE_PERMISSIONS[role] == column
    assert len(column) == COUNTS[role]


def test_roles__then_each_has_a_column():
    assert set(ROLE_PERMISSIONS) >= set(LETTERS)


@pytest.mark.parametrize("role", LETTERS)
def test_me__then_shows_the_column(api, role):
    company_id = 1 if role == Role.TENANT_ADMIN else None
    shown = data_of(api.as_(make_user(role, company_id=company_id)).get("/api/auth/me"))["permissions"]
    assert len(shown) == len(set(shown))
    assert set(shown) == {name for name, letters in (MATRIX | ADDED).items() if LETTERS[role] in letters}
