"""One sentence on what to do next, for each kind of accusation."""

from __future__ import annotations

from typing import Final

from analyzers.pooltag import tag_text

_CAPTURE: Final = {
    "stacks": "call stacks on pool allocations and frees",
    "context_switches": "context switches",
    "requests": "driver (IRP) events",
}


def pending_apc(process: str, thread: int, irp: int) -> str:
    """Where to look for what keeps a thread from taking its APCs."""
    owner = process or "its process"
    return (
        f"In a kernel debugger, look at thread {thread} of {owner} (!process 0 2 {owner}, then !thread and "
        f"dt nt!_KTHREAD SpecialApcDisable ApcState) for a guarded region, a raised IRQL or a priority that keeps it "
        f"from taking its APCs, and at one of its requests with !irp 0x{irp:x}."
    )


def missing_free(driver: str, place: str, tag: int) -> str:
    """Which code to read."""
    if not driver:
        return (
            f"Record again with stacks on pool events to see who allocates {tag_text(tag)!r}, or search for it with "
            f"!poolfind {tag_text(tag)} in a kernel debugger."
        )
    return (
        f"In {driver}, follow what {place or 'it'} allocates with tag {tag_text(tag)!r} to every return that skips the "
        f"free (error paths first); Driver Verifier with pool tracking on {driver} confirms it."
    )


def growth(driver: str, tag: int, missing: str) -> str:
    """What to capture to be surer: ``missing`` names the kind of evidence that the trace lacks, empty for none."""
    owner = driver or f"whoever allocates {tag_text(tag)!r}"
    wanted = _CAPTURE.get(missing)
    more = f" with {wanted}" if wanted else ", through at least one shutdown of the program that uses it"
    return f"Record for longer{more}, to see whether {owner} ever frees these; then compare with a trace of normal use."
