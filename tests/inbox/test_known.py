"""What a process remembers: committed ids, and over them those of one transaction."""

import pytest

from app.known import Known


def test_what_a_transaction_learns_is_its_own_until_it_is_kept() -> None:
    known: Known[str, int] = Known(10)
    first, second = known.overlay(), known.overlay()
    first["a"] = 0
    assert "a" in first
    assert first["a"] == first.get("a") == 0
    assert "a" not in second
    assert second.get("a", 7) == 7
    with pytest.raises(KeyError):
        second["a"]
    known.keep(first)
    assert "a" in second
    assert second["a"] == second.get("a", 7) == 0
    assert len(second) == 0, "of what others learned, nothing is kept twice"


def test_the_oldest_give_way() -> None:
    known: Known[int, int] = Known(10)
    for number in range(25):
        overlay = known.overlay()
        overlay[number] = number
        known.keep(overlay)
    left = known.overlay()
    kept = [number for number in range(25) if number in left]
    assert kept == list(range(kept[0], 25))
    assert len(kept) <= 10
