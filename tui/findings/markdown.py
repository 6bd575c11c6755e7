"""All of a finding as Markdown, to be pasted into a bug tracker or written to a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from analyzers.findings import Evidence, Finding, PathNode
from analyzers.snapshot import Snapshot
from tui.findings.explanations import possible_reasons
from tui.findings.headline import headline
from tui.findings.rates import rate_words
from tui.findings.words import (
    INFERRED_KINDS,
    amount_words,
    call_words,
    group_words,
    known_id,
    sure_words,
    what_words,
    who_words,
)
from tui.report.findings import INFERRED
from tui.report.names import caution_lines
from tui.report.stacks import frame_lines
from tui.report.trace import SIMULATED_NOTICE, name_of
from tui.safe_text import safe

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|&~$]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""What would be markup in the middle of a line (CommonMark 0.31), and what code hosts add: struck text, formulas, and
addresses that become links (GitHub Flavored Markdown)."""
_FIRST: Final = re.compile(r"^(\d*)([-+=#.)])")
"""What would be markup where a line begins: a heading, a list, a rule."""
_FRAMES: Final = 32


def finding_facts(finding: Finding, snapshot: Snapshot) -> list[tuple[str, str]]:
    """What is said of a finding in few words, each with its label; empty words where there is nothing to say."""
    return [
        ("Who", who_words(finding)),
        ("Call", call_words(finding, snapshot)),
        ("What", what_words(finding, snapshot)),
        ("How much", amount_words(finding)),
        ("With it", group_words(finding)),
        ("How fast", rate_words(finding, snapshot)),
        ("How sure", sure_words(finding)),
        ("Verdict", finding.verdict.words),
    ]


def finding_markdown(finding: Finding, snapshot: Snapshot) -> str:
    """Headline, facts, reasons, what holds the memory, and the stacks."""
    facts = [*finding_facts(finding, snapshot), ("Trace", name_of(snapshot.info))]
    lines = [f"# LEAK {finding.rank}: {escaped(headline(finding, snapshot.diagnosis))}", ""]
    if snapshot.info.simulated:
        lines += [f"**{SIMULATED_NOTICE}**", ""]
    lines += [f"- **{label}:** {escaped(words)}" for label, words in facts if words]
    lines += ["", "## Next", "", _line(finding.advice), "", "## Why", "", *_reasons(finding.evidence)]
    others = possible_reasons(finding)
    if others:
        lines += ["", "## Other reasons", "", *_others(others)]
    lines += ["", "## What holds it", "", *_path(finding.path)]
    lines += ["", "## Allocated at", "", *_stack(finding.stack, 0, snapshot)]
    if finding.user_stack >= 0:
        process = known_id(finding.process_id) or 0
        lines += ["", "## Called from (user mode)", "", *_stack(finding.user_stack, process, snapshot)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that no Markdown reader takes for markup."""
    return _SPECIAL.sub(r"\\\1", text)


def _line(text: str) -> str:
    """The same where it begins a line."""
    return _FIRST.sub(r"\1\\\2", escaped(safe(text).strip()))


def _reasons(evidence: Sequence[Evidence]) -> list[str]:
    return [
        f"{place}. {_line(each.says).rstrip('.')}{INFERRED if each.inferred else ''}"
        for place, each in enumerate(evidence, 1)
    ]


def _others(reasons: Sequence[tuple[str, str]]) -> list[str]:
    """A label stands for those that follow without one."""
    lines, label = [], ""
    for own, words in reasons:
        label = own or label
        lines.append(f"- {label}: {escaped(words)}")
    return lines


def _path(path: Sequence[PathNode]) -> list[str]:
    """From the root to the memory, one level a line."""
    return [
        f"{'  ' * depth}- {_line(node.label)}{INFERRED if node.kind in INFERRED_KINDS else ''}"
        for depth, node in enumerate(path)
    ]


def _stack(stack: int, process: int, snapshot: Snapshot) -> list[str]:
    """Frames as they are: nothing is markup in a code block."""
    frames = snapshot.names.frames(stack, process)
    lines = frame_lines(frames, limit=_FRAMES)
    cautions = [escaped(line.plain.strip()) for line in caution_lines(frame.source for frame in frames)]
    return ["```", *(line.plain.strip().replace("`", "'") for line in lines), "```", *cautions]
