"""What is looked for: one shape for every lookup, and for their combinations."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from app.errors import Invalid, NotFound
from app.sentences import Sentence

WORDS = {
    "package": "package",
    "lot": "lot",
    "part_number": "part",
    "date_code": "date code",
    "manufacturer": "maker",
    "vendor": "vendor",
    "delivery": "delivery",
    "received_on": "received on",
    "slot": "slot",
    "feeder": "feeder",
    "nozzle": "nozzle",
    "tool": "tool",
    "firmware": "firmware",
    "recipe": "recipe",
    "recipe_revision": "revision",
    "operator": "operator",
    "station": "station",
    "since": "since",
    "until": "until",
    "serial": "unit",
}
_NAMES = ("package", "lot", "tool", "serial", "date_code", "recipe", "operator", "station", "part_number", "slot",
          "feeder", "nozzle", "manufacturer", "vendor", "delivery", "received_on", "firmware")  # fmt: skip
_OF_PACKAGES = ("package", "lot", "part_number", "date_code", "manufacturer", "vendor", "delivery", "received_on")
_OF_PLACEMENTS = ("slot", "feeder", "nozzle")
_OF_WORK = ("tool", "firmware", "recipe", "operator")
_OF_REPORTS = ("station", "since", "until")


@dataclass(frozen=True, slots=True)
class Question:
    """Terms that all hold of a unit; those on material of one and the same link between it and a package.

    `package` to `received_on` say which packages are meant (`delivery` is a number of the supplier's delivery: packing
    list, invoice or order; `received_on` the day in UTC), `slot` to `nozzle` where on a machine they were. `tool`,
    `firmware` (version or checksum), `recipe` (with its `recipe_revision`) and `operator` ask for units by what was
    done to them. `station` (CFX handle) with `since` and `until` (station's clock) say who reported the material when,
    or, without terms on material, the first of those on work; what a clock that was seen off tells near an end of that
    time is `bounded`. `serial` asks for a child unit, and goes with no other term. `as_of` (server's clock) answers
    from what was known then.
    """

    package: str | None = None
    lot: str | None = None
    part_number: str | None = None
    date_code: str | None = None
    manufacturer: str | None = None
    vendor: str | None = None
    delivery: str | None = None
    received_on: date | None = None
    slot: str | None = None
    feeder: str | None = None
    nozzle: str | None = None
    tool: str | None = None
    firmware: str | None = None
    recipe: str | None = None
    recipe_revision: str | None = None
    operator: str | None = None
    station: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    serial: str | None = None
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what asks for nothing, or for two things at once."""
        by_material = self.names_packages or self.names_placements
        if not (by_material or self.work_terms or self.names_reports or self.serial):
            raise Invalid(
                Sentence(
                    "Say what is looked for: a package, a lot with its part_number, a slot, a tool, a "
                    "station, a serial ..."
                )
            )
        if self.serial and (by_material or self.work_terms or self.names_reports):
            raise Invalid(Sentence("A child unit is asked for by its serial alone."))
        if self.recipe_revision and not self.recipe:
            raise Invalid(Sentence("A recipe_revision is one of a recipe. Say of which."))
        if self.since and self.until and self.since > self.until:
            raise Invalid(Sentence("since is later than until."))

    @property
    def names_packages(self) -> bool:
        """Whether a term says which packages are meant."""
        return any(getattr(self, name) for name in _OF_PACKAGES)

    @property
    def of_packages(self) -> "Question":
        """The same of the packages alone."""
        return Question(**{name: getattr(self, name) for name in (*_OF_PACKAGES, "as_of")})

    @property
    def names_part_only(self) -> bool:
        """Whether the part is all that is said of the packages."""
        return self.part_number is not None and sum(bool(getattr(self, name)) for name in _OF_PACKAGES) == 1

    @property
    def names_placements(self) -> bool:
        """Whether a term says where on a machine."""
        return any(getattr(self, name) for name in _OF_PLACEMENTS)

    @property
    def work_terms(self) -> tuple[str, ...]:
        """The terms that say what was done, with what, by whom; a station or a time alone asks for any work."""
        terms = tuple(name for name in _OF_WORK if getattr(self, name))
        by_material = self.names_packages or self.names_placements
        return terms or (("station",) if self.names_reports and not by_material else ())

    @property
    def names_reports(self) -> bool:
        """Whether a term says who reported it when."""
        return any(getattr(self, name) for name in _OF_REPORTS)

    @property
    def told(self) -> list[tuple[str, str]]:
        """The question term by term, each with its word: `[("lot", "A17"), ("part", "0402-100n")]`."""
        return [
            (WORDS[name], f"{value}") for name, value in asdict(self).items() if value is not None and name in WORDS
        ]

    @property
    def words(self) -> str:
        """The question in words: `lot A17 part 0402-100n`."""
        return " ".join(f"{word} {value}" for word, value in self.told)

    @property
    def name(self) -> str:
        """The one name a person would call it by: of `lot A17 part 0402-100n` the lot's."""
        return next((str(value) for name in _NAMES if (value := getattr(self, name))), self.words)

    @property
    def not_known(self) -> NotFound:
        """The error where nothing of that name is known; in the same words where it is not the asking customer's."""
        return NotFound(
            Sentence(
                "No %(asked)s is known here. Check the spelling, or whether a machine or receiving named it yet.",
                asked=self,
            )
        )
