from __future__ import annotations

import numpy as np
import pytest

from analyzers.factorize import coded, coded_pairs, sums, unpaired
from analyzers.snapshot import Snapshot
from tests.tui.stories import HOSTILE
from tracer.columns import UNKNOWN_ID
from tui.tables.allocations import allocation_table
from tui.tables.columns import ChangeColumn, Heading, NumberColumn, TableModel, labels_of
from tui.tables.fitting import GAP, cell, fit
from tui.tables.model import SortedTable
from tui.tables.sites import NO_STACK_TEXT, caller
from tui.tables.tags import tag_table
from tui.tables.words import pool_type


def column_of(view: SortedTable, key: str) -> list[str]:
    return [view.model.column(key).text(int(row)) for row in view.order]


def small_view() -> SortedTable:
    numbers = NumberColumn(Heading("n", "N", right=True, most_first=True), np.array([2, 1, 2, 3]), str)
    names = labels_of(Heading("name", "Name"), ["b", "A", "a", "c"])
    return SortedTable(TableModel((numbers, names), 4), "n", descending=True)


def test_rows_that_compare_equal_keep_their_order_both_ways() -> None:
    view = small_view()
    assert view.order.tolist() == [3, 0, 2, 1]
    view.sort_by("n")
    assert view.order.tolist() == [1, 0, 2, 3]


def test_a_column_sorts_in_the_direction_it_prefers_and_again_the_other_way() -> None:
    view = small_view()
    view.sort_by("name")
    assert column_of(view, "name") == ["A", "a", "b", "c"]
    view.sort_by("name")
    assert column_of(view, "name") == ["c", "b", "A", "a"]
    view.sort_by("n")
    assert view.descending


def test_addresses_above_the_signed_range_sort_as_unsigned() -> None:
    values = np.array([1, 0xFFFF9A8000000000, 2], np.uint64)
    column = NumberColumn(Heading("address", "Address"), values, hex)
    view = SortedTable(TableModel((column,), 3), "address", descending=True)
    assert view.order.tolist() == [1, 2, 0]


def test_a_filter_looks_at_every_text_column_whatever_the_case(snapshot: Snapshot) -> None:
    view = SortedTable(tag_table(snapshot), "bytes", descending=True)
    found = {}
    for needle in ("irp", "AFD.SYS", "registry", "paged", "client.exe", "zzz", ""):
        view.filter_by(needle)
        found[needle] = [tag.strip() for tag in column_of(view, "tag")]
    assert found == {
        "irp": ["Irp"],
        "AFD.SYS": ["AfdB"],
        "registry": ["CM25"],
        "paged": ["CM25"],
        "client.exe": ["AfdB", "Irp"],
        "zzz": [],
        "": ["AfdB", "Irp", "CM25", "File"],
    }


def test_a_filter_survives_sorting(snapshot: Snapshot) -> None:
    view = SortedTable(tag_table(snapshot), "bytes", descending=True)
    view.filter_by("ntoskrnl")
    view.sort_by("tag")
    assert column_of(view, "tag") == ["CM25", "Irp "]


def test_the_columns_of_the_tags_are_poolmons_and_the_peak(snapshot: Snapshot) -> None:
    model = tag_table(snapshot)
    assert [column.text(0) for column in model.columns] == [
        "Irp ", "Nonp", "119", "105", "", "14", "6.69 KiB", "489 B", "10.7 KiB", "ntoskrnl.exe", "I/O request packets",
    ]  # fmt: skip


def test_a_site_is_called_by_its_caller_and_its_allocating_frame(snapshot: Snapshot) -> None:
    assert [caller(snapshot.names.frames(stack)) for stack in (0, 1)] == [
        "afd.sys+0x3010 > ntoskrnl.exe+0x100123",
        "0xfffff80300000010 > ntoskrnl.exe+0x100999",
    ]


def test_a_site_without_a_stack_says_so() -> None:
    assert caller(()) == NO_STACK_TEXT


def test_a_process_that_is_inferred_is_marked_and_one_that_is_observed_is_not(snapshot: Snapshot) -> None:
    model = allocation_table(snapshot)
    for row, process, known in ((0, "client.exe (4330)", "stack event"), (12, "~System (4)", "inferred: CPU")):
        assert model.column("process").text(row) == process
        assert model.column("known").text(row) == known
        assert model.column("thread").text(row).startswith("~") == process.startswith("~")


def test_an_unknown_process_is_called_unknown(snapshot: Snapshot) -> None:
    model = allocation_table(snapshot)
    assert model.column("process").text(17) == "(process not known)"
    assert model.column("thread").text(17) == "?"


