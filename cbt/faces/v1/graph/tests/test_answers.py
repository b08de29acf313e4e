"""What staff gets by GraphQL: the REST routes' rows, joined; and what it is refused as there."""

import re

import pytest
from django.conf import settings
from graphql import GraphQLObjectType, get_named_type

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from catalog.tests.factories import make_offer
from cbt.faces.v1.graph.limits import ASKING, LISTS, SIZES
from cbt.faces.v1.graph.schema import schema
from cbt.faces.v1.tests.factories import api_of, make_named, make_test
from cbt.kernel import clock
from sessions_app.models import ExamSession, Result
from sessions_app.services.sessions import session_submit
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.tests.factories import make_company, make_tenant_admin
from tests.rows import watched_writes
from tests.support import Api, counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db
PATH = "/v1/graphql"
EVERYTHING = """
query ($n: Int!) {
  tests(per_page: $n) {
    total page per_page
    items {
      id code name description type is_active question_count duration_minutes owner_id starts_at created_at updated_at
      sessions(first: 3) { id status result { id percentage } }
      results(first: 3) { id number session { id submitted_by } }
    }
  }
  sessions(per_page: $n) {
    total
    items {
      id status user_id attempt_number started_at deadline_at extra_minutes completed_at submitted_by banned_at
      ban_reason paused_at is_flagged last_seen_at last_saved_at time_spent_seconds remaining_seconds server_time
      test { id name code } participant { id name email } user { id name email } result { id }
    }
  }
}"""
ROW = """id number is_current state points max_points percentage passed correct_count wrong_count unanswered_count
  pending_count scales reason scoring_version created_at test { id name code } participant { id name email }
  user { id name email }
  session { id status started_at completed_at time_spent_seconds submitted_by is_flagged }"""


def ask(api, query, **variables):
    """Return the whole answer."""
    response = api.post(PATH, {"query": query, "variables": variables})
    assert response.status_code == 200, response.content
    return response.json()


def refusals(answer):
    """Return (first word of the path, code) of each error."""
    return [(error["path"][0], error["extensions"]["code"]) for error in answer.get("errors", [])]


class Firm:
    """A company whose people take one test."""

    def __init__(self):
        self.company = make_company(quota=1000)
        self.test = make_bank_test(name="Ours")
        self.api = Api(token_of(make_tenant_admin(self.company)))

    def sitting(self):
        person = make_participant(company=self.company)
        started = start_session(make_assignment(participant=person, test=self.test)[1])
        return session_submit(token=started.token, now=clock.now()).result


@pytest.fixture
def firm(db):
    return Firm()


def same(shown, row):
    """Compare an answer with a row of the REST route; ids are text in GraphQL."""
    for name, value in shown.items():
        if isinstance(value, dict) and name != "scales":
            same(value, row[name])
        else:
            assert value == (str(row[name]) if name in {"id", "user_id"} and row[name] is not None else row[name]), name


def test_rows__then_those_of_the_rest_routes(firm):
    result = firm.sitting()
    shown = ask(firm.api, f"{{ results {{ total items {{ {ROW} }} }} result(id: {result.pk}) {{ {ROW} }} }}")["data"]
    row = data_of(firm.api.get("/api/results"))["data"][0]
    assert shown["results"]["total"] == 1
    assert shown["results"]["items"] == [shown["result"]]
    same(shown["result"], row)
    assert set(row) == set(shown["result"])
    with watched_writes() as writes:
        shown = ask(firm.api, EVERYTHING, n=5)["data"]
    assert writes == []
    session = shown["sessions"]["items"][0]
    assert session.pop("result") == {"id": str(result.pk)}
    row = data_of(firm.api.get("/api/test-sessions"))["data"][0]
    assert set(row) - {"result_id"} == set(session)
    del session["server_time"]
    same(session, row)
    test = next(item for item in shown["tests"]["items"] if item["name"] == "Ours")
    assert test["sessions"] == [
        {"id": str(result.session_id), "status": "completed", "result": {"id": str(result.pk), "percentage": 0.0}}
    ]
    assert test["results"] == [
        {"id": str(result.pk), "number": 1, "session": {"id": str(result.session_id), "submitted_by": "taker"}}
    ]


