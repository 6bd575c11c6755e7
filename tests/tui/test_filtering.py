"""The language of the filter line."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.formatting import duration, number, size
from analyzers.snapshot import Snapshot
from tests.tui.stories import HOSTILE
from tui.filtering.amounts import amount
from tui.filtering.parser import parse
from tui.filtering.rows import fields, fitting, offers
from tui.filtering.terms import FieldTerm, FilterError, Or, Relation, Word
from tui.tables.columns import Heading, NumberColumn, TableModel, labels_of
from tui.tables.model import SortedTable
from tui.tables.tags import tag_table

SECOND = 1_000_000_000
NAMES = ["client.exe (4330)", "System (4)", "a [/x] b", "svchost.exe (9)"]


def table() -> TableModel:
    columns = (
        labels_of(Heading("tag", "Tag"), ["Irp ", "IrpX", "AfdB", "Mdl "]),
        labels_of(Heading("culprit", "Who", field="process"), NAMES),
        NumberColumn(Heading("bytes", "Bytes"), np.array([4096, 4097, 10, 1 << 40], np.uint64), size),
        NumberColumn(Heading("outstanding", "Outst"), np.array([1, 10, 100, 0]), number),
        NumberColumn(Heading("age", "Age"), np.array([SECOND, 2 * SECOND, 5, 60 * SECOND]), duration),
    )
    return TableModel(columns, 4)


def found(words: str) -> list[int]:
    return np.flatnonzero(fitting(table(), parse(words))).tolist()


def complaint(words: str) -> str:
    with pytest.raises(FilterError) as caught:
        found(words)
    return str(caught.value)


def test_words_and_fields_are_told_apart() -> None:
    assert parse('afd -tcp tag:Irp? size>=4k "a b" -"c d" "x:y"') == (
        Word("afd"),
        Word("tcp", negated=True),
        FieldTerm("tag", Relation.HOLDS, "Irp?"),
        FieldTerm("size", Relation.LEAST, "4k"),
        Word("a b"),
        Word("c d", negated=True),
        Word("x:y"),
    )


def test_an_empty_filter_has_no_terms() -> None:
    assert parse("") == parse("  ") == ()


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("irp", [0, 1]),
        ("IRP client", [0]),
        ("-irp", [2, 3]),
        ("tag:Irp", [0, 1]),
        ("tag:Irp?", [0, 1]),
        ("tag:Ir?", [0]),
        ("tag:*d*", [2, 3]),
        ("tag=Irp", [0]),
        ("tag=irp", []),
        ("tag!=Irp", [1, 2, 3]),
        ("-tag:Irp -tag:Afd", [3]),
        ("tag:irp", []),
        ("process:client", [0]),
        ("process:[/x]", [2]),
        ('process:"[/x] b"', [2]),
        ("size>4k", [1, 3]),
        ("size>=4K", [0, 1, 3]),
        ("size>4KiB", [1, 3]),
        ("bytes=4096", [0]),
        ("bytes:0x1000", [0]),
        ("bytes!=4,096", [1, 2, 3]),
        ("bytes>1M", [3]),
        ("bytes<0.5k", [2]),
        ("bytes<10.5", [2]),
        ("bytes=10.5", []),
        ("bytes!=10.5", [0, 1, 2, 3]),
        ("bytes>-1", [0, 1, 2, 3]),
        ("bytes<-1", []),
        ("bytes<99999P", [0, 1, 2, 3]),
        ("count>=10", [1, 2]),
        ("diff=0", [3]),
        ("age>1s", [1, 3]),
        ("age>=1s age<1min", [0, 1]),
        ("age<1us", [2]),
        ("age>0.01h", [3]),
        ("-age>1s", [0, 2]),
    ],
)
def test_rows_fit_all_terms(words: str, rows: list[int]) -> None:
    assert found(words) == rows


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("tag:", ("a field without a value", "tag:", "tag:Irp?")),
        ("size>", ("a field without a value", "size>", "size>10")),
        ("-", ("nothing to look for", "'-'", "-afd")),
        ('"two', ("without its partner", '"two', '"two words"')),
        ("size>many", ("'many' is no number or size", "size>many", "size>4k")),
        ("age>5", ("a time with its unit", "age>5", "age>1s")),
        ("age>5k", ("a time with its unit", "age>5k", "age>1s")),
        ("size>5s", ("'5s' is no number or size", "size>5s", "size>4k")),
        ("tag>Irp", ("tag is a text", "tag>Irp", "tag:afd")),
        ("byte:x", ("no field byte here (did you mean 'bytes'?; there are", "byte:x")),
        ("color:red", ("no field color here (there are tag, who, bytes, outst, age)", "color:red", "red")),
    ],
)
def test_a_complaint_says_what_where_and_how_it_would_be_right(words: str, parts: tuple[str, ...]) -> None:
    said = complaint(words)
    assert [part for part in parts if part not in said] == []


def test_a_wrong_filter_changes_nothing() -> None:
    view = SortedTable(table(), "bytes", descending=True)
    view.filter_by("irp")
    with pytest.raises(FilterError):
        view.filter_by("size>x")
    assert (view.needle, view.order.tolist()) == ("irp", [1, 0])


def test_a_second_filter_has_to_fit_as_well() -> None:
    view = SortedTable(table(), "bytes", descending=True)
    view.set_preset("tag:Irp*")
    view.filter_by("-client")
    assert view.order.tolist() == [1]
    view.set_preset("")
    assert view.order.tolist() == [3, 1, 2]


def test_the_last_filter_is_remembered_when_it_is_dropped() -> None:
    view = SortedTable(table(), "outstanding", descending=False)
    view.filter_by("irp")
    view.filter_by("")
    assert view.sought_rows().tolist() == [False, True, True, False]


def test_filters_go_over_to_the_next_model_and_are_dropped_where_its_columns_are_gone() -> None:
    view = SortedTable(table(), "bytes", descending=True)
    view.filter_by("size>4k")
    assert SortedTable(table(), "bytes", descending=True, after=view).order.tolist() == [3, 1]
    other = TableModel((labels_of(Heading("x", "X"), ["a", "b"]),), 2)
    gone = SortedTable(other, "bytes", descending=False, after=view)
    assert (gone.needle, gone.sort_key, gone.order.tolist()) == ("", "x", [0, 1])


def test_what_is_offered_is_understood_and_is_about_columns_that_are_there(snapshot: Snapshot) -> None:
    for model in (table(), tag_table(snapshot)):
        for term, _ in offers(model):
            fitting(model, parse(term + "x" if term.endswith(":") else term))
        offered = {term.split(":")[0].split(">")[0] for term, _ in offers(model)[3:]}
        assert offered == set(fields(model)) - {model.also_field}
    assert "per-alloc>4k" in [term for term, _ in offers(tag_table(snapshot))]


def test_or_stands_between_sides_of_which_one_has_to_fit() -> None:
    assert found("tag:AfdB or tag:Mdl") == [2, 3]
    assert found("tag:Irp? bytes>4096 or outst:100") == [1, 2]
    assert found("tag:AfdB OR process:system") == [1, 2]
    assert found("-tag:Irp? or age>1min") == [2, 3]
    assert found("afdb or") == [2], "while one still types"
    assert found('"or"') == found("or") == []
    assert parse("a or b")[1] == Or()


def test_columns_have_the_names_that_stand_on_the_screen(snapshot: Snapshot) -> None:
    assert found("outst>=10") == found("outstanding>=10") == [1, 2]
    assert found("who:system") == found("process:system") == [1]
    assert fitting(tag_table(snapshot), parse("per-alloc>1k")).sum() == 1
    with pytest.raises(FilterError, match=r"no field colour here \(there are tag, .*per-alloc"):
        fitting(tag_table(snapshot), parse("colour:x"))


def test_a_process_finds_tags_that_show_no_process(snapshot: Snapshot) -> None:
    model = tag_table(snapshot)
    if not model.also_field:
        pytest.skip("the tags find by words only")
    assert "process" in fields(model)
    assert np.flatnonzero(fitting(model, parse("process:system"))).tolist() == [0]
    with pytest.raises(FilterError, match="only a part of the name"):
        fitting(model, parse("process:sys*"))


@given(st.text(max_size=40))
def test_any_text_is_understood_or_complained_about(words: str) -> None:
    try:
        fitting(table(), parse(words))
    except FilterError as error:
        said = str(error)
    else:
        said = "fits"
    assert said


def test_hostile_words_are_only_words() -> None:
    assert found(f'"{HOSTILE}"') == []


@given(st.integers(0, 2**62))
def test_a_plain_number_is_itself(value: int) -> None:
    assert amount(str(value), is_time=False) == amount(f"{value:,}", is_time=False) or value >= 10**15
    assert amount(f"{value}ns", is_time=True) == Fraction(value)


@pytest.mark.parametrize("text", ["", "k", ".", "1x", "1e5", "--1", "1.2.3", "9" * 30, "0x", "0xg", "½", "١"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert amount(text, is_time=False) is None or text == "١"
