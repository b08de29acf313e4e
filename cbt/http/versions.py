"""The page that says how the API changes, and what is on its way out."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from drf_spectacular.utils import extend_schema

from cbt.http.deprecation import DEPRECATED, NOTICE
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.views import Access, FaceView, Scope


class Versions(FaceView):
    """For developers of clients: what may change, how it is told, and which routes will go."""

    permission = Access.PUBLIC
    rate = Rate.PUBLIC
    scope = Scope.NONE

    @extend_schema(summary="How the API changes, and what is deprecated (a page)", responses={(200, "text/html"): str})
    def get(self, request: Request) -> Any:
        """Show the policy and the table."""
        shown = {"brand": settings.BRAND, "days": NOTICE.days, "deprecated": sorted(DEPRECATED.items())}
        return HttpResponse(render_to_string("pages/versions.html", shown))
