"""Pictures of laser-etched codes, generated: 26 conditions of mark, surface, light and camera.

Each condition is one thing that goes wrong on a line, at a strength where a plain decoder begins to
fail. The same number gives the same picture on every machine.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Grey = NDArray[np.uint8]

SYMBOLOGIES = ("QRCode", "DataMatrix", "MicroQRCode")
_SUB = 12  # sub-pixels to a module while the mark is drawn
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What went wrong. Lengths are in modules unless they are in pixels of the picture."""

    pixels: float = 6.0  # a module's size in the picture
    dot: float | None = None  # diameter of round dots; None engraves squares
    size: float = 1.0  # a square's size: more than 1 burnt too hot, less too cold
    light_on_dark: bool = False
    contrast: float = 0.7  # of full scale
    missing: float = 0.0  # share of pulses that did not fire
    jitter: float = 0.0  # how far pulses fall beside the grid
    weave: float = 0.0  # strength of glass weave under the mark
    scratches: int = 0
    angle: float = 0.0  # degrees
    tilt: float = 0.0  # share of the picture by which a corner moves
    slope: float = 0.0  # of the light, over the picture
    glare: float = 0.0  # strength of a reflection
    blur: float = 0.5  # sigma in pixels
    motion: int = 1  # pixels
    noise: float = 4.0  # of 255


CONDITIONS: dict[str, Conditions] = {
    "plain": Conditions(),
    "light on dark": Conditions(light_on_dark=True),
    "touching dots": Conditions(dot=1.0),
    "dots apart": Conditions(dot=0.75),
    "small dots": Conditions(dot=0.6),
    "light dots on dark": Conditions(dot=0.75, light_on_dark=True),
    "faint": Conditions(contrast=0.25),
    "very faint": Conditions(contrast=0.14, noise=5),
    "noisy": Conditions(noise=22),
    "very noisy": Conditions(noise=38, pixels=7),
    "out of focus": Conditions(blur=2.2),
    "far out of focus": Conditions(blur=2.8),
    "small": Conditions(pixels=3.0, blur=0.6),
    "very small": Conditions(pixels=2.3, blur=0.5),
    "turned a little": Conditions(angle=8, dot=0.85),
    "turned far": Conditions(angle=33, dot=0.8),
    "tilted": Conditions(tilt=0.09, blur=0.9),
    "lit from one side": Conditions(slope=0.75, contrast=0.45),
    "reflecting": Conditions(glare=0.8, contrast=0.45),
    "burnt too hot": Conditions(size=1.35),
    "burnt too cold": Conditions(size=0.62),
    "pulses missing": Conditions(missing=0.035, dot=0.9),
    "scratched": Conditions(scratches=3),
    "glass weave": Conditions(weave=0.1, contrast=0.35),
    "in motion": Conditions(motion=8),
    "everything at once": Conditions(
        dot=0.85, light_on_dark=True, contrast=0.4, missing=0.01, jitter=0.06, angle=5, slope=0.35, blur=0.9, noise=9
    ),
}


@dataclass(frozen=True, slots=True)
class Etched:
    """A picture, what it holds and what went wrong."""

    condition: str
    text: str
    grey: Grey


def etched(symbology: str, each: int, seed: int = 1) -> Iterator[Etched]:
    """`each` pictures of every condition, of another serial each."""
    for condition, wrong in CONDITIONS.items():
        for number in range(each):
            chance = random.Random(f"{symbology} {condition} {number} {seed}")
            text = "".join(chance.choice(_ALPHABET) for _ in range(10))
            yield Etched(condition, text, photograph(modules(symbology, text), _varied(wrong, chance), chance))


def _varied(wrong: Conditions, chance: random.Random) -> Conditions:
    """No two marks are alike: strengths vary by a tenth, and every camera stands a little askew."""
    strength = chance.uniform(0.9, 1.1)
    varied: dict[str, Any] = {
        name: getattr(wrong, name) * strength for name in ("slope", "glare", "noise", "blur", "tilt", "missing")
    }
    varied["angle"] = wrong.angle * chance.choice((-1, 1)) * strength + chance.gauss(0, 1)
    varied["pixels"] = wrong.pixels * chance.uniform(0.97, 1.07)
    return replace(wrong, **varied)


def modules(symbology: str, text: str) -> NDArray[np.bool_]:
    """The symbol, True where the laser fires, without its quiet zone."""
    options: dict[str, Any] = {} if symbology == "DataMatrix" else {"ec_level": "M"}
    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, symbology), **options)
    return np.array(barcode.to_image(scale=1, add_quiet_zones=False)) < 128


