"""Texts that are put together: a code that begins with its country's, an order's number with the year of its date.

Pieces are constant texts, values of the row's own columns or of a parent's (of dates a part), and a rest with a shape
of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.profiling.columnar import ColumnView, TableView, distinct_codes
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, shuffled
from fixturesynth.profiling.openings import Opening, Stored, find_openings
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.spelled import ABBREVIATED, CUT
from fixturesynth.profiling.texts import code_texts, protected_patterns, shapes
from fixturesynth.schema.model import Table

__all__ = ["FORMATS", "find_composed", "may_be_composed", "piece_texts"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]

FORMATS = (
    "%Y-%m-%d",
    "%Y.%m.%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%d%m%Y",
    "%y%m%d",
    "%Y-%m",
    "%Y/%m",
    "%Y%m",
    "%y%m",
    "%Y",
    "%y",
)  # longest first
KINDS = ("text", "code", "identifier")
SPARED = frozenset({"email", "username", "uuid"})  # which have rules of their own
LONGEST = 160
ROWS = 20_000
SCREEN = 48  # rows that are looked at first
NEARLY = 0.9  # of those have the constant, or one of a few
SEVERAL, MOST_LITERALS = 3, 4  # of those for each of a few constants
MOST_FIELDS = 5
HELD = 0.98  # of the rows
BEYOND = 0.8  # of what chance leaves open
SHAPED = 0.9  # of the rest's rows, in shapes that may be stored
GAPS = 1.25  # numbers for each row of a whole count
SELDOM = 0.02  # of the rows may go without a rest that others have, and get one all the same
DENSE = 3  # numbers for each row, that counted ones may take at most


@dataclass(frozen=True, eq=False)
class _Field:
    """A column that may be a piece: ``piece`` as the rule has it; ``at``: its row for each row, -1 for none, (n,)."""

    piece: Mapping[str, Any]
    column: ColumnView
    at: Integers

    def few(self, places: Integers) -> Texts:
        """Its texts in some rows, empty for NULL, (places,)."""
        rows = self.at[places]
        codes = np.where(rows >= 0, self.column.codes[np.maximum(rows, 0)], -1)
        moments = np.where(rows >= 0, self.column.moments[np.maximum(rows, 0)], 0) if "part" in self.piece else None
        facts = self.piece
        return _strings(
            _written(self.column.values, codes, moments, facts.get("part"), facts.get("pad", 0), facts.get("form"))
        )

    @cached_property
    def texts(self) -> Texts:
        """Its texts, empty for NULL, (n,)."""
        return self.few(np.arange(self.at.size))

    def of(self, rows: Integers) -> _Field:
        """The field in some of the rows."""
        return replace(self, at=self.at[rows])


def piece_texts(column: ColumnView, part: str | None, pad: int, form: str | None = None) -> pa.Array:
    """A column as a piece of texts, (rows,): a part of its date, or its text, numbers with at least ``pad`` digits,
    written in a ``form`` of profiling.spelled."""
    return _written(column.values, column.codes, column.moments if part else None, part, pad, form)


def _written(
    values: pa.Array | None, codes: Integers, moments: Integers | None, part: str | None, pad: int, form: str | None
) -> pa.Array:
    if moments is not None:
        whole = array_of(moments, pa.timestamp("us"), mask=codes < 0)
        return pc.strftime(whole.cast(pa.timestamp("s"), safe=False), format=part)
    if values is None:
        return pa.nulls(codes.size, pa.string())
    used, place = np.unique(np.maximum(codes, 0), return_inverse=True)
    texts = values.take(array_of(used)).cast(pa.string()) if len(values) else pa.nulls(used.size, pa.string())
    texts = pc.utf8_lpad(texts, pad, padding="0") if pad else texts
    texts = ABBREVIATED[form](texts) if form else texts
    return texts.take(array_of(place.reshape(-1), pa.int64(), mask=codes < 0))


def find_composed(
    view: TableView, columns: Mapping[str, ColumnProfile], above: Mapping[str, tuple[TableView, Integers]],
    protector: Protector, stored: Stored = lambda table, column: frozenset(),
) -> Iterator[tuple[str, Mapping[str, Any]]]:  # fmt: skip
    """(column, what its texts are made of). ``above``: by foreign key the parent and its row by child, -1 for none.
    ``stored(table, column)``: the categories that may be named, None for all.

    Of the table itself a row takes what the same column has in the row above it: paths of a tree.
    """
    rows = view.sample(ROWS)
    lines = {key: at for key, (parent, at) in above.items() if parent.table.name == view.table.name}
    above = {key: there for key, there in above.items() if key not in lines}
    fields: list[_Field] = []
    for column in view.columns.values():
        seen = columns.get(column.name)
        if seen is None or column.values is None or column.family != "text" or not _may_be(view.table, seen):
            continue
        if seen.twin is not None:
            continue
        whole = rows[column.valid[rows]]
        short = numpy_of(pc.less_equal(pc.utf8_length(column.values), LONGEST))
        some = whole[short[column.codes[whole]]]
        if some.size < max(FEWEST, HELD * whole.size):
            continue
        fields = fields or list(_fields(view, above, rows))
        place = np.searchsorted(rows, some)
        own = [f for f in fields if "key" in f.piece or not _hangs(columns, str(f.piece["column"]), column.name)]
        # Words begin with letters of each other by chance.
        own = [f.of(place) for f in own if seen.kind != "text" or f.piece.get("form") not in CUT]
        texts = _strings(piece_texts(column, None, 0).take(array_of(some)))
        codes = seen.kind != "text"
        opening = (
            list(find_openings(texts, some, view, above, protector.of_rows(some), column.name, stored)) if codes else []
        )
        made = _of_line(column, texts, some, own, lines, protector) or _made(
            texts, own, protector.of_rows(some), opening
        )
        if made is not None:
            yield column.name, made


def _hangs(columns: Mapping[str, ColumnProfile], name: str, on: str) -> bool:
    """Whether one column is another one, or is told by it."""
    twin = columns[name].twin if name in columns else None
    return name == on or (twin is not None and twin[0] == on)


def _made(
    texts: Texts, fields: Sequence[_Field], protector: Protector, openings: Sequence[Opening] = ()
) -> dict[str, Any] | None:
    if int(protector.supporters(np.zeros(texts.size, np.int64), 1)[0]) < protector.protection:
        return None
    found = _pieces(texts, fields, protector, openings)
    if found is None or len(found[0]) < 2:  # one alone is a copy
        return None
    facts = _rest(found[1], found[2], protector)
    return None if facts is None else {"pieces": found[0], **({"rest": facts} if facts else {})}


def _of_line(
    column: ColumnView, texts: Texts, rows: Integers, fields: Sequence[_Field], lines: Mapping[str, Integers],
    protector: Protector,
) -> dict[str, Any] | None:  # fmt: skip
    """Texts that go on from the same column of the row above: what roots have is what others have behind it."""
    for key, at in lines.items():
        below = np.flatnonzero(at[rows] >= 0)
        if below.size < FEWEST:
            continue
        line = {"key": key, "column": column.name, "line": True}
        own = [_Field(line, column, at[rows[below]]), *(f.of(below) for f in fields)]
        made = _made(texts[below], own, protector.of_rows(rows[below]))
        if made is None or made["pieces"][0] != line:
            continue
        rest, roots = made["pieces"][1:], np.flatnonzero(at[rows] < 0)
        behind = rest[0].get("text", "")
        bare = bool(behind) and not np.char.startswith(texts[roots], behind).all()
        made = {**made, "bare": True} if bare else made
        # What roots are called says more than what is put behind their names.
        if "patterns" in made.get("rest", {}) and len(rest) == 1:
            own_rest = _rest(texts[roots], np.zeros(roots.size, dtype=np.int64), protector.of_rows(rows[roots]))
            made = {**made, "roots": own_rest} if own_rest else made
        return made
    return None


def may_be_composed(table: Table, columns: Mapping[str, ColumnProfile]) -> bool:
    """Whether any column of the table may be."""
    return any(_may_be(table, c) for c in columns.values())


def _may_be(table: Table, seen: ColumnProfile) -> bool:
    if seen.kind not in KINDS or seen.meaning in SPARED or seen.name not in table:
        return False
    varied = seen.rows >= FEWEST and 4 * seen.distinct > seen.rows - seen.nulls
    free = table.column(seen.name).type.kind == "text" and not any(seen.name in fk.columns for fk in table.foreign_keys)
    return varied and free and (not seen.lengths or seen.lengths[-1] <= LONGEST)


def _strings(texts: pa.Array) -> Texts:
    return np.asarray(numpy_of(fill_null(texts, "")), dtype=np.str_)


def _fields(view: TableView, above: Mapping[str, tuple[TableView, Integers]], rows: Integers) -> Iterator[_Field]:
    for column in view.columns.values():
        yield from (_Field({"column": column.name, **facts}, column, rows) for facts in _forms(column))
    for key, (parent, at) in above.items():
        shared = set(view.table.foreign_key(key).parent_columns)  # which the row has itself
        for column in parent.columns.values():
            if column.name not in shared:
                yield from (_Field({"key": key, "column": column.name, **f}, column, at[rows]) for f in _forms(column))


def _forms(column: ColumnView) -> Iterator[Mapping[str, Any]]:
    """The ways in which a column may be written in a text."""
    if column.distinct < 2:
        return
    if column.family == "datetime":
        yield from ({"part": part} for part in FORMATS)
    elif column.family == "number" and column.whole and not (column.numbers < 0).any():
        longest = len(str(int(np.nanmax(column.numbers))))
        if longest <= 16:
            yield {}
            yield from ({"pad": pad} for pad in range(max(longest, 2), 11))
    elif column.family == "text" and column.values is not None:
        yield {}
        yield from ({"form": form} for form in ABBREVIATED)


# -- pieces -----------------------------------------------------------------------------------------------------------
def _pieces(
    texts: Texts, fields: Sequence[_Field], protector: Protector, openings: Sequence[Opening] = ()
) -> tuple[list[Mapping[str, Any]], Texts, Integers] | None:
    """The pieces of nearly all texts (n,), what is left of each, and one number for each tuple of fields, (n,)."""
    front: list[Mapping[str, Any]] = []
    back: list[Mapping[str, Any]] = []
    keys = np.zeros(texts.size, dtype=np.int64)
    held = np.ones(texts.size, dtype=bool)
    rest, used = texts, 0
    for ahead in (True, False):
        while used < MOST_FIELDS:
            best = _next_field(rest, fields, held, ahead, protector)
            if not used and ahead and (best is None or best[0].piece.get("form") in CUT):
                # Categories whose texts begin with their own first letters do so by more than these.
                begun = _next_field(rest, openings, held, ahead, protector)
                best = begun if begun is not None and (best is None or _longer(begun[0], best[0])) else best
            if best is None:
                break
            field, literals, which = best
            held = held & (which >= 0)
            if held.mean() < HELD:
                break
            used += 1
            size = np.char.str_len(field.texts) + np.char.str_len(literals)[np.maximum(which, 0)]
            whole = np.char.str_len(rest)
            rest = _cut(rest, size, whole) if ahead else _cut(rest, np.zeros_like(size), whole - size)
            held_by = np.bincount(which[held], minlength=literals.size).tolist()
            several = {"texts": [list(p) for p in zip(literals.tolist(), held_by, strict=True)]}
            literal: Mapping[str, Any] = several if literals.size > 1 else {"text": str(literals[0])}
            if literals.size > 1 and ahead:
                chosen = np.where(which >= 0, literals[np.maximum(which, 0)], "")
                literal = next((o.piece for o in openings if (o.texts == chosen).mean() >= HELD), literal)
            pieces = [literal, field.piece] if ahead else [field.piece, literal]
            pieces = [p for p in pieces if p.get("text") != ""]
            front, back = (front + pieces, back) if ahead else (front, pieces + back)
            keys = np.unique(
                np.stack([keys, np.unique(field.texts, return_inverse=True)[1]]), axis=1, return_inverse=True
            )[1]
            keys = keys.reshape(-1).astype(np.int64)
    if not used:
        return None
    kept = rest[held]
    lead, tail = _common(kept), ""
    if lead and (kept != lead).any():
        kept = _cut(kept, np.full(kept.size, len(lead)), np.char.str_len(kept))
        tail = _common(kept, backwards=True)
        kept = _cut(kept, np.zeros(kept.size, dtype=np.int64), np.char.str_len(kept) - len(tail))
    elif not lead:
        tail = _common(kept, backwards=True)
        kept = _cut(kept, np.zeros(kept.size, dtype=np.int64), np.char.str_len(kept) - len(tail))
    else:
        kept = np.full(kept.size, "")
    middle: list[Mapping[str, Any]] = [{"text": lead}] if lead else []
    if (kept != "").any():
        middle.append({"rest": True})
    middle += [{"text": tail}] if tail else []
    out = np.full(texts.size, "", dtype=object)
    out[held] = kept
    return [*front, *middle, *back], np.where(held, out, "").astype(np.str_), np.where(held, keys, -1)


def _longer(one: _Field | Opening, other: _Field | Opening) -> bool:
    """Whether the texts of one are longer than those of another, all in all."""
    return int(np.char.str_len(one.texts).sum()) > int(np.char.str_len(other.texts).sum())


def _next_field(
    texts: Texts, fields: Sequence[_Field | Opening], held: Flags, ahead: bool, protector: Protector
) -> tuple[_Field | Opening, Texts, Integers] | None:
    """The field that begins (or ends) nearly all texts after one of a few constants, the longest of several; which of
    them each text has, (n,), -1 for none."""
    best: tuple[float, _Field | Opening, Texts, Integers] | None = None
    few = np.flatnonzero(held)
    few = few[:: max(few.size // SCREEN, 1)][:SCREEN]
    for field in fields:
        literals = _literals(texts[few], field.few(few), ahead)
        if literals is None:
            continue
        which = np.where(field.texts != "", _which(texts, field.texts, literals, ahead), -1)
        same = which >= 0
        covered = float(np.char.str_len(field.texts[same]).sum() / texts.size)
        if (
            (same & held).mean() < HELD
            or (best is not None and covered <= best[0])
            or not _tells(texts, field, literals, same, ahead)
        ):
            continue
        enough = protector.of_rows(np.flatnonzero(same)).supporters(which[same], literals.size) >= protector.protection
        if literals.size > 1 and not enough.all():
            continue
        best = covered, field, literals, which
    return None if best is None else best[1:]


def _literals(texts: Texts, values: Texts, ahead: bool) -> Texts | None:
    """The constant that nearly all of some texts have before (after) the field's value, or a few of one length."""
    found: Counter[str] = Counter()
    for text, value in zip(texts.tolist(), values.tolist(), strict=True):
        at = text.find(value) if ahead else text.rfind(value)
        if value and at >= 0:
            found[text[:at] if ahead else text[at + len(value) :]] += 1
    if not found:
        return None
    ranked = found.most_common()
    literal, rows = ranked[0]
    if rows >= NEARLY * texts.size:
        return np.array([literal], dtype=np.str_)
    several = [text for text, rows in ranked if len(text) == len(literal) and rows >= SEVERAL]
    held = sum(found[text] for text in several)
    if not literal or not 1 < len(several) <= MOST_LITERALS or held < NEARLY * texts.size:
        return None
    return np.array(sorted(several), dtype=np.str_)


