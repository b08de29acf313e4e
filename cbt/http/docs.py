"""The OpenAPI documents as they are served, and the pages that show them, which run no script but files of ours."""

import hashlib
import json
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.decorators import method_decorator
from django.utils.encoding import force_bytes
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import View
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework import exceptions as drf

from cbt.http.documents import document_of, faces
from cbt.http.problems import problem_response

#: Scripts and answers of ours only. Both readers write styles into the page; ReDoc writes the worker it searches in.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
RENDERERS = {"yaml": OpenApiYamlRenderer, "json": OpenApiJsonRenderer}


@cache  # two forms of a handful of documents
def _written(face: str, form: str) -> tuple[bytes, str]:
    """Return a document and its tag. Writing takes about a second, and the routes of a process never change."""
    body = force_bytes(RENDERERS[form]().render(document_of(face), renderer_context={}))
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


class OpenPage(View):
    """A view for everybody outside the API proper, which is why no permission is declared; it is only read."""

    http_method_names = ["get", "head", "options"]

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse in the one error body."""
        response = problem_response(drf.MethodNotAllowed(str(request.method)))
        response["Allow"] = "GET, HEAD, OPTIONS"
        return response


class Schema(OpenPage):
    """The document, as YAML or JSON: by ``format``, else by ``Accept``, else YAML."""

    def get(self, request: HttpRequest, face: str = "") -> HttpResponse:
        """Return the document of a face, or of all."""
        if face and face not in faces():
            raise Http404
        form = request.GET.get("format") or ("json" if "json" in request.headers.get("Accept", "") else "yaml")
        if form not in RENDERERS:
            raise Http404
        body, tag = _written(face, form)
        response = get_conditional_response(request, etag=tag) or HttpResponse(body)
        kind = RENDERERS[form].media_type
        if not isinstance(response, HttpResponseNotModified):
            response["Content-Type"] = f"{kind}; charset=utf-8"
            response["Content-Disposition"] = f'inline; filename="{face or "openapi"}.{form}"'
        response["ETag"], response["Cache-Control"], response["Vary"] = tag, "no-cache", "Accept"
        return response


class DocsPage(OpenPage):
    """A page with a reader of the documents; ``face`` in the address chooses one."""

    template = ""

    @method_decorator(ensure_csrf_cookie)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the page."""
        face = request.GET.get("face", "")
        if face and face not in faces():
            raise Http404
        documents = [{"name": "all", "url": reverse("schema"), "face": ""}]
        documents += [
            {"name": face.title, "url": reverse("schema-face", args=[name]), "face": name}
            for name, face in faces().items()
        ]
        shown = next(one for one in documents if one["face"] == face)
        given = {"documents": documents, "shown": shown, "as_json": json.dumps(documents)}
        response = render(request, self.template, given)
        response["Content-Security-Policy"] = DOCS_POLICY
        return response


class SwaggerPage(DocsPage):
    """Swagger UI: tried from the browser."""

    template = "docs/swagger.html"


class RedocPage(DocsPage):
    """ReDoc: for reading."""

    template = "docs/redoc.html"
