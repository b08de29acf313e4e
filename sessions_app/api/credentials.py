"""Issuing what candidates sign in with. The password stands in the answer once and is stored as a hash only."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import PasswordField
from cbt.http.face import Ok
from cbt.http.fields import IdField, Input
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid
from cbt.kernel.permissions import Perm
from sessions_app.api.participants import ACCESS
from sessions_app.api.participants_shapes import CredentialsOut
from sessions_app.services.credentials import MOST_AT_ONCE, Issued, Wish, credentials_issue
from tenants.api.base import TenantView

ISSUED = "Credentials issued. The password is shown only now."
_EXAMPLE = {"participant_id": 1, "name": "Siti Aminah", "participant_number": "P-1001", "password": "kxmp-4r7w-bnet"}


class CredentialsIn(Input):
    """What to sign in with; what is not given is made up, and a number that was issued before stays."""

    participant_number = serializers.CharField(max_length=40, required=False, allow_null=True)
    password = PasswordField(max_length=1000, required=False, allow_null=True)


class OneOfManyIn(CredentialsIn):
    """The credentials of one of many."""

    participant_id = IdField()


class ManyCredentialsIn(Input):
    """``participants``: who, each with number and password if they are given. Or ``participant_ids`` alone."""

    participants = OneOfManyIn(many=True, required=False)
    participant_ids = serializers.ListField(child=IdField(), required=False, max_length=MOST_AT_ONCE)


def _issued(rows: list[Issued]) -> list[dict[str, Any]]:
    return [dict(CredentialsOut(row).data) for row in rows]


class Credentials(TenantView):
    """Credentials of one participant."""

    permission = Perm.EDIT_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY

    @documented(
        "Issue a participant number and password (again: the old password and its logins end)",
        request=CredentialsIn, response=CredentialsOut, errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR),
        example={"participant_number": "P-1001"},
        answer={"success": True, "message": ISSUED, "data": _EXAMPLE, "status_code": 200},
    )  # fmt: skip
    def post(self, request: Request, participant_id: int) -> Ok:
        """Issue them."""
        data = CredentialsIn.parse(request)
        wishes = {participant_id: Wish(data.get("participant_number"), data.get("password"))}
        rows = credentials_issue(company_id=self.company.pk, wishes=wishes, now=clock.now(), actor=request.actor)
        return Ok(_issued(rows)[0], message=ISSUED)


class ManyCredentials(TenantView):
    """Credentials of many participants."""

    permission = Perm.EDIT_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY

    @documented(
        f"Issue numbers and passwords to 1 to {MOST_AT_ONCE} participants, all or none",
        request=ManyCredentialsIn, response=CredentialsOut, many=True,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR), example={"participant_ids": [1, 2, 3]},
        answer={"success": True, "message": ISSUED, "data": [_EXAMPLE], "status_code": 200},
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Issue them."""
        data = ManyCredentialsIn.parse(request)
        people = [*data.get("participants", []), *({"participant_id": one} for one in data.get("participant_ids", []))]
        wishes = {one["participant_id"]: Wish(one.get("participant_number"), one.get("password")) for one in people}
        if len(wishes) != len(people):
            raise invalid(participants="A participant is named twice.")
        rows = credentials_issue(company_id=self.company.pk, wishes=wishes, now=clock.now(), actor=request.actor)
        return Ok(_issued(rows), message=ISSUED)
