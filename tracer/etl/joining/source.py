"""Files that belong together as one source of event batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import PurePath
from types import TracebackType
from typing import Final, TypeVar

from tracer.errors import Damage
from tracer.etl.file import WINDOW_BYTES, EtlFile
from tracer.etl.joining.belonging import ADJOINING_SECONDS, Group
from tracer.etl.joining.merge import Merge, Part
from tracer.etl.joining.recording import Recording, recording_of
from tracer.etl.threaded import ahead
from tracer.events.schema_book import SchemaBook
from tracer.stacks.keys import KeyTable
from tracer.stacks.table import StackTable
from tracer.trace import Batch, ByteCount, Census, ClockShift, Gap, JoinedFile, Loss, Rolled, TraceInfo, Usage

_Key = TypeVar("_Key")

_QUIET_SECONDS: Final = 0.1
"""Where buffers begin to count anew the session was stopped and started; a kernel without a pool event for as long
would be a wonder, so that events are missing in a longer pause."""
_LEAST_WINDOW: Final = 1 << 18
"""Bytes of a file's buffers whose events go out together, where there are so many files that its share is less."""


class JoinedFiles(AbstractContextManager["JoinedFiles"]):
    """A group of files, opened with :meth:`open`; satisfies :class:`~tracer.trace.Source`.

    Times count from the start of the file that started first. Losses, damage and bytes are those of all files.
    """

    def __init__(self, group: Group, files: list[EtlFile], closing: ExitStack) -> None:
        self._closing = closing
        self._files = files
        self._recordings = [recording_of(file) for file in files]
        self.stacks = StackTable()
        self._clock = min((file.head.clock for file in files), key=lambda clock: clock.origin)
        for file in files:
            file.become_part(self._clock, self.stacks, max(WINDOW_BYTES // len(files), _LEAST_WINDOW))
        self._earlier = _earlier_parts(self._recordings)
        for file, earlier in zip(files, self._earlier, strict=True):
            file.goes_on = earlier is not None
        self._bases = _bases(self._recordings)
        self._why = group.why
        self._merge: Merge | None = None
        self._running: Generator[Batch] | None = None

    @classmethod
    def open(cls, group: Group) -> JoinedFiles:
        """Open all files of a group; :class:`InputError` where one cannot be opened."""
        with ExitStack() as opened:
            files = [opened.enter_context(EtlFile.open(path, threads=1)) for path in group.paths]
            return cls(group, files, opened.pop_all())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading, where batches are still being taken, and close the files."""
        self._stop()
        self._closing.close()

    def _stop(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    @property
    def info(self) -> TraceInfo:
        """The header of the whole: from the earliest start to the latest end."""
        every = [file.info for file in self._files]
        first = every[0]
        ends = [info.end for info in every]
        return replace(
            first,
            path=f"{first.path} and {len(every) - 1} more",
            bytes=sum(info.bytes for info in every),
            session=", ".join(dict.fromkeys(info.session for info in every)),
            start=min(info.start for info in every),
            end=max(ends) if all(ends) else 0,
            duration_ns=max(info.duration_ns for info in every),
            pointer_size=max(info.pointer_size for info in every),
            processors=max(info.processors for info in every),
            machine_pointer_size=max(info.machine_pointer_size for info in every),
            processors_seen=max(info.processors_seen for info in every),
            continues=any(
                info.continues and earlier is None for info, earlier in zip(every, self._earlier, strict=True)
            ),
            buffers=sum(info.buffers for info in every),
            compressed_buffers=sum(info.compressed_buffers for info in every),
            mode=tuple(dict.fromkeys(word for info in every for word in info.mode)),
            finalised=all(info.finalised for info in every),
            buffer_bytes=max(info.buffer_bytes for info in every),
            simulated=any(info.simulated for info in every),
            rolled=_still_missing(every),
            joined=tuple(
                JoinedFile(info.path, info.bytes, info.session, info.start, info.end, base, why)
                for info, base, why in zip(every, self._bases, self._why, strict=True)
            ),
        )

    @property
    def census(self) -> Census:
        """Counts of what has been read so far, copies of the same event included."""
        every = [file.census for file in self._files]
        return Census(
            sum(each.total for each in every),
            _sums(each.by_header for each in every),
            _sums(each.kernel_events for each in every),
            _sums(each.providers for each in every),
            self._usage([each.usage for each in every if each.usage is not None]),
        )

    def _usage(self, every: Sequence[Usage]) -> Usage | None:
        """What became of all files' records; none before one was read."""
        if self._merge is None:
            return None
        numbers = ("definitions", "passed_over", "stacks", "bare_stacks", "short")
        return Usage(
            versions=_sums(each.versions for each in every),
            given=_sums(each.given for each in every),
            copies=self._merge.copies,
            **{name: sum(getattr(each, name) for each in every) for name in numbers},
        )

    @property
    def loss(self) -> Loss:
        """What the files lost, and what lies between two of them."""
        every = [file.loss for file in self._files]
        gaps, fronts = (
            [replace(gap, file=file.path.name) for file, mine in zip(self._files, each, strict=True) for gap in mine]
            for each in ([loss.gaps for loss in every], [loss.overwritten for loss in every])
        )
        return Loss(
            sum(loss.events_lost for loss in every),
            sum(loss.buffers_lost for loss in every),
            tuple(sorted(gaps + self._between(), key=lambda gap: (gap.from_ns, gap.to_ns, gap.cpu))),
            max(loss.complete_from_ns for loss in every),
            overwritten=tuple(fronts),
        )

    def _between(self) -> list[Gap]:
        """Where something is missing between two parts of a session: buffers, or a file where a pause is long."""
        found = []
        for earlier, later in zip(self._earlier, self._recordings, strict=True):
            if earlier is None:
                continue
            missing = later.numbers[0] - earlier.numbers[1] - 1 if later.numbers[0] > 1 else 0
            longest = _QUIET_SECONDS if later.numbers[0] == 1 else ADJOINING_SECONDS
            if missing > 0 or later.seconds(later.first - earlier.last) > longest:
                ends = sorted((self._clock.ns_of(earlier.last), self._clock.ns_of(later.first)))
                found.append(Gap(ends[0], ends[1], -1, "between-files", max(missing, 0), later.path.name))
        return found

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read so far, file by file."""
        return tuple(replace(place, file=file.path.name) for file in self._files for place in file.damage)

    @property
    def bytes(self) -> ByteCount:
        """Where the bytes read so far went."""
        every = [file.bytes for file in self._files]
        return ByteCount(
            sum(each.headers for each in every), sum(each.records for each in every),
            sum(each.padding for each in every), sum(each.skipped for each in every),
        )  # fmt: skip

    def wait(self, seconds: float) -> bool:  # noqa: ARG002 - a live source has to
        """All of a file is there."""
        return True

    def batches(self, kinds: Collection[str] | None = None, schemas: SchemaBook | None = None) -> Generator[Batch]:
        """As :meth:`EtlFile.batches`, of all files; read in a thread of their own, while the caller uses a batch."""
        self._stop()
        numbers = _numbers(self._recordings)
        # A session that caches stacks may write the frames of a key into a later file than the references to it.
        keys = {number: KeyTable() for number in numbers}
        parts = []
        for file, recording, base, number in zip(self._files, self._recordings, self._bases, numbers, strict=True):
            file.keys = keys[number]
            parts.append(Part(file, self._clock.ns_of(recording.first), base, number))
        self._merge = Merge(parts, self._clock)
        self._running = ahead(self._merge.batches(kinds, schemas))
        return self._running

    def correct_clocks(self, shifts: tuple[ClockShift, ...]) -> None:
        """As :meth:`EtlFile.correct_clocks`, of all files: they are of one machine."""
        for file in self._files:
            file.correct_clocks(shifts)

    def carried_schemas(self) -> SchemaBook:
        """The schemas that the files carry."""
        book = SchemaBook()
        for file in self._files:
            file.carried_schemas(book)
        return book

    def scan(self, progress: Callable[[Batch], None] | None = None) -> None:
        """Walk everything and keep only the counts, losses and damage."""
        for batch in self.batches(()):
            if progress is not None:
                progress(batch)


def _still_missing(every: Sequence[TraceInfo]) -> Rolled | None:
    """Parts that lie beside the files and are not among them."""
    here = {PurePath(info.path).name for info in every}
    beside = dict.fromkeys(name for info in every if info.rolled for name in info.rolled.beside if name not in here)
    if not beside:
        return None
    parts = "another part lies" if len(beside) == 1 else f"{len(beside)} other parts lie"
    goes_on = all(info.rolled.goes_on for info in every if info.rolled)
    return Rolled((f"{parts} beside them, of the same session and clock",), tuple(beside), goes_on)


def _earlier_parts(recordings: list[Recording]) -> list[Recording | None]:
    """For each file the one before it in which its session began; ``None`` where that is the file itself."""
    latest: dict[str, Recording] = {}
    out: list[Recording | None] = []
    for recording in recordings:
        out.append(latest.get(recording.head.session) if recording.head.session else None)
        latest[recording.head.session] = recording
    return out


def _bases(recordings: list[Recording]) -> tuple[int, ...]:
    """Where each file would begin if they stood one behind the other."""
    bases = [0]
    for recording in recordings[:-1]:
        bases.append(bases[-1] + recording.bytes)
    return tuple(bases)


def _numbers(recordings: list[Recording]) -> list[int]:
    """The same number for files of one session."""
    names = [recording.head.session or str(PurePath(recording.path)) for recording in recordings]
    return [names.index(name) for name in names]


def _sums(counts: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    total: Counter[_Key] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
