"""What a containment is asked for: the terms of a where-used question, or a list of serials."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from app.errors import Invalid
from app.sentences import Sentence
from app.trace.question import Question

_ENOUGH_SERIALS = 200_000


@dataclass(frozen=True, slots=True)
class Terms:
    """Exactly one of the two. `serials` are units, panels included, in the order given."""

    question: Question | None = None
    serials: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what says nothing, says it twice, or asks for the past."""
        if (self.question is None) == (not self.serials):
            raise Invalid(
                Sentence("Say what to contain: a lot, a package, a tool, a station with a window ..., or serials.")
            )
        if self.question is not None and self.question.as_of is not None:
            raise Invalid(Sentence("A containment is counted from what is known now; leave out as_of."))
        if len(self.serials) > _ENOUGH_SERIALS:
            raise Invalid(
                Sentence(
                    "A containment takes at most %(count_most)s serials; split the list.", count_most=_ENOUGH_SERIALS
                )
            )

    @property
    def words(self) -> Sentence:
        """The terms in words: `lot A17 part 0402-100n`, `3 serials`."""
        return _words(self.question) if self.question is not None else self.name

    @property
    def name(self) -> Sentence:
        """What is contained, in short: `A17`, `3 serials`."""
        if self.question is None and len(self.serials) > 1:
            return Sentence("%(count)s serials", count=len(self.serials))
        return Sentence("%(name)s", name=self.identifier)

    @property
    def words_outside(self) -> Sentence:
        """The words as customers are told them: no serials of others, and nobody's name."""
        if self.question is None:
            return Sentence("units by their serials")
        return _words(replace(self.question, operator="of the factory" if self.question.operator else None))

    @property
    def identifier(self) -> str:
        """What a person retypes to confirm: the name of what is contained, or how many serials there are."""
        if self.question is not None:
            return self.question.name
        return self.serials[0] if len(self.serials) == 1 else str(len(self.serials))

    def confirm(self, retyped: str) -> None:
        """Raise `Invalid` unless `retyped` is the identifier, blanks around it aside."""
        if retyped.strip() != self.identifier:
            raise Invalid(Sentence("This is not what is contained. Retype %(name)s to confirm.", name=self.identifier))

    def as_json(self) -> dict[str, Any]:
        """As it is kept: only the terms that were given."""
        if self.question is None:
            return {"serials": list(self.serials)}
        given = {name: value for name, value in asdict(self.question).items() if value is not None}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()}


def _words(question: Question) -> Sentence:
    return Sentence("%(asked)s", asked=question)


def terms_of(kept: Mapping[str, Any]) -> Terms:
    """The terms that `as_json` kept, or that a request names. Empty values count as not given.

    A time without zone is UTC.
    """
    given = {name: value for name, value in kept.items() if value not in (None, "", [], ())}
    serials: Sequence[str] = given.pop("serials", ())
    for name in ("since", "until"):
        if isinstance(given.get(name), str):
            given[name] = datetime.fromisoformat(given[name])
        if name in given and given[name].tzinfo is None:
            given[name] = given[name].replace(tzinfo=UTC)
    if isinstance(given.get("received_on"), str):
        given["received_on"] = date.fromisoformat(given["received_on"])
    return Terms(Question(**given) if given else None, tuple(dict.fromkeys(serials)))
