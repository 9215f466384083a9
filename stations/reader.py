"""Read 2D codes from pictures on the command line, with the cascade of :mod:`app.decoding`.

As a process of its own, because a decoder is native code fed with strangers' pictures::

    python -m stations.reader IMAGE...     one JSON line a picture
    python -m stations.reader -            pictures' paths line by line from standard input

``{"image", "readings": [{"text", "base64", "symbology", "engine", "variant"}], "milliseconds"}``
or ``{"image", "error"}``. `text` is the content as UTF-8 or Latin-1 with its control characters;
`base64` is the exact content. The exit code is 0 where every picture held a code.
"""

import json
import sys
from collections.abc import Iterable, Iterator

from app.decoding.report import report
from stations.logs import configure_logging


def _paths(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        if argument == "-":
            yield from (line.rstrip("\n") for line in sys.stdin if line.strip())
        else:
            yield argument


def main(arguments: list[str]) -> int:
    """Print one JSON line a picture; 0 where all were read, 1 where one was not, 2 for no picture."""
    if not arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    configure_logging()
    unread = 0
    for path in _paths(arguments):
        found = report(path)
        unread += not found.get("readings")
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 1 if unread else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
