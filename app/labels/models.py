"""The table of label printers."""

from sqlalchemy import Float, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class LabelPrinter(Base):
    """A label printer on the network that understands ZPL. Lengths of its label are in millimetres."""

    __tablename__ = "label_printer"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    port: Mapped[int] = mapped_column(Integer)
    width: Mapped[float] = mapped_column(Float)
    height: Mapped[float] = mapped_column(Float)
    dots_per_mm: Mapped[int] = mapped_column(SmallInteger)
