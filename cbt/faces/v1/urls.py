"""Addresses of this dialect, below /v1/."""

from django.urls import path

from cbt.faces.v1.views import auth, users

urlpatterns = [
    path("auth/login", auth.SignIn.as_view(), name="v1-login"),
    path("auth/refresh", auth.Renew.as_view(), name="v1-refresh"),
    path("auth/logout", auth.SignOut.as_view(), name="v1-logout"),
    path("users", users.Users.as_view(), name="v1-users"),
    path("users/<int:user>", users.OneUser.as_view(), name="v1-user"),
]
