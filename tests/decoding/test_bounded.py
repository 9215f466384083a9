"""Strangers' pictures: whatever is in them, the answer is a sentence, in time."""

import io
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from app.decoding.bounded import LARGEST, BoundedReader
from tests.decoding.etched import modules


def picture(text: str, form: str = "PNG") -> bytes:
    symbol = np.pad(modules("QRCode", text), 4)
    grey = np.where(np.kron(symbol, np.ones((6, 6), bool)), 0, 255).astype(np.uint8)
    written = io.BytesIO()
    Image.fromarray(grey).save(written, form)
    return written.getvalue()


@pytest.fixture(scope="module")
def reader() -> Iterator[BoundedReader]:
    reader = BoundedReader()
    yield reader
    reader.close()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_photograph_is_read(reader: BoundedReader, form: str) -> None:
    found = reader.read(picture("K3F9A2-1", form))
    assert [(one.text, one.symbology) for one in found.readings] == [("K3F9A2-1", "QRCode")]
    assert found.problem is None


def _png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"", "No picture arrived"),
        (b"nonsense", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(run me) print\n", "not a picture"),
        (picture("A")[:200], "cannot be"),
        (_png(60_000, 60_000, zlib.compress(bytes(1000))), "at most"),  # a bomb: 3.6 gigapixels
        (_png(12_000, 10_000, zlib.compress(bytes(1000))), "at most"),  # 120 megapixels
        (_png(100, 100, b"nonsense"), "cannot be"),
        (bytes(LARGEST + 1), "Send a smaller one"),
        (picture("A").replace(b"IHDR", b"IHDX"), ""),
    ],
)
def test_whatever_is_sent_is_answered(reader: BoundedReader, sent: bytes, says: str) -> None:
    found = reader.read(sent)
    assert found.readings == ()
    assert found.problem is not None
    assert says in found.problem


def test_a_thousand_broken_pictures_are_answered_and_the_next_one_is_read(reader: BoundedReader) -> None:
    chance = np.random.default_rng(3)
    whole = {form: picture("K3F9A2-1", form) for form in ("PNG", "JPEG", "WEBP", "TIFF", "GIF")}
    for number in range(1000):
        sent = bytearray(list(whole.values())[number % len(whole)])
        for place in chance.integers(0, len(sent), chance.integers(1, 20)):
            sent[place] = chance.integers(0, 256)
        found = reader.read(bytes(sent))
        assert {one.text for one in found.readings} <= {"K3F9A2-1"}
        assert found.readings or found.problem
    assert reader.read(picture("B2")).readings[0].text == "B2"


def test_one_that_hangs_is_killed_and_the_next_one_is_read(tmp_path: Path) -> None:
    program = tmp_path / "sleepy.py"
    program.write_text(
        "import sys, time, pathlib\nsys.path.insert(0, '.')\nfrom app.decoding import report as r\n"
        f"once = pathlib.Path({str(tmp_path / 'slept')!r})\nreal = r.report\n"
        "def report(path):\n    if not once.exists():\n        once.touch()\n        time.sleep(60)\n"
        "    return real(path)\n"
        "r.report = report\n"
        "for line in sys.stdin:\n    print(r.json.dumps(report(line.strip())), flush=True)\n"
    )
    reader = BoundedReader(patience=6, command=(str(program),))
    try:
        began = time.monotonic()
        assert "in time" in str(reader.read(picture("A")).problem)
        assert time.monotonic() - began < 15
        assert reader.read(picture("A")).readings[0].text == "A"
    finally:
        reader.close()


def test_one_that_dies_is_answered_at_once() -> None:
    reader = BoundedReader(command=("-c", "import sys, os; sys.stdin.readline(); os.abort()"))
    began = time.monotonic()
    assert "could not be read" in str(reader.read(picture("A")).problem)
    assert time.monotonic() - began < 7
    reader.close()


def test_more_than_a_few_at_once_are_told_to_wait() -> None:
    reader = BoundedReader(patience=2, command=("-c", "import sys, time; sys.stdin.readline(); time.sleep(60)"))
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(reader.read, [picture("A")] * 8))
    reader.close()
    assert any(one.busy for one in told)
    assert all(one.problem for one in told)


def test_no_process_is_left_behind(reader: BoundedReader) -> None:
    own = BoundedReader()
    own.read(picture("A"))
    assert own._process is not None
    child = psutil.Process(own._process.pid)
    own.close()
    assert not child.is_running()
