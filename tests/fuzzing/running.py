"""Many executions of a target, in processes of their own that may hang, fill the memory or die.

An input is made of a seed and its number, so any of them can be made again; processes share the numbers out by turns.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import random
import threading
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from tests.fuzzing.corpus import inputs_of, write_lines
from tests.fuzzing.target import insist
from tracer.symbols.limits import limit_memory

SECONDS_OF_AN_INPUT: Final = 1.0
"""Of processor time that one may take: 1 s for each MB, and all are smaller."""
MEMORY: Final = 512 << 20
"""Bytes that a process may take beyond what it has when it has read its inputs: as for PDB files."""
_MOST_OF_A_PROCESS: Final = 200_000
"""Inputs: what is kept of them on purpose, such as names, is not taken for memory that one of them asks for."""
_BEFORE_THE_FIRST: Final = 20
"""Times as patient is one with a process that starts and reads its inputs."""
_ROOT: Final = Path(__file__).parents[2]
_BECAUSE: Final = ": "
_MOST_FOUND: Final = 40
"""Defects of one kind are told once; of so many kinds something more is wrong."""


@dataclass(slots=True)
class Result:
    """``found``: a line for each kind of defect. ``slowest``: seconds of processor time that an input took."""

    target: str
    engine: str
    seed: int
    first: int
    executions: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    found: list[str] = field(default_factory=list)

    def document(self) -> str:
        """As a line of a log."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``executions`` and ``seconds`` both bound it. ``folder``: where inputs with defects go.

    ``patience``: seconds by the clock that an input may take: beyond, it hangs, also where no Python runs. They are
    many, as a busy machine is slow as well. ``keep``: so many inputs of a guided run go into the corpus.
    """

    target: str
    seed: int
    first: int
    executions: int
    seconds: float
    processes: int
    folder: Path
    patience: float = 60.0
    keep: int = 0


def input_at(name: str, seed: int, number: int) -> bytes:
    """An input of a target; the same for ever, with the same inputs to start from."""
    target, inputs = inputs_of(name)
    return target.mutate(random.Random(f"{name} {seed} {number}"), inputs)


def kind_of(error: BaseException) -> str:
    """A kind of defect: what was raised, and in which line of ours."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.name != insist.__name__]
    frame = next((each for each in reversed(frames) if _is_ours(each.filename)), frames[-1])
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}{_BECAUSE}{ascii(str(error))[1:161]}"


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(_ROOT) and "site-packages" not in file


def _work(plan: Plan, start: int, at: ctypes.c_int64, told: Connection) -> None:
    """Take every n-th number from ``start`` on. What is told: a defect and its input, at last the slowest input.

    ``at``: the number that is being tried, -1 while inputs are read.
    """
    warnings.simplefilter("error")  # one is seen on somebody's terminal
    target, inputs = inputs_of(plan.target)
    for data in inputs:  # what is loaded late is loaded now
        try:
            target.check(data)
        except Exception as error:
            told.send((f"seed: {kind_of(error)}", data))
    limit_memory(MEMORY)
    ends, slowest = time.monotonic() + plan.seconds, 0.0
    last = plan.first + plan.executions
    for number in range(start, last, plan.processes):
        at.value = number
        if time.monotonic() > ends or number - start >= _MOST_OF_A_PROCESS * plan.processes:
            break
        data = target.mutate(random.Random(f"{plan.target} {plan.seed} {number}"), inputs)
        began = time.process_time()
        try:
            target.check(data)
        except Exception as error:
            told.send((kind_of(error), data))
        took = time.process_time() - began
        if took > SECONDS_OF_AN_INPUT:
            told.send((f"slow: more than {SECONDS_OF_AN_INPUT:g} s of processor time", data))
        slowest = max(slowest, took)
    else:
        at.value = last
    told.send((slowest, b""))


class Campaign:
    """Runs a plan; a process that dies or hangs is told of, and another goes on behind its input."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._context = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()
        self.result = Result(plan.target, "mutate", plan.seed, plan.first)

    def run(self) -> Result:
        """All of it."""
        began = time.monotonic()
        with ThreadPoolExecutor(self._plan.processes) as turns:
            done = list(turns.map(self._turn, range(self._plan.processes)))
        self.result.executions = sum(done)
        self.result.seconds = time.monotonic() - began
        return self.result

    def _turn(self, turn: int) -> int:
        """How many inputs one process after the other has tried."""
        plan = self._plan
        begin = start = plan.first + turn
        ends = time.monotonic() + plan.seconds
        while start < plan.first + plan.executions and time.monotonic() < ends:
            at, how = self._process(replace(plan, seconds=ends - time.monotonic()), start)
            if how:
                if at < 0:
                    raise ChildProcessError(f"{plan.target}: the process {how} before its first input")
                self._found(how, input_at(plan.target, plan.seed, at))
                at += plan.processes
            start = at
        return max(0, -(-(min(start, plan.first + plan.executions) - begin) // plan.processes))

    def _process(self, plan: Plan, start: int) -> tuple[int, str]:
        """The number that was not tried any more, and empty; or the one at which the process ended, and how."""
        at = self._context.RawValue(ctypes.c_int64, -1)
        told, tells = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(plan, start, at, tells), daemon=True)
        process.start()
        tells.close()
        try:
            before, silent = -1, 0
            while True:
                if told.poll(plan.patience):
                    said, data = told.recv()
                    if isinstance(said, float):
                        self.result.slowest = max(self.result.slowest, said)
                        return at.value, ""
                    self._found(said, data)
                else:
                    silent, before = (silent + 1 if at.value == before else 0), at.value
                    if silent > (_BEFORE_THE_FIRST if before < 0 else 0):
                        return before, f"hangs: no answer for {plan.patience:g} s"
        except EOFError:
            process.join()
            return at.value, f"ended with {process.exitcode}"
        finally:
            process.kill()
            process.join()

    def _found(self, how: str, data: bytes) -> None:
        """Keep the first input of each kind of defect."""
        with self._lock:
            kind = how.partition(_BECAUSE)[0]
            known = {each.partition(_BECAUSE)[0] for each in self.result.found}
            if kind in known or len(known) >= _MOST_FOUND:
                return
            self.result.found.append(how)
            write_lines(self._plan.folder / f"{self._plan.target}.txt", how, [data])
