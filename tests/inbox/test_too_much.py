"""More than a transaction, a connection or an index can take: what is at fault is set aside, the rest is taken in."""

import gzip
import os
import socket
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine

from app.cfx.envelope import MAX_IDENTIFIER
from app.inbox.apply import apply
from app.inbox.quarantine import MALFORMED, REFUSED, quarantined
from app.inbox.record import Delivery, Recorder
from tests.inbox.messages import count, message, record, started, statuses


def test_what_small_payloads_unpack_to_is_shared_out_among_transactions(engine: Engine) -> None:
    """Seven gzips of a few kB each, 70 MB unpacked: three transactions, not one statement PostgreSQL cannot take."""
    padding = "x" * 10 * 1024 * 1024
    large = [gzip.compress(message("Heartbeat", {"CFXHandle": "x", "Padding": padding}), 1) for _ in range(7)]
    assert statuses(record(Recorder(engine), *large)) == ["stored"] * 7
    assert count(engine, "audit", "deed = 'events.recorded'") == 3


def breaks_over(serial: str, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """The server hangs up without a word whenever a transaction holds this unit, so many times."""
    left = [times]

    def breaking(connection: Connection, told: Sequence[Any], ids: Any) -> None:
        if left[0] and any(serial in str(said) for said, _ in told):
            left[0] -= 1
            driver: Any = connection.connection.driver_connection
            with socket.socket(fileno=os.dup(driver.pgconn.socket)) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        apply(connection, told, ids)

    monkeypatch.setattr("app.inbox.record.apply", breaking)


def test_what_breaks_the_connection_stands_alone_in_quarantine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for a database that is away it would be sent again for ever, and everything behind it would wait."""
    breaks_over("SN-3", monkeypatch, times=1000)
    receipts = record(Recorder(engine), *(started(f"SN-{number}", transaction=uuid4()) for number in range(6)))
    assert statuses(receipts) == ["stored"] * 3 + ["rejected"] + ["stored"] * 2
    with engine.connect() as connection:
        (row,) = quarantined(connection)
    assert row.code == REFUSED


def test_a_server_that_was_restarted_meanwhile_costs_no_message(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks_over("SN-0", monkeypatch, times=1)
    assert statuses(record(Recorder(engine), started("SN-0", transaction=uuid4()))) == ["stored"]
    assert count(engine, "quarantine") == 0


def test_a_handle_too_long_to_be_indexed_is_malformed(engine: Engine) -> None:
    """A topic may have levels of any length; its station must not stop everybody's messages."""
    handle = ".".join("".join(chr(0x10000 + level * 256 + n) for n in range(256)) for level in range(3))
    nameless = message("Heartbeat", {"CFXHandle": "x"}, source=None)
    ((first,), (second,)) = Recorder(engine).record([Delivery(nameless, handle), Delivery(b"{", handle)])
    assert (first.status, second.status) == ("rejected", "rejected")
    assert "770 characters" in str(first.reason)
    with engine.connect() as connection:
        rows = quarantined(connection)
    assert [(row.code, row.source) for row in rows] == [(MALFORMED, handle[:MAX_IDENTIFIER])] * 2
