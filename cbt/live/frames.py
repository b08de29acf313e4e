"""What readers get: one JSON object an event. Published in docs/live.md."""

from collections.abc import Mapping
from typing import Any

import orjson

from cbt.kernel import clock
from cbt.kernel.models import FeedEvent

#: Frames of the reader itself, which are no news: it has caught up; it is alive; what was missed is partly gone; an
#: answer to a message.
READY, PING, RESET, PONG = "live.ready", "live.ping", "live.reset", "live.pong"
EVENTS_OF_READER = (READY, PING, RESET, PONG)


def frame_of(row: FeedEvent) -> dict[str, Any]:
    """Return the frame of a row."""
    return {"event": row.event, "id": row.pk, "data": row.payload, "at": clock.iso(row.created_at)}


def own_frame(event: str, event_id: int | None, data: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return a frame of the reader. event_id: with which a client that saw nothing since goes on, None: its own."""
    return {"event": event, "id": event_id, "data": dict(data or {}), "at": clock.iso(clock.now())}


def text_of(frame: Mapping[str, Any]) -> str:
    """Write a frame."""
    return orjson.dumps(frame).decode()
