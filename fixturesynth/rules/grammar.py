"""Text spaces by composition: a phrase is a row of pools, and its values are all ways to pick one from each.

Everything that is text here (names, emails, phones, patterns, regular expressions, JSON) is compiled to phrases, so
limits, weights, uniqueness and speed are solved once:

- neighbouring pools are joined beforehand while the product stays small, so an email costs two takes and a join;
- pools are cut to the values that fit the column's length together: nothing is ever truncated;
- a unique space keeps only values that decode in one way, and continues with numbers where a phrase has a slot for
  them: ``ann.lee@example.com``, ..., ``ann.lee2@example.com``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final
from unicodedata import combining, normalize

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, join_texts, numpy_of, scalar_of
from fixturesynth.randomness import below, choose
from fixturesynth.rules.contract import ColumnContext, Integers, Space, Words

__all__ = [
    "NUMBER",
    "Bits",
    "Limits",
    "Number",
    "Phrase",
    "Pool",
    "cut_texts",
    "drawn",
    "fold",
    "guide",
    "join_texts",
    "limits_of",
    "phrase_makers",
    "phrase_space",
    "spread",
    "union",
]

FUSE: Final = 4096  # neighbouring pools become one while their product has at most this many values
LARGEST: Final = 2**62


@dataclass(frozen=True)
class Number:
    """Where a unique phrase may continue with 2, 3, ... when its plain values run out.

    What stands before it must not end in a digit, what follows must begin with a character that is in nothing before.
    """

    prefix: str = ""


NUMBER: Final = Number()


@dataclass(frozen=True, eq=False)
class Pool:
    """Distinct texts, most common first, with integer weights (None: all alike), shape (n,)."""

    values: pa.Array
    weights: Integers | None = None

    @classmethod
    def of(cls, values: Sequence[str], weights: Sequence[int] | None = None) -> "Pool":
        """A pool of the distinct ``values``; the first weight of a value counts."""
        if weights is None:
            return cls(array_of(list(dict.fromkeys(values)), pa.string()))
        pairs = dict(zip(reversed(values), reversed(weights), strict=True))
        kept = sorted(((v, w) for v, w in pairs.items() if w > 0), key=lambda p: (-p[1], len(p[0]), p[0]))
        return cls(array_of([v for v, _ in kept], pa.string()), np.array([w for _, w in kept], np.int64))

    def __len__(self) -> int:
        return len(self.values)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> "Pool":
        return Pool(self.values.filter(array_of(chosen)), None if self.weights is None else self.weights[chosen])

    @cached_property
    def guide(self) -> npt.NDArray[np.int64] | None:
        return None if self.weights is None else guide(self.weights)

    def draw(self, bits: "Bits") -> Integers:
        if len(self) == 1:
            return np.zeros(len(bits.words), np.int64)
        if self.guide is not None:
            drawn_by_weight: Integers = self.guide[bits.take(16)]
            return drawn_by_weight
        return below(bits.take(32) << np.uint64(32), len(self))


Phrase = tuple[Pool | str | Number, ...]


@dataclass(frozen=True)
class Limits:
    """What a text column allows. ``octets``: lengths are counted in bytes of UTF-8 instead of characters."""

    maximum: int | None = None
    minimum: int = 0
    octets: bool = False
    case: str | None = None  # "lower", "upper"


def limits_of(options: Mapping[str, Any], context: ColumnContext) -> Limits:
    """The tighter of the column's length and the options ``max_length``, ``min_length``, ``octets``, ``case``."""
    own = context.type.length if context.type.kind == "text" else None
    asked = options.get("max_length")
    longest = min((n for n in (own, asked) if n is not None), default=None)
    return Limits(longest, int(options.get("min_length") or 0), bool(options.get("octets")), options.get("case"))


