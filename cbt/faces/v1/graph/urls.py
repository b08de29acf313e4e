"""The one address of GraphQL."""

from django.urls import path

from cbt.faces.v1.graph.views import Graph

urlpatterns = [path("", Graph.as_view(), name="v1-graphql")]
