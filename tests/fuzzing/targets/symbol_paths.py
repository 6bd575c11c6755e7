"""Microsoft's language of symbol paths, on Windows and elsewhere, with the network and without; symbol pointers."""

from __future__ import annotations

from pathlib import Path

from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import typed
from tracer.symbols.path import Chain, is_share, parse_symbol_path
from tracer.symbols.stores import pointed_to

_SEEDS = (
    b"srv*", b"srv*c:\\symbols*https://msdl.microsoft.com/download/symbols", b"cache*c:\\near;srv*\\\\server\\share",
    b"symsrv*symsrv.dll*/var/symbols*http://127.0.0.1:8080/x", b"/plain/folder;relative;;C:\\other",
    b"\\\\?\\UNC\\a\\b", b"srv*a*b*c*d*e*https://[::1]/", b"PATH: \\\\server\\store\\ntoskrnl.pdb\r\n",
    b"MSG: not here", b"//host/share",
)  # fmt: skip
_HERE = Path("store")


def check(data: bytes) -> None:
    said = typed(data)
    leads_to, message = pointed_to(data)
    insist(not (leads_to and message), "a pointer that is a path and a message")
    for windows in (False, True):
        for network in (False, True):
            found = parse_symbol_path(said, _HERE, network=network, windows=windows)
            insist(all(each.why for each in found.omitted), "a part is left out without a reason")
            if not network:
                chains = [each for each in found.places if isinstance(each, Chain)]
                asked = [each.server for each in chains] + [
                    str(path)
                    for each in found.places
                    for path in (each.stores if isinstance(each, Chain) else (each.path,))
                    if is_share(str(path), windows=windows)
                ]
                insist(not any(asked), f"without the network {asked} would be asked")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text("srv*", "cache*", "symsrv*", "symsrv.dll*", ";", "*", "\\\\", "//", "http://", "[", "@", "%", "PATH:", "MSG:"),
    5_000,
)
