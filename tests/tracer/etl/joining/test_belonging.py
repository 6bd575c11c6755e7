"""Which files belong together."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from fixtures.etl.rolling import appended, rolled
from tests.tracer.etl.joining.recordings import BEGAN, SECOND, START, files, pool_records, simulated, written
from tracer.etl.headers import ClockType, LogFileMode
from tracer.etl.joining.belonging import groups_of

DAY = 86_400
BOOT = 133_699_000_000_000_000
MANY = range(0, 100_000, 100)


def together(*paths: Path) -> list[list[str]]:
    """Names of the files of each group."""
    return [[path.name for path in group.paths] for group in groups_of(paths)]


def later(folder: Path, name: str, seconds: float, **options: Any) -> Path:
    """A file of pool events that begin so many seconds after the start of the others, on the same clock."""
    ticks = round(seconds * SECOND)
    records = pool_records([ticks + at for at in MANY], first=5_000)
    given = {"start_ticks": START + ticks, "start_time": BEGAN + ticks, **options}
    return written(folder / name, records, **given)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A tenth of a second of pool events on processor 0."""
    return written(tmp_path / "first.etl", pool_records(MANY))


def test_parts_of_a_rolled_session_are_one_trace_in_any_order(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("missing-free").data, (0.3, 0.6)))
    names = [path.name for path in parts]
    for order in permutations(parts):
        (group,) = groups_of(order)
        assert [path.name for path in group.paths] == names
        assert group.why == (
            "", *(f"goes on with {name}: the same session Poolscope simulated: missing-free" for name in names[:2])
        )  # fmt: skip


def test_parts_whose_controller_gave_other_names_are_one_trace_too(tmp_path: Path) -> None:
    parts = rolled(simulated("missing-free").data, (0.5,), mode=LogFileMode(0))
    (tmp_path / "monday").write_bytes(parts[0])
    (tmp_path / "a tuesday").write_bytes(parts[1])
    assert together(tmp_path / "a tuesday", tmp_path / "monday") == [["monday", "a tuesday"]]


def test_a_part_that_begins_anew_at_once_is_joined(first: Path, tmp_path: Path) -> None:
    (group,) = groups_of([first, later(tmp_path, "second.etl", 1.5)])
    assert group.why[1] == "goes on with first.etl: the same session s, 1.49 seconds later"


def test_a_session_of_the_same_name_two_days_later_is_another_trace(first: Path, tmp_path: Path) -> None:
    groups = groups_of([first, later(tmp_path, "second.etl", 2.5 * DAY)])
    assert [group.apart for group in groups] == [
        (), ("second.etl is not joined to first.etl: session s as well, but 2.5 days lie between them",)
    ]  # fmt: skip


def test_recordings_of_one_machine_that_overlap_in_time_are_one_trace(first: Path, tmp_path: Path) -> None:
    sockets = written(
        tmp_path / "sockets.etl", [], session="afd", start_ticks=START + 500, start_time=BEGAN + 500, preallocated=64
    )
    group, *others = groups_of([sockets, first])
    assert others == []
    assert group.why[-1].startswith("recorded at the same time on the same machine as")


@pytest.mark.parametrize(
    "machine",
    [
        {"boot_time": BOOT - 5 * 10_000_000},
        {"frequency": 3_000_000},
        {"build": 19_041},
        {"clock": ClockType.SYSTEM_TIME},
    ],
)
def test_recordings_of_two_machines_are_two_traces(first: Path, tmp_path: Path, machine: dict[str, Any]) -> None:
    other = written(tmp_path / "other.etl", [], session="afd", **machine)
    assert together(first, other) == [["first.etl"], ["other.etl"]]


def test_the_time_service_may_move_a_boot_time_a_little(first: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.etl", [], session="afd", boot_time=BOOT + 3_000)
    assert len(groups_of([first, other])) == 1


def test_a_near_boot_time_does_not_do_where_the_clocks_stand_apart(first: Path, tmp_path: Path) -> None:
    other = written(
        tmp_path / "other.etl", [], session="afd", boot_time=BOOT + 3_000, start_time=BEGAN + 3 * 10_000_000
    )
    assert len(groups_of([first, other])) == 2


def test_recordings_of_one_machine_one_after_the_other_are_two_traces(first: Path, tmp_path: Path) -> None:
    assert together(first, later(tmp_path, "other.etl", 1.5, session="another")) == [["first.etl"], ["other.etl"]]


@pytest.mark.parametrize("session", ["s", "another"])
def test_files_that_tell_different_events_of_the_same_moments_are_not_of_one_machine(
    first: Path, tmp_path: Path, session: str
) -> None:
    other = written(tmp_path / "other.etl", pool_records(MANY, first=70_000), session=session)
    one, two = groups_of([first, other])
    assert [*one.apart, *two.apart] == [
        "other.etl is not joined to first.etl: they tell different pool events of the same moments on the same "
        "processors: not of one machine"
    ]


def test_two_sessions_that_both_recorded_pool_events_are_one_trace(first: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.etl", pool_records([at + 3 for at in MANY]), session="another")
    assert len(groups_of([first, other])) == 1


def test_a_copy_is_another_trace_and_takes_no_part_along(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("missing-free").data, (0.5,)))
    copy = tmp_path / "copy.etl"
    copy.write_bytes(parts[0].read_bytes())
    assert sorted(map(len, together(copy, *parts))) == [1, 2]


def test_what_one_session_wrote_and_what_was_made_of_it_are_two_traces(first: Path, tmp_path: Path) -> None:
    made = written(tmp_path / "made.etl", pool_records(MANY), buffer_size=0x4000, mode=LogFileMode.RELOG)
    assert sorted(map(len, together(first, made))) == [1, 1]


def test_groups_stand_where_their_first_file_was_given(first: Path, tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("missing-free").data, (0.5,)))
    missing = tmp_path / "missing.etl"
    assert together(parts[1], missing, first, parts[0]) == [
        [part.name for part in parts], ["missing.etl"], ["first.etl"]
    ]  # fmt: skip


def test_a_file_of_two_sessions_stands_alone(first: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.etl"
    both.write_bytes(appended([first.read_bytes(), later(tmp_path, "x.etl", 1).read_bytes()]))
    assert together(both, first) == [["both.etl"], ["first.etl"]]
