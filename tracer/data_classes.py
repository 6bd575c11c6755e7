"""Data classes with slots, as :mod:`dataclasses` makes them, in a tenth of the time to declare one.

The standard decorator writes up to eight methods for each class and compiles each (0.45 ms a class, and a run of
``analyze --json`` declares 200). Here the methods are the same functions for all classes, and what is faster when it is
written for one, ``__init__``, is written when many objects are made. ``replace`` and ``fields`` are the standard ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as _standard
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

_LOOKED_UP: Final = 30
"""Objects of a class made without compiling anything: so many take the time of one compilation."""


def _dataclass(*, slots: bool, frozen: bool = False, eq: bool = True, repr: bool = True) -> Callable[[Any], Any]:  # noqa: A002
    """What ``dataclasses.dataclass`` gives for the same arguments; ``slots`` has to be true."""
    assert slots
    bare = _standard(init=False, repr=False, eq=False, slots=True)

    def declare(cls: Any) -> Any:  # noqa: ANN401 - a class
        made = _with_fields(cls, bare)
        made.__init__ = _written_when_worth_it(made, frozen=frozen)
        if repr:
            _add(made, __repr__=_repr)
        if eq:
            _add(made, __eq__=_eq, __hash__=_hash if frozen else None)
        if frozen:
            _add(made, __setattr__=_refuse, __delattr__=_refuse, __getstate__=_state, __setstate__=_set_state)
        return made

    return declare


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - what mypy takes for exported
else:
    dataclass = _dataclass


def _with_fields(cls: Any, bare: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - a class; so below
    """The class with slots for its fields.

    The standard decorator looks through the text of each type with regular expressions for what makes it no field's,
    and that takes a third of its time: it is shown no other texts than those that have ``ClassVar`` in them.
    """
    types = cls.__annotations__
    cls.__annotations__ = {name: text if "ClassVar" in text else None for name, text in types.items()}
    made = bare(cls)
    made.__annotations__ = types
    for each in fields(made):
        each.type = types.get(each.name, each.type)
    return made


def _add(cls: type, **methods: Callable[..., Any] | None) -> None:
    """The methods, but for those that the class has of its own."""
    for name, method in methods.items():
        if cls.__dict__.get(name) is None:  # Python itself says None for the hash of what has an __eq__
            setattr(cls, name, method)


def _written_when_worth_it(cls: Any, *, frozen: bool) -> Callable[..., None]:  # noqa: ANN401 - a class
    """``__init__`` that looks up what to do, and has another take its place where many objects are made."""
    left = _LOOKED_UP

    def __init__(self: object, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807 - as that which takes its place
        nonlocal left
        left -= 1
        if left < 0 or not _plan(cls).follow(self, args, kwargs):  # the written one says what is wrong
            cls.__init__ = _init(cls, frozen=frozen)
            cls.__init__(self, *args, **kwargs)

    return __init__


class _Plan:
    """What ``__init__`` of a class does, as tables."""

    def __init__(self, cls: Any) -> None:  # noqa: ANN401
        every = fields(cls)
        self.names = [each.name for each in every if each.init]
        self.defaults = {each.name: each.default for each in every if each.default is not MISSING}
        self.makes = [(each.name, each.default_factory) for each in every if each.default_factory is not MISSING]
        known = {*self.names, *self.defaults, *(name for name, _ in self.makes)}
        self.setters = {name: getattr(cls, name).__set__ for name in known}  # a frozen object refuses all others
        self.goes_on = hasattr(cls, "__post_init__")

    def follow(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:  # noqa: ANN401
        """Fill a new object in; false where the arguments are none for it."""
        values = {**self.defaults, **dict(zip(self.names, args)), **kwargs}  # noqa: B905 - a longer one is seen here
        for name, make in self.makes:
            if name not in values:
                values[name] = make()
        placed = self.names[: len(args)]
        fits = len(placed) == len(args) and kwargs.keys() <= {*self.names[len(args) :]}
        if not fits or values.keys() != self.setters.keys():
            return False
        for name, value in values.items():
            self.setters[name](made, value)
        if self.goes_on:
            made.__post_init__()
        return True


_plan = functools.cache(_Plan)


def _init(cls: Any, *, frozen: bool) -> Any:  # noqa: ANN401 - a class, and a function of any arguments
    """``__init__`` of that class."""
    known: dict[str, Any] = {"MISSING": MISSING}
    taken, lines = ["self"], []
    for each in fields(cls):
        if value := _value(each, taken, known):
            known[f"set_{each.name}"] = getattr(cls, each.name).__set__  # a slot's: a frozen object refuses all others
            lines.append(f" set_{each.name}(self, {value})" if frozen else f" self.{each.name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec("\n".join([f"def __init__({', '.join(taken)}):", *(lines or [" pass"])]), known)
    return known["__init__"]


def _value(field: Field[Any], taken: list[str], known: dict[str, Any]) -> str:
    """What ``__init__`` gives a field, empty for nothing; adds the argument and the names that this needs."""
    name, made, default = field.name, f"make_{field.name}", f"default_{field.name}"
    known[made], known[default] = field.default_factory, field.default
    if field.default_factory is not MISSING:
        if not field.init:
            return f"{made}()"
        taken.append(f"{name}=MISSING")
        return f"{made}() if {name} is MISSING else {name}"
    if field.init:
        taken.append(name if field.default is MISSING else f"{name}={default}")
        return name
    return "" if field.default is MISSING else default


def _repr(self: Any) -> str:  # noqa: ANN401 - an object of a data class; so below
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"


@functools.cache
def _compared(cls: Any) -> Callable[[object], tuple[Any, ...]]:  # noqa: ANN401
    """What gives all that counts when objects of that class are compared."""
    names = [each.name for each in fields(cls) if each.compare]
    return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def _eq(self: Any, other: object) -> Any:  # noqa: ANN401 - a bool, or NotImplemented
    values = _compared(self.__class__)
    return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:  # noqa: ANN401
    return hash(_compared(self.__class__)(self))


def _refuse(_: object, name: str, *_value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to or delete field {name!r}")


def _state(self: Any) -> list[Any]:  # noqa: ANN401
    return [getattr(self, each.name) for each in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:  # noqa: ANN401
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
