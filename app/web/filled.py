"""A form that was refused comes back as it was filled in, with the refusal at the field that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from app.errors import BirthmarkError, Invalid
from app.sentences import Sentence


class Misfilled(Invalid):
    """What was typed into a field is nothing that may stand there."""

    def __init__(self, at: str, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.at = at


@dataclass(frozen=True, slots=True)
class Filled:
    """What was typed into a form, and why it was refused: what a field said of itself stands there, else at `at`.

    `form` tells forms of one page apart. `NOTHING` of a page that was just opened.
    """

    form: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    problem: BirthmarkError | None = None
    at: str = ""

    @property
    def status(self) -> int:
        """Of the page that shows it."""
        return self.problem.status if self.problem else 200

    @property
    def field(self) -> str:
        """The field at which the refusal stands."""
        return self.problem.at if isinstance(self.problem, Misfilled) else self.at


NOTHING = Filled()


def whole(typed: str, at: str, *, least: int = 1, most: int = 2**31 - 1) -> int | None:
    """A whole number that was typed, None where nothing was. Raises `Misfilled`."""
    if not typed.strip():
        return None
    try:
        given = int(typed)
    except ValueError:
        given = least - 1
    if not least <= given <= most:
        bounds = {"least": least, "most": most}
        raise Misfilled(at, Sentence("%(typed)s is no whole number from %(least)s to %(most)s.", typed=typed, **bounds))
    return given


def amount(typed: str, at: str) -> float | None:
    """A number above 0 that was typed, with a point or a comma, None where nothing was. Raises `Misfilled`."""
    if not typed.strip():
        return None
    try:
        given = float(typed.replace(",", "."))
    except ValueError:
        given = 0.0
    if not 0 < given < float("inf"):
        raise Misfilled(at, Sentence("%(typed)s is no number above 0.", typed=typed))
    return given


def end_of_day(typed: str, at: str) -> datetime:
    """The end of a day that was typed, in UTC. Raises `Misfilled`."""
    try:
        day = date.fromisoformat(typed.strip())
    except ValueError:
        raise Misfilled(at, Sentence("%(typed)s is no day; 2027-03-31 is one.", typed=typed.strip() or "-")) from None
    return datetime.combine(day, time.max, UTC).replace(microsecond=0)
