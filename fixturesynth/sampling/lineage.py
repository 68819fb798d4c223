"""Trees inside of a table: a reply answers a comment of its own post, an answer a question asked shortly before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.drawing import Distributions, draw, stratified
from fixturesynth.generators.lines import ALONE, ITSELF, UNDER, whole_numbers
from fixturesynth.generators.tablemodel import Line, count_variable, line_variable, variables_of
from fixturesynth.planning.hanging import hanging_on_parent, may_be_planted
from fixturesynth.planning.plan import Modelled
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.randomness import below, hashed
from fixturesynth.rules.grammar import Bits
from fixturesynth.rules.numbers import along
from fixturesynth.sampling.assembly import Assembly, compute
from fixturesynth.sampling.counts import allot, assign_by_score, stretch
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import generated
from fixturesynth.sampling.planting import beside, planted, roots_of, without_circles
from fixturesynth.sampling.reconciling import reconciled

__all__ = ["kept_in_lines", "trees_inside"]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Columns = dict[str, pa.Array]

MOST_GROUPS = 64  # of rows that agree with their parents; of more, each has few to choose from
MOST_CELLS = 64


def kept_in_lines(assembly: Assembly, columns: Columns) -> Columns:
    """``columns`` after rows have taken parents of their own table: as they were learned, or such as agree with them.

    Where a value has rows and no root, its first row becomes one; so NULL may come more often than it was seen. What is
    each tree's own (the name of a station and of its platforms) is its root's in all of its rows.
    """
    lines = {line.foreign_key: line for line in assembly.model.lines} if assembly.model is not None else {}
    for reference in assembly.plan.references:
        if not may_be_planted(assembly.plan, assembly.table, reference) or reference.foreign_key not in assembly.ranks:
            continue
        line = lines.get(reference.foreign_key)
        if not set(reference.alike) <= set(columns) or not (reference.alike or line):
            continue
        hanging = hanging_on_parent(assembly.plan, assembly.table, reference.foreign_key)
        roots = int((assembly.ranks[reference.foreign_key] < 0).sum())
        shared, groups = _shared(assembly, columns, reference.alike, roots)
        if line is None or not _tells(line) or int(groups.max(initial=0)) >= MOST_GROUPS:
            if not reference.alike:
                continue
            ranks = trees_inside(
                groups, roots, reference.counts, assembly.seed, assembly.table.name, reference.foreign_key
            )
        elif line.child_of is not None:
            ranks = _own_children(assembly, line, roots)
        else:
            ranks = _learned(assembly, columns, line, reference.counts, groups, roots)
        assembly.ranks[reference.foreign_key] = ranks
        if set(reference.alike) - shared:
            _give_roots(assembly, set(reference.alike) - shared, roots_of(ranks))
            columns = compute(assembly)
        columns = compute(assembly, {name: v for name, v in columns.items() if name not in hanging})
        if line is not None and line.column is not None and _may_be_dated(assembly, line.column):
            _date_children(assembly, columns, line, ranks)
            columns = compute(assembly)
    return columns


def _shared(assembly: Assembly, columns: Columns, alike: tuple[str, ...], roots: int) -> tuple[set[str], Integers]:
    """Of the columns in which rows agree with their parents those that several trees share, and the group of each row
    by these, (rows,): references, and values of which there are few. Others may be given by the root."""
    shared = {c for c in alike if c not in assembly.base}
    groups = np.zeros(assembly.rows, dtype=np.int64)
    for name in sorted(shared):
        groups = pair_keys(groups, codes_of(columns[name]))
    codes = {c: codes_of(columns[c]) for c in alike if c not in shared}
    for name in sorted(codes, key=lambda c: int(codes[c].max(initial=0))):
        finer = pair_keys(groups, codes[name])
        if int(codes[name].max(initial=0)) < min(MOST_GROUPS, roots):
            shared, groups = shared | {name}, finer
    return shared, groups


def _give_roots(assembly: Assembly, names: set[str], root: Integers) -> None:
    """Gives rows what the ``root``, (rows,), of their tree has in some columns, values and codes."""
    variables = [v.name for v in generated(assembly.model)] if assembly.model is not None else []
    owned = {v for n in names for v in variables_of(n)}
    for name in names & assembly.base.keys():
        assembly.base[name] = assembly.base[name].take(array_of(root))
    places = [i for i, v in enumerate(variables) if v in owned]
    if places:
        assembly.codes = assembly.codes.copy()
        assembly.codes[:, places] = assembly.codes[root][:, places]


def _tells(line: Line) -> bool:
    """Whether anything is known of whose child a row is."""
    return line.column is not None or line.variable is not None or line.child_of is not None


def _variable(assembly: Assembly, name: str | None) -> Integers | None:
    """Codes of a variable that the model generates, (rows,)."""
    names = [v.name for v in generated(assembly.model)] if assembly.model is not None else []
    return assembly.codes[:, names.index(name)].astype(np.int64) if name in names else None


def _kinds(assembly: Assembly, line: Line, roots: int) -> Integers:
    """UNDER, ALONE or ITSELF of every row, (rows,), as many of them without a parent as there are ``roots``."""
    kinds = _variable(assembly, line_variable(line.foreign_key))
    if kinds is None:
        kinds = np.zeros(assembly.rows, dtype=np.int64)
    surplus = int((kinds == ALONE).sum()) - roots
    pool = np.flatnonzero(kinds == (ALONE if surplus > 0 else UNDER))
    words = hashed(pool, assembly.seed, assembly.table.name, line.foreign_key, "alone")
    kinds[pool[np.argsort(words, kind="stable")[: abs(surplus)]]] = UNDER if surplus > 0 else ALONE
    return kinds


def _learned(
    assembly: Assembly, columns: Columns, line: Line, learned: tuple[tuple[int, int], ...], groups: Integers, roots: int
) -> Integers:
    """A parent for every row, (rows,), -1 for none, by what was ``learned`` of the reference; one of its own group."""
    address = (assembly.table.name, line.foreign_key)
    kinds = _kinds(assembly, line, roots)
    child = np.flatnonzero(kinds == UNDER)
    own = line.variable == line_variable(line.foreign_key)
    classes = kinds if own else _variable(assembly, line.variable)
    cell, wanted = groups, groups[child]
    if classes is not None:
        size = len(line.classes)
        theirs = _wanted_classes(line, classes[child], child, assembly.seed, address)
        cell, wanted = groups * size + classes, groups[child] * size + theirs
    degrees = _degrees(assembly, line, learned, kinds, classes)
    if int(cell.max(initial=0)) < MOST_CELLS:
        degrees = reconciled(degrees, cell, np.bincount(wanted, minlength=int(cell.max(initial=0)) + 1))
    found = whole_numbers(columns[line.column]) if line.column in columns else None
    if found is None:
        # Anybody who stands before the row in some order, in which those without a parent are the first.
        words = hashed(np.arange(assembly.rows), assembly.seed, *address, "anybody")
        later = np.where(kinds == UNDER, 2**31, 0)
        numbers, never = (words >> np.uint64(33)).astype(np.int64) + later, True
        targets = _anywhere(cell, wanted, numbers, degrees, hashed(child, assembly.seed, *address, "whose"))
    else:
        numbers, never = found[0], line.never_before
        targets = numbers[child] - _distances(line, child, assembly.seed, address)
    out = np.where(kinds == ITSELF, np.arange(assembly.rows), -1)
    for cells, asked in ((cell, wanted), (groups, groups[child])):  # whoever finds none of the class takes anybody
        lonely = np.flatnonzero(out[child] < 0)
        out[child[lonely]] = planted(
            child[lonely], cells, asked[lonely], numbers, targets[lonely], degrees,
            never_before=never, seed=assembly.seed, address=address,
        )  # fmt: skip
    whole = without_circles(out)
    # Who led a circle goes under a row of another tree.
    cut = np.flatnonzero((whole < 0) & (kinds == UNDER))
    rooted = np.flatnonzero(kinds[roots_of(whole)] != UNDER)
    for cells, asked in ((cell, wanted), (groups, groups[child])):
        cut = cut[whole[cut] < 0]
        order = rooted[np.lexsort((numbers[rooted], cells[rooted]))]
        at = np.searchsorted(child, cut)
        whole[cut] = beside(order, cells, numbers, cut, asked[at], targets[at], never_before=never)
    return whole


def _anywhere(cell: Integers, wanted: Integers, numbers: Integers, degrees: Integers, words: Words) -> Integers:
    """Where each child's parent stands, (children,): with anybody of the ``wanted`` cell, by its number of children."""
    order = np.argsort(cell, kind="stable")
    running = np.concatenate(([0], np.cumsum(degrees[order])))
    low, high = (running[np.searchsorted(cell[order], wanted + k)] for k in (0, 1))
    place = low + below(words, np.maximum(high - low, 1))
    row = order[np.minimum(np.searchsorted(running, place, side="right") - 1, order.size - 1)]
    found: Integers = np.where(high > low, numbers[row], 0)
    return found


