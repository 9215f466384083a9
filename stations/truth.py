"""What really happened, written from the things themselves and never from a message.

UTF-8 JSON lines, in the order things happened. Every line has ``kind``; identifiers are as the
machines speak them, times are true times (ISO 8601, UTC), whatever a station's clock said:

* ``run``: ``run``, ``seed``, ``board``, ``revision``, ``panels``, ``boards_per_panel``,
  ``stations`` (handles in line order).
* ``unit``: ``serial``, ``panel``, ``position_number``, ``work_order``.
* ``package``: ``package``, ``part_number``, ``lot``, ``manufacturer``, ``quantity``, ``bad``.
* ``placement``: ``serial``, ``panel``, ``position_number``, ``reference_designator``, ``package``,
  ``lot``, ``part_number``, ``station``, ``side`` (top, bottom), ``outcome`` (placed: the part is on
  the board; rejected: it is not), ``at``. What is on a board is its ``placed`` lines: one for every
  designator, since nothing is taken off on this line.
* ``applied``: ``serial``, ``panel``, ``position_number``, ``applied`` (paste, firmware),
  ``part_number``, ``package``, ``lot``, ``station``, ``at``.
* ``result``: ``serial``, ``outcome`` (passed, failed), ``bad_designators``: how the board left the line.
* ``lost``: ``station``, ``message_name``, ``panel``, ``serials``: a message the machine never sent (a
  fault, see `stations.faults`). What only such a message told cannot be known to the product.
* ``end``: ``panels``, ``boards``: the run came to its end; without this line it did not.
"""

import json
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Any, TextIO

from stations.panels import Applied, Board, Fit, Panel
from stations.reels import Reel


class Truth:
    """Writes the truth file, or nothing where `path` is None."""

    def __init__(self, path: Path | None) -> None:
        self._file: TextIO | None = None
        self._fits: dict[str, int] = {}
        self._applied: dict[str, int] = {}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")

    def run(self, **members: Any) -> None:
        """Write what is built."""
        self._write("run", members)

    def marked(self, panel: Panel) -> None:
        """Write which serial sits where."""
        for board in panel.boards:
            self._write("unit", {**_where(panel, board), "work_order": panel.work_order})

    def reels(self, reels: Iterable[Reel]) -> None:
        """Write packages that were handed out."""
        for reel in reels:
            self._write(
                "package",
                {
                    "package": reel.identifier,
                    "part_number": reel.lot.part_number,
                    "lot": reel.lot.code,
                    "manufacturer": reel.lot.manufacturer,
                    "quantity": reel.quantity,
                    "bad": reel.lot.bad,
                },
            )

    def look_at(self, panel: Panel) -> None:
        """Write what is new on the boards since they were looked at last."""
        if self._file is None:
            return
        for board in panel.boards:
            seen = self._fits.get(board.serial, 0)
            for fit in board.fits[seen:]:
                self._write("placement", {**_where(panel, board), **_fit(fit)})
            self._fits[board.serial] = len(board.fits)
            seen = self._applied.get(board.serial, 0)
            for applied in board.applied[seen:]:
                self._write("applied", {**_where(panel, board), **_applied(applied)})
            self._applied[board.serial] = len(board.applied)

    def left_the_line(self, panel: Panel) -> None:
        """Write how the boards came out, and forget them."""
        for board in panel.boards:
            bad = sorted(fit.reference_designator for fit in board.bad_parts())
            outcome = "failed" if board.failed_at else "passed"
            self._write("result", {"serial": board.serial, "outcome": outcome, "bad_designators": bad})
            self._fits.pop(board.serial, None)
            self._applied.pop(board.serial, None)

    def lost(self, station: str, message_name: str, panel: Panel | None) -> None:
        """Write that a machine kept a message to itself."""
        serials = [board.serial for board in panel.boards] if panel else []
        self._write(
            "lost",
            {
                "station": station,
                "message_name": message_name,
                "panel": panel.identifier if panel else None,
                "serials": serials,
            },
        )

    def end(self, panels: int, boards: int) -> None:
        """Write that the run came to its end, and close the file."""
        self._write("end", {"panels": panels, "boards": boards})
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, kind: str, members: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"kind": kind, **members}, ensure_ascii=False) + "\n")


def _where(panel: Panel, board: Board) -> dict[str, Any]:
    return {"serial": board.serial, "panel": panel.identifier, "position_number": board.position}


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "reference_designator": fit.reference_designator,
        "package": fit.part.package,
        "lot": fit.part.lot,
        "part_number": fit.part.part_number,
        "station": fit.station,
        "side": fit.side,
        "outcome": fit.outcome,
        "at": fit.at.astimezone(UTC).isoformat(),
    }


def _applied(applied: Applied) -> dict[str, Any]:
    return {
        "applied": applied.kind,
        "part_number": applied.part_number,
        "package": applied.package,
        "lot": applied.lot,
        "station": applied.station,
        "at": applied.at.astimezone(UTC).isoformat(),
    }
