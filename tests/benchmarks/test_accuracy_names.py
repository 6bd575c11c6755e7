"""Names of functions in the corpus: where they decide, and where they change nothing."""

from __future__ import annotations

import pytest

from benchmarks.accuracy.corpus import Case, Writer
from benchmarks.accuracy.judging import Outcome
from benchmarks.accuracy.running import judge_case
from benchmarks.accuracy.scripted.machine import Machine
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.scripted.stage import new_stage
from benchmarks.accuracy.spoilings import Spoiling


@pytest.mark.parametrize(("kind", "seed"), [("routine-stops-waiting", 1), ("routine-files", 1)])
def test_names_tell_a_user_apc_where_no_queue_event_does(kind: str, seed: int) -> None:
    result = judge_case(Case(Writer.SCRIPTED, kind, seed, Spoiling.NO_QUEUES))
    assert (result.judgement.outcome, result.with_names.outcome) == (Outcome.WEAKER, Outcome.RIGHT)


def test_names_accuse_nobody_of_what_is_drained() -> None:
    result = judge_case(Case(Writer.SCRIPTED, "routine-drained", 1, Spoiling.NO_QUEUES))
    assert (result.judgement.outcome, result.with_names.outcome) == (Outcome.CLEAN, Outcome.CLEAN)


def named(machine: Machine, module: str, address: int, base: int) -> str:
    """The last name before a return address."""
    before = [(offset, name) for of, offset, name in machine.names() if of == module and offset < address - base]
    return max(before)[1]


def test_the_scripts_functions_have_their_names_and_everything_else_has_another() -> None:
    machine = new_stage("test names", 100).machine
    kernel = machine.kernel
    functions = ("ExFreePoolWithTag", "IopUserRundown", "KiDeliverApc", "IoRemoveIoCompletion")
    addresses = {name: machine.function(name) for name in functions}
    for name, address in addresses.items():
        assert named(machine, kernel.name, address, kernel.base) == name
        assert named(machine, kernel.name, address + 1, kernel.base) not in functions
    assert play("growth", 1, Spoiling.NONE)[1].names
