"""Routes of companies. Source: primary contract 1.2."""

from dataclasses import replace

from accounts.api.serializers import RegisteredOut
from accounts.api.views import user_agent_of
from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel.errors import ErrorCode
from tenants.api.serializers import RegisterCompanyIn
from tenants.services.registration import company_register


class RegisterCompany(FaceView):
    """A company registers itself."""

    permission = Access.PUBLIC
    rate = Rate.AUTH
    scope = Scope.NONE

    @documented(
        "Register a company and its first admin",
        request=RegisterCompanyIn,
        response=RegisteredOut,
        status=201,
        errors=[ErrorCode.VALIDATION_ERROR, ErrorCode.INVALID_PAYLOAD],
        example={
            "company_name": "PT Contoh",
            "company_email": "company@example.com",
            "company_phone": "081234567890",
            "company_address": "Jl. Contoh No. 123",
            "name": "Admin Name",
            "email": "admin@example.com",
            "password": "password123",
            "password_confirmation": "password123",
        },
        answer={
            "success": True,
            "message": "Registration successful. Please verify your email.",
            "data": {
                "user": {
                    "id": 1,
                    "name": "Admin Name",
                    "email": "admin@example.com",
                    "email_verified_at": None,
                    "roles": ["tenant_admin"],
                },
                "token": "eyJhbGciOi…",
            },
            "status_code": 201,
        },
    )
    def post(self, request: Request) -> Ok:
        """Store both and mail the proof of the address."""
        data = RegisterCompanyIn.parse(request)
        actor = replace(request.actor, user_agent=user_agent_of(request))
        made = company_register(**data, actor=actor)
        message = "Registration successful. Please verify your email."
        return Ok(RegisteredOut(made).data, message=message, status=201)
