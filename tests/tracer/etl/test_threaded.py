"""Items made ahead in a thread: the same, in order; and the thread ends however the consumer does."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tracer.etl.file import EtlFile
from tracer.etl.headers import HeaderType
from tracer.etl.threaded import ahead


class Source:
    """Counts up to a number, or without end, and remembers whether it was closed."""

    def __init__(self, count: int | None, error: BaseException | None = None) -> None:
        self.count, self.error = count, error
        self.made = 0
        self.closed = threading.Event()

    def items(self) -> Generator[int]:
        try:
            while self.count is None or self.made < self.count:
                self.made += 1
                yield self.made
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("poolscope")]


def test_the_items_come_in_order() -> None:
    assert list(ahead(Source(500).items())) == list(range(1, 501))
    assert not readers()


def test_nothing_gives_nothing() -> None:
    assert list(ahead(Source(0).items())) == []


def test_an_exception_of_the_producer_is_raised_behind_the_items_before_it() -> None:
    found: list[int] = []
    with pytest.raises(KeyError, match="lost"):
        found.extend(ahead(Source(3, KeyError("lost")).items()))
    assert found == [1, 2, 3]
    assert not readers()


def test_a_consumer_that_stops_early_ends_the_thread_and_closes_the_source() -> None:
    source = Source(None)
    items = ahead(source.items())
    assert [next(items), next(items)] == [1, 2]
    items.close()
    assert source.closed.is_set()
    assert source.made <= 5
    assert not readers()


def test_a_consumer_that_raises_does_not_hang_and_ends_two_stages() -> None:
    source = Source(None)
    items = ahead(doubled(ahead(source.items())))
    with pytest.raises(ZeroDivisionError):
        consume(items)
    items.close()
    assert source.closed.is_set()
    assert not readers()


def consume(items: Generator[int]) -> None:
    for item in items:
        assert item // (4 - item)


def doubled(items: Generator[int]) -> Generator[int]:
    try:
        for item in items:
            yield 2 * item
    finally:
        items.close()


def a_trace(folder: Path, *, compressed: bool) -> Path:
    path = folder / "t.etl"
    records = [Record(HeaderType.PERFINFO64, 1_000_000 + i, bytes(24), hook=0x0E20, version=2) for i in range(3_000)]
    path.write_bytes(EtlWriter(TraceOptions(buffer_size=1_024, compressed=compressed)).write(records))
    return path


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("compressed", [False, True])
def test_closing_a_file_in_the_middle_of_a_reading_ends_its_threads_first(
    compressed: bool, threads: int, tmp_path: Path
) -> None:
    trace = EtlFile.open(a_trace(tmp_path, compressed=compressed), window_bytes=2_000, threads=threads)
    batches = trace.batches()
    next(batches)
    assert len(readers()) == threads - 1
    trace.close()
    assert not readers()
    assert list(batches) == []


def test_a_second_reading_ends_the_first_and_counts_from_the_beginning(tmp_path: Path) -> None:
    with EtlFile.open(a_trace(tmp_path, compressed=False), window_bytes=2_000, threads=2) as trace:
        first = trace.batches()
        next(first)
        trace.scan()
        assert list(first) == []
        assert trace.census.kernel_events[0x0E20] == 3_000
    assert not readers()


def read_too_little(path: Path) -> None:
    with EtlFile.open(path, window_bytes=2_000) as trace:
        for _ in trace.batches():
            raise RuntimeError("enough")


def test_the_file_is_closed_when_the_consumer_raises(tmp_path: Path) -> None:
    path = a_trace(tmp_path, compressed=True)
    with pytest.raises(RuntimeError, match="enough"):
        read_too_little(path)
    assert not readers()
    path.unlink()
