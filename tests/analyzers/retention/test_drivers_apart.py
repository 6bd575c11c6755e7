"""A holder that accuses drivers has a node, and a finding its requests, for each of them; whatever holder it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Accused, Why
from analyzers.holders.registry import HOLDERS
from analyzers.retention import edges
from analyzers.retention.edges import holder_node
from analyzers.selection.requests import requests_of
from tests.tui.diagnoses import everything_held


def test_the_holders_that_accuse_drivers_are_told_apart_by_driver() -> None:
    accusing = {why for why, holder in HOLDERS.items() if holder.accuses is Accused.DRIVER}
    assert accusing >= {Why.DRIVER_KEPT, Why.COMPLETION_STOPPED}
    for why in accusing:
        assert holder_node(why, (4, 8), 0, "a.sys") != holder_node(why, (4, 8), 0, "b.sys")


def test_a_holder_without_a_node_of_its_own_is_told_apart_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "_BY_DRIVER", (Why.LIST,))
    assert holder_node(Why.LIST, (4, 8), 0, "a.sys").ids == (4, 8, "list", "a.sys")
    monkeypatch.setattr(edges, "_BY_DRIVER", ())
    assert holder_node(Why.LIST, (4, 8), 0, "a.sys").ids == (4, 8, "list")


def test_a_finding_of_any_holder_is_about_the_requests_of_the_driver_that_it_accuses() -> None:
    told = everything_held()
    held = told.held_requests
    kept = next(each for each in held if each.why is Why.DRIVER_KEPT)
    finding = replace(
        told.findings[0],
        holder=Why.DRIVER_KEPT,
        accused=Accused.DRIVER,
        driver=kept.driver,
        process_id=None,
        thread_id=None,
    )
    assert {each.driver for each in requests_of(finding, held)} == {kept.driver}
    assert len(requests_of(replace(finding, driver="nobody.sys"), held)) == 0
    assert len(requests_of(replace(finding, driver="nobody.sys", accused=Accused.PROCESS), held)) > 0
