"""Where the names of functions come from, and how far they can be believed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from analyzers.symbolization import ImageNames, NamesFound
from tracer.symbols.symbol import Source
from tui.report.styles import heading, note
from tui.safe_text import safe

_SOURCES: Final = {
    Source.PDB: "by its PDB,",
    Source.EXPORTS: "by the nearest export in",
    Source.MAP: "by the map file",
}


def names_lines(named: NamesFound | None, modules: Iterable[str] | None = None) -> list[Text]:
    """Image by image how many addresses were named by what, or why none; nothing where nobody looked for names.

    ``modules``: only the images of these names.
    """
    if named is None:
        return []
    wanted = None if modules is None else set(modules)
    images = [each for each in named.images if each.is_known and (wanted is None or each.image.name in wanted)]
    if not images:
        return []
    lines = [
        Text(f"  {safe(each.image.name)}: {image_words(each)}") for each in images if each.source is not Source.MAP
    ]
    lines += _by_map([each for each in images if each.source is Source.MAP])
    lines += [note(f"  {safe(words)}") for words in named.notes]
    return [Text(), heading("Names"), *lines, *caution_lines({each.source for each in images})]


def _by_map(images: list[ImageNames]) -> list[Text]:
    """One line for all that a map file names: there is one map."""
    if not images:
        return []
    names = ", ".join(safe(each.image.name) for each in images)
    asked, named = sum(each.asked for each in images), sum(each.named for each in images)
    return [Text(f"  {names}: {named} of {asked} named {_SOURCES[Source.MAP]} {safe(images[0].where)}")]


def short_lines(named: NamesFound | None) -> list[Text]:
    """Why no function is named at all, or that some names are the nearest exports; nothing where nobody looked."""
    if named is None or not named.images:
        return []
    if not named.named:
        why = named.notes[0] if named.notes else why_none(named.images[-1])
        return [note(f"  No function is named: {safe(why)}.")]
    return caution_lines({each.source for each in named.images if each.named} & {Source.EXPORTS})


def image_words(image: ImageNames) -> str:
    """How many of an image's addresses have a name, by what; or why none has."""
    if image.source is Source.NONE:
        return f"no names: {safe(why_none(image))}"
    return f"{image.named} of {image.asked} named {_SOURCES[image.source]} {safe(image.where)}"


def why_none(image: ImageNames) -> str:
    """Why an image has no names."""
    return "; ".join(image.told) or "nobody has looked for them yet"


def caution_lines(sources: Iterable[Source]) -> list[Text]:
    """What is to be thought of names that are not those of a PDB, said once."""
    found = set(sources)
    says = []
    if Source.EXPORTS in found:
        says.append(
            "  A nearest export is the last exported function before an address, which may well be in another function."
        )
    if Source.MAP in found:
        says.append("  A map file has no identity: nothing tells whether it is of the build that ran.")
    return list(map(note, says))
