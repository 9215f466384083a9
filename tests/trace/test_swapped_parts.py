"""A part is changed for another in the same place: the old one came out, however the bench tells it; the new one stays.

The bench tells both at once, or one after the other, in either order.
"""

import pytest
from sqlalchemy import Engine

from app.trace.made_from import made_from
from tests.containment.stories import contain, held
from tests.inbox.messages import entry, initialized, installed, stored, uninstalled
from tests.trace.test_missing_reports import ASSEMBLY, BENCH, built
from tests.trace.test_what_goes_in import carriers

CHANGED_AT = 100


def changed(engine: Engine, new: str, *, out_at: float, named: str | None) -> None:
    """R1 of SN-1 was of REEL-1; it is changed for one of `new` before SN-1 is built into BX."""
    stored(
        engine,
        installed(entry("SN-1", "REEL-1", ["R1"]), when=0),
        uninstalled("SN-1", ["R1"], package=named, when=out_at, source=BENCH),
        installed(entry("SN-1", new, ["R1"], slot=None), when=CHANGED_AT, source=BENCH),
        built("BX", "SN-1", 200),
    )


@pytest.mark.parametrize("named", ["REEL-1", None])
@pytest.mark.parametrize("out_at", [CHANGED_AT - 1, CHANGED_AT])
def test_what_is_built_around_it_holds_the_new_one(engine: Engine, out_at: float, named: str | None) -> None:
    changed(engine, "REEL-9", out_at=out_at, named=named)
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-9") == {"SN-1": "exact R1", "BX": "exact in SN-1"}
        assert set(carriers(connection, package="REEL-1")) == {"SN-1"}


def test_what_is_told_out_after_may_be_either(engine: Engine) -> None:
    """It names the old one, which may be what was taken out first; or whoever told it mistook the new one for it."""
    changed(engine, "REEL-9", out_at=CHANGED_AT + 5, named="REEL-1")
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-9") == {"SN-1": "exact R1", "BX": "bounded in SN-1"}
        assert set(carriers(connection, package="REEL-1")) == {"SN-1"}


@pytest.mark.parametrize("named", ["REEL-1", None])
def test_for_another_of_the_same_reel(engine: Engine, named: str | None) -> None:
    changed(engine, "REEL-1", out_at=CHANGED_AT, named=named)
    with engine.connect() as connection:
        assert carriers(connection, package="REEL-1") == {"SN-1": "exact R1", "BX": "exact in SN-1"}
        parts = made_from(connection, "SN-1").installations
        assert sorted(one.removed_at is None for one in parts) == [False, True]


def test_a_child_for_another(engine: Engine) -> None:
    stored(
        engine,
        initialized(None, "OLD", "NEW", when=0),
        built("BX", "OLD", 10),
        uninstalled("BX", ["A1"], when=CHANGED_AT, source=ASSEMBLY),
        built("BX", "NEW", CHANGED_AT),
        built("CASE", "BX", 200),
    )
    contain(engine, serials=["NEW"])
    assert set(held(engine, "BX", "CASE", "OLD")) == {"BX", "CASE"}
    with engine.connect() as connection:
        assert set(carriers(connection, serial="NEW")) == {"BX", "CASE"}
        assert set(carriers(connection, serial="OLD")) == {"BX"}
