"""A data class of the rooms is what the standard decorator makes, but for the time it takes to declare."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, ClassVar

import pytest

from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A frozen one with each kind of field."""

    x: int
    y: int = 2
    notes: list[str] = field(default_factory=list, compare=False)
    size: int = field(init=False, repr=False)
    known: str = field(init=False, default="yes")
    seen: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self.x * self.y)

    def doubled(self) -> Point:
        return replace_x(self, self.x * 2)


def replace_x(point: Point, x: int) -> Point:
    return Point(x, point.y, point.notes)


@dataclass(frozen=True, slots=True)
class Named(Point):
    """A data class of a data class."""

    name: str = "none"


@dataclass(frozen=True, slots=True)
class Wide:
    """A frozen one with many fields, one of which is called as what sets them might be."""

    a: int
    b: int
    c: int
    d: int = 4
    e: list[int] = field(default_factory=list)
    own: str = "f"
    g: int = field(init=False, default=7)


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """Equal to nothing but itself."""

    x: int


@dataclass(slots=True)
class Open:
    """One that changes."""

    x: int = 1

    def __repr__(self) -> str:
        return "own"


@dataclass(frozen=True, slots=True)
class Keyed:
    """One with a hash of its own."""

    x: int

    def __hash__(self) -> int:
        return 7


@dataclass(frozen=True, slots=True)
class Counted:
    """One with what is no field."""

    most: ClassVar[int] = 5
    x: int = most


@dataclass(frozen=True, slots=True)
class Empty:
    """No field at all."""


def test_arguments_are_taken_by_place_and_by_name_with_defaults_of_their_own() -> None:
    one, other = Point(3), Point(x=3, y=5, notes=["n"])
    assert (one.x, one.y, one.notes, one.size, one.known, one.seen) == (3, 2, [], 6, "yes", [])
    assert (other.y, other.notes, other.size) == (5, ["n"], 15)
    assert Point(3).notes is not one.notes
    assert Point(3).seen is not one.seen
    assert one.doubled().x == 6
    assert Named(1, name="n").name == "n"
    assert Named(1).size == 2


@pytest.mark.parametrize("wrong", [{}, {"x": 1, "z": 2}, {"x": 1, "size": 3}, {"x": 1, "known": "no"}])
def test_wrong_arguments_are_refused_the_first_time_too(wrong: dict[str, Any]) -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh(Point):
        """Not made before."""

    for _ in range(2):
        with pytest.raises(TypeError, match="__init__"):
            Fresh(**wrong)


@pytest.mark.parametrize("kind", [Point, Named, Open, Alone, Keyed, Counted, Empty])
def test_the_hundredth_object_is_as_the_first(kind: Any) -> None:
    words = {} if kind is Empty else {"x": 3}
    made = [kind(**words) for _ in range(100)]
    assert len({repr(each) for each in made}) == 1
    assert len({type(each).__init__.__code__.co_filename for each in made}) == 1
    assert "<string>" in type(made[0]).__init__.__code__.co_filename
    for each in fields(made[0]):
        values = [getattr(one, each.name) for one in made]
        assert all(value == values[0] for value in values)
        assert not isinstance(values[0], list) or len({id(value) for value in values}) == 100


@pytest.mark.parametrize("args", [(1, 2, [], 4), (1, 2, [], 4, 5)])
def test_more_arguments_than_fields_are_refused(args: Any) -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh(Point):
        """Not made before."""

    with pytest.raises(TypeError, match="positional"):
        Fresh(*args)
    with pytest.raises(TypeError, match="multiple values"):
        Fresh(1, 2, x=3)  # type: ignore[misc]


def test_a_frozen_one_refuses_every_change() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="x"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="y"):
        del point.y
    assert not hasattr(point, "__dict__")
    changed = Open()
    changed.x = 5
    assert changed.x == 5


def test_equality_and_hash_are_of_the_fields_that_count_and_of_one_class() -> None:
    assert Point(1, 2, ["a"]) == Point(1, 2, ["b"])
    assert Point(1, 2) != Point(1, 3)
    assert Point(1) != Named(1)
    assert len({Keyed(1), Keyed(1), Keyed(2)}) == 2
    assert hash(Keyed(1)) == 7
    assert Alone(1) != Alone(1)
    assert len({Alone(1), Alone(1)}) == 2
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())
    assert Open(1) == Open(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open())


def test_equal_ones_have_one_hash() -> None:
    @dataclass(frozen=True, slots=True)
    class Pair:
        """Both count."""

        x: int
        y: str

    assert hash(Pair(1, "a")) == hash(Pair(1, "a")) != hash(Pair(2, "a"))


def test_it_is_written_with_its_fields_unless_it_writes_itself() -> None:
    assert repr(Point(1)) == "Point(x=1, y=2, notes=[], known='yes', seen=[])"
    assert repr(Open()) == "own"


@pytest.mark.parametrize("value", [Point(1, 3), Named(4, name="n"), Empty(), Open(3)])
def test_it_is_copied_pickled_and_replaced(value: Any) -> None:
    assert copy.copy(value) == value == pickle.loads(pickle.dumps(value))
    assert replace(value) == value


def test_the_standard_functions_know_its_fields() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [each.name for each in fields(Named)] == ["x", "y", "notes", "size", "known", "seen", "name"]
    assert dataclasses.asdict(Open(4)) == {"x": 4}


def test_one_with_many_fields_is_made_frozen_as_often_as_it_is_made() -> None:
    made = [Wide(1, 2, number, e=[number]) for number in range(100)]
    assert {type(each) for each in made} == {Wide}
    assert [(each.a, each.b, each.c, each.d, each.e, each.own, each.g) for each in made] == [
        (1, 2, number, 4, [number], "f", 7) for number in range(100)
    ]
    with pytest.raises(FrozenInstanceError):
        made[-1].a = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing"):
        Wide(1, 2)  # type: ignore[call-arg]
    assert pickle.loads(pickle.dumps(made)) == made


def test_fields_and_what_is_said_of_them_are_the_standard_ones() -> None:
    said = {each.name: each.type for each in fields(Named)}
    assert said == {
        "x": "int", "y": "int", "notes": "list[str]", "size": "int", "known": "str", "seen": "list[int]", "name": "str",
    }  # fmt: skip
    assert [each.name for each in fields(Counted)] == ["x"]
    assert Counted.__annotations__ == {"most": "ClassVar[int]", "x": "int"}
    assert Counted(1).most == Counted.most == 5
