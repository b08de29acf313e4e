"""Reading imports, and who of a list a company has already."""

from collections.abc import Sequence

from django.db.models import Q
from django.db.models.functions import Lower

from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from cbt.kernel.models import Job, JobState
from sessions_app.models import ImportBatch, Participant
from sessions_app.states import ImportState

_AT_ONCE = 500  # values a statement


def import_for(actor: Actor, import_id: int) -> ImportBatch:
    """Return one import without its rows. Raises NOT_FOUND alike for absent and foreign."""
    reach = Q(pk__in=[])
    if actor.is_super_admin:
        reach = Q()
    elif actor.role == "tenant_admin" and actor.company_id is not None:
        reach = Q(company_id=actor.company_id)
    batch = ImportBatch.objects.filter(reach, pk=import_id).defer("rows").first()
    if batch is None:
        raise not_found("Import not found")
    return batch


def import_state(batch: ImportBatch) -> ImportState:
    """Return the state to show: failed while the job has given up; trying the job again continues the import."""
    state = ImportState(batch.state)
    if state is not ImportState.DONE and batch.job_id is not None:
        is_given_up = Job.objects.filter(pk=batch.job_id, state=JobState.FAILED).exists()
        return ImportState.FAILED if is_given_up else state
    return state


def taken_addresses(company_id: int, addresses: Sequence[str]) -> set[str]:
    """Return, in lower case, those of the addresses that live participants of the company have; any case counts."""
    people = Participant.objects.filter(company_id=company_id, deleted_at__isnull=True).alias(folded=Lower("email"))
    taken: set[str] = set()
    for start in range(0, len(addresses), _AT_ONCE):
        wanted = [address.lower() for address in addresses[start : start + _AT_ONCE]]
        taken.update(email.lower() for email in people.filter(folded__in=wanted).values_list("email", flat=True))
    return taken
