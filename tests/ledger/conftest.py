"""People of the ledger's tests."""

import pytest

from tests.ledger.visits import as_role


@pytest.fixture
def finance(db):
    return as_role("Finance")