def cut_texts(texts: pa.Array, lengths: Integers) -> pa.Array:
    """Each text cut to at most so many characters, both (n,).

    >>> cut_texts(pa.array(["abc", "d", "efg"]), np.array([2, 2, 1])).to_pylist()
    ['ab', 'd', 'e']
    """
    over = numpy_of(pc.utf8_length(texts)) > lengths
    for length in np.unique(lengths[over]).tolist():
        mask = over & (lengths == length)
        texts = pc.replace_with_mask(
            texts, array_of(mask), pc.utf8_slice_codeunits(texts.filter(array_of(mask)), 0, length)
        )
    return texts


class Bits:
    """Hands out slices of raw words, shape (n,), highest bits first; zero words give zeros, the simplest values."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._left = 64

    def take(self, count: int) -> Words:
        if self._left < count:
            mixed = (self.words ^ (self.words >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            self.words = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
            self.words ^= self.words >> np.uint64(31)
            self._left = 64
        self._left -= count
        return (self.words >> np.uint64(self._left)) & np.uint64((1 << count) - 1)


def guide(weights: Integers, bits: int = 16) -> npt.NDArray[np.int64]:
    """An inverse CDF as a table of ``2**bits`` slots: slot to index, every weight above zero has at least one slot.

    >>> np.bincount(guide(np.array([3, 1]), bits=4)).tolist()
    [12, 4]
    """
    slots = 1 << bits
    # Python's integers where 64 bits would overflow.
    exact = np.asarray(weights).astype(object if int(np.max(weights, initial=0)) >> 46 else np.int64)
    shares = np.maximum(exact * slots // max(int(exact.sum()), 1), exact > 0).astype(np.int64)
    spare = slots - int(shares.sum())
    # The largest takes what rounding left over; where the minimum of one slot took too much, the large ones give.
    for i in np.argsort(-shares, kind="stable"):
        change = max(spare, 1 - int(shares[i])) if spare < 0 else spare
        shares[i] += change
        spare -= change
        if not spare:
            break
    slots_of: Integers = np.repeat(np.arange(len(shares), dtype=np.int64), shares)
    return slots_of


def fold(text: str) -> str:
    """What the loosest collations compare: no case, no accents, no width, no blanks at the end.

    >>> fold("Ángel ")
    'angel'
    """
    if text.isascii():
        return text.lower().rstrip()
    plain = normalize("NFKD", text).casefold()
    return "".join(c for c in normalize("NFKD", plain) if not combining(c)).rstrip()


@lru_cache(maxsize=1024)
def joined(left: Pool, right: Pool) -> Pool:
    """The product of two pools as one, in row-major order."""
    m, n = len(left), len(right)
    values = join_texts(
        left.values.take(array_of(np.repeat(np.arange(m), n))),
        right.values.take(array_of(np.tile(np.arange(n), m))),
    )
    if left.weights is None and right.weights is None:
        return Pool(values)
    return Pool(values, np.multiply.outer(_small(left), _small(right)).reshape(-1))


def _small(pool: Pool) -> Integers:
    """Weights below 2**24, so that products of a few stay far from overflow."""
    weights = np.ones(len(pool), np.int64) if pool.weights is None else pool.weights
    shift = max(0, int(weights.max(initial=1)).bit_length() - 24)
    small: Integers = np.maximum(weights >> shift, 1)
    return small


def phrase_makers(
    phrases: Mapping[str, Callable[[], Sequence[tuple[int, Phrase]]]],
) -> dict[str, Callable[[Mapping[str, Any], ColumnContext], Space]]:
    """A rule for every name: texts of its phrases, as long as options and column allow."""

    def maker(name: str) -> Callable[[Mapping[str, Any], ColumnContext], Space]:
        def make(options: Mapping[str, Any], context: ColumnContext) -> Space:
            return phrase_space(phrases[name](), limits_of(options, context), unique=context.unique)

        make.__doc__ = f"Values in the shape of {name}."
        return make

    return {name: maker(name) for name in phrases}


def phrase_space(phrases: Sequence[tuple[int, Phrase]], limits: Limits, *, unique: bool) -> Space:
    """The space of all values of weighted ``phrases`` within ``limits``.

    Phrases of which nothing fits are left out; where nothing fits at all, the space is letters of a length that does
    (and empty where not even that exists). ``unique``: only values that cannot be reached in two ways, also under
    collations that ignore case and accents.
    """
    fitted = [(weight, fit) for weight, phrase in phrases if (fit := _fit(phrase, limits, unique)) is not None]
    if not fitted:
        letters = _letters(limits)
        fit = _fit(letters, limits, unique) if letters else None
        if fit is None:
            return Space(0, lambda indices, given: pa.nulls(0, pa.string()))
        fitted = [(1, fit)]
    if unique:
        fitted = _disjoint(fitted)
    spaces = [_product(fit, limits, unique and len(fitted) == 1) for _, fit in fitted]
    return spaces[0] if len(spaces) == 1 else union(spaces, [w for w, _ in fitted])


def _letters(limits: Limits) -> Phrase | None:
    width = max(limits.minimum, 8 if limits.maximum is None else min(limits.maximum, 8))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if limits.case == "upper" else "abcdefghijklmnopqrstuvwxyz"
    return (Pool.of(alphabet),) * min(width, 64) + ("x" * (width - 64),) if width > 0 else None


def _fit(phrase: Phrase, limits: Limits, unique: bool) -> list[Pool | Number] | None:
    """The phrase's pools cut so that every combination keeps the limits; None when that leaves a pool empty."""
    cased: dict[str | None, Callable[[pa.Array], pa.Array]] = {"lower": pc.utf8_lower, "upper": pc.utf8_upper}
    change = cased.get(limits.case)
    measure = pc.binary_length if limits.octets else pc.utf8_length
    parts: list[Pool | Number] = []
    for part in phrase:
        if isinstance(part, Number):
            parts.append(part)
            continue
        pool = _literal(part) if isinstance(part, str) else part
        parts.append(replace(pool, values=change(pool.values)) if change else pool)
    pools = [p for p in parts if isinstance(p, Pool)]
    if any(len(p) == 0 for p in pools):
        return None
    lengths = [numpy_of(measure(p.values)).astype(np.int64) for p in pools]
    kept = _within(lengths, limits)
    if kept is None:
        return None
    cut = iter([p if k.all() else p.keep(k) for p, k in zip(pools, kept, strict=True)])
    parts = [next(cut) if isinstance(p, Pool) else p for p in parts]
    return _decodable(_fused(parts)) if unique else _fused([p for p in parts if isinstance(p, Pool)])


