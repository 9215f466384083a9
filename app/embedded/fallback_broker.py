"""The broker where Mosquitto is not installed: amqtt, MQTT 3.1.1, about a twentieth of the speed.

Run as ``python -m app.embedded.fallback_broker HOST PORT FOLDER``; ``FOLDER`` holds ``passwords``.
Sessions and their queues live in memory, so a restart forgets them. Nothing is lost by that: a
station deletes a message only on the receipt, and intake subscribes anew.
"""

import asyncio
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from app.embedded.credentials import INTAKE_USER, covers, matches_hash, read_passwords, topics_of


class StationPasswords(BaseAuthPlugin):  # type: ignore[misc]
    """Admits the users of the password file, which it reads again when it was replaced."""

    @dataclass
    class Config:
        """Where the password file is."""

        passwords: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._path = Path(self.config.passwords)
        self._read_at, self._hashes = 0, dict[str, str]()

    async def authenticate(self, *, session: Session) -> bool | None:
        changed_at = self._path.stat().st_mtime_ns
        if changed_at != self._read_at:
            self._read_at, self._hashes = changed_at, read_passwords(self._path)
        hashed = self._hashes.get(session.username or "")
        return hashed is not None and matches_hash(session.password or "", hashed)


class StationTopics(BaseTopicPlugin):  # type: ignore[misc]
    """Holds each station to its own topics."""

    @dataclass
    class Config:
        """Nothing to configure."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool | None:
        user = session.username if session else None
        if not user or not topic:
            return False
        if user == INTAKE_USER:
            return True
        says, hears = topics_of(user)
        return covers([says] if action is Action.PUBLISH else hears, topic)


async def serve(host: str, port: int, folder: Path) -> None:
    """Run the broker until SIGTERM or SIGINT. At SIGHUP those drop out whose passwords hold no longer."""
    here = "app.embedded.fallback_broker"
    config: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {
            f"{here}.StationPasswords": {"passwords": str(folder / "passwords")},
            f"{here}.StationTopics": {},
        },
    }
    broker = Broker(config)
    signals = asyncio.Queue[signal.Signals]()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    await broker.start()
    while await signals.get() is signal.SIGHUP:
        await drop_strangers(broker)
    await broker.shutdown()


async def drop_strangers(broker: Broker) -> None:
    """End the connections of all who would not be admitted now, as Mosquitto does when it reads its files again."""
    for session, handler in list(broker.sessions.values()):
        if session.transitions.is_connected():
            judged = await broker.plugins_manager.map_plugin_auth(session=session)
            if not all(judged.values()):
                await handler.handle_connection_closed()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
