"""A setup list that counts no longer."""

from datetime import datetime

from sqlalchemy import Connection, delete

from app.errors import Conflict
from app.lines.tools import station_id_of
from app.people import record_audit
from app.sentences import Sentence
from app.setup.current import building_at
from app.setup.lists import setup_list
from app.setup.models import RequiredSetup
from app.setup.requirements import choose_setup


def withdraw_setup(connection: Connection, setup_id: int, *, at: datetime, actor: str) -> None:
    """Take a setup list back: nobody says any more what the station must hold for that product.

    Raises `NotFound`; `Conflict` where the station builds by it at the moment.
    """
    setup, slots = setup_list(connection, setup_id)
    station_id = station_id_of(connection, setup.station)
    now = building_at(connection, station_id, at=at)
    if now is not None and now.product_revision_id == setup.product_revision_id:
        chosen = choose_setup(connection, station_id, setup.product_revision_id, now.side)
        if chosen is not None and chosen.setup_id == setup_id:
            raise Conflict(
                Sentence(
                    "%(station)s builds by this list now. Change it over to another product first, or change the list.",
                    station=setup.station_name or setup.station,
                )
            )
    connection.execute(delete(RequiredSetup).where(RequiredSetup.setup_id == setup_id))
    record_audit(
        connection, actor=actor, deed="setup.withdrawn", subject=f"station:{setup.station}",
        product_revision_id=setup.product_revision_id, side=setup.side,
        slots={slot.slot: slot.part_number for slot in slots},
    )  # fmt: skip