@lru_cache(maxsize=1024)
def _literal(text: str) -> Pool:
    return Pool.of([text])


def _within(lengths: list[Integers], limits: Limits) -> list[npt.NDArray[np.bool_]] | None:
    """Which values of each pool to keep so that sums of lengths lie in the limits, losing few combinations."""
    masks = [np.ones(len(n), bool) for n in lengths]
    for sign, bound in ((1, limits.maximum), (-1, -limits.minimum)):
        if bound is None:
            continue
        signed = [sign * n for n in lengths]
        while sum(int(n[m].max()) for n, m in zip(signed, masks, strict=True)) > bound:
            shorter = [m & (n < int(n[m].max())) for n, m in zip(signed, masks, strict=True)]
            # Cut where the smallest share of values is lost.
            share, at = max(
                (int(s.sum()) / int(m.sum()), -i) for i, (s, m) in enumerate(zip(shorter, masks, strict=True))
            )
            if share == 0:
                return None
            masks[-at] = shorter[-at]
    return masks


def _fused(parts: Sequence[Pool | Number]) -> list[Pool | Number]:
    out: list[Pool | Number] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, Pool) and isinstance(last, Pool) and len(last) * len(part) <= FUSE:
            out[-1] = joined(last, part)
        else:
            out.append(part)
    return out


def _decodable(parts: list[Pool | Number]) -> list[Pool | Number] | None:
    """Keep values that make every concatenation unique: none is the beginning of another in its pool (but the last)."""
    last = max(i for i, p in enumerate(parts) if isinstance(p, Pool))
    out: list[Pool | Number] = []
    for i, part in enumerate(parts):
        if not isinstance(part, Pool):
            out.append(part)
            continue
        before_number = i + 1 < len(parts) and not isinstance(parts[i + 1], Pool)
        pool = _distinct(part, i != last and not before_number, before_number)
        if not len(pool):
            return None
        out.append(pool)
    return out


