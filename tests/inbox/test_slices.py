"""What is kept beside a unit of a message about several: its own part."""

import json

from sqlalchemy import Engine, text

from app.inbox.record import Recorder
from app.inbox.slices import slices
from tests.inbox.messages import initialized, record, statuses

_KEPT = text(
    """
    SELECT split_part(serial, '-', 2) AS size, sum(length(body::text)) AS letters
    FROM unit_event JOIN unit USING (unit_id) WHERE serial LIKE 'SN-%' GROUP BY 1
    """
)
BODY = json.dumps(
    {
        "PrimaryIdentifier": "P",
        "Units": [{"UnitIdentifier": "A", "PositionNumber": 1}, {"UnitIdentifier": "B", "PositionNumber": 2}],
        "Readings": [{"Value": 1}, {"Value": 2}],
        "WorkOrderIdentifier": {"WorkOrderId": "WO-1"},
    }
)


def test_each_unit_gets_its_own_elements_and_what_is_said_of_all() -> None:
    told = {serial: json.loads(body) for serial, body in slices(BODY, ["P", "A", "B", "C"]).items()}
    assert told["P"] == json.loads(BODY), "the panel is told whole"
    assert told["A"] == json.loads(BODY) | {"Units": [{"UnitIdentifier": "A", "PositionNumber": 1}]}
    assert told["C"] == json.loads(BODY) | {"Units": []}


def test_an_element_without_a_unit_is_about_all() -> None:
    body = json.dumps({"Units": [{"UnitIdentifier": "A"}, {"UnitIdentifier": None, "X": 1}]})
    assert json.loads(slices(body, ["A", "B"])["B"]) == {"Units": [{"UnitIdentifier": None, "X": 1}]}


def test_one_unit_keeps_the_bytes() -> None:
    assert slices(BODY, ["A"]) == {"A": BODY}


def test_a_large_carrier_costs_by_its_units_not_by_their_square(engine: Engine) -> None:
    for size in (100, 400):
        places = [(f"SN-{size}-{number}", number) for number in range(1, size + 1)]
        assert statuses(record(Recorder(engine), initialized(f"P-{size}", *places, order="WO-1"))) == ["stored"]
    with engine.connect() as connection:
        rows = connection.execute(_KEPT).all()
    kept = {row.size: row.letters for row in rows}
    assert kept["400"] < 5 * kept["100"]
