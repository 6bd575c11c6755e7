"""The report as one HTML file that asks no network for anything: to be attached to a bug, read on a phone, printed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import singledispatch
from html import escape
from importlib import resources
from typing import Final

from analyzers.formatting import size
from analyzers.snapshot import Snapshot
from tui.exports.drawings import Drawing, Label, Shape
from tui.exports.flame_tree import FlameTree
from tui.exports.report_blocks import Block, Facts, Grid, Heading, Items, Lines, Note, Notice, report_blocks
from tui.report.trace import name_of
from tui.safe_text import safe

_KEYS: Final = "flame graph: arrows move, Enter zooms, Escape resets"


def html_report(snapshot: Snapshot) -> Iterator[bytes]:
    """All of it; what stands in the trace is text wherever it stands."""
    return html_page(f"Poolscope: {name_of(snapshot.info)}", report_blocks(snapshot))


def html_page(title: str, blocks: Iterable[Block]) -> Iterator[bytes]:
    """Any blocks as such a file."""
    script, style = _part("flame.js"), _part("report.css")
    policy = f"default-src 'none'; script-src 'sha256-{_digest(script)}'; style-src 'unsafe-inline'"
    parts = (
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title><style>{style}</style></head><body>",
        *map(_shown, blocks),
        f"<script>{script}</script></body></html>",
    )
    for part in parts:
        yield f"{part}\n".encode()


def _part(name: str) -> str:
    return (resources.files("tui.exports") / "page" / name).read_text("utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _text(words: str) -> str:
    return escape(safe(words))


@singledispatch
def _shown(block: Block) -> str:
    raise TypeError(block)


@_shown.register
def _(block: Heading) -> str:
    return f"<h{block.level}>{_text(block.words)}</h{block.level}>"


@_shown.register
def _(block: Notice) -> str:
    return f'<p class="notice">{_text(block.words)}</p>'


@_shown.register
def _(block: Note) -> str:
    return f'<p class="quiet">{_text(block.words)}</p>'


@_shown.register
def _(block: Facts) -> str:
    return f"<dl>{''.join(f'<dt>{_text(label)}</dt><dd>{_text(words)}</dd>' for label, words in block.rows)}</dl>"


@_shown.register
def _(block: Items) -> str:
    return f"<ul>{''.join(f'<li>{_text(words)}</li>' for words in block.items)}</ul>"


@_shown.register
def _(block: Lines) -> str:
    return "<pre>{}</pre>".format("\n".join(map(_text, block.lines)))


@_shown.register
def _(block: Grid) -> str:
    kinds = [""] * block.texts + [' class="number"'] * (len(block.headings) - block.texts)

    def row(cells: tuple[str, ...], cell: str) -> str:
        made = (f"<{cell}{kind}>{_text(words)}</{cell}>" for words, kind in zip(cells, kinds, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    body = "\n".join(row(cells, "td") for cells in block.rows)
    table = f"<table><thead>{row(block.headings, 'th')}</thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


@_shown.register
def _(block: Drawing) -> str:
    size_of = f'viewBox="0 0 {block.width:g} {block.height:g}" style="max-width:{block.width:g}px"'
    inside = "".join((*map(_shape, block.shapes), *map(_label, block.labels)))
    svg = f'<svg class="{block.name}" {size_of} role="img" aria-label="{_text(block.says)}">{inside}</svg>'
    return f"<figure>{svg}{f'<figcaption>{_text(block.caption)}</figcaption>' if block.caption else ''}</figure>"


def _shape(shape: Shape) -> str:
    points = " ".join(f"{x:g},{y:g}" for x, y in shape.points)
    return f'<poly{"gon" if shape.closed else "line"} class="{shape.look}" points="{points}"/>'


def _label(label: Label) -> str:
    x, y = label.at
    end = ' text-anchor="end"' if label.ends else ""
    return f'<text class="{label.look}" x="{x:g}" y="{y:g}"{end}>{_text(label.words)}</text>'


@_shown.register
def _(block: FlameTree) -> str:
    """The frames stand in the page as data; its script draws them."""
    document = json.dumps(_listed(block)).replace("<", "\\u003c").replace("&", "\\u0026")
    return (
        '<div class="tools"><input id="flame-search" type="search" placeholder="search" aria-label="search frames">'
        '<button id="flame-reset" type="button">Reset</button></div>'
        f'<div id="flame" tabindex="0" role="application" aria-label="{_KEYS}"></div>'
        '<p id="flame-says" class="quiet" aria-live="polite"></p>'
        f"<noscript>{size(block.bytes)} in all.</noscript>"
        f'<script id="stacks" type="application/json">{document}</script>'
    )


def _listed(frame: FlameTree) -> list[object]:
    return [frame.name, frame.bytes, [_listed(child) for child in frame.children]]
