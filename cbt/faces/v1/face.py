"""How this dialect writes: bare objects and arrays; the page form where `limit` is sent; the house's error body."""

from cbt.http.face import Face, Json, Ok, error_body
from cbt.kernel.errors import ErrorCode


def _wrap(ok: Ok) -> Json:
    if ok.page is None:
        return ok.data
    if ok.page.is_flat:
        return {"data": ok.page.items, "total": ok.page.total, "page": ok.page.number, "limit": ok.page.size}
    return ok.page.items


V1 = Face(
    name="v1",
    title="v1",
    wrap=_wrap,
    fail=error_body,
    status_of={ErrorCode.CONFLICT: 409},
    borrowed=frozenset({"/health"}),
)
