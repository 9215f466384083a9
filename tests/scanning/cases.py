"""The table that the server's and the page's reading of scans are both held to."""

import json
from pathlib import Path
from typing import Any

from app.scanning.codes import CodeKind, layout_test, make_code
from app.scanning.rules import CHECKS, SerialFormat

FORMATS = {
    "demo": [SerialFormat("******-#####-!", "mod37_36")],
    "luhn": [SerialFormat("##########!", "luhn")],
    "escaped": [SerialFormat(r"\#@####")],
    "none": [],
}


def cases() -> list[dict[str, Any]]:
    """`scan`, `formats`, and what it must be: `kind`, `value`, and the `code` of a refusal."""
    rows = json.loads((Path(__file__).parent / "scans.json").read_text(encoding="utf-8"))
    return [_whole(row) for row in rows]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """`?` stands for the right check character, `code` for what is printed."""
    if "code" in row and "scan" not in row:
        letter, payload = row.pop("code")
        row["scan"] = layout_test() if letter == "T" else make_code(CodeKind(letter), payload)
    if row.pop("fill", False):
        body = row["scan"].removeprefix("]d1").partition("?")[0]
        check = CHECKS["mod37_36"](body.replace("-", ""))
        row["scan"] = row["scan"].replace("?", check)
        row["value"] = row.get("value", row["scan"]).replace("?", check)
    return row
