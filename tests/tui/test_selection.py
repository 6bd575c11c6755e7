from __future__ import annotations

import pytest

from analyzers.pooltag import tag_text
from analyzers.selection.query import Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot


def held(snapshot: Snapshot) -> dict[str, int]:
    """Outstanding allocations by tag, and the same counted from the single allocations."""
    tags, pool = snapshot.pool.tags, snapshot.pool
    by_tag = {tag_text(int(tag)): int(tags.outstanding_count[row]) for row, tag in enumerate(tags.tag)}
    singles = [tag_text(int(tags.tag[pool.sites.tag_row[site]])) for site in pool.outstanding.site]
    assert {tag: count for tag, count in by_tag.items() if count} == {tag: singles.count(tag) for tag in set(singles)}
    return by_tag


def test_no_filter_changes_nothing(snapshot: Snapshot) -> None:
    assert select(snapshot, Query()) is snapshot


@pytest.mark.parametrize("pattern", ["Irp ", "Irp", "Ir", "=Irp", "Ir?", "I*", "?rp*"])
def test_a_tag_is_found_by_its_letters_and_wildcards(snapshot: Snapshot, pattern: str) -> None:
    assert held(select(snapshot, Query(tags=(pattern,)))) == {"Irp ": 14}


@pytest.mark.parametrize("pattern", ["irp", "=Ir", "Irp.", "[I]rp"])
def test_a_tag_is_not_found_by_other_letters(snapshot: Snapshot, pattern: str) -> None:
    assert held(select(snapshot, Query(tags=(pattern,)))) == {}


def test_several_tags_mean_any_of_them(snapshot: Snapshot) -> None:
    assert held(select(snapshot, Query(tags=("Irp", "CM25")))) == {"Irp ": 14, "CM25": 1}


@pytest.mark.parametrize("word", ["4", "system", "SYS"])
def test_a_process_is_found_by_its_id_or_a_part_of_its_name(snapshot: Snapshot, word: str) -> None:
    chosen = select(snapshot, Query(processes=(word,)))
    assert held(chosen) == {"Irp ": 2}
    assert [(row.name, row.count, row.bytes) for row in chosen.pool.by_process] == [("System", 2, 1280)]


@pytest.mark.parametrize("word", ["afd.sys", "AFD", "afd"])
def test_a_driver_is_found_with_and_without_its_ending(snapshot: Snapshot, word: str) -> None:
    chosen = select(snapshot, Query(drivers=(word,)))
    assert held(chosen) == {"AfdB": 3}
    assert [(row.name, row.bytes) for row in chosen.pool.by_driver] == [("afd.sys", 12_288)]


def test_filters_of_several_kinds_mean_all_of_them(snapshot: Snapshot) -> None:
    assert held(select(snapshot, Query(tags=("Irp",), processes=("client",)))) == {"Irp ": 12}
    assert held(select(snapshot, Query(tags=("AfdB",), processes=("System",)))) == {}


def test_a_selection_keeps_the_traces_totals_and_the_tags_own_counts(snapshot: Snapshot) -> None:
    chosen = select(snapshot, Query(processes=("System",)))
    assert chosen.pool.totals == snapshot.pool.totals
    assert (int(chosen.pool.tags.allocations[0]), int(chosen.pool.tags.frees[0])) == (119, 105)
    assert int(chosen.pool.sites.stack[0]) == 1


def concluded(snapshot: Snapshot, filters: Query) -> tuple[list[int], list[str], list[int]]:
    """Ranks of the findings, tags of what was cleared, and threads of held requests."""
    told = select(snapshot, filters).diagnosis
    threads = sorted({each.thread_id for each in told.held_requests})
    return [finding.rank for finding in told.findings], [tag_text(group.tag) for group in told.cleared], threads


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Query(), ([1, 2, 3], ["CM25", "File"], [88, 99])),
        (Query(tags=("Irp",)), ([1], [], [88])),
        (Query(tags=("AfdB",)), ([2], [], [])),
        (Query(tags=("CM??", "File")), ([3], ["CM25", "File"], [])),
        (Query(processes=("client",)), ([1, 2], [], [88, 99])),
        (Query(processes=("System",)), ([], [], [])),
        (Query(drivers=("afd",)), ([1, 2], [], [88])),
        (Query(drivers=("ntoskrnl",)), ([1, 3], ["CM25", "File"], [88])),
        (Query(tags=("Irp",), processes=("System",)), ([], [], [])),
    ],
)
def test_conclusions_are_narrowed_with_the_pool_and_keep_their_ranks(
    leaking_snapshot: Snapshot, filters: Query, expected: object
) -> None:
    assert concluded(leaking_snapshot, filters) == expected


def test_the_history_keeps_its_rows_beside_those_of_the_sites(snapshot: Snapshot) -> None:
    chosen = select(snapshot, Query(tags=("AfdB",))).pool
    assert chosen.history.allocations.sum(axis=1).tolist() == chosen.sites.allocations.tolist() == [23]
    assert chosen.history.used == snapshot.pool.history.used


def test_filters_tell_themselves_in_words() -> None:
    assert str(Query(("Irp", "File"), ("4",))) == "tag Irp or File, process 4"
