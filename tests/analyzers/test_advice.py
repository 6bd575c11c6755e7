"""What a person is told to do next."""

from __future__ import annotations

import pytest

from analyzers import advice
from analyzers.tags.callers import ENDPOINT, FILE, IRP, PORT_PACKET, tag_number


def test_each_holder_has_words_of_its_own() -> None:
    assert "alertable wait" in advice.user_apc("app.exe", 8, 0x10)
    assert "!thread" in advice.user_apc("app.exe", None, 0)
    assert "guarded region" in advice.special_apc("app.exe", 8, 0x10)
    assert "guarded region" not in advice.special_apc("app.exe", 8, 0x10, starved=True)
    assert "!ready" in advice.special_apc("app.exe", 8, 0x10, starved=True)
    assert "!icpleak" in advice.undrained_port("app.exe")
    assert "thread 8" in advice.undrained_port("app.exe", (8,))
    assert "2 threads" in advice.undrained_port("app.exe", (8, 12))
    assert "never complete" in advice.driver_kept("flt.sys", 0x10, completed=False)
    assert "STATUS_MORE_PROCESSING_REQUIRED" in advice.driver_kept("flt.sys", 0x10, completed=True)


def test_of_one_part_of_a_rolled_recording_the_other_parts_are_asked_for() -> None:
    assert advice.growth("disk.sys", IRP, "").startswith("Record for longer")
    whole = advice.growth("disk.sys", IRP, "", part=True)
    assert whole.startswith("Give the other parts of this recording")
    assert "ecord" not in whole.replace("this recording", "")
    assert "call stacks" in advice.growth("", IRP, "stacks", part=True)


@pytest.mark.parametrize(
    ("tag", "word"),
    [
        (IRP, "alertably"),
        (PORT_PACKET, "!icpleak"),
        (FILE, "!handle"),
        (ENDPOINT, "sockets"),
        (tag_number("IoSB"), "IRP"),
    ],
)
def test_who_asked_is_told_where_to_look_in_its_own_code(tag: int, word: str) -> None:
    says = advice.caller("app.exe", 8, tag, ("mswsock.dll", "app.exe"))
    assert says.startswith("In app.exe, look")
    assert word in says
    assert advice.caller("", None, tag).startswith("In the program, look")
