"""The camera as a scanner: a fake video device shows a board with its serial's code."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qrcode
from PIL import Image
from playwright.sync_api import Browser
from sqlalchemy import Engine

from app import browser_libraries
from tests.stations_screens import facts, shop
from tests.stations_screens.conftest import launched, verdict
from tests.stations_screens.shop import Shop

WIDTH, HEIGHT = 640, 480


def board(text: str) -> Image.Image:
    """A green board with a light code on its solder mask, slightly turned, as it lies under a camera."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    code.make(fit=True)
    modules = np.kron(np.array(code.get_matrix(), dtype=np.uint8), np.ones((6, 6), dtype=np.uint8))
    label = Image.fromarray(225 - 200 * modules).convert("RGB")
    label = label.rotate(7, expand=True, fillcolor=(30, 95, 60), resample=Image.Resampling.BICUBIC)
    picture = Image.new("RGB", (WIDTH, HEIGHT), (30, 95, 60))
    picture.paste(label, ((WIDTH - label.width) // 2, (HEIGHT - label.height) // 2))
    return picture


def film(picture: Image.Image, path: Path, frames: int = 4) -> None:
    """The picture as YUV4MPEG2 with 4:2:0 chroma, which chromium plays in a loop."""
    y, cb, cr = (np.asarray(plane) for plane in picture.convert("YCbCr").split())
    small = [plane.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3)).astype(np.uint8) for plane in (cb, cr)]
    frame = b"FRAME\n" + y.tobytes() + small[0].tobytes() + small[1].tobytes()
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420\n".encode() + frame * frames)


@pytest.fixture
def filming(tmp_path: Path) -> Iterator[Browser]:
    film(board(shop.serial(1)), tmp_path / "board.y4m")
    yield from launched(
        [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={tmp_path / 'board.y4m'}",
        ]
    )


@pytest.mark.skipif("zxing.js" in browser_libraries.missing(), reason="the pages' libraries were not brought")
def test_a_board_held_into_the_camera_gets_its_verdict(
    filming: Browser, running: str, opened: Shop, engine: Engine
) -> None:
    page = filming.new_page()
    page.goto(f"{running}/login")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(shop.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{running}/station/work?at={shop.BENCH}")
    page.locator("[data-link][data-state=online]").wait_for()
    page.get_by_role("button", name="Camera").click()
    verdict(page, "GO", timeout=30_000)
    assert facts.works(engine, shop.BENCH) == [(shop.serial(1), None)]
    page.get_by_role("button", name="Close the camera").click()
    assert page.locator("[data-camera-box]").is_hidden()


def test_a_photo_goes_to_the_server_where_the_camera_cannot_be_had(
    filming: Browser, running: str, opened: Shop, engine: Engine, tmp_path: Path
) -> None:
    board(shop.serial(2)).save(tmp_path / "photo.png")
    context = filming.new_context()
    page = context.new_page()
    page.add_init_script("delete Navigator.prototype.mediaDevices")
    page.goto(f"{running}/login")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(shop.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{running}/station/work?at={shop.BENCH}")
    page.locator("[data-link][data-state=online]").wait_for()
    page.get_by_role("button", name="Camera").click()
    page.locator("[data-camera-words]", has_text="cannot be used here").wait_for()
    page.locator("[data-camera-photo]").set_input_files(tmp_path / "photo.png")
    verdict(page, "GO", timeout=30_000)
    assert facts.works(engine, shop.BENCH) == [(shop.serial(2), None)]
