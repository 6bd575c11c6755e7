"""Held requests in the report, holder by holder."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.text import Text

from analyzers.findings import BY_APC, SINCE_CODES, HeldRequests, ThreadSince
from analyzers.formatting import agreeing, counted, duration, size
from analyzers.snapshot import Snapshot
from tui.findings.held import Holders, issuer, port_owners, summary
from tui.report.styles import heading, note

_HOLDERS: Final = 5
"""Holders that a report lists; --json has every held request."""

SINCE_WORDS: Final = {
    ThreadSince.RAN: "the thread ran and did not wait",
    ThreadSince.WAITED: "the thread waited",
    ThreadSince.NEVER_RAN: "the thread did not run",
    ThreadSince.EXITED: "the thread exited",
    ThreadSince.UNKNOWN: "no event tells what the thread did",
}
"""What a thread did since a completion."""


def held_lines(snapshot: Snapshot) -> list[Text]:
    """How many requests are held, and one line for each holder, most bytes first; nothing where none is."""
    held = snapshot.diagnosis.held_requests
    if not len(held):
        return []
    owners = port_owners(snapshot)
    holders = Holders.among(held, owners)
    lines = [heading("Held requests, by what holds them")]
    lines += [Text(f"  {summary(held, owners)}")] if len(holders.words) > 1 else []
    lines.append(note("  Inferred: no event tells of an APC, and none names a port."))
    lines += [_line(held, holders, at) for at in range(min(len(holders.words), _HOLDERS))]
    more = len(holders.words) - _HOLDERS
    return [*lines, note(f"  and {counted(more, 'holder')} more (--json has all)")] if more > 0 else lines


def _line(held: HeldRequests, holders: Holders, at: int) -> Text:
    own, why = held.take(holders.of == at), holders.why[at]
    oldest = agreeing(len(own), "for", "the oldest for") + f" {duration(int(own.age_ns.max()))}"
    whose, since = (f" of {issuer(own, 0)}", f"; since then {_since(own)}") if why in BY_APC else ("", "")
    count = counted(holders.count[at], "request")
    return Text(f"  {holders.words[at]}{whose}: {count}, {size(holders.bytes[at])}, {oldest}{since}")


def _since(own: HeldRequests) -> str:
    """What their thread did."""
    since = Counter(own.since.tolist()).most_common()
    return "; ".join(
        SINCE_WORDS[SINCE_CODES[what]] + (f" ({count:,})" if len(since) > 1 else "") for what, count in since
    )
