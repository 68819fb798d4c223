"""One column: what kind of values it has, and their protected statistics."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.documents import describe_documents, looks_like_json
from fixturesynth.profiling.numerics import number_statistics
from fixturesynth.profiling.profile import ColumnKind, ColumnProfile
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.ranges import profile_ranges
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.profiling.texts import (
    WORD_ROWS,
    Coded,
    code_texts,
    length_quantiles,
    protected_patterns,
    protected_values,
    protected_words,
)
from fixturesynth.profiling.wording import find_places
from fixturesynth.profiling.writing import find_frame, find_joint, find_writing
from fixturesynth.schema.model import Column

__all__ = ["format_temporal", "parse_temporal", "profile_column"]

Role = Literal["key", "reference"]

UUID = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
HEX = "^[0-9a-fA-F]{24,}$"
KEY_NAME = re.compile(r"(^|_|[a-z])(id|key|pk|no|nr|num|number|seq|rowid|oid|sk)$", re.IGNORECASE)
LONGEST_CODE = 40
MOST_CATEGORIES = 5_000
SAMPLE = 2_000


def profile_column(
    column: Column,
    values: pa.ChunkedArray,
    *,
    protection: int,
    groups: npt.ArrayLike | None = None,
    table: str = "",
    role: Role | None = None,
    closed: Iterable[Any] = (),
) -> ColumnProfile:
    """The protected profile of ``values``, shape (n,).

    ``groups``: root entity of each row (integers, shape (n,)); a value then needs ``protection`` of different
    entities. ``role``: a single-column key of its table, or a single-column reference. ``closed``: values that the
    schema itself names (enum, CHECK IN), stored however rare. ``table`` helps to guess the meaning.
    """
    whole = _plain(values)
    present = whole.is_valid().to_numpy(zero_copy_only=False)
    base = ColumnProfile(name=column.name, kind="empty", rows=len(whole), nulls=int((~present).sum()), distinct=0)
    if not present.any():
        return replace(base, meaning=guess_meaning(table, column, None))
    protector = Protector.of(protection, groups).of_rows(present)
    if base.nulls:
        whole = whole.drop_null()
    known = frozenset(closed) | frozenset(column.type.values)
    profile = _reader(whole.type)(column, whole, protector, base, role, known)
    if column.type.kind == "range" and column.type.element is not None:
        # Never categories, patterns or words: what can be told of a range is where it begins and how long it is.
        bare = replace(
            profile, kind="code", values=(), rare=0, patterns=(), words=(), lengths=(), spikes=(), writing=None
        )
        return profile_ranges(bare, whole, column.type.element, protector)
    if profile.kind in ("json", "array") and _is_document(whole.type):

        def leaf(inner: Column, found: pa.Array, owned: Protector) -> ColumnProfile:
            return profile_column(inner, found, protection=owned.protection, groups=owned.groups, table=table)

        profile = describe_documents(column, profile, whole, protector, leaf)
    sample = whole if pa.types.is_nested(whole.type) else whole.slice(0, 10 * SAMPLE).unique().slice(0, SAMPLE)
    return replace(profile, meaning=guess_meaning(table, column, sample))


def _is_document(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or _is_list(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


Reader = Callable[[Column, pa.Array, Protector, ColumnProfile, Role | None, frozenset[Any]], ColumnProfile]


def _plain(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array, dictionaries and text views decoded, text with 64-bit offsets."""
    whole = values
    if isinstance(values, pa.ChunkedArray):
        whole = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_dictionary(whole.type):
        whole = whole.cast(whole.type.value_type)
    if pa.types.is_string(whole.type) or pa.types.is_string_view(whole.type):
        whole = whole.cast(pa.large_string())
    return whole


def _reader(type_: pa.DataType) -> Reader:
    for test, reader in _READERS:
        if test(type_):
            return reader
    return _opaque


def _numbers(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    fits = values.type != pa.uint64() or pc.max(values).as_py() < 2**63
    if pa.types.is_integer(values.type) and fits:
        numbers: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False).astype(np.int64)
    else:
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        finite = np.isfinite(numbers)
        if not finite.all():
            numbers, protector = numbers[finite], protector.of_rows(finite)
            if not numbers.size:
                return replace(base, kind="number", rare=base.rows - base.nulls)
    numeric_known = frozenset(v for v in known if isinstance(v, (int, float)))
    profile = _with_numbers(base, numbers, protector, numeric_known)
    kind: ColumnKind = "integer" if profile.decimals is not None else "number"
    truths = profile.distinct <= 2 and set(np.unique(numbers[:SAMPLE]).tolist()) <= {0, 1}
    if profile.distinct <= 2 and truths and np.isin(numbers, (0, 1)).all():
        kind = "boolean"
        profile = replace(profile, values=_counted(numbers), rare=0)
    elif profile.unique and profile.decimals == 0 and (role == "key" or _serial(column, profile)):
        kind = "identifier"
        profile = replace(profile, values=(), rare=0)
    return _settled(profile, kind)


