"""How often each nozzle placed something, read out of material sets: once for each set, however many boards have it."""

from collections.abc import Collection, Mapping, MutableMapping
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy import Connection, text

Picks: TypeAlias = Mapping[str, int]

NONE: Picks = MappingProxyType({})
_PICKS = text(
    """
    -- What did each nozzle place of these sets?
    SELECT set_id, picked.nozzle, sum(picked.picks) AS picks
    FROM material_set
    CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
    JOIN material_chunk USING (chunk_id)
    CROSS JOIN LATERAL unnest(placement_ids) AS part (placement_id)
    JOIN placement USING (placement_id)
    CROSS JOIN LATERAL unnest(nozzles, nozzle_picks) AS picked (nozzle, picks)
    WHERE set_id = ANY (CAST(:sets AS integer[]))
    GROUP BY set_id, picked.nozzle
    ORDER BY set_id, picked.nozzle
    """
)


def learn_picks(connection: Connection, set_ids: Collection[int], known: MutableMapping[int, Picks]) -> None:
    """Add the picks of these sets to `known`; most sets of most machines name no nozzle."""
    missing = sorted({set_id for set_id in set_ids if set_id not in known})
    if not missing:
        return
    found: dict[int, dict[str, int]] = {}
    for set_id, nozzle, picks in connection.execute(_PICKS, {"sets": missing}):
        found.setdefault(set_id, {})[nozzle] = int(picks)
    known.update({set_id: found.get(set_id, NONE) for set_id in missing})
