"""The ticket of a socket."""

from django.conf import settings
from rest_framework import serializers

from accounts.services.tickets import LIFETIME, ticket_issue
from cbt.http.face import Ok
from cbt.http.fields import OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel.errors import ErrorCode


class TicketOut(OutputSerializer):
    """A ticket."""

    ticket = serializers.CharField(help_text="Goes into the socket's address: ?ticket=…")
    expires_in = serializers.IntegerField(help_text="Seconds")
    url = serializers.CharField(help_text="Where the sockets are, without a path")


class Ticket(FaceView):
    """What opens one socket."""

    permission = Access.SIGNED_IN
    rate = Rate.STAFF
    scope = Scope.SELF

    @documented(
        "A one-time ticket for a socket or an event stream",
        response=TicketOut,
        errors=[ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN],
        answer={
            "success": True, "message": "Ticket issued", "status_code": 200,
            "data": {
                "ticket": "TICKET-7ZK3M5V2QW4XN6RBYHDJ5T2PLA3GCEUF", "expires_in": 60, "url": "ws://127.0.0.1:18000",
            },
        },
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Issue one; it opens one socket of this login, once."""
        ticket = ticket_issue(actor=request.actor)
        data = {"ticket": ticket, "expires_in": int(LIFETIME.total_seconds()), "url": settings.LIVE_URL}
        return Ok(data, message="Ticket issued", headers={"Cache-Control": "no-store"})
