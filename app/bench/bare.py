"""The least that can answer, beside which `bench interlock` puts the gate: `python -m app.bench.bare http|mqtt`.

* http: an empty endpoint of the framework the product is built with, on `BIRTHMARK_HTTP_PORT`.
* mqtt: whatever comes on `bare/+/ask` is sent back on `bare/+/answer`, by the library the product uses.
"""

import sys
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import uvicorn
from fastapi import FastAPI
from paho.mqtt.enums import CallbackAPIVersion

from app.intake.link import without_delay
from app.settings import settings


def _http() -> None:
    app = FastAPI()

    @app.get("/empty")
    def get_empty() -> dict[str, bool]:
        return {"allowed": True}

    uvicorn.run(app, host="127.0.0.1", port=settings().http_port, log_level="warning", access_log=False)


def _mqtt() -> None:
    address = urlsplit(str(settings().broker_url))
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-bare")
    client.username_pw_set(address.username, address.password)

    def on_connect(client: mqtt.Client, *_: Any) -> None:
        client.subscribe("bare/+/ask", 1)

    def on_message(client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        client.publish(message.topic.replace("/ask", "/answer"), message.payload, qos=1)

    client.on_socket_open = without_delay
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect(address.hostname or "127.0.0.1", address.port or 1883)
    client.loop_forever()


if __name__ == "__main__":
    _http() if sys.argv[1] == "http" else _mqtt()
