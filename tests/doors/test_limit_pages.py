"""Part handling and tools on pages: what is set there is what the gate and the scans go by."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.materials.handling import DEFAULT_LIMITS
from tests.doors.conftest import Ask
from tests.doors.test_line_pages import engineer, poster, refused_at
from tests.doors.test_pages import logged_in

__all__ = ["engineer"]


def test_how_a_part_is_treated_is_said_and_changed(engineer: TestClient) -> None:
    post = poster(engineer)
    assert "Nobody said how a part is treated" in engineer.get("/handling").text
    paste = {"part_number": "SAC305", "kind": "paste", "thaw_hours": "4", "open_hours": "8,5"}
    assert post("/handling", **paste).status_code == 303
    assert post("/handling", part_number="100-0042", moisture_level="3").status_code == 303
    told = {one["part_number"]: one for one in engineer.get("/handling?format=json").json()["parts"]}
    assert (told["SAC305"]["kind"], told["SAC305"]["thaw_hours"], told["SAC305"]["open_hours"]) == ("paste", 4, 8.5)
    assert told["100-0042"]["moisture_level"] == "3"
    page = engineer.get("/handling?part_number=SAC305").text
    assert 'value="SAC305"' in page
    assert 'value="8.5"' in page, "what is changed begins with what holds"
    assert refused_at(post("/handling", **paste | {"thaw_hours": "soon"})) == "thaw_hours: soon is no number above 0."
    assert refused_at(post("/handling", part_number=" ")).startswith("part_number: Say which")


def test_floor_lives_are_set_and_fall_back_to_the_standards(engineer: TestClient) -> None:
    post = poster(engineer)
    levels = list(DEFAULT_LIMITS)

    def hours(**own: str) -> list[str]:
        return [own.get(f"of_{level}", "") for level in levels]

    def held() -> dict[str, Any]:
        return {one["level"]: one["hours"] for one in engineer.get("/handling?format=json").json()["floor_lives"]}

    assert held() == DEFAULT_LIMITS
    sent = {"level": levels, "hours": hours(of_3="120", of_osp="8"), "unlimited": ["hasl"]}
    assert post("/handling/floor-lives", **sent).status_code == 303
    assert held() == {**DEFAULT_LIMITS, "3": 120, "osp": 8, "hasl": None}
    page = post("/handling/floor-lives", level=levels, hours=hours(of_3="long"))
    assert (page.status_code, "long is no number above 0." in page.text) == (422, True)
    assert held()["3"] == 120
    assert post("/handling/floor-lives", level=levels, hours=hours()).status_code == 303
    assert held() == DEFAULT_LIMITS


def test_a_tool_is_registered_limited_cleaned_and_calibrated(engineer: TestClient) -> None:
    post = poster(engineer)
    assert "No tool is known yet" in engineer.get("/tools").text
    stencil = {"identifier": "ST-7", "kind": "stencil", "cycles_limit": "50000", "cleaning_limit": "10"}
    assert post("/tools", **stencil).status_code == 303
    assert post("/tools", identifier="FX-1", kind="fixture").status_code == 303
    assert post("/tools/limits", kind="fixture", calibration_days="30").status_code == 303
    told = engineer.get("/tools?format=json").json()
    assert {one["tool"]: (one["kind"], one["limits"]) for one in told["tools"]} == {
        "ST-7": ("stencil", {"cycles": 50000, "cleaning": 10, "calibration_days": None}),
        "FX-1": ("fixture", {"cycles": None, "cleaning": None, "calibration_days": 30}),
    }
    assert engineer.get("/tools").text.count("not to be used") == 1, "never calibrated is due"
    assert 'value="50000"' in engineer.get("/tools?tool=ST-7").text
    assert 'value="30"' not in engineer.get("/tools?tool=FX-1").text.partition("What every tool")[0]
    assert post("/tools/events", tool="FX-1", happened="calibrated", due="2099-03-31").status_code == 303
    assert post("/tools/events", tool="ST-7", happened="cleaned").status_code == 303
    [fixture] = [one for one in engineer.get("/tools?format=json").json()["tools"] if one["tool"] == "FX-1"]
    assert (fixture["calibration_due"][:10], fixture["reasons"]) == ("2099-03-31", [])


@pytest.mark.parametrize(
    ("address", "form", "says"),
    [
        ("/tools", {"identifier": " ", "kind": "stencil"}, "identifier: A tool needs an identifier"),
        ("/tools", {"identifier": "T", "kind": "stencil", "cycles_limit": "0"}, "cycles_limit: 0 is no whole number"),
        ("/tools/limits", {"kind": "nozzle", "cleaning_limit": "x"}, "cleaning_limit: x is no whole number"),
        ("/tools/events", {"tool": "ST-7", "happened": "calibrated", "due": "soon"}, "due: soon is no day"),
        ("/tools/events", {"tool": "ST-7", "happened": "calibrated", "due": "2020-01-01"}, "due: due_at is when"),
    ],
)
def test_what_cannot_be_stands_at_its_field(
    engineer: TestClient, address: str, form: dict[str, str], says: str
) -> None:
    post = poster(engineer)
    post("/tools", identifier="ST-7", kind="stencil")
    assert refused_at(post(address, **form)).startswith(says)


def test_an_operator_cleans_but_neither_limits_nor_calibrates(engineer: TestClient, ask: Ask) -> None:
    poster(engineer)("/tools", identifier="ST-7", kind="stencil")
    operator = logged_in(ask, "operator")
    post = poster(operator)
    assert post("/tools/events", tool="ST-7", happened="cleaned").status_code == 303
    for address, form in (
        ("/tools/events", {"tool": "ST-7", "happened": "calibrated"}), ("/tools", {"identifier": "T"}),
        ("/tools/limits", {"kind": "nozzle"}), ("/handling", {"part_number": "P"}),
        ("/handling/floor-lives", {"level": "3", "hours": "1"}),
    ):  # fmt: skip
        assert post(address, **form).status_code == 403, address
    for page in ("/tools", "/handling"):
        told = operator.get(page).text
        assert 'action="/handling' not in told
        assert 'action="/tools#tool"' not in told
        assert 'value="calibrated"' not in told
