"""Stack keys against a plain model: the first definition of the key at or after the event's time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.traces import examples, kernel_payload, read, unresolved, write
from tracer.etl.headers import HeaderType

pytestmark = pytest.mark.unjitted

START = 1_000_000
ACTIONS = st.tuples(
    st.sampled_from(["event", "define", "refer late"]), st.integers(0, 2), st.sampled_from([1_823, 1_824])
)


def event(time: int) -> Record:
    payload = kernel_payload(0x0E20, 8, {"tag": 1})
    return Record(HeaderType.SYSTEM64, time, payload, thread=8, process=4, hook=0x0E20, version=2)


def reference(event_time: int, key: int, time: int) -> Record:
    payload = kernel_payload(0x1826, 8, {"event_time": event_time, "thread": 8, "process": 4, "key": key})
    return Record(HeaderType.PERFINFO64, time, payload, hook=0x1826, version=2)


def definition(key: int, frame: int, time: int, hook: int = 0x1823) -> Record:
    payload = kernel_payload(hook, 8, {"key": key, "frames": [frame, frame + 1]})
    return Record(HeaderType.PERFINFO64, time, payload, hook=hook, version=2)


@given(
    actions=st.lists(ACTIONS, max_size=40),
    buffer_size=st.sampled_from([512, 4_096]),
    window_bytes=st.sampled_from([1, 4 << 20]),
)
@settings(max_examples=examples(200))
def test_a_reference_means_the_first_definition_at_or_after_its_event(
    actions: list[tuple[str, int, int]], buffer_size: int, window_bytes: int
) -> None:
    records: list[Record] = []
    definitions: list[tuple[int, int, int]] = []  # time, key, first frame
    wanted: list[tuple[int, int]] = []  # event time, key
    waiting: list[tuple[int, int]] = []
    time = START
    for name, number, _ in actions:
        time += 10
        key = 0x7000 + number
        if name == "define":
            frame = 0x7FF6_0000_0000 + 16 * len(records)
            definitions.append((time, key, frame))
            records.append(definition(key, frame, time))
        elif name == "event":
            records.append(event(time))
            wanted.append((time, key))
            waiting.append((time, key))
        if name == "refer late" or (name == "event" and number):
            records += [reference(at, of, time + 1 + i) for i, (at, of) in enumerate(waiting[:8])]
            del waiting[:8]
    records += [reference(at, of, time + 20 + i) for i, (at, of) in enumerate(waiting)]
    found = resolved(records, buffer_size, window_bytes)
    for at, key in wanted:
        later = [frame for defined, of, frame in definitions if of == key and defined >= at]
        assert found[at] == ([later[0], later[0] + 1] if later else [])


def resolved(records: list[Record], buffer_size: int, window_bytes: int) -> dict[int, list[int]]:
    """User stack frames by event time, from the event itself or from a late stack."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.etl"
        options = TraceOptions(buffer_size=buffer_size, session="s", log_file="f", flush_ns=0)
        write(path, records, options)
        trace = read(path, ["pool"], window_bytes=window_bytes)
    assert trace.damage == ()
    table = trace.tables.get("pool")
    rows = zip(table["raw_time"], table["user_stack"], strict=True) if table else ()
    found = {int(time): trace.stacks.frames(int(stack)).tolist() for time, stack in rows}
    for late in trace.late:
        assert late.is_user
        assert found[late.raw_time] == []
        found[late.raw_time] = trace.stacks.frames(late.stack).tolist()
    return found


def test_a_definition_at_the_very_time_of_the_event_is_taken() -> None:
    records = [event(START), definition(7, 0x7FF6_0000_0000, START), reference(START, 7, START + 5)]
    assert resolved(records, 4_096, 4 << 20) == {START: [0x7FF6_0000_0000, 0x7FF6_0000_0001]}


def test_a_key_of_many_lives_and_many_keys_need_more_room() -> None:
    records, want = [], {}
    for i in range(2_500):
        time = START + 10 * i
        key, frame = 0x7000 + i % 1_700, 0x7FF6_0000_0000 + 16 * i
        records += [event(time), reference(time, key, time + 1), definition(key, frame, time + 2)]
        want[time] = [frame, frame + 1]
    assert resolved(records, 0x10000, 4 << 20) == want


def test_a_key_whose_frames_never_come_stays_unresolved(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    write(path, [event(START), reference(START, 7, START + 5)])
    trace = read(path, ["pool"])
    assert unresolved(trace.stacks) == 1
    assert trace.stacks.frames(int(trace.tables["pool"]["user_stack"][0])).tolist() == []