@pytest.mark.parametrize(
    "values",
    [
        np.array([7, 3, 7, 0], np.uint32),
        np.array([5, 0xFFFFFFFF, 5, 4], np.uint32),
        np.array([0xFFFFFFFF], np.uint32),
        np.array([1 << 30, 0xFFFFFFFF, 3], np.uint32),
        np.array([-1, 4, -1], np.int32),
        np.array([(1 << 63) + 1, 2], np.uint64),
        np.zeros(0, np.uint8),
    ],
)
def test_coded_values_are_numpys_distinct_ones_with_their_inverse(
    values: np.ndarray[tuple[int], np.dtype[np.integer]],
) -> None:
    distinct, codes = coded(values)
    expected, inverse = np.unique(values, return_inverse=True)
    assert (distinct.tolist(), codes.tolist()) == (expected.tolist(), inverse.tolist())


def test_sums_are_exact() -> None:
    big = (1 << 60) + 1
    assert sums(np.array([1, 1, 0]), np.array([big, 1, 2], np.uint64), 3).tolist() == [2, big + 1, 0]


def test_a_change_is_told_by_sign_and_by_colour() -> None:
    column = ChangeColumn(Heading("n-change", "+/-", right=True), np.array([3, 0, -12]), str)
    assert [column.text(row) for row in range(3)] == ["+3", "", "-12"]
    assert [column.style(row) for row in range(3)] == ["red", "", "green"]
    assert column.width() == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "Nonp"),
        (1, "Paged"),
        (512, "Nonp NX"),
        (33, "Paged session"),
        (0x10000000 | 516, "Nonp cache-aligned NX big"),
        (0x100, "Nonp +0x100"),
    ],
)
def test_a_pool_type_is_told_in_words_and_unknown_bits_in_hex(value: int, words: str) -> None:
    assert pool_type(value) == words


@pytest.mark.parametrize("width", [1, 20, 40, 79, 80, 120, 200])
def test_columns_that_fit_never_exceed_the_line(snapshot: Snapshot, width: int) -> None:
    fitted = fit(tag_table(snapshot).columns, width)
    total = sum(wide for _, wide in fitted) + GAP * (len(fitted) - 1)
    assert total <= width or len(fitted) == 1


def test_a_narrow_line_drops_the_least_important_columns(snapshot: Snapshot) -> None:
    def kept(width: int) -> list[str]:
        return [column.heading.key for column, _ in fit(tag_table(snapshot).columns, width)]

    assert kept(200) == [column.heading.key for column in tag_table(snapshot).columns if column.heading.key != "older"]
    assert {"tag", "type", "allocations", "frees", "outstanding", "bytes", "each", "driver"} == set(kept(79))
    assert set(kept(20)) == {"tag", "bytes"}


def test_names_that_name_nothing_take_no_room() -> None:
    named = labels_of(Heading("driver", "Driver"), ["nt", "afd.sys"])
    assert fit([named, labels_of(Heading("description", "Description"), ["", ""])], 80) == [(named, 7)]


def test_a_number_is_never_cut(snapshot: Snapshot) -> None:
    for width in range(1, 120):
        for column, wide in fit(tag_table(snapshot).columns, width):
            if column.heading.right:
                assert wide >= column.width()


def test_a_cell_has_its_width_in_cells_whatever_the_glyphs() -> None:
    from rich.cells import cell_len

    for text in ("", "abc", "abcdefghij", "日本語日本語", "e\u0301" * 10):
        for width in range(1, 9):
            for right in (True, False):
                assert cell_len(cell(text, width, right=right)) == width


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (17, "client.exe (1280)"),
        (16, "client.e… (1280)"),
        (9, "c… (1280)"),
        (8, "client.…"),
        (3, "cl…"),
    ],
)
def test_a_name_is_cut_before_its_id(width: int, shown: str) -> None:
    assert cell("client.exe (1280)", width, right=False) == shown


def test_words_in_brackets_are_no_id() -> None:
    assert cell("(process not known)", 12, right=False) == "(process no…"
    assert cell("name (12a) (b)", 10, right=False) == "name (12a…"


def test_hostile_labels_are_harmless_in_cells() -> None:
    column = labels_of(Heading("name", "Name"), [HOSTILE])
    assert column.text(0).isascii()
    assert column.text(0).isprintable()
    assert column.width() == len(column.text(0))


def test_an_empty_table_has_no_rows_and_can_be_sorted_and_filtered(empty_snapshot: Snapshot) -> None:
    view = SortedTable(tag_table(empty_snapshot), "bytes", descending=True)
    view.sort_by("tag")
    view.filter_by("x")
    assert len(view) == 0


def test_pairs_of_ids_are_told_apart_the_unknown_one_too() -> None:
    pairs, place = coded_pairs(np.array([8, UNKNOWN_ID, 8, 4]), np.array([1, UNKNOWN_ID, 1, UNKNOWN_ID]))
    assert unpaired(pairs) == [(4, UNKNOWN_ID), (8, 1), (UNKNOWN_ID, UNKNOWN_ID)]
    assert place.tolist() == [1, 2, 1, 0]
    assert unpaired(coded_pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))[0]) == []
