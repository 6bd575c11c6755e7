"""Frames that stand in nearly every stack and tell nothing: the pool allocator's and the I/O manager's own.

Told by function name where names are known: those that Microsoft documents ("ExAllocatePool2", "IoAllocateIrp",
"IoCallDriver" and their families in wdm.h), and those that published kernel stacks show below and above them
(``ExAllocateHeapPool``, ``ExpAllocatePoolWithTagFromNode``, ``RtlpHp…``, ``IopAllocateIrpPrivate``,
``IopXxxControlFile``, ``KiSystemServiceCopyEnd``; with Driver Verifier ``VerifierExAllocatePool…``,
``VeAllocatePoolWithTagPriority``, ``IovCallDriver``). A kernel frame without a name is only known to lie before the
first driver, or behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from itertools import groupby
from typing import Final

from analyzers.formatting import agreeing
from analyzers.modules import KERNEL, KERNEL_FILE
from analyzers.pool_tables import Frame
from tracer.data_classes import dataclass
from tracer.symbols.symbol import Source

Named = tuple[str, str]
"""File name of a module and a function of it; each empty where unknown."""


class Part(Enum):
    """What a frame is a part of, in words."""

    ALLOCATOR = "the pool allocator"
    VERIFIER = "Driver Verifier"
    IO_MANAGER = "the I/O manager"
    SYSTEM_CALL = "the system call"
    HAL = "the HAL"
    KERNEL = "the kernel"  # no name tells of what

    def __str__(self) -> str:
        return self.value


_OF_THE_KERNEL: Final = (
    (Part.ALLOCATOR, r"Exp?(Allocate|Free|DeferredFree)\w*Pool\w*"),
    (Part.ALLOCATOR, r"Exp?(AllocateFrom|FreeTo)\w*Lookaside\w*"),
    (Part.ALLOCATOR, r"Rtlp?Hp\w+|Mi(Allocate|Free)Pool\w*|Etwp?\w*Pool\w*"),
    (Part.VERIFIER, r"(Verifier|Ve|Vf|Vi)\w*Pool\w*|Iov(CallDriver|CompleteRequest|AllocateIrp|FreeIrp)\w*"),
    (Part.IO_MANAGER, r"Iop?(Allocate|Free)(Irp|Mdl)\w*|Io[pf]*CallDriver|IopPerfCallDriver"),
    (Part.IO_MANAGER, r"IopXxxControlFile|IopSynchronousServiceTail|Nt(DeviceIoControl|FsControl|Read|Write)File"),
    (Part.SYSTEM_CALL, r"Ki(Fast)?System(Service|Call)\w*|KiFastCallEntry\w*"),
)
_FREES_IRP: Final = (
    r"Exp?(Free|DeferredFree)\w*Pool\w*|Rtlp?Hp\w+|Etwp?\w*Pool\w*|(Verifier|Ve|Vf|Vi)\w*Pool\w*|Io[pv]?FreeIrp\w*"
)
ALLOCATES: Final = frozenset({Part.ALLOCATOR, Part.VERIFIER, Part.HAL})
"""Parts that stand where a stack begins: what asked them tells more."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames ``begin`` to ``end`` of a stack; ``parts``: what they are folded as, empty where each is shown."""

    begin: int
    end: int
    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        """``7 frames of the pool allocator and the I/O manager``."""
        count = self.end - self.begin
        whose = Part.KERNEL.value if Part.KERNEL in self.parts else " and ".join(map(str, self.parts))
        return f"{count:,} {agreeing(count, 'frame', 'frames')} of {whose}"


def runs(frames: Sequence[Named]) -> list[Run]:
    """A stack, innermost frame first, as runs of frames that are shown or folded, so that it begins with a driver's.

    A single frame is folded only where the stack begins. Where nothing else would be left, what the I/O manager was
    asked for is shown.
    """
    parts = _parts(frames)
    if None not in parts:
        parts = [part if part in ALLOCATES else None for part in parts]
    if None not in parts:
        return [Run(0, len(frames))] if frames else []
    return list(_joined(parts))


def runs_of(frames: Sequence[Frame]) -> list[Run]:
    """The same of frames; what has no names at all is shown as it is. The nearest export is no name."""
    named = [name_of(frame) for frame in frames]
    if not any(function for _, function in named):
        return [Run(0, len(frames))] if frames else []
    return runs(named)


def name_of(frame: Frame) -> Named:
    """What tells of which part a frame is."""
    return frame.module, "" if frame.source is Source.EXPORTS else plain_name(frame.function)


def plain_name(function: str) -> str:
    """A function without the argument list that some PDB files have with it."""
    return function.partition("(")[0]


def is_irp_release(function: str) -> bool:
    """Whether a kernel function is one of those between the free of an IRP and who asked for it."""
    return re.fullmatch(_FREES_IRP, function) is not None


def _joined(parts: Sequence[Part | None]) -> Iterator[Run]:
    shown_from = begin = 0
    for folded, group in groupby(parts, lambda part: part is not None):
        mine = list(group)
        end = begin + len(mine)
        if folded and (len(mine) > 1 or begin == 0):
            if shown_from < begin:
                yield Run(shown_from, begin)
            yield Run(begin, end, tuple(dict.fromkeys(part for part in mine if part is not None)))
            shown_from = end
        begin = end
    if shown_from < begin:
        yield Run(shown_from, begin)


def _parts(frames: Sequence[Named]) -> list[Part | None]:
    parts = [part_of(*frame) for frame in frames]
    first = next((at for at, (module, _) in enumerate(frames) if module and not KERNEL.match(module)), 0)
    for at, (module, function) in enumerate(frames[:first]):
        if not function and KERNEL.match(module):
            parts[at] = parts[at] or Part.KERNEL
    return parts


def part_of(module: str, function: str) -> Part | None:
    """What a frame is a part of by its name alone; ``None`` for what is shown."""
    if not KERNEL.match(module):
        return None
    if not KERNEL_FILE.match(module):
        return Part.HAL
    return _part_of_the_kernel(function) if function else None


@lru_cache(maxsize=1 << 14)
def _part_of_the_kernel(function: str) -> Part | None:
    return next((part for part, pattern in _OF_THE_KERNEL if re.fullmatch(pattern, function)), None)
