"""Stand-ins of names and addresses, and where texts hold what must not get out."""

from __future__ import annotations

import ipaddress
import uuid

import numpy as np
import pytest

from analyzers.pool_tables import Frame
from analyzers.selection.query import Query
from tracer.errors import UsageError
from tracer.symbols.symbol import Symbol
from tui.redaction.kernel_shift import KernelShift
from tui.redaction.redaction import Redaction
from tui.redaction.stand_ins import Kind, StandIns
from tui.redaction.windows_names import in_windows_folder, is_windows_own


@pytest.fixture
def redaction() -> Redaction:
    made = Redaction()
    made.know_images(
        [
            ("contoso.sys", r"\SystemRoot\System32\drivers\contoso.sys"),
            ("client.exe", r"\Device\HarddiskVolume3\Users\erika\my tools\client.exe"),
            ("agent.dll", r"\\files01\share\agent.dll"),
            ("afd.sys", r"\SystemRoot\System32\drivers\afd.sys"),
            ("mup.sys", r"C:\tools\mup.sys"),
        ]
    )
    return made


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CONTOSO.SYS keeps it", "driver-1.sys keeps it"),
        (r"read \x\contoso.sys", "read path-"),
        ("x_contoso.sys, contoso.sysx", "x_driver-1.sys, contoso.sysx"),
        ("contoso.sys!CtRead+0x12 of", "driver-1.sys!function-1+0x12 of"),
        ("afd.sys and ntdll.dll", "afd.sys and ntdll.dll"),
        ("mup.sys", "driver-2.sys"),
        (r"\Device\HarddiskVolume3\Users\erika\my tools\client.exe runs", "path-"),
        ("Erika's trace on FILES01", "user-1's trace on host-1"),
        (r"C:\Users\otto\a b.etl: error 5", "path-"),
        (r"\SystemRoot\System32\drivers\afd.sys", r"\SystemRoot\System32\drivers\afd.sys"),
        ("of S-1-5-21-3623811015-1013", "of user-2"),
        ("10.0.0.7:445 to 10.0.0.8:80 to 10.0.0.7:9", "192.0.2.1:445 to 192.0.2.2:80 to 192.0.2.1:9"),
        ("[fe80::7%4]:445, ::1", "[2001:db8::1]:445, ::1"),
        ("127.0.0.1:7000 at 12:30:45, 0.0.0.0", "127.0.0.1:7000 at 12:30:45, 0.0.0.0"),
        ("at 0xffff9a8000001010", "at 0xffff9a8000001010"),
    ],
)
def test_texts_lose_names_and_keep_the_rest(redaction: Redaction, text: str, left: str) -> None:
    made = redaction.text(text)
    assert made.startswith(left) if left.endswith("-") else made == left


def test_a_name_has_one_stand_in_whatever_its_case(redaction: Redaction) -> None:
    assert redaction.text("Client.EXE") == redaction.text("client.exe") == "process-1.exe"


@pytest.mark.parametrize("name", [" ", "x", "12", "::", ""])
def test_a_name_that_is_in_any_sentence_is_replaced_only_where_it_stands_alone(name: str) -> None:
    redaction = Redaction()
    redaction.know_image(name, Kind.PROCESS)
    assert redaction.text("12 of x :: y") == "12 of x :: y"
    assert redaction.text(name) == (name and "process-1")


def test_a_distance_is_of_one_kind_of_machine() -> None:
    redaction = Redaction(shifts=True)
    redaction.machine(4)
    redaction.machine(8)  # nothing was moved so far
    redaction.address(0xFFFF_9A80_0000_1010)
    redaction.machine(8)
    with pytest.raises(UsageError, match="32-bit"):
        redaction.machine(4)


def test_texts_of_a_machine_have_its_addresses_moved() -> None:
    redaction = Redaction(shifts=True)
    redaction.machine(8)
    moved = redaction.text("!irp 0xffff9a8000001010, status 0xc0000005")
    assert moved == f"!irp 0x{redaction.address(0xFFFF9A8000001010):x}, status 0xc0000005"
    assert "0xffff9a8000001010" not in moved


