"""Times, spans and identifiers as CFX writes them, and the tolerance the field asks for.

CFX is serialised by .NET: `DateTime` carries seven decimals and often a zone, `TimeSpan` reads
`[-][days.]hours:minutes:seconds[.fraction]`, `Guid` may come in braces or without dashes, and a
member nobody set holds the type's zero (year 1, year 9999, the all-zero Guid).
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from uuid import UUID

#: Years a station's clock may claim. Outside, the clock was never set or the value is damaged.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199

_WITH_MICROSECONDS_AND_ZONE: Final = len("2018-03-26T16:52:25.376953-04:00")
#: The farthest zone there is, +14:00; 18 hours are what xsd:dateTime readers allow for.
_MAX_ZONE_MINUTES: Final = 18 * 60
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?"
    r"\s?([Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?(\d{1,2}):([0-5]?\d)(?::([0-5]?\d)(?:\.(\d{1,7}))?)?", re.ASCII)
_GUID = re.compile(
    r"\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?",
    re.ASCII | re.IGNORECASE,
)


def parse_guid(text: str) -> UUID:
    """A Guid in any of the usual spellings: braces, upper case, without dashes.

    Raises ValueError for anything else. The all-zero Guid is returned as it is; who needs a real
    one asks for `.int`.
    """
    stripped = text.strip()
    match = _GUID.fullmatch(stripped)
    if match is None or stripped.startswith("{") != stripped.endswith("}"):
        raise ValueError("not a GUID")
    return UUID(hex="".join(match.groups()))


def parse_moment(text: str) -> datetime:
    """A point in time, aware; without a zone it is taken as UTC; a bare date is its midnight.

    Decimals past the microsecond are rounded. Raises ValueError when it is not an ISO 8601 time
    or not one a calendar holds.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an ISO 8601 time such as 2018-03-26T16:52:25.3769532-04:00")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
        tzinfo=_zone(zone),
    )  # fmt: skip
    if fraction:
        microseconds = (int(fraction[:7].ljust(7, "0")) + 5) // 10
        try:
            moment += timedelta(microseconds=microseconds)
        except OverflowError as beyond:
            raise ValueError("past the last day of the calendar") from beyond
    return moment


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    if minutes > _MAX_ZONE_MINUTES:
        raise ValueError(f"{text} is no time zone")
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def format_moment(moment: datetime) -> str:
    """A point in time as CFX publishes it: seven decimals and a numeric zone.

    Raises ValueError for a time without a zone: the reader could only guess.
    """
    text = moment.isoformat(timespec="microseconds")
    if len(text) != _WITH_MICROSECONDS_AND_ZONE:
        raise ValueError("a CFX time needs a zone of whole minutes; pass an aware datetime")
    return f"{text[:-6]}0{text[-6:]}"


def parse_timespan(text: str) -> timedelta:
    """A .NET `TimeSpan`: `00:01:25`, `6.00:00:00`, `-00:00:00.5000000`.

    Raises ValueError for anything else.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a TimeSpan such as 6.00:00:00 (days.hours:minutes:seconds)")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    span = timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds or 0),
        microseconds=(int((fraction or "0").ljust(7, "0")) + 5) // 10,
    )
    return -span if sign else span


def format_timespan(span: timedelta) -> str:
    """A duration as .NET writes a `TimeSpan`: days only when there are any, seven decimals or none."""
    sign = "-" if span < timedelta(0) else ""
    span = abs(span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06}0" if span.microseconds else ""
    return f"{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}"
