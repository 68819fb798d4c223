"""``cart``: sequential classification trees, the instant tier.

Each variable is drawn from the leaf that the variables before it lead to (Reiter 2005; Nowok, Raab and Dibben,
"synthpop", 2016). A leaf holds integer counts of at least ``least_rows`` rows of several root entities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import CodedTable, Codes, State, Variable, Words
from fixturesynth.generators.drawing import (
    Distributions,
    checked,
    count_distributions,
    draw,
    draw_or_repeat,
    learnable,
    share_of,
    stratified,
)
from fixturesynth.generators.encoding.bins import multiply_high
from fixturesynth.generators.growing import Growth, Tree, find_leaves, grow, rank_feature
from fixturesynth.generators.ordering import order_variables
from fixturesynth.randomness import hashed, permutation

__all__ = ["Cart"]

Integers = npt.NDArray[np.int64]

CANDIDATES = 16  # draws among which a row with given variables is chosen
GROW_ROWS = 60_000  # rows that decide where to split; leaves are counted on all rows
LEAST_GROUPS = 5  # root entities in a leaf
REPEATS = 0.3  # on a scale from 0 (by chance) to 1 (always), how often a code is that of the sibling before
LEAST_REPEATS = 50
SURE_REPEATS = 4.0  # standard errors


class Cart:
    """Sequential trees behind the contract of generators; stateless.

    ``reorder``: grow the trees in the order of ``order_variables`` instead of the order given; the codes that come
    out stay in the order given.
    """

    name = "cart"
    version = 1

    def __init__(self, growth: Growth | None = None, *, reorder: bool = True) -> None:
        self.growth = growth or Growth()
        self.reorder = reorder

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """One tree for every variable that is not context, on all variables before it.

        ``time_limit`` in seconds is turned into a number of rows to grow on, by what a slow core can do, and never
        by a clock: the same data and seed give the same state. Raises InputError for a table without rows.
        """
        codes = learnable(table)
        order = order_variables(table.variables, codes) if self.reorder else _as_given(table.variables)
        variables = tuple(table.variables[i] for i in order)
        codes = np.ascontiguousarray(codes[:, order])
        rows = codes.shape[0]
        groups = None if table.groups is None else np.unique(table.groups, return_inverse=True)[1].astype(np.int64)
        chosen = _grow_rows(rows, len(variables), time_limit, seed)
        columns = [codes[chosen, i].astype(np.int64) for i in range(codes.shape[1])]
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        names = [v.name for v in variables]
        repeated: dict[str, int] = {}  # by variable: that of the sibling before, both in the order of growing
        for i, variable in enumerate(variables):
            if variable.context:
                continue
            own, size = codes[:, i], variable.size
            before = names.index(variable.like) if variable.like in names and not variable.ordered else None
            if before is not None and _repeats(own, codes[:, before], size):
                repeated[str(i)] = before
                own, size = np.where(own == codes[:, before], size, own).astype(np.int32), size + 1
            target = own[chosen].astype(np.int64)
            luts = [
                rank_feature(columns[f], feature.size, feature.ordered, target, size)
                for f, feature in enumerate(variables[:i])
            ]
            ranks = np.array([luts[f][columns[f]] for f in range(i)], np.uint8).reshape(i, chosen.size)
            tree = grow(ranks, target, size, variable.ordered, self.growth)
            lookup = np.concatenate([*luts, np.zeros(0, np.uint8)])
            leaf = find_leaves(tree, lookup, _offsets(variables[:i]), codes[:, :i])
            held, owner_of = _count(tree, leaf, own, size, groups, self.growth.least_rows)
            for name, array in (
                ("feature", tree.feature), ("threshold", tree.threshold), ("left", tree.left), ("ranks", lookup),
                ("owner", owner_of), ("codes", held.codes), ("running", held.running), ("ends", held.ends),
            ):  # fmt: skip
                arrays[f"{i}.{name}"] = array
        return State(
            self.name, self.version, table.variables, arrays, {"rows": rows, "order": order, "repeated": repeated}
        )

    def sample(
        self,
        state: State,
        context: Codes,
        uniforms: Words,
        given: Mapping[str, Codes] | None = None,
        *,
        stratify: bool = False,
    ) -> Codes:
        """Codes of shape (n, generated variables); see the contract.

        A given variable is taken as it is and those after it are drawn knowing it. So that those before it fit too,
        a row with given variables is drawn CANDIDATES times and one is kept by the likelihood of what is given
        (likelihood weighting; sampling-importance resampling, Rubin 1987): an approximation for rare combinations.
        """
        context, uniforms, known = checked(state, context, uniforms, given)
        codes, likelihood = _draw_rows(state, context, uniforms, known, stratify)
        asked = np.zeros(uniforms.shape[0], bool)
        for wish in known.values():
            asked |= wish >= 0
        rows = np.flatnonzero(asked)
        if rows.size:
            here = {name: wish[rows] for name, wish in known.items()}
            candidates, running = [codes[rows]], [likelihood[rows]]
            for k in range(1, CANDIDATES):
                other = hashed(uniforms[rows], 0, "cart", "candidate", k)
                more, weight = _draw_rows(state, context[rows], other, here, stratify)
                candidates.append(more)
                running.append(running[-1] + weight)
            choice = hashed(uniforms[rows, 0], 0, "cart", "choice")
            drawn = multiply_high(choice, running[-1].astype(np.uint64)).astype(np.int64)
            kept = (np.stack(running) <= drawn).sum(axis=0)
            codes[rows] = np.stack(candidates)[kept, np.arange(rows.size)]
        return codes


def _draw_rows(
    state: State, context: Codes, uniforms: Words, known: Mapping[str, Codes], stratify: bool
) -> tuple[Codes, Integers]:
    """One draw of every row, and the likelihood of what is given in it, scaled to at most 2**46."""
    order = list(state.facts["order"])
    repeated = state.facts.get("repeated", {})
    variables = tuple(state.variables[i] for i in order)
    column = {i: k for k, i in enumerate(i for i, variable in enumerate(state.variables) if not variable.context)}
    codes = np.zeros((uniforms.shape[0], len(variables)), np.int32)
    fixed = len(variables) - len(column)
    codes[:, :fixed] = context  # context comes first in every order, as it was given
    likelihood = np.full(uniforms.shape[0], 2**46, np.int64)
    for i in range(fixed, len(variables)):
        own = uniforms[:, column[order[i]]]
        owner = _owners(state, variables, i, codes)
        held = _distributions(state, i)
        own = stratified(owner, own) if stratify else own
        size = variables[i].size
        before = codes[:, repeated[str(i)]] if str(i) in repeated else None
        codes[:, i] = draw(held, owner, own) if before is None else draw_or_repeat(held, owner, own, before, size)
        wish = known.get(variables[i].name)
        if wish is not None:
            codes[:, i] = np.where(wish >= 0, wish, codes[:, i])
            asked = wish if before is None else np.where(wish == before, size, wish)
            chance = share_of(held, owner, asked, size + (before is not None))
            likelihood = np.where(wish >= 0, np.maximum(likelihood * chance >> 16, 1), likelihood)
    place = {i: k for k, i in enumerate(order)}
    return codes[:, [place[i] for i in column]], likelihood


def _repeats(codes: Codes, before: Codes, size: int) -> bool:
    """Whether rows have the code of the sibling before clearly more often than by chance."""
    seen = before < size
    codes, before = codes[seen], before[seen]
    if codes.size < LEAST_REPEATS:
        return False
    shares = np.bincount(codes, minlength=size) / codes.size
    # The most frequent code comes again and again by itself: the others must as well.
    for rows in (np.arange(codes.size), np.flatnonzero(before != int(shares.argmax()))):
        same, chance = codes[rows] == before[rows], shares[before[rows]]
        excess = float(same.sum() - chance.sum())
        sure = SURE_REPEATS * float((chance * (1 - chance)).sum()) ** 0.5
        if rows.size < LEAST_REPEATS or excess <= max(REPEATS * float((1 - chance).sum()), sure):
            return False
    return True


def _as_given(variables: tuple[Variable, ...]) -> list[int]:
    """Indices of ``variables``, context first."""
    return sorted(range(len(variables)), key=lambda i: not variables[i].context)


def _grow_rows(rows: int, variables: int, time_limit: float | None, seed: int) -> Integers:
    most = GROW_ROWS
    if time_limit is not None:
        # About 2 million (row, pair of variables) a second on one slow core.
        pairs = max(1, variables * variables // 2)
        most = int(min(most, max(1000, time_limit * 2_000_000 / pairs)))
    if rows <= most:
        return np.arange(rows)
    return np.sort(permutation(rows, seed, "cart", "rows")[:most])


def _offsets(variables: tuple[Variable, ...]) -> Integers:
    return np.cumsum([0, *(variable.size for variable in variables)])[:-1].astype(np.int64)


def _owners(state: State, variables: tuple[Variable, ...], i: int, codes: Codes) -> Integers:
    """The distribution of variable ``i``, in the order of growing, for every row, (n,)."""
    arrays = state.arrays
    feature = arrays[f"{i}.feature"]
    tree = Tree(feature, arrays[f"{i}.threshold"], arrays[f"{i}.left"], feature)
    leaf = find_leaves(tree, arrays[f"{i}.ranks"], _offsets(variables[:i]), codes)
    owner: Integers = arrays[f"{i}.owner"][leaf].astype(np.int64)
    return owner


def _distributions(state: State, i: int) -> Distributions:
    return Distributions(*(state.arrays[f"{i}.{name}"] for name in ("codes", "running", "ends")))


def _count(
    tree: Tree,
    leaf: Integers,
    codes: npt.NDArray[np.int32],
    size: int,
    groups: Integers | None,
    least_rows: int,
) -> tuple[Distributions, npt.NDArray[np.int32]]:
    """Distributions of all rows by leaf, and which one every node uses, (nodes,).

    A leaf with too few rows or root entities uses its nearest ancestor that has enough.
    """
    nodes = tree.feature.size
    holder = np.arange(nodes)
    settled: list[tuple[Integers, Integers]] = []  # (rows, holder of each)
    rows, at = np.arange(leaf.size), leaf.copy()
    while True:
        enough = np.bincount(at, minlength=nodes) >= least_rows
        if groups is not None:
            wide = int(groups.max()) + 1
            support = np.bincount(np.unique(at * wide + groups[rows]) // wide, minlength=nodes)
            enough &= support >= LEAST_GROUPS
        poor = np.unique(at[~enough[at]])
        empty = (
            np.flatnonzero((tree.feature < 0) & (np.bincount(leaf, minlength=nodes) == 0)) if not settled else poor[:0]
        )
        settled.append((rows, at))
        poor = np.concatenate([poor, empty])
        poor = poor[poor > 0]
        if not poor.size:
            break
        above = np.unique(tree.parent[poor])
        moved = np.isin(holder, poor)
        holder[moved] = tree.parent[holder[moved]]
        # All rows under those ancestors, for their own distributions.
        rows, at = _under(tree, leaf, above)
    used = np.unique(holder[tree.feature < 0])
    parts_owner, parts_code = [], []
    done = np.zeros(nodes, bool)
    place = np.full(nodes, -1)
    place[used] = np.arange(used.size)
    for rows, at in settled:
        fresh = (place[at] >= 0) & ~done[at]
        parts_owner.append(place[at[fresh]])
        parts_code.append(codes[rows[fresh]])
        done[np.unique(at[fresh])] = True
    held = count_distributions(np.concatenate(parts_owner), np.concatenate(parts_code), used.size, size)
    return held, np.maximum(place[holder], 0).astype(np.int32)


def _under(tree: Tree, leaf: Integers, above: npt.NDArray[np.int32]) -> tuple[Integers, Integers]:
    """Every pair of a row and a node among ``above`` that it lies under: rows, nodes."""
    wanted = np.zeros(tree.feature.size, bool)
    wanted[above] = True
    rows, at = np.arange(leaf.size), leaf.copy()
    found: list[tuple[Integers, Integers]] = []
    while rows.size:
        inner = at > 0
        rows, at = rows[inner], tree.parent[at[inner]].astype(np.int64)
        hit = wanted[at]
        found.append((rows[hit], at[hit]))
    return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])
