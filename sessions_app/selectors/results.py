"""Reading results: staff within their company, instructors those of own tests, private buyers their own."""

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.states import Role
from catalog.models import Test
from catalog.states import ResultPolicy
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from sessions_app.models import Participant, Result


def visible_results(actor: Actor) -> Q:
    """Return the condition of what this actor may see; others nothing."""
    if actor.is_super_admin:
        return Q()
    if actor.role == Role.TENANT_ADMIN and actor.company_id is not None:
        return Q(company_id=actor.company_id)
    if actor.role == Role.PUBLIC_USER and actor.id is not None:
        # As a set of its own: joined, every result of the buyer would be matched with its test to be counted.
        shown = Test.objects.exclude(result_policy=ResultPolicy.NONE)
        return Q(user_id=actor.id) & Q(test_id__in=shown.order_by().values("pk"))
    if actor.role == Role.INSTRUCTOR and actor.id is not None:
        return Q(test_id__in=Test.objects.filter(owner_id=actor.id).order_by().values("pk"))
    return Q(pk__in=[])


def result_list_for(actor: Actor, *, is_current: bool = True) -> QuerySet[Result]:
    """Return results newest first with session, test and person; earlier gradings only on request."""
    rows = Result.objects.filter(visible_results(actor))
    if is_current:
        rows = rows.filter(is_current=True)
    return rows.select_related("session__test", "session__participant__company", "session__account").order_by(
        "-created_at", "-pk"
    )


def results_of_people(actor: Actor, named: Q) -> Q:
    """Return the condition of results of participants and private buyers of whom ``named`` (name, email) is true.

    For staff two selects joined by UNION: with OR over two tables no index could answer. A company has participants
    only, and of its own; a private buyer is the only person of theirs.
    """
    people, buyers = Participant.objects.filter(named), User.objects.filter(named)
    if actor.role == Role.TENANT_ADMIN:
        return Q(participant_id__in=people.filter(Q(company_id=actor.company_id)).order_by().values("pk"))
    if actor.role == Role.PUBLIC_USER:
        return Q(user_id__in=buyers.filter(Q(pk=actor.id)).order_by().values("pk"))
    if actor.role == Role.INSTRUCTOR:  # no participant of a company takes the test of a class
        return Q(user_id__in=buyers.order_by().values("pk"))
    current = Result.objects.filter(is_current=True).order_by().values("pk")
    invited = current.filter(participant_id__in=people.order_by().values("pk"))
    private = current.filter(user_id__in=buyers.order_by().values("pk"))
    return Q(pk__in=invited.union(private, all=True))


def result_for(actor: Actor, result_id: int) -> Result:
    """Return one result, also a superseded one. Raises NOT_FOUND alike for absent and foreign."""
    result = result_list_for(actor, is_current=False).select_related("session__version").filter(pk=result_id).first()
    if result is None:
        raise not_found()
    return result