def _degrees(
    assembly: Assembly, line: Line, learned: tuple[tuple[int, int], ...], kinds: Integers, classes: Integers | None
) -> Integers:
    """Children of every row beside itself, (rows,): as many rows have as many as it was learned, those first whose own
    values say so, and those last whose class has none."""
    codes = _variable(assembly, count_variable(assembly.table.name, line.foreign_key))
    score = np.zeros(assembly.rows, dtype=np.int64)
    if codes is not None:
        score = np.array(line.degrees, dtype=np.int64)[np.minimum(codes, len(line.degrees) - 1)]
    itself = (kinds == ITSELF).astype(np.int64)
    score = score + itself
    if classes is not None:
        childless = np.array(line.classes, dtype=np.int64).sum(axis=0) == 0
        score = np.where(childless[classes], -1, score)
    total = int((kinds != ALONE).sum())
    whole = assign_by_score(
        stretch(learned, assembly.rows, total), score, assembly.seed, assembly.table.name, line.foreign_key, "degrees"
    )
    beside_itself: Integers = np.maximum(whole - itself, 0)
    return beside_itself


def _wanted_classes(line: Line, own: Integers, child: Integers, seed: int, address: tuple[str, ...]) -> Integers:
    """The class of each child's parent, (children,), as often beside its ``own`` one as it was seen."""
    table = np.array(line.classes, dtype=np.int64)
    unseen = table.sum(axis=1) == 0
    table[unseen] = table.sum(axis=0)
    words = stratified(own, hashed(child, seed, *address, "class"))
    theirs: Integers = draw(_rows_of(table), own, words).astype(np.int64)
    return theirs


