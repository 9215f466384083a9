"""Events the product refused, for the person at the station: look at them, send them again.

    python -m stations.rejected FILE.spool               what was refused, and why
    python -m stations.rejected FILE.spool --retry ID    put one back (or ``--retry all``)

Put an event back when its reason is gone, for instance after the station was registered. One the
product has meanwhile replayed from its quarantine is answered `duplicate` and leaves the spool.
The station's program must be stopped while this runs.
"""

import argparse
import sqlite3
import sys
from pathlib import Path

from stations.spool import Spool, SpoolInUse


def main(arguments: list[str] | None = None) -> int:
    """List or put back; 0 when done, 2 where the spool cannot be opened or holds no such event."""
    parser = argparse.ArgumentParser(
        prog="python -m stations.rejected", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spool", type=Path)
    parser.add_argument("--retry", metavar="ID|all")
    options = parser.parse_args(arguments)
    if not options.spool.is_file():
        sys.stderr.write(f"There is no spool {options.spool}.\n")
        return 2
    try:
        with Spool(options.spool) as spool:
            return _put_back(spool, options.retry) if options.retry else _list(spool)
    except (SpoolInUse, sqlite3.DatabaseError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _list(spool: Spool) -> int:
    for one in spool.rejected(limit=1_000_000):
        sys.stdout.write(f"{one.rejected_at} {one.unique_id} {one.message_name}: {one.reason}\n")
    sys.stdout.write(f"{len(spool)} events wait for their receipt, {spool.rejected_count} were rejected\n")
    return 0


def _put_back(spool: Spool, which: str) -> int:
    chosen = [one.unique_id for one in spool.rejected(limit=1_000_000) if which in {"all", one.unique_id}]
    if not chosen:
        sys.stderr.write(f"No rejected event {which} in {spool.path}.\n")
        return 2
    for unique_id in chosen:
        spool.retry(unique_id)
    sys.stdout.write(f"{len(chosen)} events go out again with the station's next start\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
