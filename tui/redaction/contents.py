"""What ``info`` knows of a trace, with stand-ins for names."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from analyzers.process_names import file_name
from tracer.events.providers import provider_name
from tracer.images.carried import ImageFile
from tui.contents import Contents
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted_info, redacted_places
from tui.redaction.stand_ins import Kind

_MICROSOFTS: Final = "microsoft-"
"""How the names of Windows' own providers begin."""
_KERNELS: Final = "ntkr"
"""How the PDBs of Windows' kernels begin."""


def redacted_contents(contents: Contents, redaction: Redaction) -> Contents:
    """Images and providers that are not Windows' own lose their identity with their name: a GUID tells whose it is."""
    info = redacted_info(contents.info, redaction)
    redaction.know_images((image.name, image.name) for image in contents.images)
    names = contents.provider_names
    foreign = {
        guid: redaction.stand_ins.guid(guid)
        for guid in contents.census.providers
        if provider_name(guid) is None and not names.get(guid, "").lower().startswith(_MICROSOFTS)
    }
    providers = {foreign.get(guid, guid): count for guid, count in contents.census.providers.items()}
    return replace(
        contents,
        info=info,
        census=replace(contents.census, providers=providers),
        loss=redacted_places(contents.loss, redaction),
        damage=redacted_places(contents.damage, redaction),
        provider_names={
            foreign.get(guid, guid): redaction.stand_ins.of(Kind.PROVIDER, name) if guid in foreign else name
            for guid, name in names.items()
        },
        images=_images(contents, redaction),
    )


def _images(contents: Contents, redaction: Redaction) -> dict[ImageFile, int]:
    images: dict[ImageFile, int] = {}
    for image, count in contents.images.items():
        made = redacted_image(image, redaction)
        images[made] = images.get(made, 0) + count
    return images


def redacted_image(image: ImageFile, redaction: Redaction) -> ImageFile:
    """An image and its PDB; of one of Windows' own the PDB loses the folder that it was built in."""
    if redaction.is_own(image.name):
        return replace(image, debug=image.debug and replace(image.debug, name=_own_pdb(image.name, image.debug.name)))
    redaction.know_image(image.name, Kind.IMAGE)
    name = redaction.text(image.name)
    debug = image.debug and replace(
        image.debug,
        guid=redaction.stand_ins.guid(image.debug.guid),
        name=f"{name.rpartition('.')[0] or name}.pdb" if name else redaction.stand_ins.of(Kind.NAME, image.debug.name),
    )
    return replace(image, name=name, time_date_stamp=0, debug=debug)


def _own_pdb(image: str, pdb: str) -> str:
    """One that is called neither like its image nor like a kernel may be somebody's who has borrowed a name."""
    name, stem = file_name(pdb), image.rpartition(".")[0].lower()
    return name if name.lower().startswith(_KERNELS) or (stem and stem in name.lower()) else f"{stem}.pdb"
