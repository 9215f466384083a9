"""Machines say in many messages how many pieces are left; each is a count the mass balance starts from."""

import pytest
from sqlalchemy import Engine

from app.trace.balance import mass_balance
from tests.inbox.messages import message, stored
from tests.trace.reels import boards, described, loaded, split

CONSUMED = message(
    "Materials.Management.MaterialsConsumed",
    {
        "ConsumedMaterials": [
            {
                "MaterialLocation": {"LocationIdentifier": "M1.F.1", "MaterialPackage": {"UniqueIdentifier": "P-1"}},
                "QuantityUsed": 10.0,
                "RemainingQuantity": 90.0,
            }
        ]
    },
    when=100,
)
SPLIT = message(
    "Materials.Management.MaterialsSplit",
    {
        "SourceMaterialPackageIdentifier": "P-1",
        "SourceMaterialPackageRemainingQuantity": 90.0,
        "NewMaterialPackageIdentifier": "P-1A",
        "NewMaterialPackageQuantity": 0.0,
    },
    when=100,
)
RETIRED = message(
    "Materials.Management.MaterialsRetired",
    {"Materials": [{"UniqueIdentifier": "P-1", "Quantity": 90.0}]},
    when=100,
)


@pytest.mark.parametrize(("told", "says"), [(CONSUMED, "are left"), (SPLIT, "split off"), (RETIRED, "retired")])
def test_a_count_in_any_message_is_a_count(engine: Engine, told: bytes, says: str) -> None:
    stored(engine, told, *boards(5), loaded("P-1", when=1), described("P-1", initial=100, when=0))
    with engine.connect() as connection:
        remaining = mass_balance(connection, package="P-1").remaining
    assert remaining is not None
    assert remaining.quantity == 90
    assert says in remaining.says


def test_a_quantity_nobody_set_is_no_count(engine: Engine) -> None:
    stored(
        engine,
        described("P-1", initial=100, when=0),
        split("P-1", "P-1A", 10, when=1),
        message("Materials.Management.MaterialsRetired", {"Materials": [{"UniqueIdentifier": "P-1"}]}, when=2),
    )
    with engine.connect() as connection:
        assert mass_balance(connection, package="P-1").remaining is None
