"""A trace with 200 names that must not get out, in every place that a snapshot has for them."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from analyzers.analysis import TraceNames
from analyzers.findings import Separation
from analyzers.image_lives import Module, module_of
from analyzers.modules import Modules
from analyzers.pool_tables import Frame
from analyzers.processes import Processes, _Life
from analyzers.snapshot import Snapshot
from tracer.errors import Damage, DamageCode
from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile
from tracer.symbols.symbol import Inlined, Symbol
from tracer.trace import Gap, Rolled
from tui.contents import Contents
from tui.safe_text import safe

USERS: Final = ("erika.müller", "O'Neill", "名前", "svc_backup", *(f"nutzer{n}x" for n in range(16)))
HOSTS: Final = ("BUCHHALTUNG7", "db-01.contoso.local", *(f"host{n:02}q" for n in range(18)))
RENAMED: Final = {
    "contosoflt.sys": "Zürich<b>flt.sys",
    "contosocache.sys": "cache & more.sys",
    "client.exe": "käse 'client'.exe",
    "server.exe": "payroll_server.exe",
    "backup.exe": "<script>backup.exe",
}
DRIVERS: Final = tuple(f"drv{n}_ctö.sys" for n in range(20))
LIBRARIES: Final = tuple(f"codec{n}.dll" for n in range(15))
PROGRAMS: Final = ("no ending", "[red]tool.exe", 'run "me" --password=hunter2', *(f"Tool-{n}.exe" for n in range(32)))
PATHS: Final = tuple(
    rf"\Device\HarddiskVolume3\Users\{user}\bin\{name}"
    for user, name in zip(USERS, (*DRIVERS[:10], *LIBRARIES[:10]), strict=True)
)
SHARES: Final = tuple(rf"\\{host}\share\a b\x{n}.dll" for n, host in enumerate(HOSTS))
IPV4: Final = tuple(f"10.1.2.{n}" for n in range(1, 16))
IPV6: Final = tuple(f"fe80::1:{n:x}" for n in range(1, 11))
FUNCTIONS: Final = tuple(f"CtSecret{n}::Grüße" for n in range(15))
SESSIONS: Final = ("Erikas Sitzung <i>",)
FILES: Final = (r"C:\Users\erika.müller\traces\geheim 1.etl", "geheim 0.etl")
PROVIDERS: Final = ("Contoso-Secret-Provider",)
PDBS: Final = (r"d:\src\geheim\secretbuild.pdb",)
GUIDS: Final = (uuid.UUID(int=0xABCD), uuid.UUID(int=0xBCDE))
DESCRIPTION: Final = "contexts of the secret filter"

NAMES: Final = (
    *USERS, *HOSTS, *RENAMED.values(), *DRIVERS, *LIBRARIES, *PROGRAMS, *PATHS, *SHARES, *IPV4, *IPV6, *FUNCTIONS,
    *SESSIONS, *FILES, *PROVIDERS, *PDBS, *map(str, GUIDS), DESCRIPTION,
)  # fmt: skip


def found_in(text: str) -> list[str]:
    """The names that a text holds, in any way in which a file writes them; line breaks make no difference."""
    plain = _packed("\n".join((text, html.unescape(text))))
    return [name for name in NAMES if any(_packed(form) in plain for form in _forms(name))]


def _forms(name: str) -> set[str]:
    return {name, safe(name), json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1], html.escape(name)}


def _packed(text: str) -> str:
    return "".join(text.casefold().split())


@contextmanager
def names_planted() -> Iterator[None]:
    """Whatever is analysed meanwhile has the names."""
    with pytest.MonkeyPatch.context() as patch:
        of, frame = _Life.of, TraceNames.frame_in
        known, files = Processes.known, vars(Modules)["files"].fget

        def renamed_module(base: int, size: int, name: str, path: str, process: int, stamp: int = 0) -> Module:
            new = RENAMED.get(name, name)
            folder = path if new == name else rf"\Device\HarddiskVolume3\Users\{USERS[0]}\{new}"
            return module_of(base, size, new, folder, process, stamp)

        def renamed(life: _Life, pid: int, *, never_cut: bool) -> Any:
            found = of(life, pid, never_cut=never_cut)
            return replace(found, name=RENAMED.get(found.name, found.name))

        def symbolised(names: TraceNames, *where: Any) -> Frame:
            found = frame(names, *where)
            is_secret = found.module in RENAMED.values()
            function = FUNCTIONS[found.offset % len(FUNCTIONS)] if is_secret else "WindowsFunction"
            inlined = (Inlined(FUNCTIONS[1], PATHS[1], 7),) if is_secret else ()
            symbol = Symbol(function, 1, PATHS[0] if is_secret else "", 5, inlined)
            return replace(found, symbol=symbol if found.module else None)

        images = (*zip((*DRIVERS[:10], *LIBRARIES[:10]), PATHS, strict=True), *(("x.dll", each) for each in SHARES))
        patch.setattr("analyzers.modules.module_of", renamed_module)
        patch.setattr(_Life, "of", renamed)
        patch.setattr(TraceNames, "frame_in", symbolised)
        patch.setattr(Processes, "known", lambda self: known(self) | set(enumerate(PROGRAMS, 9000)))
        patch.setattr(Modules, "files", property(lambda self: files(self) | set(images)))
        yield


def planted_snapshot(snapshot: Snapshot) -> Snapshot:
    """The rest of the names, where what was analysed has no place for them."""
    every = [*USERS, *HOSTS, *DRIVERS[:10], *LIBRARIES[:10], *PROGRAMS, *PATHS, *SHARES, *IPV4, *IPV6, *FILES]
    says = tuple(f"seen beside {name}, and gone" for name in every)
    findings = snapshot.diagnosis.findings
    between = Separation(Frame(0xFFFFF80000000010, DRIVERS[19], 0x10, Symbol(FUNCTIONS[0], 0)), 1, 1, 0, 1)
    first = replace(findings[0], doubts=(*findings[0].doubts, *says), separates=between, driver=DRIVERS[18])
    held = snapshot.diagnosis.held_requests
    held = replace(held, drivers=tuple(DRIVERS[17] for _ in held.drivers))
    tags = snapshot.pool.tags
    tags = replace(
        tags,
        driver=(*DRIVERS[10:18], *tags.driver[8:]),
        description=(DESCRIPTION, *tags.description[1:]),
    )
    return replace(
        _with_sockets(snapshot),
        info=replace(
            snapshot.info,
            path=FILES[0],
            session=SESSIONS[0],
            rolled=Rolled((f"{FILES[0]} goes on in {FILES[1]}",), (FILES[1],)),
        ),
        damage=(Damage(0, DamageCode.FILE_TAIL, f"{FILES[1]} is cut", 8, FILES[1]),),
        loss=replace(snapshot.loss, gaps=(Gap(0, 9, 0, f"lost in {FILES[0]}", 1, FILES[1]),)),
        pool=replace(snapshot.pool, tags=tags),
        diagnosis=replace(snapshot.diagnosis, findings=(first, *findings[1:]), held_requests=held),
    )


def _with_sockets(snapshot: Snapshot) -> Snapshot:
    context = snapshot.context
    assert context is not None
    evidence = context.held.evidence
    sockets = evidence.snapshot.sockets
    count = len(IPV4) + len(IPV6)
    columns = {
        name: np.resize(getattr(sockets, name), count) for name in sockets.__slots__ if name not in ("local", "remote")
    }
    texts = (*(f"{each}:445" for each in IPV4), *(f"[{each}]:80" for each in IPV6))
    more = replace(sockets, **columns, local=texts, remote=tuple(reversed(texts)))
    seen = replace(evidence, snapshot=replace(evidence.snapshot, sockets=more))
    return replace(snapshot, context=replace(context, held=replace(context.held, evidence=seen)))


def planted_contents(contents: Contents) -> Contents:
    """The same of what ``info`` tells."""
    files = (ImageFile(DRIVERS[0], 4096, 1, DebugFile(GUIDS[0], 1, PDBS[0])),)
    return replace(
        contents,
        info=replace(contents.info, path=FILES[0], session=SESSIONS[0]),
        damage=(Damage(0, DamageCode.FILE_TAIL, f"{FILES[0]} is cut", 8, FILES[1]),),
        census=replace(contents.census, providers={**contents.census.providers, GUIDS[1]: 7}),
        provider_names={**contents.provider_names, GUIDS[1]: PROVIDERS[0]},
        images={**contents.images, **dict.fromkeys(files, 2)},
    )


def budget(folder: Path) -> Path:
    """A budget that names a driver and functions, some of them not in the trace."""
    path = folder / "geheim 0.etl.toml"
    driver = json.dumps(RENAMED["contosoflt.sys"], ensure_ascii=False)
    functions = [f"{RENAMED['contosoflt.sys']}!{FUNCTIONS[0]}", f"{DRIVERS[19]}!*", FUNCTIONS[1]]
    lines = [f"{json.dumps(each, ensure_ascii=False)} = 0" for each in functions]
    text = f'[tag]\n"*" = 0\n[driver]\n{driver} = 0\n"{DRIVERS[17]}" = 0\n"*" = 0\n[function]\n' + "\n".join(lines)
    path.write_text(f"{text}\n", encoding="utf-8")
    return path
