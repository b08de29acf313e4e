"""Routes of signing up, signing in, and proving who one is."""

from typing import Any

from accounts.api.cookies import cookies_clear, cookies_set
from accounts.api.serializers import (
    EmailIn,
    LoggedInOut,
    LoginIn,
    MeOut,
    RegisteredOut,
    RegisterIn,
    ResetIn,
    TokenIn,
    VerifiedOut,
)
from accounts.selectors.users import profile_of
from accounts.services.login import login, logout
from accounts.services.passwords import password_forgot, password_reset
from accounts.services.users import user_register
from accounts.services.verification import email_verify, verification_resend
from accounts.states import Role
from cbt.http.face import Ok
from cbt.http.origins import refuse_foreign
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel.errors import ErrorCode

_REGISTERED = {"id": 1, "name": "John Doe", "email": "john@example.com", "email_verified_at": None}


def user_agent_of(request: Request) -> str:
    """Return what the caller says its program is."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:300]


class Register(FaceView):
    """A private buyer signs up."""

    permission = Access.PUBLIC
    rate = Rate.AUTH
    scope = Scope.NONE

    @documented(
        "Register a public user",
        request=RegisterIn,
        response=RegisteredOut,
        status=201,
        errors=[ErrorCode.VALIDATION_ERROR],
        example={
            "name": "John Doe",
            "email": "john@example.com",
            "password": "password123",
            "password_confirmation": "password123",
        },
        answer={
            "success": True,
            "message": "Registration successful. Please verify your email.",
            "data": {"user": {**_REGISTERED, "roles": ["public_user"]}, "token": "eyJhbGciOiJIUzI1NiJ9…"},
            "status_code": 201,
        },
    )
    def post(self, request: Request) -> Ok:
        """Store the account and mail the verification link."""
        data = RegisterIn.parse(request)
        made = user_register(**data, ip=self.actor_of(request).ip, user_agent=user_agent_of(request))
        return Ok(RegisteredOut(made).data, message="Registration successful. Please verify your email.", status=201)


class SignIn(FaceView):
    """Signing in by e-mail, participant number or username."""

    permission = Access.PUBLIC
    rate = Rate.LOGIN
    scope = Scope.NONE

    @documented(
        "Sign in",
        request=LoginIn,
        response=LoggedInOut,
        errors=[
            ErrorCode.INVALID_CREDENTIALS,
            ErrorCode.EMAIL_NOT_VERIFIED,
            ErrorCode.COMPANY_INACTIVE,
            ErrorCode.BANNED,
            ErrorCode.CSRF_FAILED,
            ErrorCode.VALIDATION_ERROR,
            ErrorCode.RATE_LIMITED,
        ],
        example={"email": "user@example.com", "password": "password123"},
        answer={
            "success": True,
            "message": "Login successful",
            "data": {
                "token": "eyJhbGciOiJIUzI1NiJ9…",
                "user": {
                    "id": 1,
                    "name": "John Doe",
                    "email": "user@example.com",
                    "roles": ["public_user"],
                    "permissions": ["view_dashboard", "view_tests", "take_tests"],
                },
            },
            "status_code": 200,
        },
    )
    def post(self, request: Request) -> Ok:
        """Open a login; the token stands in ``data``, at the top and in a cookie: each client reads its own.

        Another site's page may not sign its visitor in here (as somebody else, to see what they then enter).
        """
        refuse_foreign(request._request)
        data = LoginIn.parse(request)
        made = login(**data, ip=self.actor_of(request).ip, user_agent=user_agent_of(request))
        account = made.user
        # The exam room's own words; its `email` is a text or not there.
        user = {"id": account.pk, "nomor_peserta": account.participant_number, "nama": account.name}
        user |= {"email": account.email} if account.email else {}
        top_level = {"token": made.token, "user": user}
        cookies = cookies_set(request, user_id=made.user.pk, token=made.token)
        return Ok(LoggedInOut(made).data, message="Login successful", top_level=top_level, cookies=cookies)


class Me(FaceView):
    """Who is signed in."""

    permission = Access.SIGNED_IN
    rate = Rate.STAFF
    scope = Scope.SELF
    allows_unverified = True

    @documented(
        "The signed-in user",
        response=MeOut,
        errors=[ErrorCode.UNAUTHENTICATED],
        answer={
            "success": True,
            "message": "User data retrieved successfully",
            "data": {
                "id": 1,
                "name": "John Doe",
                "email": "user@example.com",
                "email_verified_at": "2024-01-01T00:00:00Z",
                "roles": ["public_user"],
                "permissions": ["view_dashboard", "view_tests", "take_tests"],
                "userable": {
                    "id": 1,
                    "phone": "081234567890",
                    "date_of_birth": "1990-01-01",
                    "address": "Jl. Contoh No. 123",
                },
            },
            "status_code": 200,
        },
    )
    def get(self, request: Request) -> Ok:
        """Show the user, what this login may do, and a private buyer's profile."""
        user: Any = request.user
        profile = profile_of(user.pk) if user.role == Role.PUBLIC_USER else None
        shown = MeOut(user, context={"actor": self.actor_of(request), "profile": profile})
        return Ok(shown.data, message="User data retrieved successfully")


