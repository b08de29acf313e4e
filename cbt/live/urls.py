"""Addresses of the polling reader, below ``/api``; sockets and streams have theirs in `cbt.live.routing`."""

from django.urls import path

from cbt.live import views

urlpatterns = [
    path("live/imports/<int:import_id>", views.ImportNews.as_view(), name="live-import"),
    path("live/session/<str:token>", views.SessionNews.as_view(), name="live-session"),
    path("live/exam/<int:exam_id>", views.ExamNews.as_view(), name="live-exam"),
    path("live/sittings/<int:session_id>", views.SittingNews.as_view(), name="live-sitting"),
    path("live/monitor", views.MonitorNews.as_view(), name="live-monitor"),
    path("live/attendance", views.AttendanceNews.as_view(), name="live-attendance"),
]
