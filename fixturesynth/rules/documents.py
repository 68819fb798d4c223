"""Rules for documents and arrays that are made as others were seen to be: by keys, types, values and sizes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of, scalar_of
from fixturesynth.dataset import arrow_type
from fixturesynth.randomness import below, choose, hashed
from fixturesynth.rules.contract import ColumnContext, Integers, Space, Words
from fixturesynth.rules.grammar import LARGEST, limits_of
from fixturesynth.rules.leaves import Mixture, Numbers, Values, as_told, gathered, part_of, quoted, without
from fixturesynth.schema.model import ColumnType

__all__ = ["FORM", "MAKERS", "document", "elements", "inside", "step"]

TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object", "value")
ABSENT: Final = -1
NUMERIC: Final = len(TYPES)  # of forms, which do not tell whole numbers from others
FORM: Final = "form"  # given: the number of each row's form, null where it has none
REDRAWN: Final = 4  # times that an element is drawn again which its array has already
FEW: Final = 256  # values of which elements that differ are dealt without putting back
DEALT_ROWS: Final = 8_192
SHORTENED: Final = 8  # documents that are tried where a column is short
TEXT: Final = ColumnType("text", "text")


def inside(path: str, kind: str) -> str:
    """What is given for the values of one type at one place of documents: ``inside("/size", "integer")``.

    Of arrays (``array``) it is their size.
    """
    return f"{path}:{kind}"


def step(key: str) -> str:
    """The end of a path, as of a JSON pointer (RFC 6901)."""
    return "/" + str(key).replace("~", "~0").replace("/", "~1")


# Places of documents --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """Documents in the making: a word for each, its form (-1: none), its row, and what is given by row."""

    words: Words
    forms: Integers
    at: Integers
    given: Mapping[str, pa.Array]

    def part(self, chosen: Integers, *address: str) -> "_Rows":
        words = hashed(self.words[chosen], 0, *address) if address else self.words[chosen]
        return _Rows(words, self.forms[chosen], self.at[chosen], self.given)

    def told(self, name: str) -> pa.Array | None:
        """What is given under this name, for these documents."""
        values = self.given.get(name)
        return None if values is None else values.take(array_of(self.at))


class _Node:
    """The values of one place."""

    def __init__(
        self,
        options: Mapping[str, Any],
        context: ColumnContext,
        forms: Sequence[Any],
        style: tuple[str, str],
        path: str = "",
        absent: int = 0,
    ) -> None:
        self.path, self.style = path, style
        self.kinds = np.array([TYPES.index(t) for t, _ in options["types"]] + [ABSENT], np.int64)
        weights = [int(n) for _, n in options["types"]]
        self.running = np.cumsum([*weights, absent], dtype=np.int64)
        numeric = [n if t in ("integer", "number") else 0 for t, n in options["types"]]
        self.numeric = np.cumsum([*numeric, 0], dtype=np.int64) if sum(numeric) else None
        self.by_form = np.array([*map(_kind_of, forms), ABSENT], np.int64)
        digits = options.get("digits")
        self.parts = {t: part_of(p, context, digits) for t, p in options.get("parts", {}).items()}
        self.keys = [
            (
                json.dumps(str(key), ensure_ascii=False) + style[1],
                _Node(one, context, [_under(f, key) for f in forms], style, path + step(key), gap),
            )
            for key, gap, one in options.get("keys", ())
        ]
        self.others = _Others(options, context, style) if "others" in options else None
        self.lists = _Lists(options, context, style, path) if "sizes" in options else None

    @property
    def single(self) -> bool:
        """Whether all values are of one type."""
        return len(self.kinds) == 2

    @property
    def scalar(self) -> Any:
        """What all values are drawn from, where they are of one type and no objects or arrays."""
        return next(iter(self.parts.values())) if len(self.parts) == 1 and self.single else None

    def drawn_kinds(self, rows: _Rows) -> Integers:
        """The type of each value: by the document's form, by what is given, by how often each comes."""
        words = hashed(rows.words, 0, "type")
        formed = self.by_form[rows.forms]
        kinds = _chosen(self.kinds, self.running, words)
        told = {t: rows.told(inside(self.path, TYPES[t])) for t in self.kinds.tolist() if t != ABSENT}
        known = {t: numpy_of(v.is_valid()) for t, v in told.items() if v is not None}
        if known:
            # A type that is given nowhere in the row is not this value's.
            others = np.where(np.isin(self.kinds, list(known)), 0, np.diff(self.running, prepend=0))
            if others.any():
                kinds = _chosen(self.kinds, np.cumsum(others), words)
            for kind, here in known.items():
                kinds = np.where(here, kind, kinds)
        numbers = np.isin(kinds, (TYPES.index("integer"), TYPES.index("number")))
        drawn_numbers = ABSENT if self.numeric is None else _chosen(self.kinds, self.numeric, words)
        formed = np.where(formed == NUMERIC, np.where(numbers, kinds, drawn_numbers), formed)
        return np.where(rows.forms >= 0, formed, kinds)

    def all_texts(self, rows: _Rows) -> pa.Array:
        """JSON of values of which none may be absent."""
        kinds = self.drawn_kinds(rows)
        return self.texts(rows, np.where(kinds == ABSENT, TYPES.index("null"), kinds))

    def texts(self, rows: _Rows, kinds: Integers) -> pa.Array:
        """JSON of values of these kinds; nothing for those that are absent."""
        pieces, places = [], []
        for kind in np.unique(kinds).tolist():
            chosen = np.flatnonzero(kinds == kind)
            places.append(chosen)
            name = "" if kind == ABSENT else TYPES[kind]
            pieces.append(self._of_kind(name, rows.part(chosen, name)).cast(pa.string()))
        return pieces[0] if len(pieces) == 1 else gathered(pieces, places)

    def _of_kind(self, kind: str, rows: _Rows) -> pa.Array:
        if kind in self.parts:
            return self._scalars(kind, rows)
        if kind == "object":
            return self._objects(rows)
        if kind == "array" and self.lists is not None:
            return self.lists.texts(rows)
        return array_of([{"": "", "array": "[]"}.get(kind, "null")] * len(rows.words), pa.string())

    def _scalars(self, kind: str, rows: _Rows) -> pa.Array:
        told = rows.told(inside(self.path, kind))
        if told is None:
            return _written(self.parts[kind].raw(rows.words), kind)
        told = as_told(self.parts[kind], told).cast(pa.string())
        if told.null_count:
            part = self.parts[kind]  # what is not told is none of those that come often
            rest = part.parts[-1] if isinstance(part, Mixture) else part
            told = pc.coalesce(told, rest.raw(rows.words).cast(pa.string()))
        return _written(told, kind)

    def _objects(self, rows: _Rows) -> pa.Array:
        comma = self.style[0]
        members = []
        for key, node in self.keys:
            own = rows.part(np.arange(len(rows.words)), key)
            kinds = node.drawn_kinds(own)
            texts = join_texts(comma, key, node.texts(own, kinds))
            present = kinds != ABSENT
            members.append(texts if present.all() else pc.if_else(array_of(present), texts, scalar_of("")))
        if self.others is not None:
            members.append(self.others.texts(rows, comma))
        if not members:
            return array_of(["{}"] * len(rows.words), pa.string())
        joined = join_texts(*members) if len(members) > 1 else members[0]
        return join_texts("{", pc.utf8_slice_codeunits(joined, len(comma)), "}")


