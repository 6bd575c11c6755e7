"""Windows Performance Recorder with our profile, for a few seconds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import PoolscopeError
from tracer.etl.file import EtlFile
from tracer.events import pool, schemas
from tracer.images.carried import IDENTITIES
from tracer.live.profile import Recording
from tracer.live.wpr_profile import wpr_profile
from tracer.programs import program

_TIMEOUT: Final = 90.0
"""Seconds; stopping merges the file, which takes long."""
_MOST_WORDS: Final = 300
Run = Callable[[Sequence[str]], tuple[int, str]]
"""Run a command: its exit code and what it said."""


@dataclass(frozen=True, slots=True)
class WprOutcome:
    """``exit_code`` and ``said`` of the step that failed (``step``: start, stop or read), 0 and empty where none did.

    ``identities``, ``metadata``: events that tell of images and of events' schemas, which merging adds.
    """

    step: str = ""
    exit_code: int = 0
    said: str = ""
    bytes: int = 0
    pool_events: int = 0
    identities: int = 0
    metadata: int = 0


@dataclass(frozen=True, slots=True)
class Wpr:
    """A WPR that is there. A recording of somebody else's is never touched: ours is ended by its own stop."""

    run: Run

    @classmethod
    def here(cls) -> Wpr | None:
        """WPR of this machine, ``None`` where there is none in PATH."""
        path = program("wpr")
        return None if path is None else cls(lambda words: said_by([path, *words]))

    def tried(self, folder: Path, meanwhile: Callable[[], None], wait: Callable[[], None]) -> WprOutcome:
        """Record into a folder while something is going on, and read what came of it."""
        profile, out = folder / "pool.wprp", folder / "wpr.etl"
        profile.write_text(wpr_profile(Recording()), "ascii")
        code, said = self.run(["-start", str(profile), "-filemode"])
        if code:  # also where somebody records with WPR already
            return WprOutcome("start", code, said)
        stopped = False
        try:
            meanwhile()
            wait()
            code, said = self.run(["-stop", str(out)])
            stopped = code == 0
        finally:
            if not stopped:
                self.run(["-cancel"])
        return _read(out) if stopped else WprOutcome("stop", code, said)


def _read(path: Path) -> WprOutcome:
    try:
        with EtlFile.open(path) as trace:
            tables = (batch.tables.get(IDENTITIES) for batch in trace.batches({IDENTITIES}))
            identities = sum(len(table) for table in tables if table is not None)
            census = trace.census
    except PoolscopeError as error:
        return WprOutcome("read", 0, f"{error.what}: {error.why}")
    return WprOutcome(
        bytes=path.stat().st_size,
        pool_events=sum(census.kernel_events.get(hook, 0) for hook in (pool.ALLOC, pool.FREE)),
        identities=identities,
        metadata=census.providers.get(schemas.PROVIDER, 0),
    )


def said_by(words: Sequence[str]) -> tuple[int, str]:
    """Run a command of ours: its exit code, -1 where it did not come to its end, and what it said."""
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False, text=True,
            errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, str(error)
    return done.returncode, " ".join((done.stderr or done.stdout).split())[:_MOST_WORDS]
