"""What the records tell of the machine, apart from the header: a 32-bit program may write the file of a 64-bit one."""

from __future__ import annotations

from typing import Final

from tracer.arrays import I64
from tracer.etl.headers import HeaderType
from tracer.etl.logfile import LogFile

_KERNEL: Final = {
    4: (HeaderType.SYSTEM32, HeaderType.COMPACT32, HeaderType.PERFINFO32),
    8: (HeaderType.SYSTEM64, HeaderType.COMPACT64, HeaderType.PERFINFO64),
}
"""Headers of kernel records, by the kernel's pointer size."""
_OF_64_BIT_PROGRAMS: Final = (HeaderType.FULL64, HeaderType.INSTANCE64, HeaderType.EVENT64)


def machine_pointer_size(by_header: I64, head: LogFile) -> int:
    """Bytes of a kernel pointer on the machine that was traced; ``by_header`` counts records by header type.

    The first record is of the program that wrote the file. Of the others, the kernel's tell; else a record of a 64-bit
    program, which only a 64-bit machine has (32-bit programs run on both); else only the header is left to ask.
    """
    count = {size: int(by_header[list(kinds)].sum()) - (head.record in kinds) for size, kinds in _KERNEL.items()}
    if max(count.values()) > 0:
        return 8 if count[8] >= count[4] else 4
    return 8 if by_header[list(_OF_64_BIT_PROGRAMS)].any() else head.pointer_size
