"""A board's two files as they are uploaded."""

import tempfile
from pathlib import Path

from fastapi import UploadFile

from app.errors import Invalid
from app.products.kicad import BoardDesign, BoardFileError, read_design
from app.sentences import Sentence

_LONGEST_FILE_NAME = 255  # bytes, in the file systems there are


def uploaded_design(
    bom: UploadFile, placements: UploadFile, *, name: str | None = None, revision: str | None = None
) -> BoardDesign:
    """The board that a bill of material and a placement file describe; see `read_design`. Raises `Invalid`."""
    with tempfile.TemporaryDirectory(prefix="birthmark-design-") as folder:
        paths = []
        for kind, upload in (("bom", bom), ("placements", placements)):
            # Only the end of the sender's file name is used, and never as a path of its own.
            path = Path(folder) / kind / _file_name(upload, kind)
            path.parent.mkdir()
            path.write_bytes(upload.file.read())
            paths.append(path)
        try:
            return read_design(*paths, name=name, revision=revision)
        except BoardFileError as refused:
            raise Invalid(refused.sentence) from None
        except OSError as refused:
            raise Invalid(
                Sentence("The files could not be read: %(problem)s.", problem=refused.strerror or str(refused))
            ) from None


def _file_name(upload: UploadFile, kind: str) -> str:
    name = Path(upload.filename or "").name
    if name in {"", ".."}:
        return f"{kind}.csv"
    if len(name.encode()) > _LONGEST_FILE_NAME or "\0" in name:
        raise Invalid(
            Sentence("The name of the file of %(kind)s cannot be one here. Give it a shorter, plainer one.", kind=kind)
        )
    return name
