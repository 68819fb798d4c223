"""Children per grandparent: what a reference brings along for the references that follow from it.

A condition belongs to an encounter, and through it to the encounter's patient: whoever deals conditions to encounters
decides how many a patient has. Degrees are therefore swapped between parents until the sums by grandparent have the
learned shape as well; the degrees themselves stay the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.keys import locate
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.planning.plan import Derived, Reference, ReferencePlan, TablePlan
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.counts import allot, stretch
from fixturesynth.sampling.matching import match
from fixturesynth.schema.model import Table

__all__ = ["Follower", "balance", "balanced", "fill_unled", "find_followers", "led_rows"]

Integers = npt.NDArray[np.int64]

NEAR = 0.005  # largest distance of two cumulative distributions that is near enough
ROUNDS = 1_000
PATIENCE = 150  # rounds without gain, for each grouping, after which nothing more is expected
WORK = 3_000_000  # pairs of parents that are weighed in all
SHAKE, SHAKEN = 15, 4  # rounds without gain after which a few pairs are swapped at a loss, and how many
TRIALS = 20_000  # pairs that are weighed in one round
MOST_CANDIDATES = 40
CLEARLY = 0.7
PARTS = (1, 2, 4, 8, 16, 32)  # into which a group is cut whose parents are put in order


@dataclass(frozen=True)
class Follower:
    """A reference that follows from the one whose degrees are dealt: ``groups`` (parents,) is the grandparent's row
    of every parent (-1: none), ``counts`` the learned (children, grandparents), ``share`` that of the rows that have
    it, where rows may have it without the one that leads (else 0)."""

    groups: Integers
    size: int
    counts: tuple[tuple[int, int], ...]
    share: float = 0.0


def led_rows(
    plan: TablePlan, table: Table, implied: str, leading: str, made: Mapping[str, Made], seen: tuple[str, ...] = ()
) -> Integers | None:
    """Row of the parent of ``implied`` for every row of the parent of ``leading``, -1 for none.

    None where ``implied`` does not follow from ``leading`` alone.
    """
    if implied == leading:
        return np.arange(made[table.foreign_key(leading).parent].rows, dtype=np.int64)
    fk = table.foreign_key(implied)
    if implied in seen or fk.parent not in made:
        return None
    wanted: list[pa.Array] = []
    for column in fk.columns:
        source = plan.column(column).source
        if isinstance(source, Derived) and source.operation == "copy" and source.foreign_key is not None:
            through, name = source.foreign_key, source.sources[0]
        elif isinstance(source, Reference) and source.foreign_key != implied:
            through, name = source.foreign_key, source.parent_column
        else:
            return None
        via = table.foreign_key(through).parent
        rows = led_rows(plan, table, through, leading, made, (*seen, implied))
        if rows is None or name not in made[via].columns:
            return None
        wanted.append(made[via].columns[name].take(array_of(rows, pa.int64(), mask=rows < 0)))
    return locate(wanted, [made[fk.parent].columns[c] for c in fk.parent_columns])


def find_followers(plan: TablePlan, table: Table, leading: str, made: Mapping[str, Made]) -> tuple[Follower, ...]:
    """Every implied reference with learned counts that ``leading`` decides; those that say the same only once."""
    found: list[Follower] = []
    for reference in plan.references:
        if reference.how != "implied" or not reference.counts:
            continue
        groups = led_rows(plan, table, reference.foreign_key, leading, made)
        if groups is None or not (groups >= 0).any():
            continue
        share = 1 - reference.null_share if _copied(plan, table, reference) else 0.0
        follower = Follower(groups, made[reference.parent].rows, reference.counts, share)
        if not any(f.counts == follower.counts and np.array_equal(f.groups, groups) for f in found):
            found.append(follower)
    return tuple(found)


def balanced(
    degrees: Integers,
    plan: TablePlan,
    table: Table,
    reference: ReferencePlan,
    parent_model: TableModel | None,
    made: Mapping[str, Made],
    seed: int,
) -> Integers:
    """``degrees`` dealt to parents so that the references that follow have their learned counts too.

    Rows of a list that is kept have counts of their own, which stay theirs.
    """
    kept = parent_model is not None and parent_model.verbatim is not None
    followers = () if kept or not reference.counts else find_followers(plan, table, reference.foreign_key, made)
    groups, targets = [], []
    for follower in followers:
        led = int(degrees[follower.groups >= 0].sum())
        alone = min(max(round(plan.rows * follower.share) - led, 0), plan.rows - int(degrees.sum()))
        groups.append(follower.groups)
        targets.append(stretch(follower.counts, follower.size, led + alone))
    return balance(degrees, groups, targets, seed, plan.name, reference.foreign_key) if groups else degrees


def balance(
    degrees: Integers, groups: Sequence[Integers], targets: Sequence[Integers], seed: int, *address: str | int
) -> Integers:
    """``degrees`` (parents,) swapped between parents until the sums by group have the shapes of ``targets``.

    ``groups``: one or more groupings of the parents, codes from 0, -1 for none; ``targets``: for each grouping the
    sums wanted, sorted, one for each code; a target larger than the degrees leaves room for rows that follow from
    elsewhere. Sums are compared rank by rank, so that a group keeps its standing. Pairs
    of parents from a group with too many and one with too few are drawn by keyed hash; of those drawn the swap that
    brings all groupings nearest to their targets is made, until there is none left.

    >>> balance(np.array([3, 1, 0, 0]), [np.array([0, 0, 1, 1])], [np.array([1, 3])], 0, "x").tolist()
    [3, 0, 0, 1]
    """
    members = [_members(g, t.size) for g, t in zip(groups, targets, strict=True)]
    out, far = _settled(degrees, degrees, groups, targets, members, seed, *address)
    for standing in ("sums", "sizes"):
        if max(far) <= NEAR:
            break
        # Where the model put them, some cannot be reached: again, from the largest to the neediest of the worst sums.
        worst = int(np.argmax(far))
        start = _packed(degrees, groups[worst], members[worst], targets[worst], by_size=standing == "sizes")
        other, far_too = _settled(start, degrees, groups, targets, members, seed, *address, standing)
        # For less than that they are not dealt anew.
        if sum(far_too) < sum(far) and (sum(far_too) < CLEARLY * sum(far) or max(far_too) < CLEARLY * max(far)):
            out, far = other, far_too
    out = _in_order(degrees, out, groups, targets, far, seed, *address)
    return _as_they_stood(degrees, out, groups)


def _in_order(
    before: Integers, after: Integers, groups: Sequence[Integers], targets: Sequence[Integers], far: Sequence[float],
    seed: int, *address: str | int,
) -> Integers:  # fmt: skip
    """``after`` with the order that ``before`` had, where no grouping's sums stray further for it than they are.

    What has few groups, in which every one counts, keeps its sums: the parents of one of its groups are put in order,
    all of them, else halves of them, and so on. Parents with many children stay those of whom the model said so.
    """
    coarse = min(range(len(groups)), key=lambda k: targets[k].size)
    order, starts = _members(groups[coarse] + 1, targets[coarse].size + 1)
    sums = [_sums(after, g, t.size) for g, t in zip(groups, targets, strict=True)]
    limits = [max(f, NEAR) for f in far]
    out, work = after.copy(), 0
    for parts in PARTS:
        for begin, end in pairwise(starts.tolist()):
            members = order[begin:end]
            if members.size < 2 * parts or work > WORK:
                continue
            part = below(hashed(members, seed, *address, "in order", parts), parts)
            for some in (members[part == k] for k in range(parts)):
                line = some[np.argsort(before[some], kind="stable")]
                moved = np.sort(out[some]) - out[line]
                if not moved.any():
                    continue
                new = [s + _sums(moved, g[line], s.size) for s, g in zip(sums, groups, strict=True)]
                work += sum(s.size for s in sums)
                if all(_distance(s, t) <= most for s, t, most in zip(new, targets, limits, strict=True)):
                    out[line] += moved
                    sums = new
    return out


def _sums(values: Integers, groups: Integers, size: int) -> Integers:
    has = groups >= 0
    return np.bincount(groups[has], weights=values[has], minlength=size).astype(np.int64)


def _distance(sums: Integers, target: Integers) -> float:
    """Kolmogorov-Smirnov distance of the sums from the targets, as far as they are not too small for want of rows."""
    sums = np.sort(sums) if sums.sum() == target.sum() else np.maximum(np.sort(sums), target)
    both = np.concatenate([sums, target])
    below = np.searchsorted(sums, both, side="right") - np.searchsorted(target, both, side="right")
    return float(np.abs(below).max(initial=0)) / max(target.size, 1)


def _settled(
    degrees: Integers,
    before: Integers,
    groups: Sequence[Integers],
    targets: Sequence[Integers],
    members: Sequence[tuple[Integers, Integers]],
    seed: int,
    *address: str | int,
) -> tuple[Integers, list[float]]:
    """Degrees after swaps, until none helps, and how far each grouping's sums are from their targets.

    Of swaps that help alike that is made which parents with many children ``before`` lose least by.
    """
    out = degrees.copy()
    standing = _standing(before)
    best, cost, far, idle, work = out.copy(), -1, [], 0, 0
    for turn in range(ROUNDS):
        sums = [_sums(out, g, t.size) for g, t in zip(groups, targets, strict=True)]
        excess = [_excess(s, t) for s, t in zip(sums, targets, strict=True)]
        now = sum(int(np.abs(e).sum()) for e in excess)
        if now < cost or cost < 0:
            best, cost, idle = out.copy(), now, 0
            far = [_distance(s, t) for s, t in zip(sums, targets, strict=True)]
        if max(far) <= NEAR or idle >= PATIENCE * len(groups) or work > WORK:
            break
        at, mode = turn % len(groups), turn // len(groups) % 3
        if idle % (SHAKE * len(groups)) == SHAKE * len(groups) - 1:
            out, mode = best.copy(), 3
            excess = [_excess(_sums(out, g, t.size), t) for g, t in zip(groups, targets, strict=True)]
        work += _swap(out, groups, excess, members[at], at, mode, turn, seed, address, standing)
        idle += 1
    return best, far


def _standing(degrees: Integers) -> Integers:
    """Where each parent stands among all by its number of children, (parents,): 0 to 255, equal numbers alike."""
    ordered = np.sort(degrees)
    places = np.searchsorted(ordered, degrees, side="left") + np.searchsorted(ordered, degrees, side="right")
    result: Integers = places * 255 // max(2 * degrees.size, 1)
    return result


def _excess(sums: Integers, target: Integers) -> Integers:
    """How much every group has too many, (groups,): the n-th smallest sum is held against the n-th smallest target."""
    out = np.empty_like(sums)
    order = np.argsort(sums, kind="stable")
    out[order] = sums[order] - target
    return out


def _as_they_stood(before: Integers, after: Integers, groups: Sequence[Integers]) -> Integers:
    """``after`` with the order that ``before`` had among the parents of the same groups."""
    mine = np.lexsort((before, *groups))
    theirs = np.lexsort((after, *groups))
    out = np.empty_like(after)
    out[mine] = after[theirs]
    return out


def _members(groups: Integers, size: int) -> tuple[Integers, Integers]:
    """Parents by group, and where each group starts; the last start is the end."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(size + 1), side="left")
    return order.astype(np.int64), starts.astype(np.int64)


