"""Facts to judge, short to write down: a good unit before a good station, and what differs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.interlock.facts import Facts, Override, Run, Station, Unit
from app.interlock.rules import decide
from app.interlock.verdicts import Verdict
from app.products.routing import RoutingStep, Visit

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROUTING = tuple(RoutingStep(name) for name in ("print", "place", "aoi", "test"))
GOOD = Unit(
    unit_id=7,
    serial="SN-7",
    product_revision_id=1,
    product="node rev B",
    customer="Northwind",
    routing=ROUTING,
    visits=tuple(Visit(name, NOW - timedelta(minutes=30 - at)) for at, name in enumerate(("print", "place"))),
)
HERE = Station(station_id=3, handle="Eye.AOI.3", operation="aoi", policy="fail_closed")


def minutes(number: float) -> datetime:
    """A moment that many minutes from now."""
    return NOW + timedelta(minutes=number)


def visits(names: str) -> tuple[Visit, ...]:
    """These operations done, one a minute, in order."""
    return tuple(Visit(name, minutes(at - 60)) for at, name in enumerate(names.split()))


def run(operation: str, outcome: str, *, runs: int = 1, decision: str | None = None) -> Run:
    """The latest run at an operation, a while ago."""
    return Run(operation, "AOI 1", "inspection", outcome, minutes(-20), runs, decision)


def override(code: str, subject: str | None = None, *, given: float = -5, until: float = 60) -> Override:
    """An override of a process engineer, in minutes from now."""
    return Override(11, code, subject, "person:eve", "process_engineer", minutes(given), minutes(until))


def judged(*, station: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **unit: Any) -> Verdict:
    """The verdict on the good unit at the good station, but for what differs."""
    seen = Facts(NOW, "SN-7", 0, replace(GOOD, **unit), replace(HERE, **(station or {})))
    return decide(replace(seen, **(facts or {})))


def codes(verdict: Verdict) -> list[str]:
    """The reasons against."""
    return [ground.code for ground in verdict.reasons]
