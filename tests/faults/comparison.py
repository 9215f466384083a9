"""What the stations confirmed to their machines against what is stored: event by event, byte by byte."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import Engine, text

from app.cfx.envelope import encode
from app.cfx.messages.other import OtherMessage
from app.inbox.bodies import unpack_body
from app.inbox.record import Delivery, Recorder
from stations.spool import Journal
from tests.inbox.canonical import dump

# A sign of life is worth nothing later: it is sent once, never spooled, and confirmed to nobody.
_NOT_CONFIRMED = "CFX.Heartbeat"

_STORED = text(
    """
    SELECT handle, unique_id, message_name, recorded_at, body
    FROM event JOIN station USING (station_id)
    ORDER BY event_id
    """
)
_REPEATED = text(
    """
    -- How many deliveries told nothing new?
    SELECT coalesce(sum(CAST(details ->> 'received' AS integer) - CAST(details ->> 'stored' AS integer)), 0)
    FROM audit WHERE deed = 'events.recorded'
    """
)


@dataclass
class Comparison:
    """Events are (station, unique_id). `repeated` counts deliveries of events that were stored already."""

    confirmed: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)
    duplicated: list[tuple[str, str]] = field(default_factory=list)
    never_confirmed: list[tuple[str, str]] = field(default_factory=list)
    altered: list[tuple[str, str]] = field(default_factory=list)
    repeated: int = 0

    @property
    def wrong(self) -> dict[str, list[tuple[str, str]]]:
        """The first few of each kind of what must not be."""
        kinds = ("lost", "duplicated", "never_confirmed", "altered")
        return {kind: getattr(self, kind)[:5] for kind in kinds if getattr(self, kind)}

    def __str__(self) -> str:
        return (
            f"{self.confirmed} events confirmed, {len(self.lost)} lost, {len(self.duplicated)} duplicated, "
            f"{len(self.never_confirmed)} never confirmed, {len(self.altered)} altered, "
            f"{self.repeated} deliveries repeated"
        )


def compare(engine: Engine, journals: Path) -> Comparison:
    """Compare the journals of a folder, ``HANDLE.journal``, with the events of a database."""
    confirmed = {
        (path.stem, unique_id): digest
        for path in journals.glob("*.journal")
        for unique_id, digest, _ in Journal.read(path)
    }
    stored: Counter[tuple[str, str]] = Counter()
    found = Comparison(len(confirmed))
    for handle, unique_id, envelope in stored_envelopes(engine):
        key = handle, unique_id
        stored[key] += 1
        if key in confirmed:
            if sha256(envelope).hexdigest() != confirmed[key]:
                found.altered.append(key)
        elif msgspec.json.decode(envelope)["MessageName"] != _NOT_CONFIRMED:
            found.never_confirmed.append(key)
    found.lost = sorted(confirmed.keys() - stored.keys())
    found.duplicated = sorted(key for key, times in stored.items() if times > 1)
    with engine.connect() as connection:
        found.repeated = connection.execute(_REPEATED).scalar_one()
    return found


def stored_envelopes(engine: Engine) -> Iterator[tuple[str, str, bytes]]:
    """(station, unique_id, envelope) of every event, the envelope put together again from what is stored."""
    with engine.connect() as connection:
        for row in connection.execute(_STORED).all():
            message = OtherMessage(other_name=row.message_name, raw=msgspec.Raw(unpack_body(connection, row.body)))
            envelope = encode(message, source=row.handle, unique_id=row.unique_id, time_stamp=row.recorded_at)
            yield row.handle, str(row.unique_id), envelope


def different_tables(disturbed: Engine, undisturbed: Engine) -> dict[str, tuple[int, int]]:
    """Tables in which the facts differ from those of the same messages taken in once, in peace; rows here and there.

    A fact recorded twice, half or not at all shows here, in whatever table it is.
    """
    envelopes = (Delivery(envelope, handle) for handle, _, envelope in stored_envelopes(disturbed))
    recorder = Recorder(undisturbed)
    while batch := list(islice(envelopes, 200)):
        for receipts in recorder.record(batch):
            assert [receipt.status for receipt in receipts] == ["stored"], receipts
    with disturbed.connect() as here, undisturbed.connect() as there:
        one, other = dump(here), dump(there)
    return {table: (len(one[table]), len(other[table])) for table in one if one[table] != other[table]}
