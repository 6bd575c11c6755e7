"""What holds a finding's memory, as a small graph: from the process or driver down to the allocations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

from analyzers.findings import Finding, PathNode
from analyzers.formatting import size
from analyzers.retention.graph import EDGE_WORDS
from analyzers.retention.nodes import Node, NodeKind
from analyzers.snapshot import Snapshot
from tracer.arrays import unique
from tracer.data_classes import dataclass
from tui.exports.drawings import Drawing, Label, Look, Shape, box
from tui.findings.words import INFERRED_KINDS
from tui.safe_text import safe

_WIDE: Final = 340
"""As wide as a telephone's page: the graph is read there at its own size."""
_LETTER: Final = 7.3
"""Width of a letter of 12 pixels in any fixed-width font: 0.6 of its height, and a little more."""
_LINE: Final = 15
_PAD: Final = 6
_BRANCH: Final = 26
"""How far the allocations stand to the right of what holds them."""
_LEAVES: Final = 5
"""Groups of allocations that are drawn; of more of them the last one is all others."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A node, and how the one above holds it. ``own``: memory that the finding is about."""

    kind: str
    label: str
    bytes: int
    says: str
    inferred: bool
    own: bool = False


class RetentionDrawings:
    """Draws the findings of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        context = snapshot.context
        self._retention = None if context is None else context.retention
        self._nodes = {} if self._retention is None else {str(node): node for node in self._retention.graph.nodes}

    def of(self, finding: Finding) -> Drawing:
        """Its path: each node holds the next, the last one all groups of allocations that go with it."""
        *spine, last = finding.path
        steps = [_step(node) for node in spine]
        leaves = self._leaves(finding) or [_step(last, own=True)]
        return _drawn(steps, leaves)

    def _leaves(self, finding: Finding) -> list[_Step]:
        """What the last holder leads to, the finding's own first; empty where the graph is not known."""
        retention = self._retention
        holder = self._nodes.get(finding.path[-2].id) if len(finding.path) > 1 else None
        if retention is None or holder is None:
            return []
        numbers = unique(retention.group_of[finding.rows]).tolist()
        own = {retention.groups[number] for number in numbers if number >= 0}
        leaves = [each for each in retention.graph.below[holder] if each.kind is NodeKind.ALLOCATIONS]
        if holder.kind in (NodeKind.DRIVER, NodeKind.PROCESS):  # which have much else that is no leak
            leaves = [each for each in leaves if each in own]
        data = retention.graph.nodes
        leaves.sort(key=lambda each: (each not in own, -data[each].bytes, str(each)))
        drawn = len(leaves) if len(leaves) <= _LEAVES else _LEAVES - 1
        shown = [self._leaf(holder, each, own=each in own) for each in leaves[:drawn]]
        if rest := leaves[drawn:]:
            whole = sum(data[each].bytes for each in rest)
            shown.append(_Step(NodeKind.ALLOCATIONS, f"{len(rest):,} more groups", whole, "", inferred=False))
        return shown

    def _leaf(self, holder: Node, leaf: Node, *, own: bool) -> _Step:
        assert self._retention is not None
        data, edge = self._retention.graph.nodes[leaf], self._retention.graph.below[holder][leaf]
        return _Step(leaf.kind, data.label, data.bytes, edge.says, edge.inferred, own)


def _step(node: PathNode, *, own: bool = False) -> _Step:
    says = EDGE_WORDS.get(node.rule, "") if node.rule else ""
    return _Step(node.kind, node.label, node.retained_bytes, says, node.kind in INFERRED_KINDS, own)


def _drawn(steps: list[_Step], leaves: list[_Step]) -> Drawing:
    shapes: list[Shape] = []
    labels: list[Label] = []
    y = 1.0
    for number, step in enumerate(steps):
        if number:
            top, y = y, _said(step, y, labels) + 10
            shapes += _arrow(step, (_BRANCH / 2, top), (_BRANCH / 2, y))
        y = _boxed(step, 1, y, shapes, labels)
    trunk = y
    left = _BRANCH + 1 if steps else 1
    for leaf in leaves:
        y = (_said(leaf, y, labels) if steps else y) + 8
        bottom = _boxed(leaf, left, y, shapes, labels)
        if steps:
            middle = (y + bottom) / 2
            shapes.append(Shape(_line(leaf), ((_BRANCH / 2, trunk), (_BRANCH / 2, middle))))
            shapes += _arrow(leaf, (_BRANCH / 2, middle), (left, middle))
            trunk = middle
        y = bottom
    return Drawing("graph", _WIDE, y + 1, _in_words(steps, leaves), shapes, labels)


def _said(step: _Step, top: float, labels: list[Label]) -> float:
    """Write how a node is held, to the right of the line that leads to it; gives the lower edge of the words."""
    lines = list(_wrapped(_edge_words(step), int((_WIDE - _BRANCH) / _LETTER)))
    labels += [Label(Look.WORDS, (_BRANCH + 1, top + 2 + _LINE * at), words) for at, words in enumerate(lines, 1)]
    return top + 2 + _LINE * len(lines)


def _edge_words(step: _Step) -> str:
    return f"{step.says}{' (inferred)' if step.inferred and step.says else ''}"


def _line(step: _Step) -> Look:
    return Look.INFERRED if step.inferred else Look.SEEN


def _arrow(step: _Step, start: tuple[float, float], end: tuple[float, float]) -> Iterator[Shape]:
    (x, y), across = end, start[1] == end[1]
    back, side = (-6, 3.5) if across else (3.5, -6)
    corners = ((x + back, y - side), (x + back, y + side)) if across else ((x - back, y + side), (x + back, y + side))
    yield Shape(_line(step), (start, end))
    yield Shape(Look.HEAD, (end, *corners), closed=True)


def _boxed(step: _Step, left: float, top: float, shapes: list[Shape], labels: list[Label]) -> float:
    """Draw a node; gives its lower edge."""
    width = _WIDE - 1 - left
    most = int((width - 2 * _PAD) / _LETTER)
    kind = "" if step.kind == NodeKind.ALLOCATIONS else f"{step.kind}, ".replace("-", " ")
    weight = size(step.bytes) if step.kind == NodeKind.ALLOCATIONS else f"{kind}holds {size(step.bytes)}"
    lines = [(Look.NAME, line) for line in _wrapped(safe(step.label), most)]
    lines += [(Look.WORDS, line) for line in _wrapped(weight, most)]
    height = len(lines) * _LINE + _PAD
    shapes.append(box(Look.OWN if step.own else Look.BOX, left, top, width, height))
    labels += [Label(look, (left + _PAD, top + _LINE * at), words) for at, (look, words) in enumerate(lines, 1)]
    return top + height


def _wrapped(text: str, most: int) -> Iterator[str]:
    """Lines of at most so many cells, broken between words where there are some."""
    line = ""
    for word in text.split(" "):
        if line and cell_len(f"{line} {word}") > most:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while cell_len(line) > most:
            fits = next(at for at in range(min(most, len(line)), 0, -1) if at == 1 or cell_len(line[:at]) <= most)
            yield line[:fits]
            line = line[fits:]
    if line:
        yield line


def _in_words(steps: list[_Step], leaves: list[_Step]) -> str:
    """The same as a sentence."""
    said = [f"{step.label} holds {size(step.bytes)}{f' ({_edge_words(step)})' if step.says else ''}" for step in steps]
    said += [f"{leaf.label}: {size(leaf.bytes)}{f' ({_edge_words(leaf)})' if leaf.says else ''}" for leaf in leaves]
    return "; ".join(said)
