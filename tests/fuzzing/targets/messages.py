"""What a browser sends: messages of its websocket, and the size in its address."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import typed
from tui.web.asked import COLUMNS, ROWS, Focused, NotUnderstoodError, Ping, Size, Typed, asked_size, message

_SEEDS = (
    b'["stdin","abc\\u001b[A"]', b'["resize",{"width":80,"height":24}]', b'["focus"]', b'["blur"]', b'["ping","1723"]',
    b'["resize",{"width":"-1","height":1e3}]', b"width=120&height=40", b"[" * 40,
    b'["resize",{"width":NaN,"height":1}]',
)  # fmt: skip


def check(data: bytes) -> None:
    said = typed(data)
    try:
        found = message(said)
    except NotUnderstoodError as error:
        insist(str(error), "refused without a word")
    else:
        _check(said, found)
    try:
        _check_size(asked_size(dict(parse_qsl(said, keep_blank_values=True, max_num_fields=50))))
    except (NotUnderstoodError, ValueError):  # parse_qsl's own of too many fields is aiohttp's to answer
        return


def _check(said: str, found: Size | Typed | Focused | Ping) -> None:
    sent = json.loads(said)
    match found:
        case Size():
            insist(sent[0] == "resize", "a size of no resize")
            _check_size(found)
        case Typed(text=keys):
            insist(sent == ["stdin", keys], "other keys than were typed")
        case Focused(has_focus=has):
            insist(sent == ["focus" if has else "blur"], "another focus")
        case Ping(word=word):
            insist(sent == ["ping", word] and len(word) <= 20, "another word than was sent")


def _check_size(size: Size) -> None:
    insist(COLUMNS[0] <= size.columns <= COLUMNS[1] and ROWS[0] <= size.rows <= ROWS[1], f"a screen of {size}")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text(
        '["stdin",',
        '["resize",',
        '"width":',
        '"height":',
        "]",
        "}",
        "{",
        "[",
        ",",
        "1e999",
        "true",
        "null",
        "\\ud800",
        "width=",
        "&height=",
    ),
    25_000,
)
