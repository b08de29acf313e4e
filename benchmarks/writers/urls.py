"""One save, built like the ones that matter: lock, re-read, check, write, append to the log, commit."""

import json

from django.db import transaction
from django.db.models import F, Sum
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from cbt.kernel import clock
from cbt.kernel.models import AuditEvent, OutgoingMail


@csrf_exempt
def save(request: HttpRequest, client: int) -> JsonResponse:
    """Count one save of this client and append it to the log."""
    with transaction.atomic():
        row = OutgoingMail.objects.select_for_update().filter(dedupe_key=f"client:{client}").first()
        if row is None:
            row = OutgoingMail.objects.create(
                kind="bench", recipient="bench@example.com", dedupe_key=f"client:{client}", created_at=clock.now()
            )
        OutgoingMail.objects.filter(pk=row.pk).update(object_id=F("object_id") + 1 if row.object_id else 1)
        AuditEvent.objects.create(
            at=clock.now(), action="bench.save", actor_kind="system", object_type="bench", object_id=str(client),
            data=json.loads(request.body),
        )  # fmt: skip
    return JsonResponse({"count": (row.object_id or 0) + 1})


def counts(request: HttpRequest) -> JsonResponse:
    """Tell how many saves the rows and the log hold."""
    total = OutgoingMail.objects.filter(kind="bench").aggregate(total=Sum("object_id"))["total"]
    return JsonResponse({"rows": total or 0, "log": AuditEvent.objects.filter(action="bench.save").count()})


urlpatterns = [
    path("bench/save/<int:client>", save),
    path("bench/counts", counts),
    path("", include("cbt.urls")),
]