def _packed(
    degrees: Integers, groups: Integers, members: tuple[Integers, Integers], target: Integers, *, by_size: bool
) -> Integers:
    """The largest degrees to the groups that need most, each group's then by the standing that its parents had."""
    order, starts = members
    size = np.diff(starts)
    sums = _sums(degrees, groups, target.size)
    need = np.empty_like(sums)
    # By size, because many parents that have a child each cannot have few children.
    need[np.lexsort((sums, size)) if by_size else np.argsort(sums, kind="stable")] = target
    room = size.copy()
    inside = order[starts[0] :]
    values, many = np.unique(degrees[inside], return_counts=True)
    owners: list[Integers] = []
    dealt: list[Integers] = []
    for value, left in zip(values[::-1].tolist(), many[::-1].tolist(), strict=True):
        while left:
            level = int(need[room > 0].max())
            able = np.flatnonzero((room > 0) & (need >= (level + 1) // 2 if level > 0 else need >= level))
            able = able[np.argsort(-need[able], kind="stable")][:left]
            need[able] -= value
            room[able] -= 1
            left -= able.size
            owners.append(able)
            dealt.append(np.full(able.size, value, dtype=np.int64))
    owner, value_ = np.concatenate(owners), np.concatenate(dealt)
    standing = inside[np.lexsort((degrees[inside], groups[inside]))]
    out = degrees.copy()
    out[standing] = value_[np.lexsort((value_, owner))]
    return out


def _swap(
    degrees: Integers,
    groups: Sequence[Integers],
    excess: Sequence[Integers],
    members: tuple[Integers, Integers],
    at: int,
    mode: int,
    turn: int,
    seed: int,
    address: tuple[str | int, ...],
    standing: Integers,
) -> int:
    """One round of swaps between groups of the grouping ``at``, in ``degrees`` itself; how many pairs were weighed.

    ``mode`` 0: from groups with too many to groups with too few; 1 and 2: groups that are settled take part too; 3: a
    few swaps that need not be gains.
    """
    own = excess[at]
    order, starts = members
    filled = np.diff(starts) > 0
    rich, poor = filled & (own > 0), filled & (own < 0)
    if mode == 3:
        rich, poor = filled, filled
    elif mode:
        # Groups that are settled lend what a pair needs and neither has: sums move on without gain, and meet later.
        idle = filled & ~rich & ~poor
        rich, poor = (rich, poor | idle) if mode == 1 else (rich | idle, poor)
    givers, takers = np.flatnonzero(rich), np.flatnonzero(poor)
    count = min(givers.size, takers.size)
    if not count:
        return 1
    # Largest with largest in some rounds, else by chance: a pair that cannot help each other parts again.
    by_size = turn // len(groups) % 2 == 0 or mode == 3
    most = SHAKEN if mode == 3 else count
    givers, takers = (
        side[np.lexsort((hashed(side, seed, *address, "pairs", turn, name), -np.abs(own[side]) * by_size))][:most]
        for side, name in ((givers, "givers"), (takers, "takers"))
    )
    count = givers.size
    width = int(np.clip((TRIALS // count) ** 0.5, 3, MOST_CANDIDATES))
    a, b = (
        order[_drawn(starts, side, width, seed, *address, "balance", turn, name)]
        for side, name in ((givers, "givers"), (takers, "takers"))
    )
    moved = degrees[a][:, :, None] - degrees[b][:, None, :]
    gain = np.zeros(moved.shape, dtype=np.int64)
    for codes, over in zip(groups, excess, strict=True):
        known = np.append(over, 0)  # -1, no group, is the last: nothing is gained or lost there
        from_, to = codes[a][:, :, None], codes[b][:, None, :]
        loss = np.where(from_ >= 0, np.abs(known[from_]) - np.abs(known[from_] - moved), 0)
        loss = loss + np.where(to >= 0, np.abs(known[to]) - np.abs(known[to] + moved), 0)
        gain += np.where(from_ == to, 0, loss)
    worst = int(gain.min())
    flat = np.where(moved > 0, gain, worst - 1).reshape(count, -1)
    words = (hashed(np.arange(flat.size), seed, *address, "choice", turn) >> np.uint64(56)).astype(np.int64)
    if mode == 3:
        least = -2 * int(degrees.sum() // max(int((degrees > 0).sum()), 1)) - 2
        best = np.where(flat >= max(least, worst), words.reshape(flat.shape), -1).argmax(axis=1)
    else:
        least = 1 if mode == 0 else 0
        lost = np.where(moved > 0, moved, 0) * (standing[a][:, :, None] - standing[b][:, None, :])
        best = (flat * 256 - lost.reshape(flat.shape) // 2 + words.reshape(flat.shape) // 4).argmax(axis=1)
    better = np.flatnonzero(flat[np.arange(count), best] >= max(least, worst))
    if not better.size:
        return flat.size
    first = a[better, best[better] // width]
    second = b[better, best[better] % width]
    keep = _apart(flat[better, best[better]], groups, first, second)
    first, second = first[keep], second[keep]
    degrees[first], degrees[second] = degrees[second], degrees[first]
    return flat.size


def _drawn(starts: Integers, side: Integers, width: int, seed: int, *address: str | int) -> Integers:
    """``width`` places of members of every group of ``side``, (side, width); all of them where there are fewer."""
    size = starts[side + 1] - starts[side]
    words = hashed(np.arange(side.size * width), seed, *address).reshape(side.size, width)
    drawn = below(words, np.broadcast_to(size[:, None], words.shape))
    each = np.broadcast_to(np.arange(width) % np.maximum(size, 1)[:, None], words.shape)
    return starts[side][:, None] + np.where(size[:, None] <= width, each, drawn)


def _apart(gain: Integers, groups: Sequence[Integers], first: Integers, second: Integers) -> npt.NDArray[np.bool_]:
    """Of swaps that touch the same group only the best stays: their gains were weighed one by one."""
    rank = np.empty(gain.size, dtype=np.int64)
    rank[np.argsort(-gain, kind="stable")] = np.arange(gain.size)
    keep = np.ones(gain.size, dtype=bool)
    for codes in groups:
        best = np.full(int(codes.max(initial=0)) + 2, gain.size, dtype=np.int64)
        for side in (first, second):
            np.minimum.at(best, codes[side] + 1, rank)
        for side in (first, second):
            keep &= (codes[side] < 0) | (best[codes[side] + 1] == rank)
    return keep


def fill_unled(
    plan: TablePlan,
    table: Table,
    rows: int,
    ranks: Mapping[str, Integers],
    made: Mapping[str, Made],
    seed: int,
) -> dict[str, Integers]:
    """Ranks of implied references that are set in rows whose leading reference is not: by what is left of the counts.

    Rows that are led keep what leads them; only references with rows of their own are in the answer.
    """
    out: dict[str, Integers] = {}
    for reference in plan.references:
        leading = _root(plan, reference)
        if reference.how != "implied" or leading not in ranks or not (ranks[leading] < 0).any():
            continue
        if not _copied(plan, table, reference):
            continue
        by_parent = led_rows(plan, table, reference.foreign_key, leading, made)
        parents = made[reference.parent].rows
        if by_parent is None or not parents:
            continue
        lead = ranks[leading]
        led = np.where(lead >= 0, np.append(by_parent, -1)[lead], -1)
        name = (table.name, reference.foreign_key, "unled")
        free = np.flatnonzero(lead < 0)
        wanted = min(max(round(rows * (1 - reference.null_share)) - int((led >= 0).sum()), 0), free.size)
        chosen = free[np.argsort(hashed(free, seed, *name), kind="stable")[:wanted]]
        has = np.bincount(led[led >= 0], minlength=parents).astype(np.int64)
        missing = np.zeros(parents, dtype=np.int64)
        order = np.lexsort((hashed(np.arange(parents), seed, *name), has))
        missing[order] = np.maximum(stretch(reference.counts, parents, int(has.sum()) + wanted) - has[order], 0)
        degrees = allot(missing, wanted, hashed(np.arange(parents), seed, *name))
        nothing = np.zeros(parents, dtype=np.int64)
        led[chosen] = match(np.zeros(wanted, dtype=np.int64), nothing, degrees, seed, *name)
        out[reference.foreign_key] = led
    return out


def _root(plan: TablePlan, reference: ReferencePlan) -> str:
    """The reference that is filled by itself and leads, step by step, to this one."""
    while reference.how == "implied" and reference.implied_by is not None:
        reference = plan.reference(reference.implied_by)
    return reference.foreign_key


def _copied(plan: TablePlan, table: Table, reference: ReferencePlan) -> bool:
    """Whether rows copy its columns, so that they may be set where the leading reference is not."""
    sources = [plan.column(c).source for c in table.foreign_key(reference.foreign_key).columns]
    return all(isinstance(s, Derived) and s.operation == "copy" for s in sources)
