"""Which takers have a socket open, told to the staff of their company."""

import time
from collections import Counter

from cbt.kernel import clock, feed
from cbt.kernel.feed import Fresh, News
from cbt.live.threads import Threads
from cbt.live.topics import Grant
from sessions_app.services.news import monitor_topic

#: A page that is loaded anew, or a network that blinks, is no absence.
ABSENT_SECONDS = 10.0


class Presence:
    """Counts the sockets of each sitting and appends what has changed, all changes of a moment in one statement."""

    def __init__(self) -> None:
        self._open: Counter[int] = Counter()
        self._company: dict[int, int | None] = {}
        self._told: set[int] = set()
        self._gone_at: dict[int, float] = {}

    def came(self, grant: Grant) -> None:
        """Count a socket."""
        if grant.session_id is not None:
            self._open[grant.session_id] += 1
            self._company[grant.session_id] = grant.company_id
            self._gone_at.pop(grant.session_id, None)

    def went(self, grant: Grant) -> None:
        """Count one less."""
        if grant.session_id is not None:
            self._open[grant.session_id] -= 1
            if not self._open[grant.session_id]:
                del self._open[grant.session_id]
                self._gone_at[grant.session_id] = time.monotonic()

    @property
    def is_pending(self) -> bool:
        """Tell whether something is still to be told."""
        return bool(self._gone_at)

    async def tell(self, threads: Threads) -> None:
        """Append who came and who has been away for ten seconds."""
        came = set(self._open) - self._told
        horizon = time.monotonic() - ABSENT_SECONDS
        over = {session_id for session_id, at in self._gone_at.items() if at <= horizon}
        went = over & self._told
        rows = [
            Fresh(
                monitor_topic(self._company[session_id]),
                News.SESSION_PRESENCE,
                {"session_id": session_id, "is_online": session_id in came},
            )
            for session_id in sorted(came | went)
        ]
        if rows:
            await threads.run(feed.append, rows, now=clock.now())
        self._told = (self._told | came) - went
        for session_id in over:
            if self._gone_at.get(session_id, horizon + 1) <= horizon:
                del self._gone_at[session_id], self._company[session_id]
