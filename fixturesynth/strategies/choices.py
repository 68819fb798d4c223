"""What Hypothesis decides, one choice at a time: the only file that knows how Hypothesis makes choices.

A choice made straight from the test case costs a third of one made through a strategy of its own, and a dataset is
made of hundreds.
"""

from typing import Any, TypeVar

from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.internal.intervalsets import IntervalSet
from hypothesis.strategies import SearchStrategy

__all__ = ["Alphabet", "Choices", "Drawn", "alphabet"]

Alphabet = IntervalSet
Made = TypeVar("Made")

MOST_SPENT = 4096  # of the 8,192 units that a test case may take: beyond, tables get no more rows than they must
# By bits, where numbers are drawn evenly: so far out that none of the constants that Hypothesis favours (its own, those
# in the code under test) lies among them, and that it falls back to a plain uniform draw. Far numbers take more of the
# units that a test case has.
FAR = {24: 3 << 61, 64: 1 << 200}
NEAR_ENDS = 127  # a range of more numbers than these has its ends drawn more often, as Hypothesis's own integers do


def alphabet(characters: str | None = None, *, without: str = "") -> Alphabet:
    """The characters that texts may have; None: all of Unicode but surrogates and U+0000."""
    if characters is not None:
        return IntervalSet.from_string(characters)
    gone = sorted({0, *map(ord, without)})
    pieces, start = [], 0
    for code in (*gone, 0xD800):
        if start <= code - 1:
            pieces.append((start, code - 1))
        start = code + 1
    return IntervalSet([*pieces, (0xE000, 0x10FFFF)])


class Choices:
    """The choices of one test case. Low numbers, False and short texts are what shrinking ends at."""

    __slots__ = ("_data", "boolean_", "integer_")

    def __init__(self, data: ConjectureData) -> None:
        self._data = data
        self.integer_ = data.draw_integer
        self.boolean_ = data.draw_boolean

    def index(self, size: int) -> int:
        """A number from 0 to ``size`` - 1; nothing is drawn where there is one alone."""
        return self.integer_(0, size - 1) if size > 1 else 0

    def integer(self, low: int, high: int, towards: int = 0) -> int:
        """``low`` to ``high``, shrinking to ``towards`` or the end that is nearest to it."""
        if low == high:
            return low
        origin = min(max(towards, low), high)
        if high - low <= NEAR_ENDS:
            return self.integer_(low, high, shrink_towards=origin)
        ends = {low: 1 / 64, low + 1: 1 / 128, high - 1: 1 / 128, high: 1 / 64}
        return self.integer_(low, high, weights=ends, shrink_towards=origin)

    def parent(self, size: int) -> int:
        """An index that is drawn also where there is one alone: so that what is drawn after it stays in its place when
        rows are taken away."""
        return self.integer_(0, size - 1)

    def flag(self, share: float = 0.5) -> bool:
        """True in a ``share`` of the cases; shrinks to False."""
        return self.boolean_(share)

    def count(self, low: int, high: int, *, possible: bool) -> int:
        """How many rows follow; drawn also where there can be none but ``low``, so that nothing after it moves."""
        return self.integer_(low, high) if possible else self.integer_(low, high, forced=low)

    def floating(self, low: float, high: float, smallest: float) -> float:
        return self._data.draw_float(low, high, allow_nan=False, smallest_nonzero_magnitude=smallest)

    def text(self, letters: Alphabet, shortest: int, longest: int) -> str:
        return self._data.draw_string(letters, min_size=shortest, max_size=longest)

    def even(self, bits: int) -> int:
        """A number below 2**``bits`` (24 or 64), all of them as likely; shrinks to 0.

        Of other integers, and of bytes, Hypothesis takes one in twenty from the constants that it finds in the code.
        """
        origin = FAR[bits]
        return self.integer_(origin, origin + (1 << bits) - 1, shrink_towards=origin) - origin

    def octets(self, shortest: int, longest: int) -> bytes:
        return self._data.draw_bytes(shortest, longest)

    def begin(self, label: int) -> None:
        """A part that shrinking may take away, or put another one of the same label in the place of."""
        self._data.start_span(label)

    def end(self) -> None:
        self._data.stop_span()

    @property
    def spent(self) -> int:
        """Units drawn so far, of 8,192."""
        return self._data.length

    @property
    def is_spent(self) -> bool:
        """Whether so much has been drawn that nothing more should be added."""
        return self._data.length > MOST_SPENT


class Drawn(SearchStrategy[Made]):
    """A strategy that makes its value from ``Choices``. ``make`` takes them; ``shown`` is how the strategy prints."""

    def __init__(self, make: Any, shown: str) -> None:
        super().__init__()
        self._make = make
        self._shown = shown

    def do_draw(self, data: ConjectureData) -> Made:
        made: Made = self._make(Choices(data))
        return made

    def __repr__(self) -> str:
        return self._shown
