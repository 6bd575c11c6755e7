"""What is taken out of a report before anybody else sees it: names of users and computers, paths, addresses."""

from __future__ import annotations

import getpass
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tui.json_documents.writing import Object, Value
from tui.redaction.patterns import IPV4, PATHS, SECURITY_IDS

_ADDRESSES: Final = re.compile(r"\b0x[0-9a-fA-F]{9,}\b|\b[fF]{4}[0-9a-fA-F]{4,}`?[0-9a-fA-F]{4,}\b")
"""Of nine digits and more: a status has eight."""
_OF_USER: Final = ("USERNAME", "USER", "LOGNAME", "USERDOMAIN", "USERDNSDOMAIN")
_OF_HOST: Final = ("COMPUTERNAME", "HOSTNAME", "LOGONSERVER")


class Redaction:
    """Replaces words that must not get out; made by :meth:`here` for this machine."""

    def __init__(self, users: Iterable[str], hosts: Iterable[str], folders: Iterable[str]) -> None:
        words = [(word, "<user>") for word in users] + [(word, "<host>") for word in hosts]
        kept = {word.strip("\\").lower(): mark for word, mark in words if word.strip("\\")}
        self._marks = kept
        longest = sorted(kept, key=len, reverse=True)
        self._words = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest))})(?![^\W_])", re.IGNORECASE)
        places = sorted({folder for folder in folders if len(folder) > 1}, key=len, reverse=True)
        self._folders = re.compile("|".join(f"{re.escape(place)}[^'\",;|<>\\s]*" for place in places), re.IGNORECASE)
        self._has = bool(longest), bool(places)

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Redaction:
        """This user, this computer, and the folders whose names tell of them."""
        users = {environment.get(name, "") for name in _OF_USER} | {_user()}
        hosts = {environment.get(name, "") for name in _OF_HOST} | {platform.node(), platform.node().partition(".")[0]}
        folders = {str(Path.home()), str(Path.cwd()), tempfile.gettempdir(), sys.prefix, sys.base_prefix}
        return cls(users, hosts, folders)

    def text(self, text: str) -> str:
        """The text without them."""
        text = _ADDRESSES.sub("<address>", PATHS.sub("<path>", text))
        if self._has[1]:
            text = self._folders.sub("<path>", text)
        text = IPV4.sub("<address>", SECURITY_IDS.sub("<user>", text))
        if self._has[0]:
            text = self._words.sub(lambda found: self._marks[found[0].lower()], text)
        return text

    def document(self, document: Object) -> Object:
        """Every string in a document, but no key."""
        return {key: self._value(value) for key, value in document.items()}

    def _value(self, value: Value) -> Value:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._value(each) for key, each in value.items()}
        if isinstance(value, Sequence):
            return [self._value(each) for each in value]
        return value


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # nobody's process, as in a container
        return ""