def _which(texts: Texts, values: Texts, literals: Texts, ahead: bool) -> Integers:
    """Which of the constants each text begins (ends) with, its value after (before) it, (n,); -1 for none."""
    out = np.full(texts.size, -1, dtype=np.int64)
    for number, literal in enumerate(literals.tolist()):
        joined = np.char.add(literal, values) if ahead else np.char.add(values, literal)
        out[_matches(texts, joined, ahead) & (out < 0)] = number
    return out


def _tells(texts: Texts, field: _Field | Opening, literals: Texts, same: Flags, ahead: bool) -> bool:
    """Whether the values of other rows would not do as well."""
    order = np.argsort(shuffled(texts.size), kind="stable")
    dealt = field.texts[order]
    chance = float(((_which(texts, dealt, literals, ahead) >= 0) & (dealt != "")).mean())
    share = float(same.mean())
    if chance >= 1 or (share - chance) / (1 - chance) < BEYOND:
        return False
    return texts.size * share * float(np.log(share / max(chance, 1e-6))) >= SURPRISE


def _matches(texts: Texts, ends: Texts, ahead: bool) -> Flags:
    """Whether each text begins (ends) with its own, (n,)."""
    return np.char.startswith(texts, ends) if ahead else np.char.endswith(texts, ends)


