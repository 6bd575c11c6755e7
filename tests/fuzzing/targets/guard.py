"""Who may use the served interface: whatever the head of a request says, nobody from elsewhere gets in."""

from __future__ import annotations

import re
from collections.abc import Awaitable

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist
from tui.web.guard import Guard

_TOKEN = "s3cret-Token_of-64"
_HERE = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[[0:]*:0*1\])(:.*)?", re.IGNORECASE | re.DOTALL)
_SEEDS = (
    b"/\n127.0.0.1:8000\nhttp://127.0.0.1:8000\n", b"/?token=s3cret-Token_of-64\nlocalhost:8000\n\n",
    b"/ws\n[::1]:8000\nhttp://[::1]:8000\npoolscope-8000=s3cret-Token_of-64", b"/ws\nevil.example\nhttp://evil.example\n",
    b"/download/x\nlocalhost\nnull\npoolscope-8000=wrong; a=b", b"/\n127.0.0.1:8000\nhttps://user@127.0.0.1:8000/x\n",
)  # fmt: skip


async def _let_in(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="in")


def check(data: bytes) -> None:
    path, host, origin, cookie = [*data.decode("latin-1").split("\n"), "", "", ""][:4]
    headers = CIMultiDict({"Host": host, "Cookie": cookie} | ({"Origin": origin} if origin else {}))
    try:
        request = make_mocked_request("GET", path or "/", headers=headers)
    except ValueError:  # no request line
        return
    for token in ("", _TOKEN):
        answer = _answer(Guard("127.0.0.1", 8000, token).middleware(request, _let_in))
        if answer == web.HTTPOk.status_code:
            insist(not token or request.cookies.get("poolscope-8000") == token, "in without the token")
            insist(_HERE.fullmatch(request.host), f"in under the name {request.host!r}")
            insist(not origin or request.host in origin, f"in from {origin!r} to {request.host!r}")
        elif answer == web.HTTPSeeOther.status_code:
            insist(token and request.query.get("token") == token, "welcome without the token")
        else:
            insist(answer == web.HTTPForbidden.status_code, f"an answer of {answer}")


def _answer(asked: Awaitable[web.StreamResponse]) -> int:
    """The status. The guard and what it guards here wait for nothing, so that no loop is needed."""
    try:
        next(asked.__await__())
    except StopIteration as done:
        return int(done.value.status)
    except web.HTTPException as error:
        return error.status
    raise AssertionError("the guard waits")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text(
        "127.0.0.1",
        "localhost",
        "[::1]",
        ":8000",
        "http://",
        "@",
        "\n",
        "token=",
        "poolscope-8000=",
        "[",
        "]",
        "%",
        ";",
        "/",
    ),
    500,
)
