"""A Dask scheduler and its workers as processes of this machine, each held to a core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_ROOT: Final = Path(__file__).parents[2]
_HERE: Final = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass(frozen=True, slots=True)
class Cluster:
    """``workers``: the processes of the workers, or of what starts them again."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: tuple[subprocess.Popen[bytes], ...]

    def processes(self, word: str) -> list[psutil.Process]:
        """Below the workers, those that have a word on their command line."""
        found = []
        for each in self.workers:
            try:
                for below in psutil.Process(each.pid).children(recursive=True):
                    if word in " ".join(below.cmdline()):
                        found.append(below)
            except psutil.Error:  # it has just ended
                continue
        return found


@contextmanager
def dask_cluster(workers: Sequence[Sequence[str]], folder: Path, *, cores: Sequence[int] = ()) -> Iterator[Cluster]:
    """A scheduler and so many workers of one thread, each with more words of its command line; files in ``folder``.

    ``cores``: what each worker is held to, one after the other; the scheduler to the first.
    """
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    each = ("worker", *_HERE, "--nthreads", "1", "--memory-limit", "2GiB", "--local-directory", str(folder))
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(_started("scheduler", *_HERE, "--port", "0", file=file, cores=cores[:1]))
        while not file.exists():
            time.sleep(0.05)
        for number, words in enumerate(workers):
            running.append(_started(*each, *words, file=file, cores=cores[number : number + 1]))
        yield Cluster(json.loads(file.read_text("utf-8"))["address"], running[0], tuple(running[1:]))
    finally:
        for process in reversed(running):
            _end(process)


def _started(*words: str, file: Path, cores: Sequence[int]) -> subprocess.Popen[bytes]:
    started = subprocess.Popen(
        [sys.executable, "-m", "dask", *words, "--scheduler-file", str(file)],
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(started.pid, cores)
    return started


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    if process.poll() is None:
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for each in below:
            try:
                each.kill()
            except psutil.NoSuchProcess:
                continue
    process.wait()
