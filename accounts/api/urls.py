"""Addresses of the accounts, below ``/api``."""

from django.urls import path

from accounts.api import profile, tickets, users, views

urlpatterns = [
    path("auth/register", views.Register.as_view(), name="auth-register"),
    path("auth/login", views.SignIn.as_view(), name="auth-login"),
    path("auth/me", views.Me.as_view(), name="auth-me"),
    path("auth/logout", views.SignOut.as_view(), name="auth-logout"),
    path("auth/verify-email", views.VerifyEmail.as_view(), name="auth-verify-email"),
    path("auth/resend-verification", views.ResendVerification.as_view(), name="auth-resend-verification"),
    path("auth/forgot-password", views.ForgotPassword.as_view(), name="auth-forgot-password"),
    path("auth/reset-password", views.ResetPassword.as_view(), name="auth-reset-password"),
    path("profile", profile.OwnProfile.as_view(), name="profile"),
    path("profile/completion-status", profile.CompletionStatus.as_view(), name="profile-completion-status"),
    path("profile/complete", profile.CompleteProfile.as_view(), name="profile-complete"),
    path("profile/update", profile.UpdateProfile.as_view(), name="profile-update"),
    path("profile/change-password", profile.ChangePassword.as_view(), name="profile-change-password"),
    path("ws/ticket", tickets.Ticket.as_view(), name="live-ticket"),
    path("users", users.Users.as_view(), name="users"),
    path("users/<int:user>", users.OneUser.as_view(), name="user"),
]
