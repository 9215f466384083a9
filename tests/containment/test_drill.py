"""The recall drill: blind, repeatable by its seed, honest about what is missing; and the progress of long deeds."""

import pytest
from sqlalchemy import Engine, text

from app.db import session
from app.errors import NotFound
from app.live import going_on, reporting
from app.products.models import BomItem, Product, ProductRevision
from app.quality.drill import drills, run_drill
from tests.containment.stories import ACTOR, build, send
from tests.inbox.messages import count, entry, installed, stored


def bill(engine: Engine, *designators: str) -> None:
    """What WO-1 builds, and what belongs on it."""
    with session(engine) as orm:
        product = Product(part_number="PCA-1")
        orm.add(product)
        orm.flush()
        revision = ProductRevision(product_id=product.product_id, revision="A")
        orm.add(revision)
        orm.flush()
        number = revision.product_revision_id
        orm.add_all(
            BomItem(product_revision_id=number, reference_designator=one, part_number="R0603-10K")
            for one in designators
        )
        orm.execute(text("UPDATE work_order SET product_revision_id = :n WHERE number = 'WO-1'"), {"n": number})


def test_it_finds_the_units_and_says_how_many_are_complete(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2", "SN-3")
    bill(engine, "R1", "R2", "R3")
    stored(engine, installed(entry("SN-1", "REEL-1", ["R3"]), when=20))
    send(engine, "SN-2")
    with engine.begin() as connection:
        done = run_drill(connection, actor=ACTOR, seed=3)
        assert drills(connection) == [done]
    assert (done.lot, done.packages, done.units, done.exact, done.shipped) == ("A17", 1, 3, 3, 1)
    assert (done.complete, round(done.completeness, 2)) == (1, 0.33)
    assert 0 < done.seconds < 60
    assert count(engine, "audit", "deed = 'drill.run'") == 1


def test_without_a_bill_nothing_is_called_complete(engine: Engine) -> None:
    build(engine, "SN-1")
    with engine.begin() as connection:
        assert run_drill(connection, actor=ACTOR).complete == 0


def test_a_seed_picks_the_same_lot_and_others_pick_others(engine: Engine) -> None:
    for n in range(6):
        build(engine, f"SN-{n}", package=f"REEL-{n}", lot=f"LOT-{n}")
    with engine.begin() as connection:
        picked = {seed: run_drill(connection, actor=ACTOR, seed=seed).lot for seed in range(8)}
        assert {seed: run_drill(connection, actor=ACTOR, seed=seed).lot for seed in range(8)} == picked
    assert len(set(picked.values())) > 2


def test_where_no_lot_is_known_it_says_what_to_do(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(NotFound, match="lot code"):
        run_drill(connection, actor=ACTOR)


def test_a_long_deed_is_seen_while_it_runs_and_gone_afterwards(engine: Engine) -> None:
    with reporting(engine, deed="Containing lot A17", actor="quinn") as progress:
        progress("finding units", 10)
        progress("writing holds", 20, 40)
        with engine.connect() as connection:
            (step,) = going_on(connection)
        assert (step.deed, step.stage, step.done, step.expected) == ("Containing lot A17", "writing holds", 20, 40)
    with engine.connect() as connection:
        assert going_on(connection) == []
