"""Which allocation sites make parts of a request or a socket, judged by all that is outstanding of the site.

A kind is an allocation site. That one allocation falls into a request's call says little; that nearly all that is
outstanding of its kind does, the same number for every request, says that they go with the request.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from analyzers.formatting import agreeing, counted
from analyzers.modules import KERNEL_NAME
from analyzers.policy import BELONGING
from analyzers.pool_tables import SiteTable, TagTable
from analyzers.tags.callers import COMPLETION_CONTEXT
from tracer.arrays import F64, I32, I64, U8, Mask
from tracer.data_classes import dataclass

SOCKET_DRIVERS: Final = frozenset({"afd.sys", "tcpip.sys", "netio.sys", "tdx.sys", "tdi.sys"})
"""Windows' own modules between a socket and the network: what they make in a socket's operation hangs on its endpoint,
and goes with the last reference on its file object, unless they free it earlier."""


class Maker(IntEnum):
    """Who makes the allocations of a site, as far as it tells what they belong to."""

    OTHER = 0
    IO_MANAGER = 1  # all known frames are the kernel's: between IRP and driver call only the I/O manager runs
    SOCKET_DRIVER = 2  # or the I/O manager, where it hangs on a file just so: the file's completion port and key


def makers(sites: SiteTable, tags: TagTable) -> U8:
    """By site: :class:`Maker` of the allocating module, or of the tag's known driver where no stack tells."""
    by_name = {KERNEL_NAME: Maker.IO_MANAGER, **dict.fromkeys(SOCKET_DRIVERS, Maker.SOCKET_DRIVER)}
    rows = zip(sites.driver, sites.tag_row.tolist(), strict=True)
    found = np.array([by_name.get((driver or tags.driver[tag]).lower(), Maker.OTHER) for driver, tag in rows], np.uint8)
    contexts = (tags.tag == COMPLETION_CONTEXT)[sites.tag_row]
    return np.where(contexts, np.uint8(Maker.SOCKET_DRIVER), found)


@dataclass(frozen=True, slots=True)
class SiteRule:
    """Why the allocations of a site were taken for part of their requests or sockets.

    ``site``: row of the site table. ``noun``: what they are part of. ``owners`` of ``among`` such have ``each`` of
    them. ``count``: attributed ones; ``elsewhere``: outstanding ones that were not. ``freed``: others of the site.
    """

    site: int
    rule: int
    noun: str
    count: int
    owners: int
    among: int
    each: int
    elsewhere: int
    freed: int

    def says(self) -> str:
        """The support in words."""
        every = self.owners == self.among
        whose = f"each of the {self.among:,} {self.noun}" if every else f"{self.owners:,} of {self.among:,} {self.noun}"
        holds = "still holds" if every else agreeing(self.owners, "still holds", "still hold")
        words = f"{whose} {holds} {agreeing(self.each, 'one', f'{self.each:,}')} of these blocks"
        words += f"; {counted(self.freed, 'other was', 'others were')} freed" if self.freed else ""
        elsewhere = counted(self.elsewhere, "more is", "more are")
        return f"{words}; {elsewhere} outstanding elsewhere" if self.elsewhere else words


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Candidates counted by site. Arrays are by row of the site table.

    ``inside``: candidates. ``owners``: different owners of them. ``each``: the usual number at one owner. ``alike``:
    share of the owners that have just that number. ``pair_site``, ``pair_owner``: every site with each of its owners.
    """

    inside: I64
    owners: I64
    each: I64
    alike: F64
    pair_site: I64
    pair_owner: I64

    @classmethod
    def of(cls, site: I32, owner: I32, sites: int) -> Tally:
        """From the candidates' sites and owners."""
        pairs, number = np.unique((site.astype(np.int64) << 32) | owner.astype(np.int64), return_counts=True)
        pair_site, pair_owner = pairs >> 32, pairs & 0xFFFFFFFF
        inside = np.bincount(site, minlength=sites).astype(np.int64)
        owners = np.bincount(pair_site, minlength=sites).astype(np.int64)
        each = np.rint(inside / np.maximum(owners, 1)).astype(np.int64)
        same = np.bincount(pair_site[number == each[pair_site]], minlength=sites)
        return cls(inside, owners, each, same / np.maximum(owners, 1), pair_site, pair_owner)

    def regular(self) -> Mask:
        """By site: the same small number at nearly every owner."""
        return (self.owners > 0) & (self.alike >= BELONGING.nearly_all) & (self.each <= BELONGING.most_each)

    def covers(self, unclaimed: I64) -> Mask:
        """By site: nearly all that is outstanding and not claimed otherwise is among the candidates."""
        covered: Mask = self.inside >= BELONGING.nearly_all * unclaimed
        return covered

    def having(self, owners: Mask) -> I64:
        """By site: how many of the marked owners have some."""
        return np.bincount(self.pair_site[owners[self.pair_owner]], minlength=len(self.inside)).astype(np.int64)

    def peers(self, owners: Mask, group: I64) -> I64:
        """By site: how many marked owners there are in all the groups that any of its marked owners is in."""
        marked = owners[self.pair_owner]
        sizes = np.bincount(group[owners], minlength=int(group.max(initial=0)) + 1)
        met = np.sort((self.pair_site[marked] << 32) | group[self.pair_owner[marked]])
        met = met[np.diff(met, prepend=-1) != 0]
        return np.bincount(met >> 32, sizes[met & 0xFFFFFFFF], len(self.inside)).astype(np.int64)


def lifted(sites: SiteTable, share: F64) -> Mask:
    """By site: outstanding at ``share`` of the requests, but clearly rarer among all allocations of the site."""
    usual = sites.outstanding_count / np.maximum(sites.allocations, 1)
    found: Mask = (share >= BELONGING.share_of_others) & (share >= BELONGING.lift * usual)
    return found
