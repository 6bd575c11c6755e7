"""What a name is replaced by: the same name by the same stand-in, in a run, and with a key everywhere."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
import uuid
from enum import StrEnum
from typing import Final

_DIGITS: Final = 8
"""Of a keyed stand-in: of 1,000 names two get the same one in one of 8,600 runs."""
_IPV4: Final = tuple(map(ipaddress.IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Addresses for documentation (RFC 5737)."""
_IPV4_MORE: Final = ipaddress.IPv4Network("240.0.0.0/4")
"""Reserved (RFC 1112, section 4): for keyed addresses, of which those for documentation are too few, and what is more
than these."""
_IPV6: Final = int(ipaddress.IPv6Address("2001:db8::"))
"""For documentation (RFC 3849)."""
_ENDING: Final = re.compile(r"\.(?:sys|exe|dll|etl|zip|gz|cab|7z|zst|toml|txt|pdb)$", re.IGNORECASE)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Kind(StrEnum):
    """What a name is of; the values are the words of the stand-ins."""

    PROCESS = "process"
    DRIVER = "driver"
    LIBRARY = "library"
    IMAGE = "image"
    FUNCTION = "function"
    USER = "user"
    HOST = "host"
    PATH = "path"
    TRACE = "trace"
    SESSION = "session"
    PROVIDER = "provider"
    DESCRIPTION = "description"
    NAME = "name"


_BY_ENDING: Final = {".sys": Kind.DRIVER, ".exe": Kind.PROCESS, ".dll": Kind.LIBRARY}


class StandIns:
    """``key``: what they are derived from; without one they are numbered as they come, and differ between runs.

    Any thread may ask.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._is_keyed = key is not None
        self._key = secrets.token_bytes(32) if key is None else hashlib.sha256(key).digest()
        self._given: dict[tuple[Kind, str], str] = {}
        self._count: dict[Kind, int] = {}
        self._addresses: dict[Address, Address] = {}
        self._known = {4: 0, 6: 0}
        self._lock = threading.Lock()

    def of(self, kind: Kind, name: str) -> str:
        """Of a name as it was found: upper and lower case are alike, as they are to Windows. Its ending stays."""
        ending = "" if kind is Kind.FUNCTION else "".join(_ENDING.findall(name)).lower()
        folded = name.casefold()
        with self._lock:
            if (kind, folded) not in self._given:
                self._count[kind] = self._count.get(kind, 0) + 1
                mark = self._digest(kind, folded)[: _DIGITS // 2].hex() if self._is_keyed else str(self._count[kind])
                self._given[kind, folded] = f"{kind}-{mark}{ending}"
            return self._given[kind, folded]

    def image(self, name: str, otherwise: Kind = Kind.IMAGE) -> str:
        """Of a program file or process; its kind is told by its ending."""
        return self.of(image_kind(name, otherwise), name)

    def address(self, text: str) -> str | None:
        """Of an address of the network; ``None`` for what is none. Those of the machine itself stay."""
        try:
            found = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return None
        if found.is_unspecified or str(found) in ("127.0.0.1", "::1"):
            return str(found)
        with self._lock:
            if found not in self._addresses:
                self._addresses[found] = self._next_address(found)
            return str(self._addresses[found])

    def guid(self, guid: uuid.UUID) -> uuid.UUID:
        """Of a GUID that tells whose program it is."""
        return uuid.UUID(bytes=self._digest("guid", str(guid))[:16])

    def number(self, purpose: str, below: int) -> int:
        """The same for all of a key, or of this run."""
        return int.from_bytes(self._digest("number", purpose)) % below

    def _next_address(self, found: Address) -> Address:
        known = self._known[found.version]
        self._known[found.version] += 1
        if isinstance(found, ipaddress.IPv6Address):
            low = int.from_bytes(self._digest("address", str(found))[:8]) if self._is_keyed else known + 1
            return ipaddress.IPv6Address(_IPV6 + low)
        if self._is_keyed:
            return _IPV4_MORE[self.number(f"address {found}", _IPV4_MORE.num_addresses - 1)]
        block, place = divmod(known, 254)
        return _IPV4[block][place + 1] if block < len(_IPV4) else _IPV4_MORE[known]

    def _digest(self, purpose: str, name: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{name}".encode("utf-8", "surrogatepass"), "sha256")


def image_kind(name: str, otherwise: Kind = Kind.IMAGE) -> Kind:
    """What the ending of a file's name tells."""
    return _BY_ENDING.get(name[-4:].lower(), otherwise)