class SignOut(FaceView):
    """Signing out."""

    permission = Access.SIGNED_IN
    rate = Rate.STAFF
    scope = Scope.SELF
    allows_unverified = True

    @documented("Sign out: this login ends, others go on", errors=[ErrorCode.UNAUTHENTICATED])
    def post(self, request: Request) -> Ok:
        """End the login behind the token or the cookie; the browser's cookies go in either case."""
        actor = self.actor_of(request)
        if actor.login_id:
            logout(login_id=actor.login_id, ip=actor.ip)
        return Ok(message="Logout successful", cookies=cookies_clear(request))


class VerifyEmail(FaceView):
    """The link of the verification mail."""

    permission = Access.PUBLIC
    rate = Rate.AUTH
    scope = Scope.NONE

    @documented(
        "Verify an e-mail address",
        request=TokenIn,
        response=VerifiedOut,
        errors=[
            ErrorCode.TOKEN_REJECTED,
            ErrorCode.ALREADY_VERIFIED,
            ErrorCode.EMAIL_TAKEN,
            ErrorCode.VALIDATION_ERROR,
        ],
        example={"token": "verification_token_from_email"},
    )
    def post(self, request: Request) -> Ok:
        """Take the proof."""
        data = TokenIn.parse(request)
        user = email_verify(**data, ip=self.actor_of(request).ip)
        return Ok(VerifiedOut({"user": user}).data, message="Email verified successfully")


class ResendVerification(FaceView):
    """Another verification mail."""

    permission = Access.SIGNED_IN
    rate = Rate.MAIL
    scope = Scope.SELF
    allows_unverified = True

    @documented(
        "Mail the verification link again",
        errors=[ErrorCode.UNAUTHENTICATED, ErrorCode.ALREADY_VERIFIED, ErrorCode.RATE_LIMITED],
    )
    def post(self, request: Request) -> Ok:
        """Mail a new link; the old one is void."""
        verification_resend(actor=self.actor_of(request))
        return Ok(message="Verification email sent successfully")


class ForgotPassword(FaceView):
    """Asking for a reset mail."""

    permission = Access.PUBLIC
    rate = Rate.AUTH
    scope = Scope.NONE

    @documented(
        "Ask for a password reset mail",
        request=EmailIn,
        errors=[ErrorCode.VALIDATION_ERROR],
        example={"email": "user@example.com"},
    )
    def post(self, request: Request) -> Ok:
        """Answer the same whether or not the account exists."""
        password_forgot(**EmailIn.parse(request))
        return Ok(message="Password reset link sent to your email")


class ResetPassword(FaceView):
    """The link of the reset mail."""

    permission = Access.PUBLIC
    rate = Rate.AUTH
    scope = Scope.NONE

    @documented(
        "Set a new password with a mailed token",
        request=ResetIn,
        errors=[ErrorCode.TOKEN_REJECTED, ErrorCode.VALIDATION_ERROR],
        example={
            "token": "reset_token_from_email",
            "email": "user@example.com",
            "password": "newpassword123",
            "password_confirmation": "newpassword123",
        },
    )
    def post(self, request: Request) -> Ok:
        """Set the password and end every login of the account."""
        password_reset(**ResetIn.parse(request), ip=self.actor_of(request).ip)
        return Ok(message="Password reset successfully")
