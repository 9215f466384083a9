"""Bodies of inspections and tests come back to the byte, though what was measured is stored once."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app.cfx.columns import cut, joined
from app.cfx.numerals import style_of, write_numbers
from app.inbox.record import Recorder
from app.quality.layout import LONG
from tests.inbox.checks import assert_exact, assert_sound
from tests.inbox.messages import message, record, statuses

PADS = 200
Json = dict[str, Any]
Spelled = Callable[[Json], bytes]


def deposits(board: int, pads: int = PADS, **more: Callable[[int], Any]) -> list[Json]:
    numbers = np.random.default_rng(board)
    volumes = np.round(numbers.normal(1.8e-05, 1.2e-06, pads), 8).tolist()
    offsets = np.round(numbers.normal(0, 0.01, pads), 4).tolist()
    return [
        {
            "$type": "CFX.Structures.SolderPasteInspection.SolderPasteMeasurement, CFX",
            "DX": offsets[pad],
            "Vol": volumes[pad],
            "EVol": 1.8e-05,
            "UniqueIdentifier": str(UUID(int=board << 64 | pad)),
            "MeasurementName": f"R{pad}.1",
            "Result": "Passed",
            "CRDs": f"R{pad}.1",
            **{name: value(pad) for name, value in more.items()},
        }
        for pad in range(pads)
    ]


def inspected(board: int, measurements: list[Json], **members: Any) -> Json:
    step = {"InspectionName": "SPI", "Result": "Passed", "Measurements": measurements}
    unit = {"UnitIdentifier": f"SN{board}", "OverallResult": "Passed", "Inspections": [step]} | members
    return {"TransactionId": str(uuid4()), "InspectionMethod": "SPI", "InspectedUnits": [unit]}


def compact(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def spaced(body: Json) -> bytes:
    return json.dumps(body).encode()


def dotnet(body: Json) -> bytes:
    return compact(body).replace(b"e-0", b"E-0")


def javascript(body: Json) -> bytes:
    return compact(body).replace(b"-0.0,", b"0,").replace(b"0.0,", b"0,")


def envelope(spelled: Spelled, body: Json) -> bytes:
    return message("Production.TestAndInspection.UnitsInspected", spelled(body))


def stored_sizes(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT length(body) FROM event ORDER BY event_id")).scalars())


@pytest.mark.parametrize("spelled", [compact, spaced, dotnet, javascript])
def test_a_list_of_deposits_is_stored_once(engine: Engine, spelled: Spelled) -> None:
    payloads = [envelope(spelled, inspected(board, deposits(board))) for board in range(3)]

    assert set(statuses(record(Recorder(engine), *payloads))) == {"stored"}

    assert_exact(engine, *payloads)
    assert_sound(engine)
    identifiers = 16 * PADS
    assert max(stored_sizes(engine)) < identifiers + 600
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM body_template")).scalar_one() == 1
    assert set(statuses(record(Recorder(engine), *payloads))) == {"duplicate"}


def test_long_columns_come_back_too_and_are_stored_once(engine: Engine) -> None:
    payloads = [envelope(compact, inspected(board, deposits(board, pads=LONG))) for board in range(3)]
    recorder = Recorder(engine)

    assert set(statuses(record(recorder, *payloads, payloads[1]))) == {"stored", "duplicate"}
    assert set(statuses(record(recorder, *payloads))) == {"duplicate"}

    assert_exact(engine, *payloads)
    with engine.connect() as connection:
        columns = connection.execute(text("SELECT number, count(*) FROM measurement_column GROUP BY 1 ORDER BY 1"))
        assert [tuple(row) for row in columns] == [(1, 3), (2, 3)]


def test_whatever_varies_comes_back(engine: Engine) -> None:
    """Results of single deposits, times, identifiers that are no GUIDs, numbers in odd spellings, a panel."""
    failed = inspected(1, deposits(1, Result=lambda pad: "Failed" if pad % 7 == 0 else "Passed"))
    timed = inspected(2, deposits(2, TimeRecorded=lambda pad: f"2026-11-20T06:00:{pad % 60:02}.1230000+01:00"))
    named = inspected(3, deposits(3, UniqueIdentifier=lambda pad: f"{pad:032X}"))
    quoted = inspected(4, deposits(4, Vol=lambda pad: f"{pad / 100:.3f}"))
    board_of_a_panel = inspected(5, deposits(5))["InspectedUnits"][0] | {"UnitPositionNumber": 2}
    two = inspected(5, deposits(6), UnitPositionNumber=1)
    two["InspectedUnits"].append(board_of_a_panel)
    panel = {
        "UnitIdentifier": "SN7",
        "OverallResult": "Passed",
        "Inspections": [{"InspectionName": "all", "Measurements": deposits(7)}],
    }
    with_panel = inspected(7, deposits(8), UnitPositionNumber=1) | {"InspectedPanel": panel}
    bodies = [failed, timed, named, quoted, two, with_panel]
    fixed = compact(inspected(9, deposits(9, Vol=lambda _: 0.125))).replace(b"0.125", b"0.1250")
    payloads = [envelope(compact, body) for body in bodies]
    payloads.append(message("Production.TestAndInspection.UnitsInspected", fixed))

    assert set(statuses(record(Recorder(engine), *payloads))) == {"stored"}

    assert_exact(engine, *payloads)
    assert_sound(engine)


def test_a_test_with_limits_is_cut_like_an_inspection(engine: Engine) -> None:
    def tested(board: int) -> bytes:
        measured = [
            {
                "$type": "CFX.Structures.NumericMeasurement, CFX",
                "MeasurementName": f"R{number}",
                "MeasuredValue": {"Value": 28300.0 + board + number / 8, "ValueUnits": "Ohm", "ExpectedValue": 28.2},
                "Result": "Passed",
            }
            for number in range(PADS)
        ]
        step = {"TestName": "R", "Result": "Passed", "Measurements": measured}
        unit = {"UnitIdentifier": f"SN{board}", "OverallResult": "Passed", "Tests": [step]}
        body = {"TransactionId": str(uuid4()), "TestMethod": "ICT", "TestedUnits": [unit]}
        return message("Production.TestAndInspection.UnitsTested", compact(body))

    payloads = [tested(board) for board in range(2)]
    record(Recorder(engine), *payloads)

    assert_exact(engine, *payloads)
    assert max(stored_sizes(engine)) < 600


def test_what_is_irregular_or_told_by_its_transaction_is_stored_whole(engine: Engine) -> None:
    gap = deposits(1)
    del gap[17]["DX"]
    missing = deposits(2, DX=lambda pad: None if pad == 3 else 0.5)
    nameless = inspected(3, deposits(3))
    del nameless["InspectedUnits"][0]["UnitIdentifier"]
    pretty = message(
        "Production.TestAndInspection.UnitsInspected", json.dumps(inspected(4, deposits(4)), indent=1).encode()
    )
    payloads = [envelope(compact, inspected(1, gap)), envelope(compact, inspected(2, missing)), pretty]
    payloads.append(envelope(compact, nameless))
    started = {
        "TransactionID": nameless["TransactionId"],
        "PrimaryIdentifier": "SN3",
        "Units": [{"UnitIdentifier": "SN3"}],
    }

    assert set(statuses(record(Recorder(engine), *payloads))) == {"stored"}
    record(Recorder(engine), message("Production.WorkStarted", started))

    assert_exact(engine, *payloads)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM measurement")).scalar_one() == 4


numerals = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(lambda digits, scale: digits / 10**scale, st.integers(-(10**6), 10**6), st.integers(0, 8)),
)


@given(st.lists(numerals, min_size=1), st.sampled_from(["json", "dotnet", "%.4f", "mixed"]))
def test_a_style_is_only_told_where_it_gives_the_very_text(values: list[float], spelling: str) -> None:
    texts = {
        "json": [repr(value) for value in values],
        "dotnet": [repr(value).upper() for value in values],
        "%.4f": [f"{value:.4f}" for value in values],
        "mixed": [repr(value) if at % 2 else f"{value:e}" for at, value in enumerate(values)],
    }
    written = ",".join(texts[spelling]).encode()
    read = [float(one) for one in written.split(b",")]

    style = style_of(written, read)

    if style is not None:
        assert write_numbers(read, style) == written
    assert style is not None or spelling != "json" or any("e" in one for one in texts["json"])


members = st.fixed_dictionaries(
    {"A": st.text(max_size=3), "B": st.one_of(st.none(), st.integers(), st.text(alphabet=', "}]{', max_size=4))}
)


@given(st.lists(members, min_size=8, max_size=12), st.booleans(), st.sampled_from([(), ("A",), ("B",), ("A", "B")]))
def test_a_list_that_is_cut_is_joined_to_the_same_text(
    ones: list[Json], blanks: bool, varying: tuple[str, ...]
) -> None:
    written = json.dumps(ones, ensure_ascii=False, separators=(", ", ": ") if blanks else (",", ":")).encode()

    table = cut(written, varying)

    if table is not None:
        assert joined(table.template, [hole.text for hole in table.holes]) == written
