"""Findings: who leaks, why, and how sure that is; below them what was looked at and cleared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from rich.text import Text

from analyzers.findings import OF_REQUESTS, Cleared, Evidence, Finding, PathNode
from analyzers.formatting import counted, exact_size
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.findings.explanations import named_cause, possible_reasons
from tui.findings.headline import headline
from tui.findings.markdown import finding_markdown
from tui.findings.rates import rate_words
from tui.findings.words import (
    INFERRED_KINDS,
    amount_words,
    call_words,
    confidence_words,
    doubt_words,
    driver_words,
    further_evidence,
    group_words,
    known_id,
    tag_description,
    tag_name,
    what_words,
    who_words,
)
from tui.report.cleared import no_finding_lines
from tui.report.findings import INFERRED
from tui.report.styles import HEADING, LABEL, QUIET, WARNING
from tui.safe_text import safe
from tui.tables.findings import finding_table
from tui.tables.words import pool_word
from tui.views.facts import fact
from tui.views.headed_table import HeadedTable
from tui.views.listing import Listing, Location
from tui.views.scene import Scene
from tui.views.stack_lines import stack_lines

_CLEARED_ROWS: Final = 2
"""So many cleared groups show that there are some; what speaks for a finding is worth more room than the others."""


def make() -> HeadedTable:
    """The view."""
    return HeadedTable(listing, head, "rank", descending=False)


def head(scene: Scene) -> Text:
    """How many leaks and cleared groups there are; where there is no leak, which evidence was missing."""
    diagnosis, whole = scene.snapshot.diagnosis, scene.whole.diagnosis
    outside = len(whole.findings) - len(diagnosis.findings)
    beyond = f"; {counted(outside, 'finding')} outside of the selection" if outside else ""
    if not diagnosis.findings:
        return Text(_no_leak(scene) + beyond)
    leaks = counted(len(diagnosis.findings), "leak")
    groups = counted(len(diagnosis.cleared), "group")
    return Text.assemble((f"{leaks} found", WARNING), f", {groups} looked at and cleared{beyond}")


def listing(scene: Scene) -> Listing:
    """One row per finding and per cleared group."""
    diagnosis = scene.snapshot.diagnosis
    groups: tuple[Finding | Cleared, ...] = (*diagnosis.findings, *diagnosis.cleared)
    return Listing(
        model=finding_table(scene.snapshot),
        identity=_identities(groups).__getitem__,
        describe=lambda row: _words(groups[row], scene.snapshot, unfolded=scene.unfolded),
        step=lambda row: _step(groups[row]),
        copy=lambda row: _copied(groups[row], scene.snapshot),
        document=lambda row: _document(groups[row], scene.snapshot),
        empty=_no_leak(scene),
        needs=len(diagnosis.findings) + _CLEARED_ROWS if diagnosis.findings else None,
    )


def _no_leak(scene: Scene) -> str:
    if scene.no_pool_events:
        return scene.no_pool_events
    if scene.scope:
        return "No leak found in this part of the trace."
    return " ".join(line.plain.strip() for line in no_finding_lines(scene.snapshot, Query()))


def _identities(groups: Sequence[Finding | Cleared]) -> list[Hashable]:
    """What each group is about, counted where several are about the same; a rank may change from refresh to refresh."""
    seen: Counter[Hashable] = Counter()
    found: list[Hashable] = []
    for group in groups:
        about: tuple[Hashable, ...] = (group.tag, group.paged, group.driver)
        if isinstance(group, Finding):
            about += (group.verdict, group.process_id, group.thread_id, group.stack)
        found.append((about, seen[about]))
        seen[about] += 1
    return found


def _words(group: Finding | Cleared, snapshot: Snapshot, *, unfolded: bool) -> Text:
    if isinstance(group, Cleared):
        return _cleared_words(group, snapshot)
    return _finding_words(group, snapshot, unfolded=unfolded)


def _finding_words(finding: Finding, snapshot: Snapshot, *, unfolded: bool) -> Text:
    """The finding in full: what a person needs first comes first, as not all of it may be seen."""
    leads = "the requests that are held" if finding.verdict in OF_REQUESTS else "its allocations"
    call, others = call_words(finding, snapshot), group_words(finding)
    fast, doubts = rate_words(finding, snapshot), doubt_words(finding)
    lines = [
        Text.assemble((f"LEAK {finding.rank}: ", WARNING), (headline(finding, snapshot.diagnosis), HEADING)),
        fact("who", who_words(finding)),
        fact("how much", amount_words(finding)),
        fact("how sure", confidence_words(finding)),
        fact("next", safe(finding.advice)),
        *([fact("less sure because", doubts)] if doubts else []),
        fact("what", what_words(finding, snapshot)),
        *([fact("call", call)] if call else []),
        *([fact("with it", others)] if others else []),
        *([fact("how fast", fast)] if fast else []),
        *_reasons(finding, snapshot),
        fact("verdict", f"{finding.verdict}: {finding.verdict.words}"),
        fact("held by", " > ".join(_node(node) for node in finding.path)),
        *_stacks(finding, snapshot, unfolded=unfolded),
        Text(f"Enter: {leads}", QUIET),
    ]
    return Text("\n").join(lines)


def _stacks(finding: Finding, snapshot: Snapshot, *, unfolded: bool) -> list[Text]:
    """Where it was allocated, and what called that."""
    kernel = snapshot.names.frames(finding.stack)
    user = snapshot.names.frames(finding.user_stack, known_id(finding.process_id) or 0)
    return [
        *([Text("allocated at", LABEL), *stack_lines(kernel, unfolded=unfolded)] if kernel else []),
        *([Text("called from", LABEL), *stack_lines(user, unfolded=unfolded)] if user else []),
    ]


def _reasons(finding: Finding, snapshot: Snapshot) -> list[Text]:
    """What the verdict rests on; what else it could be stands before that where the verdict leaves it open."""
    why = [_reason(place, reason) for place, reason in enumerate(further_evidence(finding, snapshot), 1)]
    others = [fact(label, words) if label else Text(f"  {words}") for label, words in possible_reasons(finding)]
    return [*others, *why] if named_cause(finding) is None else [*why, *others]


def _reason(place: int, reason: Evidence) -> Text:
    return fact(f"why {place}", safe(reason.says).rstrip(".") + (INFERRED if reason.inferred else ""))


def _node(node: PathNode) -> str:
    return safe(node.label) + (INFERRED if node.kind in INFERRED_KINDS else "")


def _cleared_words(group: Cleared, snapshot: Snapshot) -> Text:
    about = tag_description(snapshot, group.tag, paged=group.paged)
    lines = [
        Text.assemble("Cleared, no leak: ", (f"{tag_name(group.tag)} {pool_word(paged=group.paged)}", HEADING)),
        fact("verdict", f"{group.verdict}: {group.verdict.words}"),
        fact("why", safe(group.why)),
        fact("who", f"driver {driver_words(group.driver)}"),
        *([fact("what", about)] if about else []),
        fact("how much", f"{counted(group.count, 'allocation')}, {exact_size(group.bytes)}"),
        Text("Enter: its allocations", QUIET),
    ]
    return Text("\n").join(lines)


def _step(group: Finding | Cleared) -> Location:
    """The requests that are held, or the allocations that are counted.

    A finding has its own, whoever allocated them: IRPs are used again by other threads and programs.
    """
    if isinstance(group, Cleared):
        scope = Query(tag=(group.tag, group.paged), cleared=group.known_by or None)
        return Location("allocations", scope, tag_name(group.tag))
    view = "held-requests" if group.verdict in OF_REQUESTS else "allocations"
    return Location(view, Query(finding=group.rank), f"finding {group.rank}")


def _document(group: Finding | Cleared, snapshot: Snapshot) -> tuple[str, str] | None:
    """A finding's file, by name and text."""
    if isinstance(group, Finding):
        return f"poolscope-finding-{group.rank}.md", finding_markdown(group, snapshot)
    return None


def _copied(group: Finding | Cleared, snapshot: Snapshot) -> str:
    """All of a finding, as Markdown; of a cleared group, why it is no leak."""
    if isinstance(group, Finding):
        return finding_markdown(group, snapshot)
    return f"{tag_name(group.tag)}: {group.verdict.words}, {safe(group.why)}"
