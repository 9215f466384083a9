"""CFX questions to the gate, answered: units, a station's setup, an operator, what a station should hold.

Source: IPC-2591 (CFX) ValidateUnits, ValidateStationSetup, GetRequiredSetup, ValidateOperator.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from app.cfx.gate import ABOUT_THE_STATION, ASK_AGAIN
from app.cfx.messages import Message
from app.cfx.messages.information_system import (
    ValidateOperatorRequest,
    ValidateOperatorResponse,
    ValidateUnitsRequest,
    ValidateUnitsResponse,
    ValidationResult,
)
from app.cfx.messages.production import GetRequiredSetupRequest, GetRequiredSetupResponse
from app.cfx.messages.storage import ValidateStationSetupRequest, ValidateStationSetupResponse
from app.cfx.messages.structures import RequestResult, UnitPosition
from app.interlock.facts import EVERYTHING, Topic
from app.interlock.gate import ask
from app.interlock.gathering import Asked, Told
from app.interlock.station_setup import setup_reasons, wanted_setup
from app.interlock.verdicts import Ground, Verdict, holding_back
from app.reasons import Reason

_TOPICS: Final[dict[str, frozenset[Topic]]] = {
    "UnitRouteValidation": frozenset({Topic.route}),
    "UnitStatusValidation": frozenset({Topic.status}),
    "UnitAndSubsStatusValidation": frozenset({Topic.status, Topic.sub_assemblies}),
    "UnitTraceValidation": frozenset({Topic.trace}),
    "All": EVERYTHING,
}

# The numbers machines show: 1xx the unit, 2xx what is in it and its trace, 3xx the station. They may grow; what stands
# here does not change.
_OF_UNITS: Final = [
    "unknown_unit",
    "skipped",
    "out_of_order",
    "repeated",
    "retest_limit",
    "wrong_product_revision",
    "not_retested",
    "no_verdict",
    "failed",
    "scrapped",
    "shipped",
    "on_hold",
    "already_started",
    "provisional",
    "unknown_position",
    "built_in",
]
_OF_TRACE: Final = [
    "sub_assembly_on_hold",
    "sub_assembly_scrapped",
    "sub_assembly_failed",
    "not_arrived",
    "incomplete",
    "sub_assembly_provisional",
]
_OF_STATIONS: Final = [
    "station_locked",
    "recipe_unknown",
    "wrong_recipe",
    "no_operator",
    "not_qualified",
    "qualification_over",
    "calibration_over",
    "calibration_due",
    "tool_worn_out",
    "cleaning_due",
    "tool_retired",
    "slot_empty",
    "wrong_part",
    "wrong_revision",
    "unapproved_alternate",
    "package_held",
    "package_unknown",
    "not_verified",
    "two_machines",
    "location_blocked",
    "floor_life_over",
    "humidity_card_wet",
    "bake_before_use",
    "shelf_life_over",
    "not_thawed",
    "thawed_too_long",
    "open_too_long",
    "retired",
    "tool_missing",
    "side_unknown",
]
FAILURE_CODES: Final[dict[str, int]] = {
    code: number
    for start, codes in ((101, _OF_UNITS), (201, _OF_TRACE), (ABOUT_THE_STATION + 1, _OF_STATIONS))
    for number, code in enumerate(codes, start=start)
}
_OTHER: Final = 100
_LAST_POSITION: Final = 2**15 - 1
"""The highest position a panel can have in the record."""
MOST_UNITS: Final = 500
"""The most units of one `ValidateUnitsRequest`: several times any panel or magazine, and answered in time."""
_TOO_MANY: Final = 5
"""`ResultCode` of a request that names more."""

Answerer = Callable[[Connection, Any, str], Message]


def validate_units(
    connection: Connection, asked: ValidateUnitsRequest, station: str, *, settling: bool = False
) -> Message:
    """A result for each unit; `FailureCode` is the number of the first reason that does not clear by itself, if there
    is such a one, else of the first; `Message` is all of them in words.

    `PrimaryResult` is passed only where every unit is. `ResultCode` 1: asking again makes sense. `settling`: see
    `app.interlock.facts.Facts`.
    """
    entries = asked.units or [UnitPosition()]
    if len(entries) > MOST_UNITS:
        reason = f"The request names {len(entries)} units; {MOST_UNITS} are judged at once. Ask for fewer at a time."
        result = RequestResult(result="Failed", result_code=_TOO_MANY, message=reason)
        return _not_judged(result, asked.primary_identifier)
    # What we do not know to ask for less is asked for whole.
    topics = frozenset[Topic]().union(*(_TOPICS.get(name, EVERYTHING) for name in asked.validations or ["All"]))
    named = [_named(entry, asked.primary_identifier) for entry in entries]
    judged = [unit for unit in named if isinstance(unit, Asked)]
    verdicts = ask(
        connection, station=station, units=list(dict.fromkeys(judged)), topics=topics, actor=f"station:{station}",
        settling=settling,
    )  # fmt: skip
    told: dict[Asked, list[Verdict]] = {}
    for verdict in verdicts:
        told.setdefault(Asked(verdict.identifier, verdict.asked_position), []).append(verdict)
    results: list[ValidationResult] = []
    for unit in named:
        results += [_result(verdict) for verdict in told[unit]] if isinstance(unit, Asked) else [unit]
    # A scrapped board of a panel asked about as a whole fails, and its panel goes on with it crossed out.
    unnamed = [unit for unit in named if not isinstance(unit, Asked)]
    refused = sorted(holding_back(verdicts), key=lambda verdict: verdict.passing)
    against = next(iter([*unnamed, *map(_result, refused)]), None)
    again = bool(refused) and not unnamed and all(verdict.passing for verdict in refused)
    return ValidateUnitsResponse(
        result=RequestResult(
            result="Success",
            result_code=ASK_AGAIN if again else 0,
            message="What is missing may still arrive: ask again." if again else None,
        ),
        primary_result=ValidationResult(
            unique_identifier=asked.primary_identifier or results[0].unique_identifier,
            position_number=0,
            result="Failed" if against else "Passed",
            failure_code=against.failure_code if against else 0,
            message=against.message if against else "OK",
        ),
        validation_results=results,
    )


def _named(entry: UnitPosition, primary: str | None) -> Asked | ValidationResult:
    """The unit that an entry names, by itself or by the request's primary identifier; else why it cannot be judged."""
    identifier = entry.unit_identifier or primary
    if not identifier:
        return _failed(None, entry.position, "The request names no unit here. Send its identifier, or the panel's.")
    if entry.position > _LAST_POSITION:
        return _failed(
            identifier,
            entry.position,
            f"No panel has a position {entry.position}. Ask with the position the panel was marked with.",
        )
    return Asked(identifier, entry.position)


