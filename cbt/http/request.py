"""The request as the views of this house get it."""

from rest_framework import request as drf

from cbt.kernel.actor import Actor


class Request(drf.Request):
    """A request whose caller is known: `FaceView.initial` sets ``actor`` before any method of a view runs."""

    actor: Actor
