"""Work instructions of an operation, and the drawing of the board they speak of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.errors import Invalid, NotFound
from app.people import record_audit
from app.products.drawing import Drawing, Part, Side, draw
from app.products.instruction_models import InstructionPicture, InstructionStep
from app.products.models import BomItem, ProductRevision
from app.sentences import Sentence

LARGEST_PICTURE = 1_500_000
MOST_STEPS = 200
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, the designators it is about, and a picture's number."""

    says: str
    reference_designators: tuple[str, ...] = ()
    picture_id: int | None = None


def instructions(connection: Connection, product_revision_id: int, operation: str) -> Sequence[Step]:
    """The steps of an operation, in order; empty where nobody wrote any."""
    rows = connection.execute(
        select(InstructionStep.says, InstructionStep.reference_designators, InstructionStep.picture_id)
        .where(
            InstructionStep.product_revision_id == product_revision_id,
            InstructionStep.operation == operation,
        )
        .order_by(InstructionStep.step)
    )
    return [Step(row.says, tuple(row.reference_designators), row.picture_id) for row in rows]


def write_instructions(
    connection: Connection, product_revision_id: int, operation: str, steps: Sequence[Step], *, actor: str
) -> None:
    """Give an operation its instructions, in place of those it had. Raises `Invalid` for an empty step."""
    if not operation.strip() or len(steps) > MOST_STEPS or any(not step.says.strip() for step in steps):
        raise Invalid(
            Sentence(
                "Instructions belong to an operation and have at most %(count_most)s steps, none of them empty.",
                count_most=MOST_STEPS,
            )
        )
    known = select(ProductRevision.revision).where(ProductRevision.product_revision_id == product_revision_id)
    if connection.execute(known).one_or_none() is None:
        raise NotFound(
            Sentence(
                "There is no product revision %(revision)s. GET /api/v1/products lists them.",
                revision=product_revision_id,
            )
        )
    connection.execute(
        delete(InstructionStep).where(
            InstructionStep.product_revision_id == product_revision_id,
            InstructionStep.operation == operation,
        )
    )
    rows = [
        {
            "product_revision_id": product_revision_id,
            "operation": operation,
            "step": number,
            "says": step.says.strip(),
            "reference_designators": list(step.reference_designators),
            "picture_id": step.picture_id,
        }
        for number, step in enumerate(steps, start=1)
    ]
    if rows:
        connection.execute(insert(InstructionStep), rows)
    record_audit(
        connection, actor=actor, deed="instructions.written", subject=f"product_revision:{product_revision_id}",
        operation=operation, steps=[step.says for step in steps],
    )  # fmt: skip


def add_picture(connection: Connection, content: bytes) -> int:
    """Keep a PNG or JPEG; return its number, the same for the same bytes. Raises `Invalid` for anything else."""
    media_type = next((kind for head, kind in _KINDS.items() if content.startswith(head)), None)
    if media_type is None or len(content) > LARGEST_PICTURE:
        raise Invalid(Sentence("A picture is a PNG or JPEG of at most %(count)s kB.", count=LARGEST_PICTURE // 1000))
    digest = hashlib.sha256(content).digest()
    return connection.execute(
        upsert(InstructionPicture)
        .values(digest=digest, media_type=media_type, content=content)
        .on_conflict_do_update(index_elements=[InstructionPicture.digest], set_={"media_type": media_type})
        .returning(InstructionPicture.picture_id)
    ).scalar_one()


def picture(connection: Connection, picture_id: int) -> tuple[str, bytes]:
    """Media type and bytes. Raises `NotFound`."""
    row = connection.execute(
        select(InstructionPicture.media_type, InstructionPicture.content).where(
            InstructionPicture.picture_id == picture_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound(Sentence("There is no picture %(number)s.", number=picture_id))
    return row.media_type, row.content


def board_drawing(connection: Connection, product_revision_id: int, side: Side) -> Drawing:
    """One side of a product revision's board, from its bill of material."""
    rows = connection.execute(
        select(
            BomItem.reference_designator,
            BomItem.part_number,
            BomItem.value,
            BomItem.footprint,
            BomItem.side,
            BomItem.x,
            BomItem.y,
            BomItem.rotation,
        )
        .where(BomItem.product_revision_id == product_revision_id)
        .order_by(BomItem.reference_designator)
    )
    return draw([Part(*row) for row in rows], side)
