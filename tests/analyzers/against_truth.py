"""Analyses of simulated traces, compared with what the simulator knows to be true."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analyzers.analysis import Analysis
from analyzers.pool_tables import PoolSnapshot
from analyzers.pooltag import tag_hex, tag_text
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from fixtures.kernel.machine import START_TICKS
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tracer.columns import Who
from tracer.etl.file import WINDOW_BYTES, EtlFile

Document = dict[str, Any]

NO_NAMES = TagNames(())
_ROUNDS = {"winsock-loop": 45, "winsock-loop-fixed": 45, "missing-free": 220, "cache": 300, "churn": 280}
"""Rounds of scenarios that make up to some 10,000 records."""
_OTHER_ROUNDS = 60


def drawn(seed: int) -> tuple[str, Settings]:
    """A scenario on some machine, under some session."""
    draw = random.Random(f"trace {seed}")
    scenario = list(SCENARIOS)[seed % len(SCENARIOS)]
    rounds = _ROUNDS.get(scenario, _OTHER_ROUNDS)
    return scenario, Settings(
        cpus=draw.choice([1, 1, 2, 3, 4, 8, 16, 33, 64]),
        pointer_size=draw.choice([4, 8]),
        iterations=draw.randrange(rounds // 4, rounds),
        compressed=draw.random() < 0.4,
        stacks=draw.choice(list(StackMode)),
        user_stacks=draw.choice([0.0, 0.1, 1.0]),
        session_share=draw.choice([0.0, 0.1, 0.5]),
        big_share=draw.choice([0.0, 0.05, 0.4]),
        stray_frees=draw.choice([0, 10, 60]),
        lost_events=draw.choice([0.0, 0.0, 0.02, 0.2]),
        lost_buffers=draw.choice([0, 0, 0, 1, 3]),
        buffer_size=draw.choice([4096, 8192, 0x10000]),
        frequency=draw.choice([1_818_300, 3_117_777, 10_000_000, 14_318_180]),
    )


def simulation_of(seed: int) -> Simulation:
    """What is drawn by the seed, played."""
    scenario, settings = drawn(seed)
    return simulate(scenario, seed, settings)


def analysed(path: Path, *, window_bytes: int = WINDOW_BYTES, threads: int = 1) -> Snapshot:
    """The snapshot at the end of a trace; the two equations are checked on the way by the ledger itself."""
    with EtlFile.open(path, window_bytes=window_bytes, threads=threads) as source:
        analysis = Analysis(source, NO_NAMES)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        return analysis.snapshot()


def pool_document(pool: PoolSnapshot) -> Document:
    """Totals and tags in the form of the truth: as ``--json`` has them, less drivers and descriptions."""
    tags = pool.tags
    rows: list[Document] = [
        {
            "tag": tag_text(int(tags.tag[i])),
            "tag_hex": tag_hex(int(tags.tag[i])),
            "paged": bool(tags.paged[i]),
            "allocations": int(tags.allocations[i]),
            "frees": int(tags.frees[i]),
            "outstanding_count": int(tags.outstanding_count[i]),
            "outstanding_bytes": int(tags.outstanding_bytes[i]),
            "peak_bytes": int(tags.peak_bytes[i]),
        }
        for i in range(len(tags.tag))
    ]
    rows.sort(key=lambda row: (-row["outstanding_bytes"], row["tag_hex"], row["paged"]))
    totals = pool.totals
    return {
        "allocations": totals.allocations,
        "frees": totals.frees,
        "matched": totals.matched,
        "frees_without_allocation": totals.frees_without_allocation,
        "replaced_without_free": totals.replaced_without_free,
        "outstanding_count": totals.outstanding_count,
        "outstanding_bytes": totals.outstanding_bytes,
        "by_tag": rows,
    }


def outstanding_documents(snapshot: Snapshot) -> list[Document]:
    """Every outstanding allocation in the form of the truth, by time and address."""
    pool = snapshot.pool
    out = pool.outstanding
    rows: list[Document] = [
        {
            "address": int(out.address[i]),
            "size": int(out.size[i]),
            "tag_hex": tag_hex(int(pool.tags.tag[pool.sites.tag_row[out.site[i]]])),
            "paged": bool(out.type[i] & 1),
            "time_ns": int(out.time_ns[i]),
            "process_id": int(out.process[i]),
            "thread_id": int(out.thread[i]),
            "stack": [frame.address for frame in snapshot.names.frames(int(pool.sites.stack[out.site[i]]))],
            "who": Who(int(out.who[i])),
            "cpu": int(out.cpu[i]),
        }
        for i in range(len(out))
    ]
    return sorted(rows, key=lambda row: (row["time_ns"], row["address"]))


def process_documents(pool: PoolSnapshot) -> list[Document]:
    """Outstanding by process in the form of the truth."""
    rows: list[Document] = [
        {"id": row.id, "name": row.name, "count": row.count, "bytes": row.bytes} for row in pool.by_process
    ]
    return sorted(rows, key=lambda row: (-row["bytes"], row["id"]))


def assert_agrees(snapshot: Snapshot, simulation: Simulation) -> None:
    """Everything the truth tells about the pool is what the analysis found."""
    truth = simulation.truth
    assert pool_document(snapshot.pool) == truth["pool"]
    found = outstanding_documents(snapshot)
    wanted = sorted(truth["outstanding"], key=lambda row: (row["time_ns"], row["address"]))
    owned = _has_owners(found, simulation)
    for row, want in zip(found, wanted, strict=True):
        _assert_allocation(row, want, simulation)
    if owned:
        assert process_documents(snapshot.pool) == truth["by_process"]


def _assert_allocation(row: Document, want: Document, simulation: Simulation) -> None:
    who, cpu = row.pop("who"), row.pop("cpu")
    if who is Who.UNKNOWN:
        assert simulation.settings.stacks is StackMode.NONE or simulation.settings.lost_buffers
        assert cpu not in _switching(simulation)
    if who is Who.STACK or (who is Who.CONTEXT_SWITCH and not simulation.settings.lost_buffers):
        assert row == want
    else:
        anybody = {"process_id": 0, "thread_id": 0}
        assert row | anybody == want | anybody


def _has_owners(rows: list[Document], simulation: Simulation) -> bool:
    """Whether the file tells every allocation's thread."""
    stacks = simulation.settings.stacks is not StackMode.NONE
    return all(row["who"] is not Who.UNKNOWN for row in rows) and (stacks or not simulation.settings.lost_buffers)


def _switching(simulation: Simulation) -> set[int]:
    return {record.cpu for record in simulation.records if record.hook == 0x0524}


def rewritten(simulation: Simulation, records: Iterable[Record], buffer_size: int, **options: Any) -> bytes:
    """The same machine's trace from other records, or in other buffers."""
    settings = simulation.settings
    writer = EtlWriter(
        TraceOptions(
            **{
                "buffer_size": buffer_size,
                "processors": settings.cpus,
                "pointer_size": settings.pointer_size,
                "frequency": settings.frequency,
                "start_ticks": START_TICKS,
            }
            | options,
        )
    )
    return writer.write(records)


def concluded(snapshot: Snapshot) -> str:
    """The diagnosis without what belongs to the file alone: offsets, and numbers of stacks."""
    text = re.sub(r"offset=-?\d+", "offset", repr(snapshot.diagnosis))
    return re.sub(r"\b(user_)?stack=-?\d+", "stack", text)
