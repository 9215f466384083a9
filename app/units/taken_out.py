"""A board is seen to be out of its panel or carrier.

No machine tells when a carrier is emptied: it goes round with other boards, or with fewer, and what a former board is
held for would stop it. The board itself stays held. Who was mistaken says so (`withdraw_taken_out`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.errors import NotFound
from app.people import record_audit
from app.reasons import reason_given
from app.sentences import Sentence
from app.units.families import boards_in
from app.units.locks import lock_units


@dataclass(frozen=True, slots=True)
class WasIn:
    """The panel and the position that a board was in last, as far as was told."""

    serial: str
    panel: str
    position_number: int


@dataclass(frozen=True, slots=True)
class SeenOut:
    """Somebody saw a board outside the panel it was in last, and nothing was told of it there since."""

    serial: str
    panel: str
    taken_at: datetime
    taken_by: str
    reason: str


_FOUND = text("SELECT unit_id FROM serial WHERE serial = ANY (CAST(:serials AS text[]))")
_IN = text(
    f"""
    -- In which panels are these boards, as far as was told?
    SELECT DISTINCT unit.unit_id, unit.serial, panel.serial AS panel, board.position_number
    FROM unit
    JOIN panel_position AS told ON told.unit_id = unit.unit_id
    JOIN unit AS panel ON panel.unit_id = told.panel_id
    CROSS JOIN LATERAL ({boards_in("told.panel_id", "told.position_number")}) AS board
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[])) AND board.unit_id = unit.unit_id
    ORDER BY serial, panel, position_number
    """
)
_TAKE_OUT = text(
    """
    INSERT INTO taken_out (unit_id, taken_by, reason)
    SELECT unit_id, :actor, :reason FROM unnest(CAST(:units AS bigint[])) AS given (unit_id)
    """
)
_SEEN_OUT = text(
    """
    -- Which of these boards were seen outside the panel they were in last, and nothing was told of them since?
    SELECT unit.unit_id, unit.serial, panel.serial AS panel, seen.taken_at, seen.taken_by, seen.reason
    FROM unit
    CROSS JOIN LATERAL (
        SELECT * FROM panel_position AS told WHERE told.unit_id = unit.unit_id ORDER BY told.received_at DESC LIMIT 1
    ) AS last
    JOIN unit AS panel ON panel.unit_id = last.panel_id
    JOIN taken_out AS seen ON seen.unit_id = unit.unit_id AND seen.taken_at >= last.received_at
        AND seen.withdrawn_at IS NULL
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[]))
    ORDER BY serial, taken_at
    """
)
_WITHDRAW = text(
    """
    UPDATE taken_out SET withdrawn_at = clock_timestamp(), withdrawn_by = :actor, withdrawn_because = :reason
    WHERE unit_id = ANY (CAST(:units AS bigint[])) AND withdrawn_at IS NULL AND EXISTS (
        SELECT FROM panel_position AS told WHERE told.unit_id = taken_out.unit_id
        HAVING max(told.received_at) <= taken_out.taken_at
    )
    """
)


def sits_in(connection: Connection, serials: Sequence[str]) -> list[WasIn]:
    """Where these boards are in a panel or carrier now, as far as was told; one that is in none is left out."""
    named = connection.execute(_FOUND, {"serials": list(serials)}).scalars().all()
    rows = connection.execute(_IN, {"units": named}) if named else ()
    return [WasIn(row.serial, row.panel, row.position_number) for row in rows]


def take_out(connection: Connection, serials: Sequence[str], *, reason: str, actor: str) -> list[WasIn]:
    """Keep that somebody saw these boards outside their panels; returns where each was.

    Until a machine says otherwise, the panels go on without them. Raises `NotFound` where one is in no panel, `Invalid`
    without a reason.
    """
    reason = reason_given(reason)
    named = connection.execute(_FOUND, {"serials": list(serials)}).scalars().all()
    lock_units(connection, named)
    rows = connection.execute(_IN, {"units": named}).all()
    inside = {row.serial for row in rows}
    for serial in serials:
        if serial not in inside:
            raise NotFound(
                Sentence(
                    "%(unit)s is in no panel or carrier, as far as is known here. Nothing was changed.", unit=serial
                )
            )
    units = sorted({row.unit_id for row in rows})
    connection.execute(_TAKE_OUT, {"units": units, "actor": actor, "reason": reason})
    for row in rows:
        record_audit(
            connection, actor=actor, deed="unit.taken_out", subject=f"unit:{row.serial}", reason=reason,
            panel=row.panel, position_number=row.position_number,
        )  # fmt: skip
    return [WasIn(row.serial, row.panel, row.position_number) for row in rows]


def seen_out(connection: Connection, serials: Sequence[str]) -> list[SeenOut]:
    """Which of these boards were seen outside, oldest first; told of in a panel since, a board is not one of them."""
    named = connection.execute(_FOUND, {"serials": list(serials)}).scalars().all()
    rows = connection.execute(_SEEN_OUT, {"units": named}) if named else ()
    return [SeenOut(*row[1:]) for row in rows]


def withdraw_taken_out(connection: Connection, serials: Sequence[str], *, reason: str, actor: str) -> list[SeenOut]:
    """It was a mistake that these boards were seen outside: they are in their panels, and were all the time.

    What was known meanwhile stays known as of then. Returns what was withdrawn. Raises `NotFound` where a board was not
    seen outside, or was told of in a panel since, `Invalid` without a reason.
    """
    reason = reason_given(reason)
    named = connection.execute(_FOUND, {"serials": list(serials)}).scalars().all()
    lock_units(connection, named)
    rows = connection.execute(_SEEN_OUT, {"units": named}).all()
    outside = {row.serial for row in rows}
    for serial in serials:
        if serial not in outside:
            raise NotFound(
                Sentence(
                    "Nothing says that %(unit)s was seen outside the panel or carrier it was in last. "
                    "Nothing was changed.",
                    unit=serial,
                )
            )
    connection.execute(_WITHDRAW, {"units": sorted({row.unit_id for row in rows}), "actor": actor, "reason": reason})
    for row in rows:
        record_audit(
            connection, actor=actor, deed="unit.taken_out_withdrawn", subject=f"unit:{row.serial}", reason=reason,
            panel=row.panel,
        )  # fmt: skip
    return [SeenOut(*row[1:]) for row in rows]
