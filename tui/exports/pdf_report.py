"""The report as a PDF: the blocks of the page, set by reportlab (docs.reportlab.com).

What its font, Bitstream Vera, has no letter for stands as an escape. Two PDFs of one trace are the same bytes: they
name no time but the trace's, no person and no machine.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache, singledispatch
from html import escape
from itertools import count
from pathlib import Path, PurePath
from typing import Any, Final

import reportlab
from reportlab.graphics import shapes
from reportlab.lib.colors import Color, HexColor, hsl2rgb
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import getFont, registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from analyzers.formatting import size
from analyzers.snapshot import Snapshot
from tracer.trace import filetime_text
from tui.exports.drawings import Drawing, Label, Look, Shape
from tui.exports.flame_tree import FlameTree
from tui.exports.report_blocks import Block, Facts, Grid, Heading, Items, Lines, Note, Notice, report_blocks
from tui.safe_text import escaped_unless, safe

_FONT: Final = "Vera"
_BOLD: Final = "VeraBd"
_FONTS: Final = Path(reportlab.__file__).parent / "fonts"
"""Where reportlab brings its own: of a system's font of that name nobody knows which letters it has."""
_MARGIN: Final = 42.0
_WIDE: Final = A4[0] - 2 * (_MARGIN + 6)
"""Of a page between its margins, and what reportlab keeps free inside of them."""
_HIGH: Final = A4[1] - 2 * _MARGIN - 40
"""What a drawing may take of a page below its heading; points, as all here."""
_INK, _QUIET, _LINE, _SOFT, _BAR, _MARK = map(
    HexColor, ("#1c1e21", "#5b6470", "#d5d9de", "#f3f5f7", "#2f6fb3", "#b3261e")
)
_AREA: Final = HexColor("#b3cbe3")
_ROW: Final = 11.0
"""Height of a frame of the flame graph."""
_NARROWEST: Final = 0.4
_MOST_LETTERS: Final = 255
"""Of a cell, as a row must fit on a page; no file has a longer name (Microsoft, "Maximum Path Length Limitation")."""
_MOST_OF_TEXT: Final = 4_000
"""Of a paragraph or a line, above all that is said in one; a record has room for names of which each takes minutes."""
_NO_BREAK: Final = "\u00a0"
"""A space that stays where it begins a line."""

_Made = list[Any]


def _style(size_of: float = 8.5, **more: Any) -> ParagraphStyle:  # noqa: ANN401 - whatever reportlab knows
    given = {"textColor": _INK, "fontName": _FONT, "bulletFontName": _FONT, "bulletFontSize": 8.5, **more}
    return ParagraphStyle("", fontSize=size_of, leading=1.4 * size_of, **given)


_TITLES: Final = {
    level: _style(points, fontName=_BOLD, spaceBefore=before, spaceAfter=4, keepWithNext=1)
    for level, points, before in ((1, 15, 0), (2, 11, 14), (3, 9, 8))
}
_NOTICE: Final = _style(leftIndent=8, textColor=_MARK, spaceAfter=4)
_NOTE: Final = _style(textColor=_QUIET, spaceBefore=3)
_FACT: Final = _style(leftIndent=76, bulletColor=_QUIET)
_ITEM: Final = _style(leftIndent=14, bulletIndent=4)
_KEPT: Final = _style(7.5, leftIndent=4, rightIndent=4, backColor=_SOFT, borderPadding=4, spaceBefore=4, spaceAfter=8)
_CELL: Final = _style(7.5)
_NUMBER: Final = _style(7.5, alignment=2)


