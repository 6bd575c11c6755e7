"""One HTML file that asks no network for anything: what its pages have in common."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources

from tui.safe_text import safe


def page(title: str, parts: Iterable[str], *, script: str = "") -> Iterator[bytes]:
    """All of it, with its style and the only script that may run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    runs = f"script-src 'sha256-{digest}'; " if script else ""
    yield from (
        f"{each}\n".encode()
        for each in (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {runs}'
            "style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{part('report.css')}</style></head><body>",
            *parts,
            f"{f'<script>{script}</script>' if script else ''}</body></html>",
        )
    )


def part(name: str) -> str:
    """A file of the page's own, as text."""
    return (resources.files("tui.exports") / "page" / name).read_text("utf-8")


def text(words: str) -> str:
    """What stands in a trace is text wherever it stands."""
    return escape(safe(words))


def facts_list(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Labels and what they say, those that say something."""
    yield "<dl>"
    yield from (f"<dt>{text(label)}</dt><dd>{text(words)}</dd>" for label, words in facts if words)
    yield "</dl>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Cells of text under their headings."""
    yield f'<div class="scroll"><table><thead><tr>{"".join(f"<th>{text(each)}</th>" for each in headings)}</tr></thead>'
    yield "<tbody>"
    yield from (f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    yield "</tbody></table></div>"