def _rows_of(table: Integers) -> Distributions:
    """A distribution for each row of a table of counts."""
    owner, codes = np.nonzero(table)
    running = np.cumsum(table[owner, codes])
    return Distributions(
        codes.astype(np.int32), running, running[np.searchsorted(owner, np.arange(len(table)), "right") - 1]
    )


def _distances(line: Line, child: Integers, seed: int, address: tuple[str, ...]) -> Integers:
    """How far each child is to lie from its parent, (children,)."""
    words = stratified(np.zeros(child.size, dtype=np.int64), hashed(child, seed, *address, "distance"))
    drawn: Integers = along(line.distances, Bits(words))
    return drawn


def _may_be_dated(assembly: Assembly, column: str) -> bool:
    """Whether nothing else holds a learned column where it is."""
    plan = assembly.plan
    held = {c for u in plan.uniques for c in u.columns} | {a.column for a in plan.aggregates}
    held |= {s.column for s in plan.successions} | {c for order in plan.orders for c in order[:2]}
    source = plan.column(column).source
    return isinstance(source, Modelled) and not source.options.get("delta_parent") and column not in held


def _date_children(assembly: Assembly, columns: Columns, line: Line, ranks: Integers) -> None:
    """Rows come as long after their parents as they were seen to, those of one depth after the other."""
    assert line.column is not None
    values = columns[line.column]
    found, parsed = whole_numbers(values), parse_temporal(values)
    if found is None or parsed is None:  # what is no moment is near for other reasons, and stays
        return
    numbers, valid = found
    child = np.flatnonzero((ranks >= 0) & (ranks != np.arange(assembly.rows)))
    far = np.zeros(assembly.rows, dtype=np.int64)
    far[child] = _distances(line, child, assembly.seed, (assembly.table.name, line.foreign_key))
    depth = np.zeros(assembly.rows, dtype=np.int64)
    while True:
        deeper = np.zeros_like(depth)
        deeper[child] = depth[ranks[child]] + 1
        if (deeper == depth).all():
            break
        depth = deeper
    low, high = int(numbers[valid].min(initial=0)), int(numbers[valid].max(initial=0))
    out = numbers.copy()
    for level in range(1, int(depth.max(initial=0)) + 1):
        rows = np.flatnonzero((depth == level) & valid & valid[np.maximum(ranks, 0)])
        out[rows] = np.clip(out[ranks[rows]] + far[rows], low, high)
    made = format_temporal(out, parsed[1], parsed[2], ~valid)
    assembly.base[line.column] = made if made.type == values.type else made.cast(values.type)
    if assembly.model is not None:
        left = {k: v for k, v in assembly.model.offsets.items() if k != line.column}
        assembly.model = replace(assembly.model, offsets=left)


