"""POST /packages: a package is received as a whole, or nothing is stored."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.doors import story

LABEL = "[)>\x1e06\x1dPACME-77\x1d1PXAF4444\x1dQ3000\x1d10D1452\x1d1TBF1103\x1d1VYageo\x1e\x04"


def stored(client: TestClient) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = client.get("/api/v1/packages").json()["packages"]
    return packages


def test_a_label_becomes_a_package_with_a_number_of_ours(admin: TestClient) -> None:
    answer = admin.post("/api/v1/packages", json={"label": LABEL})
    assert answer.status_code == 201
    package = answer.json()
    assert package["identifier"].startswith("P-")
    assert (package["part_number"], package["lot"], package["quantity"]) == (
        "ACME-77",
        "BF1103",
        3000,
    )
    assert (package["manufacturer_part_number"], package["manufacturer"]) == ("XAF4444", "Yageo")
    assert package["date_code"] == "1452"
    assert package["unplanned"] is False
    same = admin.get(story.address("packages", identifier=package["identifier"]))
    assert same.json() == package


def test_fields_become_a_package(admin: TestClient) -> None:
    fields = {"identifier": "R +1/ä", "part_number": "100-1", "lot": "L+2", "quantity": 10}
    package = admin.post("/api/v1/packages", json=fields).json()
    assert {name: package[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "Say what arrived"),
        ({"label": ""}, "empty"),
        ({"label": "random string"}, "neither"),
        ({"label": LABEL.replace("Q3000", "Qmany")}, "quantity"),
        ({"label": LABEL, "lot": "ANOTHER"}, "lot"),
        ({"label": LABEL, "quantity": 5}, "quantity"),
        ({"lot": "L1", "quantity": 5}, "which part"),
        ({"part_number": "X", "quantity": -1}, "more than zero"),
        ({"part_number": "X" * 300}, "part_number"),
        ({"part_number": "X\x00Y"}, "printable"),
        ({"part_number": "X", "colour": "blue"}, "colour"),
        ({"part_number": "X", "quantity": "many"}, "quantity"),
        ([], "body"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_stored(admin: TestClient, body: object, says: str) -> None:
    answer = admin.post("/api/v1/packages", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert stored(admin) == []


def test_a_package_is_received_once(admin: TestClient) -> None:
    fields = {"identifier": "R-1", "part_number": "100-1"}
    assert admin.post("/api/v1/packages", json=fields).status_code == 201
    again = admin.post("/api/v1/packages", json={**fields, "part_number": "100-2"})
    assert again.status_code == 409
    assert stored(admin)[0]["part_number"] == "100-1"


def test_what_a_machine_named_first_becomes_known(admin: TestClient, built: list[str]) -> None:
    reel = next(iter(story.REELS))
    fields = {"identifier": reel, "part_number": "100-0042", "lot": "LK-NEW", "quantity": 5000}
    assert admin.post("/api/v1/packages", json=fields).status_code == 201
    answer = admin.get("/api/v1/trace/where-used?lot=LK-NEW&part_number=100-0042").json()
    assert len(answer["units"]) == len(built)


def test_the_same_key_with_the_same_body_is_done_once(admin: TestClient) -> None:
    key = {"Idempotency-Key": "7c2d"}
    first, second = (admin.post("/api/v1/packages", json={"label": LABEL}, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(stored(admin)) == 1


def test_the_same_key_with_another_body_is_refused(admin: TestClient) -> None:
    key = {"Idempotency-Key": "7c2d"}
    admin.post("/api/v1/packages", json={"label": LABEL}, headers=key)
    other = admin.post("/api/v1/packages", json={"part_number": "X"}, headers=key)
    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency_key_reused")
    assert len(stored(admin)) == 1


def test_a_refused_deed_leaves_its_key_free(admin: TestClient) -> None:
    key = {"Idempotency-Key": "7c2d"}
    assert admin.post("/api/v1/packages", json={"label": "?"}, headers=key).status_code == 422
    assert admin.post("/api/v1/packages", json={"label": LABEL}, headers=key).status_code == 201
