"""The line that the gate's tests ask about."""

import pytest
from sqlalchemy import Engine

from tests.interlock.story import planned_line


@pytest.fixture
def line(engine: Engine) -> Engine:
    """A planned line and order; panel P-1 with boards SN-1 and SN-2 is marked."""
    return planned_line(engine)
