"""Payloads a broken, misconfigured or hostile machine might send, and sound ones between them.

    for payload in payloads(seed=1, n=10_000):
        ...

The same seed gives the same payloads wherever the same bodies are at hand. Sound payloads carry a
`UniqueID` of their own; some payloads are repeated byte for byte, some repeat a `UniqueID` with
other content.
"""

import base64
import copy
import gzip
import json
import random
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from tests.cfx.bodies import envelope, known_bodies

Envelope = dict[str, Any]
Maker = Callable[[random.Random, Envelope], bytes]

_DEPTH = 5_000

_WRONG_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 3.5, 2**31, -(2**31) - 1, 2**63, 2**64, 10**30, 1e308, "", " ", "x", "12", "12,5", "NaN",
    "-Infinity", "true", "null", "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999", "2024-02-30T00:00:00Z",
    "00000000-0000-0000-0000-000000000000", "{F3B2C8EC-50B7-4C63-9CB3-2ED57C01880F}", "\u2603", "\U0001f916", "a" * 300,
    "R" * 5_000, [], {}, [[]], [None], {"$type": "System.IO.FileInfo, mscorlib"}, [1, "2", {"3": 4}],
)  # fmt: skip
_WRONG_TIMES = (
    None, 0, 1714978089, "", "now", "06.05.2024 07:08", "2024-05-06", "2024-13-01T00:00:00Z", "0001-01-01T00:00:00",
    "10000-01-01T00:00:00Z", "2024-05-06T07:08:09", "2024-05-06T07:08:09.1Z", "2024-05-06T25:08:09Z",
    "1969-12-31T23:59:59Z", "2024-05-06T07:08:09.1234567+99:99", "-2024-05-06T07:08:09Z",
)  # fmt: skip
_WRONG_IDS = (
    None, 5, "", "x", "00000000-0000-0000-0000-000000000000", "{%s}", "%s ", "(%s)", "urn:uuid:%s", "%s%s", ["%s"],
)  # fmt: skip
_WRONG_NAMES = (
    None, 7, "", " ", "CFX", "CFX.", "CFX.Production.WorkStarted2", "cfx.production.workstarted",
    "Production.WorkStarted", "CFX.Production.WorkStarted, CFX", "System.String", "CFX." + "A" * 5_000, {"CFX": 1},
    "CFX.Foo\u0000Bar",
)  # fmt: skip


def payloads(seed: int, n: int, *, source: str = "Acme.Mounter.1") -> Iterator[bytes]:
    """`n` payloads, about a third of them sound; `source` is the handle sound ones speak with."""
    rng = random.Random(seed)
    bodies = sorted(known_bodies().items())
    makers, weights = zip(*_MAKERS.items(), strict=True)
    earlier: list[bytes] = []
    for _ in range(n):
        if earlier and rng.random() < 0.03:
            yield rng.choice(earlier)
            continue
        name, body = rng.choice(bodies)
        unique_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        sound = envelope(name, copy.deepcopy(body), UniqueID=unique_id, Source=source)
        payload = rng.choices(makers, weights)[0](rng, sound)
        if len(earlier) < 200 and len(payload) < 20_000:
            earlier.append(payload)
        yield payload


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


@cache
def _gzip_bomb() -> bytes:
    """48 MiB of zeros in 48 kB."""
    return _gzip(bytes(48 * 1024 * 1024))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _sound(rng: random.Random, sound: Envelope) -> bytes:
    return _json(sound)


def _packed(rng: random.Random, sound: Envelope) -> bytes:
    """Sound, in one of the dresses the contract allows."""
    text = json.dumps([sound] if rng.random() < 0.3 else sound, indent=rng.choice((None, 2))).encode()
    if rng.random() < 0.3:
        text = b"\xef\xbb\xbf" + text
    return rng.choice((_gzip, base64.b64encode, lambda t: base64.b64encode(_gzip(t)), bytes))(text)


def _list_with_rotten_elements(rng: random.Random, sound: Envelope) -> bytes:
    good = _json(sound)
    rotten = rng.choice(
        (b"null", b"5", b"[]", b"{}", b'"x"', b"[" + good + b"]", b'{"x": NaN}', b'{"x": "\\ud800"}',
         b"[" * _DEPTH + b"]" * _DEPTH, _wrong_value(rng, copy.deepcopy(sound)), b"", b"{")
    )  # fmt: skip
    return b"[" + b", ".join((rotten, good) if rng.random() < 0.5 else (good, rotten)) + b"]"


def _other_content(rng: random.Random, sound: Envelope) -> bytes:
    """One of few identifiers, whatever the content: the same key, something else said."""
    sound["UniqueID"] = f"0badc0de-0000-4000-8000-{rng.randrange(20):012}"
    return _json(sound)


def _cut(rng: random.Random, sound: Envelope) -> bytes:
    text = _json(sound)
    return text[: rng.randrange(len(text))]


def _flipped(rng: random.Random, sound: Envelope) -> bytes:
    text = bytearray(_json(sound))
    for _ in range(rng.choice((1, 1, 2, 8))):
        text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    return bytes(text)


def _spliced(rng: random.Random, sound: Envelope) -> bytes:
    """Bytes lost, doubled or slipped in."""
    text = _json(sound)
    at, length = rng.randrange(len(text)), rng.randrange(1, 30)
    middle = rng.choice((b"", text[at : at + length] * 2, rng.randbytes(length), b'"', b"{", b"]", b",", b"\\", b"\0"))
    return text[:at] + middle + text[at + length :]


