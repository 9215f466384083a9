"""`python -m app.bench NAME [--scale small|full]`: one benchmark, as `python3 -m app bench` runs it."""

import argparse
import sys

from app.bench.running import BENCHES, run
from app.errors import BirthmarkError
from app.settings import settings


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="bench", description="Run a benchmark beside its reference.")
    parser.add_argument("name", choices=tuple(BENCHES))
    parser.add_argument("--scale", choices=("small", "full"), default="small")
    given = parser.parse_args()
    try:
        return run(given.name, given.scale, settings().data_dir)
    except BirthmarkError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
