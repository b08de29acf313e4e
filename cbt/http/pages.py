"""Pages, sorting and searching of lists, once."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.sql.datastructures import Join

from cbt.http.face import Page
from cbt.http.request import Request
from cbt.kernel.errors import DomainError, ErrorCode

DEFAULT_SIZE = 15
MAX_SIZE = 100
LAST_PAGE = 1_000_000
MAX_SEARCH = 100
#: Rows before a page from which on it is cut by ids.
FAR = 500


def _number(params: Mapping[str, str], name: str, default: int, top: int) -> int:
    text = (params.get(name) or "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise _invalid(name, f"The {name} must be an integer.") from None
    if value < 1:
        raise _invalid(name, f"The {name} must be at least 1.")
    return min(value, top)


def _invalid(name: str, text: str) -> DomainError:
    return DomainError(ErrorCode.VALIDATION_ERROR, "The given data was invalid.", fields={name: [text]})


def page_of(
    queryset: QuerySet[Any],
    request: Request,
    present: Callable[[Any], Any],
    *,
    default_size: int = DEFAULT_SIZE,
    takes_all: bool = False,
) -> Page:
    """Cut the page the request asks for out of an ordered queryset.

    ``page`` counts from 1, ``per_page`` 1 to 100 (15); ``limit`` instead of ``per_page`` asks for the
    flat form.
    default_size: rows where the request does not say.  takes_all: ``per_page=all`` asks for the largest page there is.
    Past the end: an empty page. An unordered queryset is a bug: ties would move between pages.
    """
    if not queryset.ordered:
        raise AssertionError("a paged queryset must be ordered")
    params = request.query_params
    is_flat = bool((params.get("limit") or "").strip())
    if takes_all and not is_flat and (params.get("per_page") or "").strip().lower() == "all":
        size = MAX_SIZE
    else:
        size = _number(params, "limit" if is_flat else "per_page", default_size, MAX_SIZE)
    number = _number(params, "page", 1, LAST_PAGE)
    total = queryset.count()
    start = (number - 1) * size
    items = [present(row) for row in _cut(queryset, start, size)] if start < total else []
    return Page(items=items, total=total, number=number, size=size, is_flat=is_flat)


def _cut(queryset: QuerySet[Any], start: int, size: int) -> QuerySet[Any]:
    """Return the rows of one page.

    Far into a list, and where rows are joined or annotated, only ids are counted off, in an index where there is
    one: joins, annotations and wide columns of all the rows before would be fetched for nothing. The ids are asked for
    by themselves: beside eight tables PostgreSQL no longer tries to begin with a subquery, however few rows it has.
    """
    is_joined = bool(queryset.query.select_related or queryset.query.annotations)
    if (start < FAR and not is_joined) or len(queryset.model._meta.pk_fields) > 1:
        return queryset[start : start + size]
    ids = list(queryset.select_related(None).prefetch_related(None).values_list("pk", flat=True)[start : start + size])
    rows = queryset.all()
    if _is_one_to_one(rows):
        rows.query.clear_where()  # the ids say it all: searching again among all rows costs more than the page
    return rows.filter(pk__in=ids)


def _is_one_to_one(queryset: QuerySet[Any]) -> bool:
    """Tell whether no condition joins rows of which there may be several, so that without it none comes twice."""
    fields: list[Any] = [join.join_field for join in queryset.query.alias_map.values() if isinstance(join, Join)]
    return all(field.many_to_one or field.one_to_one for field in fields)


def flat_page_of(items: list[Any], request: Request) -> Page | None:
    """Cut a list that is not paged into the flat page a ``limit`` asks for, by the rules of `page_of`; None without."""
    params = request.query_params
    if not (params.get("limit") or "").strip():
        return None
    size, number = _number(params, "limit", DEFAULT_SIZE, MAX_SIZE), _number(params, "page", 1, LAST_PAGE)
    shown = items[(number - 1) * size : number * size]
    return Page(items=shown, total=len(items), number=number, size=size, is_flat=True)


def sort_of(request: Request, allowed: Mapping[str, str], *, default: str, descending: bool = False) -> tuple[str, ...]:
    """Return the ``order_by`` of ``sort_by``/``sort_order``; only listed names, ties broken by primary key."""
    name = (request.query_params.get("sort_by") or default).strip()
    if name not in allowed:
        raise _invalid("sort_by", f"The sort_by must be one of: {', '.join(sorted(allowed))}.")
    direction = (request.query_params.get("sort_order") or ("desc" if descending else "asc")).strip().lower()
    if direction not in {"asc", "desc"}:
        raise _invalid("sort_order", "The sort_order must be asc or desc.")
    sign = "-" if direction == "desc" else ""
    return (f"{sign}{allowed[name]}", f"{sign}pk")


def search_of(request: Request, *fields: str) -> Q:
    """Return the condition of ``search``: case-insensitive containment in any of the fields."""
    text = (request.query_params.get("search") or "").strip()[:MAX_SEARCH]
    condition = Q()
    if text:
        for name in fields:
            condition |= Q(**{f"{name}__icontains": text})
    return condition


def bool_of(request: Request, name: str) -> bool | None:
    """Return a boolean filter (true/false/1/0), None when absent or empty; anything else is refused."""
    text = (request.query_params.get(name) or "").strip().lower()
    if not text:
        return None
    if text not in {"true", "false", "1", "0"}:
        raise _invalid(name, f"The {name} field must be true or false.")
    return text in {"true", "1"}


def int_of(request: Request, *names: str) -> int | None:
    """Return an id filter under any of its documented names, None when absent or empty."""
    for name in names:
        text = (request.query_params.get(name) or "").strip()
        if text:
            if not (text.isascii() and text.isdigit()) or len(text) > 18:
                raise _invalid(name, f"The {name} must be an integer.")
            return int(text)
    return None


def choice_of(request: Request, name: str, choices: set[str]) -> str | None:
    """Return a filter that must be one of ``choices``, None when absent or empty."""
    text = (request.query_params.get(name) or "").strip()
    if not text:
        return None
    if text not in choices:
        raise _invalid(name, f"The selected {name} is invalid.")
    return text
