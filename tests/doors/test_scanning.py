"""Serial formats, work instructions and scans over REST."""

import base64
import io

from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Engine

from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from tests.doors.conftest import Ask
from tests.doors.story import address


def revision(engine: Engine) -> int:
    part = Component("R1", "100-0042", None, None, "R_0603_1608Metric", 1.0, 2.0, 0.0, "top", "machine")
    with engine.begin() as connection:
        return import_design(connection, BoardDesign("board", "A", (part,), ()), actor="test")


def test_a_scan_is_judged_by_the_formats_that_are_planned(admin: TestClient, engine: Engine) -> None:
    def kind(text: str) -> str:
        return str(admin.get(address("scans", text=text)).json()["kind"])

    assert kind("SN-00017") == "other"
    plan = {"product_revision_id": revision(engine), "pattern": "SN-#####", "check_character": None}
    assert admin.post("/api/v1/serial-formats", json=plan).status_code == 201
    assert (kind("SN-00017"), kind("SN-0001")) == ("serial", "refused")
    refused = admin.post("/api/v1/serial-formats", json={**plan, "pattern": "SN"})
    assert refused.status_code == 422
    unknown = admin.post("/api/v1/serial-formats", json={**plan, "product_revision_id": 999})
    assert unknown.status_code == 404


def test_instructions_bring_their_pictures(admin: TestClient, ask: Ask, engine: Engine) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(drawn, "PNG")
    step = {"says": "Fit R1.", "reference_designators": ["R1"], "picture": base64.b64encode(drawn.getvalue()).decode()}
    plan = {"product_revision_id": revision(engine), "operation": "hand_assembly", "steps": [step, {"says": "Done."}]}
    assert admin.post("/api/v1/instructions", json=plan).json()["steps"] == 2
    told = admin.get(f"/api/v1/instructions?product_revision_id={plan['product_revision_id']}&operation=hand_assembly")
    assert [one["says"] for one in told.json()["steps"]] == ["Fit R1.", "Done."]
    assert told.json()["steps"][0]["picture_id"] is not None
    text = base64.b64encode(b"<svg onload=alert(1)>").decode()
    refused = admin.post("/api/v1/instructions", json={**plan, "steps": [{**step, "picture": text}]})
    assert refused.status_code == 422
    assert ask("operator").post("/api/v1/instructions", json=plan).status_code == 403
