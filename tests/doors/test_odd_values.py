"""Whatever comes to any address of the REST interface, in whichever field: it is answered, never with a bare 500.

The addresses and their fields are read from OpenAPI, so a new one is tried as soon as it exists. One field at a time
is odd, all others are as they are usually sent.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from tests.doors import story
from tests.doors.test_passport import FCT, functional_test
from tests.setup.plant import product

TEXTS = (
    "a\x00b", "", " ", "\ud800", "x" * 50_000, "\u0663\u00b2", "\r\nSet-Cookie: a=b", "%(unit)s {0} %s",
    "\U0001f4a3\u202e\ufffe",
)  # fmt: skip
TIMES = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00",
    "-4713-01-01T00:00:00Z", "1e300", "-99999999999", "1970-01-01",
)  # fmt: skip
NUMBERS = (
    "1e308", "-1e308", "5e-324", "NaN", "-Infinity", "1e400", "-1", "0", "2147483648", "9223372036854775808", "1" * 5000
)  # fmt: skip
SHAPES = ("null", "[]", "{}", "[null]", '[""]', '[{"": 0}]', '["\\u0000"]', '{"\\ud800": ""}', "[" * 900 + "]" * 900)
BODIES = (b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"[" * 200_000, b"\x1f\x8b", b"--x\r\n\r\n--x--")
MEDIA_TYPES = ("application/json", "multipart/form-data; boundary=x", "\xe4/", "")

KNOWN: dict[str, Any] = {
    "station": FCT, "serial": "A+1", "package": "R-1182", "lot": "LK2207", "part_number": "100-0042", "slot": "SLOT11",
    "work_order": "WO-1001", "characteristic": "value", "feature": "RAIL_3V3", "identifier": "R-1182",
    "label": "R-1182", "product_revision_id": 1, "reason": "for a reason", "operation": "placement",
    "customer": "Acme", "unit": "A+1", "moisture_level": "3", "level": "3", "pattern": "NODE-####",
    "lane": None, "reference_designator": "R1",
}  # fmt: skip
"""How fields are usually filled; others by what their schema says."""
FORMATS = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "uuid": "5a0f7a4e-9f0e-4a3f-8d5f-3d0a5a1f2b11"}
ODD = "the odd one"


class Question(NamedTuple):
    """What is asked of an address, with `ODD` where an odd value goes; `usually` stands there."""

    method: str
    path: str
    fields: dict[str, Any]
    body: Any
    usually: Any

    def odd_ones(self) -> tuple[str, ...]:
        """What comes instead, as JSON spells it."""
        match self.usually:
            case str() if self.usually.startswith("2026-"):
                return tuple(map(json.dumps, TIMES))
            case str():
                return tuple(map(json.dumps, TEXTS))
            case bool() | int() | float():
                return NUMBERS
        return SHAPES

    def ask(self, client: TestClient, odd: str) -> Response:
        """Put the odd value into its place, and ask."""
        text = json.loads(odd) if odd.startswith('"') else odd
        sent = {name: text if value == ODD else str(value) for name, value in self.fields.items()}
        path = self.path
        for name in [name for name in sent if f"{{{name}}}" in path]:
            path = path.replace(f"{{{name}}}", quote(sent.pop(name), safe="", errors="surrogatepass"))
        where = f"{path}?{urlencode(sent, errors='surrogatepass', quote_via=quote)}"
        if self.body is None:
            return client.request(self.method, where)
        content = json.dumps(self.body).replace(json.dumps(ODD), odd)
        return client.request(self.method, where, content=content, headers={"Content-Type": "application/json"})


@pytest.fixture
def plant(admin: TestClient, engine: Engine) -> TestClient:
    """A panel was built, tested and measured."""
    product(engine)
    told = [*story.panel("PNL-1", ["A+1", "A+2"]), *(functional_test("A+1", volts, "Passed") for volts in (3.3, 3.31))]
    answer = admin.post("/api/v1/cfx", content=story.payload(told))
    assert {receipt["status"] for receipt in answer.json()["receipts"]} == {"stored"}
    return admin


def usual(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """A value as it is usually sent."""
    if reference := schema.get("$ref"):
        return usual(schemas[reference.rpartition("/")[2]], schemas, name)
    if name in KNOWN:
        return KNOWN[name]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return usual(choices[0], schemas, name)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    return plain(schema, schemas, name)


def plain(schema: dict[str, Any], schemas: dict[str, Any], name: str) -> Any:
    """The same by the type alone."""
    match schema.get("type"):
        case "object":
            needed = {*schema.get("required", ()), "package", "part_number"}  # which of several are about one
            return {key: usual(of, schemas, key) for key, of in schema.get("properties", {}).items() if key in needed}
        case "array":
            return [usual(schema["items"], schemas, "" if "$ref" in schema["items"] else name.removesuffix("s"))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return FORMATS.get(schema.get("format", ""), "x")


def bodies(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """What is needed, then that with each of the other fields: spoiled one part after the other."""
    needed = usual(schema, schemas)
    yield from spoiled(needed)
    of = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for name in of.get("properties", {}).keys() - needed.keys() if isinstance(needed, dict) else ():
        for odd, usually in spoiled(usual(of["properties"][name], schemas, name)):
            yield {**needed, name: odd}, usually


def spoiled(value: Any) -> Iterator[tuple[Any, Any]]:
    """The value with one part of it replaced by `ODD`, for each of its parts at any depth; and what stood there."""
    yield ODD, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for odd, usually in spoiled(part):
            whole = value.copy()
            whole[key] = odd
            yield whole, usually


def questions(described: dict[str, Any]) -> Iterator[Question]:
    """Every field of every address, one at a time."""
    schemas = described["components"]["schemas"]
    operations = ((path, *one) for path, methods in described["paths"].items() for one in methods.items())
    for path, method, operation in operations:
        fields = [one for one in operation.get("parameters", []) if one["in"] != "header"]
        usually = {one["name"]: usual(one["schema"], schemas, one["name"]) for one in fields}
        needed = {one["name"]: usually[one["name"]] for one in fields if one["required"]}
        if "package" in usually:  # one of several that say what is asked for
            needed |= {"package": usually["package"]}
        for name, value in usually.items():
            yield Question(method, path, needed | {name: ODD}, None, value)
        for media_type, of in operation.get("requestBody", {}).get("content", {}).items():
            if media_type == "application/json":
                for body, stood in bodies(of["schema"], schemas):
                    yield Question(method, path, needed, body, stood)


def is_told(answer: Response) -> bool:
    """Whether it is an answer, or a problem with its reason that is not ours."""
    return answer.status_code < 500 and (
        answer.status_code < 400 or answer.headers["content-type"] == "application/problem+json"
    )


def test_an_odd_value_is_answered(plant: TestClient) -> None:
    described = plant.get("/openapi.json").json()
    asked = ((one, odd) for one in questions(described) for odd in one.odd_ones())
    assert [(one, odd) for one, odd in asked if not is_told(one.ask(plant, odd))] == []


def test_whatever_an_address_is_sent_it_answers(plant: TestClient) -> None:
    described = plant.get("/openapi.json").json()
    fallen = []
    for path, methods in described["paths"].items():
        for method in methods.keys() - {"get"}:
            for body in BODIES:
                for media_type in MEDIA_TYPES:
                    headers = {b"Content-Type": media_type.encode("latin-1"), b"Accept": b"text/csv;q=x, */*;q=nan,"}
                    where = path.replace("{", "%7B").replace("}", "")
                    answer = plant.request(method, where, content=body, headers=headers)
                    if not is_told(answer):
                        fallen.append((method, path, media_type, body[:20], answer.status_code))
    assert fallen == []


def test_odd_headers_are_answered(plant: TestClient) -> None:
    names = (
        "Accept", "Accept-Language", "Authorization", "Content-Encoding", "Content-Length", "Cookie", "Idempotency-Key"
    )  # fmt: skip
    for name in names:
        for value in (b"", b"\xff", b"q=nan;;;,,=", b"x" * 5000, b"-1", b"\xd9\xa3"):
            headers = {b"Content-Type": b"application/json", name.encode(): value}
            assert is_told(plant.post("/api/v1/packages", content=b"{}", headers=headers)), (name, value)
