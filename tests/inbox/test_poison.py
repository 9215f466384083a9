"""One message that cannot be taken in: it alone goes to quarantine, with bytes and reason, and the others stay."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict, Invalid
from app.inbox.quarantine import FAULT, MALFORMED, REFUSED, quarantined
from app.inbox.record import Delivery, Recorder
from app.inbox.replay import dismiss, replay
from app.units.parts import record_children
from tests.inbox.checks import assert_exact, assert_sound
from tests.inbox.messages import count, entry, installed, message, received, record, started, statuses

INSTALLED = "Production.Assembly.MaterialsInstalled"
UNINSTALLED = "Production.Assembly.MaterialsUninstalled"
INSPECTED = "Production.TestAndInspection.UnitsInspected"
TESTED = "Production.TestAndInspection.UnitsTested"
PASSED = {"UnitIdentifier": "", "OverallResult": "Passed"}


def sound(number: int) -> bytes:
    return installed(entry(f"SN-{number}", f"REEL-{number % 3}", ["R1", "R2"]), transaction=uuid4())


def work(**members: Any) -> bytes:
    return message("Production.WorkStarted", {"TransactionID": str(uuid4()), "PrimaryIdentifier": "SN-1", **members})


# Whom the database refuses: what it says in them is within CFX and outside our columns.
REFUSED_BY_THE_DATABASE = {
    "a number too large for its column": work(Lane=2**31 - 1),
    "a number jsonb cannot hold": message("Production.ReadingsRecorded", b'{"Readings":[],"X":1e9999999}'),
}
MALFORMED_ONES = {
    "nothing": b"",
    "not JSON": b"{",
    "no TransactionID to start": message("Production.WorkStarted", {"PrimaryIdentifier": "SN-1"}),
    "no unit to start": message("Production.WorkStarted", {"TransactionID": str(uuid4())}),
    "no such message": message("Production.Nonsense", {}),
    "nobody says it": message("Heartbeat", {}, source=None),
    "parts of nobody": message(INSTALLED, {"InstalledMaterials": [entry(None, "REEL", ["R1"])]}),
    "child units of nobody": message(
        INSTALLED, {"InstalledMaterials": [entry(None, None, children=[("U1", "CHILD")], slot=None)]}
    ),
    "parts of nobody, told with blanks": message(
        INSTALLED, {"TransactionId": "", "InstalledMaterials": [entry("", "REEL", ["R1"])]}
    ),
    "parts of some": message(
        INSTALLED,
        {"TransactionId": str(uuid4()), "InstalledMaterials": [entry(None, "A", ["R1"]), entry("SN", "B", ["R2"])]},
    ),
    "a transaction that is none": message(INSTALLED, {"TransactionId": "7", "InstalledMaterials": []}),
    "parts out of nobody": message(UNINSTALLED, {"UninstalledMaterials": [{"Material": {"UniqueIdentifier": "REEL"}}]}),
    "a position no panel has": message(UNINSTALLED, {"UninstalledMaterials": [entry("SN", "REEL", position=40_000)]}),
    "an inspection of nobody": message(INSPECTED, {"InspectedUnits": [PASSED]}),
    "a result that is none": message(TESTED, {"TestedUnits": [{"UnitIdentifier": "SN", "OverallResult": "Splendid"}]}),
    "half a split": message(
        "Materials.Management.MaterialsSplit",
        {"SourceMaterialPackageIdentifier": "", "NewMaterialPackageIdentifier": "REEL-9"},
    ),
    "a material without a name": received(("", "PN-1", "LOT")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("poison", "code"),
    [(poison, MALFORMED) for poison in MALFORMED_ONES.values()]
    + [(poison, REFUSED) for poison in REFUSED_BY_THE_DATABASE.values()],
    ids=[*MALFORMED_ONES, *REFUSED_BY_THE_DATABASE],
)
def test_poison_isolates_only_itself(engine: Engine, poison: bytes, code: str) -> None:
    """Wherever it stands in the batch; the others are stored whole, in order, and the recorder works on."""
    recorder = Recorder(engine)
    batch = [sound(number) for number in range(7)]
    batch.insert(4, poison)
    receipts = record(recorder, *batch)
    assert statuses(receipts) == ["stored"] * 4 + ["rejected"] + ["stored"] * 3
    assert receipts[4].reason
    with engine.connect() as connection:
        (row,) = quarantined(connection)
    assert (row.code, row.reason, row.raw) == (code, receipts[4].reason, poison)
    assert_exact(engine, *batch[:4], *batch[5:])
    assert_sound(engine)
    assert statuses(record(recorder, sound(8), poison)) == ["stored", "rejected"]
    with engine.connect() as connection:
        (row,) = quarantined(connection)
    assert row.times == 2


def test_all_of_a_batch_may_be_poison(engine: Engine) -> None:
    batch = [*REFUSED_BY_THE_DATABASE.values(), *MALFORMED_ONES.values()]
    assert set(statuses(record(Recorder(engine), *batch))) == {"rejected"}
    assert count(engine, "quarantine") == len(batch)
    assert count(engine, "event") == count(engine, "unit") == 0


def test_a_list_with_a_rotten_element_keeps_the_others(engine: Engine) -> None:
    payload = b"[" + b",".join([sound(1), b'{"MessageName":"CFX.Heartbeat"}', sound(2), work(Lane=2**31 - 1)]) + b"]"
    assert statuses(record(Recorder(engine), payload)) == ["stored", "rejected", "stored", "rejected"]


# What machines leave blank when they have nothing to say.
BLANKS = {
    "a unit left blank": message(
        INSTALLED, {"TransactionId": str(uuid4()), "InstalledMaterials": [entry("", "REEL", ["R1"])]}
    ),
    "a package left blank": message(INSTALLED, {"InstalledMaterials": [entry("SN", "", ["R1"])]}),
    "a position left blank": message(INSTALLED, {"InstalledMaterials": [entry("SN", "R", UnitPositionNumber="")]}),
    "nothing installed": message(INSTALLED, {"InstalledMaterials": []}),
    "nothing said": message(INSTALLED, {}),
    "no material": message(INSTALLED, {"InstalledMaterials": [{"UnitIdentifier": "SN"}]}),
    "uninstalled from a unit left blank": message(
        UNINSTALLED, {"TransactionId": str(uuid4()), "UninstalledMaterials": [{"UnitIdentifier": ""}]}
    ),
    "an inspected unit left blank": message(
        INSPECTED, {"TransactionId": str(uuid4()), "InspectedUnits": [PASSED]}
    ),
    "a tested unit left blank": message(
        TESTED, {"TransactionId": str(uuid4()), "TestedUnits": [PASSED]}
    ),
    "an order left blank": work(WorkOrderIdentifier={"WorkOrderId": ""}),
    "a recipe left blank": work(RecipeName="", Revision=""),
    "an empty slot": message(
        "Materials.Storage.MaterialsLoaded",
        {"Materials": [{"LocationIdentifier": "", "MaterialPackage": {"UniqueIdentifier": ""}}]},
    ),
    "units without names": message("Production.UnitsArrived", {"PrimaryIdentifier": "", "Units": [PASSED]}),
}  # fmt: skip


@pytest.mark.parametrize("payload", BLANKS.values(), ids=list(BLANKS))
def test_blanks_say_nothing_and_name_nobody(engine: Engine, payload: bytes) -> None:
    assert statuses(record(Recorder(engine), payload)) == ["stored"]
    assert_exact(engine, payload)
    assert_sound(engine)
    for table, column in (
        ("serial", "serial"),
        ("package", "identifier"),
        ("work_order", "number"),
        ("recipe", "name"),
    ):
        assert count(engine, table, f"{column} = ''") == 0, table


def test_a_fault_of_ours_stops_neither_the_line_nor_the_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong with one message, even in our own code: it waits in quarantine for the update."""
    genuine = record_children
    recorder = Recorder(engine)
    culprit = installed(entry("SN-9", None, children=[("U1", "CHILD-9")], slot=None))

    def broken(connection: Any, children: Any) -> None:
        if children:
            raise KeyError("nobody thought of this")
        genuine(connection, children)

    with monkeypatch.context() as patched:
        patched.setattr("app.inbox.apply.record_children", broken)
        assert statuses(record(recorder, sound(1), culprit, sound(2))) == ["stored", "rejected", "stored"]
    with engine.connect() as connection:
        (row,) = quarantined(connection)
    assert row.code == FAULT
    assert "nobody thought of this" in row.reason
    assert replay(engine, recorder, row.quarantine_id, actor="Kim") == "stored"
    assert count(engine, "installed_unit") == 1
    assert_exact(engine, culprit)
    with engine.connect() as connection:
        assert quarantined(connection) == []


