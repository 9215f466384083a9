"""Plan a line, a product and a work order over REST, and see the units in it."""

from fastapi.testclient import TestClient

from tests.doors import story

BOM = """"Reference","Qty","Value","Footprint","MPN","Manufacturer"
"R1,R2,R3","3","10k","Resistor_SMD:R_0402_1005Metric","100-0042","Yageo"
"C1,C2","2","100n","Capacitor_SMD:C_0402_1005Metric","100-0077","Murata"
"""
PLACEMENTS = """Ref,Val,Package,PosX,PosY,Rot,Side
"R1","10k","R_0402_1005Metric",1.0,2.0,0.0,top
"R2","10k","R_0402_1005Metric",2.0,2.0,90.0,top
"R3","10k","R_0402_1005Metric",3.0,2.0,0.0,top
"C1","100n","C_0402_1005Metric",4.0,2.0,0.0,top
"C2","100n","C_0402_1005Metric",5.0,2.0,0.0,bottom
"FID1","Fiducial","Fiducial",0.0,0.0,0.0,top
"""


def import_board(client: TestClient, **headers: str) -> dict[str, object]:
    files = {"bom": ("node-rev2-bom.csv", BOM), "placements": ("node-rev2-pos.csv", PLACEMENTS)}
    answer = client.post("/api/v1/products", files=files, data={"units_per_panel": "2"}, headers=headers)
    assert answer.status_code == 201, answer.text
    imported: dict[str, object] = answer.json()
    return imported


def test_a_board_is_imported_with_every_mismatch_told(admin: TestClient) -> None:
    imported = import_board(admin, **{"Idempotency-Key": "p-1"})
    assert (imported["part_number"], imported["revision"], imported["components"]) == ("node", "2", 5)
    assert "FID1" in str(imported["mismatches"])
    assert import_board(admin, **{"Idempotency-Key": "p-1"}) == imported
    [product] = admin.get("/api/v1/products").json()["products"]
    assert (product["units_per_panel"], product["components"]) == (2, 5)


def test_files_that_are_no_board_are_refused(admin: TestClient) -> None:
    files = {"bom": ("a.csv", "nothing"), "placements": ("b.csv", "nothing")}
    answer = admin.post("/api/v1/products", files=files)
    assert answer.status_code == 422
    assert admin.get("/api/v1/products").json()["products"] == []


def test_a_planned_order_gives_its_units_product_customer_and_completeness(admin: TestClient) -> None:
    revision = import_board(admin)["product_revision_id"]
    order = {"number": "WO-1001", "product_revision_id": revision, "quantity": 100, "customer": "Acme"}
    assert admin.post("/api/v1/work-orders", json=order).status_code == 201
    admin.post("/api/v1/cfx", content=story.payload(story.panel("PNL-1", ["A1", "A2"])))
    unit = admin.get("/api/v1/units?serial=A1").json()
    assert (unit["product"], unit["customer"], unit["unplanned"]) == ("node rev 2", "Acme", False)
    made = admin.get("/api/v1/trace/made-from?serial=A1").json()
    assert made["completeness"]["ratio"] == 1


def test_an_order_that_machines_named_first_is_planned_once(admin: TestClient, built: list[str]) -> None:
    order = {"number": "WO-1001", "quantity": 100}
    assert admin.get("/api/v1/work-orders?number=WO-1001").json()["unplanned"] is True
    assert admin.post("/api/v1/work-orders", json=order).status_code == 201
    assert admin.post("/api/v1/work-orders", json=order).status_code == 409
    assert admin.post("/api/v1/work-orders", json={"number": "X", "product_revision_id": 99}).status_code == 422


def test_a_customer_is_assigned_to_an_order_under_way(admin: TestClient, built: list[str]) -> None:
    given = {"work_order": "WO-1001", "customer": "Acme"}
    assert admin.post("/api/v1/work-orders/customer", json=given).json()["units"] >= 2
    made = admin.get(story.address("trace/made-from", serial=built[0])).json()
    assert made["customer"] == "Acme"
    assert admin.post("/api/v1/work-orders/customer", json={**given, "work_order": "X"}).status_code == 404


