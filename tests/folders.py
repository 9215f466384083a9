"""Data folders for embedded servers that a test starts."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.embedded import homes


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """An empty data folder; it and what its servers kept elsewhere is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="birthmark-tests-"))
    folder.chmod(0o755)  # run as root, the servers are another user and must get in
    try:
        yield folder
    finally:
        for name in ("postgres", "broker"):
            homes.remove(folder, name)
        shutil.rmtree(folder)
