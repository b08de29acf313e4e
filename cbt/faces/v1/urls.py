"""Addresses of this dialect, below /v1/."""

from django.urls import include, path

from cbt.faces.v1.views import attendance, auth, files, offers, users

urlpatterns = [
    path("auth/login", auth.SignIn.as_view(), name="v1-login"),
    path("auth/refresh", auth.Renew.as_view(), name="v1-refresh"),
    path("auth/logout", auth.SignOut.as_view(), name="v1-logout"),
    path("users", users.Users.as_view(), name="v1-users"),
    path("users/<int:user>", users.OneUser.as_view(), name="v1-user"),
    path("tests", offers.Tests.as_view(), name="v1-tests"),
    path("tests/<int:test>", offers.OneTest.as_view(), name="v1-test"),
    path("tests/<int:test>/submit", offers.Submit.as_view(), name="v1-submit"),
    path("attendance", attendance.Attendances.as_view(), name="v1-attendances"),
    path("attendance/enroll", attendance.FaceEnroll.as_view(), name="v1-face-enroll"),
    path("attendance/check-in", attendance.FaceCheckIn.as_view(), name="v1-face-check-in"),
    path("attendance/<int:attendance>", attendance.OneAttendance.as_view(), name="v1-attendance"),
    path("files/upload", files.Upload.as_view(), name="v1-upload"),
    path("files/<str:filename>", files.OneFile.as_view(), name="v1-file"),
    path("graphql", include("cbt.faces.v1.graph.urls")),
]
