"""Map files: names at offsets, held against a search line by line."""

from __future__ import annotations

from tests.fuzzing.mutations import text
from tests.fuzzing.scratch import written
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import complaint
from tracer.errors import InputError
from tracer.symbols.map_file import MapFile

_SEEDS = (
    b"contosodev.sys 0x1050 CtAllocateContext\ncontosodev.sys 0x1100 CtFree a b\n# nothing\n\nNT 10 KiSwap\n",
    "\ufeffNT.exe\t0xFFFFFFFF\tKi Swap\r\nnt 0 A\nnt 0 B\n".encode(), b"a b\n", b"a 0x100000000 x\n", b"a zz x\n", b"",
)  # fmt: skip
_ADDRESSES = [0, 0xF, 0x10, 0x104F, 0x1050, 0x10FF, 0xFFFFFFFE, 0xFFFFFFFF]


def check(data: bytes) -> None:
    try:
        names = MapFile(written(data))
    except InputError as error:
        complaint(error)
        return
    lines = [line.decode("utf-8-sig").strip() for line in data.split(b"\n")]
    entries = [line.split(None, 2) for line in lines if line and not line.startswith("#")]
    for module in {entry[0] for entry in entries} | {"contosodev.sys", "nt.exe", "none"}:
        exact = [entry for entry in entries if entry[0].lower() == module.lower()]
        bare = [entry for entry in entries if entry[0].lower() == module.lower().rpartition(".")[0]]
        mine = exact or bare
        insist(names.has(module) == bool(mine), f"whether {module!r} has names")
        for address, found in zip(_ADDRESSES, names.symbols(module, _ADDRESSES), strict=True):
            below = [entry for entry in mine if int(entry[1], 16) <= address]
            if not below:
                insist(found is None, f"{module!r} has a name below its first")
                continue
            best = max(below, key=lambda entry: int(entry[1], 16))  # the first of those at one place
            wanted = best[2], address - int(best[1], 16)
            insist(found is not None and (found.function, found.displacement) == wanted, f"{found} is not {wanted}")


TARGET = Target(
    check, lambda: _SEEDS, text("nt ", "0x", " CtFree\n", "contosodev.sys 0x", "#", "\n", "\r\n", " ", "_", "-"), 5_000
)
