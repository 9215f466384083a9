"""Tables of work instructions: what a person does at an operation, step by step, with pictures."""

from sqlalchemy import ForeignKey, Identity, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class InstructionPicture(Base):
    """A picture, stored once; `digest` is the SHA-256 of its bytes."""

    __tablename__ = "instruction_picture"

    picture_id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class InstructionStep(Base):
    """One step at an operation of a product revision, from 1 on. `reference_designators` are marked on the board."""

    __tablename__ = "instruction_step"

    product_revision_id: Mapped[int] = mapped_column(
        ForeignKey("product_revision.product_revision_id"), primary_key=True
    )
    operation: Mapped[str] = mapped_column(Text, primary_key=True)
    step: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    says: Mapped[str] = mapped_column(Text)
    reference_designators: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    picture_id: Mapped[int | None] = mapped_column(ForeignKey("instruction_picture.picture_id"))
