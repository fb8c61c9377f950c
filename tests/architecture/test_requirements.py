"""Every requirement that is built is cited by a test, and every cited one is on the page."""

import re

from tests.architecture import requirements


def test_every_cited_id_is_a_requirement():
    assert not requirements.unknown(), "add the ID to docs/requirements.md, or cite another"


def test_every_cited_requirement_is_called_built():
    hint = "python -m tests.architecture.requirements --write"
    assert not requirements.cited_but_not_yet(), hint


def test_every_requirement_called_built_is_cited_by_a_test():
    assert not requirements.built_but_uncited()


def test_the_page_has_each_id_once_and_every_row_can_be_read():
    ids = [id_ for id_, _, _ in requirements.rows()]
    assert len(ids) == len(set(ids))
    lines = requirements.PAGE.read_text(encoding="utf-8").splitlines()
    table_rows = [line for line in lines if re.match(r"\| *[A-Z]+-?[A-Z]*\d", line)]
    assert len(ids) == len(table_rows)
    numbers = {int(id_[3:]) for id_ in ids if id_.startswith("CB-")}
    assert numbers == set(range(1, 111))
