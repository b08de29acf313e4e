"""The rules without a database: floors, counting, decisions, times, devices."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anticheat.engine.anomaly import time_anomaly
from anticheat.engine.devices import Change, Device, change, device_of
from anticheat.engine.policy import Decision, Sighting, counts, decide, is_same_act, severity_of
from anticheat.states import Action, DetectionType

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TAB, BLUR, KEYS, CLICK, COPY, TIME, DEVICES = DetectionType


def sighting(kind=TAB, seconds=0.0, severity=2, is_counted=True):
    return Sighting(kind, START + timedelta(seconds=seconds), severity, is_counted)


def decided(policy, *sightings):
    return decide(policy, sightings, sightings[-1])


@pytest.mark.parametrize(
    ("kind", "floor"), [(TAB, 2), (BLUR, 2), (KEYS, 3), (CLICK, 2), (COPY, 3), (TIME, 1), (DEVICES, 3)]
)
def test_severity__when_client_claims__then_never_below_floor(kind, floor):
    assert severity_of(kind, None) == floor
    assert [severity_of(kind, claimed) for claimed in range(1, 6)] == [max(floor, claimed) for claimed in range(1, 6)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (sighting(TAB, 0), sighting(BLUR, 2), True),
        (sighting(BLUR, 2), sighting(TAB, 0), True),
        (sighting(TAB, 0), sighting(BLUR, 2.001), False),
        (sighting(COPY, 0), sighting(COPY, 2), True),
        (sighting(COPY, 0), sighting(COPY, 2.001), False),
        (sighting(COPY, 0), sighting(KEYS, 0), False),
        (sighting(TAB, 0), sighting(COPY, 0), False),
    ],
)
def test_same_act__when_alike_and_within_two_seconds__then_one(one, other, expected):
    assert is_same_act(one, other) is expected


def test_counts__when_tab_switch_fires_both__then_one_act_in_all_and_of_each_type():
    found = counts([sighting(TAB, 0), sighting(BLUR, 0.1), sighting(TAB, 10), sighting(BLUR, 10.1)])
    assert (found.by_type[TAB], found.by_type[BLUR], found.total) == (2, 2, 2)


def test_counts__when_reports_follow_every_second__then_an_act_each_two_seconds():
    assert counts([sighting(COPY, second) for second in range(7)]).total == 3  # at 0, 3 and 6


def test_counts__when_not_counted__then_nowhere():
    found = counts([sighting(DEVICES, second * 10, is_counted=False) for second in range(20)])
    assert (found.by_type[DEVICES], found.total) == (0, 0)


def test_decide__when_severity_is_five__then_first_rule():
    assert decided("ban", sighting(CLICK, 0, severity=5)) == Decision(Action.BAN, "High severity cheat detection")
    assert decided("ban", sighting(CLICK, 0, severity=4)) == Decision(Action.NONE)


def test_decide__when_third_of_a_type__then_second_rule():
    acts = [sighting(TAB, 0), sighting(TAB, 10), sighting(TAB, 20)]
    assert decided("ban", *acts[:2]) == Decision(Action.NONE)
    assert decided("ban", *acts) == Decision(Action.BAN, "Multiple cheat detections of same type")


def test_decide__when_third_is_within_two_seconds__then_nothing():
    assert decided("ban", sighting(TAB, 0), sighting(TAB, 10), sighting(TAB, 12)) == Decision(Action.NONE)


def test_decide__when_ten_acts_of_five_types__then_third_rule():
    kinds = [TAB, KEYS, CLICK, COPY, TIME] * 2
    acts = [sighting(kind, index * 10, 1) for index, kind in enumerate(kinds)]
    assert decided("ban", *acts[:9]) == Decision(Action.NONE)
    assert decided("ban", *acts) == Decision(Action.BAN, "Excessive cheat detections")


def test_decide__when_ten_reports_are_nine_acts__then_nothing():
    kinds = [TAB, KEYS, CLICK, COPY] * 2
    acts = [sighting(kind, index * 10, 1) for index, kind in enumerate(kinds)]
    acts += [sighting(BLUR, 0.5), sighting(TIME, 100, 1)]
    assert counts(acts).total == 9
    assert decided("ban", *acts) == Decision(Action.NONE)


def test_decide__when_newest_is_not_counted__then_nothing_even_above_the_limit():
    acts = [sighting(DEVICES, second * 10, 3) for second in range(3)]
    assert decided("pause", *acts, sighting(DEVICES, 90, 1, is_counted=False)) == Decision(Action.NONE)


@pytest.mark.parametrize("policy", ["ban", "flag", "pause"])
def test_decide__when_rule_is_broken__then_the_tests_policy_says_what_follows(policy):
    assert decided(policy, sighting(severity=5)) == Decision(Action(policy), "High severity cheat detection")


sightings = st.lists(
    st.builds(
        sighting,
        st.sampled_from(list(DetectionType)),
        st.integers(0, 120).map(lambda half: half / 2),
        st.integers(1, 5),
        st.booleans(),
    ),
    max_size=40,
)


@given(sightings, sightings)
def test_counts__when_reports_are_added__then_nothing_shrinks(some, more):
    before, after = counts(some), counts(some + more)
    assert after.total >= before.total
    assert all(after.by_type[kind] >= before.by_type[kind] for kind in DetectionType)


@given(sightings, st.randoms())
def test_counts__when_order_changes__then_the_same(some, random):
    shuffled = list(some)
    random.shuffle(shuffled)
    assert counts(shuffled) == counts(some)


@given(sightings)
def test_counts__then_never_more_than_reports_nor_less_than_a_type(some):
    found = counts(some)
    assert found.total <= sum(one.is_counted for one in some)
    assert found.total <= sum(found.by_type.values())
    assert found.total >= max(found.by_type.values())
    for kind in DetectionType:
        assert found.by_type[kind] <= sum(one.is_counted and one.type == kind for one in some)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((60, 50, 1079, 50), (3, {"time_spent": 1079, "expected_min_time": 1080, "anomaly_type": "too_fast"})),
        ((60, 50, 1080, 50), None),
        ((60, 50, 100, 49), None),
        ((60, 50, 5400, 50), None),
        ((60, 50, 5401, 0), (2, {"time_spent": 5401, "expected_max_time": 5400, "anomaly_type": "too_slow"})),
        ((0, 50, 9999, 50), None),
        ((60, 4, 1, 4), None),
        ((60, 5, 1, 5), (3, {"time_spent": 1, "expected_min_time": 1080, "anomaly_type": "too_fast"})),
        ((60, 0, 1, 0), None),
    ],
)
def test_time_anomaly__when_measured__then_as_the_contract_says(facts, expected):
    duration, questions, spent, answered = facts
    found = time_anomaly(
        duration_minutes=duration, question_count=questions, spent_seconds=spent, answered_count=answered
    )
    assert (found and (found.severity, found.data)) == expected


def test_time_anomaly__when_extra_time_was_given__then_not_too_slow():
    facts = {"duration_minutes": 60, "question_count": 50, "answered_count": 50}
    assert time_anomaly(**facts, spent_seconds=7200, extra_seconds=1800) is None
    assert time_anomaly(**facts, spent_seconds=7201, extra_seconds=1800).severity == 2


HOME = Device("198.51.100.0/24", "Firefox")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (HOME, None),
        (Device("203.0.113.0/24", "Firefox"), Change.ADDRESS),
        (Device("198.51.100.0/24", "Chrome"), Change.BROWSER),
        (Device("203.0.113.0/24", "Chrome"), Change.BROWSER),
    ],
)
def test_change__when_seen__then_browser_weighs_more_than_address(seen, expected):
    assert change(known=[HOME], seen=seen) is expected


def test_change__when_nothing_is_known__then_nothing_to_compare():
    assert change(known=[], seen=HOME) is None


def test_device_of__when_address_moves_within_its_network__then_the_same():
    assert device_of("198.51.100.7", "Firefox") == HOME == device_of("198.51.100.250", "Firefox")
    assert device_of("2001:db8:1:2::1", "F") == device_of("2001:db8:1:3::9", "F") == Device("2001:db8:1::/48", "F")
    assert device_of("", "Firefox") is device_of("nonsense", "Firefox") is device_of("198.51.100.7", "") is None


@pytest.mark.parametrize("lan", ["192.168.1.{}", "10.0.0.{}", "172.16.0.{}", "::ffff:192.168.1.{}", "fd00::{}"])
def test_device_of__when_both_are_in_the_room__then_each_machine_by_itself(lan):
    one, other = (device_of(lan.format(number), "Firefox") for number in (10, 11))
    assert one != other
    assert one == device_of(lan.format(10), "Firefox")
    assert change(known=[one], seen=other) is Change.ADDRESS


def test_device_of__when_just_beside_the_private_ranges__then_by_network():
    for first, second in (("172.15.0.1", "172.15.0.2"), ("172.32.0.1", "172.32.0.2"), ("192.169.1.1", "192.169.1.2")):
        assert device_of(first, "Firefox") == device_of(second, "Firefox")
