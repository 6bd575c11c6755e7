"""A symbol server on this machine, in every mood; after each, the store has the right file or none."""

from __future__ import annotations

import io
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import pytest

from tests.tracer.symbols.loopback import (
    PACKED,
    PLACE,
    POINTER,
    Handler,
    Loopback,
    gives,
    leads_to,
    says,
    serving,
)
from tests.tracer.symbols.named import DEBUG
from tests.tui.cabinet import cabinet
from tracer.symbols.keeping import NotFetchedError
from tracer.symbols.server import Patience, SymbolServer, _Redirects

DATA = bytes(range(256)) * 1600
"""What stands for a PDB of 400 KB: what a PDB is, only the check that is given says."""
QUICK = Patience(seconds=5, slow_seconds=5, pause=0)


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as loopback:
        yield loopback


def fetch(
    loopback: Loopback, store: Path, *, patience: Patience = QUICK, most: int = 1 << 20, **more: Any
) -> Path | None:
    """Believes what has the right bytes."""
    server = SymbolServer(loopback.url, patience=patience, most_bytes=most, **more)
    return server.fetch(DEBUG, store, lambda path: "" if path.read_bytes() == DATA else "another GUID")


def refused(loopback: Loopback, store: Path, **more: Any) -> str:
    """The words of the error; there is no file then."""
    with pytest.raises(NotFetchedError) as raised:
        fetch(loopback, store, **more)
    assert not _kept(store)
    return str(raised.value)


def _kept(store: Path) -> list[Path]:
    """Files where a debugger would look."""
    return [path for path in store.rglob("*.pd*") if path.is_file() and not path.parent.name.endswith(".part")]


def _is_right(found: Path | None, store: Path) -> bool:
    """Whether the store has this file at its place, and nothing else."""
    place = store / PLACE[1:]
    files = [path for path in store.rglob("*") if path.is_file()]
    return found == place and files == [place] and place.read_bytes() == DATA


def test_a_plain_file_comes_to_its_place_in_the_store(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA))
    steps: list[tuple[str, int, int | None]] = []
    found = fetch(loopback, tmp_path, progress=lambda *step: steps.append(step))
    assert _is_right(found, tmp_path)
    assert steps[-1] == ("contosodev.pdb", len(DATA), len(DATA))
    assert loopback.paths() == [PLACE]


def test_a_store_of_two_tiers_is_kept_so(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA))
    (tmp_path / "index2.txt").touch()
    assert fetch(loopback, tmp_path) == tmp_path / "co" / PLACE[1:]


def test_a_file_whose_length_is_not_told_comes_too(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA, length=False))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)


def test_a_compressed_file_is_unpacked(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PACKED, gives(cabinet({"ContosoDev.pdb": DATA})))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)
    assert loopback.paths() == [PLACE, PACKED]


def test_a_pointer_to_another_address_is_followed(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(POINTER, gives(f"PATH:{loopback.url}/elsewhere".encode()))
    loopback.serve("/elsewhere", gives(DATA))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"MSG: not yet indexed", "a message in place of the file: not yet indexed"),
        (rb"PATH:\\server\share\contosodev.pdb", "only addresses of http and https"),
        (b"PATH:file:///etc/hosts", "only addresses of http and https"),
        (b"x" * 5000, "has 5,000 bytes, at most 4,096"),
    ],
    ids=["message", "share", "file", "long"],
)
def test_a_pointer_that_is_not_followed_says_why(text: bytes, why: str, loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(POINTER, gives(text))
    assert why in refused(loopback, tmp_path)


def test_a_server_that_has_none_leaves_nothing_behind(loopback: Loopback, tmp_path: Path) -> None:
    assert fetch(loopback, tmp_path) is None
    assert loopback.paths() == [PLACE, PACKED, POINTER]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() or path.name.endswith(".part")]


def test_redirects_are_followed(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, leads_to("/blob"))
    loopback.serve("/blob", gives(DATA))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://127.0.0.1/x"])
def test_redirects_out_of_http_are_not_followed(url: str, loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, leads_to(url))
    assert url in refused(loopback, tmp_path)


def test_redirects_do_not_lead_from_https_to_http() -> None:
    asked = urllib.request.Request("https://symbols.example/a")
    for url, is_followed in (("https://symbols.example/b", True), ("http://symbols.example/b", False)):
        with nullcontext() if is_followed else pytest.raises(urllib.error.URLError, match="is not followed"):
            assert _Redirects().redirect_request(asked, io.BytesIO(), 302, "Found", HTTPMessage(), url) is not None


def test_redirects_in_a_circle_end(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, leads_to(PLACE))
    assert "302" in refused(loopback, tmp_path)
    assert len(loopback.asked) < 20


def test_a_file_cut_off_in_the_middle_goes_on_where_it_ended(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA, upto=100_000), gives(DATA, upto=250_000), gives(DATA))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)
    assert [asked for _, asked in loopback.asked] == ["", "bytes=100000-", "bytes=250000-"]


def test_a_file_cut_off_again_and_again_is_given_up_and_gone_on_with_the_next_time(
    loopback: Loopback, tmp_path: Path
) -> None:
    loopback.serve(PLACE, gives(DATA, upto=100_000))
    assert "did not come whole: the connection ended after 100,000 of 409,600 bytes" in refused(loopback, tmp_path)
    loopback.serve(PLACE, gives(DATA))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)
    assert loopback.asked[-1] == (PLACE, "bytes=100000-")


