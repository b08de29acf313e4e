"""Rows about people who sign in."""

from accounts.models.login import Login
from accounts.models.proof import EmailVerification, PasswordReset
from accounts.models.refresh import RefreshToken
from accounts.models.ticket import LiveTicket
from accounts.models.user import PublicProfile, User

__all__ = ["EmailVerification", "LiveTicket", "Login", "PasswordReset", "PublicProfile", "RefreshToken", "User"]
