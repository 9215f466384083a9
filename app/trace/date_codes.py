"""When were parts of a date code made, at the earliest? Pure.

Makers print date codes as they like (seen: YYWW, YYMMDD, YYYYMMDD, YYYY.WW, MM/DD/YYYY). A code that can be read in
several ways is read in each of them, and the earliest day of all is given: what is concluded from it holds whichever
was meant.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

_FIRST_YEAR, _LAST_YEAR = 1990, 2099


def earliest_made(date_code: str | None) -> date | None:
    """The earliest day that a date code can mean, a week beginning on Monday (ISO 8601); None where it means none."""
    return min(_readings((date_code or "").strip()), default=None)


def _readings(code: str) -> Iterator[date]:
    if match := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", code):
        yield from _day(*match.groups())
    elif match := re.fullmatch(r"(\d{4})[.-]?W?(\d{2})", code):
        yield from _week(*match.groups())
        yield from _six_digits("".join(match.groups()))
    elif re.fullmatch(r"\d{8}", code):
        yield from _day(code[:4], code[4:6], code[6:])
    elif match := re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", code):
        first, second, year = match.groups()
        yield from _day(year, first, second)
        yield from _day(year, second, first)
    elif re.fullmatch(r"\d{4}", code):
        others = (*_week("20" + code[2:], code[:2]), *_day(code, "1", "1"))
        yield from _if_any(others, [*_week("20" + code[:2], code[2:])])


def _if_any(others: Iterable[date], usual: Sequence[date]) -> Iterator[date]:
    """The usual readings, and with them the unusual: what is unusual only is more likely no date code at all."""
    if usual:
        yield from usual
        yield from others


def _six_digits(code: str) -> Iterator[date]:
    first, second, third = code[:2], code[2:4], code[4:]
    usual = [*_day("20" + first, second, third)]
    yield from _if_any((*_day("20" + third, first, second), *_day("20" + third, second, first)), usual)


def _day(year: str, month: str, day: str) -> Iterator[date]:
    if _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        try:
            yield date(int(year), int(month), int(day))
        except ValueError:
            return


def _week(year: str, week: str) -> Iterator[date]:
    if _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        try:
            yield date.fromisocalendar(int(year), int(week), 1)
        except ValueError:
            return