def _wrong_encoding(rng: random.Random, sound: Envelope) -> bytes:
    sound["Target"] = "Prüfplatz 3 ☃"
    text = json.dumps(sound, ensure_ascii=False)
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7"))
    return text.encode(encoding, "replace")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value where another could stand."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield value, key
        yield from _places(member)


def _wrong_value(rng: random.Random, sound: Envelope) -> bytes:
    """A value of another kind at any member, often in the body."""
    for _ in range(rng.choice((1, 1, 3))):
        inside = sound["MessageBody"] if isinstance(sound["MessageBody"], dict) and rng.random() < 0.8 else sound
        if places := list(_places(inside)):
            container, key = rng.choice(places)
            container[key] = copy.deepcopy(rng.choice(_WRONG_VALUES))
    return _json(sound)


def _missing_member(rng: random.Random, sound: Envelope) -> bytes:
    container, key = rng.choice(list(_places(sound)))
    del container[key]
    return _json(sound)


def _raw_token(rng: random.Random, sound: Envelope) -> bytes:
    """Something in the place of a value that is no JSON, or JSON hard to hold."""
    container, key = rng.choice(list(_places(sound)))
    container[key] = "gzip.compress(data, 6"
    token = rng.choice(
        (b"NaN", b"Infinity", b"-Infinity", b"undefined", b"01", b"+1", b".5", b"1e999", b"-1e99999999", b"1" * 4_000,
         b"1" * 10_000, b"'x'", b'"\\ud800"', b'"\\udc00\\ud800"', b'"a\\u0000b"', b'"\\\\u0000"', b'"\\x41"',
         b'"a\0b"', b'"a\nb"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b"[" * _DEPTH, b"[" * _DEPTH + b"]" * _DEPTH,
         b'{"a":' * _DEPTH + b"1" + b"}" * _DEPTH, b"/* nothing */ 1", b"1,", b'{"a": 1,}')
    )  # fmt: skip
    return _json(sound).replace(b'"gzip.compress(data, 6"', token, 1)


def _doubled_keys(rng: random.Random, sound: Envelope) -> bytes:
    text = _json(sound)
    name, value = rng.choice(list(sound.items()))
    other = rng.choice((value, None, 5, "other", str(uuid.UUID(int=rng.getrandbits(128), version=4))))
    return text[:-1] + b", " + _json({name: other})[1:-1] + b"}"


def _wrong_head(rng: random.Random, sound: Envelope) -> bytes:
    member, values = rng.choice(
        (("TimeStamp", _WRONG_TIMES), ("UniqueID", _WRONG_IDS), ("MessageName", _WRONG_NAMES),
         ("MessageBody", (None, "{}", [], 5, _json(sound["MessageBody"]).decode())),
         ("Source", (None, "", 5, "A" * 300, "nobody", "Other.Machine.9", "a\u0000b", {})),
         ("Version", (None, 2.1, {}, "9" * 400)), ("RequestID", (5, "r" * 300)))
    )  # fmt: skip
    value = rng.choice(values)
    if isinstance(value, str):
        value = value.replace("%s", sound["UniqueID"])
    sound[member] = value
    return _json(sound)


def _swapped_body(rng: random.Random, sound: Envelope) -> bytes:
    """One message's name over another's body."""
    sound["MessageName"] = "CFX." + rng.choice(sorted(known_bodies()))
    return _json(sound)


def _damaged_packing(rng: random.Random, sound: Envelope) -> bytes:
    text = _json(sound)
    packed = _gzip(text)
    return rng.choice(
        (packed[: rng.randrange(2, len(packed))], packed + b"tail", packed + packed, _gzip(packed),
         packed[:12] + rng.randbytes(20) + packed[32:], base64.b64encode(base64.b64encode(text)),
         base64.b64encode(text)[:-3], base64.b64encode(packed)[:-9], _gzip(base64.b64encode(text)),
         base64.b64encode(text) + b"!", b"\x1f\x8b", _gzip(b""), b"".join(_gzip(b" ") for _ in range(99)))
    )  # fmt: skip


def _bomb(rng: random.Random, sound: Envelope) -> bytes:
    bomb = _gzip_bomb()
    return rng.choice((bomb, base64.b64encode(bomb), _gzip(bomb)))


def _noise(rng: random.Random, sound: Envelope) -> bytes:
    return rng.choice(
        (b"", b" ", b"null", b"true", b"5", b'"text"', b"[]", b"{}", b"[[]]", b"[{}]", b"hello, world", b"<xml/>",
         b"PK\x03\x04", rng.randbytes(rng.randrange(1, 400)), bytes(rng.randrange(1, 400)), b"{" * _DEPTH,
         b"[" * _DEPTH, b"[" + b"0," * 20_000 + b"0]", _json(sound["MessageBody"]))
    )  # fmt: skip


_MAKERS: dict[Maker, float] = {
    _sound: 12,
    _packed: 12,
    _other_content: 3,
    _list_with_rotten_elements: 6,
    _cut: 6,
    _flipped: 8,
    _spliced: 6,
    _wrong_encoding: 3,
    _wrong_value: 20,
    _missing_member: 6,
    _raw_token: 8,
    _doubled_keys: 3,
    _wrong_head: 8,
    _swapped_body: 4,
    _damaged_packing: 4,
    _bomb: 0.1,
    _noise: 5,
}
