"""Which held requests findings are about, and where the table of requests tells more of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.factorize import dated_keys, rows_of
from analyzers.findings import NO_HELD_REQUESTS, WHYS, Accused, Apc, Finding, HeldRequests, Kept, Verdict, Why
from tracer.arrays import I64, Mask
from tracer.columns import UNKNOWN_ID

_BY_DRIVER: Final = tuple(WHYS.index(why) for why in (Why.DRIVER_KEPT, Why.COMPLETION_STOPPED))
_OF_APC: Final = {Apc.USER: Why.USER_APC, Apc.SPECIAL_KERNEL: Why.SPECIAL_APC}
_OF_DRIVER: Final = {Kept.NEVER_COMPLETED: Why.DRIVER_KEPT, Kept.COMPLETION_STOPPED: Why.COMPLETION_STOPPED}


def places(held: HeldRequests, context: DiagnosisContext) -> I64:
    """By held request its row in the table of requests, -1 for none: an IRP is used again, so its time counts too."""
    requests = context.requests.requests
    return rows_of(dated_keys(requests.irp, requests.issued_ns), dated_keys(held.irp, held.issued_ns))


def requests_of(finding: Finding, held: HeldRequests) -> HeldRequests:
    """The held requests that a finding is about; none for a finding that is not about requests."""
    mask = _about(finding, held)
    return NO_HELD_REQUESTS if mask is None else held.take(mask)


def of_findings(findings: Sequence[Finding], held: HeldRequests) -> HeldRequests:
    """Those that any of the findings is about."""
    masks = [mask for finding in findings if (mask := _about(finding, held)) is not None]
    return held.take(np.logical_or.reduce(masks)) if masks else NO_HELD_REQUESTS


def _about(finding: Finding, held: HeldRequests) -> Mask | None:
    if finding.holder is not None:
        return _held_by(finding.holder, held) & _of_issuer(finding, held) & _of_accused(finding, held)
    match finding.verdict:
        case Verdict.PENDING_APC:
            why = Why.USER_APC if finding.apc is None else _OF_APC[finding.apc]
            return _held_by(why, held) & _of_issuer(finding, held)
        case Verdict.UNDRAINED_PORT:
            in_port = _held_by(Why.PORT, held)
            return in_port if finding.port is None else in_port & (held.port == finding.port.number)
        case Verdict.DRIVER_KEPT:
            kept = kept_by(finding.driver, held) & _of_issuer(finding, held)
            return kept if finding.kept is None else kept & _held_by(_OF_DRIVER[finding.kept], held)
        case _:
            return None


def kept_by(driver: str, held: HeldRequests) -> Mask:
    """Which of the requests a driver keeps."""
    return np.asarray(np.isin(held.why, _BY_DRIVER) & _of_driver(driver, held))


def _of_driver(driver: str, held: HeldRequests) -> Mask:
    code = held.drivers.index(driver) if driver in held.drivers else -1
    return np.asarray(held.driver == code)


def _of_accused(finding: Finding, held: HeldRequests) -> Mask:
    """Of the driver or the port that the finding accuses, where it accuses one."""
    if finding.accused is Accused.DRIVER:
        return _of_driver(finding.driver, held)
    if finding.accused is Accused.PORT and finding.port is not None:
        return np.asarray(held.port == finding.port.number)
    return np.ones(len(held), np.bool_)


def _held_by(why: Why, held: HeldRequests) -> Mask:
    return np.asarray(held.why == WHYS.index(why))


def _of_issuer(finding: Finding, held: HeldRequests) -> Mask:
    """Of the process and thread that the finding names, each where it names one."""
    mask = np.ones(len(held), np.bool_)
    for named, column in ((finding.process_id, held.process_id), (finding.thread_id, held.thread_id)):
        if named not in (None, UNKNOWN_ID):
            mask &= column == named
    return mask