def test_lists__when_two_and_when_twenty_rows__then_the_same_queries(firm):
    counts = []
    for more in (2, 18):
        for _ in range(more):
            firm.sitting()
            make_offer(type="company")
        with counted_queries() as queries:
            answer = ask(firm.api, EVERYTHING, n=50)
        assert "errors" not in answer
        assert len(answer["data"]["sessions"]["items"]) == ExamSession.objects.count()
        counts.append(len(queries))
    # Login; company; tests: count, ids, rows; their sessions: ids, rows, results; their results: ids, rows;
    # sessions: count, ids, rows, results.
    assert counts == [14, 14]
    ours = next(item for item in answer["data"]["tests"]["items"] if item["name"] == "Ours")
    newest = [str(pk) for pk in Result.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)[:3]]
    assert [row["id"] for row in ours["results"]] == newest
    assert [row["result"]["id"] for row in ours["sessions"]] == newest


def test_pages_and_filters__then_those_of_the_lists(firm):
    results = [firm.sitting() for _ in range(3)]
    page = ask(firm.api, "{ results(page: 2, per_page: 2) { total page per_page items { id } } }")["data"]["results"]
    assert page == {"total": 3, "page": 2, "per_page": 2, "items": [{"id": str(results[0].pk)}]}
    assert ask(firm.api, "{ results(per_page: 5000) { per_page } }")["data"]["results"] == {"per_page": 100}
    name = results[1].session.participant.name
    for arguments, count in (
        (f'search: "{name}"', 1), ('search: "nobody"', 0), (f'test_id: "{firm.test.pk}"', 3), ("passed: true", 0),
        ('date_from: "2999-01-01"', 0), (f"participant_id: {results[0].participant_id}", 1),
    ):  # fmt: skip
        assert ask(firm.api, f"{{ results({arguments}) {{ total }} }}")["data"]["results"]["total"] == count, arguments
    for arguments in ("page: 0", "per_page: -1", 'status: "x"', 'test_id: "x"', 'date_from: "x"'):
        answer = ask(firm.api, f"{{ results({arguments}) {{ total }} }}")
        assert (answer["data"], refusals(answer)) == ({"results": None}, [("results", "VALIDATION_ERROR")])
        assert list(answer["errors"][0]["extensions"]["fields"]) == [arguments.partition(":")[0]]
    answer = ask(firm.api, "{ tests { items { sessions(first: 0) { id } } } }")
    assert answer["errors"][0]["extensions"]["fields"] == {"first": ["The first must be at least 1."]}


def test_foreign__then_as_if_it_did_not_exist(firm):
    result, other = firm.sitting(), Firm()
    for field, pk in (("result", result.pk), ("session", result.session_id)):
        foreign, absent, nonsense = (
            ask(other.api, f'{{ {field}(id: "{one}") {{ id }} }}') for one in (pk, 909_090_909, "9" * 30)
        )
        for answer in (foreign, absent, nonsense):
            assert answer["data"] == {field: None}
            assert refusals(answer) == [(field, "NOT_FOUND")]
            del answer["errors"][0]["extensions"]["request_id"], answer["errors"][0]["locations"]
        assert foreign == absent == nonsense
    below = f"test(id: {firm.test.pk}) {{ sessions {{ id }} results {{ id }} }}"
    query = f"{{ results {{ total }} sessions(test_id: {firm.test.pk}) {{ total }} {below} }}"
    assert ask(other.api, query)["data"] == {
        "results": {"total": 0}, "sessions": {"total": 0}, "test": {"sessions": [], "results": []},
    }  # fmt: skip
    everyone = ask(Api(token_of(make_user(Role.SUPER_ADMIN))), query)["data"]
    assert (everyone["results"], everyone["test"]) == (
        {"total": 1}, {"sessions": [{"id": str(result.session_id)}], "results": [{"id": str(result.pk)}]},
    )  # fmt: skip


def test_instructor__then_own_tests_and_their_attendance_only(firm):
    firm.sitting()
    author, other, pupil = api_of(Role.INSTRUCTOR), api_of(Role.INSTRUCTOR), make_named()
    mine, theirs = make_test(author), make_test(other)
    for api, test in ((author, mine), (other, theirs)):
        assert api.post("/v1/attendance", {"test_id": test, "user_id": pupil.pk, "status": "late"}).status_code == 201
    answer = ask(author, "{ tests { items { id name attendance { user_id status method } } } attendance { total } }")
    row = {"user_id": str(pupil.pk), "status": "late", "method": "staff"}
    assert answer["data"] == {
        "tests": {"items": [{"id": str(mine), "name": "Capitals", "attendance": [row]}]}, "attendance": {"total": 1},
    }  # fmt: skip
    assert refusals(ask(author, f"{{ test(id: {theirs}) {{ id }} }}")) == [("test", "NOT_FOUND")]


