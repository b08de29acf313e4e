"""Addresses of anti-cheat."""

from django.urls import path

from anticheat.api import views

urlpatterns = [
    path("test-session/<str:token>/cheat/log", views.CheatLog.as_view(), name="cheat-log"),
    path("test-session/<str:token>/cheat/detections", views.SessionDetections.as_view(), name="session-detections"),
    path("test-sessions/<int:session_id>/detections", views.StaffDetections.as_view(), name="staff-detections"),
    path(
        "test-sessions/<int:session_id>/detections/<int:detection_id>/resolve",
        views.ResolveDetection.as_view(),
        name="resolve-detection",
    ),
]
