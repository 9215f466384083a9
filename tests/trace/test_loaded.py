"""When a package was in which slot, by what stations told of loading, splicing and running empty."""

from sqlalchemy import Engine, text

from app.trace.loaded import loaded_intervals
from tests.inbox.messages import at, stored
from tests.trace.reels import empty, joined, loaded


def test_a_reel_that_ran_empty_as_the_next_was_put_on_is_not_in_the_slot_with_it(engine: Engine) -> None:
    stored(engine, loaded("R-1", when=0), joined("R-1", "R-2", when=50), empty("R-1", when=50), loaded("R-2", when=50))
    stored(engine, joined("R-2", "R-3", when=90), empty("R-2", when=90), loaded("R-3", when=90))
    with engine.connect() as connection:
        packages = connection.execute(text("SELECT identifier, package_id FROM package"))
        ids = {row.identifier: row.package_id for row in packages}
        found = loaded_intervals(connection, sorted(ids.values()), None)
    there = {
        name: {(one.since, one.until) for one in found if one.package_id == number} for name, number in ids.items()
    }
    assert there == {"R-1": {(at(0), at(50))}, "R-2": {(at(50), at(90))}, "R-3": {(at(90), None)}}
