"""Addresses of companies, below ``/api/``."""

from django.urls import path

from tenants.api.views import RegisterCompany

urlpatterns = [path("auth/register-company", RegisterCompany.as_view(), name="register-company")]
