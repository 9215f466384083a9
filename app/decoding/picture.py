"""What the reader does to grey pictures before it tries again: pure array work, 8 bits in and out."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Grey = NDArray[np.uint8]


def no_larger_than(grey: Grey, edge: int) -> Grey:
    """Shrink so that the longer edge has at most `edge` pixels."""
    longest = max(grey.shape)
    if longest <= edge:
        return grey
    height, width = (max(1, size * edge // longest) for size in grey.shape)
    image = Image.fromarray(grey).resize((width, height), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.uint8)


def blur(grey: Grey, sigma: float) -> Grey:
    """Blur (Gaussian): joins the dots of a dotted code, takes the noise out of a grainy one."""
    return np.asarray(Image.fromarray(grey).filter(ImageFilter.GaussianBlur(sigma)), dtype=np.uint8)


def double(grey: Grey) -> Grey:
    """Double both edges (bicubic): decoders sample small modules better when they are larger."""
    height, width = grey.shape
    image = Image.fromarray(grey).resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)


def sharpen(grey: Grey, radius: float, percent: int) -> Grey:
    """Add what a blur would take away (unsharp mask): lifts modules out of a picture that is out of focus."""
    return np.asarray(Image.fromarray(grey).filter(ImageFilter.UnsharpMask(radius, percent, 0)), dtype=np.uint8)


def erode(grey: Grey, size: int) -> Grey:
    """Give every pixel the darkest of its `size` x `size` neighbours: dark dots grow together."""
    return _extreme(grey, size, darkest=True)


def dilate(grey: Grey, size: int) -> Grey:
    """Give every pixel the lightest of its `size` x `size` neighbours: light dots grow together."""
    return _extreme(grey, size, darkest=False)


def _extreme(grey: Grey, size: int, *, darkest: bool) -> Grey:
    pick = np.minimum if darkest else np.maximum
    before = (size - 1) // 2
    padded = np.pad(grey, (before, size - 1 - before), mode="edge")
    height, width = grey.shape
    rows = padded[:height]
    for shift in range(1, size):
        rows = pick(rows, padded[shift : shift + height])
    found = rows[:, :width]
    for shift in range(1, size):
        found = pick(found, rows[:, shift : shift + width])
    return found


def normalise(grey: Grey, window: int = 31) -> Grey:
    """Give every pixel its distance from the mean around it, in the deviations around it.

    Takes a slope of light out whole, which a threshold over the picture cannot.
    """
    tone = grey.astype(np.float64)
    mean = _box_mean(tone, window)
    variance = _box_mean(tone * tone, window) - mean * mean
    scaled = (tone - mean) / np.sqrt(np.maximum(variance, 25.0))
    return (128 + 64 * scaled).clip(0, 255).astype(np.uint8)


def _box_mean(tone: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    half = window // 2
    padded = np.pad(tone, half, mode="reflect" if min(tone.shape) > half else "edge")
    total = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    size = 2 * half + 1
    area = total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    return np.asarray(area / size**2, dtype=np.float64)


def equalise(grey: Grey, tiles: int = 8, clip: float = 3.0) -> Grey:
    """Stretch the contrast tile by tile (CLAHE, Zuiderveld 1994), blended between the tiles.

    No grey level of a tile may count more than `clip` times the mean, or noise would be stretched.
    """
    height, width = grey.shape
    rows = np.minimum(np.arange(height) * tiles // height, tiles - 1)
    columns = np.minimum(np.arange(width) * tiles // width, tiles - 1)
    tile = rows[:, None] * tiles + columns[None, :]
    counts = np.bincount(
        (tile * 256 + grey).ravel(), minlength=tiles * tiles * 256
    ).reshape(tiles * tiles, 256).astype(np.float64)  # fmt: skip
    pixels = counts.sum(axis=1, keepdims=True)
    limit = np.maximum(clip * pixels / 256, 1)
    excess = np.maximum(counts - limit, 0).sum(axis=1, keepdims=True)
    levels = (np.minimum(counts, limit) + excess / 256).cumsum(axis=1)
    table = (255 * levels / np.maximum(pixels, 1)).astype(np.float32).reshape(tiles, tiles, 256)
    above, below, y = _between(height, tiles)
    left, right, x = _between(width, tiles)
    top = (1 - x) * table[above[:, None], left[None, :], grey]
    top = top + x * table[above[:, None], right[None, :], grey]
    bottom = (1 - x) * table[below[:, None], left[None, :], grey]
    bottom = bottom + x * table[below[:, None], right[None, :], grey]
    blended = (1 - y[:, None]) * top + y[:, None] * bottom
    return np.asarray(blended.clip(0, 255), dtype=np.uint8)


def _between(size: int, tiles: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Give the tiles before and after every pixel, and how far it has come from the one before."""
    place = ((np.arange(size) + 0.5) * tiles / size - 0.5).clip(0, tiles - 1)
    before = np.floor(place).astype(np.intp)
    return before, np.minimum(before + 1, tiles - 1), (place - before).astype(np.float32)