@lru_cache(maxsize=1024)
def _distinct(pool: Pool, inner: bool, before_number: bool) -> Pool:
    """The pool's values that no collation takes for another; ``inner``: and none is the beginning of another."""
    texts = pool.values.to_pylist()
    folded = [fold(t + "|")[:-1] if inner else fold(t) for t in texts]
    keep = np.ones(len(texts), bool)
    seen: str | None = None
    for j in sorted(range(len(texts)), key=lambda k: (folded[k], k)):
        text = folded[j]
        taken = seen is not None and (text.startswith(seen) if inner else text == seen)
        # An optional part would be the beginning of everything: it is left out instead.
        empty = inner and not text and len(texts) > 1
        if taken or empty or (before_number and text[-1:].isdigit()):
            keep[j] = False
        else:
            seen = text
    return pool if keep.all() else pool.keep(keep)


def _disjoint(fitted: list[tuple[int, list[Pool | Number]]]) -> list[tuple[int, list[Pool | Number]]]:
    """The largest phrase, and with it others of one width each: another width, or nowhere the same letters."""
    ordered = sorted(fitted, key=lambda f: -_count(f[1]))
    widths = [_width(parts) for _, parts in ordered]
    if widths[0] is None:
        return ordered[:1]
    taken: dict[int, list[list[frozenset[str] | None]]] = {}
    out = []
    for (weight, parts), width in zip(ordered, widths, strict=True):
        if width is None:
            continue
        places = _places(parts)
        if all(_never_alike(places, other) for other in taken.get(width, ())):
            taken.setdefault(width, []).append(places)
            out.append((weight, parts))
    return out


def _places(parts: Sequence[Pool | Number]) -> list[frozenset[str] | None]:
    """The characters that may stand at each place of a phrase of one width, in small letters; None: any."""
    return [place for part in parts if isinstance(part, Pool) for place in _places_of(part)]


@lru_cache(maxsize=1024)
def _places_of(pool: Pool) -> tuple[frozenset[str] | None, ...]:
    width = int(pc.max(pc.utf8_length(pool.values)).as_py())
    values = [v.lower() for v in pool.values.to_pylist()] if len(pool) <= FUSE else []
    told = bool(values) and all(v.isascii() for v in values)
    return tuple(frozenset(v[i] for v in values) if told else None for i in range(width))


def _never_alike(a: Sequence[frozenset[str] | None], b: Sequence[frozenset[str] | None]) -> bool:
    return len(a) == len(b) and any(x is not None and y is not None and not x & y for x, y in zip(a, b, strict=True))


def _width(parts: Sequence[Pool | Number]) -> int | None:
    total = 0
    for part in parts:
        if not isinstance(part, Pool):
            return None
        bounds = pc.min_max(pc.utf8_length(part.values)).as_py()
        if bounds["min"] != bounds["max"]:
            return None
        total += int(bounds["min"])
    return total


def _count(parts: Sequence[Pool | Number]) -> int:
    total = 1
    for part in parts:
        total *= len(part) if isinstance(part, Pool) else 1
    return total


