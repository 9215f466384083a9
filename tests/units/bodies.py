"""Hypothesis strategies: bodies of installed materials, from the ordinary to the malicious."""

from typing import Any

from hypothesis import strategies as st

from tests.units.written import Writer

# What might be mistaken for another name, for a hole of a template, or for JSON around it.
NAMES = (
    "A", "AB", "ABC", "R1", "REEL-1", "PN-1", "1", "0", "-1", "null", "SN 7/+#%,", "00000000000000000017", "ø0ø",
    "\\xf8", "\\u00f8", "û", "\xfb\xf8", '"', '\\"', 'A","UnitIdentifier":"B', '"UnitIdentifier":"A"', "UnitIdentifier",
    "\u2603", "\U0001f916", "\t", "/", "\\/", "&#248;", "\x7f", "é\u0301", "8c2a1c8e-0e57-4f3a-b7c3-9c2b8b0a8f01",
)  # fmt: skip
names = st.sampled_from(NAMES) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
)
maybe = st.none() | names
positions = (
    st.integers(0, 32767) | st.integers(0, 3) | st.sampled_from(("", "2", "07", "1.0", " 3 ", None)) | st.just(2.0)
)
times = st.sampled_from(("2026-11-20T06:00:00.1234567+01:00", "2026-11-20T06:00:00Z", "2026-11-20T06:00:01.0Z", ""))
numbers = st.integers(-5, 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.just(1e22)
anything = st.recursive(
    st.none() | st.booleans() | numbers | names, lambda inner: st.lists(inner, max_size=2), max_leaves=4
)


def members(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of these members, in any order, and perhaps some that CFX does not know."""
    more = st.dictionaries(st.sampled_from(("Comment", "Vendor", "X", "PositionName")), anything, max_size=2)
    return (
        st.tuples(st.fixed_dictionaries({}, optional=known), more)
        .map(lambda both: list((both[0] | both[1]).items()))
        .flatmap(st.permutations)
        .map(dict)
    )


packages = st.none() | members(
    UniqueIdentifier=maybe | st.just(""),
    InternalPartNumber=maybe,
    Quantity=numbers,
    LeadingMaterialPackage=st.none() | members(UniqueIdentifier=maybe, Quantity=numbers),
    BatchMaterialPackage=st.none() | members(UniqueIdentifier=maybe),
)
components = members(
    ReferenceDesignator=maybe,
    InstallationTime=times,
    PickingTime=times,
    InstalledUnitIdentifier=st.none() | names,
    HeadAndNozzle=st.none() | members(UniqueIdentifier=maybe, Name=maybe),
    ElectricalTest=st.none() | members(MeasuredValue=numbers, UnitIdentifier=maybe),
    UnitPosition=st.none() | members(UnitIdentifier=maybe, PositionNumber=st.integers(0, 3)),
)
locations = st.none() | members(
    LocationIdentifier=maybe,
    LocationName=maybe,
    CarrierInformation=st.none() | members(UniqueIdentifier=maybe, Name=maybe, LaneNumber=st.integers(1, 2)),
)


def entries(units: st.SearchStrategy[Any] = maybe) -> st.SearchStrategy[dict[str, Any]]:
    """One `InstalledMaterial`."""
    return members(
        UnitIdentifier=units | st.just(""),
        UnitPositionNumber=positions,
        PositionNumber=positions,
        QuantityInstalled=numbers,
        QuantityNonInstalled=numbers,
        Material=packages,
        ReferencePartNumber=maybe,
        CarrierLocation=locations,
        InstalledComponents=st.none() | st.lists(components, max_size=3),
        NonInstalledComponents=st.none() | st.lists(components, max_size=2),
    )


transactions = st.none() | st.uuids().map(str) | st.just("00000000-0000-0000-0000-000000000000") | st.just("")
listed = st.none() | st.lists(entries(), max_size=6) | st.lists(entries(st.sampled_from("AB")), max_size=8)
bodies = st.one_of(
    members(TransactionId=transactions, InstalledMaterials=listed),
    members(TransactionID=transactions, InstalledMaterials=listed, AppliedMaterials=listed),
    members(TransactionId=transactions, TransactionID=transactions, AppliedMaterials=listed),
)
habits = st.sampled_from(("plain", "spaced", "pretty", "odd"))
any_habit = habits | st.just("absurd")


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A body as a machine of some habit writes it."""
    return Writer(draw(any_habit), draw(st.randoms(use_true_random=False))).write(draw(bodies))
