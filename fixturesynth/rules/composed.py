"""Texts put together from other columns and a rest: ``US-CA`` in country ``US``, ``ORD-2024-00017`` in 2024."""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of
from fixturesynth.errors import CapacityError
from fixturesynth.profiling.columnar import view_column
from fixturesynth.profiling.composing import piece_texts
from fixturesynth.randomness import below, choose, hashed, permute
from fixturesynth.rules.contract import ColumnContext, Integers, RuleCall, Space
from fixturesynth.rules.grammar import LARGEST, cut_texts, limits_of

__all__ = ["MAKERS", "composed"]

MOST = 2**40  # values of one shape that are told apart
TRIES: Final = 8  # a number behind a text may make it one that there is
ROOMY: Final = 1.2  # values for each row, that the one shape of a family must have


def composed(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``pieces``, in order: {text}, {texts: [[text, weight]]} for one of several, {column} of the row, {key, column} of
    a parent, and once {rest: true}.

    ``opening``: [[category, text]], what stands for the column's categories.
    ``part``: of a date, as strftime writes it; ``pad``: digits of a number, at least; ``form``: as profiling.spelled
    abbreviates a text. ``line``: of the row above in the same table; where there is none, the text behind it is left
    out too if ``bare``.
    ``roots``: the rest of rows that have none above them, where it is another one.
    ``rest``: {counted: table or family, start, width}, numbers counted off in the table or among the rows whose other
    pieces are the same; or {patterns: [[shape, weight]]}, ``pure`` where such rows have one shape, ``dense`` where
    shapes of digits count them. Rests of unique texts are distinct in their family; so must be what has no rest.
    """
    from fixturesynth.rules.registry import space_of  # the registry knows this rule, and this rule the registry

    pieces, rest = list(options["pieces"]), dict(options.get("rest") or {})
    place = next((i for i, p in enumerate(pieces) if "rest" in p), len(pieces))
    free = replace(context, type=replace(context.type, length=None), unique=True)

    def shapes_of(rest: Mapping[str, Any]) -> tuple[list[list[Any]], list[Space]]:
        shapes = [[str(p), max(int(w), 1)] for p, w in rest.get("patterns") or ()]
        return shapes, [space_of(RuleCall("pattern", {"patterns": [[p, 1]]}, unique=True), free) for p, _ in shapes]

    (shapes, spaces), roots = shapes_of(rest), dict(options.get("roots") or {})
    limits = limits_of(options, context)
    most = _most(rest, shapes, limits.maximum)
    if rest and not most:
        return Space(0, lambda indices, given: pa.nulls(0, pa.string()))

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        if not len(indices):
            return pa.nulls(0, pa.string())
        texts = [_piece(p, given, indices) for p in pieces if "rest" not in p]
        if options.get("bare") and len(texts) > 1:
            texts[1] = pc.if_else(pc.equal(texts[0], ""), "", texts[1])
        front, back = (_joined(some, len(indices)) for some in (texts[:place], texts[place:]))
        if place == len(pieces):
            whole = front if limits.maximum is None else pc.utf8_slice_codeunits(front, 0, limits.maximum)
            return _told_apart(whole, _beyond(indices), limits.maximum) if context.unique else whole
        numbers = _Numbers(indices, rest, LARGEST if context.unique else most)
        if limits.maximum is not None:
            room = limits.maximum - max(numbers.longest, _longest(shapes))
            back = cut_texts(back, np.full(len(back), max(room, 0)))
            front = cut_texts(front, np.maximum(room - numpy_of(pc.utf8_length(back)).astype(np.int64), 0))
        whole = join_texts(front, back, separator="\0").dictionary_encode()
        family = numpy_of(whole.indices).astype(np.int64)
        words = hashed(np.arange(len(whole.dictionary)), 0, "composed", *_few(whole.dictionary))
        made = numbers.texts(family) if rest.get("counted") else _shaped(
            shapes, spaces, family, words, indices, rest, unique=context.unique
        )  # fmt: skip
        if roots:
            own = np.flatnonzero(numpy_of(pc.equal(texts[0], "")))
            none, places = np.zeros(own.size, dtype=np.int64), np.arange(own.size) + _beyond(indices)[own]
            if roots.get("counted"):
                other = _Numbers(places, roots, LARGEST).texts(none)
            else:
                words = hashed(np.zeros(1, dtype=np.int64), 0, "composed", "roots")  # whatever stands below them
                other = _shaped(*shapes_of(roots), none, words, places, roots, unique=context.unique)
            made = _put(made, other, own)
        out = join_texts(front, made, back)
        if limits.maximum is not None and pc.max(pc.utf8_length(out)).as_py() > limits.maximum:
            raise CapacityError(
                "more rows agree in what a composed text begins with than there are rests of its length; "
                "ask for fewer rows or a longer column"
            )
        return out

    return Space(most if context.unique and rest else LARGEST, at, block=1)


def _put(texts: pa.Array, others: pa.Array, rows: Integers) -> pa.Array:
    """``texts`` with ``others`` in some rows."""
    index = np.arange(len(texts))
    index[rows] = len(texts) + np.arange(rows.size)
    return pa.concat_arrays([texts, others.cast(texts.type)]).take(array_of(index))


def _beyond(indices: Integers) -> Integers:
    """How far each index lies beyond the row's place, (n,): rows that repeat what a target has get later ones."""
    return indices - np.arange(indices.size)


def _told_apart(texts: pa.Array, beyond: Integers, maximum: int | None) -> pa.Array:
    """``texts`` with a number behind those that an earlier row, or one of a target, has."""
    beyond = beyond - beyond.min()
    for turn in range(TRIES):
        places = _places(numpy_of(texts.dictionary_encode().indices).astype(np.int64))
        places = places + beyond if not turn else places
        if not places.any():
            break
        ends = pc.if_else(array_of(places > 0), join_texts("-", array_of(places + 1).cast(pa.string())), "")
        if maximum is not None:
            texts = cut_texts(texts, maximum - numpy_of(pc.utf8_length(ends)).astype(np.int64))
        texts = join_texts(texts, ends)
    return texts


def _longest(shapes: Sequence[Sequence[Any]]) -> int:
    plain = (re.sub(r"⟦(\d+)-\d+⟧", r"\1", str(shape)) for shape, _ in shapes)  # of a number, its digits
    return max((len(shape.replace("\\", "")) for shape in plain), default=0)


def _most(rest: Mapping[str, Any], shapes: Sequence[Sequence[Any]], maximum: int | None) -> int:
    """How far rests of so many characters can count; 0 where they have no room."""
    if not rest.get("counted"):
        return LARGEST if maximum is None or _longest(shapes) <= maximum else 0
    digits = min(18, maximum if maximum is not None else 18)
    return max(10**digits - int(rest.get("start", 1)), 0) if int(rest.get("width", 0)) <= digits else 0


def _piece(piece: Mapping[str, Any], given: Mapping[str, pa.Array], indices: Integers) -> pa.Array:
    rows = len(indices)
    if "texts" in piece:
        running = np.cumsum(np.array([max(int(w), 1) for _, w in piece["texts"]], dtype=np.int64))
        which = choose(hashed(indices, 0, "composed text", *(t for t, _ in piece["texts"])), running)
        return array_of([str(t) for t, _ in piece["texts"]], pa.string()).take(array_of(which))
    if "text" in piece:
        return array_of([str(piece["text"])] * rows, pa.string())
    name = f"{piece['key']}.{piece['column']}" if "key" in piece else str(piece["column"])
    values = given.get(name, pa.nulls(rows, pa.string()))
    if "opening" in piece:
        return _opening(piece["opening"], values)
    texts = piece_texts(view_column(name, values), piece.get("part"), int(piece.get("pad", 0)), piece.get("form"))
    return fill_null(texts.cast(pa.string()), "")


def _opening(pairs: Sequence[Sequence[str]], values: pa.Array) -> pa.Array:
    """What texts begin with by the category of each row; one that nobody knows begins as another one does."""
    known = {str(category): str(begun) for category, begun in pairs}
    several = sorted(set(known.values()))
    names = values.cast(pa.string()).dictionary_encode()
    begun = [
        known.get(n) or several[zlib.crc32(n.encode()) % len(several)] for n in names.dictionary.to_pylist()
    ]  # fmt: skip
    return fill_null(array_of(begun, pa.string()).take(names.indices), several[0])


def _joined(texts: Sequence[pa.Array], rows: int) -> pa.Array:
    if not texts:
        return array_of([""] * rows, pa.string())
    return texts[0] if len(texts) == 1 else join_texts(*texts)


def _few(texts: pa.Array) -> tuple[str, ...]:
    """What makes the words of one column's families others than those of another's."""
    return tuple(texts.slice(0, 3).to_pylist())


class _Numbers:
    """Rests that count, and begin again after ``most``."""

    def __init__(self, indices: Integers, rest: Mapping[str, Any], most: int) -> None:
        self.indices, self.rest, self.most = indices, rest, most
        self.start, self.width = int(rest.get("start", 1)), int(rest.get("width", 0))

    @property
    def longest(self) -> int:
        """Digits, at most."""
        last = min(int(self.indices.max()), self.most - 1)
        return max(self.width, len(str(self.start + last))) if self.rest.get("counted") else 0

    def texts(self, family: Integers) -> pa.Array:
        places = self.indices if self.rest["counted"] == "table" else _places(family) + _beyond(self.indices)
        digits = array_of(self.start + places % self.most).cast(pa.string())
        return pc.utf8_lpad(digits, self.width, padding="0") if self.width else digits


def _places(groups: Integers) -> Integers:
    """Each row's number among those of its group, from 0, (n,)."""
    order = np.argsort(groups, kind="stable")
    out = np.empty(groups.size, dtype=np.int64)
    out[order] = np.arange(groups.size) - np.searchsorted(groups[order], groups[order], side="left")
    return out


def _shaped(
    shapes: Sequence[Sequence[Any]], spaces: Sequence[Space], family: Integers, words: Any, indices: Integers,
    rest: Mapping[str, Any], *, unique: bool,
) -> pa.Array:  # fmt: skip
    """A rest of a shape for each row, distinct in each family where that is asked; small shapes first give out."""
    order = sorted(range(len(shapes)), key=lambda k: spaces[k].size)
    sizes = np.array([min(spaces[k].size, MOST) for k in order], dtype=np.int64)
    running = np.cumsum(np.array([shapes[k][1] for k in order], dtype=np.int64))
    beyond = _beyond(indices)
    if rest.get("pure"):
        chosen = choose(hashed(words, 0, "shape"), running)
        if unique:
            needed = np.ceil(ROOMY * (np.bincount(family, minlength=words.size) + beyond.min())).astype(np.int64)
            chosen = np.maximum(chosen, np.minimum(np.searchsorted(sizes, needed), sizes.size - 1))
        which = chosen[family]
    else:
        which = choose(hashed(indices, 0, "composed shape"), running)
    out = pa.nulls(family.size, pa.string())
    for k, shape in enumerate(order):
        own = np.flatnonzero(which == k)
        places = _places(family[own]) + beyond[own]
        size = int(sizes[k])
        if unique and k + 1 < sizes.size:
            which[own[places >= size]] = k + 1
            own, places = own[places < size], places[places < size]
        if not own.size:
            continue
        if not unique:
            at = below(hashed(indices[own], 0, "composed rest"), size)
        elif rest.get("dense") and set(shapes[shape][0]) == {"9"}:
            at = (places + 1) % size
        else:
            shift = below(hashed(words, 0, "composed shift"), size)[family[own]]
            at = (permute(places % size, size, 0, "composed") + shift) % size
        texts = spaces[shape].at(at, {}).cast(pa.string())
        over = places // size
        if unique and over.any():  # no larger shape is left
            more = pc.if_else(array_of(over > 0), array_of(over).cast(pa.string()), "")
            texts = join_texts(texts, more)
        index = np.full(family.size, -1, dtype=np.int64)
        index[own] = np.arange(own.size)
        out = pc.coalesce(texts.take(array_of(index, pa.int64(), mask=index < 0)), out)
    return out


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {"composed": composed}
