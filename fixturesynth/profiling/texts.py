"""Statistics of texts: protected values, shapes, words and lengths, by whole columns."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.protection import Protector

__all__ = [
    "EDGE_MARKS",
    "WORD_ROWS",
    "Coded",
    "code_texts",
    "length_quantiles",
    "protected_patterns",
    "protected_values",
    "protected_words",
]

MOST_VALUES = 5_000
MOST_WORDS = 2_000
MOST_PATTERNS = 64
MOST_SHAPE_BYTES = 64
FEWEST_OF_A_SHAPE = 40  # values, below which few letters are chance
FEW_LETTERS = 6
ROOM = 5
CLOSE = 0.6  # of all numbers of so many digits, that those of a shape may span to be told by their ends
_RUN = re.compile(r"(?<!9)9{2,4}(?!9)")
WORD_ROWS = 50_000
EDGE_MARKS = ".,;:!?()[]{}\"'"

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coded:
    """Texts without nulls: ``distinct`` (large strings, in order of appearance), ``codes`` shape (n,), ``counts``."""

    distinct: pa.Array
    codes: Integers
    counts: Integers
    protector: Protector

    @property
    def supporters(self) -> Integers:
        return self.protector.supporters(self.codes, len(self.distinct))


def code_texts(texts: pa.Array, protector: Protector) -> Coded:
    """``texts``: large strings without nulls, shape (n,)."""
    encoded = texts.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Coded(encoded.dictionary, codes, np.bincount(codes, minlength=len(encoded.dictionary)), protector)


def protected_values(coded: Coded, closed: frozenset[str] = frozenset()) -> tuple[tuple[tuple[str, int], ...], int]:
    """(value, rows) of the values with enough rows, most frequent first, and the rows of all others."""
    kept = coded.supporters >= coded.protector.protection
    if closed:
        kept |= pc.is_in(coded.distinct, value_set=pa.array(sorted(closed), pa.large_string())).to_numpy(
            zero_copy_only=False
        )
    places = np.flatnonzero(kept)
    places = places[np.argsort(-coded.counts[places], kind="stable")][:MOST_VALUES]
    texts = coded.distinct.take(pa.array(places)).to_pylist()
    counts = coded.counts[places]
    return tuple(zip(texts, counts.tolist(), strict=True)), int(coded.codes.size - counts.sum())


# 9 for a digit, A for a capital, a for a small letter of ASCII; every other byte stays.
_SHAPES = np.arange(256, dtype=np.uint8)
_SHAPES[ord("0") : ord("9") + 1] = ord("9")
_SHAPES[ord("A") : ord("Z") + 1] = ord("A")
_SHAPES[ord("a") : ord("z") + 1] = ord("a")


def shapes(texts: pa.Array) -> pa.Array:
    """The shape of every text (large strings without nulls): same bytes, letters and digits replaced by class.

    >>> shapes(pa.array(["N14-x"], pa.large_string())).to_pylist()
    ['A99-a']
    """
    if not len(texts):
        return texts
    offsets, data = _bytes(texts)
    shaped = _SHAPES[data]
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(shaped))


def _bytes(texts: pa.Array) -> tuple[Integers, npt.NDArray[np.uint8]]:
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.empty(0, dtype=np.uint8)
    return offsets - offsets[0], data[int(offsets[0]) : int(offsets[-1])]


def protected_patterns(
    coded: Coded, needed: int | None = None, *, bounded: bool = False
) -> tuple[tuple[tuple[str, int], ...], int]:
    """(pattern, rows) of the shapes with enough rows, most frequent first, and how many shapes there are in all.

    A place where every value of a shape has the same letter or digit keeps it: literally when it is none of ``9``,
    ``A``, ``a``, else after a backslash (as a literal backslash is). ``N14228, N24211`` give ``N\\\\9`` style
    patterns only where nothing varies, or where it is one value alone that enough rows have. ``needed``: how many
    values of a shape must differ; None: all that there are. ``bounded``: whether numbers of two to four digits that lie
    close together are told by their ends, ``⟦01-12⟧`` for a month.
    """
    shaped = shapes(coded.distinct).dictionary_encode()
    codes = shaped.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(shaped.dictionary)
    supporters = coded.protector.supporters(codes[coded.codes], size)
    rows = np.bincount(codes, weights=coded.counts, minlength=size).astype(np.int64)
    short = pc.less_equal(pc.binary_length(shaped.dictionary), MOST_SHAPE_BYTES).to_numpy(zero_copy_only=False)
    places = np.flatnonzero((supporters >= coded.protector.protection) & short)
    places = places[np.argsort(-rows[places], kind="stable")][:MOST_PATTERNS]
    found: dict[str, int] = {}
    shared = coded.supporters
    for place in places:
        of_shape = np.flatnonzero(codes == place)
        shape = shaped.dictionary[int(place)].as_py()
        for some in _by_letters(coded, of_shape, shape, needed):
            known = some.size == 1 and bool(shared[some[0]] >= coded.protector.protection)
            members = coded.distinct.take(pa.array(some))
            least = min(some.size, needed or some.size)
            runs = _bounds(members, shape, coded.protector.protection, least) if bounded else {}
            pattern = _with_literals(members, shape, runs, known=known)
            found[pattern] = found.get(pattern, 0) + int(coded.counts[some].sum())
    ranked = sorted(found.items(), key=lambda entry: -entry[1])[:MOST_PATTERNS]
    return tuple(ranked), size


def _by_letters(coded: Coded, members: Integers, shape: str, needed: int | None) -> list[Integers]:
    """The values of a shape, by the letters at places that have few (``LV`` and ``MV``), else all in one.

    Only where enough entities have each, and where what stays free has room for many times the values that there are.
    """
    kinds = np.frombuffer(shape.encode(), dtype=np.uint8)
    if not shape.isascii() or members.size < FEWEST_OF_A_SHAPE:
        return [members]
    matrix = _bytes(coded.distinct.take(pa.array(members)))[1].reshape(members.size, -1)
    lettered = np.flatnonzero((kinds == ord("A")) | (kinds == ord("a")))
    few = [i for i in lettered.tolist() if 1 < np.unique(matrix[:, i]).size <= FEW_LETTERS]
    if not few:
        return [members]
    _, group = np.unique(matrix[:, few], axis=0, return_inverse=True)
    group = np.asarray(group).reshape(-1)
    parts = [members[group == number] for number in range(int(group.max()) + 1)]
    varied = [
        m for m in range(kinds.size) if kinds[m] in b"9Aa" and m not in few and (matrix[:, m] != matrix[0, m]).any()
    ]
    room = sum(math.log(10 if kinds[m] == ord("9") else 26) for m in varied)
    if len(parts) > FEW_LETTERS or room < math.log(ROOM * min(max(p.size for p in parts), needed or members.size)):
        return [members]
    owner = np.full(len(coded.distinct), len(parts), dtype=np.int64)
    for number, part in enumerate(parts):
        owner[part] = number
    supporters = coded.protector.supporters(owner[coded.codes], len(parts) + 1)[: len(parts)]
    return parts if int(supporters.min()) >= coded.protector.protection else [members]


def _bounds(members: pa.Array, shape: str, protection: int, needed: int) -> dict[int, tuple[int, int, int]]:
    """(digits, least, greatest) of the numbers that lie close together, by the place of their first digit.

    None where they leave too little room for ``needed`` values to differ.
    """
    if not shape.isascii() or len(members) < FEWEST_OF_A_SHAPE:
        return {}
    matrix = _bytes(members)[1].reshape(len(members), -1).astype(np.int64) - ord("0")
    found: dict[int, tuple[int, int, int]] = {}
    for run in _RUN.finditer(shape):
        size = run.end() - run.start()
        numbers = np.sort(matrix[:, run.start() : run.end()] @ 10 ** np.arange(size - 1, -1, -1))
        low, high = int(numbers[protection - 1]), int(numbers[-protection])
        if 0 < high - low < CLOSE * 10**size:
            found[run.start()] = size, low, high
    inside = {place + i for place, (size, _, _) in found.items() for i in range(size)}
    room = sum(math.log(high - low + 1) for _, low, high in found.values())
    for place, kind in enumerate(shape):
        if kind in "9Aa" and place not in inside and (matrix[:, place] != matrix[0, place]).any():
            room += math.log(10 if kind == "9" else 26)
    return found if room >= math.log(ROOM * needed) else {}


def _with_literals(
    members: pa.Array, shape: str, bounds: Mapping[int, tuple[int, int, int]] = MappingProxyType({}), *, known: bool
) -> str:
    """``known``: whether a value alone may be told; ``bounds``: ends of its numbers."""
    _, data = _bytes(members)
    matrix = data.reshape(len(members), -1)
    first = members[0].as_py()
    if not shape.isascii():
        return shape.replace("\\", "\\\\")
    alike = (matrix == matrix[:1]).all(axis=0)
    fixed = alike if len(members) > 1 or known else np.zeros(matrix.shape[1], dtype=bool)
    out = []
    skipped = {place + i for place, (size, _, _) in bounds.items() for i in range(1, size)}
    for place, (kind, letter, same) in enumerate(zip(shape, first, fixed.tolist(), strict=True)):
        if place in bounds:
            size, low, high = bounds[place]
            out.append(f"⟦{low:0{size}d}-{high:0{size}d}⟧")
        if place in bounds or place in skipped:
            continue
        literal = same or kind not in "9Aa"
        out.append(("\\" + letter if letter in "9Aa\\" else letter) if literal else kind)
    return "".join(out)


def protected_words(coded: Coded) -> tuple[tuple[str, int], ...]:
    """(word, rows) of the words with enough rows; long columns are looked at evenly, 50,000 rows of them."""
    rows = np.arange(coded.codes.size)
    if rows.size > WORD_ROWS:
        rows = rows[:: rows.size // WORD_ROWS + 1]
    protector = coded.protector.of_rows(rows)
    texts = coded.distinct.take(pa.array(coded.codes[rows]))
    lists = pc.utf8_split_whitespace(texts)
    owners = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = pc.utf8_trim(pc.list_flatten(lists), characters=EDGE_MARKS)
    filled = pc.greater(pc.binary_length(flat), 0)
    owners = owners[filled.to_numpy(zero_copy_only=False)]
    encoded = flat.filter(filled).dictionary_encode()
    size = len(encoded.dictionary)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = np.unique(codes * max(rows.size, 1) + owners)
    words, owners = pairs // max(rows.size, 1), pairs % max(rows.size, 1)
    counts = np.bincount(words, minlength=size)
    supporters = protector.of_rows(owners).supporters(words, size)
    places = np.flatnonzero(supporters >= protector.protection)
    places = places[np.argsort(-counts[places], kind="stable")][:MOST_WORDS]
    return tuple(zip(encoded.dictionary.take(pa.array(places)).to_pylist(), counts[places].tolist(), strict=True))


def length_quantiles(lengths: Integers, protection: int) -> tuple[int, ...]:
    """17 quantiles of ``lengths``, the ends clipped; empty when there are fewer than ``protection``."""
    if lengths.size < protection:
        return ()
    ordered = np.sort(lengths)
    places = np.rint(np.linspace(0, ordered.size - 1, 17)).astype(np.int64)
    edge = min(protection - 1, (ordered.size - 1) // 2)
    return tuple(int(v) for v in ordered[np.clip(places, edge, ordered.size - 1 - edge)])
