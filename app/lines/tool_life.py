"""May this tool be used? Its cycles against its limits, its cleaning and its calibration. Pure: no database.

* A tool is worn out when its cycles reach the limit of its life.
* It is cleaned before its cycles since the last cleaning reach their limit.
* It is calibrated before the day its certificate names, or so many days after the last time; never calibrated is due.
* From nine tenths of a limit on, and a week before a calibration is due, there is a warning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.reasons import Reason
from app.sentences import Sentence

KINDS: Final = ("stencil", "squeegee", "nozzle", "fixture", "feeder", "wrench", "station")
STROKES: Final = frozenset({"stencil", "squeegee", "fixture"})
"""Kinds that work on a whole panel at once: a message that names them for each of its boards is one cycle."""
WARN_FROM: Final = 0.9
WARN_BEFORE: Final = timedelta(days=7)
_EXCHANGE: Final = Sentence("Take it out and load another, and record both.")
"""A tool is at the station until somebody says that it was taken out, whatever else is loaded."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tool may do: cycles in its life, cycles between cleanings, days between calibrations; None: no limit."""

    cycles: int | None = None
    cleaning: int | None = None
    calibration_days: int | None = None


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """What is known of a tool. `due_at`: what the latest calibration's certificate says, where it says it."""

    tool: str
    kind: str | None
    cycles: int
    cycles_since_cleaning: int
    calibrated_at: datetime | None = None
    due_at: datetime | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class ToolJudged:
    """Whether a tool may be used."""

    calibration_due: datetime | None
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


def judge_tool(facts: ToolFacts, limits: Limits, *, at: datetime) -> ToolJudged:
    """The rules of this module's docstring."""
    due = facts.due_at
    if due is None and facts.calibrated_at is not None and limits.calibration_days is not None:
        due = facts.calibrated_at + timedelta(days=limits.calibration_days)
    reasons = list(_blocks(facts, limits, due, at))
    warnings = () if reasons else tuple(_warns(facts, limits, due, at))
    return ToolJudged(due, tuple(reasons), warnings)


def _blocks(facts: ToolFacts, limits: Limits, due: datetime | None, at: datetime) -> Iterator[Reason]:
    tool = {"word_tool": facts.kind or "tool", "tool": facts.tool}
    if facts.retired:
        sentence = Sentence("The %(word_tool)s %(tool)s was retired.", **tool)
        yield Reason("tool_retired", sentence, _EXCHANGE)
    if limits.cycles is not None and facts.cycles >= limits.cycles:
        sentence = Sentence(
            "The %(word_tool)s %(tool)s did %(count)s cycles of the %(count_allowed)s in its life.",
            **tool,
            count=facts.cycles,
            count_allowed=limits.cycles,
        )
        yield Reason("tool_worn_out", sentence, _EXCHANGE)
    if limits.cleaning is not None and facts.cycles_since_cleaning >= limits.cleaning:
        sentence = Sentence(
            "The %(word_tool)s %(tool)s did %(count)s cycles since it was cleaned; %(count_allowed)s are allowed.",
            **tool,
            count=facts.cycles_since_cleaning,
            count_allowed=limits.cleaning,
        )
        yield Reason("cleaning_due", sentence, Sentence("Clean it and record that."))
    if due is not None and at >= due:
        sentence = Sentence("The calibration of %(word_tool)s %(tool)s was due on %(day)s.", **tool, day=due)
        yield Reason("calibration_due", sentence, Sentence("Calibrate it and record that."))
    elif due is None and limits.calibration_days is not None:
        sentence = Sentence("Nobody recorded that %(word_tool)s %(tool)s was calibrated.", **tool)
        yield Reason("calibration_due", sentence, Sentence("Calibrate it and record that."))


def _warns(facts: ToolFacts, limits: Limits, due: datetime | None, at: datetime) -> Iterator[Reason]:
    tool = {"word_tool": facts.kind or "tool", "tool": facts.tool}
    if limits.cycles is not None and facts.cycles >= WARN_FROM * limits.cycles:
        left = limits.cycles - facts.cycles
        sentence = Sentence("The %(word_tool)s %(tool)s has %(count)s cycles left in its life.", **tool, count=left)
        yield Reason("tool_worn_out", sentence, Sentence("Have another ready."))
    if limits.cleaning is not None and facts.cycles_since_cleaning >= WARN_FROM * limits.cleaning:
        left = limits.cleaning - facts.cycles_since_cleaning
        sentence = Sentence(
            "The %(word_tool)s %(tool)s has %(count)s cycles left until it must be cleaned.", **tool, count=left
        )
        yield Reason("cleaning_due", sentence, Sentence("Clean it soon."))
    if due is not None and at >= due - WARN_BEFORE:
        sentence = Sentence("The calibration of %(word_tool)s %(tool)s is due on %(day)s.", **tool, day=due)
        yield Reason("calibration_due", sentence, Sentence("Calibrate it before."))
