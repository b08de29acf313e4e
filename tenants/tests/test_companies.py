"""Opening, shutting and deleting companies; who runs them."""

import threading

import pytest

from accounts.models import User
from accounts.tests.factories import PASSWORD
from cbt.kernel import clock
from cbt.kernel.actor import ANONYMOUS, SYSTEM
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent
from tenants.models import Company, CompanyAdmin
from tenants.selectors.companies import companies_for, company_admins_for, company_for, company_of
from tenants.services import admins
from tenants.services.admins import company_admin_add, company_admin_remove, company_admin_set_primary
from tenants.services.companies import company_create, company_delete, company_set_active, company_update
from tenants.tests.factories import make_company, make_subscription, make_tenant_admin, super_actor, tenant_actor
from tests.support import counted_queries, data_of, error_of, race


def refused(act) -> DomainError:
    with pytest.raises(DomainError) as caught:
        act()
    return caught.value


def sign_in(api, user):
    return api.post("/api/auth/login", {"email": user.email, "password": PASSWORD})


# --- open and shut ----------------------------------------------------------------------------------


def test_shut__then_every_admin_is_out_at_once_and_cannot_sign_in(api):
    company, other = make_company(), make_company()
    users = [make_tenant_admin(company), make_tenant_admin(company)]
    neighbour = api.as_(make_tenant_admin(other))
    callers = [api.as_(user) for user in users]
    for caller in callers:
        data_of(caller.get("/api/auth/me"))
    company_set_active(company_id=company.pk, is_active=False, actor=super_actor())
    for caller in callers:
        error_of(caller.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    assert error_of(sign_in(api, users[0]), 403, "COMPANY_INACTIVE")["message"] == "Company is inactive"
    data_of(neighbour.get("/api/auth/me"))
    company.refresh_from_db()
    assert (company.is_active, company.deactivated_at == company.updated_at) == (False, True)


def test_open__when_it_was_shut__then_they_sign_in_but_old_tokens_stay_dead(api):
    company = make_company()
    user = make_tenant_admin(company)
    old = api.as_(user)
    actor = super_actor()
    first = company.activated_at
    company_set_active(company_id=company.pk, is_active=False, actor=actor)
    company_set_active(company_id=company.pk, is_active=True, actor=actor)
    error_of(old.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    data_of(sign_in(api, user))
    company.refresh_from_db()
    assert (company.is_active, company.deactivated_at, company.activated_at) == (True, None, first)
    actions = AuditEvent.objects.filter(object_type="tenants.company").order_by("pk").values_list("action", "actor_id")
    assert list(actions) == [("tenants.company.deactivated", actor.id), ("tenants.company.activated", actor.id)]


@pytest.mark.django_db
@pytest.mark.parametrize("is_active", [True, False])
def test_set_active__when_it_is_so_already__then_nothing_changes(is_active):
    company = make_company()
    company_set_active(company_id=company.pk, is_active=is_active, actor=super_actor())
    before = (Company.objects.values().get(), AuditEvent.objects.count())
    company_set_active(company_id=company.pk, is_active=is_active, actor=super_actor())
    assert (Company.objects.values().get(), AuditEvent.objects.count()) == before


@pytest.mark.django_db
def test_open__when_it_was_never_open__then_activated_now():
    company = company_set_active(company_id=make_company(is_active=False).pk, is_active=True, actor=super_actor())
    assert company.activated_at == company.updated_at


def test_delete__then_hidden_locked_and_cancelled_but_kept(api):
    company = make_company(email="office@example.com")
    user = make_tenant_admin(company)
    caller = api.as_(user)
    actor = super_actor()
    company_delete(company_id=company.pk, actor=actor)
    error_of(caller.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    error_of(sign_in(api, user), 403, "COMPANY_INACTIVE")
    company.refresh_from_db()
    assert (company.is_active, company.deleted_at == company.updated_at) == (False, True)
    assert [row.status for row in company.subscriptions.all()] == ["cancelled"]
    assert CompanyAdmin.objects.filter(company=company).count() == 1
    for act in (company_delete, lambda **more: company_set_active(is_active=True, **more)):
        assert refused(lambda act=act: act(company_id=company.pk, actor=actor)).code is ErrorCode.NOT_FOUND
    company_create(name="PT Baru", email="office@example.com", actor=actor)


@pytest.mark.django_db
def test_create__then_open_at_once_unless_told_otherwise():
    actor = super_actor()
    first = company_create(name="PT A", email=" a@example.com ", actor=actor)
    second = company_create(name="PT B", email="b@example.com", is_active=False, actor=actor)
    assert (first.email, first.is_active, first.activated_at == first.created_at) == ("a@example.com", True, True)
    assert (second.is_active, second.deactivated_at == second.created_at) == (False, True)
    error = refused(lambda: company_create(name="PT C", email="A@EXAMPLE.com", actor=actor))
    assert error.fields == {"email": ["The email has already been taken."]}


@pytest.mark.django_db
def test_update__then_only_what_is_told_changes():
    company, other = make_company(), make_company(email="taken@example.com")
    actor = super_actor()
    changed = company_update(company_id=company.pk, actor=actor, name="PT Baru", settings={"logo": "left"})
    assert (changed.name, changed.settings, changed.email) == ("PT Baru", {"logo": "left"}, company.email)
    assert AuditEvent.objects.get(action="tenants.company.updated").data == {"changed": ["name", "settings"]}
    error = refused(lambda: company_update(company_id=company.pk, actor=actor, email="Taken@example.com"))
    assert error.fields == {"email": ["The email has already been taken."]}
    company_update(company_id=other.pk, actor=actor, email="TAKEN@example.com")
    with pytest.raises(TypeError, match="is_active"):
        company_update(company_id=company.pk, actor=actor, is_active=False)


# --- admins -----------------------------------------------------------------------------------------


def add(company, actor, email="new@example.com", **more):
    return company_admin_add(
        company_id=company.pk, name="New Admin", email=email, password=PASSWORD, actor=actor, **more
    )


def primaries(company) -> list[int]:
    return list(CompanyAdmin.objects.filter(company=company, is_primary=True).values_list("pk", flat=True))


def test_add__when_first__then_primary_verified_and_able_to_sign_in(api):
    company = make_company()
    admin = add(company, super_actor())
    assert (admin.is_primary, admin.user.role, admin.user.company_id) == (True, "tenant_admin", company.pk)
    data_of(sign_in(api, admin.user))


@pytest.mark.django_db
def test_add__when_primary__then_the_old_one_is_demoted():
    company = make_company()
    first = add(company, SYSTEM)
    second = add(company, SYSTEM, email="b@example.com")
    assert (second.is_primary, primaries(company)) == (False, [first.pk])
    third = add(company, SYSTEM, email="c@example.com", is_primary=True)
    assert primaries(company) == [third.pk]


def test_add__when_company_is_shut__then_locked_out_with_it(api):
    company = make_company(is_active=False)
    admin = add(company, super_actor())
    error_of(sign_in(api, admin.user), 403, "COMPANY_INACTIVE")
    company_set_active(company_id=company.pk, is_active=True, actor=super_actor())
    data_of(sign_in(api, admin.user))


@pytest.mark.django_db
def test_add__when_address_is_taken__then_told_and_nothing_stored():
    company = make_company()
    make_tenant_admin(email="New@example.com")
    assert refused(lambda: add(company, SYSTEM)).fields == {"email": ["The email has already been taken."]}
    assert company.admins.count() == 0


@pytest.mark.django_db
def test_set_primary__then_exactly_one_and_again_changes_nothing():
    company = make_company()
    users = [make_tenant_admin(company) for _ in range(3)]
    actor = tenant_actor(users[0])
    target = users[2].company_admin
    company_admin_set_primary(admin_id=target.pk, actor=actor)
    company_admin_set_primary(admin_id=target.pk, actor=actor)
    assert primaries(company) == [target.pk]
    assert AuditEvent.objects.filter(action="tenants.company_admin.made_primary").count() == 1


@pytest.mark.django_db
def test_remove__then_admin_and_user_are_gone():
    company = make_company()
    primary, second = make_tenant_admin(company), make_tenant_admin(company)
    company_admin_remove(admin_id=second.company_admin.pk, actor=tenant_actor(primary))
    assert list(User.objects.values_list("pk", flat=True)) == [primary.pk]
    assert company.admins.count() == 1
    event = AuditEvent.objects.get(action="tenants.company_admin.removed")
    assert (event.actor_id, event.company_id, event.data["user_id"]) == (primary.pk, company.pk, second.pk)


@pytest.mark.django_db
def test_remove__when_last_or_primary__then_refused():
    company = make_company()
    primary = make_tenant_admin(company)
    last = refused(lambda: company_admin_remove(admin_id=primary.company_admin.pk, actor=SYSTEM))
    assert (last.code, last.message) == (ErrorCode.BUSINESS_RULE, "The last admin of a company cannot be removed.")
    make_tenant_admin(company)
    still = refused(lambda: company_admin_remove(admin_id=primary.company_admin.pk, actor=SYSTEM))
    assert (still.code, still.message) == (ErrorCode.BUSINESS_RULE, "Make another admin the primary one first.")
    assert company.admins.count() == 2


@pytest.mark.django_db
def test_remove__when_oneself__then_refused_and_nothing_is_half_done():
    company = make_company()
    make_tenant_admin(company)
    second = make_tenant_admin(company)
    error = refused(lambda: company_admin_remove(admin_id=second.company_admin.pk, actor=tenant_actor(second)))
    assert error.code is ErrorCode.BUSINESS_RULE
    assert company.admins.count() == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_set_primary__when_all_at_once__then_exactly_one():
    company = make_company()
    rows = [make_tenant_admin(company).company_admin for _ in range(4)]
    results = race(4, lambda index: company_admin_set_primary(admin_id=rows[index].pk, actor=SYSTEM))
    assert [result for result in results if isinstance(result, Exception)] == []
    assert len(primaries(company)) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_set_primary__control__when_demoted_and_promoted_apart__then_the_index_refuses_one():
    """Without lock and transaction two promotions meet after both demotions."""
    company = make_company()
    make_tenant_admin(company)
    rows = [make_tenant_admin(company).company_admin for _ in range(2)]
    both_have_demoted = threading.Barrier(2)

    def naive(index):
        admins._demote(company, clock.now())
        both_have_demoted.wait(timeout=30)
        CompanyAdmin.objects.filter(pk=rows[index].pk).update(is_primary=True)

    results = race(2, naive)
    assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "NoneType"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_remove__when_it_is_made_primary_at_once__then_one_primary_stays():
    company = make_company()
    first, second = (make_tenant_admin(company).company_admin for _ in range(2))
    acts = [company_admin_remove, company_admin_set_primary]
    results = race(2, lambda index: acts[index](admin_id=second.pk, actor=SYSTEM))
    refusals = [result.code for result in results if isinstance(result, Exception)]
    assert refusals in ([ErrorCode.BUSINESS_RULE], [ErrorCode.NOT_FOUND])  # whichever came first
    assert primaries(company) == [second.pk if refusals == [ErrorCode.BUSINESS_RULE] else first.pk]


# --- reach ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_reach__when_stranger__then_absent_and_foreign_look_alike():
    mine, theirs = make_company(), make_company()
    me, them = tenant_actor(make_tenant_admin(mine)), make_tenant_admin(theirs)
    make_tenant_admin(theirs)
    foreign = them.company_admin.pk
    acts = [
        lambda pk: company_for(me, theirs.pk if pk == foreign else pk),
        lambda pk: company_admin_set_primary(admin_id=pk, actor=me),
        lambda pk: company_admin_remove(admin_id=pk, actor=me),
        lambda pk: company_admin_add(
            company_id=theirs.pk if pk == foreign else pk, name="x", email="x@example.com", password=PASSWORD, actor=me
        ),
        lambda pk: company_update(company_id=theirs.pk if pk == foreign else pk, name="x", actor=me),
    ]
    for act in acts:
        errors = [refused(lambda act=act, pk=pk: act(pk)) for pk in (foreign, 999_999)]
        assert [(error.code, error.message) for error in errors] == [(ErrorCode.NOT_FOUND, "Resource not found")] * 2
    assert list(companies_for(me)) == [mine]
    assert {row.company for row in company_admins_for(me)} == {mine}


@pytest.mark.django_db
def test_reach__when_staff_or_nobody__then_all_or_none():
    companies = {make_company(), make_company()}
    make_company(with_subscription=False, is_active=False, deleted_at=clock.now())
    assert set(companies_for(super_actor())) == companies
    assert set(companies_for(SYSTEM)) == companies
    assert set(companies_for(ANONYMOUS)) == set()


@pytest.mark.django_db
def test_company_of__then_one_query_with_the_running_subscription_only():
    company = make_company(with_subscription=False)
    make_subscription(company, status="expired")
    running = make_subscription(company)
    actor = tenant_actor(make_tenant_admin(company))
    with counted_queries() as statements:
        tenant = company_of(actor)
        assert (tenant.company, tenant.subscription) == (company, running)
        assert tenant.subscription.remaining_quota == 100
    assert len(statements) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("actor", [SYSTEM, ANONYMOUS])
def test_company_of__when_no_user__then_refused(actor):
    assert refused(lambda: company_of(actor)).code is ErrorCode.COMPANY_ADMIN_NOT_FOUND