def test_a_line_is_planned_in_the_order_of_the_flow(admin: TestClient, built: list[str]) -> None:
    flow = [
        {"handle": story.MARKER, "name": "Laser"},
        {"handle": story.PLACER, "operation": "placement"},
        {"handle": story.AOI},
    ]
    answer = admin.post("/api/v1/lines", json={"name": "SMT 1", "stations": flow})
    assert answer.status_code == 201
    told = [one["station"] for one in admin.get("/api/v1/stations").json()["stations"]]
    assert [one["handle"] for one in told] == [station["handle"] for station in flow]
    assert {one["line"] for one in told} == {"SMT 1"}
    assert not any(one["unplanned"] for one in told)
    twice = {"name": "SMT 1", "stations": [flow[0], flow[0]]}
    assert admin.post("/api/v1/lines", json=twice).status_code == 422


def test_the_gate_goes_by_a_routing_that_was_planned(admin: TestClient) -> None:
    """A product needs nothing but this door for the gate to refuse a board that skipped its inspection."""
    revision = import_board(admin)["product_revision_id"]
    flow = [{"handle": story.PLACER, "operation": "placement"}, {"handle": story.AOI, "operation": "inspection"},
            {"handle": "Probe.F1.FT-01", "operation": "test"}]  # fmt: skip
    assert admin.post("/api/v1/lines", json={"name": "SMT 1", "stations": flow}).status_code == 201
    assert admin.post(
        "/api/v1/work-orders", json={"number": "WO-1001", "product_revision_id": revision}
    ).status_code == 201  # fmt: skip
    admin.post("/api/v1/cfx", content=story.payload(story.panel("PNL-1", ["A1", "A2"])[:4]))
    question = story.address("interlock", station="Probe.F1.FT-01", serial="A1")
    assert "skipped" not in str(admin.get(question).json()["verdicts"])
    steps = [{"operation": "placement"}, {"operation": "inspection"}, {"operation": "test", "optional": True}]
    planned = {"product_revision_id": revision, "steps": steps}
    answer = admin.put("/api/v1/routings", json=planned)
    assert answer.status_code == 200, answer.text
    assert admin.get(story.address("routings", product_revision_id=str(revision))).json() == answer.json()
    assert "has not been through inspection" in admin.get(question).text
    assert admin.put("/api/v1/routings", json={**planned, "steps": []}).json()["steps"] == []
    assert "has not been through" not in admin.get(question).text
    assert admin.put("/api/v1/routings", json={**planned, "product_revision_id": 99}).status_code == 404


def test_a_part_approved_in_place_of_the_bills_is_no_deviation(admin: TestClient) -> None:
    revision = import_board(admin)["product_revision_id"]
    plan = {"product_revision_id": revision, "part_number": "100-0042"}
    assert admin.get(f"/api/v1/approved-parts?product_revision_id={revision}").json() == {"approved": {}}
    answer = admin.put("/api/v1/approved-parts", json={**plan, "alternates": ["B", "A", "A"]})
    assert answer.json() == {"approved": {"100-0042": ["A", "B"]}}
    assert admin.put("/api/v1/approved-parts", json={**plan, "alternates": ["B"]}).json() == {
        "approved": {"100-0042": ["B"]}
    }
    admin.post("/api/v1/work-orders", json={"number": "WO-1001", "product_revision_id": revision})
    told = story.payload(story.panel("PNL-1", ["A1", "A2"])).replace(b"100-0042", b"B")
    admin.post("/api/v1/cfx", content=told)
    found = admin.get("/api/v1/trace/deviations?serial=A1").json()
    assert "B is approved in place of 100-0042" in str(found["alternates"])
    assert admin.put("/api/v1/approved-parts", json={**plan, "alternates": []}).json() == {"approved": {}}
    assert "not 100-0042 nor approved in its place" in admin.get("/api/v1/trace/deviations?serial=A1").text
    for wrong in ({**plan, "alternates": ["100-0042"]}, {**plan, "part_number": "X", "alternates": ["B"]}):
        assert admin.put("/api/v1/approved-parts", json=wrong).status_code == 422
