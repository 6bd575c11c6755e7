"""``function:`` in the filter of the views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.pool_tables import Frame
from analyzers.snapshot import Snapshot
from analyzers.symbolization import NamesFound
from tests.tui.stories import Site, Story
from tests.tui.views.listings import scene
from tracer.symbols.symbol import Inlined, Source, Symbol
from tui.filtering.parser import parse
from tui.filtering.rows import fields, fitting, offers
from tui.filtering.terms import FilterError
from tui.tables.allocations import allocation_table
from tui.tables.call_paths import Direction
from tui.tables.columns import TableModel
from tui.tables.findings import finding_table
from tui.tables.tags import tag_table
from tui.views.stacks import tree_of


def named(address: int, module: str, function: str, *inlined: str) -> Frame:
    symbol = Symbol(function, 1, "", 0, tuple(Inlined(each, "", 0) for each in inlined))
    return Frame(address, module, 0x10, symbol, Source.PDB)


POOL = named(0x1000, "ntoskrnl.exe", "ExAllocatePool2")


@pytest.fixture
def some() -> Snapshot:
    """Two tags of one driver by two functions, and one without a name."""
    stacks: dict[int, tuple[Frame, ...]] = {
        0: (POOL, named(0x2000, "contosodev.sys", "CtAllocate", "CtCount")),
        1: (POOL, named(0x3000, "contosodev.sys", "CtDispatch")),
        2: (POOL, Frame(0x4000, "other.sys", 0x10)),
    }
    sites = [
        Site("Aaaa", 0, "contosodev.sys", [100] * 3),
        Site("Bbbb", 1, "contosodev.sys", [50] * 2),
        Site("Cccc", 2, "other.sys", [5]),
        Site("Cccc", -1, "", [5]),
    ]
    return Story(sites=sites, processes={4330: "client.exe"}, stacks=stacks).make()


def found(model: TableModel, words: str) -> list[int]:
    return np.flatnonzero(fitting(model, parse(words))).tolist()


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        ("function:ctallocate", [0]),
        ("function:CtCount", [0]),
        ("function:contosodev!Ct*", [0, 1]),
        ("function=CtDispatch", [1]),
        ("function=Dispatch", []),
        ("function:ExAllocatePool2", [0, 1, 2]),
        ("-function:ExAllocatePool2", []),
        ("function:ExAllocatePool2 function:CtD", [1]),
        ("function:other", []),
    ],
)
def test_tags_are_found_by_functions_that_allocate_them(some: Snapshot, words: str, tags: list[int]) -> None:
    assert found(tag_table(some), words) == tags


def test_allocations_are_found_by_their_own_stacks(some: Snapshot) -> None:
    assert len(found(allocation_table(some), "function:CtAllocate")) == 3
    assert len(found(allocation_table(some), "function!=CtAllocate")) == 4


@pytest.mark.parametrize("unfolded", [True, False])
def test_the_tree_of_stacks_finds_what_is_folded_too(some: Snapshot, *, unfolded: bool) -> None:
    model = tree_of(Direction.CALLEES)(replace(scene(some), unfolded=unfolded, named=NamesFound(())))({}).listing.model
    names = [model.column("frames").text(row).split()[-1] for row in found(model, "function:ExAllocatePool2")]
    shown = ["contosodev!CtAllocate+0x1", "contosodev!CtDispatch+0x1", "other.sys+0x10"]
    assert names == (["nt!ExAllocatePool2+0x1"] if unfolded else shown)  # of a fork, which is closed, or of each
    assert len(found(model, "function:CtDispatch")) == 1


def test_findings_are_found_by_where_they_allocate(snapshot: Snapshot) -> None:
    model = finding_table(snapshot)
    assert "function" in fields(model)
    assert found(model, "function:CmpAllocate") == []


def test_it_is_offered_and_takes_texts_only(some: Snapshot) -> None:
    model = tag_table(some)
    assert "function:" in [term for term, _ in offers(model)]
    with pytest.raises(FilterError, match="function is a text"):
        found(model, "function>4")
