"""What comes between a station and the product: messages are delayed, repeated and shuffled; none is lost here."""

from collections.abc import Sequence
from random import Random

from tests.flows.factory.voice import Spoken

_LATE = (0.0, 30.0, 600.0, 100_000.0)
"""Seconds a message may be delayed by at most: not at all, a little, past others, past the whole run."""


def batches(said: Sequence[Spoken], seed: int) -> list[list[Spoken]]:
    """The same messages in some order of arrival, some of them several times, in batches of some sizes."""
    rng = Random(seed)
    late = rng.choice(_LATE)
    repeated = rng.choice((0.0, 0.1, 0.5))
    arriving = [(one.at + rng.uniform(0, late), one) for one in said]
    arriving += [(one.at + rng.uniform(0, 2 * late + 10), one) for one in said if rng.random() < repeated]
    arriving.sort(key=lambda pair: pair[0])
    largest = rng.choice((4, 20, 60, 200))
    found: list[list[Spoken]] = []
    rest = [one for _, one in arriving]
    while rest:
        size = rng.randint(1, largest)
        found.append(rest[:size])
        rest = rest[size:]
    return found
