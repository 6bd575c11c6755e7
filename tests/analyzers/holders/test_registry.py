"""A holder is a line in ``Why`` and a file; what has no sentence of its own elsewhere is told by that file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from analyzers.findings import NO_DIAGNOSIS, NOT_HELD, Accused, Why
from analyzers.holders.holding import RULES
from analyzers.holders.registry import HOLDERS
from tests.tui.diagnoses import pending_apc
from tui.findings.explanations import named_cause
from tui.findings.headline import headline


def test_everything_that_holds_requests_has_a_file() -> None:
    assert set(HOLDERS) == set(Why) - NOT_HELD


def test_no_two_holders_share_the_name_of_a_rule() -> None:
    names = Counter(rule.name for holder in HOLDERS.values() for rule in holder.rules)
    assert [name for name, count in names.items() if count > 1] == []
    assert set(names) < set(RULES)


@pytest.mark.parametrize("why", HOLDERS)
def test_every_holder_has_rules_and_words(why: Why) -> None:
    holder = HOLDERS[why]
    assert holder.rules
    assert all(rule.says for rule in holder.rules)
    assert holder.name
    assert holder.edge


def test_a_holder_without_a_headline_of_its_own_is_named_with_who_is_accused() -> None:
    finding = replace(
        pending_apc(), apc=None, holder=Why.COMPLETION_STOPPED, accused=Accused.DRIVER, driver="filter.sys"
    )
    assert named_cause(finding) is Why.COMPLETION_STOPPED
    assert headline(finding, NO_DIAGNOSIS).endswith("not released: driver stopped its completion, filter.sys")
