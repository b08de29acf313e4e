"""The feed: what happened, for whoever watches."""

from django.db import models


class FeedEvent(models.Model):
    """One piece of news of one topic, written in the transaction of what it tells, kept for a day.

    topic: who may read it, e.g. ``import/7``; see `cbt.live.topics`.  event: a name of `cbt.kernel.feed.News`.
    xid: the transaction that wrote it (PostgreSQL; 0 on SQLite). Readers go by (xid, id), not by id: ids are given
    out before their transactions commit, so a smaller one may appear after a larger one (docs/decisions/0011).
    """

    topic = models.CharField(max_length=60)
    event = models.CharField(max_length=40)
    payload = models.JSONField(default=dict, help_text="Ids, counts, states and times: no tokens, no names")
    xid = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["xid", "id"], name="feed_in_order"),
            models.Index(fields=["topic", "xid", "id"], name="feed_of_topic"),
        ]
        ordering = ["xid", "id"]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"