def _chosen(kinds: Integers, running: Integers, words: Words) -> Integers:
    return kinds[choose(words, running)] if running[-1] else np.full(len(words), ABSENT)


def _kind_of(form: Any) -> int:
    if isinstance(form, Mapping):
        return TYPES.index("object")
    return ABSENT if form is None else NUMERIC if form == "number" else TYPES.index(form)


def _under(form: Any, key: str) -> Any:
    return form.get(key) if isinstance(form, Mapping) else None


def _written(values: pa.Array, kind: str) -> pa.Array:
    texts = values.cast(pa.string())
    return quoted(texts) if kind == "string" else texts


class _Others:
    """Keys of their own that few objects share."""

    def __init__(self, options: Mapping[str, Any], context: ColumnContext, style: tuple[str, str]) -> None:
        self.counts = part_of(options["extra"], context)
        self.names = part_of(options["names"], replace(context, type=TEXT))
        self.node = _Node(options["others"], context, (), style)
        self.taken = array_of([str(key) for key, _, _ in options.get("keys", ())], pa.string())
        self.style = style

    def texts(self, rows: _Rows, comma: str) -> pa.Array:
        counts = _whole(self.counts.raw(hashed(rows.words, 0, "extra")))
        owners, places = _spread(counts)
        own = _Rows(
            hashed(rows.words[owners] + places.astype(np.uint64), 0, "other"), np.full(owners.size, -1),
            rows.at[owners], {},
        )  # fmt: skip
        names = self.names.raw(hashed(own.words, 0, "name")).cast(pa.string())
        kept = _first_ones(names, owners)
        kept = kept[~numpy_of(pc.is_in(names.take(array_of(kept)), self.taken))]
        own, names, owners = own.part(kept), names.take(array_of(kept)), owners[kept]
        texts = self.node.all_texts(own)
        texts = join_texts(comma, quoted(names), self.style[1], texts)
        return pc.binary_join(_lists_of(texts, owners, len(rows.words)), scalar_of(""))


