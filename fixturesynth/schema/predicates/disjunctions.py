"""Disjunctions of branches: put together, and made no longer than they need to be."""

import itertools

from fixturesynth.schema.predicates.domains import Branch, NotUnderstood, TableConstraints

__all__ = ["ALWAYS", "NEVER", "Branches", "both", "either", "joint_branches"]

_MOST_BRANCHES = 256

Branches = tuple[Branch, ...]
ALWAYS: Branches = (Branch(),)
NEVER: Branches = ()


def both(a: Branches, b: Branches) -> Branches:
    """Both disjunctions hold; NotUnderstood beyond 256 branches."""
    if len(a) * len(b) > _MOST_BRANCHES:
        raise NotUnderstood(f"the condition has more than {_MOST_BRANCHES} alternatives")
    return _simplified(tuple(one.intersect(two) for one in a for two in b))


def either(a: Branches, b: Branches) -> Branches:
    """One of them holds; NotUnderstood beyond 256 branches."""
    if len(a) + len(b) > _MOST_BRANCHES:
        raise NotUnderstood(f"the condition has more than {_MOST_BRANCHES} alternatives")
    return _simplified(a + b)


def joint_branches(constraints: TableConstraints) -> Branches:
    """All of a table's understood constraints as one disjunction: every branch alone satisfies all of them.

    The alternatives of several checks are multiplied out, so that a planner can choose a branch for each row. No
    branches: the constraints contradict each other. NotUnderstood beyond 256 branches.
    """
    result: Branches = (Branch(constraints.domains, constraints.differences, constraints.distinct),)
    for alternatives in constraints.alternatives:
        result = both(result, alternatives.branches)
    return result


def _simplified(branches: Branches) -> Branches:
    """The same disjunction with fewer branches: impossible and implied ones left out, neighbours united."""
    left = [b for b in branches if not b.is_empty]
    changed = True
    while changed:
        changed = False
        for one, two in itertools.combinations(left, 2):
            united = _united(one, two)
            if united is not None:
                left = [b for b in left if b is not one and b is not two] + [united]
                changed = True
                break
    return tuple(left)


def _united(one: Branch, two: Branch) -> Branch | None:
    """One branch for both, where they differ in a single column only or one implies the other."""
    if one.implies(two):
        return two
    if two.implies(one):
        return one
    if (one.differences, one.distinct) != (two.differences, two.distinct) or one.domains.keys() != two.domains.keys():
        return None
    unlike = [name for name, domain in one.domains.items() if two.domains[name] != domain]
    if len(unlike) != 1:
        return None
    joined = one.domains[unlike[0]].union(two.domains[unlike[0]])
    return None if joined is None else Branch({**one.domains, unlike[0]: joined}, one.differences, one.distinct)
