"""A serial's QR code as a laser leaves it on a board, and what a camera makes of it.

`engrave` decides what is on the board for good: tone, dots that are missing or too small, the
grain of the solder mask. `photograph` is one exposure of it: angle, focus, uneven light, glare,
sensor noise. A second exposure of the same mark differs in the second half only; marking again
differs in both. Images are 8-bit grey, as line cameras give them.

How hard a mark is to read grows with `severity`: 0 is a textbook mark, 1 the worst that still
leaves a good laser. At severity 1 about a quarter is beyond a plain decoder.
"""

import random
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import qrcode
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from qrcode.constants import ERROR_CORRECT_M

Grey = NDArray[np.uint8]
Tone = NDArray[np.float32]

_QUIET_ZONE: Final = 4  # modules, ISO/IEC 18004 clause 9.1
_SUPERSAMPLING: Final = 8  # sub-pixels to a module, enough for round dots


@dataclass(frozen=True, slots=True)
class Mark:
    """One engraved QR code; `surface` is its tone, 0 black to 255 white, at 8 x 8 a module."""

    text: str
    style: Literal["solid", "dotted"]
    polarity: Literal["dark_on_light", "light_on_dark"]
    severity: float
    background: float
    surface: Tone


def engrave(text: str, chance: random.Random, *, severity: float = 0.3) -> Mark:
    """Engrave `text` (ISO/IEC 18004, level M) as one of the looks a laser gives.

    A CO2 laser on white ink leaves dark modules on light, one that ablates the green solder mask
    light on dark; a pulsed laser leaves dots that do not touch.
    """
    # Any of the eight masks is read alike; trying them all for the fairest one takes longest.
    mask = chance.randrange(8)
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=_QUIET_ZONE, box_size=1, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=True)
    modules = np.array(code.get_matrix(), dtype=bool)
    noise = np.random.default_rng(chance.getrandbits(64))
    style: Literal["solid", "dotted"] = "dotted" if chance.random() < 0.4 else "solid"
    light = chance.random() < 0.4
    background = chance.uniform(60, 95) if light else chance.uniform(150, 215)
    contrast = chance.uniform(95 - 50 * severity, 140 - 60 * severity)
    depth = _depth(modules, style, noise, severity, chance)
    grain = (2 + 5 * severity) * noise.standard_normal(depth.shape, dtype=np.float32)
    surface = background + np.float32(contrast if light else -contrast) * depth + grain
    return Mark(
        text,
        style,
        "light_on_dark" if light else "dark_on_light",
        severity,
        background,
        surface.astype(np.float32),
    )


def _depth(
    modules: NDArray[np.bool_],
    style: Literal["solid", "dotted"],
    noise: np.random.Generator,
    severity: float,
    chance: random.Random,
) -> Tone:
    """Give how deep the laser went at every sub-pixel, 0 to 1: one pulse or patch a module."""
    side = _SUPERSAMPLING
    across = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    if style == "dotted":
        radius = chance.uniform(0.46 - 0.08 * severity, 0.52 - 0.08 * severity)
        pulse = np.hypot(across[:, None], across[None, :]) <= radius
    else:
        # Heat makes a patch grow or shrink against the grid by a tenth or so.
        half = chance.uniform(0.5 - 0.09 * severity, 0.5)
        pulse = np.maximum(abs(across[:, None]), abs(across[None, :])) <= half
    power = noise.normal(1.0, 0.05 + 0.12 * severity, modules.shape).clip(0.3, 1.2)
    power[noise.random(modules.shape) < 0.008 * severity**2] = 0.0  # a pulse that did not fire
    return np.kron(modules * power, pulse).astype(np.float32)


def photograph(mark: Mark, chance: random.Random) -> Grey:
    """Take one exposure: some 5 to 8 pixels a module, turned, out of true, unevenly lit, noisy."""
    severity = mark.severity
    height = mark.surface.shape[0] // _SUPERSAMPLING
    pixels = int(height * chance.uniform(6.5 - 2.0 * severity, 8.0 - 1.5 * severity))
    tone = Image.fromarray(mark.surface)
    edge = float(mark.surface.shape[0])
    corners = _corners(edge, chance, severity)
    warped = tone.transform(
        (pixels, pixels),
        Image.Transform.PERSPECTIVE,
        _perspective(float(pixels), corners),
        Image.Resampling.BILINEAR,
        fillcolor=mark.background,
    )
    light = _light(pixels, chance, severity)
    exposed = np.asarray(warped, dtype=np.float32) * light
    noise = np.random.default_rng(chance.getrandbits(64))
    blurred = Image.fromarray(exposed.clip(0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(chance.uniform(0.3, 0.5 + 1.1 * severity))
    )
    grey = np.asarray(blurred, dtype=np.float32)
    grey = grey + np.float32(2 + 9 * severity) * noise.standard_normal(grey.shape, dtype=np.float32)
    return grey.clip(0, 255).astype(np.uint8)


def _corners(edge: float, chance: random.Random, severity: float) -> list[tuple[float, float]]:
    """Give where the picture's corners look on the surface: turned, and the camera tilted."""
    angle = np.radians(chance.gauss(0, 2 + 10 * severity))
    tilt = 0.004 + 0.03 * severity
    centre = edge / 2
    found = []
    for x, y in ((0.0, 0.0), (edge, 0.0), (edge, edge), (0.0, edge)):
        dx = (x - centre) * (1 + chance.uniform(-tilt, tilt))
        dy = (y - centre) * (1 + chance.uniform(-tilt, tilt))
        found.append(
            (
                float(centre + dx * np.cos(angle) - dy * np.sin(angle)),
                float(centre + dx * np.sin(angle) + dy * np.cos(angle)),
            )
        )
    return found


def _perspective(pixels: float, corners: list[tuple[float, float]]) -> list[float]:
    """Solve for the eight coefficients that take the picture's corners to `corners`."""
    square = ((0.0, 0.0), (pixels, 0.0), (pixels, pixels), (0.0, pixels))
    rows: list[list[float]] = []
    wanted: list[float] = []
    for (x, y), (u, v) in zip(square, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(wanted))]


def _light(pixels: int, chance: random.Random, severity: float) -> Tone:
    """Give the light's strength at every pixel: a slope across, and a reflection at times."""
    across = np.linspace(-1, 1, pixels, dtype=np.float32)
    slope_x, slope_y = (chance.uniform(-0.35, 0.35) * severity for _ in range(2))
    light = 1 + slope_x * across[None, :] + slope_y * across[:, None]
    if chance.random() < 0.35 * severity:
        x, y = chance.uniform(-1, 1), chance.uniform(-1, 1)
        spread = chance.uniform(0.15, 0.5)
        distance = (across[None, :] - x) ** 2 + (across[:, None] - y) ** 2
        light = light + chance.uniform(0.2, 0.9) * np.exp(-distance / (2 * spread**2))
    return light.astype(np.float32)
