"""What ``--alert`` takes: an alert, or a complaint."""

from __future__ import annotations

from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import complaint, typed
from tracer.errors import UsageError
from tui.alerts.grammar import alert_of

_SEEDS = (
    b"nonpaged > 10MB/min", b"paged >= 2G", b"tag AfdE > 5000", b"driver contoso.sys > 1MB/h", b'tag "a b" > 1 allocs',
    b"tag =Irp? >= 0/s", b"paged > 0.5 kib / h", b"nonpaged>1", b"tag > 5", b"", b"paged = 3",
)  # fmt: skip


def check(data: bytes) -> None:
    try:
        alert = alert_of(typed(data))
    except UsageError as error:
        complaint(error)
        return
    insist(alert.amount >= 0 and (alert.amount > 0 or alert.per is not None or not alert.with_equal), "no limit")
    insist(bool(alert.name) == alert.subject.is_named, f"{alert.subject} of {alert.name!r}")
    again = alert_of(alert.text)  # blanks in a name become one each
    insist(
        (again.subject, again.amount, again.per) == (alert.subject, alert.amount, alert.per),
        f"{alert.text!r} is another alert",
    )


TARGET = Target(
    check, lambda: _SEEDS, text("paged", "tag ", "driver ", ">=", "> ", "/min", "MB", "kiB", "allocations", "."), 12_000
)
