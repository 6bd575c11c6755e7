"""The rows of a fleet with stand-ins for names: the same numbers, about nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzers.fleet.rows import FROM_FOLDER, DriverVersion, FindingRow, TraceRow
from tui.redaction.redaction import Redaction
from tui.redaction.stand_ins import Kind


def redacted_rows(
    traces: Sequence[TraceRow], findings: Sequence[FindingRow], redaction: Redaction
) -> tuple[list[TraceRow], list[FindingRow]]:
    """The rows as they may be passed on."""
    redaction.know_images({(each.driver, each.driver_path) for each in findings if each.driver and each.driver_path})
    for each in findings:
        redaction.know_image(each.driver, Kind.DRIVER)
        redaction.know_image(each.process, Kind.PROCESS)
    return (
        [_trace(each, redaction) for each in sorted(traces, key=lambda each: (each.path, each.hash))],
        [_finding(each, redaction) for each in findings],
    )


def _trace(row: TraceRow, redaction: Redaction) -> TraceRow:
    path = redaction.know_path(row.path)
    kind = Kind.PATH if row.machine_from == FROM_FOLDER else Kind.HOST
    drivers = {
        DriverVersion(_driver(each.name, redaction), _version(each.name, each.version, redaction))
        for each in row.drivers
    }
    return replace(
        row,
        path=path,
        machine=redaction.stand_ins.of(kind, row.machine) if row.machine else "",
        session=redaction.session(row.session),
        error_what=redaction.text(row.error_what),
        error_where=redaction.text(row.error_where),
        error_why=redaction.text(row.error_why),
        error_next=redaction.text(row.error_next),
        drivers=tuple(sorted(drivers)),
    )


def _driver(name: str, redaction: Redaction) -> str:
    if not redaction.is_own(name):
        redaction.know_image(name, Kind.DRIVER)
    return redaction.text(name)


def _version(driver: str, version: str, redaction: Redaction) -> str:
    """Windows' own stay; those of others tell whose they are."""
    return version if not version or redaction.is_own(driver) else redaction.stand_ins.of(Kind.NAME, version)


def _finding(row: FindingRow, redaction: Redaction) -> FindingRow:
    module, mark, function = row.site.partition("!")
    site = redaction.text(row.site)
    if mark and not redaction.is_own(module):
        site = f"{redaction.text(module)}!{redaction.function(module, function)}"
    return replace(
        row,
        driver=redaction.text(row.driver),
        driver_version=_version(row.driver, row.driver_version, redaction),
        driver_path=redaction.text(row.driver_path),
        process=redaction.text(row.process),
        site=site,
    )
