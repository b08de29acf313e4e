"""All addresses: each app brings its own list."""

from django.contrib import admin
from django.urls import include, path

from accounts.admin import OwnPassword
from cbt.http.docs import RedocPage, Schema, SwaggerPage
from cbt.http.versions import Versions
from cbt.ops.audit_api import Audit
from cbt.ops.views import Health, Home, Live, Metrics, StoredFile

handler400 = "cbt.http.problems.handler400"
handler403 = "cbt.http.problems.handler403"
handler404 = "cbt.http.problems.handler404"
handler500 = "cbt.http.problems.handler500"

urlpatterns = [
    path("", Home.as_view(), name="home"),
    path("health", Health.as_view(), name="health"),
    path("health/live", Live.as_view(), name="health-live"),
    path("up", Live.as_view(), name="up"),
    path("health/ready", Health.as_view(), name="health-ready"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("storage/<path:name>", StoredFile.as_view(), name="stored-file"),
    path("api/schema", Schema.as_view(), name="schema"),
    path("api/schema/<str:face>", Schema.as_view(), name="schema-face"),
    path("api/docs", SwaggerPage.as_view(), name="docs"),
    path("api/redoc", RedocPage.as_view(), name="redoc"),
    path("api/versions", Versions.as_view(), name="versions"),
    path("docs", SwaggerPage.as_view(), name="docs-root"),
    path("redoc", RedocPage.as_view(), name="redoc-root"),
    path("v1/", include("cbt.faces.v1.urls")),
    path("api/", include("accounts.api.urls")),
    path("api/", include("commerce.api.urls")),
    path("api/", include("catalog.api.urls")),
    path("api/", include("sessions_app.api.urls")),
    path("api/", include("anticheat.api.urls")),
    path("api/", include("proctoring.api.urls")),
    path("api/", include("tenants.api.urls")),
    path("api/", include("cbt.faces.exam_room.urls")),
    path("api/", include("cbt.faces.exam_files.urls")),
    path("api/", include("cbt.live.urls")),
    path("api/audit", Audit.as_view(), name="audit"),
    path("admin/password_change/", admin.site.admin_view(OwnPassword.as_view(), cacheable=True)),
    path("admin/", admin.site.urls),
]
