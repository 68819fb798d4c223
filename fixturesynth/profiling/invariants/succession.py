"""Rules from one sibling to the next: running totals, ends that are the next one's start, even gaps, order itself.

Siblings are the rows of one parent, of a pair of parents, or all rows of a table, in the order of a date, a number that
counts them or a key. A rule is tried on whole families first, and counts when every row keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import DAY, ColumnView, TableView, distinct_codes, joint_codes
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.siblings import Siblings, amounts, line_up, on_grid, unit_of

__all__ = [
    "Line",
    "find_adjacent",
    "find_ascending",
    "find_lines",
    "find_running",
    "without_echoes",
]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SCREEN = 4_000  # rows of whole families on which candidates are tried
MOST_COLUMNS = 24  # numbers compared with each other
MOST_CATEGORIES = 24  # of a column that decides the sign
LEAST_FAMILIES = 5
LEAST_MOVING = 0.3  # share of rows in which a total must change
LEAST_DISTINCT = 6
OPEN = 0.1  # share of families whose end is the same last one
MOST_GROUPINGS = 12
PROBE = 64  # rows on which all pairs of numbers are tried
GRAINS = (*(m * 60_000_000 for m in (60, 30, 15, 10, 5, 1)), 1_000_000)  # microseconds


@dataclass(frozen=True, eq=False)
class Line:
    """One way to put a table's rows in line. ``key``: the foreign key that the groups are, where they are one."""

    view: TableView
    groups: tuple[str, ...]
    order: tuple[str, ...]
    grids: Mapping[str, tuple[Integers, int]]  # by column: whole units, (rows,), and decimals
    key: str | None = None

    @cached_property
    def whole(self) -> Siblings:
        return line_up(self.view, self.groups, self.order)

    @cached_property
    def few(self) -> Siblings:
        """Whole families, as many as it takes."""
        if not self.groups:
            return Siblings(self.whole.order[:SCREEN], self.whole.first[:SCREEN])
        codes, size = joint_codes([(self.view[n].dense, self.view[n].distinct + 1) for n in self.groups])
        enough = int(np.searchsorted(np.cumsum(np.bincount(codes, minlength=size)), SCREEN)) + 1
        return line_up(self.view, self.groups, self.order, np.flatnonzero(codes < enough))

    @property
    def named(self) -> dict[str, Any]:
        return {"groups": list(self.groups), "order": list(self.order)}

    def grid(self, name: str, decimals: int) -> Integers | None:
        """A column in whole units of ``decimals``; None where it is finer."""
        whole, own = self.grids.get(name, (None, 0))
        return None if whole is None or own > decimals else whole * 10 ** (decimals - own)


def find_lines(view: TableView) -> list[Line]:
    """Ways to put the rows in line: by parents, pairs of parents and all together; by date, by count, by key."""
    keys = [fk for fk in view.table.foreign_keys if all(c in view.columns for c in fk.columns)]
    groupings: list[tuple[tuple[str, ...], str | None]] = [(fk.columns, fk.name) for fk in keys]
    single = [fk.columns[0] for fk in keys if len(fk.columns) == 1]
    groupings += [(pair, None) for pair in combinations(dict.fromkeys(single), 2)]
    grids: dict[str, tuple[Integers, int]] = {}
    for column in view.columns.values():
        decimals = 0 if column.family == "datetime" else column.decimals
        if column.family in ("datetime", "number") and decimals is not None:
            grid = on_grid(column, decimals)
            if grid is not None:
                grids[column.name] = grid, decimals
    found = []
    for groups, name in [*groupings[:MOST_GROUPINGS], ((), None)]:
        codes, size = np.zeros(view.rows, dtype=np.int64), 1
        if groups:
            codes, size = joint_codes([(view[n].dense, view[n].distinct + 1) for n in groups])
        # A parent for each row has no siblings; a handful of families shows nothing.
        if view.rows - size >= FEWEST and (not groups or size >= LEAST_FAMILIES):
            found += [Line(view, groups, order, grids, name) for order in _orders(view, groups, codes, size)]
    return found