class _Lists:
    """Arrays by their sizes and elements; ``members``: elements of which is told whether an array has them.

    ``bare``: those of a database, whose elements are of one type or NULL.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        context: ColumnContext,
        style: tuple[str, str],
        path: str = "",
        *,
        bare: bool = False,
    ) -> None:
        self.path, self.style = path, style
        self.sizes = part_of(options["sizes"], context)
        self.largest = max(int(n) for how in ("values", "knots") for n in options["sizes"].get(how, [0]))
        self.node = _Node(options["items"], context, (), style) if "items" in options else None
        self.distinct, self.order = bool(options.get("distinct")), int(options.get("order", 0))
        self.members = options.get("members", [])
        self.part = None
        if self.node is not None:
            self.part = next(iter(self.node.parts.values()), None) if bare else self.node.scalar
        self.rest = without(self.part, [value for value, _ in self.members]) if self.members else None

    def texts(self, rows: _Rows) -> pa.Array:
        items, owners = self.items(rows, written=True)
        lists = _lists_of(items, owners, len(rows.words))
        return join_texts("[", pc.binary_join(lists, self.style[0]), "]")

    def items(self, rows: _Rows, *, written: bool) -> tuple[pa.Array, Integers]:
        """Elements of all arrays, one after the other, and the array of each; ``written`` as JSON."""
        sizes = self.sizes.raw(hashed(rows.words, 0, "size")).cast(pa.int64())
        told = rows.told(inside(self.path, "array"))
        counts = np.maximum(_whole(sizes if told is None else pc.coalesce(told, sizes)), 0)
        if self.node is None:
            return array_of([], pa.string()), np.zeros(0, np.int64)
        part, kind = self.part, next(iter(self.node.parts), "")
        flags = [rows.told(inside(self.path, f"member {i}")) for i in range(len(self.members))]
        known = [f for f in flags if f is not None]
        if known and len(known) == len(flags):
            items, owners = self._with_members(rows, counts, np.stack([numpy_of(fill_null(f, False)) for f in known]))
        else:
            items, owners = self._drawn(part, rows, counts)
        if self.order and part is not None:
            numeric = isinstance(part, Numbers) or kind in ("integer", "number", "boolean")
            items = items.take(array_of(np.lexsort((self.order * _ranks(items, numeric), owners))))
        return (_written(items, kind) if written and part is not None else items), owners

    def _with_members(self, rows: _Rows, counts: Integers, flags: npt.NDArray[np.bool_]) -> tuple[pa.Array, Integers]:
        """Arrays with the members that they are told to have, shape (members, arrays), and others up to their size."""
        counts = np.minimum(np.maximum(counts, flags.sum(axis=0)), self.largest)
        owners, picked = np.nonzero(flags.T)
        missing = np.maximum(counts - flags.sum(axis=0), 0)
        weights = np.array([n for _, n in self.members], np.int64)
        pool = array_of([value for value, _ in self.members])
        if self.rest is None:  # members are all there is
            more, their = _dealt(weights, missing, rows.words, flags.T)
            others = pool.take(array_of(more))
        else:
            others, their = self._drawn(self.rest, rows, missing)
        items = pa.concat_arrays([pool.take(array_of(picked)).cast(others.type), others])
        order = np.argsort(np.concatenate([owners, their]), kind="stable")
        owners, places = _spread(np.bincount(np.concatenate([owners, their]), minlength=counts.size))
        # Told ones come first until here; which go where no more fit is chance.
        mixed = np.lexsort((_item_words(rows.words, owners, places, REDRAWN), owners))
        kept = mixed[places < counts[owners]]
        items, owners = items.take(array_of(order[kept])), owners[kept]
        kept = _first_ones(items, owners)  # a rule may make a member as well
        return items.take(array_of(kept)), owners[kept]

    def _drawn(self, part: Any, rows: _Rows, counts: Integers) -> tuple[pa.Array, Integers]:
        """So many elements for each array, from ``part`` where all are of one type."""
        assert self.node is not None
        if self.distinct and self.node.single and isinstance(part, Values) and len(part.pool) <= FEW:
            picked, owners = _dealt(part.weights, counts, rows.words)
            return part.pool.take(array_of(picked)), owners
        owners, places = _spread(counts)
        own = _Rows(_item_words(rows.words, owners, places, 0), np.full(owners.size, -1), rows.at[owners], {})
        items = self._made(part, own)
        for turn in range(1, REDRAWN if self.distinct else 0):
            again = np.setdiff1d(np.arange(owners.size), _first_ones(items, owners))
            if not again.size:
                break
            fresh = replace(own, words=_item_words(rows.words, owners, places, turn)).part(again)
            index = np.arange(owners.size)
            index[again] = owners.size + np.arange(again.size)
            items = pa.concat_arrays([items, self._made(part, fresh)]).take(array_of(index))
        if not self.distinct:
            return items, owners
        kept = _first_ones(items, owners)
        return items.take(array_of(kept)), owners[kept]

    def _made(self, part: Any, own: _Rows) -> pa.Array:
        """Elements: as they are where all are of one type (or NULL), else as JSON."""
        assert self.node is not None
        if part is None:
            return self.node.all_texts(own)
        items = part.raw(own.words)
        if self.node.single:
            return items
        empty = self.node.drawn_kinds(own) == TYPES.index("null")
        return pc.if_else(array_of(empty), scalar_of(None, items.type), items)


def _whole(values: pa.Array) -> Integers:
    whole: Integers = numpy_of(values.cast(pa.int64())).astype(np.int64)
    return whole


def _spread(counts: Integers) -> tuple[Integers, Integers]:
    """The owner of each element and its place there."""
    owners = np.repeat(np.arange(counts.size), counts)
    return owners, np.arange(owners.size) - np.repeat(np.cumsum(counts) - counts, counts)


def _item_words(words: Words, owners: Integers, places: Integers, turn: int) -> Words:
    return hashed(words[owners] + places.astype(np.uint64), 0, "element", turn)


def _lists_of(items: pa.Array, owners: Integers, rows: int) -> pa.Array:
    offsets = np.searchsorted(owners, np.arange(rows + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(array_of(offsets), items)


def _first_ones(items: pa.Array, owners: Integers) -> Integers:
    """Places of the elements that their array has not had before."""
    encoded = items.dictionary_encode()
    codes = numpy_of(fill_null(encoded.indices, len(encoded.dictionary))).astype(np.int64)
    first: Integers = np.sort(np.unique(owners * (len(encoded.dictionary) + 1) + codes, return_index=True)[1])
    return first


def _ranks(items: pa.Array, numeric: bool) -> Integers:
    """The place of each element among all in ascending order; ``numeric``: texts are numbers."""
    written = numeric and pa.types.is_string(items.type)
    encoded = (items.cast(pa.float64()) if written else items).dictionary_encode()
    ranks = np.empty(len(encoded.dictionary), np.int64)
    ranks[numpy_of(pc.sort_indices(encoded.dictionary))] = np.arange(ranks.size)
    found: Integers = ranks[numpy_of(encoded.indices)]
    return found


def _dealt(
    weights: Integers, counts: Integers, words: Words, taken: npt.NDArray[np.bool_] | None = None
) -> tuple[Integers, Integers]:
    """Places of values by weight, none twice in an array, and the array of each.

    ``taken``: what each array has already, shape (arrays, values).
    """
    scaled = np.maximum(weights >> max(int(weights.sum()).bit_length() - 30, 0), 1)
    room = len(scaled) if taken is None else len(scaled) - taken.sum(axis=1)
    counts = np.minimum(counts, room)
    owners, _ = _spread(counts)
    out = np.zeros(owners.size, np.int64)
    starts = np.cumsum(counts) - counts
    for start in range(0, counts.size, DEALT_ROWS):
        own = np.arange(start, min(start + DEALT_ROWS, counts.size))
        left: npt.NDArray[np.int64] = np.tile(scaled, (own.size, 1))
        if taken is not None:
            left[taken[own]] = 0
        for place in range(int(counts[own].max(initial=0))):
            taking = np.flatnonzero(counts[own] > place)
            running = np.cumsum(left[taking], axis=1)
            goals = below(hashed(words[own[taking]], 0, "deal", place), running[:, -1])
            picked = (running <= goals[:, None]).sum(axis=1)
            left[taking, picked] = 0
            out[starts[own[taking]] + place] = picked
    return out, owners


# The rules ------------------------------------------------------------------------------------------------------------


def _inner(context: ColumnContext) -> ColumnContext:
    return replace(context, type=TEXT, unique=False)


def _words(indices: Integers) -> Words:
    return hashed(indices, 0, "document")


def document(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """JSON documents like those that were seen.

    ``node``: {types: [[type, weight]], parts: {type: values, numbers, moments, a mixture or a rule}, keys: [[key,
    weight of its absence, node]], sizes, items, distinct and order (of arrays), extra, names and others (of keys that
    differ)}.
    ``forms``: [[keys with types, weight]] of whole documents. ``compact``: without blanks.
    """
    forms = [form for form, _ in options.get("forms", ())]
    running = np.cumsum([int(n) for _, n in options.get("forms", ())], dtype=np.int64)
    style = (",", ":") if options.get("compact") else (", ", ": ")
    root = _Node(options["node"], _inner(context), forms, style)
    longest = limits_of(options, context).maximum

    def made(words: Words, given: Mapping[str, pa.Array]) -> pa.Array:
        chosen = choose(hashed(words, 0, "form"), running) if forms else np.full(len(words), -1, np.int64)
        if forms and FORM in given:
            told = numpy_of(fill_null(given[FORM], -1)).astype(np.int64)
            chosen = np.where((told >= 0) & (told < len(forms)), told, chosen)
        rows = _Rows(words, chosen, np.arange(len(words)), given)
        return root.all_texts(rows)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        texts = made(_words(indices), given)
        return texts if longest is None else _shortened(texts, longest, indices, made)

    return _space(at, context)


def _shortened(texts: pa.Array, longest: int, indices: Integers, made: Any) -> pa.Array:
    """Documents that fit their column: others of the same rank in the place of those that are too long."""
    for turn in range(SHORTENED):
        over = np.flatnonzero(numpy_of(pc.utf8_length(texts)) > longest)
        if not over.size:
            return texts
        again = made(hashed(indices[over], 0, "shorter", turn), {})
        index = np.arange(len(texts))
        index[over] = len(texts) + np.arange(over.size)
        texts = pa.concat_arrays([texts, again]).take(array_of(index))
    over = array_of(numpy_of(pc.utf8_length(texts)) > longest)
    return pc.if_else(over, "{}" if longest > 1 else "0", texts)


def elements(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Arrays like those that were seen: ``sizes``, ``items``, ``distinct``, ``order`` as of ``document``."""
    kind = context.type.element or TEXT
    lists = _Lists(options, replace(context, type=kind, unique=False), (", ", ": "), bare=True)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        words = _words(indices)
        rows = _Rows(words, np.full(len(words), -1), np.arange(len(words)), given)
        items, owners = lists.items(rows, written=False)
        return _lists_of(_typed(items, arrow_type(kind)), owners, len(words))

    return _space(at, context)


def _typed(items: pa.Array, kind: pa.DataType) -> pa.Array:
    """Elements in the type of the column's; digits that it has no room for are rounded."""
    if pa.types.is_decimal(kind):
        return pc.round(items.cast(pa.decimal128(38, max(kind.scale, 9))), kind.scale).cast(kind)
    return items.cast(kind)


def _space(at: Callable[[Integers, Mapping[str, pa.Array]], pa.Array], context: ColumnContext) -> Space:
    """What is made of many draws may come twice: unique columns get none of it."""
    return Space(0 if context.unique else LARGEST, at)


MAKERS = {"document": document, "elements": elements}
