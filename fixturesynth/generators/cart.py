"""``cart``: sequential classification trees, the instant tier.

Each variable is drawn from the leaf that the variables before it lead to (Reiter 2005; Nowok, Raab and Dibben,
"synthpop", 2016). A leaf holds integer counts of at least ``least_rows`` rows of several root entities. Where a row
has nothing given, a split must tell clearly more than chance does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.confines import (
    Confines,
    confines_from,
    draw_within,
    find_confines,
    weighed,
    within,
)
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
from fixturesynth.generators.growing import Growth, Tree, find_leaves, grow, other_ranks, rank_feature, share_of_chance
from fixturesynth.generators.memories import names_of_siblings
from fixturesynth.generators.moments import Moments
from fixturesynth.generators.opening import with_openings
from fixturesynth.generators.ordering import order_variables
from fixturesynth.generators.partners import Partners, draw_partners, find_partners, partners_from
from fixturesynth.generators.steps import (
    STEP_CODES,
    classes,
    code_length,
    draw_steps,
    repeats,
    step_classes,
    step_feature,
)
from fixturesynth.generators.successors import find_successors
from fixturesynth.randomness import hashed, permutation

__all__ = ["Cart"]

Integers = npt.NDArray[np.int64]
Ranks = npt.NDArray[np.uint8]

CANDIDATES = 16  # draws among which a row with given variables is chosen
GROW_ROWS = 120_000  # rows that decide where to split; leaves are counted on all rows
LEAST_GROUPS = 5  # root entities in a leaf
SURE = 2.0  # standard deviations above what chance alone gives a split, where rows have nothing given
LEAST_SAVED = 0.75  # of the bits of a tree that repeats what came before, for one that errs anew with each row
LEAST_LATER = 50  # rows after a sibling, for steps to be looked at
STEP = "step "  # before the name of a variable, that of its step from the sibling before


class Cart:
    """Sequential trees behind the contract of generators; stateless.

    ``reorder``: grow the trees in the order of ``order_variables`` instead of the order given; the codes that come
    out stay in the order given.
    """

    name = "cart"
    max_codes = 200
    computes = True
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
        groups = None if table.groups is None else np.unique(table.groups, return_inverse=True)[1].astype(np.int64)
        codes, groups = with_openings(variables, np.ascontiguousarray(codes[:, order]), groups, seed)
        rows = codes.shape[0]
        chosen = _grow_rows(rows, len(variables), time_limit, seed)
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        names = [v.name for v in variables]
        repeated: dict[str, int] = {}  # by variable: that of the sibling before, both in the order of growing
        stepped: dict[str, int] = {}  # the same for variables that are learned as steps from it
        partnered: dict[str, int] = {}  # by variable: the earlier one, not all of whose codes it goes with
        confined: dict[str, list[int]] = {}  # by variable: earlier ones, rows of whose codes never have all of its own
        fixed = sum(v.context for v in variables)  # they come first
        seen = _Seen(list(variables[:fixed]), codes[:, :fixed], chosen)
        # What the children of one parent have alike shows in few rows. Among rows by themselves few show accidents, and
        # trees that follow those give back the learned rows rather than others like them.
        careful = self.growth if fixed else replace(self.growth, sure=SURE)
        for i, variable in enumerate(variables[fixed:], fixed):
            growth = self.growth if variable.outgoing else careful
            own, size = codes[:, i], variable.size
            like = names.index(variable.like) if variable.like in names else None
            before = codes[:, like] if like is not None else own
            tree, lookup, also, leaf = _grown(seen, own, size, variable.ordered, like, growth)
            shortest, taken = code_length(leaf, own, size) if like is not None else 0.0, None
            # What is not drawn as it is: as steps from the sibling before, or with one class more for its own code, or
            # for what usually comes after that.
            for way in _other_ways(variable, own, before, like, table.variables[order[like or 0]].size, groups):
                grown = _grown(seen, way.codes, way.size, variable.ordered, like, growth, way.again)
                length = code_length(grown[3], way.codes, way.size) * (1.0 if way.again is None else LEAST_SAVED)
                if length < shortest:
                    shortest, taken = length, way
                    (tree, lookup, also, leaf) = grown
            if taken is not None and like is not None:
                (stepped if taken.again is None else repeated)[str(i)] = like
                own, size = taken.codes, taken.size
                if taken.successors is not None:
                    arrays[f"{i}.successors"] = taken.successors
            held, owner_of = _count(tree, leaf, own, size, groups, self.growth.least_rows)
            found = None if variable.ordered else _partner(variables, codes, range(fixed, i), i, groups)
            if found is not None:
                partnered[str(i)] = found[0]
                arrays |= {f"{i}.{name}": array for name, array in found[1].arrays().items()}
            usual = before if taken is None or taken.successors is None else taken.successors[before]
            pairs, beside = (found[1], codes[:, found[0]]) if found is not None else (None, usual)
            drawn_as = None if taken is None else "step" if taken.again is None else "again"
            leaves = _Leaves(held, owner_of[leaf].astype(np.int64), usual, variable.size, drawn_as, pairs, beside)
            held, around = _confined(leaves, variables, codes, i, groups, seed)
            if around:
                confined[str(i)] = [one.earlier for one in around]
                arrays |= {f"{i}.{name}": array for one in around for name, array in one.arrays().items()}
            for name, array in (
                ("feature", tree.feature), ("threshold", tree.threshold), ("left", tree.left), ("ranks", lookup),
                ("owner", owner_of), ("codes", held.codes), ("running", held.running), ("ends", held.ends),
            ):  # fmt: skip
                arrays[f"{i}.{name}"] = array
            if also.size:
                arrays[f"{i}.also"] = also
            seen = seen.and_one(variable, codes[:, i])
            if str(i) in stepped:
                seen = seen.and_one(_step_of(variable), step_feature(codes[:, i], before, variable.size))
        facts = {"rows": rows, "order": order, "repeated": repeated, "stepped": stepped, "partnered": partnered}
        facts["confined"] = confined
        return State(self.name, self.version, table.variables, arrays, facts)

    def sample(
        self,
        state: State,
        context: Codes,
        uniforms: Words,
        given: Mapping[str, Codes] | None = None,
        *,
        stratify: bool = False,
        computed: Mapping[str, Moments] | None = None,
    ) -> Codes:
        """Codes of shape (n, generated variables); see the contract.

        A given variable is taken as it is and those after it are drawn knowing it. So that those before it fit too,
        a row with given variables is drawn CANDIDATES times and one is kept by the likelihood of what is given
        (likelihood weighting; sampling-importance resampling, Rubin 1987): an approximation for rare combinations.
        """
        context, uniforms, known = checked(state, context, uniforms, given)
        told = {name: moments for name, moments in (computed or {}).items() if name not in known}
        codes, likelihood = _draw_rows(state, context, uniforms, known, stratify, told)
        asked = np.zeros(uniforms.shape[0], bool)
        for name, wish in known.items():
            if name not in _foremost(state, known, told):
                asked |= wish >= 0
        rows = np.flatnonzero(asked)
        if rows.size:
            here = {name: wish[rows] for name, wish in known.items()}
            told = {name: moments.take(rows) for name, moments in told.items()}
            candidates, running = [codes[rows]], [likelihood[rows]]
            for k in range(1, CANDIDATES):
                other = hashed(uniforms[rows], 0, "cart", "candidate", k)
                more, weight = _draw_rows(state, context[rows], other, here, stratify, told)
                candidates.append(more)
                running.append(running[-1] + weight)
            choice = hashed(uniforms[rows, 0], 0, "cart", "choice")
            drawn = multiply_high(choice, running[-1].astype(np.uint64)).astype(np.int64)
            kept = (np.stack(running) <= drawn).sum(axis=0)
            codes[rows] = np.stack(candidates)[kept, np.arange(rows.size)]
        return codes


def _foremost(state: State, known: Mapping[str, Codes], told: Collection[str]) -> set[str]:
    """Variables that are given in all rows and come before all others, but for those that are ``told`` by others: what
    follows is drawn knowing them."""
    found: set[str] = set()
    for i in state.facts["order"]:
        variable = state.variables[i]
        if not variable.context and variable.name not in told:
            if variable.name not in known or (known[variable.name] < 0).any():
                break
            found.add(variable.name)
    return found


def _draw_rows(
    state: State, context: Codes, uniforms: Words, known: Mapping[str, Codes], stratify: bool,
    told: Mapping[str, Moments],
) -> tuple[Codes, Integers]:  # fmt: skip
    """One draw of every row, and the likelihood of what is given in it, scaled to at most 2**46."""
    order = list(state.facts["order"])
    repeated, stepped = state.facts.get("repeated", {}), state.facts.get("stepped", {})
    variables = tuple(state.variables[i] for i in order)
    column = {i: k for k, i in enumerate(i for i, variable in enumerate(state.variables) if not variable.context)}
    fixed = len(variables) - len(column)
    shown = list(variables[:fixed])  # what the next tree sees, in the columns of ``seen``
    seen = np.zeros((uniforms.shape[0], len(variables) + len(stepped)), np.int32)
    seen[:, :fixed] = context  # context comes first in every order, as it was given
    out = np.zeros((uniforms.shape[0], len(column)), np.int32)
    likelihood = np.full(uniforms.shape[0], 2**46, np.int64)
    partnered: Mapping[str, int] = state.facts.get("partnered", {})
    confined: Mapping[str, list[int]] = state.facts.get("confined", {})
    places = dict(enumerate(range(fixed)))  # of the variables drawn so far among the columns of ``seen``
    foremost = _foremost(state, known, told)  # nobody asks how likely they are: nothing was drawn before them
    for i in range(fixed, len(variables)):
        variable = variables[i]
        if variable.name in foremost or variable.name in told:
            places[i] = len(shown)
            if variable.name in told:
                moments = told[variable.name]
                source = next(k for k, v in enumerate(variables) if v.name == moments.source)
                drawn = moments.codes(out[:, column[order[source]]])
            else:
                drawn = known[variable.name]
            out[:, column[order[i]]] = seen[:, len(shown)] = drawn
            shown.append(variable)
            if str(i) in stepped:
                seen[:, len(shown)] = step_feature(drawn, seen[:, stepped[str(i)]], variable.size)
                shown.append(_step_of(variable))
            continue
        own = uniforms[:, column[order[i]]]
        owner = _owners(state, shown, i, seen[:, : len(shown)])
        held = _distributions(state, i)
        own = stratified(owner, own) if stratify else own
        size = variable.size
        before = seen[:, repeated.get(str(i), stepped.get(str(i), 0))]  # of the others, nobody asks
        if f"{i}.successors" in state.arrays:
            before = state.arrays[f"{i}.successors"][before]
        pairs, beside = None, before
        if str(i) in partnered:
            pairs, beside = partners_from(state.arrays, f"{i}.", size), seen[:, places[partnered[str(i)]]]
        way = "step" if str(i) in stepped else "again" if str(i) in repeated else None
        leaves = _Leaves(held, owner, before, size, way, pairs, beside)
        around = confines_from(state.arrays, f"{i}.", confined.get(str(i), ()), size)
        categories = [seen[:, places[one.earlier]] for one in around]
        drawn = leaves.within(around, categories, own)
        wish = known.get(variable.name)
        if wish is not None:
            drawn = np.where(wish >= 0, wish, drawn)
            asked, wide = np.maximum(wish, 0), size
            if str(i) in stepped:
                asked, wide = step_classes(asked, before, size), classes(size)
            elif str(i) in repeated:
                asked, wide = np.where(asked == before, size, asked), size + 1
            chance = share_of(held, owner, asked, wide)
            if pairs is not None:
                chance = np.where(pairs.allowed[beside, np.maximum(wish, 0)], chance, 1)
            chance = np.where(within(around, categories, np.maximum(wish, 0)), chance, 1)
            likelihood = np.where(wish >= 0, np.maximum(likelihood * chance >> 16, 1), likelihood)
        out[:, column[order[i]]] = drawn
        places[i] = len(shown)
        seen[:, len(shown)] = drawn
        shown.append(variable)
        if str(i) in stepped:
            seen[:, len(shown)] = step_feature(drawn, before, size)
            shown.append(_step_of(variable))
    return out, likelihood


@dataclass(frozen=True)
class _Leaves:
    """What rows draw a variable of ``size`` codes from: ``held``, of which ``owner`` (n,) is theirs.

    ``way``: what is held are codes (None), steps from the code ``before`` (n,), or codes and one class for that code
    ``again``. ``pairs``: with which codes of the variable ``beside`` (n,) they go."""

    held: Distributions
    owner: Integers
    before: Codes
    size: int
    way: str | None
    pairs: Partners | None
    beside: Codes

    def draw(self, rows: Integers, words: Words, late: bool = False) -> Codes:
        """Codes of some ``rows``, by as many ``words``; ``late``: none that repeats what came before."""
        owner, before = self.owner[rows], self.before[rows]
        if self.way == "again" and late:
            before = np.full_like(before, self.size)
        if self.way == "step":
            drawn = draw_steps(self.held, owner, words, before, self.size)
        elif self.way == "again":
            drawn = draw_or_repeat(self.held, owner, words, before, self.size)
        else:
            drawn = draw(self.held, owner, words)
        return drawn if self.pairs is None else draw_partners(self.pairs, self.beside[rows], drawn, words)

    def within(self, confines: Sequence[Confines], categories: Sequence[Codes], words: Words) -> Codes:
        """Codes of all rows, by ``words`` (n,), without what rows of their ``categories``, (n,) each, never have."""
        drawn = self.draw(np.arange(words.size), words)
        if confines and self.pairs is not None:
            confines, categories = [Confines(-1, self.pairs.allowed), *confines], [self.beside, *categories]
        return draw_within(confines, categories, drawn, words, self.draw)


def _confined(
    leaves: _Leaves, variables: Sequence[Variable], codes: Codes, i: int, groups: Integers | None, seed: int
) -> tuple[Distributions, list[Confines]]:
    """What the leaves of variable ``i`` hold, weighed so that what rows of an earlier category never have can be left
    out, and those categories."""
    own = codes[:, i]
    hidden = names_of_siblings(v.name for v in variables if not v.context) - {variables[i].like}
    words = hashed(np.arange(own.size), seed, "cart", "confines", i)
    drawn = leaves.draw(np.arange(own.size), words)
    earlier = [j for j in range(i) if variables[j].name not in hidden]
    found = find_confines(variables, codes, earlier, own, variables[i], drawn, groups, LEAST_GROUPS)
    if not found or leaves.way is not None:
        return leaves.held, found
    return weighed(
        leaves.held, leaves.owner, [codes[:, one.earlier] for one in found], drawn, found, leaves.size
    ), found


@dataclass(frozen=True)
class _Seen:
    """What the next tree may split on: variables, their codes (n, variables), and the rows that it is grown on."""

    variables: list[Variable]
    codes: Codes
    chosen: Integers

    def and_one(self, variable: Variable, codes: Codes) -> _Seen:
        return _Seen([*self.variables, variable], np.column_stack([self.codes, codes]), self.chosen)


def _grown(
    seen: _Seen, own: Codes, size: int, ordered: bool, like: int | None, growth: Growth, again: int | None = None
) -> tuple[Tree, Ranks, npt.NDArray[np.int32], Integers]:
    """A tree for the classes ``own`` (n,), the ranks of all codes that it splits on, the variables that it sees in a
    second order as well, and the leaf of every row.

    The sibling before (``like``) and the steps that others took matter most where little else is left to be told.
    ``again``: the class of rows that repeat their sibling's code. It says nothing of which codes go together, and where
    nearly all rows repeat, codes of other variables would be ranked by it alone.
    """
    target = own[seen.chosen].astype(np.int64)
    columns = [seen.codes[seen.chosen, f].astype(np.int64) for f in range(len(seen.variables))]
    new = np.flatnonzero(target != again) if again is not None else np.arange(target.size)
    tables = [
        rank_feature(column[new], feature.size, feature.ordered, target[new], size, ordered)
        for column, feature in zip(columns, seen.variables, strict=True)
    ]
    also = []
    for f, feature in enumerate(seen.variables):
        second = None
        if not feature.ordered:
            second = other_ranks(columns[f][new], feature.size, target[new], size)
        if second is not None:
            also.append(f)
            tables.append(second)
    columns += [columns[f] for f in also]
    ranks = np.array([t[c] for t, c in zip(tables, columns, strict=True)], np.uint8).reshape(-1, target.size)
    always = [f for f, feature in enumerate(seen.variables) if f == like or feature.name.startswith(STEP)]
    chance = {
        f: share_of_chance(columns[f][new], feature.size, target[new], size)
        for f, feature in enumerate(seen.variables)
        if not feature.ordered and feature.size > 2
    }
    chance |= {len(seen.variables) + k: chance[f] for k, f in enumerate(also)}
    tree = grow(ranks, target, size, ordered, growth, always, chance)
    lookup = np.concatenate([*tables, np.zeros(0, np.uint8)])
    return tree, lookup, np.array(also, np.int32), _leaves_of(tree, lookup, also, seen.variables, seen.codes)


def _leaves_of(tree: Tree, lookup: Ranks, also: Sequence[int], variables: Sequence[Variable], codes: Codes) -> Integers:
    """The leaf of every row of ``codes``, (n, variables); ``also``: variables that come in a second order."""
    order = [*range(len(variables)), *also]
    return find_leaves(tree, lookup, _offsets([variables[f] for f in order]), codes, np.array(order, np.int64))


@dataclass(frozen=True)
class _OtherWay:
    """Classes in place of a variable's own codes, (n,), in ``range(size)``. ``again``: the class of what comes again,
    or of what usually follows by ``successors``; None: steps."""

    codes: Codes
    size: int
    again: int | None = None
    successors: Codes | None = None


def _other_ways(
    variable: Variable, own: Codes, before: Codes, like: int | None, wide: int, groups: Integers | None
) -> list[_OtherWay]:
    """How a variable may be learned by what the sibling before has, (n,) each, beside its own codes."""
    size = variable.size
    if like is None:
        return []
    if variable.ordered:
        stepping = _may_step(own, before, size)
        return [_OtherWay(step_classes(own, before, size), classes(size))] if stepping else []
    ways = []
    successors = find_successors(before, own, wide, size, groups)
    if repeats(own, before, size):  # what too few have is followed by itself, as other codes are
        successors = np.where((successors == size) & (np.arange(wide) < size), np.arange(wide), successors)
    for usual, known in ((before, None), (successors[before], successors)):
        if repeats(own, usual, size):
            ways.append(_OtherWay(np.where(own == usual, size, own).astype(np.int32), size + 1, size, known))
    return ways


def _partner(
    variables: Sequence[Variable], codes: Codes, earlier: Sequence[int], i: int, groups: Integers | None
) -> tuple[int, Partners] | None:
    """The earlier category that says most of which codes of variable ``i`` never come, and the pairs that do."""
    best: tuple[float, int, Partners] | None = None
    for j in earlier:
        if variables[j].ordered:
            continue
        found = find_partners(codes[:, j], variables[j].size, codes[:, i], variables[i].size, groups, LEAST_GROUPS)
        if found is not None and (best is None or found[0] > best[0]):
            best = (found[0], j, found[1])
    return None if best is None else best[1:]


def _step_of(variable: Variable) -> Variable:
    return Variable(f"{STEP}{variable.name}", STEP_CODES, ordered=True)


def _may_step(own: Codes, before: Codes, size: int) -> bool:
    """Whether steps from the sibling before are spread less than the codes themselves."""
    later = before < size
    if int(later.sum()) < LEAST_LATER:
        return False
    return _entropy(own[later].astype(np.int64) - before[later]) < _entropy(own[later])


def _entropy(values: npt.NDArray[np.generic]) -> float:
    share = np.unique(values, return_counts=True)[1] / values.size
    return float(-(share * np.log2(share)).sum())


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


def _offsets(variables: Sequence[Variable]) -> Integers:
    return np.cumsum([0, *(variable.size for variable in variables)])[:-1].astype(np.int64)


def _owners(state: State, shown: Sequence[Variable], i: int, codes: Codes) -> Integers:
    """The distribution of variable ``i``, in the order of growing, for every row, (n,). ``codes``: (n, shown)."""
    arrays = state.arrays
    feature = arrays[f"{i}.feature"]
    tree = Tree(feature, arrays[f"{i}.threshold"], arrays[f"{i}.left"], feature)
    also = arrays[f"{i}.also"].tolist() if f"{i}.also" in arrays else ()
    leaf = _leaves_of(tree, arrays[f"{i}.ranks"], also, shown, codes)
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