def _product(parts: list[Pool | Number], limits: Limits, unique: bool) -> Space:
    # A space ends at 2**62: later pools then keep to one value, which only shortens the tail of a huge space.
    pools: list[Pool] = []
    core = 1
    for part in parts:
        if isinstance(part, Pool):
            fitting = min(len(part), max(1, LARGEST // core))
            pools.append(part if fitting == len(part) else part.keep(np.arange(len(part)) < fitting))
            core *= fitting
    slots = [(i, p.prefix) for i, p in enumerate(parts) if isinstance(p, Number)]
    levels = min(_levels(pools, slots[0][1], limits), LARGEST // core) if unique and slots else 1

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        level = indices // core if levels > 1 else None
        rest = indices if level is None else indices - level * core
        pieces: list[pa.Array] = []
        for pool in reversed(pools[1:]):
            upper = rest // len(pool)
            pieces.append(pool.values.take(array_of(rest - upper * len(pool))))
            rest = upper
        pieces.append(pools[0].values.take(array_of(rest)))
        pieces.reverse()
        if level is not None and level.any():
            slot, prefix = slots[0]
            numbers = join_texts(prefix, array_of(level + 1).cast(pa.string()))
            pieces.insert(slot, pc.if_else(array_of(level == 0), scalar_of(""), numbers))
        return pieces[0] if len(pieces) == 1 else join_texts(*pieces)

    def draw(words: Words) -> Integers:
        bits = Bits(words)
        index = pools[0].draw(bits)
        for pool in pools[1:]:
            index = index * len(pool) + pool.draw(bits)
        return index

    return Space(core * levels, at, draw=draw, block=core if levels > 1 else None)


def _levels(pools: Sequence[Pool], prefix: str, limits: Limits) -> int:
    """How many numbers the length allows behind the plain values: the plain ones, then 2, 3, ..."""
    if limits.maximum is None:
        return 10**9 - 1
    measure = pc.binary_length if limits.octets else pc.utf8_length
    room = limits.maximum - len(prefix) - sum(int(pc.max(measure(p.values)).as_py()) for p in pools)
    return 10 ** min(room, 9) - 1 if room > 0 else 1


def union(spaces: Sequence[Space], weights: Sequence[int]) -> Space:
    """Spaces one behind the other, drawn from by weight."""
    # Indices end at 2**62: huge spaces give up their far ends so that all have room.
    room = LARGEST if sum(s.size for s in spaces) <= LARGEST else LARGEST // len(spaces)
    sizes = [min(s.size, room) for s in spaces]
    starts = np.cumsum([0, *sizes], dtype=np.int64)
    table = guide(np.asarray(weights, np.int64))

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        which = np.searchsorted(starts, indices, side="right") - 1
        order = np.argsort(which, kind="stable")
        ends = np.searchsorted(which[order], np.arange(len(spaces) + 1))
        pieces = []
        for i, space in enumerate(spaces):
            rows = order[ends[i] : ends[i + 1]]
            if len(rows):
                own = {name: column.take(array_of(rows)) for name, column in given.items()}
                pieces.append(space.at(indices[rows] - starts[i], own))
        if not pieces:
            return spaces[0].at(indices, given)
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.concat_arrays(pieces).take(array_of(back))

    def draw(words: Words) -> Integers:
        bits = Bits(words)
        which = table[bits.take(16)]
        inner = bits.words << np.uint64(16) | bits.words >> np.uint64(48)
        index = np.empty(len(words), np.int64)
        for i, space in enumerate(spaces):
            rows = np.flatnonzero(which == i)
            if len(rows):
                index[rows] = starts[i] + drawn(space, inner[rows]) % sizes[i]
        return index

    return Space(int(starts[-1]), at, draw=draw)


def drawn(space: Space, words: Words) -> Integers:
    """Indices with repetition for raw words: see ``Space``."""
    if space.draw is not None:
        return space.draw(words)
    if space.cumulative is not None:
        return choose(words, space.cumulative)
    return spread(words, space.block or space.size)


def spread(words: Words, size: int) -> Integers:
    """Words to integers in [0, size), all alike, also beyond 2**31: the high half of a 64 x 64 bit product."""
    if size < 2**31:
        return below(words, size)
    low = np.uint64(2**32 - 1)
    half = np.uint64(32)
    upper, lower = np.uint64(size >> 32), np.uint64(size & (2**32 - 1))
    high, rest = words >> half, words & low
    middle = (rest * lower >> half) + (high * lower & low) + (rest * upper & low)
    product: Integers = (high * upper + (high * lower >> half) + (rest * upper >> half) + (middle >> half)).astype(
        np.int64
    )
    return product
