"""Addresses below /api."""

from django.urls import path

from cbt.faces.exam_files import views

urlpatterns = [
    path("exams", views.Exams.as_view()),
    path("exams/<str:exam_id>", views.Exam.as_view()),
    path("exams/<str:exam_id>/attempt", views.Attempts.as_view()),
    path("attempts/<str:attempt_id>", views.Attempt.as_view()),
    path("attempts/<str:attempt_id>/submit", views.Submit.as_view()),
    path("progress/me", views.MyProgress.as_view()),
]