def test_what_is_refused_again_stays_and_what_is_dismissed_keeps_its_bytes(engine: Engine) -> None:
    recorder = Recorder(engine)
    record(recorder, b"no json")
    with engine.connect() as connection:
        (row,) = quarantined(connection)
    with pytest.raises(Conflict, match="refused again"):
        replay(engine, recorder, row.quarantine_id, actor="Kim")
    for blank in (" ", "\u200b", " - "):
        with engine.begin() as connection, pytest.raises(Invalid):
            dismiss(connection, row.quarantine_id, reason=blank, actor="Kim")

    def twice(actor: str) -> bool:
        try:
            with engine.begin() as connection:
                dismiss(connection, row.quarantine_id, reason="a test of the cable", actor=actor)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(twice, ["Kim", "Lee", "Max", "Ann"])) == [False, False, False, True]
    assert count(engine, "audit", "deed = 'quarantine.dismissed'") == 1
    with pytest.raises(Conflict, match="a test of the cable"):
        replay(engine, recorder, row.quarantine_id, actor="Kim")
    with engine.connect() as connection:
        assert quarantined(connection) == []
        (row,) = quarantined(connection, resolved=True)
    assert row.raw == b"no json"


def test_a_station_speaks_for_itself_alone_where_its_token_says_so(engine: Engine) -> None:
    recorder = Recorder(engine)
    mine, forged = sound(1), message("Heartbeat", {}, source="Acme.Mounter.2")
    nameless = message("Heartbeat", {"CFXHandle": "x"}, source=None)
    told = [Delivery(one, "Acme.Mounter.1", "Acme.Mounter.1") for one in (mine, forged, nameless)]
    ((first,), (second,), (third,)) = recorder.record(told)
    assert [first.status, second.status, third.status] == ["stored", "rejected", "stored"]
    assert "Acme.Mounter.2" in str(second.reason)
    with engine.connect() as connection:
        assert list(connection.execute(text("SELECT handle FROM station")).scalars()) == ["Acme.Mounter.1"]


