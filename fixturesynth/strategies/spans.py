"""The values that one column may take, and how a choice picks one: simplest first, never one that is taken already."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from fixturesynth.strategies.choices import Alphabet, Choices

__all__ = ["FULL", "MANY", "Bytes", "Floats", "Grid", "Listed", "Span", "Texts"]

MANY = 2**62  # as good as endless
FULL = object()  # no value is left
NONE: frozenset[Any] = frozenset()


class Span(Protocol):
    """``size``: how many values there are, at most MANY."""

    @property
    def size(self) -> int: ...

    def draw(self, choices: Choices, taken: Collection[Any] = NONE) -> Any:
        """A value that is not in ``taken``; FULL where none is left."""
        ...

    def contains(self, value: Any) -> bool: ...


@dataclass(frozen=True, eq=False)
class Grid:
    """Values that are counted: whole numbers, decimals, days, moments.

    ``pieces``: ascending ranges of indices, both ends included. ``make`` gives the value of an index, ``place`` the
    index of a value (None: it has none). Index 0 is the simplest. ``unit``: how much one index is on the ``axis`` on
    which values of several columns are compared, so that index times unit is the place there. ``coarse``: indices are
    mostly drawn as multiples of it.
    """

    pieces: tuple[tuple[int, int], ...]
    make: Callable[[int], Any]
    place: Callable[[Any], int | None]
    unit: int = 1
    axis: str = "number"
    coarse: int = 1

    @property
    def size(self) -> int:
        return min(sum(b - a + 1 for a, b in self.pieces), MANY)

    @property
    def low(self) -> int:
        return self.pieces[0][0]

    @property
    def high(self) -> int:
        return self.pieces[-1][1]

    def contains(self, value: Any) -> bool:
        at = self.place(value)
        return at is not None and any(a <= at <= b for a, b in self.pieces)

    def within(self, least: int | None, most: int | None) -> Grid | None:
        """The part of it from ``least`` to ``most`` on the axis; None where there is nothing."""
        low = self.low if least is None else -(-least // self.unit)
        high = self.high if most is None else most // self.unit
        if low <= self.low and high >= self.high:
            return self
        kept = tuple((max(a, low), min(b, high)) for a, b in self.pieces if max(a, low) <= min(b, high))
        return Grid(kept, self.make, self.place, self.unit, self.axis, self.coarse) if kept else None

    def draw(self, choices: Choices, taken: Collection[Any] = NONE) -> Any:
        value = self.make(self._index(choices))
        return value if not taken or value not in taken else self._free(value, taken)

    def _index(self, choices: Choices) -> int:
        pieces = self.pieces
        low, high = pieces[0] if len(pieces) == 1 else pieces[choices.index(len(pieces))]
        if self.coarse == 1:
            return choices.integer(low, high)
        first, last = -(-low // self.coarse), high // self.coarse
        if first > last:
            return choices.integer(low, high)
        at = choices.integer(first, last) * self.coarse
        return min(at + choices.integer(0, self.coarse - 1), high) if choices.flag(0.1) else at

    def _free(self, value: Any, taken: Collection[Any]) -> Any:
        """The next value that is not taken, from the first again after the last."""
        at = self.place(value)
        assert at is not None
        for _ in range(len(taken) + 1):
            at = self._after(at)
            value = self.make(at)
            if value not in taken:
                return value
        return FULL

    def _after(self, at: int) -> int:
        piece = bisect_left(self.pieces, (at + 1,)) - 1
        step = at + self.coarse if self.coarse > 1 and at + self.coarse <= self.pieces[piece][1] else at + 1
        if step <= self.pieces[piece][1]:
            return step
        return self.pieces[(piece + 1) % len(self.pieces)][0]


@dataclass(frozen=True, eq=False)
class Listed:
    """Values one by one, the simplest first."""

    values: tuple[Any, ...]
    known: frozenset[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", frozenset(hashable(v) for v in self.values))

    @property
    def size(self) -> int:
        return len(self.values)

    def contains(self, value: Any) -> bool:
        return hashable(value) in self.known

    def draw(self, choices: Choices, taken: Collection[Any] = NONE) -> Any:
        values: Sequence[Any] = self.values
        if taken:
            values = [v for v in values if hashable(v) not in taken]
            if not values:
                return FULL
        return values[choices.index(len(values))]


@dataclass(frozen=True, eq=False)
class Texts:
    """All texts of a length, out of an alphabet. ``excluded``: but for these."""

    shortest: int
    longest: int
    letters: Alphabet
    excluded: frozenset[str] = NONE
    octets: int | None = None  # most bytes in UTF-8

    @property
    def size(self) -> int:
        return int(min(len(self.letters) ** min(self.longest, 13), MANY))

    def contains(self, value: Any) -> bool:
        return (
            isinstance(value, str)
            and self.shortest <= len(value) <= self.longest
            and value not in self.excluded
            and (self.octets is None or len(value.encode()) <= self.octets)
        )

    def draw(self, choices: Choices, taken: Collection[Any] = NONE) -> Any:
        value = choices.text(self.letters, self.shortest, self.longest)
        if (taken and value in taken) or (self.excluded and value in self.excluded):
            return self._free(value, taken)
        return value

    def _free(self, value: str, taken: Collection[Any]) -> Any:
        """The text with the simplest ending that makes it free; the simplest free one of all where it has no room."""
        letters = self.letters
        start = value[: max(self.longest - 13, 0)] if len(value) >= self.longest else value
        for stem in (start, ""):
            room = self.longest - len(stem)
            most = len(taken) + len(self.excluded) + 1
            for number in count():
                ending = _spelled(number, letters)
                found = stem + ending.rjust(self.shortest - len(stem), letters.char_in_shrink_order(0))
                if len(ending) > room or number > most:
                    break
                if found not in taken and found not in self.excluded:
                    return found
        return FULL


def _spelled(number: int, letters: Alphabet) -> str:
    """Endings by length: nothing, one letter, two letters ...

    >>> from fixturesynth.strategies.choices import alphabet
    >>> [_spelled(n, alphabet("01")) for n in range(5)]
    ['', '0', '1', '00', '01']
    """
    out = ""
    while number:
        number, digit = divmod(number - 1, len(letters))
        out = letters.char_in_shrink_order(digit) + out
    return out


@dataclass(frozen=True, eq=False)
class Bytes:
    shortest: int
    longest: int

    @property
    def size(self) -> int:
        return int(min(256 ** min(self.longest, 8), MANY))

    def contains(self, value: Any) -> bool:
        return isinstance(value, bytes) and self.shortest <= len(value) <= self.longest

    def draw(self, choices: Choices, taken: Collection[Any] = NONE) -> Any:
        value = choices.octets(self.shortest, self.longest)
        if not taken or value not in taken:
            return value
        for length in range(max(self.shortest, 1), self.longest + 1):
            for number in range(min(256 ** min(length, 8), len(taken) + 1)):
                found = number.to_bytes(length, "big")
                if found not in taken:
                    return found
        return FULL


@dataclass(frozen=True, eq=False)
class Floats:
    """Binary fractions without infinities, NaN and negative zero."""

    low: float
    high: float
    smallest: float
    single: Callable[[float], float] | None = None  # to single precision

    @property
    def size(self) -> int:
        return MANY if self.low < self.high else 1

    def contains(self, value: Any) -> bool:
        return isinstance(value, float | int) and self.low <= value <= self.high

    def draw(self, choices: Choices, taken: Collection[Any] = NONE) -> Any:
        value = choices.floating(self.low, self.high, self.smallest) + 0.0
        if self.single is not None:
            value = self.single(value)
        if not taken or value not in taken:
            return value
        width = self.high - self.low
        step = 1.0 if width > 2 * len(taken) + 2 else width / (2 * len(taken) + 4)
        for number in range(1, len(taken) + 2):
            for found in (value + number * step, value - number * step):
                if self.low <= found <= self.high and found not in taken:
                    return found
        return FULL


def hashable(value: Any) -> Any:
    """The value, or what stands for it in sets: lists of arrays are none of their members."""
    return tuple(map(hashable, value)) if isinstance(value, list) else _mapped(value)


def _mapped(value: Any) -> Any:
    return tuple(sorted((k, hashable(v)) for k, v in value.items())) if isinstance(value, Mapping) else value
