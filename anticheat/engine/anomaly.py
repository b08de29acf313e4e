"""Whether a submitted session took a believable time: pure."""

from dataclasses import dataclass

TOO_FAST_SHARE = 0.3
TOO_SLOW_SHARE = 1.5
#: Below this many questions being quick says nothing.
MIN_QUESTIONS = 5


@dataclass(frozen=True, slots=True)
class TimeAnomaly:
    """An unbelievable time: its severity, and what staff gets to see."""

    severity: int
    data: dict[str, object]


def time_anomaly(
    *, duration_minutes: int, question_count: int, spent_seconds: int, answered_count: int, extra_seconds: int = 0
) -> TimeAnomaly | None:
    """Return what is odd about the time a session took, or None.

    Too fast: under 30 % of the duration with every question answered. Too slow: over 150 %, on top of the
    extra time staff gave. A test without a duration is neither; one of fewer than 5 questions is never too fast.
    Source: details 6.
    """
    expected = duration_minutes * 60
    if expected <= 0:
        return None
    shortest, longest = expected * TOO_FAST_SHARE, expected * TOO_SLOW_SHARE + extra_seconds
    if spent_seconds < shortest and answered_count >= question_count >= MIN_QUESTIONS:
        data = {"time_spent": spent_seconds, "expected_min_time": int(shortest), "anomaly_type": "too_fast"}
        return TimeAnomaly(3, data)
    if spent_seconds > longest:
        data = {"time_spent": spent_seconds, "expected_max_time": int(longest), "anomaly_type": "too_slow"}
        return TimeAnomaly(2, data)
    return None
