"""An MQTT client for tests of brokers."""

import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from app.embedded.broker import Broker


class Client:
    """A connected MQTT client that remembers what it heard."""

    def __init__(self, broker: Broker, user: str, password: str, *, client_id: str = "", clean: bool = True) -> None:
        self.heard: list[str] = []
        self.codes: list[str] = []
        self.answered, self.arrived = threading.Event(), threading.Event()
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id or user, clean_session=clean)
        self.mqtt.username_pw_set(user, password)
        self.mqtt.on_connect = self._on_connect
        self.mqtt.on_message = self._on_message
        self.mqtt.connect(broker.host, broker.port)
        self.mqtt.loop_start()
        assert self.answered.wait(10)

    def _on_connect(self, _c: object, _u: object, _f: object, code: ReasonCode, _p: object) -> None:
        self.codes.append(str(code))
        self.answered.set()

    def _on_message(self, _c: object, _u: object, message: mqtt.MQTTMessage) -> None:
        self.heard.append(f"{message.topic} {message.payload.decode()}")
        self.arrived.set()

    def subscribe(self, topic: str) -> None:
        done = threading.Event()
        self.mqtt.on_subscribe = lambda *_: done.set()
        self.mqtt.subscribe(topic, qos=1)
        assert done.wait(10)

    def say(self, topic: str, text: str) -> None:
        self.mqtt.publish(topic, text, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()
