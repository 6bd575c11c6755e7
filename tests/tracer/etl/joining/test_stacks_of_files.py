"""A stack belongs to an event of its own session."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from fixtures.etl.records import Record
from fixtures.etl.rolling import rolled
from fixtures.settings import StackMode
from tests.tracer.etl.joining.recordings import START, files, joined, pool_records, simulated, written
from tracer.etl.headers import HeaderType
from tracer.etl.joining.belonging import groups_of
from tracer.events import stack

AT = 5_000


def stack_record(logged: int, event: int, thread: int) -> Record:
    """A kernel stack of one frame, of an event of that time (ticks since the start)."""
    payload = struct.pack("<qIIQ", START + event, 4, thread, 0xFFFFF80000001000)
    return Record(HeaderType.PERFINFO64, START + logged, payload, hook=stack.STACK, version=2)


@pytest.mark.parametrize(("session", "stacks"), [("first", 1), ("other", 0)])
def test_a_stack_is_given_to_an_event_of_its_own_session_alone(tmp_path: Path, session: str, stacks: int) -> None:
    """It comes in another file: of the session that logged the event, or of one that did not."""
    events = written(tmp_path / "a.etl", pool_records([AT, AT + 100]), session="first")
    options = {"session": session, "start_ticks": START, "first_sequence": 2}
    other = written(tmp_path / "b.etl", [stack_record(AT + 10, AT, 77)], **options)
    (group,) = groups_of([events, other])
    snapshot = joined(group)
    assert len(snapshot.pool.outstanding) == 2
    assert int((snapshot.pool.sites.stack >= 0).sum()) == stacks


def test_the_frames_of_a_stack_key_may_come_in_a_later_file(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("missing-free", stacks=StackMode.KEYED).data, (0.5,)))
    (group,) = groups_of(parts)
    assert int((joined(group).pool.sites.stack < 0).sum()) == 0
