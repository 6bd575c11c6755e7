from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from analyzers.findings import Diagnosis, HeldRequests
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import diagnosis, everything_held, held, missing_free, open_growth, pending_apc
from tests.tui.stories import FORBIDDEN, Story
from tui.report.explain import explanation
from tui.report.trace import SIMULATED_NOTICE


def explained(snapshot: Snapshot, rank: int = 1, *, top: int = 10, width: int = 100) -> list[str]:
    finding = snapshot.diagnosis.findings[rank - 1]
    return [line.plain for line in explanation(snapshot, finding, top=top, width=width)]


def part(lines: list[str], heading: str) -> list[str]:
    rest = lines[lines.index(heading) + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def test_the_path_goes_from_the_root_to_the_allocations_and_says_what_is_inferred(leaking_snapshot: Snapshot) -> None:
    assert part(explained(leaking_snapshot), "What holds it") == [
        "  process client.exe (4330), retains 18.0 KiB",
        "    -> thread 88, retains 18.0 KiB",
        "      -> 12 pending user APCs, retains 18.0 KiB (inferred)",
        "        -> 12 allocations of Irp, retains 5.44 KiB",
    ]


def test_every_reason_is_numbered_and_what_is_inferred_is_called_so(leaking_snapshot: Snapshot) -> None:
    first, second = part(explained(leaking_snapshot), "Evidence")
    assert first == "  1.  12 requests of this thread finished, and none of their IRPs was freed. (inferred)"
    assert second == "  2.  100 requests of other threads were freed, 95 % within 1.20 ms"


def test_events_come_in_time_order_each_once_with_cpu_kind_offset_and_what_it_shows(story: Story) -> None:
    told = diagnosis()
    story.diagnosis = Diagnosis(told.findings, (), HeldRequests.of((held(0xFFFF9A8000001010),)))
    lines = part(explained(story.make(), width=240), "Events, in time order")
    assert [line.split() for line in lines[1:]] == [
        line.split()
        for line in (
            "+2.000000 s 1 irp 4,096 evidence 1 (inferred); evidence 2; request 0xffff9a8000001010 issued",
            "+3.000000 s 2 irp 8,192 evidence 1 (inferred); request 0xffff9a8000001010 completed",
            "+3.000000 s (inferred) request 0xffff9a8000001010 is held from here on, 1 min 27 s:"
            " user APC on thread 88; its thread waited, never alertably",
            "+4.000000 s ? pool ? evidence 2",
        )
    ]


def test_only_the_oldest_requests_of_the_findings_own_thread_are_told(leaking_snapshot: Snapshot) -> None:
    lines = explained(leaking_snapshot, top=3)
    text = "\n".join(lines)
    assert text.count("is held from here on") == 3
    assert "0xffff9a8000009000" not in text
    assert lines[-1] == "  and the events of 9 requests more (--top shows more)"


def test_possible_reasons_stand_above_the_path_and_the_users_call_below_the_stack(story: Story) -> None:
    story.diagnosis = Diagnosis((open_growth(),), ())
    lines = explained(story.make())
    assert part(lines, "Possible reasons")[0] == "  could be  user APC, fits: only IRPs stay"
    assert part(lines, "Called from (user mode)") == ["     ntdll.dll+0x9d000", "     client.exe+0x10"]


@pytest.mark.parametrize(("rank", "holder"), [(1, "user APC on thread 88"), (2, "port 2 of server.exe"), (3, "keeper")])
def test_the_requests_of_every_kind_of_holder_are_told(story: Story, rank: int, holder: str) -> None:
    story.diagnosis = everything_held()
    waits = [line for line in explained(story.make(), rank, width=240) if "is held from here on" in line]
    assert waits
    assert all(holder in line for line in waits)


def test_a_request_that_was_never_completed_is_held_from_its_issue_on(story: Story) -> None:
    story.diagnosis = everything_held()
    lines = explained(story.make(), 3, width=240)
    assert [line.split()[0] for line in lines if "is held from here on" in line] == ["+2.000000"] * 2
    assert not any("request 0x3000 completed" in line for line in lines)


def test_a_finding_without_single_events_says_so(leaking_snapshot: Snapshot) -> None:
    lines = explained(leaking_snapshot, 2)
    assert lines[-1] == "  (no single event: it rests on counts over the whole trace)"
    assert part(lines, "Allocated at") == ["     (no stack in the trace)"]
    assert part(lines, "What holds it")[0] == "  driver afd.sys"


def test_the_facts_stand_above_and_a_simulated_trace_is_called_so(story: Story) -> None:
    story.simulated, story.diagnosis = True, Diagnosis((missing_free(1),), ())
    lines = explained(story.make())
    assert lines[0] == SIMULATED_NOTICE
    assert lines[4] == "LEAK 1: afd.sys does not free all of the AfdB memory that it allocates"
    assert "  next      Read afd.sys." in lines


@pytest.mark.parametrize("width", [60, 80, 132])
def test_it_fits_the_width(leaking_snapshot: Snapshot, width: int) -> None:
    lines = explained(leaking_snapshot, width=width)
    assert [line for line in lines if cell_len(line) > width and not line.startswith("     ")] == []


def test_hostile_names_are_shown_and_do_nothing(hostile_snapshot: Snapshot) -> None:
    text = "".join(explained(hostile_snapshot))
    assert not FORBIDDEN & set(text)
    assert "-> thread \\x1b[2Jevil" in text


def test_blocks_are_shown_with_address_size_time_thread_and_process(story: Story) -> None:
    snapshot = story.make()
    rows = (snapshot.pool.outstanding.size == 4_096).nonzero()[0]
    told = replace(missing_free(1), rows=rows)
    lines = [line.plain for line in explanation(snapshot, told, top=2, width=100)]
    head, *blocks, left = part(lines, "Blocks, oldest first")
    assert head.split() == ["Address", "Tag", "Bytes", "Allocated", "Thread", "Process"]
    out = snapshot.pool.outstanding
    oldest = sorted(rows.tolist(), key=lambda row: int(out.time_ns[row]))[:2]
    assert [line.split()[0] for line in blocks] == [f"0x{int(out.address[row]):x}" for row in oldest]
    assert all(line.split()[1:3] == ["AfdB", "4,096"] for line in blocks)
    assert "client.exe (4330)" in blocks[0]
    assert left == "  and 1 block more (--top shows more)"


def test_offsets_in_a_compressed_trace_are_called_those_of_buffers(story: Story) -> None:
    story.diagnosis = Diagnosis((pending_apc(),), ())
    plain = story.make()
    packed = replace(plain, info=replace(plain.info, compressed_buffers=3))
    assert "compressed buffer" not in " ".join(explained(plain))
    assert "an offset is that of the buffer" in " ".join(" ".join(explained(packed)).split())
