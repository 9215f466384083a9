"""The processes whose CPU `bench intake` compares: `python -m app.bench.subjects intake|parsing|reference`.

Each hears one station on the same broker, under MQTT 3.1.1, QoS 1, acknowledged by itself. All are told the broker and
the database as the product is (`BIRTHMARK_BROKER_URL`, `BIRTHMARK_DATABASE_URL`, `BIRTHMARK_INTAKE_FILTERS`).

* intake: the product's own intake process, nothing added or left out.
* parsing: receives, decodes envelope and body into typed messages, acknowledges. No queue, no thread, no receipt.
* reference: receives, validates with pydantic, writes a row per placement (COPY) and commits, message by message.
"""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import BaseModel, Field

from app.bench.rows import COPY, Names
from app.cfx.body import decode_body
from app.cfx.envelope import Envelope, decode
from app.logs import configure_logging
from app.running import run_intake
from app.settings import settings

DONE = "bench/done"
"""A subject repeats a message named `MARK` here once it has worked off everything before it."""
MARK = "Mark"


_Name: TypeAlias = Annotated[str, Field(max_length=256)]


class _Part(BaseModel):
    UniqueIdentifier: _Name
    InternalPartNumber: _Name | None = None
    Quantity: float | None = None


class _Carrier(BaseModel):
    LaneNumber: int | None = None
    TapeWidth: float | None = None
    TapePitch: float | None = None
    UniqueIdentifier: _Name | None = None
    Name: _Name | None = None


class _Location(BaseModel):
    LocationIdentifier: _Name
    LocationName: _Name | None = None
    CarrierInformation: _Carrier | None = None


class _Nozzle(BaseModel):
    UniqueIdentifier: _Name | None = None
    Name: _Name | None = None


class _Component(BaseModel):
    ReferenceDesignator: _Name
    InstallationTime: datetime | None = None
    HeadAndNozzle: _Nozzle | None = None


class _NonInstalled(BaseModel):
    ReferenceDesignator: _Name
    NonInstallationTime: datetime | None = None
    RejectionReason: str | None = None


class _Material(BaseModel):
    UnitIdentifier: _Name
    UnitPositionNumber: int = Field(default=0, ge=0)
    QuantityInstalled: float | None = None
    QuantityNonInstalled: float | None = None
    Material: _Part
    CarrierLocation: _Location
    InstalledComponents: list[_Component]
    NonInstalledComponents: list[_NonInstalled] = []


class _Body(BaseModel):
    TransactionId: UUID
    InstalledMaterials: list[_Material]


class _Envelope(BaseModel):
    """The message as the reference models it: the members this traffic has, fewer than CFX gives it."""

    MessageName: str
    TimeStamp: datetime
    UniqueID: UUID
    Source: str
    MessageBody: _Body


class _Reference:
    """One transaction a message, one row a placement."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url.replace("+psycopg", ""))
        self._units = Names("unit", "serial")
        self._packages = Names("package", "identifier")
        self._designators = Names("designator", "name")
        self._slots = Names("slot", "name")

    def take(self, payload: bytes) -> None:
        message = _Envelope.model_validate_json(payload)
        materials = message.MessageBody.InstalledMaterials
        with self._connection.transaction():
            self._units.learn(self._connection, (one.UnitIdentifier for one in materials))
            self._packages.learn(self._connection, (one.Material.UniqueIdentifier for one in materials))
            self._slots.learn(self._connection, (one.CarrierLocation.LocationIdentifier for one in materials))
            self._designators.learn(
                self._connection, (part.ReferenceDesignator for one in materials for part in one.InstalledComponents)
            )
            unit = self._units.ids[materials[0].UnitIdentifier]
            entered = self._connection.execute(
                "INSERT INTO message (unique_id, station, unit_id, recorded_at) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [message.UniqueID, message.Source, unit, message.TimeStamp],
            )
            if entered.rowcount:
                self._copy(unit, materials)

    def _copy(self, unit: int, materials: list[_Material]) -> None:
        with self._connection.cursor().copy(COPY) as copy:
            copy.set_types(("int8", "int4", "int2", "int2"))
            for one in materials:
                package = self._packages.ids[one.Material.UniqueIdentifier]
                slot = self._slots.ids[one.CarrierLocation.LocationIdentifier]
                for part in one.InstalledComponents:
                    copy.write_row((unit, package, self._designators.ids[part.ReferenceDesignator], slot))


def _parse(payload: bytes) -> None:
    for envelope in decode(payload):
        assert isinstance(envelope, Envelope)  # the workload sends nothing malformed
        decode_body(envelope)


def _hear(take: Callable[[bytes], None], name: str) -> None:
    """Receive on the configured filters in this thread; acknowledge each message once it is taken."""
    configured = settings()
    address = urlsplit(str(configured.broker_url))
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{name}", clean_session=False, manual_ack=True)
    client.username_pw_set(address.username, address.password)
    client.max_inflight_messages_set(200)

    def on_connect(client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(topic, 1) for topic in configured.intake_filters])

    def on_message(client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith(MARK):
            client.publish(DONE, message.payload, qos=1)
        else:
            take(bytes(message.payload))
        client.ack(message.mid, message.qos)

    client.on_connect = on_connect
    client.on_message = on_message
    client.connect(address.hostname or "127.0.0.1", address.port or 1883)
    client.loop_forever()


def main() -> None:
    """Run the subject named on the command line until it is ended."""
    name = sys.argv[1]
    configure_logging(settings())
    if name == "intake":
        run_intake()
    elif name == "parsing":
        _hear(_parse, name)
    else:
        _hear(_Reference(str(settings().database_url)).take, name)


if __name__ == "__main__":
    main()
