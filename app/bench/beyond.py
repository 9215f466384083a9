"""The product alone, ten times further than a row per placement is carried: 10^9 placements, a million boards.

Nine more lines build what the first one built, of reels of their own: what the recorder wrote for the first line is
copied in the tables, with other ids, names and digests, and the same placements. So a lookup on any line has the answer
that it had on the first, with that line's names, and each is compared.
"""

import random
import statistics
import time
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import inspect, text

from app.bench import lookups
from app.bench.figures import Figure, figure
from app.bench.running import Place
from app.db import create_engine

_SHIFTED = (
    "ARRAY(SELECT CASE id WHEN 0 THEN 0 ELSE id + {by} END FROM unnest({ids}) WITH ORDINALITY AS listed (id, place) "
    "ORDER BY place)"
)
_DIGEST = "decode(md5(digest || '{line}'), 'hex')"
_COPIED = {
    "lot": {"lot_id": "lot_id + {lot}", "lot_code": "'{line}:' || lot_code"},
    "package": {
        "package_id": "package_id + {package}", "identifier": "'{line}:' || identifier", "lot_id": "lot_id + {lot}",
    },
    "material_chunk": {
        "chunk_id": "chunk_id + {material_chunk}", "digest": _DIGEST,
        "package_ids": _SHIFTED.replace("{by}", "{package}").replace("{ids}", "package_ids"),
    },
    "material_set": {
        "set_id": "set_id + {material_set}", "digest": _DIGEST,
        "chunk_ids": _SHIFTED.replace("{by}", "{material_chunk}").replace("{ids}", "chunk_ids"),
    },
    "serial": {"serial": "'{line}:' || serial", "unit_id": "unit_id + {unit}"},
    "unit": {"unit_id": "unit_id + {unit}", "serial": "'{line}:' || serial"},
    "installation": {
        "unit_id": "unit_id + {unit}", "event_id": "event_id + {unit}", "set_id": "set_id + {material_set}",
    },
}  # fmt: skip
"""What differs on another line, by table: `{line}` its number, `{table}` how far that table's ids are shifted."""


def multiply(place: Place, url: str, lines: int) -> None:
    """Let `lines` lines in all have built what the first one built."""
    engine = create_engine(url, pool_size=1)
    keys = {"lot": "lot_id", "package": "package_id", "material_chunk": "chunk_id", "material_set": "set_id"}
    with engine.connect() as connection:
        highest = {
            table: int(connection.execute(text(f"SELECT max({key}) FROM {table}")).scalar_one())  # noqa: S608
            for table, key in {**keys, "unit": "unit_id"}.items()
        }
    for line in range(1, lines):
        shifts = {table: line * number for table, number in highest.items()}
        with engine.begin() as connection:
            for table, changed in _COPIED.items():
                columns = [str(column["name"]) for column in inspect(connection).get_columns(table)]
                values = [changed.get(name, name).format(line=line, **shifts) for name in columns]
                key, known = (
                    ("unit_id", "unit") if table in {"serial", "unit", "installation"} else (keys[table], table)
                )
                connection.execute(
                    text(
                        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608  (names of our own)
                        f"SELECT {', '.join(values)} FROM {table} WHERE {key} <= {highest[known]} ORDER BY {key}"
                    )
                )
        place.say(f"{line + 1} of {lines} lines")
    engine.dispose()


def answers(url: str, asked: Sequence[lookups.Asked]) -> dict[str, set[str]]:
    """What the first line's names are answered with."""
    with closing(lookups.connect(url)) as connection:
        return {name: one.own(connection, name) for one in asked for name in one.names}


def ask(url: str, asked: Sequence[lookups.Asked], told: dict[str, set[str]], lines: int) -> list[Figure]:
    """The same lookups on other lines, each name asked once. Raises AssertionError where an answer differs."""
    rng = random.Random(7)  # noqa: S311  (a sample, not a secret)
    figures = []
    with closing(lookups.connect(url)) as connection:
        for one in asked:
            times = []
            for name in one.names:
                line = rng.randrange(1, lines)
                started = time.perf_counter()
                found = one.own(connection, f"{line}:{name}")
                times.append(1000 * (time.perf_counter() - started))
                assert found == {f"{line}:{other}" for other in told[name]}, f"{one.what}: {name} on line {line}"
            this = figure(f"{one.what}, warm, at {lines} times as many boards", statistics.median(times), "ms")
            figures.append(this.at_most(5) if one.what.startswith("one serial") else this)
    return figures
