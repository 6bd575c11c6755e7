"""The report as one HTML file that asks no network for anything: to be attached to a bug, read on a phone, printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import numpy as np

from analyzers.findings import Finding
from analyzers.formatting import counted, duration, size
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tui.exports.html_page import facts_list, page, part, text
from tui.exports.weights import Weight, weighted_stacks
from tui.findings.explanations import possible_reasons
from tui.findings.headline import headline
from tui.findings.markdown import finding_facts
from tui.findings.words import (
    INFERRED_KINDS,
    known_id,
)
from tui.incompleteness import missing_words
from tui.outcome import is_judged
from tui.report.trace import SIMULATED_NOTICE, name_of

_TAGS: Final = 20
_FRAMES: Final = 32
_MOST_NODES: Final = 20_000
"""Rectangles of the flame graph: about 1 MB of names and numbers, and what a phone draws in a moment."""
_WIDE, _HIGH, _LEFT, _BELOW = 960, 240, 90, 24
"""Of the time line, in pixels of its own; the room for words at its left and below it."""

_Tree = dict[str, "tuple[list[int], _Tree]"]


def html_report(snapshot: Snapshot) -> Iterator[bytes]:
    """All of it; what stands in the trace is text wherever it stands."""
    yield from page(
        f"Poolscope: {name_of(snapshot.info)}",
        [
            *_head(snapshot),
            *_findings(snapshot),
            *_time_line(snapshot),
            *_flame_graph(snapshot),
            *_tags(snapshot),
            *_lacks(snapshot),
        ],
        script=part("flame.js"),
    )


def _head(snapshot: Snapshot) -> Iterator[str]:
    told, info, totals = snapshot.diagnosis, snapshot.info, snapshot.pool.totals
    count = len(told.findings)
    says = (
        counted(count, "leak") if count else "No leak found" if is_judged(snapshot) else "Nothing can be said of leaks"
    )
    yield f"<h1>{says} in {text(name_of(info))}</h1>"
    if info.simulated:
        yield f'<p class="notice">{text(SIMULATED_NOTICE)}</p>'
    missing = missing_words(snapshot)
    if missing:
        yield f'<p class="notice">Incomplete: {text("; ".join(missing))}</p>'
    outstanding = f"{counted(totals.outstanding_count, 'allocation')}, {size(totals.outstanding_bytes)}"
    yield from facts_list(
        [
            ("Time", duration(snapshot.at_ns)),
            ("Allocations", f"{totals.allocations:,}, of which {totals.matched:,} freed in the trace"),
            ("Outstanding", outstanding),
        ]
    )


def _findings(snapshot: Snapshot) -> Iterator[str]:
    for finding in snapshot.diagnosis.findings:
        yield '<section class="finding">'
        yield f"<h2>{finding.rank}. {text(headline(finding, snapshot.diagnosis))}</h2>"
        facts = [*finding_facts(finding, snapshot), ("Next", finding.advice)]
        yield from facts_list(facts)
        yield "<h3>Evidence</h3><ul>"
        for evidence in finding.evidence:
            inferred = ' <span class="quiet">(inferred)</span>' if evidence.inferred else ""
            yield f"<li>{text(evidence.says)}{inferred}</li>"
        yield "</ul>"
        if others := possible_reasons(finding):
            yield "<h3>Other reasons</h3>"
            yield from facts_list(others)
        yield from _path(finding)
        yield from _stack("Allocated at", finding.stack, 0, snapshot)
        if finding.user_stack >= 0:
            yield from _stack(
                "Called from (user mode)", finding.user_stack, known_id(finding.process_id) or 0, snapshot
            )
        yield "</section>"


def _path(finding: Finding) -> Iterator[str]:
    """The retention graph's way to the memory: each holds the next."""
    if not finding.path:
        return
    yield "<h3>What holds it</h3>"
    for node in finding.path:
        inferred = ", inferred" if node.kind in INFERRED_KINDS else ""
        yield f'<ul class="path"><li>{text(node.label)} <span class="quiet">({text(node.kind)}{inferred}; '
        yield f"{size(node.retained_bytes)} are held through it)</span>"
    yield "</li></ul>" * len(finding.path)


def _stack(title: str, stack: int, process: int, snapshot: Snapshot) -> Iterator[str]:
    frames = snapshot.names.frames(stack, process)
    shown = "\n".join(text(str(frame)) for frame in frames[:_FRAMES]) or "no stack"
    more = f"\nand {len(frames) - _FRAMES} more" if len(frames) > _FRAMES else ""
    yield f"<h3>{title}</h3><pre>{shown}{more}</pre>"


