"""Addresses of photos."""

from django.urls import path

from proctoring.api import views

urlpatterns = [
    path("test-session/<str:token>/photo/capture", views.PhotoCapture.as_view(), name="photo-capture"),
    path("test-session/<str:token>/photos", views.SessionPhotos.as_view(), name="session-photos"),
    path("test-sessions/<int:session_id>/photos", views.StaffPhotos.as_view(), name="staff-photos"),
]