def _cut(texts: Texts, start: Integers, stop: Integers) -> Texts:
    """``text[start:stop]`` of each, (n,)."""
    width = max(int(np.char.str_len(texts).max(initial=0)), 1)
    letters = texts.astype(f"<U{width}").view("<U1").reshape(texts.size, width)
    place = np.arange(width)
    size = np.maximum(np.minimum(stop, width) - start, 0)
    moved = np.take_along_axis(letters, np.minimum(start[:, None] + place, width - 1), axis=1)
    moved = np.where(place < size[:, None], moved, "")
    return np.ascontiguousarray(moved).view(f"<U{width}").reshape(texts.size)


def _common(texts: Texts, *, backwards: bool = False) -> str:
    """What all texts begin (end) with, but digits and letters that stand before others of their kind."""
    step = -1 if backwards else 1
    first, last = (
        (min(t[::step] for t in texts.tolist()), max(t[::step] for t in texts.tolist())) if texts.size else ("", "")
    )
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    alike = first[:size]
    if (texts != first[::step]).any():
        alike = alike.rstrip("0123456789")  # the rest keeps its zeros
    return alike[::step]


# -- the rest ---------------------------------------------------------------------------------------------------------
def _rest(texts: Texts, groups: Integers, protector: Protector) -> Mapping[str, Any] | None:
    """How rests are made, {} where there is none; None where nothing is known that would not tell of single rows."""
    some = np.flatnonzero(texts != "")
    if not some.size:
        return {}
    without = np.flatnonzero((texts == "") & (groups >= 0))
    bare = int(protector.of_rows(without).supporters(np.zeros(without.size, np.int64), 1)[0]) if without.size else 0
    left_out = without.size if bare >= protector.protection and without.size > SELDOM * texts.size else 0
    rest, groups, protector = texts[some], groups[some], protector.of_rows(some)
    if np.char.isdecimal(rest).all() and int(np.char.str_len(rest).max()) <= 15:
        counted = _counted(rest, groups)
        if counted is not None:
            return counted
    coded = code_texts(pa.array(rest.tolist(), pa.large_string()), protector)
    patterns, _ = protected_patterns(coded, int(np.bincount(distinct_codes(groups)[0]).max()), bounded=True)
    if sum(rows for _, rows in patterns) < SHAPED * rest.size:
        return None
    found: dict[str, Any] = {"patterns": [list(p) for p in patterns] + ([["", left_out]] if left_out else [])}
    shaped = np.asarray(numpy_of(shapes(pa.array(rest.tolist(), pa.large_string()))), dtype=np.str_)
    if _pure(shaped, groups):
        found["pure"] = True
    digits = np.char.isdecimal(rest)
    if digits.any() and _dense(rest[digits].astype(np.int64), groups[digits]):
        found["dense"] = True
    return found