def _time_line(snapshot: Snapshot) -> Iterator[str]:
    """Outstanding bytes of what was allocated in the trace, at the end of each step of time."""
    history = snapshot.pool.history
    held = np.concatenate(([0], np.cumsum(history.bytes[:, : history.used].sum(axis=0))))
    most = max(int(held.max()), 1)
    until = max(snapshot.at_ns, 1)
    times = np.minimum(np.arange(len(held)) * history.step_ns, until)
    x = _LEFT + times / until * (_WIDE - _LEFT - 10)
    y = 10 + (1 - held / most) * (_HIGH - _BELOW - 10)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    floor = _HIGH - _BELOW
    yield "<h2>Outstanding bytes over time</h2><figure>"
    yield f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="outstanding bytes over time">'
    yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDE - 10}" y1="{floor}" y2="{floor}"/>'
    yield f'<polygon class="area" points="{_LEFT},{floor} {points} {x[-1]:.1f},{floor}"/>'
    yield f'<polyline class="curve" points="{points}"/>'
    yield f'<text x="{_LEFT - 8}" y="20" text-anchor="end">{size(most)}</text>'
    yield f'<text x="{_LEFT - 8}" y="{floor}" text-anchor="end">0 B</text>'
    yield f'<text x="{_LEFT}" y="{_HIGH - 4}">0 s</text>'
    yield f'<text x="{_WIDE - 10}" y="{_HIGH - 4}" text-anchor="end">{duration(until)}</text></svg>'
    yield f"<figcaption>Of what was allocated in the trace; at most {size(most)}.</figcaption></figure>"


def _flame_graph(snapshot: Snapshot) -> Iterator[str]:
    tree, total = _tree(snapshot)
    yield "<h2>Outstanding bytes by call stack</h2>"
    yield '<div class="tools"><input id="flame-search" type="search" placeholder="search" aria-label="search frames">'
    yield '<button id="flame-reset" type="button">Reset</button></div>'
    keys = "flame graph: arrows move, Enter zooms, Escape resets"
    yield f'<div id="flame" tabindex="0" role="application" aria-label="{keys}">'
    yield f'</div><p id="flame-says" class="quiet" aria-live="polite"></p><noscript>{size(total)} in all.</noscript>'
    document = json.dumps(["all", total, tree]).replace("<", "\\u003c").replace("&", "\\u0026")
    yield f'<script id="stacks" type="application/json">{document}</script>'


def _tree(snapshot: Snapshot) -> tuple[list[object], int]:
    """The heaviest stacks as ``[name, bytes, children]``; what is too small to draw is one node beside them."""
    root: _Tree = {}
    total = nodes = rest = 0
    for stack in weighted_stacks(snapshot, Weight.OUTSTANDING_BYTES):
        total += stack.value
        names = stack.names()
        if nodes + len(names) > _MOST_NODES:
            rest += stack.value
            continue
        at = root
        for name in names:
            if name not in at:
                at[name] = ([0], {})
                nodes += 1
            at[name][0][0] += stack.value
            at = at[name][1]
    found = _listed(root)
    return [*found, *([["other stacks", rest, []]] if rest else [])], total


def _listed(tree: _Tree) -> list[object]:
    """The largest first. As deep as a stack: a few hundred frames at most."""
    order = sorted(tree.items(), key=lambda each: -each[1][0][0])
    return [[name, value[0], _listed(below)] for name, (value, below) in order]


def _tags(snapshot: Snapshot) -> Iterator[str]:
    tags = snapshot.pool.tags
    rows = np.argsort(-tags.outstanding_bytes, kind="stable")[:_TAGS]
    yield '<h2>Tags</h2><div class="scroll"><table><thead><tr><th>Tag</th><th>Pool</th><th>Driver</th>'
    yield '<th class="number">Outstanding</th><th class="number">Bytes</th><th class="number">Peak</th>'
    yield '<th class="number">Allocations</th><th class="number">Frees</th></tr></thead><tbody>'
    for row in rows.tolist():
        words = (tag_text(int(tags.tag[row])), "paged" if tags.paged[row] else "nonpaged", tags.driver[row])
        numbers = (
            f"{int(tags.outstanding_count[row]):,}",
            size(int(tags.outstanding_bytes[row])),
            size(int(tags.peak_bytes[row])),
            f"{int(tags.allocations[row]):,}",
            f"{int(tags.frees[row]):,}",
        )
        cells = "".join(f"<td>{text(word)}</td>" for word in words)
        yield f"<tr>{cells}{''.join(f'<td class=number>{each}</td>' for each in numbers)}</tr>"
    more = len(tags.tag) - len(rows)
    yield f"</tbody></table></div>{f'<p class=quiet>and {more:,} more</p>' if more > 0 else ''}"


def _lacks(snapshot: Snapshot) -> Iterator[str]:
    coverage = snapshot.coverage
    if coverage is None or not coverage.record:
        return
    yield "<h2>What the trace lacks</h2><p>A trace recorded so would tell more:</p>"
    yield f"<pre>{text(coverage.record)}</pre>"
