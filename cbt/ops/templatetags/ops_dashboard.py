"""The dashboard for the admin's first page."""

from django import template

from cbt.ops.dashboard import Dashboard, dashboard_read

register = template.Library()


@register.simple_tag
def dashboard() -> Dashboard:
    """Return the numbers, at most 30 seconds old."""
    return dashboard_read()