def test_keyed_stand_ins_are_the_same_in_another_run_and_others_with_another_key() -> None:
    one, same, other = StandIns(b"a"), StandIns(b"a"), StandIns(b"b")
    same.of(Kind.DRIVER, "first.sys")
    assert one.image("contoso.sys") == same.image("CONTOSO.sys") != other.image("contoso.sys")
    assert one.address("10.0.0.1") == same.address("10.0.0.1") != other.address("10.0.0.1")
    assert one.address("fe80::1") == same.address("fe80::1") != other.address("fe80::1")
    assert one.guid(uuid.UUID(int=5)) == same.guid(uuid.UUID(int=5)) != other.guid(uuid.UUID(int=5))
    assert one.of(Kind.USER, "x") != one.of(Kind.HOST, "x")


def test_addresses_of_the_network_stay_apart_and_become_nobodys() -> None:
    stand_ins = StandIns()
    given = [stand_ins.address(str(ipaddress.IPv4Address(0x0A000000 + number))) for number in range(1000)]
    assert len(set(given)) == 1000
    nobodys = [ipaddress.ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
    assert all(any(ipaddress.ip_address(each or "") in network for network in nobodys) for each in given[:762])
    assert all(ipaddress.ip_address(each or "").is_reserved for each in given[762:])


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_a_shift_keeps_differences_and_user_addresses(pointer_size: int) -> None:
    shift = KernelShift.of(StandIns(b"k"), pointer_size)
    assert shift == KernelShift.of(StandIns(b"k"), pointer_size) != KernelShift.of(StandIns(b"l"), pointer_size)
    first = {4: 0x8A00_1000, 8: 0xFFFF_9A80_0000_1010}[pointer_size]
    addresses = np.array([first, first + 0x70, 0x7FF0_1000, 0], np.uint64)
    moved = shift(addresses)
    assert int(moved[1] - moved[0]) == 0x70
    assert moved[2:].tolist() == addresses[2:].tolist()
    assert moved[0] != first
    assert int(moved[0]) % 0x1000 == first % 0x1000
    assert int(moved[0]) >> {4: 31, 8: 47}[pointer_size] == {4: 1, 8: 0x1FFFF}[pointer_size]


def test_a_place_keeps_the_mark_of_its_image() -> None:
    shift = KernelShift.of(StandIns(b"k"), 8)
    mark = np.uint64(5 << 52)
    place = np.array([0xFFFF_F801_0000_1010], np.uint64)
    assert (shift(place ^ mark) ^ mark).tolist() == shift(place).tolist()


def test_functions_of_windows_keep_their_names(redaction: Redaction) -> None:
    own, other = Frame(1, "afd.sys", 2, Symbol("AfdSend", 0)), Frame(1, "contoso.sys", 2, Symbol("CtSend", 0))
    assert redaction.frame(own) == own
    assert (redaction.frame(other).module, redaction.frame(other).function) == ("driver-1.sys", "function-1")
    assert redaction.text("CtSend") == "function-1"


def test_filters_ask_for_the_stand_ins_of_what_was_typed(redaction: Redaction) -> None:
    for name, kind in (("contoso.sys", Kind.DRIVER), ("afd.sys", Kind.DRIVER), ("client.exe", Kind.PROCESS)):
        redaction.know_image(name, kind)
    made = redaction.query(Query(("Ctx",), ("CLIENT", "1332"), ("contoso*", "afd", "secret")))
    assert made == Query(("Ctx",), ("=process-1.exe", "1332"), ("=driver-1.sys", "=afd.sys", "=name-1"))


@pytest.mark.parametrize("name", ["nt", "ntoskrnl.exe", "HAL.dll", "afd", "afd.sys", "nt!mm", "System", "lsass.exe"])
def test_windows_own_names_are_known(name: str) -> None:
    assert is_windows_own(name)


@pytest.mark.parametrize("name", ["contoso.sys", "lsass.sys", "client", "ntdll.exe", "evil!nt", "svchost"])
def test_others_are_not(name: str) -> None:
    assert not is_windows_own(name)


@pytest.mark.parametrize(
    ("path", "is_inside"),
    [
        (r"\SystemRoot\System32\ntoskrnl.exe", True),
        (r"\Device\HarddiskVolume3\Windows\System32\ntdll.dll", True),
        (r"\??\C:\WINDOWS\explorer.exe", True),
        ("ntoskrnl.exe", True),
        (r"C:\Users\erika\Windows\afd.sys", False),
        (r"\Device\HarddiskVolume3\Program Files\svchost.exe", False),
    ],
)
def test_windows_folders_are_told_from_others(path: str, *, is_inside: bool) -> None:
    assert in_windows_folder(path) is is_inside
