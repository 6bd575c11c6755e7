"""The text report of ``poolscope info``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from rich.text import Text

from analyzers.formatting import counted, number
from tracer.events.layout import KernelId, ProviderId
from tracer.events.registry import LAYOUTS, layouts_for
from tracer.images.carried import ImageFile
from tracer.trace import ByteCount, Census
from tui.contents import Contents
from tui.report.styles import QUIET, heading, labelled
from tui.report.trace import file_lines, missing_lines, origin_lines, simulated_lines
from tui.report.wrapping import wrapped
from tui.safe_text import safe


def info_report(contents: Contents, *, width: int, images: bool = False) -> list[Text]:
    """The whole report; ``images``: with a list of those whose identity the trace carries."""
    info = contents.info
    head = simulated_lines(info) + origin_lines(info) + file_lines(info)
    head += missing_lines(info, contents.loss, contents.damage, interrupted=_interrupted(contents))
    lines = [*wrapped(head, width), Text(), *record_lines(contents.census, contents.provider_names)]
    if contents.images:
        lines += [Text(), *image_lines(contents.images, listed=images)]
    return [*lines, Text(), *byte_lines(contents.bytes)]


def _interrupted(contents: Contents) -> str:
    """How much of the file had been read."""
    if not contents.partial:
        return ""
    read = contents.bytes
    share = (read.headers + read.records + read.padding + read.skipped) / max(contents.info.bytes, 1)
    return f"reading was interrupted after {100 * share:.0f} % of the file"


def record_lines(census: Census, names: Mapping[uuid.UUID, str]) -> list[Text]:
    """How many records of which kind there are; ``names`` are those of providers."""
    lines = [heading(f"Records: {census.total:,}"), *_counts(dict(census.by_header))]
    if census.kernel_events:
        lines += [Text(), heading("Kernel events, by hook id")]
        lines += _counts({f"{hook:04X}": n for hook, n in census.kernel_events.items()}, _hook_names(census))
    if census.providers:
        lines += [Text(), heading("Providers")]
        lines += _counts({str(guid): n for guid, n in census.providers.items()}, _provider_words(census, names))
    return lines


def _counts(counts: Mapping[str, int], names: Mapping[str, str] | None = None) -> list[Text]:
    """Most frequent first."""
    label = max((len(key) for key in counts), default=0)
    digits = max((len(number(n)) for n in counts.values()), default=0)
    return [
        Text.assemble(
            f"  {safe(key):<{label}}  {number(n):>{digits}}", (f"  {(names or {}).get(key, '')}".rstrip(), QUIET)
        )
        for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _hook_names(census: Census) -> dict[str, str]:
    found = {f"{hook:04X}": layouts_for(KernelId(hook)) for hook in census.kernel_events}
    return {key: layouts[-1].name for key, layouts in found.items() if layouts}


def _provider_words(census: Census, names: Mapping[uuid.UUID, str]) -> dict[str, str]:
    """A provider's name, and what is read of its events: the kinds of event table that they end up in."""
    kinds: dict[uuid.UUID, set[str]] = {}
    for layout in LAYOUTS:
        for event in layout.ids:
            if isinstance(event, ProviderId):
                kinds.setdefault(event.provider, set()).add(layout.kind)
    words = {}
    for guid in census.providers:
        read = f"(read: {', '.join(sorted(kinds[guid]))})" if guid in kinds else ""
        words[str(guid)] = " ".join(filter(None, (safe(names.get(guid, "")), read)))
    return words


def image_lines(images: Mapping[ImageFile, int], *, listed: bool) -> list[Text]:
    """How many images there are whose identity the trace carries; ``listed``: GUID, age and PDB of each file."""
    files = [file for file in images if file.debug is not None]
    loaded = sum(images[file] for file in files)
    says = f"{counted(loaded, 'image')} of {counted(len(files), 'file')} with the GUID and age of their PDB"
    lines = [heading(f"Images that carry their identity: {sum(images.values()):,}")]
    lines.append(Text(f"  {says}" + ("" if listed else " (--images lists them)")))
    name = max((len(safe(file.name)) for file in images), default=0)
    for file in images if listed else ():
        pdb = "no PDB" if file.debug is None else f"{file.debug.guid}  {file.debug.age:>3}  {safe(file.debug.name)}"
        lines.append(Text(f"  {safe(file.name):<{name}}  {pdb}"))
    return lines


def byte_lines(count: ByteCount) -> list[Text]:
    """Where the file's bytes went."""
    parts = (
        ("headers", count.headers),
        ("records", count.records),
        ("padding", count.padding),
        ("skipped", count.skipped),
    )
    digits = max(len(number(value)) for _, value in parts)
    return [heading("Bytes"), *(labelled(name, f"{value:>{digits},}", 8) for name, value in parts)]