def photograph(symbol: NDArray[np.bool_], wrong: Conditions, chance: random.Random) -> Grey:
    """Engrave the symbol and take its picture."""
    noise = np.random.default_rng(chance.getrandbits(64))
    quiet = 4
    mark = np.pad(_engraved(symbol, wrong, noise), quiet * _SUB)
    ground, sign = (40.0, 1) if wrong.light_on_dark else (205.0, -1)
    tone = ground + sign * 255 * wrong.contrast * mark
    tone = tone + 255 * wrong.weave * _weave(mark.shape)
    image = _scratched(Image.fromarray(tone.clip(0, 255).astype(np.uint8)), wrong.scratches, chance)
    pixels = round((symbol.shape[0] + 2 * quiet) * wrong.pixels)
    seen = np.asarray(_seen(image, pixels, wrong, chance, ground), dtype=np.float32)
    seen = seen * _light(seen.shape, wrong, chance)
    blurred = Image.fromarray(seen.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(wrong.blur))
    grey = np.asarray(blurred, dtype=np.float32)
    if wrong.motion > 1:
        grey = np.mean([np.roll(grey, shift, axis=1) for shift in range(round(wrong.motion))], axis=0)
    return (grey + noise.normal(0, wrong.noise, grey.shape)).clip(0, 255).astype(np.uint8)


def _engraved(symbol: NDArray[np.bool_], wrong: Conditions, noise: np.random.Generator) -> NDArray[np.float32]:
    """What the laser took away, 0 to 1: one pulse a module, larger than it where it was too hot."""
    rows, columns = symbol.shape
    surface = np.zeros(((rows + 2) * _SUB, (columns + 2) * _SUB), dtype=np.float32)
    reach = np.arange(2 * _SUB) - _SUB + 0.5
    across = reach / _SUB
    for row, column in np.argwhere(symbol):
        if noise.random() < wrong.missing:
            continue
        dy, dx = noise.normal(0, wrong.jitter, 2) if wrong.jitter else (0.0, 0.0)
        y, x = np.meshgrid(across - dy, across - dx, indexing="ij")
        if wrong.dot is not None:
            pulse = np.hypot(x, y) <= wrong.dot / 2
        else:
            pulse = np.maximum(abs(x), abs(y)) <= wrong.size / 2
        top, left = int((row + 0.5) * _SUB), int((column + 0.5) * _SUB)
        patch = surface[top : top + 2 * _SUB, left : left + 2 * _SUB]
        np.maximum(patch, pulse, out=patch)
    return surface


def _weave(shape: tuple[int, ...]) -> NDArray[np.float64]:
    y, x = np.mgrid[: shape[0], : shape[1]] / _SUB
    return np.asarray(np.sin(x * 1.9) * np.sin(y * 2.1))


def _scratched(image: Image.Image, count: int, chance: random.Random) -> Image.Image:
    tone = np.asarray(image).copy()
    side = tone.shape[0]
    for _ in range(count):
        place, lean = chance.uniform(0.2, 0.8) * side, chance.uniform(-0.4, 0.4)
        for row in range(side):
            start = int(place + lean * (row - side / 2))
            tone[row, max(start, 0) : max(start + _SUB // 2, 0)] = chance.choice((150, 160))
    return Image.fromarray(tone)


def _seen(image: Image.Image, pixels: int, wrong: Conditions, chance: random.Random, ground: float) -> Image.Image:
    edge = image.size[0]
    turned = image.rotate(wrong.angle, Image.Resampling.BICUBIC, expand=True, fillcolor=int(ground))
    pixels = round(pixels * turned.size[0] / edge)
    edge = turned.size[0]
    moved = [chance.uniform(0, wrong.tilt) * edge for _ in range(8)]
    # The picture's corners look at these points of the surface: counter-clockwise from the upper left.
    quad = (
        moved[0], moved[1], moved[2], edge - moved[3], edge - moved[4], edge - moved[5], edge - moved[6], moved[7],
    )  # fmt: skip
    side = max(pixels, 8)
    big = turned.transform((side * 2, side * 2), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    return big.resize((side, side), Image.Resampling.BOX)


def _light(shape: tuple[int, ...], wrong: Conditions, chance: random.Random) -> NDArray[np.float32]:
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    light = 1 - wrong.slope / 2 + wrong.slope / 2 * chance.choice((-1, 1)) * x[None, :] + 0 * y[:, None]
    if wrong.glare:
        at = chance.uniform(-0.6, 0.6), chance.uniform(-0.6, 0.6)
        light = light + wrong.glare * np.exp(-((x[None, :] - at[0]) ** 2 + (y[:, None] - at[1]) ** 2) / 0.08)
    return np.asarray(light, dtype=np.float32)
