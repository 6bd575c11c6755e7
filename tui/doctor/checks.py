"""Each thing that a capture needs: whether it is there, and what to do where it is not."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from analyzers.formatting import counted
from tracer.data_classes import dataclass
from tracer.live.machine import CONSUMER, SYMBOL_PATH, Facts
from tracer.live.plan import FIRST_BUILD, Way
from tracer.live.session import MOST_SESSIONS, MOST_SYSTEM_LOGGERS

_WAYS: Final = {
    Way.SYSTEM_PROVIDERS: "system providers in a private system logger (Windows 11, Server 2022 and later)",
    Way.PRIVATE_SYSTEM_LOGGER: "a private system logger with a group mask (Windows 8.1 and 10)",
}
_ELSEWHERE: Final = (
    "read traces here (poolscope analyze, tui, live --replay); record them on the Windows machine with"
    " 'poolscope record', or with WPR and 'poolscope profile > pool.wprp'"
)


class State(StrEnum):
    """``note``: nothing is wrong, and worth knowing. ``limit``: it works, with less. ``bad``: no capture."""

    OK = "ok"
    NOTE = "note"
    LIMIT = "limit"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing: ``says`` what is, ``fix`` what to do (empty where nothing is to be done)."""

    name: str
    state: State
    says: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """What came of asking for pool counters: how many tags, or why none."""

    tags: int
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TagsList:
    """A list of pool tags that is in use."""

    path: str
    tags: int


@dataclass(frozen=True, slots=True)
class SymbolsHere:
    """What there is to name functions with: why PDB files cannot be read, if so, and whether any were fetched."""

    unreadable: str
    fetched: bool


def checks(
    facts: Facts, counters: Counters | None, lists: tuple[TagsList, ...], symbols: SymbolsHere
) -> tuple[Check, ...]:
    """All of them, in the order in which to mend them."""
    common = (_tags(lists), _symbols(facts, symbols))
    if not facts.is_windows:
        says = f"this is {facts.system}: pool events come from the Windows kernel"
        return Check("system", State.BAD, says, _ELSEWHERE), *common
    return (
        _system(facts), _elevated(facts), _python(facts), _consumer(facts), _sessions(facts), _left_behind(facts),
        *(() if counters is None else (_counters(counters),)), *common,
    )  # fmt: skip


def can_capture(done: tuple[Check, ...]) -> bool:
    """Whether nothing stands in the way of a capture, as far as can be seen."""
    return all(check.state is not State.BAD for check in done)


def _system(facts: Facts) -> Check:
    if facts.way is None:
        return Check(
            "system", State.BAD, f"Windows build {facts.build} is too old to capture on",
            f"use Windows 8.1 (build {FIRST_BUILD}) or later, or record with WPR or xperf and open the .etl elsewhere",
        )  # fmt: skip
    if facts.in_container:
        return Check(
            "system", State.LIMIT, f"Windows build {facts.build}, in a container, where Windows refuses system loggers",
            "capture on the container's host: its kernel is the one whose pool counts",
        )  # fmt: skip
    return Check("system", State.OK, f"Windows build {facts.build}; way: {_WAYS[facts.way]}")


def _elevated(facts: Facts) -> Check:
    if facts.elevated:
        return Check("elevation", State.OK, "this prompt is elevated")
    if facts.elevated is None:
        return Check("elevation", State.NOTE, "Windows does not say whether this prompt is elevated")
    return Check(
        "elevation", State.BAD, "this prompt is not elevated: Windows lets administrators alone trace the kernel",
        "open the terminal with 'Run as administrator'; 'poolscope live --counters' may work without",
    )  # fmt: skip


def _python(facts: Facts) -> Check:
    says = f"Python {facts.python}, {facts.python_bits} bit, on {facts.machine_bits}-bit Windows"
    if facts.python_bits < facts.machine_bits:
        return Check("python", State.BAD, says, "install a Python of 64 bit: the kernel's structures are of its size")
    return Check("python", State.OK, says)


def _consumer(facts: Facts) -> Check:
    if facts.consumer:
        return Check("consumer", State.OK, f"{CONSUMER} {facts.consumer} receives the events")
    return Check("consumer", State.BAD, f"{CONSUMER} is not installed", f"python -m pip install {CONSUMER}==0.2.0")


def _sessions(facts: Facts) -> Check:
    if facts.sessions is None:
        says = f"Windows does not show the running sessions (error {facts.sessions_status})"
        return Check("sessions", State.LIMIT, says, "run it from an elevated prompt (Run as administrator)")
    loggers = facts.private_loggers
    places = f"{len(loggers)} of {MOST_SYSTEM_LOGGERS} private system loggers"
    running = f"{places} and {len(facts.sessions)} of {MOST_SESSIONS}"
    names = ", ".join(f"'{session.name}'" for session in loggers)
    says = f"{running} sessions run{'; private system loggers: ' if names else ''}{names}"
    if len(loggers) >= MOST_SYSTEM_LOGGERS:
        return Check("sessions", State.BAD, says, 'stop a system logger that nobody needs: logman stop "NAME" -ets')
    if len(facts.sessions) >= MOST_SESSIONS - 1:
        return Check("sessions", State.BAD, says, 'two are needed; stop one that nobody needs: logman stop "NAME" -ets')
    return Check("sessions", State.OK, says)


def _left_behind(facts: Facts) -> Check:
    names = [f"'{session.name}'" for session in facts.sessions or () if session.left_behind]
    if not names:
        return Check("left behind", State.OK, "no session of a Poolscope that crashed runs")
    says = f"{counted(len(names), 'session')} of a Poolscope that crashed: {', '.join(names)}"
    return Check("left behind", State.NOTE, says, "the next capture stops what was left behind, by itself")


def _counters(counters: Counters) -> Check:
    if counters.refusal:
        says = f"Windows does not tell its pool counters: {counters.refusal}"
        return Check("counters", State.LIMIT, says, "without them, what was allocated before a capture is not known")
    return Check("counters", State.OK, f"Windows tells the counters of {counted(counters.tags, 'pool tag')}")


def _tags(lists: tuple[TagsList, ...]) -> Check:
    if lists:
        return Check("pooltag.txt", State.OK, "; ".join(f"{counted(one.tags, 'tag')} from {one.path}" for one in lists))
    return Check(
        "pooltag.txt", State.NOTE, "no list of pool tags was found: the built-in names are used",
        "install Microsoft's Debugging Tools for Windows, or give --pooltag FILE",
    )  # fmt: skip


def _symbols(facts: Facts, symbols: SymbolsHere) -> Check:
    path = f"{SYMBOL_PATH} is {'set' if facts.symbol_path else 'not set'}"
    if symbols.unreadable:
        fix = "python -m pip install symbolic; without it stacks show module and offset"
        return Check("symbols", State.NOTE, f"{symbols.unreadable}; {path}", fix)
    fetched = "some were fetched before" if symbols.fetched else "none was fetched before"
    says = f"PDB files name functions: {path}, {fetched}"
    if facts.symbol_path or symbols.fetched:
        return Check("symbols", State.OK, says)
    return Check("symbols", State.NOTE, says, "give --symbols PATH, or fetch them: poolscope symbols TRACE --fetch")