def _own_children(assembly: Assembly, line: Line, roots: int) -> Integers:
    """One of each row's children by another self reference, (rows,), -1 for rows that are to have none."""
    above = assembly.ranks[str(line.child_of)]
    child = np.flatnonzero(above >= 0)
    words = hashed(child, assembly.seed, assembly.table.name, line.foreign_key, "chosen")
    order = child[np.lexsort((words, above[child]))]
    first = order[np.flatnonzero(np.diff(above[order], prepend=-1))]
    chosen = np.full(assembly.rows, -1, dtype=np.int64)
    chosen[above[first]] = first
    kinds = _variable(assembly, line_variable(line.foreign_key))
    wanting = np.zeros(assembly.rows, dtype=bool) if kinds is None else kinds == UNDER
    able = np.flatnonzero(chosen >= 0)
    ranked = able[
        np.lexsort((hashed(able, assembly.seed, assembly.table.name, line.foreign_key, "one"), ~wanting[able]))
    ]
    out = np.full(assembly.rows, -1, dtype=np.int64)
    kept = ranked[: assembly.rows - roots]
    out[kept] = chosen[kept]
    return out


def trees_inside(
    groups: Integers, roots: int, counts: tuple[tuple[int, int], ...], seed: int, *address: str
) -> Integers:
    """A parent for every row, (n,), an earlier one of its group, or -1: ``roots`` of these, or one for each group.

    ``groups``: (n,), numbers from 0. ``counts``: (children, rows that have as many), as they were learned; without,
    children are evenly spread. Numbers of children come as they were learned as far as groups have room for them.

    >>> trees_inside(np.array([0, 1, 0, 1, 0]), 2, ((0, 3), (1, 1), (2, 1)), 7).tolist()
    [-1, -1, 0, 1, 0]
    """
    n = groups.size
    out = np.full(n, -1, dtype=np.int64)
    if not n:
        return out
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    first = np.cumsum(sizes) - sizes
    place = np.arange(n) - np.repeat(first, sizes)
    founders = (sizes > 0).astype(np.int64)
    spare = sizes - founders
    more = min(max(roots - int(founders.sum()), 0), int(spare.sum()))
    words = hashed(np.arange(sizes.size), seed, *address, "founders")
    founders += _within(allot(spare, more, words), spare)
    need = sizes - founders
    degrees = _dealt(need, sizes - 1, stretch(counts, n, int(need.sum())), seed, *address)
    # Children in the order of their group; parents too, the largest first, so that a parent comes before its children.
    inside = np.repeat(np.arange(sizes.size), sizes)
    ranked = np.lexsort((-degrees, inside))
    owner = np.repeat(np.arange(n), degrees[ranked])
    child = np.flatnonzero(place >= founders[inside])
    earlier = np.minimum(place[owner], place[child] - 1)
    out[order[child]] = order[first[inside[child]] + earlier]
    return out


def _within(asked: Integers, most: Integers) -> Integers:
    """``asked`` with what is above ``most`` moved to where there is room; the same sum."""
    out = np.minimum(asked, most)
    over = int(asked.sum() - out.sum())
    room = np.cumsum(most - out)
    out += np.diff(np.minimum(room, over), prepend=0)
    return out


def _dealt(need: Integers, slots: Integers, degrees: Integers, seed: int, *address: str) -> Integers:
    """Children of every row, (rows,), the rows of a group together: each group has as many as it needs.

    ``need``, ``slots``: (groups,), children of each group and rows that may have some; the large ``degrees`` go first.
    """
    left, free = need.copy(), slots.copy()
    sizes = slots + 1
    start = np.cumsum(sizes) - sizes
    out = np.zeros(int(sizes.sum()), dtype=np.int64)
    waiting = np.bincount(degrees, minlength=2).astype(np.int64)
    for degree in range(waiting.size - 1, 0, -1):
        if not waiting[degree]:
            continue
        most = np.minimum(left // degree, free)
        fitting = np.repeat(np.arange(need.size), most)
        chosen = fitting[np.argsort(hashed(np.arange(fitting.size), seed, *address, "dealt", degree), kind="stable")]
        chosen = chosen[: waiting[degree]]
        taken = np.bincount(chosen, minlength=need.size)
        group = np.repeat(np.arange(need.size), taken)
        number = np.arange(group.size) - np.repeat(np.cumsum(taken) - taken, taken)
        out[start[group] + (sizes - 1 - free)[group] + number] = degree
        left -= taken * degree
        free -= taken
        # What no group has room for is two of fewer children, as many as there is room for and the rest.
        many, largest = int(waiting[degree]) - chosen.size, min(int(left[free > 0].max(initial=0)), degree - 1)
        if many and largest:
            waiting[largest] += many
            waiting[degree - largest] += many
    # Groups whose rows have children already, all of them: the first has the rest.
    out[start] += left
    return out
