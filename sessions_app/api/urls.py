"""Addresses of participants, sessions and results."""

from django.urls import path

from sessions_app.api import (
    dashboard,
    importing,
    my_tests,
    participant_flow,
    participant_lists,
    participants,
    results,
    session,
    staff_sessions,
)

urlpatterns = [
    path("participant/assignment/<str:token>", participant_flow.AssignmentShow.as_view()),
    path("participant/assignments", participant_flow.AssignmentList.as_view()),
    path("participant/biodata/status", participant_flow.BiodataStatus.as_view()),
    path("participant/biodata/complete", participant_flow.BiodataComplete.as_view()),
    path("participant/instructions", participant_flow.Instructions.as_view()),
    path("participant/session/start", participant_flow.SessionStart.as_view()),
    path("test-session/<str:token>", session.SessionShow.as_view()),
    path("test-session/<str:token>/save-answers", session.SaveAnswers.as_view()),
    path("test-session/<str:token>/submit", session.Submit.as_view()),
    path("test-session/<str:token>/update-time", session.UpdateTime.as_view()),
    path("test-session/<str:token>/questions", session.Questions.as_view()),
    path("test-session/<str:token>/result", session.TakerResult.as_view()),
    path("my-tests", my_tests.MyTests.as_view()),
    path("my-tests/<int:test_id>/instructions", my_tests.MyTestInstructions.as_view()),
    path("my-tests/<int:test_id>/start", my_tests.MyTestStart.as_view()),
    path("participants", participants.Participants.as_view()),
    path("participants/import-preview", importing.ImportPreview.as_view()),
    path("participants/import", importing.Import.as_view()),
    path("participants/import-template", importing.ImportTemplate.as_view()),
    path("participants/imports/<int:import_id>", importing.ImportShow.as_view()),
    path("participants/export", participant_lists.ParticipantExport.as_view()),
    path("participants/<int:participant_id>", participants.ParticipantOne.as_view()),
    path("participants/<int:participant_id>/ban", participants.Ban.as_view()),
    path("participants/<int:participant_id>/unban", participants.Unban.as_view()),
    path("participants/<int:participant_id>/resend-all-emails", participants.ResendAllEmails.as_view()),
    path("test-assignments/<int:assignment_id>/resend-email", participants.ResendEmail.as_view()),
    path("companies/<int:company_id>/participants", participant_lists.CompanyParticipants.as_view()),
    path(
        "companies/<int:company_id>/participants/<int:participant_id>", participant_lists.CompanyParticipant.as_view()
    ),
    path("dashboard", dashboard.Dashboard.as_view()),
    path("test-sessions", staff_sessions.SessionList.as_view()),
    path("test-sessions/<int:session_id>", staff_sessions.SessionDetail.as_view()),
    path("test-sessions/<int:session_id>/events", staff_sessions.SessionLog.as_view()),
    path("test-sessions/<int:session_id>/continue", staff_sessions.Continue.as_view()),
    path("test-sessions/<int:session_id>/abandon", staff_sessions.Abandon.as_view()),
    path("test-sessions/<int:session_id>/marks", results.MarkCreate.as_view()),
    path("test-sessions/<int:session_id>/regrade", results.Regrade.as_view()),
    path("results", results.ResultList.as_view()),
    path("results/export", results.ResultExport.as_view()),
    path("results/<int:result_id>", results.ResultShow.as_view()),
]