def pdf_report(snapshot: Snapshot) -> Iterator[bytes]:
    """All of it, at once: the table of what lies where stands at a PDF's end."""
    for name in (_FONT, _BOLD):
        registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))
    names = " + ".join(PurePath(path).name for path in snapshot.info.paths)
    title, whole = _fitting(_limited(f"Poolscope: {names}")), io.BytesIO()
    document = SimpleDocTemplate(
        whole,
        **{"pagesize": A4, "invariant": 1, "lang": "en", "title": title},
        **{"author": "", "subject": "", "creator": "Poolscope"},
        **{f"{side}Margin": _MARGIN for side in ("left", "right", "top", "bottom")},
    )
    numbers = count()
    document.afterFlowable = lambda made: _bookmark(document.canv, made, next(numbers))
    when = "".join(c for c in (filetime_text(snapshot.info.start) or "")[:19] if c.isdigit())

    def footer(canvas: Any, page: Any) -> None:  # noqa: ANN401 - reportlab's own
        canvas.setDateFormatter(lambda *_: f"D:{when}Z" if when else "")
        canvas.setFont(_FONT, 7)
        canvas.setFillColor(_QUIET)
        canvas.drawRightString(_MARGIN + 6 + _WIDE, _MARGIN / 2, f"{page.page}")
        canvas.drawString(_MARGIN + 6, _MARGIN / 2, _cut(title, _WIDE - 40, 7))

    made = [each for block in report_blocks(snapshot) for each in _made(block)]
    document.build(made, onFirstPage=footer, onLaterPages=footer)
    yield whole.getvalue()


def _bookmark(canvas: Any, made: Any, number: int) -> None:  # noqa: ANN401 - reportlab's own
    """Headings of parts stand in the outline beside the pages."""
    for level in (1, 2):
        if getattr(made, "style", None) is _TITLES[level]:
            canvas.bookmarkPage(str(number))
            canvas.addOutlineEntry(made.getPlainText(), str(number), level - 1)


@cache
def _letters() -> frozenset[str]:
    return frozenset(map(chr, getFont(_FONT).face.charToGlyph))


def _fitting(words: str) -> str:
    """On one line, and nothing in it that the font lacks."""
    return escaped_unless(safe(words).replace("→", "->"), _letters().__contains__)


def _paragraph(words: str, style: ParagraphStyle, label: str | None = None) -> Any:  # noqa: ANN401 - untyped
    return Paragraph(escape(_fitting(_limited(words)), quote=False), style, bulletText=label)


def _limited(words: str, most: int = _MOST_OF_TEXT) -> str:
    return words if len(words) <= most else f"{words[:most]}... ({len(words):,} letters)"


@singledispatch
def _made(block: Block) -> _Made:
    raise TypeError(block)


@_made.register
def _(block: Heading) -> _Made:
    return [_paragraph(block.words, _TITLES[block.level])]


@_made.register
def _(block: Notice) -> _Made:
    return [_paragraph(block.words, _NOTICE)]


@_made.register
def _(block: Note) -> _Made:
    return [_paragraph(block.words, _NOTE)]


@_made.register
def _(block: Facts) -> _Made:
    return [_paragraph(words, _FACT, _fitting(label) or None) for label, words in block.rows]


@_made.register
def _(block: Items) -> _Made:
    return [_paragraph(words, _ITEM, "•") for words in block.items]


@_made.register
def _(block: Lines) -> _Made:
    lines = (escape(_fitting(_limited(line)), quote=False) for line in block.lines)
    indented = (_NO_BREAK * (len(line) - len(line.lstrip())) + line.lstrip() for line in lines)
    return [Paragraph("<br/>".join(indented), _KEPT)]


