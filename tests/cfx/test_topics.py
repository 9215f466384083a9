"""Handles, topics and filters."""

import itertools

import pytest

from app.cfx.topics import (
    INTAKE_FILTER,
    StationAddress,
    Topic,
    TopicError,
    TopicKind,
    matches,
    overlap,
    parse_topic,
    partition_filters,
)

ABC = StationAddress("A", "B", "C")
MOUNTER = StationAddress("SMTPlus", "Model_21232", "SN23123")


def test_a_handle_names_an_address_and_back() -> None:
    assert StationAddress.from_handle("SMTPlus.Model_21232.SN23123") == MOUNTER
    assert MOUNTER.handle == "SMTPlus.Model_21232.SN23123"
    assert StationAddress.from_handle("V.M.S.1.2") == StationAddress("V", "M", "S.1.2")
    assert StationAddress.from_handle("Ünal AG.M 3.S-1").root == "Ünal AG/M 3/S-1"


def test_the_topics_of_a_station() -> None:
    assert (
        MOUNTER.publish_topic("CFX.Production.WorkStarted") == "SMTPlus/Model_21232/SN23123/CFX/Production/WorkStarted"
    )
    assert MOUNTER.publish_topic("Heartbeat") == "SMTPlus/Model_21232/SN23123/CFX/Heartbeat"
    assert MOUNTER.receipts_topic == "SMTPlus/Model_21232/SN23123/receipts"
    assert MOUNTER.responses_topic == "SMTPlus/Model_21232/SN23123/CFX/responses"
    assert MOUNTER.intake_filter == "SMTPlus/Model_21232/SN23123/CFX/#"


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "A",
        "A.B",
        "A..C",
        ".B.C",
        "A.B.",
        "A.B.C+",
        "A#.B.C",
        "A/B.C.D",
        "A.B.C\0",
        "A.B.C\n",
        "$A.B.C",
        "A.B." + "C" * 257,
    ],
)
def test_a_handle_no_topic_can_hold_is_refused(handle: str) -> None:
    with pytest.raises(TopicError) as refused:
        StationAddress.from_handle(handle)
    assert str(refused.value).endswith(".")


def test_a_dot_in_vendor_or_model_would_make_another_handle() -> None:
    with pytest.raises(TopicError, match=r"vendor 'A\.B' holds a dot"):
        StationAddress("A.B", "C", "D")


@pytest.mark.parametrize(
    ("topic", "taken_apart"),
    [
        ("A/B/C/CFX/Heartbeat", Topic(ABC, TopicKind.MESSAGES, "CFX.Heartbeat")),
        ("A/B/C/CFX/Production/WorkStarted", Topic(ABC, TopicKind.MESSAGES, "CFX.Production.WorkStarted")),
        ("A/B/C/CFX", Topic(ABC, TopicKind.MESSAGES)),
        ("A/B/C/CFX/responses", Topic(ABC, TopicKind.RESPONSES)),
        ("A/B/C/receipts", Topic(ABC, TopicKind.RECEIPTS)),
        ("A/B/C/CFX/requests", Topic(ABC, TopicKind.REQUESTS)),
        ("A/B/C/gate", Topic(ABC, TopicKind.GATE)),
    ],
)
def test_a_topic_is_taken_apart(topic: str, taken_apart: Topic) -> None:
    assert parse_topic(topic) == taken_apart


@pytest.mark.parametrize(
    "topic", ["", "A/B/C", "A/B/C/Other", "A/B/C/receipts/x", "A//C/CFX/X", "A/B/C/CFX/+", "A/B/C/cfx/X"]
)
def test_a_topic_of_somebody_else_is_refused(topic: str) -> None:
    with pytest.raises(TopicError):
        parse_topic(topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "covered"),
    [
        (INTAKE_FILTER, "A/B/C/CFX/Production/WorkStarted", True),
        (INTAKE_FILTER, "A/B/C/CFX/responses", True),
        (INTAKE_FILTER, "A/B/C/CFX", True),
        (INTAKE_FILTER, "A/B/C/receipts", False),
        (INTAKE_FILTER, "A/B/C/D/CFX/Heartbeat", False),
        (INTAKE_FILTER, "$SYS/B/C/CFX/Heartbeat", False),
        ("A/B/C/CFX/#", "A/B/CC/CFX/X", False),
        ("A/+", "A/B/C", False),
        ("#", "A/B", True),
    ],
)
def test_a_filter_covers_what_mqtt_says(topic_filter: str, topic: str, covered: bool) -> None:
    assert matches(topic_filter, topic) is covered


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (INTAKE_FILTER, "A/B/C/CFX/#", True),
        ("A/+/+/CFX/#", "B/+/+/CFX/#", False),
        ("A/+/+/CFX/#", "+/M/+/CFX/#", True),
        ("A/#", "A", True),
        ("A/B", "A/B/C", False),
        ("+/B", "A/+", True),
    ],
)
def test_two_filters_overlap_when_a_topic_fits_both(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is both
    assert overlap(other, one) is both


def test_partitions_are_disjoint_complete_and_stable() -> None:
    stations = [StationAddress("Acme", f"M{n % 3}", f"S.{n}") for n in range(40)]
    parts = partition_filters([*stations, stations[0]], 4)
    every = list(itertools.chain.from_iterable(parts))
    assert sorted(every) == sorted(station.intake_filter for station in stations)
    assert not any(overlap(one, other) for one, other in itertools.combinations(every, 2))
    more = partition_filters([*stations, StationAddress("Acme", "M9", "S.99")], 4)
    assert all(set(before) <= set(after) for before, after in zip(parts, more, strict=True))
    assert max(map(len, parts)) < 20
    with pytest.raises(ValueError, match="at least one"):
        partition_filters(stations, 0)