def _orders(view: TableView, groups: Sequence[str], codes: Integers, size: int) -> list[tuple[str, ...]]:
    """Columns that put siblings in one order, dates before counts before keys."""

    def apart(names: Sequence[str]) -> bool:
        return joint_codes([(codes, size), *((view[n].dense, view[n].distinct + 1) for n in names)])[1] == view.rows

    free = [
        c for c in view.columns.values()
        if not c.nulls and c.distinct > (1 if c.name in view.key_columns else 2) and c.name not in groups
    ]  # fmt: skip
    numbers = [c.name for c in free if c.whole and c.name not in view.references and apart((c.name,))]
    numbers.sort(key=lambda n: (n in view.identities, n in view.surrogates))
    counts = [n for n in numbers if n not in view.identities][:2] + [n for n in numbers if n in view.identities][:1]
    orders: list[tuple[str, ...]] = []
    for date in [c.name for c in free if c.family == "datetime"][:4]:
        if apart((date,)):
            orders.append((date,))
        else:
            orders += [(date, n) for n in reversed(counts)]
    return orders + [(n,) for n in counts]


# -- running totals ---------------------------------------------------------------------------------------------------
def find_running(
    line: Line, parents: Mapping[str, TableView], located: Mapping[str, Integers], taken: set[str]
) -> Iterator[Invariant]:
    """target = the sibling's before it, and what this row (``before``: that sibling) adds to it or takes away.

    ``taken``: targets that a better line has explained already.
    """
    view = line.view
    numbers = [
        c for c in view.columns.values()
        if c.family == "number" and c.distinct >= LEAST_DISTINCT and c.name not in view.references
        and c.name not in view.identities and c.name in line.grids
    ][:MOST_COLUMNS]  # fmt: skip
    for target in numbers:
        if target.name in taken or target.nulls or target.name in line.order:
            continue  # what puts the rows in order is there before what they add up to
        others = [c.name for c in numbers if c is not target and c.name not in line.order]
        for parameters in _ways(line, target, others):
            rule = _settled(line, target, parameters, parents, located)
            if rule is not None:
                taken.add(target.name)
                yield rule
                break


