"""POST /v1/graphql. A body that can be read is answered 200 in GraphQL's shape; every other refusal is the house's."""

from typing import Any

from graphql import GraphQLError
from rest_framework import serializers
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from accounts.states import Role
from cbt.faces.v1.graph.context import Context
from cbt.faces.v1.graph.limits import MAX_LENGTH
from cbt.faces.v1.graph.schema import schema
from cbt.faces.v1.views.base import READ_ERRORS, V1View
from cbt.http.face import Ok
from cbt.http.fields import Input, JsonObject, OutputSerializer
from cbt.http.parsers import CleanJSONParser
from cbt.http.problems import report, to_problem
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel.errors import DomainError
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.logs import request_id_var

EXAMPLE = {
    "query": 'query ($n: Int!) { sessions(per_page: $n, status: "completed") { total items { id participant { name } '
    "result { percentage passed } } } }",
    "variables": {"n": 10},
}
ERRORS_SHOWN = 20
MAX_BODY_BYTES = 64 * 1024


class GraphIn(Input):
    """One query; what else GraphQL clients send is not looked at."""

    query = serializers.CharField(max_length=MAX_LENGTH)
    variables = JsonObject(required=False, allow_null=True)
    operationName = serializers.CharField(max_length=200, required=False, allow_null=True)  # noqa: N815 - GraphQL's


class GraphErrorOut(OutputSerializer):
    """One error. extensions: code as elsewhere, request_id, and fields and details where there are any."""

    message = serializers.CharField()
    path = serializers.ListField(required=False)
    locations = serializers.ListField(child=JsonObject(), required=False)
    extensions = JsonObject()


class GraphOut(OutputSerializer):
    """data: missing where nothing was executed.  errors: missing where there are none."""

    data = JsonObject(required=False, allow_null=True)  # type: ignore[assignment]
    errors = GraphErrorOut(many=True, required=False)  # type: ignore[assignment]


class Graph(V1View):
    """Staff's questions over tests, sessions, results and attendance."""

    roles = (Role.SUPER_ADMIN, Role.TENANT_ADMIN, Role.INSTRUCTOR)
    rate = Rate.GRAPH
    scope = Scope.COMPANY
    max_body_bytes = MAX_BODY_BYTES
    parser_classes = (CleanJSONParser,)

    @documented(
        "Ask by GraphQL; the schema is docs/graphql.graphql",
        request=GraphIn,
        bare=GraphOut,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR),
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Ok:
        """Check, weigh, execute."""
        asked, context = GraphIn.parse(request), Context(request.actor)
        data, errors = _answer(asked, context)
        body: dict[str, Any] = {"data": data} if context.has_begun else {}
        if errors:
            body["errors"] = [_written(error, request) for error in errors[:ERRORS_SHOWN]]
        return Ok(body)


def _answer(asked: dict[str, Any], context: Context) -> tuple[Any, list[GraphQLError]]:
    """Return data and errors; of operations only queries."""
    try:
        done = schema.execute_sync(
            asked["query"],
            variable_values=asked.get("variables") or {},
            operation_name=asked.get("operationName"),
            context_value=context,
            allowed_operation_types=[OperationType.QUERY],
        )
    except (CannotGetOperationTypeError, InvalidOperationTypeError):
        return None, [GraphQLError("There is no query of this name.")]
    for error in done.errors or []:
        if not context.has_begun and not isinstance(error.original_error, DomainError | GraphQLError | None):
            raise error.original_error
    return done.data, done.errors or []


def _written(error: GraphQLError, request: Request) -> dict[str, Any]:
    """Write an error: what a use case refuses by its code, GraphQL's own as a bad query, the rest without detail."""
    refusal = error.original_error
    if refusal is None or isinstance(refusal, GraphQLError):  # the latter: a value that does not fit its variable
        refusal = DomainError(E.VALIDATION_ERROR, error.message[:300])
    problem = to_problem(refusal)
    report(refusal, problem, request)
    extensions: dict[str, Any] = {"code": problem.code.value, "request_id": request_id_var.get()}
    extensions |= {"fields": dict(problem.fields)} if problem.fields else {}
    extensions |= {"details": dict(problem.details)} if problem.details else {}
    written: dict[str, Any] = {"message": problem.message, "extensions": extensions}
    written |= {"path": error.path} if error.path else {}
    written |= {"locations": [place.formatted for place in error.locations]} if error.locations else {}
    return written
