"""Addresses of participants, sessions and results."""

from django.urls import path

from sessions_app.api import my_tests, participant_flow, participants, results, session, staff_sessions

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
    path("participants/<int:participant_id>", participants.ParticipantOne.as_view()),
    path("participants/<int:participant_id>/ban", participants.Ban.as_view()),
    path("participants/<int:participant_id>/unban", participants.Unban.as_view()),
    path("participants/<int:participant_id>/resend-all-emails", participants.ResendAllEmails.as_view()),
    path("test-assignments/<int:assignment_id>/resend-email", participants.ResendEmail.as_view()),
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