def test_a_file_that_changed_in_between_is_fetched_anew(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(b"\0" * len(DATA), upto=100_000, tag='"old"'), gives(DATA, tag='"new"'))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_what_a_server_gives_no_firm_name_is_fetched_anew(tag: str, loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA, upto=100_000, tag=tag), gives(DATA, tag=tag))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)
    assert [asked for _, asked in loopback.asked] == ["", ""]


def test_a_part_that_the_server_does_not_know_is_dropped(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA, upto=100_000), says(416), gives(DATA))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)
    assert [asked for _, asked in loopback.asked] == ["", "bytes=100000-", ""]


def test_another_part_than_was_asked_for_is_not_taken(loopback: Loopback, tmp_path: Path) -> None:
    def other(handler: Handler) -> None:
        handler.begin(206, Content_Range=f"bytes 5-{len(DATA) - 1}/{len(DATA)}", Content_Length=str(len(DATA) - 5))
        handler.wfile.write(DATA[5:])

    loopback.serve(PLACE, gives(DATA, upto=100_000), other, gives(DATA))
    assert _is_right(fetch(loopback, tmp_path), tmp_path)


def test_a_file_of_another_build_is_not_believed(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(b"MSF of another build"))
    assert "not believed: another GUID" in refused(loopback, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("length", [True, False])
def test_an_enormous_file_is_refused_and_not_kept(length: bool, loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, gives(DATA, length=length))
    told = refused(loopback, tmp_path, most=300_000)
    assert "300,000" in told
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_cabinet_that_unpacks_to_an_enormous_file_is_refused(loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PACKED, gives(cabinet({"contosodev.pdb": bytes(2 << 20)})))
    assert "holds 2,097,152 bytes" in refused(loopback, tmp_path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no cabinet", "cannot be unpacked"),
        (cabinet({"contosodev.pdb": DATA})[:-9], "cannot be unpacked"),
        (cabinet({"contosodev.pdb": DATA}, method=3), "packed by LZX; unpack it yourself"),
        (cabinet({"readme.txt": DATA}), "holds 0 files"),
    ],
    ids=["no cabinet", "cut", "another packing", "no PDB in it"],
)
def test_a_cabinet_that_cannot_be_unpacked_says_why(data: bytes, why: str, loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PACKED, gives(data))
    assert why in refused(loopback, tmp_path)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_server_that_refuses_is_quoted(status: int, loopback: Loopback, tmp_path: Path) -> None:
    loopback.serve(PLACE, says(status))
    assert f"the server says {status}" in refused(loopback, tmp_path)


def test_a_server_that_is_silent_is_given_up_and_not_asked_again(loopback: Loopback, tmp_path: Path) -> None:
    awake = threading.Event()

    def late(handler: Handler) -> None:
        awake.wait(30)
        handler.close_connection = True

    loopback.serve(PLACE, late)
    server = SymbolServer(loopback.url, patience=Patience(seconds=0.2, pause=0))
    try:
        for why in ("timed out", "was not asked again: it could not be reached before"):
            with pytest.raises(NotFetchedError, match=why):
                server.fetch(DEBUG, tmp_path, lambda _: "")
    finally:
        awake.set()
    assert len(loopback.asked) == 1


def test_a_server_that_falls_silent_in_the_middle_is_given_up(loopback: Loopback, tmp_path: Path) -> None:
    awake = threading.Event()

    def stuck(handler: Handler) -> None:
        handler.begin(200, Content_Length=str(len(DATA)))
        handler.wfile.write(DATA[:1000])
        handler.wfile.flush()
        awake.wait(30)

    loopback.serve(PLACE, stuck)
    try:
        assert "did not come whole: the server was silent" in refused(
            loopback, tmp_path, patience=Patience(seconds=0.2, pause=0)
        )
    finally:
        awake.set()


def test_a_server_that_is_too_slow_is_given_up(loopback: Loopback, tmp_path: Path) -> None:
    patience = Patience(seconds=5, slow_seconds=0, least_rate=1 << 40, pause=0)
    loopback.serve(PLACE, gives(DATA))
    assert "bytes a second" in refused(loopback, tmp_path, patience=patience)


def test_a_server_that_is_not_there_is_said_to_be(tmp_path: Path, loopback: Loopback) -> None:
    gone = Loopback(url="http://127.0.0.1:1")
    assert "look at the address, the connection and the proxy" in refused(gone, tmp_path)


def test_what_is_interrupted_leaves_nothing_where_a_debugger_looks(loopback: Loopback, tmp_path: Path) -> None:
    def interrupt(_name: str, here: int, _total: int | None) -> None:
        if here > 100_000:
            raise KeyboardInterrupt

    loopback.serve(PLACE, gives(DATA))
    with pytest.raises(KeyboardInterrupt):
        fetch(loopback, tmp_path, progress=interrupt)
    assert not _kept(tmp_path)
    assert _is_right(fetch(loopback, tmp_path), tmp_path)
    assert loopback.asked[-1][1].startswith("bytes=")


def test_a_store_that_cannot_be_written_to_is_an_error_of_the_system(loopback: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file|directory"):
        fetch(loopback, tmp_path / "file")
    assert not loopback.asked