def test_many_poisons_among_many_are_found_one_by_one(engine: Engine) -> None:
    """Sixty messages, every seventh refused by the database: no sound one is lost in the halving."""
    batch = [
        work(Lane=2**31 - 1, PrimaryIdentifier=f"BAD-{number}") if number % 7 == 0 else sound(number)
        for number in range(60)
    ]
    receipts = record(Recorder(engine), *batch)
    assert statuses(receipts) == ["rejected" if number % 7 == 0 else "stored" for number in range(60)]
    assert count(engine, "installation") == statuses(receipts).count("stored")
    assert count(engine, "quarantine") == statuses(receipts).count("rejected")
    assert_sound(engine)


def test_waiting_messages_come_out_even_when_the_start_shares_its_batch_with_poison(engine: Engine) -> None:
    transaction = uuid4()
    early = installed(entry(None, "REEL-1", ["R1"]), transaction=transaction)
    recorder = Recorder(engine)
    record(recorder, early)
    assert count(engine, "waiting_event") == 1
    start = started("SN-1", transaction=transaction)
    assert statuses(record(recorder, start, work(Lane=2**31 - 1))) == ["stored", "rejected"]
    assert (count(engine, "waiting_event"), count(engine, "installation")) == (0, 1)
    assert json.loads(early)  # what waited is the message itself
    assert_exact(engine, early)