def test_instructor__then_sessions_and_results_of_own_tests_only(firm):
    firm.sitting()
    author, other, pupil = api_of(Role.INSTRUCTOR), api_of(Role.INSTRUCTOR), make_named(name="Siti Aminah")
    mine, theirs = make_test(author), make_test(other)
    for test in (mine, theirs):
        assert Api(token_of(pupil)).post(f"/v1/tests/{test}/submit", {"answers": {"q1": "a"}}).status_code == 200
    row, foreign = (Result.objects.get(test_id=test) for test in (mine, theirs))
    shown = {"id": str(row.pk), "points": 2.0, "user": {"id": str(pupil.pk), "name": "Siti Aminah"}}
    session = {"id": str(row.session_id), "status": "completed", "result": {"id": str(row.pk)}}
    result, sitting = "id points user { id name }", "id status result { id }"
    lists = f"sessions {{ total items {{ {sitting} }} }} results {{ total items {{ {result} }} }}"
    single = f"result(id: {row.pk}) {{ {result} }} session(id: {row.session_id}) {{ {sitting} }}"
    nested = f"tests {{ items {{ sessions {{ {sitting} }} results {{ {result} }} }} }}"
    assert ask(author, f"{{ {lists} {single} {nested} }}") == {
        "data": {
            "sessions": {"total": 1, "items": [session]}, "results": {"total": 1, "items": [shown]},
            "result": shown, "session": session, "tests": {"items": [{"sessions": [session], "results": [shown]}]},
        }
    }  # fmt: skip
    answer = ask(author, f"{{ result(id: {foreign.pk}) {{ id }} session(id: {foreign.session_id}) {{ id }} }}")
    assert sorted(refusals(answer)) == [("result", "NOT_FOUND"), ("session", "NOT_FOUND")]
    for text, count in (("siti", 1), ("nobody", 0)):
        answer = ask(author, f'{{ sessions(search: "{text}") {{ total }} results(search: "{text}") {{ total }} }}')
        assert answer["data"] == {"sessions": {"total": count}, "results": {"total": count}}


def test_tenant__then_no_attendance_and_no_sessions_without_a_subscription(firm):
    assert refusals(ask(firm.api, "{ attendance { total } }")) == [("attendance", "FORBIDDEN")]
    poor = Api(token_of(make_tenant_admin(make_company(with_subscription=False))))
    answer = ask(poor, "{ tests { total } sessions { total } }")
    assert answer["data"] == {"tests": {"total": 1}, "sessions": None}
    assert refusals(answer) == [("sessions", "SUBSCRIPTION_REQUIRED")]
    assert answer["errors"][0]["message"] == "No active subscription found"


@pytest.mark.parametrize("role", [Role.STUDENT, Role.PUBLIC_USER, Role.PARTICIPANT])
def test_wrong_role__then_403(role):
    error_of(Api(token_of(make_user(role))).post(PATH, {"query": "{ tests { total } }"}), 403, "FORBIDDEN")


def depth_of(kind, above=()):
    """Return how many fields stand inside one another below a type; a circle is an error."""
    assert kind.name not in above, f"a circle: {above}"
    inner = [get_named_type(field.type) for field in getattr(kind, "fields", {}).values()]
    return 1 + max(depth_of(one, (*above, kind.name)) for one in inner) if inner else 0


def test_schema__then_as_published_without_circles_and_every_list_is_counted():
    sdl = schema.as_str()
    assert (settings.BASE_DIR / "docs/graphql.graphql").read_text() == sdl + "\n"
    kinds = [kind for kind in schema._schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    kinds = [kind for kind in kinds if not kind.name.startswith("__")]
    names = {name for kind in kinds for name in kind.fields}
    assert {name for name in names if re.search("token|key|^answer|nonce|correct_(?!count)|items?_", name)} == set()
    assert (schema._schema.mutation_type, schema._schema.subscription_type) == (None, None)
    assert depth_of(schema._schema.query_type) == 6
    for kind in kinds:
        for name, field in kind.fields.items():
            assert bool(set(SIZES) & set(field.args)) == (name in LISTS), f"{kind.name}.{name}"
            if "[" in str(field.type) and name != "items":
                assert name in ASKING, f"{kind.name}.{name}"
