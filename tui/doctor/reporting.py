"""What a person sends back: facts in numbers, and no name of a user, a computer or a file."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.pooltag import tag_hex, tag_text
from tracer.errors import MachineError
from tracer.live.counters import PoolCounters, big_pool, pool_counters
from tracer.live.plan import CapturePlan
from tracer.live.this_machine import ThisMachine
from tui.doctor.attempting import Stage, attempt
from tui.doctor.examining import Examination
from tui.doctor.redaction import Redaction
from tui.doctor.traffic import OwnTraffic
from tui.doctor.trial import Trial
from tui.doctor.verdicts import Verdict
from tui.json_documents.doctor import doctor_document
from tui.json_documents.error import error_part
from tui.json_documents.trial import attempt_part, trial_part
from tui.json_documents.writing import Object, string

SECONDS: Final = 5.0

_TAGS: Final = 30
"""So many tags are told, those with the most bytes."""
_LOCAL: Final = frozenset({"pooltag.txt"})
"""Checks that name a file of this machine."""


def report_document(found: Examination, machine: ThisMachine | None) -> Object:
    """The doctor's document without paths, the pool's counters, and a capture of a few seconds where one can be."""
    document = _document(found, machine)
    if machine is not None:
        document["capture"] = _capture(machine) if found.can_capture else None
    return Redaction.here().document(document)


def trial_document(made: Trial, verdicts: tuple[Verdict, ...], machine: ThisMachine) -> Object:
    """The same with a trial in the place of that capture."""
    return Redaction.here().document(_document(made.found, machine) | trial_part(made, verdicts))


def _document(found: Examination, machine: ThisMachine | None) -> Object:
    document = doctor_document(found)
    document["checks"] = [
        {"check": check.name, "state": str(check.state), "says": string(check.says)}
        for check in found.checks
        if check.name not in _LOCAL
    ]
    if machine is not None:
        document["counters"] = _counters(machine, found.facts.python_bits // 8)
    return document


def _counters(machine: ThisMachine, pointer_size: int) -> Object:
    try:
        counters, big = pool_counters(machine.query, pointer_size), big_pool(machine.query, pointer_size)
    except MachineError as error:
        return {"error": error_part(error)}
    return {
        "rows": len(counters),
        "count": int(counters.count.sum()),
        "bytes": int(counters.bytes.sum()),
        "negative": int(np.count_nonzero(counters.bytes < 0)),
        "large_allocations": len(big),
        "large_addresses_hidden": big.hidden,
        "large_nonpaged": None if big.paged is None else int(np.count_nonzero(~big.paged)),
        "most": [_tag(counters, int(row)) for row in np.argsort(-counters.bytes, kind="stable")[:_TAGS]],
    }


def _tag(counters: PoolCounters, row: int) -> Object:
    tag = int(counters.tag[row])
    return {
        "tag": tag_text(tag),
        "tag_hex": tag_hex(tag),
        "paged": bool(counters.paged[row]),
        "count": int(counters.count[row]),
        "bytes": int(counters.bytes[row]),
    }


def _capture(machine: ThisMachine) -> Object:
    traffic = OwnTraffic()
    try:
        made = attempt(machine.api, CapturePlan(), [Stage("loop", SECONDS, traffic.sockets)])
    finally:
        traffic.end()
    return attempt_part(made) | {"rounds_of_the_loop": traffic.rounds}
