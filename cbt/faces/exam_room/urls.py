"""Addresses of the exam room, below ``/api``."""

from django.urls import path

from cbt.faces.exam_room import views

urlpatterns = [
    path("exam", views.Exams.as_view()),
    path("exam/<int:exam_id>", views.Exam.as_view()),
    path("exam/<int:exam_id>/questions", views.Questions.as_view()),
    path("exam/<int:exam_id>/answer", views.Answer.as_view()),
    path("exam/<int:exam_id>/sync", views.Sync.as_view()),
    path("exam/<int:exam_id>/submit", views.Submit.as_view()),
    path("exam/<int:exam_id>/result", views.Result.as_view()),
    path("exam/<int:exam_id>/timer", views.Timer.as_view()),
    path("exam/<int:exam_id>/heartbeat", views.Heartbeat.as_view()),
]
