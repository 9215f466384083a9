"""A station's state, however its machine writes it."""

import pytest

from app.lines.states import StationState, state_reason, station_state


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ("PRD", StationState.producing, None),
        (1100, StationState.producing, None),
        ("2200", StationState.standby, None),
        ("SBY_NoProductStarved", StationState.standby, "no product starved"),
        ("ENG_ProcessExperiments", StationState.engineering, "process experiments"),
        ("SDT_Setup", StationState.scheduled_down, "setup"),
        ("5100", StationState.unscheduled_down, None),
        ("NST", StationState.nonscheduled, None),
        ("Unspecified", StationState.unknown, None),
        (0, StationState.unknown, None),
        ("", StationState.unknown, None),
    ],
)
def test_states(said: object, state: StationState, reason: str | None) -> None:
    assert station_state(said) is state
    assert state_reason(said) == reason
