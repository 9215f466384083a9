"""What a benchmark finds: figures with their reference and target, as a table for people and as JSON for machines.

Machines differ and are shared, so a target is, wherever it can be, a ratio of two things measured in one run.
"""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import psutil

Scale: TypeAlias = Literal["small", "full"]

_TOO_SMALL_FOR_DECIMALS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number. `ratio` is value / reference; `target` reads like `ratio <= 1/80`, `reached` says whether it is so.

    A figure without a target is shown for what it tells and cannot fail.
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    target: str | None = None
    reached: bool | None = None

    def ratio_at_most(self, limit: float) -> "Figure":
        """The same figure with the target that value / reference is no more than `limit`."""
        return self._aim("ratio <=", _fraction(limit), self._ratio() <= limit)

    def ratio_at_least(self, limit: float) -> "Figure":
        """The same figure with the target that value / reference is no less than `limit`."""
        return self._aim("ratio >=", _fraction(limit), self._ratio() >= limit)

    def at_most(self, limit: float) -> "Figure":
        """The same figure with the target that its value is no more than `limit`, in its unit."""
        return self._aim("<=", f"{_number(limit)} {self.unit}", self.value <= limit)

    def at_least(self, limit: float) -> "Figure":
        """The same figure with the target that its value is no less than `limit`, in its unit."""
        return self._aim(">=", f"{_number(limit)} {self.unit}", self.value >= limit)

    def _aim(self, relation: str, limit: str, reached: bool) -> "Figure":
        return replace(self, target=f"{relation} {limit}", reached=bool(reached))

    def _ratio(self) -> float:
        assert self.ratio is not None  # a ratio is only aimed at where there is a reference
        return self.ratio


def figure(name: str, value: float, unit: str, reference: float | None = None) -> Figure:
    """A figure, beside that of the reference where there is one."""
    ratio = value / reference if reference else None
    return Figure(name=name, value=value, unit=unit, reference=reference, ratio=ratio)


def render(figures: Sequence[Figure]) -> str:
    """The table shown at the end of a run."""
    head = ("", "this product", "reference", "ratio", "target", "")
    rows = [
        (
            one.name,
            f"{_number(one.value)} {one.unit}",
            "" if one.reference is None else f"{_number(one.reference)} {one.unit}",
            "" if one.ratio is None else _fraction(one.ratio),
            one.target or "",
            {True: "reached", False: "MISSED", None: ""}[one.reached],
        )
        for one in figures
    ]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """Those whose target was not reached."""
    return [one for one in figures if one.reached is False]


def write(folder: Path, name: str, scale: Scale, figures: Sequence[Figure]) -> Path:
    """Write `NAME.json` into `folder` (see "bench" in the contract) and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {"machine": machine(), "scale": scale, "figures": [asdict(one) for one in figures]}
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was with other things."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "load_average": load,
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _number(value: float) -> str:
    if value and abs(value) < 10:
        return f"{value:.3g}"
    return f"{value:,.1f}" if abs(value) < 1000 and value != int(value) else f"{value:,.0f}"


def _fraction(ratio: float) -> str:
    """0.0125 as 1/80."""
    return f"1/{1 / ratio:.4g}" if 0 < ratio < _TOO_SMALL_FOR_DECIMALS else f"{ratio:.3g}"
