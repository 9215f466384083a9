"""The table of how serials look."""

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class SerialPattern(Base):
    """How serials of a product look; see `app.scanning.rules.SerialFormat`. A product may have had several."""

    __tablename__ = "serial_pattern"

    product_id: Mapped[int] = mapped_column(ForeignKey("product.product_id"), primary_key=True)
    pattern: Mapped[str] = mapped_column(Text, primary_key=True)
    check_character: Mapped[str | None] = mapped_column(Text)
