"""What a query may ask for, decided before anything of it is executed, and its text before it is parsed.

Every step is linear in the length of the text: tokens and brackets are counted first (the parser calls itself for each
bracket), fragments are few and each is measured once, however often it is spread. How deep the answer goes is bounded
by the schema, which leads nowhere in a circle: six fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    Lexer,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    VariableNode,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension

from cbt.kernel.errors import DomainError, ErrorCode

MAX_LENGTH = 8_000
MAX_TOKENS = 500
MAX_NESTING = 15
MAX_FRAGMENTS = 10
MAX_REPEATS = 20
MAX_VALUES = 5_000
MAX_QUERIES = 10
#: Fields that answer many rows, by ``per_page`` or ``first``.
LISTS = frozenset({"tests", "sessions", "results", "attendance"})
#: Fields that ask the database, once for all rows they stand in; so does every field that finds one row by ``id``.
ASKING = LISTS | {"result"}
SIZES = ("per_page", "first")
DEFAULT_SIZE = 20
MAX_SIZE = 100
OPENING = frozenset({TokenKind.BRACE_L, TokenKind.PAREN_L, TokenKind.BRACKET_L})
EXECUTABLE = (OperationDefinitionNode, FragmentDefinitionNode)
CLOSING = frozenset({TokenKind.BRACE_R, TokenKind.PAREN_R, TokenKind.BRACKET_R})


def refused(message: str, **details: int) -> DomainError:
    """Return the refusal of a query that asks for too much."""
    return DomainError(ErrorCode.VALIDATION_ERROR, message, details=details)


def check_text(text: str) -> None:
    """Raise VALIDATION_ERROR for a text too long or too nested to be parsed, GraphQLError for one of no tokens."""
    if len(text) > MAX_LENGTH:
        raise refused("The query is too long.", length=len(text), limit=MAX_LENGTH)
    lexer, nesting, tokens, fragments = Lexer(Source(text)), 0, 0, 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        tokens += 1
        nesting += (token.kind in OPENING) - (token.kind in CLOSING)
        fragments += nesting == 0 and token.value == "fragment"
        if tokens > MAX_TOKENS:
            raise refused("The query has too many words.", limit=MAX_TOKENS)
        if nesting > MAX_NESTING:
            raise refused("The query is nested too deeply.", limit=MAX_NESTING)
        if fragments > MAX_FRAGMENTS:
            raise refused("The query has too many fragments.", limit=MAX_FRAGMENTS)


def check_repeats(document: DocumentNode) -> None:
    """Raise VALIDATION_ERROR where fields stand beside others of their name too often.

    GraphQL's own rules compare all such pairs: half a thousand repeats of one field keep them busy for a second.
    """
    repeats = sum(_repeats(node.selection_set) for node in document.definitions if isinstance(node, EXECUTABLE))
    if repeats > MAX_REPEATS:
        raise refused("The query repeats too many fields.", repeats=repeats, limit=MAX_REPEATS)


def _repeats(selections: SelectionSetNode | None) -> int:
    beside = list(_beside(selections))
    names = {(field.alias or field.name).value for field in beside}
    return len(beside) - len(names) + sum(_repeats(field.selection_set) for field in beside)


def _beside(selections: SelectionSetNode | None) -> Iterator[FieldNode]:
    """Return the fields of a selection, those of its inline fragments among them."""
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _beside(node.selection_set)


@dataclass(frozen=True, slots=True)
class Weight:
    """values: written at most.  queries: fields that ask the database."""

    values: int = 0
    queries: int = 0


class Meter:
    """Measures a valid document: fragments exist and have no cycles. Every alias counts, @skip and @include do not."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.variables = variables
        self.measured: dict[str, Weight] = {}

    def of(self, selections: SelectionSetNode | None) -> Weight:
        """Return what these fields weigh for one parent."""
        weights = [self._one(node) for node in selections.selections] if selections else []
        return Weight(values=sum(one.values for one in weights), queries=sum(one.queries for one in weights))

    def _one(self, node: SelectionNode) -> Weight:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, InlineFragmentNode):
            return self.of(node.selection_set)
        assert isinstance(node, FragmentSpreadNode)  # noqa: S101 - GraphQL has no other
        name = node.name.value
        if name not in self.measured:
            self.measured[name] = self.of(self.fragments[name].selection_set)
        return self.measured[name]

    def _field(self, node: FieldNode) -> Weight:
        name, inner = node.name.value, self.of(node.selection_set)
        if name.startswith("__"):
            return Weight(values=1)  # the schema about itself; refused in production
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        return Weight(
            values=1 + self._rows(name, given) * inner.values,
            queries=(name in ASKING or "id" in given) + inner.queries,
        )

    def _rows(self, name: str, given: Mapping[str, Any]) -> int:
        """Return how many rows a field answers at most; what cannot be told counts as all."""
        if name not in LISTS:
            return 1
        node = next((given[size] for size in SIZES if size in given), None)
        if node is None:
            return DEFAULT_SIZE
        if isinstance(node, IntValueNode):
            return min(int(node.value[:10]), MAX_SIZE) if not node.value.startswith("-") else 1
        value = self.variables.get(node.name.value) if isinstance(node, VariableNode) else None
        is_small = isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_SIZE
        return int(value or 0) if is_small else MAX_SIZE


def check_weight(document: DocumentNode, variables: Mapping[str, Any], operation_name: str | None) -> None:
    """Raise VALIDATION_ERROR for an operation that could cost too much."""
    operation = get_operation_ast(document, operation_name)
    if operation is None:  # what cannot be weighed is not executed, whatever the library would choose
        raise GraphQLError("There is no query of this name.")
    weight = Meter(document, variables).of(operation.selection_set)
    if weight.queries > MAX_QUERIES:
        raise refused("The query asks for too many lists at once.", queries=weight.queries, limit=MAX_QUERIES)
    if weight.values > MAX_VALUES:
        raise refused("The query asks for too much at once.", values=weight.values, limit=MAX_VALUES)


class Limits(SchemaExtension):
    """Refuses what is too much, and in production questions about the schema itself."""

    def on_operation(self) -> Iterator[None]:
        """Look at the text before it is parsed."""
        context = self.execution_context
        check_text(context.query or "")
        if not settings.DEBUG:
            context.validation_rules = (*context.validation_rules, NoSchemaIntrospectionCustomRule)
        yield

    def on_validate(self) -> Iterator[None]:
        """Look at what is slow to validate before it is."""
        if self.execution_context.graphql_document is not None:
            check_repeats(self.execution_context.graphql_document)
        yield

    def on_execute(self) -> Iterator[None]:
        """Weigh the valid document before a resolver runs."""
        context = self.execution_context
        if context.graphql_document is None:
            raise GraphQLError("There is no query.")
        check_weight(context.graphql_document, context.variables or {}, context.operation_name)
        context.context.has_begun = True
        yield
