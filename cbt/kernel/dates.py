"""Days as an Indonesian reader expects them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

MONTHS_ID = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
    "Desember",
)  # fmt: skip


def date_id(day: date | datetime) -> str:
    """Write a day in Indonesian: ``10 Januari 2026``; an instant by its own (UTC) date."""
    return f"{day.day} {MONTHS_ID[day.month - 1]} {day.year}"


def moment_id(moment: datetime) -> str:
    """Write an instant (UTC) in Indonesian: ``10 Januari 2026 08.00 UTC``."""
    return f"{date_id(moment)} {moment:%H.%M} UTC"


def local_id(moment: datetime) -> str:
    """Write an instant in Indonesian as the clocks of the place show it: ``10 Januari 2026 15.00 WIB``."""
    there = moment.astimezone(ZoneInfo(settings.LOCAL_TIME_ZONE))
    return f"{date_id(there)} {there:%H.%M %Z}"
