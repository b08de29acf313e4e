"""Writing the audit trail, in the transaction of what it tells."""

from django.db import models

from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.logs import request_id_var
from cbt.kernel.models import AuditEvent


def record(
    action: str, *, actor: Actor, obj: models.Model, company_id: int | None = None, **data: object
) -> AuditEvent:
    """Store one act. ``data`` must be JSON; put ids and states in it, never secrets or answers."""
    return AuditEvent.objects.create(
        at=clock.now(),
        action=action,
        actor_kind=actor.kind,
        actor_id=actor.id,
        company_id=company_id,
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
        data=data,
        ip=actor.ip or None,
        request_id=request_id_var.get(),
    )