def _serial(column: Column, profile: ColumnProfile) -> bool:
    if column.identity or column.autoincrement:
        return True
    return bool(KEY_NAME.search(column.name)) and (profile.sequence is not None or profile.rows >= 20)


def _counted(numbers: npt.NDArray[Any]) -> tuple[tuple[Any, int], ...]:
    distinct, counts = np.unique(numbers, return_counts=True)
    found = [(int(v), int(c)) for v, c in zip(distinct, counts, strict=True)]
    return tuple(sorted(found, key=lambda pair: -pair[1]))


def _with_numbers(
    base: ColumnProfile, numbers: npt.NDArray[Any], protector: Protector, known: frozenset[Any] = frozenset()
) -> ColumnProfile:
    found = number_statistics(numbers, base.rows, protector, known)
    return replace(base, **vars(found))


def _settled(profile: ColumnProfile, kind: ColumnKind) -> ColumnProfile:
    """``constant`` where one value is all there is and it may be stored."""
    return replace(profile, kind="constant" if profile.distinct == 1 and profile.values else kind)


def _booleans(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    counts = [(True, int(pc.sum(values).as_py())), (False, len(values) - int(pc.sum(values).as_py()))]
    found = tuple(sorted(((v, c) for v, c in counts if c), key=lambda pair: -pair[1]))
    return _settled(replace(base, distinct=len(found), values=found), "boolean")


def _temporals(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    parsed = parse_temporal(values)
    if parsed is None:
        return _opaque(column, values, protector, base, role, known)
    ints, unit, format = parsed
    return _settled(replace(_with_numbers(base, ints, protector), unit=unit, format=format, decimals=0), "datetime")


def _binaries(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    lengths = pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = int(pc.count_distinct(values).as_py())
    return replace(
        base,
        kind="binary",
        distinct=distinct,
        unique=distinct == len(values),
        lengths=length_quantiles(lengths, protector.protection),
    )


def _lists(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    """Lengths are numbers of elements, values are elements with the rows that hold them."""
    lengths = pc.list_value_length(values).to_numpy(zero_copy_only=False).astype(np.int64)
    flat, owners = pc.list_flatten(values), pc.list_parent_indices(values)
    kept = flat.is_valid()
    flat, owners = flat.filter(kept), owners.filter(kept).to_numpy(zero_copy_only=False).astype(np.int64)
    base = replace(base, kind="array", lengths=length_quantiles(lengths, protector.protection))
    if pa.types.is_nested(flat.type) or pa.types.is_binary(flat.type) or not len(flat):
        return base
    coded = code_texts(_plain(flat.cast(pa.string())), protector.of_rows(owners))
    pairs = np.unique(coded.codes * len(values) + owners)
    codes, rows = pairs // len(values), pairs % len(values)
    size = len(coded.distinct)
    once = Coded(coded.distinct, codes, np.bincount(codes, minlength=size), protector.of_rows(rows))
    stored, rare = protected_values(once)
    return replace(base, values=stored, rare=rare, distinct=size)


def _opaque(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    """Structs, maps, intervals of months: nothing is stored but how many there are."""
    return replace(base, kind="json" if pa.types.is_nested(values.type) else "text", distinct=len(values))


def _texts(
    column: Column,
    values: pa.Array,
    protector: Protector,
    base: ColumnProfile,
    role: Role | None,
    known: frozenset[Any],
) -> ColumnProfile:
    coded = code_texts(values, protector)
    rows, distinct = len(values), len(coded.distinct)
    base = replace(base, distinct=distinct, unique=distinct == rows)
    closed = frozenset(str(v) for v in known)
    if looks_like_json(coded.distinct, declared=column.type.kind == "json"):
        return replace(base, kind="json", lengths=_lengths(coded))
    parsed = parse_temporal(coded.distinct)
    if parsed is not None:
        ints, unit, format = parsed
        dated = _with_numbers(base, ints[coded.codes], protector)
        return _settled(replace(dated, unit=unit, format=format, decimals=0), "datetime")
    if column.type.kind == "uuid" or _all_match(coded.distinct, UUID):
        return replace(base, kind="identifier", lengths=_lengths(coded), patterns=_patterns(coded, 0.9))
    if base.unique and _all_match(coded.distinct, HEX):
        return replace(base, kind="identifier", lengths=_lengths(coded))
    stored, rare = protected_values(coded, closed)
    base = replace(base, lengths=_lengths(coded), writing=find_writing(coded))
    if distinct == 1 and stored:
        return replace(base, kind="constant", values=stored)
    if column.type.kind == "enum" or closed or _repeats(rows, distinct, rare, unique=role == "key"):
        thin = rare > 0.05 * rows
        return replace(
            base,
            kind="categorical",
            values=stored,
            rare=rare,
            patterns=_patterns(coded, 0.6) if thin else (),
            **(_words(coded, base) if thin else {}),
        )
    longest = int(pc.max(pc.binary_length(coded.distinct)).as_py())
    patterns = _patterns(coded, 0.6) if longest <= LONGEST_CODE else ()
    # Capitals without a blank, all of one length, are no words however long they are.
    one_width = len({len(_ESCAPE.sub("A", p)) for p, _ in patterns}) == 1
    coded_rows = sum(n for pattern, n in patterns if _codelike(pattern) or (one_width and _CAPITALS.match(pattern)))
    if patterns and 2 * coded_rows >= sum(n for _, n in patterns):
        return replace(base, kind="code", patterns=patterns)
    return replace(base, kind="text", **_words(coded, base))


def _words(coded: Coded, base: ColumnProfile) -> dict[str, Any]:
    """Protected words, and how many of a thousand words of the texts they are."""
    writing, (front, back) = dict(base.writing or {}), find_frame(coded)
    if front or back:
        inner = pc.utf8_slice_codeunits(coded.distinct, len(front))
        inner = pc.utf8_slice_codeunits(inner, 0, -len(back)) if back else inner
        coded = replace(coded, distinct=inner)
        writing = {k: v for k, v in writing.items() if k != "final"} | {"frame": [front, back]}
    if joint := find_joint(coded):
        coded = replace(coded, distinct=pc.replace_substring(coded.distinct, joint, " "))
        writing = {k: v for k, v in writing.items() if k != "masks"} | {"joint": joint}
    words = protected_words(coded)
    places, taken = find_places(coded, words)
    writing |= places
    count = pc.count_substring_regex(coded.distinct, r"\S+").to_numpy(zero_copy_only=False)
    share = min(WORD_ROWS / max(coded.codes.size, 1), 1.0)
    total = max(float((count * coded.counts).sum()) * share, 1.0)
    told = sum(n for _, n in words) / total
    writing["told"] = min(round(1000 * told), 1000)
    if taken:
        large = sum(n for w, n in words if w[:1].isupper())
        writing["large"] = 2 * large > sum(n for _, n in words)
        rest = sum(n - taken.get(w, 0) for w, n in words) / max(total - sum(taken.values()), 1.0)
        writing["between"] = min(round(1000 * rest), 1000)
    return {"words": words, "writing": writing}


def _lengths(coded: Coded) -> tuple[int, ...]:
    lengths = pc.utf8_length(coded.distinct).to_numpy(zero_copy_only=False).astype(np.int64)
    return length_quantiles(lengths[coded.codes], coded.protector.protection)


def _all_match(distinct: pa.Array, pattern: str) -> bool:
    """Whether every text matches; the first few are looked at alone, because mostly they settle it."""
    head = pc.match_substring_regex(distinct.slice(0, 20), pattern)
    return bool(pc.all(head).as_py() and pc.all(pc.match_substring_regex(distinct, pattern)).as_py())


def _repeats(rows: int, distinct: int, rare: int, *, unique: bool) -> bool:
    """Few distinct values that come again: a category."""
    if unique or distinct > MOST_CATEGORIES or rows < 2 * distinct:
        return False
    # Of values that come again, a tenth of the rows that may be told is worth telling; others stand in for the rest.
    return rare <= 0.9 * rows or (distinct <= 20 and rows >= 3 * distinct)


def _patterns(coded: Coded, cover: float) -> tuple[tuple[str, int], ...]:
    """Protected shapes, when they cover that share of the rows and are few compared to the values."""
    patterns, shapes = protected_patterns(coded)
    if sum(rows for _, rows in patterns) < cover * coded.codes.size:
        return ()
    return patterns if shapes <= max(8, len(coded.distinct) // 8) else ()


CODELIKE = re.compile(r"\\?9|^[^a-z ]{2,12}$")
_CAPITALS = re.compile(r"^(?:\\?[A-Z])+$")
_ESCAPE = re.compile(r"\\.")


def _codelike(pattern: str) -> bool:
    """Digits somewhere, or capitals only: not an ordinary word."""
    return bool(CODELIKE.search(pattern)) and pattern.count(" ") <= 3


_READERS: tuple[tuple[Callable[[pa.DataType], bool], Reader], ...] = (
    (pa.types.is_boolean, _booleans),
    (pa.types.is_integer, _numbers),
    (pa.types.is_floating, _numbers),
    (pa.types.is_decimal, _numbers),
    (pa.types.is_large_string, _texts),
    (pa.types.is_temporal, _temporals),
    (_is_list, _lists),
    (lambda t: cast(bool, pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t)),
     _binaries),
)  # fmt: skip
