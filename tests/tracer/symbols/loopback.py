"""A symbol server on this machine that does what it is told, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.tracer.symbols.named import DEBUG
from tracer.symbols.identity import store_key

KEY = store_key(DEBUG)
PLACE = f"/contosodev.pdb/{KEY}/contosodev.pdb"
PACKED = f"/contosodev.pdb/{KEY}/contosodev.pd_"
POINTER = f"/contosodev.pdb/{KEY}/file.ptr"
Answer = Callable[["Handler"], None]


@dataclass
class Loopback:
    """What is served, by path, and what was asked."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def serve(self, path: str, *answers: Answer) -> None:
        """One after the other; the last one from then on."""
        self.answers[path] = list(answers)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    loopback: Loopback

    def do_GET(self) -> None:
        self.loopback.asked.append((self.path, self.headers.get("Range", "")))
        answers = self.loopback.answers.get(self.path, [missing])
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: Any) -> None:
        pass

    def begin(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def missing(handler: Handler) -> None:
    handler.begin(404, Content_Length="0")


def gives(data: bytes, *, upto: int | None = None, tag: str = '"1"', length: bool = True) -> Answer:
    """The data, or the part asked for; ``upto``: how much is sent before the connection is closed."""

    def answer(handler: Handler) -> None:
        asked, known = handler.headers.get("Range", ""), handler.headers.get("If-Range", "")
        begin = int(asked[6:-1]) if asked and known == tag else 0
        headers = {"ETag": tag} if tag else {}
        if begin:
            headers["Content_Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        if length:
            headers["Content_Length"] = str(len(data) - begin)
        handler.begin(206 if begin else 200, **headers)
        handler.wfile.write(data[begin:upto])

    return answer


def leads_to(url: str) -> Answer:
    return lambda handler: handler.begin(302, Location=url, Content_Length="0")


def says(status: int) -> Answer:
    return lambda handler: handler.begin(status, Content_Length="0")


@contextmanager
def serving() -> Iterator[Loopback]:
    """A server that runs; it has nothing yet."""
    loopback = Loopback()
    handler = type("Handler", (Handler,), {"loopback": loopback})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        loopback.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield loopback
        finally:
            server.shutdown()
            thread.join()
