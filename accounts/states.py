"""Roles, and the contract's table of who may do what."""

from enum import StrEnum

from cbt.kernel.permissions import Perm as P  # noqa: N817 - the table below is read by its columns


class Role(StrEnum):
    """Who somebody is. Values are stored and shown; never translated.

    participant: a candidate who signs in with a number.  instructor, student: roles of the v1 dialect.
    """

    SUPER_ADMIN = "super_admin"
    TENANT_ADMIN = "tenant_admin"
    PUBLIC_USER = "public_user"
    PARTICIPANT = "participant"
    INSTRUCTOR = "instructor"
    STUDENT = "student"


#: The roles of the primary contract; its routes about users list, make and change these and no others.
CONTRACT_ROLES = (Role.SUPER_ADMIN, Role.TENANT_ADMIN, Role.PUBLIC_USER)


#: The roles of the v1 dialect, whose accounts sign in by username; its admin is the super admin.
V1_ROLES = (Role.SUPER_ADMIN, Role.INSTRUCTOR, Role.STUDENT)


class LoginScope(StrEnum):
    """What a login is good for: everything its user may do, or (before verification) me, logout and resend."""

    FULL = "full"
    UNVERIFIED = "unverified"


_TENANT = frozenset(
    {
        P.VIEW_DASHBOARD, P.VIEW_ANALYTICS, P.VIEW_TESTS, P.PURCHASE_SUBSCRIPTION, P.VIEW_INVOICES,
        P.MANAGE_COMPANY_ADMINS, P.VIEW_PARTICIPANTS, P.CREATE_PARTICIPANTS, P.EDIT_PARTICIPANTS,
        P.DELETE_PARTICIPANTS, P.IMPORT_PARTICIPANTS, P.ASSIGN_TESTS, P.BAN_PARTICIPANTS, P.VIEW_TEST_RESULTS,
        P.EXPORT_TEST_RESULTS, P.VIEW_MONITORING, P.VIEW_TEST_SESSIONS, P.VIEW_CHEAT_DETECTIONS,
    }
)  # fmt: skip
_PUBLIC = frozenset(
    {
        P.VIEW_DASHBOARD, P.VIEW_TESTS, P.VIEW_CART, P.MANAGE_CART, P.VIEW_TRANSACTIONS, P.PURCHASE_TESTS,
        P.TAKE_TESTS, P.VIEW_OWN_RESULTS, P.VIEW_OWN_PROFILE, P.MANAGE_OWN_PROFILE,
    }
)  # fmt: skip

ROLE_PERMISSIONS: dict[Role, frozenset[P]] = {
    Role.SUPER_ADMIN: frozenset(P),
    Role.TENANT_ADMIN: _TENANT,
    Role.PUBLIC_USER: _PUBLIC,
    # A codename opens the house's whole catalogue or nothing; what these three do, they do to their own tests,
    # through faces that ask for the role.
    Role.PARTICIPANT: frozenset({P.TAKE_TESTS}),
    Role.STUDENT: frozenset({P.TAKE_TESTS}),
    Role.INSTRUCTOR: frozenset(),
}