@_made.register
def _(block: Grid) -> _Made:
    styles = [_CELL] * block.texts + [_NUMBER] * (len(block.headings) - block.texts)
    rows = (block.headings, *block.rows)
    cells = [[_cell(each, style) for each, style in zip(row, styles, strict=True)] for row in rows]
    shares = [1.0] * (block.texts - 1) + [2.0] + [1.2] * (len(block.headings) - block.texts)
    lines = [("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    wide = [share * _WIDE / sum(shares) for share in shares]
    return [Table(cells, wide, repeatRows=1, style=lines)]


@_made.register
def _(block: Drawing) -> _Made:
    scale = min(0.75, _WIDE / block.width, _HIGH / block.height)
    made = shapes.Drawing(block.width * scale, block.height * scale)
    for shape in block.shapes:
        made.add(_shape(shape, block.height, scale))
    for label in block.labels:
        made.add(_label(label, block, scale))
    return [made, *([_paragraph(block.caption, _NOTE)] if block.caption else [])]


def _cell(words: str, style: ParagraphStyle) -> Any:  # noqa: ANN401 - untyped
    return _paragraph(_limited(words, _MOST_LETTERS), style)


_AREAS: Final = {Look.AREA: (_AREA, None), Look.BOX: (_SOFT, _LINE), Look.OWN: (_SOFT, _BAR), Look.HEAD: (_QUIET, None)}
_STROKES: Final = {Look.AXIS: _LINE, Look.CURVE: _BAR, Look.SEEN: _QUIET, Look.INFERRED: _QUIET}


def _shape(shape: Shape, height: float, scale: float) -> Any:  # noqa: ANN401 - untyped
    points = [each for x, y in shape.points for each in (x * scale, (height - y) * scale)]
    if shape.closed:
        fill, stroke = _AREAS[shape.look]
        return shapes.Polygon(points, fillColor=fill, strokeColor=stroke, strokeWidth=1)
    dashes = [3, 2] if shape.look is Look.INFERRED else None
    return shapes.PolyLine(points, strokeColor=_STROKES[shape.look], strokeWidth=1, strokeDashArray=dashes)


def _label(label: Label, drawing: Drawing, scale: float) -> Any:  # noqa: ANN401 - untyped
    """Smaller where the font is wider than the drawing's."""
    x, y = label.at
    words = _fitting(label.words)
    room = x if label.ends else drawing.width - x - 2
    points = min(10.0, 10.0 * room / max(stringWidth(words, _FONT, 10), 1)) * scale
    ink = _INK if label.look is Look.NAME else _QUIET
    given = {"fontName": _FONT, "fontSize": points, "fillColor": ink, "textAnchor": "end" if label.ends else "start"}
    return shapes.String(x * scale, (drawing.height - y) * scale, words, **given)


@_made.register
def _(block: FlameTree) -> _Made:
    """As the page draws it at first; a frame says as much of its name as it has room for."""
    row = min(_ROW, _HIGH / block.depth)
    made = shapes.Drawing(_WIDE, row * block.depth)
    _frames(block, made, 0.0, row * block.depth, row, _WIDE / block.bytes)
    return [made, _paragraph(f"{size(block.bytes)} in all. Names are cut where a frame has no room for more.", _NOTE)]


def _frames(frame: FlameTree, made: Any, left: float, top: float, row: float, scale: float) -> None:  # noqa: ANN401
    """A frame with its upper left corner, and what was called from it below."""
    wide = frame.bytes * scale
    if wide < _NARROWEST:
        return
    fill = Color(*hsl2rgb(_hue(frame.name) / 360, 0.8, 0.82))
    made.add(shapes.Rect(left, top - row, wide, row, fillColor=fill, strokeColor=HexColor("#ffffff"), strokeWidth=0.4))
    if words := _cut(_fitting(frame.name), wide - 4, 0.6 * row):
        given = {"fontName": _FONT, "fontSize": 0.6 * row, "fillColor": _INK}
        made.add(shapes.String(left + 2, top - 0.72 * row, words, **given))
    for child in frame.children:
        _frames(child, made, left, top - row, row, scale)
        left += child.bytes * scale


def _hue(name: str) -> int:
    """As in the page's flame.js: modules differ, functions of one are alike."""
    module = name.split("!", maxsplit=1)[0].split("+", maxsplit=1)[0]
    total = 0
    for letter in module:
        total = (total * 31 + ord(letter)) % 997
    return 10 + total % 50


def _cut(words: str, room: float, points: float) -> str:
    """The part of a line that has room, empty where that is next to nothing."""
    fits = words[: int(room / (0.2 * points)) + 1] if room > 0 else ""
    while fits and stringWidth(fits, _FONT, points) > room:
        fits = fits[:-1]
    return fits if fits == words or len(fits) > 2 else ""
