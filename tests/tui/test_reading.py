from __future__ import annotations

import io
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from tui.interrupts import Interrupts
from tui.reading import progress, progress_bar, trace


class FakeSource:
    """Three batches; something may happen while the second is read."""

    def __init__(self, snapshot: Snapshot, meanwhile: Callable[[], None]) -> None:
        self.info, self.census, self.loss = snapshot.info, snapshot.census, snapshot.loss
        self.damage, self.bytes = snapshot.damage, snapshot.bytes
        self.meanwhile = meanwhile
        self.taken = 0

    def __enter__(self) -> FakeSource:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def batches(self, _kinds: object = None) -> Iterator[Any]:
        for number in (1, 2, 3):
            self.taken = number
            if number == 2:
                self.meanwhile()
            yield SimpleNamespace(bytes_read=number * 1000, records=number * 10, tables={})


class FakeAnalysis:
    KINDS = frozenset({"pool"})

    def __init__(self, _source: object, _names: object, **_: object) -> None:
        self.fed: list[int] = []

    def feed(self, batch: Any) -> None:
        self.fed.append(batch.records)

    def clock_shifts(self) -> tuple[()]:
        return ()

    def supposed_shifts(self) -> tuple[()]:
        return ()

    def snapshot(self, *, partial: bool) -> Any:
        return SimpleNamespace(partial=partial, fed=self.fed, info=SimpleNamespace(joined=()))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot) -> Callable[..., FakeSource]:
    """Reading goes to a fake source; gives it."""

    def prepare(meanwhile: Callable[[], None] = lambda: None) -> FakeSource:
        source = FakeSource(snapshot, meanwhile)
        monkeypatch.setattr(trace, "open_trace", lambda _trace: source)
        monkeypatch.setattr(trace, "Analysis", FakeAnalysis)
        return source

    return prepare


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


NAMES = TagNames(())
LEAK = Path("leak.etl")


def test_a_trace_is_read_to_its_end(read: Callable[..., FakeSource]) -> None:
    read()
    told: Any = trace.read_snapshot(LEAK, NAMES, quiet=True)
    assert (told.partial, told.fed) == (False, [10, 20, 30])
    assert not trace.read_contents(LEAK, quiet=True).partial


def test_an_interrupted_analysis_ends_after_its_batch_and_is_partial(read: Callable[..., FakeSource]) -> None:
    source = read(interrupt)
    told: Any = trace.read_snapshot(LEAK, NAMES, quiet=True)
    assert (told.partial, told.fed, source.taken) == (True, [10, 20], 2)


def test_an_interrupted_scan_gives_what_it_counted_and_is_partial(read: Callable[..., FakeSource]) -> None:
    source = read(interrupt)
    assert trace.read_contents(LEAK, quiet=True).partial
    assert source.taken == 2


def test_a_second_interrupt_ends_at_once(read: Callable[..., FakeSource]) -> None:
    def twice() -> None:
        interrupt()
        interrupt()

    read(twice)
    with pytest.raises(KeyboardInterrupt):
        trace.read_snapshot(LEAK, NAMES, quiet=True)


def test_the_handler_of_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(noted=1):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_may_read_without_a_handler() -> None:
    asked: list[bool] = []

    def work() -> None:
        with Interrupts(noted=1) as interruption:
            asked.append(interruption.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_wiped_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.meter("leak\x1b[2J.etl", 1 << 30, quiet=False) as shown:
        shown.advance(2048, 5000)
    said = terminal.getvalue()
    assert "leak\\x1b[2J.etl" in said
    assert "GiB" in said
    assert said.rstrip().endswith("\x1b[2K")


@pytest.mark.parametrize(
    ("stream", "size", "quiet"),
    [(io.StringIO(), 1 << 30, False), (Terminal(), 1 << 30, True), (Terminal(), 1 << 20, False)],
)
def test_nothing_is_shown_in_a_pipe_or_when_quiet_or_of_a_small_trace(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, size: int, quiet: bool
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with progress.meter("leak.etl", size, quiet=quiet) as shown:
        shown.advance(4096, 10)
    assert stream.getvalue() == ""


class AtOnce(threading.Thread):
    """A timer whose time has come."""

    def __init__(self, _seconds: float, call: Callable[[], None]) -> None:
        super().__init__(target=call)

    def start(self) -> None:
        super().start()
        self.join()

    def cancel(self) -> None:
        pass


def test_a_bar_is_shown_while_a_file_is_written_and_wiped_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(threading, "Timer", AtOnce)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.while_written("writing \x1b[2J.csv", [b"x" * 2048, b"y" * 1024], quiet=False) as pieces:
        assert b"".join(pieces) == b"x" * 2048 + b"y" * 1024
    said = terminal.getvalue()
    assert "writing \\x1b[2J.csv" in said
    assert "3.0/? KiB" in said
    assert said.rstrip().endswith("\x1b[2K")


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_no_bar_is_shown_in_a_pipe_or_when_quiet(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, quiet: bool
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(threading, "Timer", AtOnce)
    with progress.while_written("writing", [b"x"], quiet=quiet) as pieces:
        assert list(pieces) == [b"x"]
    assert stream.getvalue() == ""


def test_what_is_written_at_once_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.while_written("writing", [b"x"], quiet=False) as pieces:
        assert list(pieces) == [b"x"]
    assert terminal.getvalue() == ""


def test_a_bar_is_shown_for_each_file_that_is_fetched_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    shown = progress.FileMeter(quiet=False)
    shown("first\x1b[2J.pdb", 2048, 4096)
    shown("second.pdb", 10, None)
    assert "first\\x1b[2J.pdb" in terminal.getvalue()
    shown.end()
    assert "second.pdb" in terminal.getvalue()
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")
    said = terminal.getvalue()
    shown.is_silent = True
    shown("third.pdb", 1, 2)
    assert terminal.getvalue() == said


def test_the_rate_of_records_appears_once_there_is_one() -> None:
    column = progress_bar.RecordRate()
    task: Any = SimpleNamespace(elapsed=2.0, fields={"records": 3_000_000})
    assert column.render(task).plain == "1,500,000 records/s"
    task.elapsed = None
    assert column.render(task).plain == ""


def test_kernels_are_compiled_before_a_capture_and_only_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = [False]
    monkeypatch.setattr(trace, "is_current", lambda: compiled[0])
    read: list[Path] = []
    monkeypatch.setattr(trace, "read_snapshot", lambda path, *_, **__: read.append(path))
    trace.compile_kernels(quiet=False)
    compiled[0] = True
    trace.compile_kernels(quiet=False)
    assert read == [DEMO_TRACE]
