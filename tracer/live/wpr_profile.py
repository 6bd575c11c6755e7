"""The profile for WPR, Microsoft's Windows Performance Recorder, as XML.

Names of keywords, stacks and elements, and the order that elements must have: Microsoft's reference of recording
profiles (pages "Keyword (in SystemProvider)", "Stack", "PoolTags", "EventProvider"). ``NetworkTrace`` is not on the
page but in the profiles that come with the Windows SDK. That a profile says what merging adds, and behind its
collectors, is as in WPR's own profiles when they are exported; the page "TraceMergeProperty" has the words.
No stack of I/O completion is among WPR's names.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree

from tracer.live.profile import NAME, Manifest, Recording, manifests, wpr_lines, xperf_lines

_WPR_KEYWORDS: Final = (
    *("ProcessThread", "Loader", "CSwitch", "ReadyThread", "KernelQueue", "Drivers", "NetworkTrace", "Pool"),
)
_WPR_STACKS: Final = ("PoolAllocation", "PoolFree", "PoolAllocationSession", "PoolFreeSession", "ReadyThread")
_MERGED: Final = (
    *("ImageId", "BuildInfo", "VolumeMapping", "EventMetadata", "PerfTrackMetadata", "WinSAT", "NetworkInterface"),
)
"""What merging adds to the trace: above all what symbols need to know of images, and the manifests' events."""


def wpr_profile(recording: Recording) -> str:
    """The profile as XML, in ASCII and without a word on encoding: Windows PowerShell redirects it as UTF-16."""
    root = ElementTree.Element("WindowsPerformanceRecorder", Version="1.0", Author=NAME, Comments=_comment(recording))
    root.append(ElementTree.Comment(_usage(recording)))
    profiles = ElementTree.SubElement(root, "Profiles")
    _collector(profiles, "SystemCollector", "NT Kernel Logger", recording.buffer_kb, recording.buffers)
    _collector(profiles, "EventCollector", f"{NAME} Sockets", recording.buffer_kb, max(recording.buffers // 4, 1))
    _system_provider(profiles, recording.tags)
    for manifest in manifests():
        _event_provider(profiles, manifest)
    _profile(profiles)
    ElementTree.indent(root)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _comment(recording: Recording) -> str:
    only = f"; only {', '.join(recording.tags)}" if recording.tags else ""
    return f"Pool allocations and frees with stacks, threads, I/O requests and sockets{only}"


def _usage(recording: Recording) -> str:
    lines = ("As administrator:", *wpr_lines(), "The same with xperf:", *xperf_lines(recording))
    return "".join(f"\n    {line}" for line in lines) + "\n  "


def _collector(parent: ElementTree.Element, kind: str, name: str, buffer_kb: int, buffers: int) -> None:
    collector = ElementTree.SubElement(parent, kind, Id=f"{NAME}.{kind}", Name=name)
    ElementTree.SubElement(collector, "BufferSize", Value=str(buffer_kb))
    ElementTree.SubElement(collector, "Buffers", Value=str(buffers))


def _system_provider(parent: ElementTree.Element, tags: tuple[str, ...]) -> None:
    provider = ElementTree.SubElement(parent, "SystemProvider", Id=f"{NAME}.Kernel")
    _values(ElementTree.SubElement(provider, "Keywords"), "Keyword", _WPR_KEYWORDS)
    _values(ElementTree.SubElement(provider, "Stacks"), "Stack", _WPR_STACKS)
    if tags:
        _values(ElementTree.SubElement(provider, "PoolTags", Operation="Set"), "PoolTag", tags)


def _event_provider(parent: ElementTree.Element, manifest: Manifest) -> None:
    provider = ElementTree.SubElement(
        parent, "EventProvider", Id=manifest.id, Name=manifest.name, Level=str(manifest.level)
    )
    _values(ElementTree.SubElement(provider, "Keywords"), "Keyword", (f"0x{manifest.keywords:x}",))


def _profile(parent: ElementTree.Element) -> None:
    profile = ElementTree.SubElement(
        parent,
        "Profile",
        Id=f"{NAME}.Verbose.File",  # the reference asks for Name.DetailLevel.LoggingMode
        Name=NAME,
        Description="What poolscope reads",
        LoggingMode="File",
        DetailLevel="Verbose",
    )
    collectors = ElementTree.SubElement(profile, "Collectors")
    system = ElementTree.SubElement(collectors, "SystemCollectorId", Value=f"{NAME}.SystemCollector")
    ElementTree.SubElement(system, "SystemProviderId", Value=f"{NAME}.Kernel")
    events = ElementTree.SubElement(collectors, "EventCollectorId", Value=f"{NAME}.EventCollector")
    providers = ElementTree.SubElement(events, "EventProviders")
    _values(providers, "EventProviderId", tuple(manifest.id for manifest in manifests()))
    _merge(ElementTree.SubElement(profile, "TraceMergeProperties"))


def _merge(parent: ElementTree.Element) -> None:
    merge = ElementTree.SubElement(parent, "TraceMergeProperty", Id=f"{NAME}.Merge", Name=f"{NAME}.Merge")
    _values(merge, "DeletePreMergedTraceFiles", ("true",))
    _values(merge, "FileCompression", ("false",))
    _values(ElementTree.SubElement(merge, "CustomEvents"), "CustomEvent", _MERGED)


def _values(parent: ElementTree.Element, kind: str, values: tuple[str, ...]) -> None:
    for value in values:
        ElementTree.SubElement(parent, kind, Value=value)
