"""Small drawings of a report, made once and shown as SVG or on a page of a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tracer.data_classes import dataclass

Point = tuple[float, float]


class Look(StrEnum):
    """What a shape means, and so what it looks like; also its class in SVG."""

    AXIS = "axis"
    AREA = "area"
    CURVE = "curve"
    BOX = "box"
    OWN = "own"
    """A box that the drawing is about."""
    SEEN = "seen"
    """A line for what events tell."""
    INFERRED = "inferred"
    """A line for what no event tells."""
    HEAD = "head"
    """Of an arrow."""
    NAME = "name"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Shape:
    """A line through points, or an area inside them."""

    look: Look
    points: tuple[Point, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text whose baseline begins, or ends, at ``at``."""

    look: Look
    at: Point
    words: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """``name``: its class in SVG. ``says``: the same in words, for who does not see it. Pixels, from the upper left."""

    name: str
    width: float
    height: float
    says: str
    shapes: Sequence[Shape]
    labels: Sequence[Label]
    caption: str = ""


def box(look: Look, left: float, top: float, width: float, height: float) -> Shape:
    """A rectangle."""
    right, bottom = left + width, top + height
    return Shape(look, ((left, top), (right, top), (right, bottom), (left, bottom)), closed=True)
