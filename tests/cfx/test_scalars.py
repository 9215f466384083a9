"""Times, spans and Guids as machines write them."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cfx.scalars import format_moment, format_timespan, parse_guid, parse_moment, parse_timespan

AMERICA = timezone(timedelta(hours=-4))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-03-26T16:52:25.3769532-04:00", datetime(2018, 3, 26, 16, 52, 25, 376953, AMERICA)),
        ("2018-03-26T16:52:25.3769535-04:00", datetime(2018, 3, 26, 16, 52, 25, 376954, AMERICA)),
        ("2018-03-26T16:52:25.9999999Z", datetime(2018, 3, 26, 16, 52, 26, tzinfo=UTC)),
        ("2018-03-26T16:52:25.4Z", datetime(2018, 3, 26, 16, 52, 25, 400_000, UTC)),
        ("2018-03-26T16:52:25", datetime(2018, 3, 26, 16, 52, 25, tzinfo=UTC)),
        ("2018-03-26 16:52:25,5 +0530", datetime(2018, 3, 26, 11, 22, 25, 500_000, UTC)),
        ("2018-03-26T16:52z", datetime(2018, 3, 26, 16, 52, tzinfo=UTC)),
        ("2018-03-26", datetime(2018, 3, 26, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_with_its_zone_and_as_utc_without(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment
    assert parse_moment(text).utcoffset() is not None


@pytest.mark.parametrize(
    "text",
    ["", "now", "26.03.2018", "2018-13-01", "2018-02-30T00:00:00Z", "2018-03-26T24:00:00Z", "10000-01-01T00:00:00Z",
     "0000-01-01T00:00:00Z", "2018-03-26T16:52:25+99:00", "9999-12-31T23:59:59.9999999", "٢٠١٨-03-26"],
)  # fmt: skip
def test_what_no_calendar_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_moment(text)


@given(st.datetimes(timezones=st.sampled_from([UTC, AMERICA])))
def test_a_moment_survives_the_wire(moment: datetime) -> None:
    assert parse_moment(format_moment(moment)) == moment


def test_a_moment_is_written_as_cfx_publishes_it() -> None:
    assert format_moment(datetime(2018, 3, 26, 16, 52, 25, 376953, AMERICA)) == "2018-03-26T16:52:25.3769530-04:00"
    assert format_moment(datetime(2018, 3, 26, tzinfo=UTC)) == "2018-03-26T00:00:00.0000000+00:00"
    with pytest.raises(ValueError, match="needs a zone"):
        format_moment(datetime(2018, 3, 26))  # noqa: DTZ001 - that it has no zone is the point


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("00:01:25", timedelta(seconds=85)),
        ("6.00:00:00", timedelta(days=6)),
        ("-1.02:03:04.5000000", -timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("00:00:00.0000010", timedelta(microseconds=1)),
    ],
)
def test_a_timespan_both_ways(text: str, span: timedelta) -> None:
    assert parse_timespan(text) == span
    assert format_timespan(span) == text


@pytest.mark.parametrize("text", ["", "85", "00:61:00", "P1D", "1.2.3", "99999999999.00:00:00"])
def test_what_is_no_timespan_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a TimeSpan"):
        parse_timespan(text)


@pytest.mark.parametrize(
    "text",
    [
        "f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f",
        "F3B2C8EC-50B7-4C63-9CB3-2ED57C01880F",
        "{f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f}",
        "f3b2c8ec50b74c639cb32ed57c01880f",
        " {F3B2C8EC50B74C639CB32ED57C01880F} ",
    ],
)
def test_a_guid_in_any_spelling_is_the_same(text: str) -> None:
    assert parse_guid(text) == UUID("f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f")


@pytest.mark.parametrize(
    "text", ["", "x", "{f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f", "f3b2c8ec-50b7-4c63-9cb3", "5" * 33]
)
def test_what_is_no_guid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a GUID"):
        parse_guid(text)
