"""What the product told a station not to use: the station obeys at once, and after it was started again."""

from pathlib import Path

from app.cfx.envelope import Envelope, decode, encode
from app.cfx.messages import Message
from app.cfx.messages.blocking import BlockMaterialLocationsRequest, UnblockMaterialLocationsRequest
from app.cfx.messages.materials import BlockMaterialsRequest
from app.cfx.messages.production import LockStationRequest, UnlockStationRequest
from app.cfx.messages.structures import MaterialLocation
from stations.faults import Faults
from stations.gate import GateSettings
from stations.line import machines_for
from stations.panels import bare_panel
from stations.station import Station, StationSettings
from tests.stations.test_line import setup

PLACES = [MaterialLocation(location_identifier="F1")]


def begun(data: Path) -> Station:
    machine = next(iter(machines_for(setup(Faults(), boards=1))))
    return Station(machine, "", StationSettings(data=data, broker_url="mqtt://127.0.0.1:1", gate=GateSettings()))


def told(station: Station, *requests: Message) -> list[str]:
    """The names of what the station answers."""
    answers = []
    for one in requests:
        request = decode(encode(one, source="Birthmark.Traceability.1"))[0]
        assert isinstance(request, Envelope)
        assert station.link.on_request is not None
        answers.append(station.link.on_request(request).message_name.rpartition(".")[2])
    return answers


def waits(station: Station) -> str | None:
    admission = station.admit(bare_panel("RUN1", 1, 1, 1))
    assert admission is not None
    return admission.wait


def test_a_station_that_is_started_again_knows_what_it_was_told(tmp_path: Path) -> None:
    station = begun(tmp_path)
    answers = told(
        station,
        LockStationRequest(reason="QualityIssue"),
        BlockMaterialLocationsRequest(locations=PLACES),
        BlockMaterialsRequest(material_package_identifiers=["REEL-1"]),
    )
    assert answers == ["LockStationResponse", "BlockMaterialLocationsResponse", "BlockMaterialsResponse"]
    station.stop()

    station = begun(tmp_path)
    assert waits(station) == "The station is locked."
    assert station.machine.blocked == {"REEL-1"}
    told(station, UnlockStationRequest())
    station.stop()

    station = begun(tmp_path)
    assert waits(station) == "Nothing may be taken from F1."
    told(station, UnblockMaterialLocationsRequest(locations=PLACES))
    station.stop()

    station = begun(tmp_path)
    assert "does not answer" in (waits(station) or "")
    station.stop()
