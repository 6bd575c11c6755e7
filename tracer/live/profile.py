"""What to record with Microsoft's own tools: a profile for WPR and the same for xperf.

Names of WPR's keywords, stacks and elements, and the order that elements must have: Microsoft's reference of recording
profiles (pages "Keyword (in SystemProvider)", "Stack", "PoolTags", "EventProvider"). ``NetworkTrace`` is not on the
page but in the profiles that come with the Windows SDK. That a profile says what merging adds, and behind its
collectors, is as in WPR's own profiles when they are exported; the page "TraceMergeProperty" has the words.
xperf's names: Microsoft's pages "Start" and "Kernel flags".
No stack of I/O completion is among WPR's names.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from tracer.data_classes import dataclass
from tracer.errors import UsageError
from tracer.events.providers import provider_name
from tracer.live.enabling import socket_providers
from tracer.live.plan import MOST_TAGS, CapturePlan

NAME: Final = "Poolscope"

_WPR_KEYWORDS: Final = (
    *("ProcessThread", "Loader", "CSwitch", "ReadyThread", "KernelQueue", "Drivers", "NetworkTrace", "Pool"),
)
_WPR_STACKS: Final = ("PoolAllocation", "PoolFree", "PoolAllocationSession", "PoolFreeSession", "ReadyThread")
_XPERF_FLAGS: Final = (
    *("PROC_THREAD", "LOADER", "CSWITCH", "DISPATCHER", "KQUEUE", "DRIVERS", "NETWORKTRACE", "POOL"),
)
_XPERF_STACKS: Final = ("PoolAlloc", "PoolFree", "PoolAllocSession", "PoolFreeSession", "ReadyThread")
_MERGED: Final = (
    *("ImageId", "BuildInfo", "VolumeMapping", "EventMetadata", "PerfTrackMetadata", "WinSAT", "NetworkInterface"),
)
"""What merging adds to the trace: above all what symbols need to know of images, and the manifests' events."""
_TAG: Final = re.compile(r"[ -~]{1,4}")
_UNFIT: Final = ('"', "+", "--")
"""What has a meaning of its own on xperf's command line, or must not stand in a comment of XML."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A provider of manifest events; ``keywords`` is a mask, ``level`` the most verbose level wanted."""

    name: str
    keywords: int
    level: int

    @property
    def id(self) -> str:
        """What the profile calls it."""
        return f"{NAME}.{self.name.rpartition('-')[2]}"


def manifests() -> tuple[Manifest, ...]:
    """The same providers, keywords and levels as a live capture turns on."""
    wanted = socket_providers(CapturePlan())
    return tuple(Manifest(provider_name(each.guid) or str(each.guid), each.keywords, each.level) for each in wanted)


@dataclass(frozen=True, slots=True)
class Recording:
    """What to record: only these tags where any are given; buffers of so many kB, and how many."""

    tags: tuple[str, ...] = ()
    buffer_kb: int = 1024
    buffers: int = 256

    def __post_init__(self) -> None:
        """Raise UsageError for tags that neither tool takes."""
        if len(self.tags) > MOST_TAGS:
            raise UsageError(
                "too-many-tags",
                f"{len(self.tags)} tags were given, at most {MOST_TAGS} can be recorded alone",
                why="the kernel's filter of pool tags has no more places",
                next=f"give --tag at most {MOST_TAGS} times, or leave it out to record every tag",
            )
        for tag in self.tags:
            if not _TAG.fullmatch(tag) or any(unfit in tag for unfit in _UNFIT):
                raise UsageError(
                    "not-a-tag",
                    f"{tag!r} is no tag that can be recorded alone",
                    why="a tag is one to four printable ASCII characters, without '+', '--' and quotes here",
                    next="give the tag as poolmon shows it, or leave --tag out to record every tag",
                )


def xperf_lines(recording: Recording) -> tuple[str, str, str]:
    """How to record with xperf: start the kernel's events, start those of sockets, stop both into one file."""
    alone = f' -PoolTag "{"+".join(recording.tags)}"' if recording.tags else ""
    providers = "+".join(f"{one.name}:0x{one.keywords:x}:{one.level}" for one in manifests())
    return (
        f"xperf -on {'+'.join(_XPERF_FLAGS)} -stackwalk {'+'.join(_XPERF_STACKS)}{alone}"
        f" -buffersize {recording.buffer_kb} -minbuffers {recording.buffers}",
        f"xperf -start sockets -on {providers} -f sockets.etl",
        "xperf -stop -stop sockets -d pool.etl",
    )


def xperf_command(recording: Recording | None = None) -> str:
    """The same as one command that starts both: the recipe that a report, a view and ``--json`` show."""
    kernel, sockets, _ = xperf_lines(recording or Recording())
    return f"{kernel} {sockets.removeprefix('xperf ')}"


def wpr_lines(profile: str = "pool.wprp") -> tuple[str, str]:
    """How to record with WPR and the profile in a file."""
    return f"wpr -start {profile} -filemode", "wpr -stop pool.etl"


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
