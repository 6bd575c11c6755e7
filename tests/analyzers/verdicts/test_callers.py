"""Which of several findings is the cause: the driver that called the others."""

from __future__ import annotations

from analyzers.findings import Finding, Verdict
from analyzers.snapshot import I32, I64, U64, Frame
from analyzers.verdicts.callers import causes_first

_STACKS = {
    1: ("ntoskrnl.exe", "tcpip.sys", "afd.sys", "ntoskrnl.exe"),
    2: ("ntoskrnl.exe", "afd.sys", "ntoskrnl.exe"),
    3: ("ntoskrnl.exe", "ntoskrnl.exe"),
}


class _Named:
    def process(self, pid: int, at_ns: int | None = None) -> str:
        return f"{pid} at {at_ns}"

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        return tuple(Frame(process, module, 0) for module in _STACKS.get(stack, ()))

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        raise NotImplementedError


def _finding(driver: str, stack: int, *, count: int = 100, thread: int = 8) -> Finding:
    return Finding(
        rank=0, verdict=Verdict.GROWTH, confidence=0.7, tag=1, paged=False, count=count, bytes=count,
        retained_bytes=count, bytes_per_hour=0.0, bytes_per_hour_interval=(0.0, 0.0), process_id=4, process="System",
        thread_id=thread, driver=driver, stack=stack, path=(), evidence=(), doubts=(), advice="",
    )  # fmt: skip


TRANSPORT, WINSOCK, KERNEL = _finding("tcpip.sys", 1), _finding("afd.sys", 2), _finding("nt", 3)


def test_the_caller_comes_before_what_was_allocated_for_it() -> None:
    assert causes_first([TRANSPORT, KERNEL, WINSOCK], _Named()) == [KERNEL, WINSOCK, TRANSPORT]


def test_an_order_with_the_cause_first_stays() -> None:
    assert causes_first([WINSOCK, KERNEL, TRANSPORT], _Named()) == [WINSOCK, KERNEL, TRANSPORT]


def test_a_caller_that_keeps_another_number_is_another_matter() -> None:
    fewer = _finding("afd.sys", 2, count=50)
    assert causes_first([TRANSPORT, fewer], _Named()) == [TRANSPORT, fewer]


def test_a_caller_on_another_thread_is_another_matter() -> None:
    other = _finding("afd.sys", 2, thread=12)
    assert causes_first([TRANSPORT, other], _Named()) == [TRANSPORT, other]
