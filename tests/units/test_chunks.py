"""Where chunks end: by what is in them, so that one changed place changes one chunk, and all else stays shared."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.cfx.installed import entry_mark, template_digest
from app.units.installations import KnownPlacement, chunk_digest, chunked, ends_chunk, set_digest

slots = st.lists(st.sampled_from([f"M1.F.{number}" for number in range(40)]) | st.just(""), max_size=120)


def pieces(listed: Sequence[str]) -> list[tuple[str, ...]]:
    spans = chunked([KnownPlacement(0, slot, ends_chunk(slot)) for slot in listed])
    return [tuple(listed[at] for at in span) for span in spans]


@given(slots)
def test_chunks_hold_everything_once_in_order_and_never_too_much(listed: list[str]) -> None:
    found = pieces(listed)
    assert [slot for piece in found for slot in piece] == listed
    assert all(1 <= len(piece) <= 32 for piece in found)


@given(slots, st.data())
def test_an_inserted_place_changes_nothing_before_it_and_little_after(listed: list[str], data: st.DataObject) -> None:
    """What stands before stays; what follows the next border that its own location sets stays as well."""
    at = data.draw(st.integers(0, len(listed)))
    changed = [*listed[:at], data.draw(st.sampled_from([*listed, "NEW"])), *listed[at:]]
    before, after = pieces(listed), pieces(changed)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    assert sum(map(len, before[:start])) >= at - 32
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    rest = [slot for piece in before[start : len(before) - end] for slot in piece]
    assert len(rest) <= 32 * (2 + sum(1 for _ in before[start : len(before) - end] if len(_) == 32))


def test_a_splice_on_a_board_of_a_hundred_reels_makes_one_new_chunk_of_about_thirteen() -> None:
    board = [f"M1.F.{number}" for number in range(1, 101)]
    spliced = [*board[:50], board[49], *board[50:]]
    before, after = pieces(board), pieces(spliced)
    assert 6 <= len(before) <= 25
    assert len([piece for piece in after if piece not in before]) == 1


def test_digests_tell_apart_what_a_careless_one_would_mix_up() -> None:
    one, other = template_digest("installed", b"a"), template_digest("installed", b"b")
    different = [
        chunk_digest([entry_mark(digest, package) for digest, package in pairs])
        for pairs in (
            [(one, "AB"), (other, "C")],
            [(one, "A"), (other, "BC")],
            [(other, "C"), (one, "AB")],
            [(one, None), (other, "C")],
            [(one, ""), (other, "C")],
            [(one, "AB")],
            [],
        )
    ]
    different += [set_digest([]), set_digest([chunk_digest([entry_mark(one, "AB")])])]
    assert len(set(different)) == len(different)
    assert template_digest("installed", b"a") != template_digest("applied", b"a")