def _counted(rest: Texts, groups: Integers) -> Mapping[str, Any] | None:
    """Numbers counted off in the table or among the rows that agree in the fields."""
    numbers, lengths = rest.astype(np.int64), np.char.str_len(rest)
    padded = bool((np.char.startswith(rest, "0") & (lengths > 1)).any())
    if padded and lengths.min() != lengths.max():
        return None
    width = int(lengths[0]) if padded or (lengths.min() == lengths.max() and lengths[0] > 1) else 0
    low = int(numbers.min())
    if np.unique(numbers).size == numbers.size and np.ptp(numbers) <= GAPS * numbers.size:
        return {"counted": "table", "start": low, "width": width}
    if _dense(numbers, groups, GAPS):
        return {"counted": "family", "start": low, "width": width}
    return None


def _dense(numbers: Integers, groups: Integers, most: float = DENSE) -> bool:
    """Whether numbers of one group are distinct and hardly leave any out."""
    codes, size = distinct_codes(groups)
    highest = np.zeros(size, dtype=np.int64)
    np.maximum.at(highest, codes, numbers)
    pairs = np.unique(np.stack([codes, numbers]), axis=1).shape[1]
    return pairs == numbers.size and float(highest.sum()) <= most * numbers.size + size


def _pure(shaped: Texts, groups: Integers) -> bool:
    """Whether rows that agree in the fields mostly agree in the shape of the rest, where not all rows do."""
    codes, kinds = np.unique(shaped, return_inverse=True)[1].reshape(-1), np.unique(shaped).size
    own, size = distinct_codes(groups)
    table = np.zeros((size, kinds), dtype=np.int64)
    np.add.at(table, (own, codes), 1)
    several = table.sum(axis=1) > 1
    if kinds < 2 or not several.any():
        return False
    inside = table[several].max(axis=1).sum() / table[several].sum()
    overall = table.sum(axis=0).max() / table.sum()
    return bool(inside >= 0.9 and inside - overall > 0.1)
