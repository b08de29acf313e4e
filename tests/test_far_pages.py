"""Pages far into a list, and searches in what rows point to: the same rows as a plain cut, and no more queries."""

from datetime import timedelta

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.http import pages
from cbt.kernel import clock
from cbt.kernel.ids import new_token
from sessions_app.models import Participant, Result
from sessions_app.services.sessions import session_submit
from sessions_app.tests.factories import make_assignment, make_participant, start_session
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import counted_queries, data_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db):
    return make_tenant_admin(make_company())


def test_far_page__then_the_rows_of_a_plain_cut_and_no_more_queries(api, tenant):
    now = clock.now()
    Participant.objects.bulk_create(
        Participant(
            company_id=tenant.company_id, name=f"P {n}", email=f"p{n}@example.com", unique_token=new_token(),
            created_at=now - timedelta(seconds=n // 2), updated_at=now,  # every instant twice
        )
        for n in range(pages.FAR + 60)
    )  # fmt: skip
    expected = list(Participant.objects.order_by("-created_at", "-pk").values_list("pk", flat=True))
    reader = api.as_(tenant)
    counts = []
    for number in (1, pages.FAR // 50 + 1, pages.FAR // 50 + 2):
        with counted_queries() as queries:
            page = data_of(reader.get("/api/participants", {"page": number, "per_page": 50}))
        counts.append(len(queries))
        wanted = expected[(number - 1) * 50 : number * 50]
        assert [row["id"] for row in page["data"]] == wanted
        assert (page["total"], page["from"], page["to"]) == (
            pages.FAR + 60, (number - 1) * 50 + 1, (number - 1) * 50 + len(wanted),
        )  # fmt: skip
    assert len(set(counts)) == 1


@pytest.fixture
def sat(tenant):
    """Two people of the company and one of another have taken a test: their results by name."""
    found = {}
    for company_id, name in ((tenant.company_id, "Zamrud Satu"), (tenant.company_id, "Biru"), (None, "Zamrud Dua")):
        company = make_company() if company_id is None else tenant.company_admin.company
        person = make_participant(company=company, name=name)
        started = start_session(make_assignment(participant=person)[1])
        found[name] = session_submit(token=started.token, now=clock.now()).result
    return found


def test_search_by_person__then_only_theirs_within_reach(api, tenant, sat):
    staff = make_user(Role.SUPER_ADMIN)
    for reader, names in ((tenant, {"Zamrud Satu"}), (staff, {"Zamrud Satu", "Zamrud Dua"})):
        results = data_of(api.as_(reader).get("/api/results", {"search": "zamrud"}))
        assert {row["id"] for row in results["data"]} == {sat[name].pk for name in names}
        assert results["total"] == len(names)
        sessions = data_of(api.as_(reader).get("/api/test-sessions", {"search": "zamrud"}))
        assert {row["participant"]["name"] for row in sessions["data"]} == names
    assert data_of(api.as_(tenant).get("/api/results", {"search": "tidakada"}))["data"] == []


def test_result__then_repeats_the_company_of_its_session(sat, tenant):
    rows = dict(Result.objects.values_list("pk", "company_id"))
    assert rows[sat["Biru"].pk] == tenant.company_id
    assert all(row.company_id == row.session.company_id for row in Result.objects.select_related("session"))
