"""What stations are told to block and lock: once, until they answer, and taken back when it is cleared."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, text

from app.cfx.envelope import Envelope, decode, encode
from app.cfx.messages import Message
from app.cfx.messages.endpoint import NotSupportedResponse
from app.cfx.messages.materials import BlockMaterialsRequest, BlockMaterialsResponse
from app.cfx.messages.structures import RequestResult
from app.interlock.locks import lock_station, unlock_station
from app.interlock.pushes import mark_sent, record_answer, unanswered, write_due
from app.quality.containments import open_containment, release_containment
from app.quality.terms import Terms
from app.setup.state import setup_at
from app.trace.question import Question
from tests.inbox.messages import STATION, message, received, stored

SUCCESS = RequestResult(result="Success", result_code=0)


def loaded(engine: Engine) -> None:
    """REEL-1 of LOT-7 sits in a slot."""
    stored(
        engine,
        received(("REEL-1", "RES-10K", "LOT-7")),
        message("Materials.Storage.MaterialsLoaded", {"Materials": [
            {"LocationIdentifier": "F1", "MaterialPackage": {"UniqueIdentifier": "REEL-1"}}]}, when=4),
    )  # fmt: skip


def contain(engine: Engine) -> str:
    with engine.begin() as connection:
        question = Question(lot="LOT-7", part_number="RES-10K")
        return open_containment(connection, Terms(question), reason="cracked", actor="person:quinn").number


def due(connection: Connection) -> list[Envelope]:
    """Sweep, and what is to be sent now; it is noted as sent."""
    write_due(connection)
    asked = unanswered(connection)
    mark_sent(connection, asked)
    return [one for request in asked for one in decode(request.payload) if isinstance(one, Envelope)]


def reply(connection: Connection, request: Envelope, response: Message) -> None:
    payload = encode(response, source=STATION, request_id=request.request_id)
    answer = decode(payload)[0]
    assert isinstance(answer, Envelope)
    record_answer(connection, STATION, answer)


def rows(connection: Connection) -> list[Any]:
    question = "SELECT message_name, about, outcome, withdrawn_at IS NULL FROM station_request ORDER BY requested_at"
    return [tuple(row) for row in connection.execute(text(question))]


def names(requests: list[Envelope]) -> list[str]:
    return [request.message_name.rpartition(".")[2] for request in requests]


def test_a_contained_reel_is_blocked_where_it_sits_and_unblocked_when_it_is_released(engine: Engine) -> None:
    loaded(engine)
    with engine.begin() as connection:
        assert due(connection) == []
    number = contain(engine)
    with engine.begin() as connection:
        (request,) = due(connection)
        assert request.message_name == BlockMaterialsRequest.cfx_name
        assert b"REEL-1" in bytes(request.body)
        assert request.target == STATION
        assert due(connection) == [], "asked once; the next time ten seconds later"
        reply(connection, request, BlockMaterialsResponse(result=SUCCESS))
        assert rows(connection) == [(BlockMaterialsRequest.cfx_name, "REEL-1", "Success", True)]
    with engine.begin() as connection:
        release_containment(connection, number, reason="measured: sound", actor="person:quinn")
    with engine.begin() as connection:
        assert names(due(connection)) == ["UnblockMaterialsRequest"]


def test_a_contained_reel_that_waits_behind_a_splice_stops_the_slot_and_is_blocked(engine: Engine) -> None:
    loaded(engine)
    reels = [{"UniqueIdentifier": name, "InternalPartNumber": "RES-10K"} for name in ("REEL-1", "REEL-2")]
    stored(
        engine,
        received(("REEL-2", "RES-10K", "LOT-8"), when=5),
        message("Materials.Management.MaterialsJoined", {
            "LeadingMaterialPackage": reels[0], "TrailingMaterialPackage": reels[1]}, when=6),
    )  # fmt: skip
    with engine.begin() as connection:
        question = Question(lot="LOT-8", part_number="RES-10K")
        open_containment(connection, Terms(question), reason="cracked", actor="person:quinn")
    with engine.begin() as connection:
        station_id = connection.execute(
            text("SELECT station_id FROM station WHERE handle = :h"), {"h": STATION}
        ).scalar_one()
        setup = setup_at(connection, station_id, product_revision_id=None, at=datetime.now(UTC))
        assert [reason.code for reason in setup.reasons] == ["package_held"]
        (request,) = due(connection)
        assert request.message_name == BlockMaterialsRequest.cfx_name
        assert b"REEL-2" in bytes(request.body)


def test_what_was_not_answered_is_sent_again(engine: Engine) -> None:
    loaded(engine)
    contain(engine)
    with engine.begin() as connection:
        assert len(due(connection)) == 1
        connection.execute(text("UPDATE station_request SET sent_at = now() - interval '11 seconds'"))
        assert len(due(connection)) == 1


def test_a_station_that_stood_still_over_a_weekend_is_told_all_the_same(engine: Engine) -> None:
    loaded(engine)
    contain(engine)
    with engine.begin() as connection:
        assert len(due(connection)) == 1
        moved = "UPDATE station_request SET requested_at = now() - interval '3 days', sent_at = now() - interval '{}'"
        connection.execute(text(moved.format("1 minute")))
        assert due(connection) == [], "it is not asked as often any more"
        connection.execute(text(moved.format("11 minutes")))
        assert len(due(connection)) == 1


def test_a_station_that_could_not_obey_is_asked_again(engine: Engine) -> None:
    loaded(engine)
    contain(engine)
    busy = RequestResult(result="Failed", result_code=3, message="The feeder is moving.")
    with engine.begin() as connection:
        (request,) = due(connection)
        reply(connection, request, BlockMaterialsResponse(result=busy))
        assert due(connection) == []
        connection.execute(text("UPDATE station_request SET sent_at = now() - interval '11 minutes'"))
        (again,) = due(connection)
        reply(connection, again, BlockMaterialsResponse(result=SUCCESS))
        assert rows(connection) == [(BlockMaterialsRequest.cfx_name, "REEL-1", "Success", True)]


def test_what_was_sent_is_taken_back_though_no_answer_has_come(engine: Engine) -> None:
    loaded(engine)
    number = contain(engine)
    with engine.begin() as connection:
        (request,) = due(connection)
    with engine.begin() as connection:
        release_containment(connection, number, reason="measured: sound", actor="person:quinn")
    with engine.begin() as connection:
        assert names(due(connection)) == ["UnblockMaterialsRequest"]
        reply(connection, request, BlockMaterialsResponse(result=SUCCESS))
        assert due(connection) == []


def test_a_station_that_does_not_understand_is_left_alone(engine: Engine) -> None:
    loaded(engine)
    contain(engine)
    with engine.begin() as connection:
        (request,) = due(connection)
        reply(connection, request, NotSupportedResponse(request_result=RequestResult(result="Failed", result_code=1)))
    stored(
        engine,
        received(("REEL-2", "RES-10K", "LOT-7"), when=6),
        message("Materials.Storage.MaterialsLoaded", {"Materials": [
            {"LocationIdentifier": "F2", "MaterialPackage": {"UniqueIdentifier": "REEL-2"}}]}, when=7),
    )  # fmt: skip
    with engine.begin() as connection:
        assert due(connection) == []
        assert rows(connection) == [(BlockMaterialsRequest.cfx_name, "REEL-1", "not_supported", True)]


def test_a_lock_is_told_and_taken_back(engine: Engine) -> None:
    loaded(engine)
    with engine.begin() as connection:
        lock_station(connection, station=STATION, reason="smoke", actor="person:lena")
        write_due(connection)
        unlock_station(connection, station=STATION, reason="steam", actor="person:lena")
        assert due(connection) == [], "it never heard of the lock"
        lock_station(connection, station=STATION, reason="smoke", actor="person:lena")
        assert names(due(connection)) == ["LockStationRequest"]
        unlock_station(connection, station=STATION, reason="steam", actor="person:lena")
        assert names(due(connection)) == ["UnlockStationRequest"]


def test_an_answer_to_nothing_or_of_another_station_changes_nothing(engine: Engine) -> None:
    loaded(engine)
    contain(engine)
    with engine.begin() as connection:
        (request,) = due(connection)
        payload = encode(
            BlockMaterialsResponse(result=SUCCESS), source="Other.Machine.1", request_id=request.request_id
        )
        other = decode(payload)[0]
        stray = decode(encode(BlockMaterialsResponse(result=SUCCESS), source=STATION, request_id=str(uuid4())))[0]
        assert isinstance(other, Envelope)
        assert isinstance(stray, Envelope)
        record_answer(connection, "Other.Machine.1", other)
        record_answer(connection, STATION, stray)
        assert rows(connection) == [(BlockMaterialsRequest.cfx_name, "REEL-1", None, True)]
