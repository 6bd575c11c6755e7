"""The profile for WPR is what WPR's reference asks for, and says the same as the line for xperf."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tracer.errors import UsageError
from tracer.live.profile import Recording, manifests, xperf_lines
from tracer.live.wpr_profile import wpr_profile

ORDER = ["SystemCollector", "EventCollector", "SystemProvider", "EventProvider", "EventProvider", "Profile"]
DOCUMENTED_KEYWORDS = {"CSwitch", "Drivers", "KernelQueue", "Loader", "Pool", "ProcessThread", "ReadyThread"}
DOCUMENTED_STACKS = {"PoolAllocation", "PoolAllocationSession", "PoolFree", "PoolFreeSession", "ReadyThread"}


def parsed(recording: Recording | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(wpr_profile(recording or Recording()))


def values(root: ElementTree.Element, path: str) -> list[str | None]:
    return [found.get("Value") for found in root.iterfind(path)]


def test_definitions_come_in_the_order_that_the_reference_demands() -> None:
    root = parsed()
    assert root.tag == "WindowsPerformanceRecorder"
    assert root.get("Version") == "1.0"
    assert [child.tag for child in root.iterfind("Profiles/*")] == ORDER
    assert [child.tag for child in root.iterfind("Profiles/SystemProvider/*")] == ["Keywords", "Stacks"]
    assert [child.tag for child in root.iterfind("Profiles/SystemCollector/*")] == ["BufferSize", "Buffers"]


def test_the_kernel_is_asked_for_pool_events_their_stacks_and_what_explains_them() -> None:
    root = parsed()
    keywords = values(root, ".//SystemProvider/Keywords/Keyword")
    assert set(keywords) == DOCUMENTED_KEYWORDS | {"NetworkTrace"}
    assert "DPC" not in keywords
    assert set(values(root, ".//SystemProvider/Stacks/Stack")) == DOCUMENTED_STACKS


def test_what_the_profile_refers_to_is_defined_in_it() -> None:
    root = parsed()
    defined = {found.get("Id") for found in root.iterfind("Profiles/*")}
    profile = root.find("Profiles/Profile")
    assert profile is not None
    used = {found.get("Value") for found in profile.iterfind("Collectors//*")} - {None}
    assert used == defined - {"Poolscope.Verbose.File"}
    name, level, mode = (profile.get(key) for key in ("Name", "DetailLevel", "LoggingMode"))
    assert profile.get("Id") == f"{name}.{level}.{mode}"


def test_merging_adds_what_symbols_and_manifests_need_behind_the_collectors() -> None:
    profile = parsed().find("Profiles/Profile")
    assert profile is not None
    assert [child.tag for child in profile] == ["Collectors", "TraceMergeProperties"]
    merge = profile.find("TraceMergeProperties/TraceMergeProperty")
    assert merge is not None
    assert merge.get("Id")
    assert merge.get("Name")
    assert [child.tag for child in merge] == ["DeletePreMergedTraceFiles", "FileCompression", "CustomEvents"]
    assert {"ImageId", "BuildInfo", "VolumeMapping", "EventMetadata", "WinSAT"} <= set(
        values(merge, "CustomEvents/CustomEvent")
    )


def test_sockets_are_recorded_from_providers_that_the_reader_knows() -> None:
    root = parsed()
    named = {found.get("Name"): found.get("Level") for found in root.iterfind("Profiles/EventProvider")}
    assert named == {"Microsoft-Windows-Winsock-AFD": "5", "Microsoft-Windows-TCPIP": "4"}
    assert values(root, ".//EventProvider/Keywords/Keyword") == ["0xffffffffffffffff", "0x940000040f"]
    assert [manifest.name for manifest in manifests()] == list(named)


def test_tags_are_a_filter_in_both() -> None:
    recording = Recording(("AfdE", "Irp ", "a<&'"), buffer_kb=512, buffers=64)
    root = parsed(recording)
    pool = root.find(".//SystemProvider/PoolTags")
    assert pool is not None
    assert pool.get("Operation") == "Set"
    assert values(root, ".//PoolTags/PoolTag") == ["AfdE", "Irp ", "a<&'"]
    assert values(root, ".//SystemCollector/BufferSize") == ["512"]
    assert values(root, ".//SystemCollector/Buffers") == ["64"]
    assert '-PoolTag "AfdE+Irp +a<&\'" -buffersize 512 -minbuffers 64' in xperf_lines(recording)[0]


def test_without_tags_there_is_no_filter() -> None:
    assert parsed().find(".//PoolTags") is None
    assert "-PoolTag" not in xperf_lines(Recording())[0]


def test_the_profile_is_the_same_in_any_encoding_that_a_shell_redirects_it_in() -> None:
    text = wpr_profile(Recording(("AfdE",)))
    assert text.isascii()
    assert ElementTree.fromstring(text.encode("utf-16")).tag == ElementTree.fromstring(text.encode("utf-8")).tag


@pytest.mark.parametrize("tag", ["", "AfdEE", "Af\x1bd", "äöü", 'A"B', "A+B", "a--b"])
def test_what_neither_tool_takes_is_refused(tag: str) -> None:
    with pytest.raises(UsageError) as refused:
        Recording((tag,))
    assert refused.value.code == "not-a-tag"


def test_a_fifth_tag_is_refused() -> None:
    assert Recording(("a", "b", "c", "d")).tags
    with pytest.raises(UsageError) as refused:
        Recording(("a", "b", "c", "d", "e"))
    assert refused.value.code == "too-many-tags"
