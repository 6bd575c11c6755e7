"""The accusation in one sentence."""

from __future__ import annotations

from analyzers.findings import Accused, Apc, Diagnosis, Finding, Fits, Kept, Verdict
from analyzers.formatting import agreeing, counted
from analyzers.holders.registry import HOLDERS
from analyzers.selection.requests import requests_of
from analyzers.tags.objects import OBJECTS, object_words
from tui.findings.words import culprit, driver_words, known_id, port_words, process_words, tag_name


def headline(finding: Finding, diagnosis: Diagnosis) -> str:
    """The accusation without a full stop; ``diagnosis`` has the requests that it is about."""
    if finding.holder is not None:
        return _of_held(finding, _requests(finding, diagnosis), HOLDERS[finding.holder].name)
    match finding.verdict:
        case Verdict.PENDING_APC:
            return _of_apcs(finding, _requests(finding, diagnosis))
        case Verdict.UNDRAINED_PORT:
            return _of_port(finding)
        case Verdict.DRIVER_KEPT:
            return _of_keeper(finding, _requests(finding, diagnosis))
        case Verdict.MISSING_FREE:
            return _of_unfreed(finding)
        case _:
            return _of_growth(finding)


def _requests(finding: Finding, diagnosis: Diagnosis) -> int:
    """How many requests it is about; some of their IRPs may come from lookaside lists, with no allocation."""
    return len(requests_of(finding, diagnosis.held_requests)) or finding.count


def _of_held(finding: Finding, count: int, name: str) -> str:
    """Of a holder that has no sentence of its own here."""
    requests = f"{counted(count, 'request')} {agreeing(count, 'is', 'are')} not released"
    return f"{requests}: {name}, {culprit(finding)}"


def _of_apcs(finding: Finding, count: int) -> str:
    process, thread = process_words(finding) or "an unknown process", known_id(finding.thread_id)
    where = f"threads of {process}" if thread is None else f"thread {thread} of {process}"
    wait = agreeing(count, "waits", "wait")
    if finding.apc is Apc.SPECIAL_KERNEL:
        apcs = agreeing(count, "a special kernel APC", "special kernel APCs")
        return f"{counted(count, 'completed request')} {wait} for {apcs} on {where}"
    apcs = agreeing(count, "a user APC", "user APCs")
    never = " that never wait alertably" if thread is None else ", which never waits alertably"
    return f"{counted(count, 'finished request')} {wait} as {apcs} on {where}{never}"


def _of_port(finding: Finding) -> str:
    port = finding.port
    waiting = finding.count if port is None else port.waiting
    entries = counted(waiting, "posted packet" if tag_name(finding.tag) == "Icp" else "finished request")
    how = "is read too slowly" if port is not None and port.dequeued_by else "nobody reads"
    return f"{entries} {agreeing(waiting, 'waits', 'wait')} in {port_words(port)} that {how}"


def _of_keeper(finding: Finding, count: int) -> str:
    driver, requests = driver_words(finding.driver), counted(count, "request")
    if finding.kept is Kept.COMPLETION_STOPPED:
        return f"{driver} stopped the completion of {requests} and keeps {agreeing(count, 'it', 'them')}"
    return f"{driver} has never completed {requests} that it was sent"


def _of_unfreed(finding: Finding) -> str:
    if finding.tag in OBJECTS:
        return _of_objects(finding)
    memory = f"{tag_name(finding.tag)} memory"
    if finding.accused is Accused.PROCESS:
        return f"some {memory} that {_asking(finding)} for is never freed"
    if finding.unloaded_ns is not None:
        return f"{culprit(finding)} was unloaded and left {counted(finding.count, 'block')} of {memory} behind"
    whose = f"{driver_words(finding.allocator)} allocates for it" if finding.allocator else "it allocates"
    return f"{culprit(finding)} does not free all of the {memory} that {whose}"


def _of_objects(finding: Finding) -> str:
    """Objects stay as long as somebody has a handle or a reference."""
    objects = object_words(finding.tag, several=finding.count != 1)
    if finding.accused is Accused.PROCESS:
        keeps = "keeps" if process_words(finding) else "keep"
        return f"{culprit(finding)} {keeps} {finding.count:,} {objects}: a handle or reference leak"
    return f"{culprit(finding)} keeps {finding.count:,} {objects} that it created: a reference leak"


def _of_growth(finding: Finding) -> str:
    if finding.tag in OBJECTS:
        return _of_objects(finding)
    whose = f"that {_asking(finding)} for" if finding.accused is Accused.PROCESS else f"of {culprit(finding)}"
    if finding.allocator:
        whose = f"that {driver_words(finding.allocator)} allocates for {culprit(finding)}"
    grows = f"{tag_name(finding.tag)} memory {whose} keeps growing; the trace cannot show"
    fitting = sum(each.fits is Fits.YES for each in finding.explanations)
    return f"{grows} which of {fitting} reasons keeps it" if fitting > 1 else f"{grows} why it is not freed"


def _asking(finding: Finding) -> str:
    return f"{culprit(finding)} {'asks' if process_words(finding) else 'ask'}"
