"""How suspicious acts are weighed and counted, and what follows: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anticheat.states import MAX_SEVERITY, Action, DetectionType

#: Two reports no further apart than this tell of one act.
SAME_ACT = timedelta(seconds=2)
#: Leaving the page fires both of these.
LEAVING = frozenset({DetectionType.TAB_SWITCH, DetectionType.WINDOW_BLUR})

#: What an act weighs at least, whatever the client says; the values the contract's sample client sends.
FLOOR: Mapping[DetectionType, int] = {
    DetectionType.TAB_SWITCH: 2,
    DetectionType.WINDOW_BLUR: 2,
    DetectionType.KEYBOARD_SHORTCUT: 3,
    DetectionType.RIGHT_CLICK: 2,
    DetectionType.COPY_PASTE: 3,
    DetectionType.TIME_ANOMALY: 1,
    DetectionType.MULTIPLE_DEVICES: 3,
}

HIGH_SEVERITY = 5
SAME_TYPE_LIMIT = 3
TOTAL_LIMIT = 10
REASON_SEVERITY = "High severity cheat detection"
REASON_SAME_TYPE = "Multiple cheat detections of same type"
REASON_TOTAL = "Excessive cheat detections"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One detection, as far as the rules look at it.

    is_counted: False for what is only shown to staff (a changed address of the same browser).
    """

    type: DetectionType
    at: datetime
    severity: int
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """Acts, not reports: of each type, and in all."""

    by_type: Mapping[DetectionType, int]
    total: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows, and the contract's reason for it ("" for none)."""

    action: Action
    reason: str = ""


def severity_of(detection_type: DetectionType, claimed: int | None) -> int:
    """Return what a report weighs: the client may raise the server's floor up to 5, never lower it.

    claimed: 1 to 5, None for nothing said (the contract's default is 1).
    Source: details 6, W-55; decision "severity has a server-side floor per type".
    """
    return min(MAX_SEVERITY, max(FLOOR[detection_type], claimed or 1))


def is_same_act(one: Sighting, other: Sighting) -> bool:
    """Tell whether two reports tell of one act: the same type, or the two faces of leaving the page, within 2 s."""
    is_alike = one.type == other.type or {one.type, other.type} == LEAVING
    return is_alike and abs(one.at - other.at) <= SAME_ACT


def counts(sightings: Iterable[Sighting]) -> Counts:
    """Count acts.

    A series of reports is as many acts as can be picked from it with more than 2 s between any two. So a
    report never lowers a count, and their order does not matter. Leaving the page counts once toward the
    total whichever of its two faces is reported, and once toward the type of each.
    """
    times: dict[DetectionType, list[datetime]] = {kind: [] for kind in DetectionType}
    for sighting in sightings:
        if sighting.is_counted:
            times[sighting.type].append(sighting.at)
    by_type = {kind: _acts(moments) for kind, moments in times.items()}
    leaving = _acts([moment for kind in LEAVING for moment in times[kind]])
    return Counts(by_type, leaving + sum(count for kind, count in by_type.items() if kind not in LEAVING))


def _acts(moments: Iterable[datetime]) -> int:
    """Return how many moments can be picked more than 2 s apart; taking the earliest each time picks the most."""
    count = 0
    last: datetime | None = None
    for moment in sorted(moments):
        if last is None or moment - last > SAME_ACT:
            count += 1
            last = moment
    return count


def broken_rule(sightings: Sequence[Sighting], newest: Sighting) -> str | None:
    """Return the reason of the first rule that ``newest`` breaks, in the contract's order, or None.

    sightings: the session's unresolved detections, ``newest`` among them.
    Source: primary contract 5.1, details 6.
    """
    if newest.severity >= HIGH_SEVERITY:
        return REASON_SEVERITY
    if not newest.is_counted:
        return None
    acts = counts(sightings)
    if acts.by_type[newest.type] >= SAME_TYPE_LIMIT:
        return REASON_SAME_TYPE
    if acts.total >= TOTAL_LIMIT:
        return REASON_TOTAL
    return None


def decide(policy: str, sightings: Sequence[Sighting], newest: Sighting) -> Decision:
    """Return what the test's policy makes of a broken rule.

    policy: ``ban`` (the contract's), ``flag`` (a person looks) or ``pause`` (the clock stops until staff lets
    the taker go on).
    """
    reason = broken_rule(sightings, newest)
    return Decision(Action.NONE) if reason is None else Decision(Action(policy), reason)
