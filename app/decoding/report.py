"""What was read from one picture, as JSON says it; and the process that reads strangers' pictures.

``python -m app.decoding.report`` answers each path on standard input with one line on standard
output: ``{"image", "readings": [{"text", "base64", "symbology", "engine", "variant"}],
"milliseconds"}``, or ``{"image", "error"}``. `text` is the content as UTF-8 or Latin-1 with its
control characters; `base64` is the exact content.
"""

import base64
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from app.decoding.cascade import load, read

_MEMORY = 2 * 1024**3  # bytes of address space; 50 million pixels in colour take a tenth of it


def report(path: str) -> dict[str, Any]:
    """Read one picture and say what was found; whatever goes wrong is said, too."""
    started = time.perf_counter()
    try:
        readings = read(load(Path(path)))
    except ValueError as error:
        return {"image": path, "error": str(error)}
    except Exception as error:  # noqa: BLE001 - decoders of broken files raise whatever they like
        return {"image": path, "error": f"The picture cannot be read ({type(error).__name__}). Take another one."}
    return {
        "image": path,
        "readings": [
            {
                "text": reading.text,
                "base64": base64.b64encode(reading.content).decode(),
                "symbology": reading.symbology,
                "engine": reading.engine,
                "variant": reading.variant,
            }
            for reading in readings
        ],
        "milliseconds": round((time.perf_counter() - started) * 1000, 1),
    }


def answer_paths() -> None:
    """Answer until standard input ends. This process writes no file and takes no more memory than it needs."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows; a lower limit may hold already
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries and logs say is no answer
    for line in sys.stdin:
        answers.write(json.dumps(report(line.rstrip("\n"))) + "\n")
        answers.flush()


if __name__ == "__main__":
    answer_paths()
