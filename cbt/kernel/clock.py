"""The one clock. Everything that needs the time takes it from here or as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the one reader


def iso(moment: datetime | None) -> str | None:
    """Write an instant as the contracts do: ISO 8601, UTC, whole seconds, ``Z``."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"
