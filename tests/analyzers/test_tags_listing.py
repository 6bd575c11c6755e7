"""Reading lists in the form of pooltag.txt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.tags.listing import TagLine, read_listing
from analyzers.tags.pattern import tag_pattern


def only(text: str) -> TagLine:
    listing = read_listing(text.encode())
    assert listing.junk_lines == 0
    (line,) = listing.lines
    return line


def test_a_line_gives_tag_module_and_description() -> None:
    assert only("Widg - widget.sys - widgets - and parts\r\n") == TagLine(
        tag_pattern("Widg"), "widget.sys", "widgets - and parts"
    )


def test_the_first_four_characters_are_the_tag_with_its_spaces_and_wildcards() -> None:
    assert only("Wi   - widget.sys - x").pattern == tag_pattern("Wi  ")
    assert only("W i? - widget.sys - x").pattern == tag_pattern("W i?")
    assert only("Wid-- widget.sys - x").pattern == tag_pattern("Wid-")


def test_a_short_tag_need_not_be_filled_up() -> None:
    assert only("Wid - widget.sys - x").pattern == tag_pattern("Wid ")
    assert only("Wi - widget.sys - x").pattern == tag_pattern("Wi  ")


def test_the_kernels_parts_and_an_unknown_module_are_plain_names() -> None:
    assert only("Widg - nt!wi - x").driver == "nt"
    assert only("Widg - <unknown> - x").driver == ""


def test_a_line_with_one_part_names_a_module_or_describes() -> None:
    assert only("Widg - widget.sys") == TagLine(tag_pattern("Widg"), "widget.sys", "")
    assert only("Widg - widgets and parts") == TagLine(tag_pattern("Widg"), "", "widgets and parts")


@pytest.mark.parametrize("end", ["-", "- ", "-\r", " -\t"])
def test_a_line_without_a_description_keeps_its_driver(end: str) -> None:
    assert only(f"Wi?? - widget.sys     {end}") == TagLine(tag_pattern("Wi??"), "widget.sys", "")


def test_asterisks_stand_for_a_character_each_and_at_the_end_for_the_rest() -> None:
    assert only("Wi** - widget.sys - x").pattern == tag_pattern("Wi??")
    assert only("Wid* - widget.sys - x").pattern == tag_pattern("Wid?")
    assert only("*DDK - <unknown> - x").pattern == tag_pattern("?DDK")
    assert only(" spc - lead.sys - x").pattern == tag_pattern(" spc")
    assert only("Q-x- - dash-er.sys - with - dashes") == TagLine(tag_pattern("Q-x-"), "dash-er.sys", "with - dashes")


def test_comments_and_blank_lines_are_neither_tags_nor_junk() -> None:
    text = "rem a comment\nrem\nREM\t - shouted - x\n// another\n  // and one\n\n   \n\x1a"
    assert read_listing(text.encode()).lines == ()
    assert read_listing(text.encode()).junk_lines == 0


def test_a_tag_that_starts_like_a_comment_is_a_tag() -> None:
    assert only("rema - widget.sys - x").pattern == tag_pattern("rema")


def test_other_lines_are_counted_and_left_out() -> None:
    listing = read_listing(b"This file lists tags\nWidg - widget.sys - x\n    - widget.sys - no tag\n----\n")
    assert [line.driver for line in listing.lines] == ["widget.sys"]
    assert listing.junk_lines == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_the_encodings_that_editors_save_in_are_read(encoding: str) -> None:
    listing = read_listing("Widg - widget.sys - für Teile\r\nIrp  - nt!io - x\r\n".encode(encoding))
    assert [line.description for line in listing.lines] == ["für Teile", "x"]


def test_big_endian_utf_16_with_its_mark_is_read() -> None:
    assert len(read_listing("\ufeffWidg - widget.sys - x".encode("utf-16-be")).lines) == 1


@given(st.binary(max_size=400))
def test_no_bytes_are_an_error(data: bytes) -> None:
    listing = read_listing(data)
    assert listing.junk_lines >= 0
    assert all(0 <= line.pattern.value <= line.pattern.mask <= 0xFFFFFFFF for line in listing.lines)


@given(st.lists(st.text(max_size=40)))
def test_garbage_around_a_tag_line_does_not_hide_it(garbage: list[str]) -> None:
    text = "\n".join([*garbage, "", "Widg - widget.sys - a widget", *garbage])
    listing = read_listing(b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass"))
    assert TagLine(tag_pattern("Widg"), "widget.sys", "a widget") in listing.lines