def _ways(line: Line, target: ColumnView, others: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Terms and signs that explain every step of the families that are tried first."""
    few = line.few
    mine, decimals = line.grids[target.name]
    grids = {name: grid for name in others if (grid := line.grid(name, decimals)) is not None}
    after = np.flatnonzero(~few.first)
    step = np.diff(mine[few.order], prepend=0)[after]
    moving = np.flatnonzero(step)
    if not grids or moving.size < max(FEWEST, LEAST_MOVING * step.size):
        return
    names = list(grids)
    base = {"decimals": decimals, **line.named}
    for back in (0, 1):
        rows = few.order[after - back]
        probe, wanted = np.stack([grids[n][rows[moving[:PROBE]]] for n in names]), step[moving[:PROBE]]
        for i in np.flatnonzero((np.abs(probe) == np.abs(wanted)).mean(axis=1) >= LEAST_MOVING).tolist():
            a = grids[names[i]][rows]
            for factor in (1, -1):
                if (step == factor * a).all():
                    yield base | {"terms": [[names[i], factor]], "before": bool(back)}
            if ((np.abs(a) == np.abs(step)) | (step == 0)).all():
                for by in _deciders(line.view, {target.name, names[i]}):
                    signs = _signs(by, rows, step, a)
                    if signs:
                        yield base | {"terms": [[names[i], 1]], "before": bool(back), "by": by.name, **signs}
        for factors in ((1, -1), (1, 1), (-1, -1)):
            pairs = (factors[0] * probe[:, None] + factors[1] * probe[None, :] == wanted).all(axis=2)
            for i, j in np.argwhere(pairs).tolist():
                a, b = grids[names[i]][rows], grids[names[j]][rows]
                if i != j and (step == factors[0] * a + factors[1] * b).all() and _both(step, a, b):
                    terms = [[names[i], factors[0]], [names[j], factors[1]]]
                    yield base | {"terms": terms, "before": bool(back)}


def _both(step: Integers, a: Integers, b: Integers) -> bool:
    """Whether either term alone would fail in enough rows."""
    return all(np.count_nonzero(np.abs(step) != np.abs(one)) >= FEWEST for one in (a, b))


def _deciders(view: TableView, without: set[str]) -> list[ColumnView]:
    """Categories that may decide a sign, those of fewest values first."""
    found = [
        c for c in view.columns.values()
        if c.name not in without and c.values is not None and 2 <= c.classes <= MOST_CATEGORIES
        and c.name not in view.opaque
        and (c.family in ("text", "boolean") or (c.whole and c.name not in view.surrogates - view.references))
    ]  # fmt: skip
    return sorted(found, key=lambda c: (c.family not in ("text", "boolean"), c.classes))


def _signs(by: ColumnView, rows: Integers, step: Integers, amount: Integers) -> dict[str, Any]:
    """What each category does to the amount, 1, -1 or 0; nothing where a category does several things."""
    codes = by.dense[rows]
    size = by.distinct + 1
    seen = np.bincount(codes, minlength=size)
    found: dict[int, int] = {}
    for sign in (1, -1, 0):
        wrong = np.bincount(codes[step != sign * amount], minlength=size)
        for code in np.flatnonzero((seen > 0) & (wrong == 0)).tolist():
            found.setdefault(code, sign)
    if len(found) < int(np.count_nonzero(seen)) or len(set(found.values())) < 2:
        return {}
    weights = {s: int(sum(seen[c] for c, sign in found.items() if sign == s)) for s in (1, -1, 0)}
    if min(weights[s] for s in set(found.values())) < FEWEST / 2:
        return {}
    values = [*(by.values.to_pylist() if by.values is not None else []), None]
    return {
        "signs": [[_said(values[c]), s] for c, s in sorted(found.items())],
        "other": max(weights, key=lambda s: weights[s]),
    }


def _said(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return None if value is None else str(value)
    return value if isinstance(value, str) else str(int(value))


def _settled(
    line: Line,
    target: ColumnView,
    parameters: dict[str, Any],
    parents: Mapping[str, TableView],
    located: Mapping[str, Integers],
) -> Invariant | None:
    """The rule held against all rows, with where the total of a family begins."""
    view, whole = line.view, line.whole
    mine, adding = line.grids[target.name][0], amounts(view, parameters)
    if adding is None:
        return None
    step, known = adding
    if parameters.get("by") and not known.all():
        # Rows beyond those that were tried have categories of their own.
        amount = line.grid(parameters["terms"][0][0], parameters["decimals"])
        signs = _signs(view[parameters["by"]], *_all_steps(whole, mine, amount, parameters["before"]))
        parameters = {**parameters, **signs}
        again = amounts(view, parameters) if signs else None
        if again is None:
            return None
        step = again[0]
    total, steps = mine[whole.order], step[whole.order]
    after = ~whole.first
    change = np.diff(total, prepend=0)
    expected = np.roll(steps, 1) if parameters["before"] else steps
    if (change != expected)[after].any():
        return None
    nonzero = np.abs(change[after & (change != 0)])
    if nonzero.size * _unlikely(nonzero) < SURPRISE + 2 * len(parameters.get("signs", ())):
        return None
    begin = total[whole.first] - (0 if parameters["before"] else steps[whole.first])
    parameters["opening"] = _opening(line, begin, total[whole.first], parameters["decimals"], parents, located)
    if "free" in parameters["opening"] and not (steps < 0).any():
        parameters["rising"] = True
    if int(total.min()) >= 0 and (steps < 0).any():
        parameters["floor"] = 0
    elif int(total.max()) <= 0 and (steps > 0).any():
        parameters["ceiling"] = 0
    by = [parameters["by"]] if parameters.get("by") else []
    sources = dict.fromkeys([*(n for n, _ in parameters["terms"]), *by, *line.groups, *line.order])
    return Invariant(
        "running", view.table.name, target.name, tuple(sources), None, parameters, int(np.count_nonzero(after))
    )  # fmt: skip


def _all_steps(
    whole: Siblings, mine: Integers, amount: Integers | None, before: bool
) -> tuple[Integers, Integers, Integers]:
    after = np.flatnonzero(~whole.first)
    rows = whole.order[after - int(before)]
    assert amount is not None
    return rows, np.diff(mine[whole.order], prepend=0)[after], amount[rows]


def _unlikely(values: Integers) -> float:
    """Minus the logarithm of the chance that two of the values agree."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float(-np.log(max((counts**2).sum() / max(values.size, 1) ** 2, 1e-12)))


def _opening(
    line: Line,
    begin: Integers,
    first: Integers,
    decimals: int,
    parents: Mapping[str, TableView],
    located: Mapping[str, Integers],
) -> dict[str, Any]:
    """Where totals begin, ``begin`` (families,): at one number, at the parent's, or anywhere."""
    if not line.groups:
        # One number is all there is: kept roughly, unless it is nothing.
        about = float(f"{float(begin[0]) / 10**decimals:.1g}")
        return {"constant": 0} if begin[0] == 0 else {"about": about}
    if (begin == begin[0]).all():
        return {"constant": int(begin[0])}
    heads = line.whole.order[line.whole.first]
    keys = [fk for fk in line.view.table.foreign_keys if fk.name in located and set(fk.columns) <= set(line.groups)]
    for fk in keys:
        parent, at = parents[fk.parent], located[fk.name][heads]
        if not parent.rows or (at < 0).any():
            continue
        for column in parent.columns.values():
            if column.family != "number" or column.distinct < 3 or column.name in parent.identities:
                continue
            theirs = on_grid(column, decimals)
            if theirs is not None and column.valid[at].all() and (theirs[at] == begin).all():
                return {"foreign_key": fk.name, "column": column.name}
    return {"free": True}


def without_echoes(candidates: Sequence[Invariant]) -> list[Invariant]:
    """The rules without running totals that a row has from another one of its own: the stand before it goes on too."""
    totals = sorted((c for c in candidates if c.kind == "running"), key=lambda c: bool(c.parameters["before"]))
    kept: list[Invariant] = []
    for total in totals:
        if not any(_from_other(total, other, candidates) for other in kept):
            kept.append(total)
    return [c for c in candidates if c.kind != "running" or c in kept]


def _from_other(total: Invariant, other: Invariant, candidates: Sequence[Invariant]) -> bool:
    if total.parameters["groups"] != other.parameters["groups"]:
        return False
    known = {other.target, *(name for name, _ in other.parameters["terms"])}
    return any(c.kind == "linear" and c.target == total.target and set(c.sources) <= known for c in candidates)


# -- one's end is the next one's start --------------------------------------------------------------------------------
def find_adjacent(line: Line, taken: set[str]) -> Iterator[Invariant]:
    """target = constant + the next sibling's source, wherever there is a next one."""
    view, few = line.view, line.few
    columns = [
        c for c in view.columns.values()
        if c.name in line.grids and c.distinct > LEAST_DISTINCT and c.name not in view.references
        and c.name not in view.identities
    ][:MOST_COLUMNS]  # fmt: skip
    for source in columns:
        for target in columns:
            if source is target or target.name in taken or source.nulls or not _alike(source, target):
                continue
            decimals = max(line.grids[source.name][1], line.grids[target.name][1])
            a, b = line.grid(source.name, decimals), line.grid(target.name, decimals)
            assert a is not None and b is not None
            constant = _gap(few, a, b, target.valid)
            if constant is None or _gap(line.whole, a, b, target.valid) != constant:
                continue
            if not _never_before(a, b, target.valid):
                continue
            nexts = a[line.whole.order][~line.whole.first]
            if nexts.size * _unlikely(nexts) < SURPRISE or _gap_of_row(a, b, target.valid):
                continue
            taken.add(target.name)
            ends = line.whole.order[line.whole.last]
            free = bool(target.valid[ends].any())
            always = bool(target.valid[ends].all())
            told = {"free": free, "always": always} | _open_end(b[ends][target.valid[ends]])
            told |= {"ends_null": True} if free and not always else {}
            yield Invariant(
                "adjacent", view.table.name, target.name,
                tuple(dict.fromkeys([source.name, *line.groups, *line.order])), None,
                {"constant": constant, "decimals": decimals, "unit": unit_of(source), **told, **line.named},
                int(nexts.size),
            )  # fmt: skip


def _open_end(ends: Integers) -> dict[str, int]:
    """What stands for an end that is not known yet, such as 9999-12-31: the last of all, and of many families."""
    last = int(ends.max(initial=0))
    many = int((ends == last).sum())
    return {"open": last} if many >= max(FEWEST, OPEN * ends.size) else {}


def _alike(a: ColumnView, b: ColumnView) -> bool:
    return a.family == b.family and a.dates_only == b.dates_only and a.zone == b.zone


def _never_before(low: Integers, high: Integers, valid: Flags) -> bool:
    """The start is never after the end: else it is the other way round, or no span at all."""
    return bool((low[valid] <= high[valid]).all())


def _gap_of_row(a: Integers, b: Integers, valid: Flags) -> bool:
    """Whether the end already follows from the row's own start."""
    lengths = (b - a)[valid]
    return bool((lengths == lengths[:1]).all())


def _gap(line: Siblings, source: Integers, target: Integers, valid: Flags) -> int | None:
    """What each target is beyond the next source, where it is the same everywhere."""
    rows = np.flatnonzero(~line.last)
    own, following = line.order[rows], line.order[rows + 1]
    if rows.size < FEWEST or not valid[own].all():
        return None
    gaps = target[own] - source[following]
    return int(gaps[0]) if (gaps == gaps[0]).all() else None


# -- order itself -----------------------------------------------------------------------------------------------------
def find_ascending(lines: Sequence[Line], taken: set[str]) -> Iterator[Invariant]:
    """A date never falls from one sibling to the next, by key or count: of the whole table, else of a parent.

    Numbers (a meter's reading) and times of day among the rows of a parent alone. Rows without a date take no part.
    """
    for line in sorted(lines, key=lambda one: len(one.groups)):
        view = line.view
        if len(line.order) > 1 or view[line.order[0]].family != "number" or len(line.groups) > 1:
            continue
        if not line.groups and line.order[0] not in view.identities:
            continue
        for date in view.columns.values():
            number = date.family in ("number", "time") and line.groups
            if not (date.family == "datetime" or number) or date.distinct < 4 or date.name in taken:
                continue
            if date.name in line.order or (number and date.name in view.references | view.surrogates):
                continue
            if date.nulls and date.family == "number":
                continue
            few, whole = line.few.among(date.valid), line.whole.among(date.valid)
            if _falls(few, date) or _falls(whole, date) or not _tells(whole, date):
                continue
            taken.add(date.name)
            after = int(np.count_nonzero(~whole.first))
            sources = tuple(dict.fromkeys([*line.groups, *line.order]))
            parameters = {"strict": bool(line.groups) and _rises(whole, date), "unit": _grain(date), **line.named}
            yield Invariant("ascending", view.table.name, date.name, sources, None, parameters, after)


def _falls(line: Siblings, date: ColumnView) -> bool:
    ordered = date.ordered[line.order]
    return bool((np.diff(ordered, prepend=0)[~line.first] < 0).any())


def _rises(line: Siblings, date: ColumnView) -> bool:
    dated = date.family == "datetime"
    return dated and bool((np.diff(date.moments[line.order], prepend=0)[~line.first] > 0).all())


def _grain(date: ColumnView) -> int:
    """The step of the clock on which all dates lie, in microseconds: a day, a quarter of an hour, a second or one."""
    if date.family != "datetime":
        return 1
    moments = date.moments[date.valid]
    return DAY if date.dates_only else next((step for step in GRAINS if not (moments % step).any()), 1)


def _tells(line: Siblings, date: ColumnView) -> bool:
    """Whether families in any other order would often fall: each step up is one half likely by chance."""
    ordered = date.ordered[line.order]
    rises = np.count_nonzero(np.diff(ordered, prepend=0)[~line.first] > 0)
    return bool(rises * np.log(2) >= SURPRISE) and distinct_codes(date.codes)[1] > 3
