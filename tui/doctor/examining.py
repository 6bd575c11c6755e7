"""Asking this machine."""

from __future__ import annotations

from analyzers.tags import TagNames
from tracer.data_classes import dataclass
from tracer.errors import MachineError
from tracer.live import this_machine as here
from tracer.live.counters import pool_counters
from tracer.live.machine import Facts, facts
from tracer.symbols.defaults import default_store
from tracer.symbols.reader import missing_reader
from tui.doctor.checks import Check, Counters, SymbolsHere, TagsList, can_capture, checks


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found."""

    facts: Facts
    checks: tuple[Check, ...]

    @property
    def can_capture(self) -> bool:
        """Whether nothing stands in the way."""
        return can_capture(self.checks)


def examine(machine: here.ThisMachine | None, names: TagNames) -> Examination:
    """Gather facts and check them; ``machine`` is ``None`` where it is not Windows."""
    lists = tuple(TagsList(str(used.path), used.tags) for used in names.files)
    symbols = SymbolsHere(missing_reader(), default_store().is_dir())
    if machine is None:
        found = facts()
        return Examination(found, checks(found, None, lists, symbols))
    found = facts(machine.asking, machine.api)
    return Examination(found, checks(found, _counters(machine, found), lists, symbols))


def machine_or_none() -> here.ThisMachine | None:
    """This Windows, ``None`` where it is none."""
    try:
        return here.this_machine()
    except MachineError:
        return None


def _counters(machine: here.ThisMachine, found: Facts) -> Counters:
    try:
        return Counters(len(set(pool_counters(machine.query, found.python_bits // 8).tag.tolist())))
    except MachineError as error:
        return Counters(0, error.why)
