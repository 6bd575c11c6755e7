"""Names of providers, and the two ways in which a kernel event is named.

A kernel event is a hook id (group << 8 | type) in a file and a classic provider's GUID and opcode in a live session
and in records with a full header. Sources of the GUIDs: Microsoft's page on the NT Kernel Logger's classes and
geoffchappell.com's page on hook ids; those of the records that merging adds: PerfView's parsers; the others: the
schemas in real traces and public dumps of manifests.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from tracer.events.layout import EventId, KernelId, ProviderId

_GROUPS: Final = """
00 68fdd900-4a3e-11d1-84f4-0000f80464e3 EventTrace
01 3d6fa8d4-fe05-11d0-9dda-00c04fd7ba7c DiskIo
02 3d6fa8d3-fe05-11d0-9dda-00c04fd7ba7c PageFault
03 3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c Process
04 90cbdc39-4a3e-11d1-84f4-0000f80464e3 FileIo
05 3d6fa8d1-fe05-11d0-9dda-00c04fd7ba7c Thread
06 9a280ac0-c8e0-11d1-84e2-00c04fb998a2 TcpIp
07 3282fc76-feed-498e-8aa7-e70f459d430e Job
08 bf3a50c5-a9c9-4988-a005-2df0b7c80f80 UdpIp
09 ae53722e-c863-11d2-8659-00c04fa321a1 Registry
0A 13976d09-a327-438c-950b-7f03192815c7 DbgPrint
0B 01853a65-418f-4f36-aefc-dc0f1d2fd235 SystemConfig
0D 42695762-ea50-497a-9068-5cbbb35e0b95 Wnf
0E 0268a8b6-74fd-4302-9dd0-6e8f1795c0cf Pool
0F ce1dbfb4-137e-4da6-87b0-3f59aa102cbc PerfInfo
10 222962ab-6180-4b88-a825-346b75f2a24a Heap
11 89497f50-effe-4440-8cf2-ce6b1cdcaca7 Object
12 e43445e0-0903-48c3-b878-ff0fccebdd04 Power
13 a9152f00-3f58-4bee-92a1-70c7d079d5dd ModBound
14 2cb15d1d-5fc1-11d2-abe1-00a0c911f518 Image
15 b2d14872-7c5b-463d-8419-ee9bf7d23e04 Dpc
16 7687a439-f752-45b8-b741-321aec0f8df9 CacheManager
17 3ac66736-cc59-4cff-8115-8df50e39816b CriticalSection
18 def2fe46-7bd6-4b80-bd94-f57fe20d0ce3 StackWalk
19 9aec974b-5b8e-4118-9b92-3186d8002ce5 Ums
1A 45d8cccd-539f-4b72-a8b7-5c683142609a Alpc
1B d837ca92-12b9-44a5-ad6a-3a65b3578aa8 SplitIo
1C c861d0e2-a2c1-4d36-9f9c-970bab943a12 ThreadPool
"""
_NAMES: Final = """
b3e675d7-2554-4f18-830b-2762732560de ImageId
bbccf6c1-6cd1-48c4-80ff-839482e37671 EventMetadata
9b79ee91-b5fd-41c0-a243-4248e266e9d0 SystemConfigEx
ed54dff8-c409-4cf6-bf83-05e1e61a09c4 WinSat
e53c6823-7bb8-44bb-90dc-3f86090d48a6 Microsoft-Windows-Winsock-AFD
2f07e2ee-15db-40f1-90ef-9d7ba282188a Microsoft-Windows-TCPIP
7dd42a49-5329-4832-8dfd-43d979153a88 Microsoft-Windows-Kernel-Network
22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716 Microsoft-Windows-Kernel-Process
edd08927-9cc4-4e65-b970-c2560fb5c289 Microsoft-Windows-Kernel-File
b675ec37-bdb6-4648-bc92-f3fdc74d3ca2 Microsoft-Windows-Kernel-EventTracing
1c95126e-7eea-49a9-a3fe-a378b03ddb4d Microsoft-Windows-DNS-Client
315a8872-923e-4ea2-9889-33cd4754bf64 Microsoft-Windows-Immersive-Shell
a0c1853b-5c40-4b15-8766-3cf1c58f985a Microsoft-Windows-PowerShell
e13c0d23-ccbc-4e12-931b-d9cc2eee27e4 Microsoft-Windows-DotNETRuntime
a669021c-c450-4609-a035-5af59af4df18 Microsoft-Windows-DotNETRuntimeRundown
a8a71ac1-040f-54a2-07ca-00a89b5ab761 PerfView
0db4f6fb-6a40-41a2-a685-e1ca2862783b Poolscope
"""

_LOAD_GUID: Final = uuid.UUID("2cb15d1d-5fc1-11d2-abe1-00a0c911f518")
_LOAD_OPCODE: Final = 0x0A
_LOAD: Final = KernelId(0x030A)
"""The one event whose group is not its class's: an image load is of group Process."""


def _groups() -> tuple[dict[uuid.UUID, int], dict[uuid.UUID, str]]:
    rows = [line.split() for line in _GROUPS.split("\n") if line]
    return (
        {uuid.UUID(guid): int(group, 16) for group, guid, _ in rows},
        {uuid.UUID(guid): f"Windows Kernel {name}" for _, guid, name in rows},
    )


_KERNEL_GROUPS, _KERNEL_NAMES = _groups()
KERNEL_GROUPS: Final[Mapping[uuid.UUID, int]] = _KERNEL_GROUPS
"""Event group of each kernel class."""
_KERNEL_GUIDS: Final[Mapping[int, uuid.UUID]] = {group: guid for guid, group in KERNEL_GROUPS.items()}
PROVIDER_NAMES: Final[Mapping[uuid.UUID, str]] = _KERNEL_NAMES | {
    uuid.UUID(guid): name for guid, name in (line.split() for line in _NAMES.split("\n") if line)
}


def provider_name(provider: uuid.UUID) -> str | None:
    """The provider's name; ``None`` for one not known here (a merged trace's own schemas may know it)."""
    return PROVIDER_NAMES.get(provider)


def canonical(event_id: EventId) -> EventId:
    """The hook id of a kernel event given by its class and opcode; any other id as it is."""
    if not isinstance(event_id, ProviderId) or event_id.provider not in KERNEL_GROUPS or event_id.event > 0xFF:
        return event_id
    if (event_id.provider, event_id.event) == (_LOAD_GUID, _LOAD_OPCODE):
        return _LOAD
    return KernelId(KERNEL_GROUPS[event_id.provider] << 8 | event_id.event)


def classic(event_id: KernelId) -> ProviderId | None:
    """The class and opcode of a hook id, as sessions want them; ``None`` for a group without a known class."""
    if event_id == _LOAD:
        return ProviderId(_LOAD_GUID, _LOAD_OPCODE)
    guid = _KERNEL_GUIDS.get(event_id.hook >> 8)
    return None if guid is None else ProviderId(guid, event_id.hook & 0xFF)