def _failed(identifier: str | None, position: int, message: str) -> ValidationResult:
    return ValidationResult(
        unique_identifier=identifier,
        position_number=position,
        result="Failed",
        failure_code=FAILURE_CODES["unknown_unit"],
        message=message,
    )


def _result(verdict: Verdict) -> ValidationResult:
    # What clears by itself is not what a station has to go by: it would take a unit out for what it can mend itself.
    staying = [ground for ground in verdict.reasons if not ground.passing] or verdict.reasons
    code = FAILURE_CODES.get(staying[0].code, _OTHER) if staying else 0
    return ValidationResult(
        unique_identifier=verdict.identifier,
        position_number=verdict.position_number,
        result="Passed" if verdict.allowed else "Failed",
        failure_code=code,
        message=verdict.sentence,
    )


def validate_setup(connection: Connection, asked: ValidateStationSetupRequest, station: str) -> Message:
    """Whether the station holds what it must: what the request lists, and what is planned for it."""
    against = setup_reasons(connection, station, asked.setup_requirements, at=datetime.now(UTC))
    return ValidateStationSetupResponse(result=_outcome(against))


def required_setup(connection: Connection, asked: GetRequiredSetupRequest, station: str) -> Message:
    """What the station must hold for the product it runs."""
    wanted = wanted_setup(connection, station, at=datetime.now(UTC))
    if wanted is None:
        return GetRequiredSetupResponse(
            result=RequestResult(
                result="Failed",
                result_code=_OTHER,
                message="No setup is planned for this station and the product it runs. Plan or import one.",
            ),
            lane=asked.lane,
            stage=asked.stage,
        )
    return GetRequiredSetupResponse(
        result=_outcome([]),
        recipe_name=wanted.recipe,
        recipe_revision=wanted.recipe_revision,
        lane=asked.lane,
        stage=asked.stage,
        setup_requirements=wanted.requirements,
    )


_ABOUT_PEOPLE: Final = frozenset({"no_operator", "not_qualified", "qualification_over"})


def validate_operator(connection: Connection, asked: ValidateOperatorRequest, station: str) -> Message:
    """Whether the operator is qualified for the station's operation."""
    operator = asked.operator.operator_identifier or asked.operator.login_name or ""
    verdicts = ask(connection, station=station, units=[Asked("")], actor=f"station:{station}", purpose="operator",
                   told=Told(operator=operator))  # fmt: skip
    against = [ground for verdict in verdicts for ground in verdict.reasons if ground.code in _ABOUT_PEOPLE]
    return ValidateOperatorResponse(result=_outcome(against))


def _outcome(against: Sequence[Reason | Ground]) -> RequestResult:
    """`ResultCode` is the first reason's number, as `FailureCode` is of a unit; `Message` all of them in words."""
    if not against:
        return RequestResult(result="Success", result_code=0, message="OK")
    message = " ".join(f"{one.sentence} {one.clears}" for one in against)
    return RequestResult(result="Failed", result_code=FAILURE_CODES.get(against[0].code, _OTHER), message=message)


ANSWERERS: Final[dict[type[Message], Answerer]] = {
    ValidateUnitsRequest: validate_units,
    ValidateStationSetupRequest: validate_setup,
    GetRequiredSetupRequest: required_setup,
    ValidateOperatorRequest: validate_operator,
}
"""How each question to the gate is answered; each in one transaction that its caller commits."""


def refused(message_name: str, result: RequestResult) -> Message | None:
    """The response to a question to the gate that cannot be answered; None for any other message."""
    if message_name == ValidateUnitsRequest.cfx_name:
        return _not_judged(result)
    if message_name == ValidateStationSetupRequest.cfx_name:
        return ValidateStationSetupResponse(result=result)
    if message_name == GetRequiredSetupRequest.cfx_name:
        return GetRequiredSetupResponse(result=result)
    if message_name == ValidateOperatorRequest.cfx_name:
        return ValidateOperatorResponse(result=result)
    return None


def _not_judged(result: RequestResult, identifier: str | None = None) -> ValidateUnitsResponse:
    primary = ValidationResult(
        unique_identifier=identifier, position_number=0, result="Failed", failure_code=_OTHER, message=result.message
    )
    return ValidateUnitsResponse(result=result, primary_result=primary, validation_results=[])
