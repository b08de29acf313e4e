"""Reading results: staff within their company, private buyers their own."""

from django.db.models import Q, QuerySet

from accounts.states import Role
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from sessions_app.models import ExamSession, Result


def visible_results(actor: Actor) -> Q:
    """Return the condition of what this actor may see; others nothing."""
    if actor.is_super_admin:
        return Q()
    if actor.role == Role.TENANT_ADMIN and actor.company_id is not None:
        return Q(company_id=actor.company_id)
    if actor.role == Role.PUBLIC_USER and actor.id is not None:
        # As a set of its own: joined, every result of the buyer would be matched with session and test to be counted.
        hidden = ExamSession.objects.filter(Q(user_id=actor.id), test__result_policy="none")
        return Q(user_id=actor.id) & ~Q(session__in=hidden.order_by().values("pk"))
    return Q(pk__in=[])


def result_list_for(actor: Actor, *, is_current: bool = True) -> QuerySet[Result]:
    """Return results newest first with session, test and participant; earlier gradings only on request."""
    rows = Result.objects.filter(visible_results(actor))
    if is_current:
        rows = rows.filter(is_current=True)
    return rows.select_related("session__test", "session__participant__company", "session__purchase__user").order_by(
        "-created_at", "-pk"
    )


def result_for(actor: Actor, result_id: int) -> Result:
    """Return one result, also a superseded one. Raises NOT_FOUND alike for absent and foreign."""
    result = result_list_for(actor, is_current=False).select_related("session__version").filter(pk=result_id).first()
    if result is None:
        raise not_found()
    return result
