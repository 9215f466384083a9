"""Where a page of a long answer begins, and what was counted of the whole."""

import base64
import binascii
import zlib
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeAlias

import msgspec

from app.errors import Invalid
from app.sentences import Sentence
from app.trace.evidence import Evidence

Key: TypeAlias = tuple[int, int, int]
"""The place of a unit in an answer: in this order, whatever became known since the page before."""
_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_LONGEST: Final = 1_000_000
NOWHERE: Final = "not on a line"


@dataclass(slots=True)
class Counts:
    """Units by evidence, and by place."""

    exact: int = 0
    bounded: int = 0
    inferred: int = 0
    by_place: dict[str, int] = field(default_factory=dict)

    def add(self, evidence: Evidence, place: str | None, units: int = 1) -> None:
        """Count units."""
        match evidence:
            case Evidence.exact:
                self.exact += units
            case Evidence.bounded:
                self.bounded += units
            case Evidence.inferred:
                self.inferred += units
        where = place or NOWHERE
        self.by_place[where] = self.by_place.get(where, 0) + units


@dataclass(frozen=True, slots=True)
class Cursor:
    """A page begins behind the unit with this key. The counts travel with it, so that no page counts again."""

    key: Key
    counts: Counts

    @property
    def written(self) -> str:
        """As text for an address."""
        packed = zlib.compress(msgspec.msgpack.encode((self.key, self.counts)))
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Read what `written` gave. Raises `Invalid`."""
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            told = zlib.decompressobj().decompress(packed, _LONGEST)
            key, counts = msgspec.msgpack.decode(told, type=tuple[tuple[_Number, _Number, _Number], Counts])
        except (binascii.Error, ValueError, zlib.error, msgspec.DecodeError):
            raise Invalid(
                Sentence("This cursor is not one that this query gave. Leave it out to start over.")
            ) from None
        return cls(key, counts)
