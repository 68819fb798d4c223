"""From a call and a range of ranks to values: any cut of a table into ranges gives the same rows."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from fixturesynth.dataset import arrow_type
from fixturesynth.errors import CapacityError, SpecError
from fixturesynth.randomness import permute, stream, words
from fixturesynth.rules.contract import ColumnContext, Integers, RuleCall, RuleRequest, Space, Words
from fixturesynth.rules.grammar import drawn
from fixturesynth.rules.registry import space_of

__all__ = ["as_column", "rank_words", "sample_rule"]

_RUN = 65_536


def sample_rule(call: RuleCall, request: RuleRequest) -> pa.Array:
    """Values of one column for ``request.ranks``, shape (n,), in the column's Arrow type, without nulls.

    CapacityError when a rank lies beyond the rule's distinct values; SpecError for an unknown rule or option, or
    values that do not fit the column's type.
    """
    context = replace(request.context, unique=call.unique)
    space = space_of(call, context)
    # Columns that share a name draw with the same words: the city and the postal code of one address.
    address = (context.table, str(call.options.get("shared", context.column)), call.name, call.version)
    values = space.at(_indices(call, space, request, address), request.given)
    return as_column(values, call, context)


def _indices(call: RuleCall, space: Space, request: RuleRequest, address: tuple[str | int, ...]) -> Integers:
    ranks = np.asarray(request.ranks, np.int64)
    where = f"{request.context.table}.{request.context.column}"
    if not len(ranks):
        return ranks
    if space.size < 1:
        raise CapacityError(f"{where}: rule {call.name!r} has no value that fits {request.context.type.name}")
    if not call.unique and space.block != 1:
        return drawn(space, rank_words(ranks, request.seed, *address))
    if int(ranks[-1]) >= space.size or int(ranks.max()) >= space.size:
        raise CapacityError(
            f"{where}: row {int(ranks.max()) + 1} asked of rule {call.name!r}, which has {space.size} distinct values; "
            "ask for fewer rows, a longer column or another rule"
        )
    if space.block == 1:
        return ranks
    block = min(space.block or space.size, space.size)
    level = ranks // block
    if not level.any():
        return permute(ranks, block, request.seed, *address)
    return level * block + permute(ranks - level * block, block, request.seed, *address)


def rank_words(ranks: Integers, seed: int, *address: str | int) -> Words:
    """The word of every rank, shape (n,): word r of the address's Philox stream, reached by its counter.

    Ranks ascending. Runs of neighbours cost a few nanoseconds each; far-apart ranks one jump each 65,536.
    """
    out = np.empty(len(ranks), np.uint64)
    cuts = np.flatnonzero(np.diff(ranks // _RUN)) + 1
    for low, high in zip([0, *cuts], [*cuts, len(ranks)], strict=True):
        part = ranks[low:high]
        first = int(part[0]) & ~3  # a Philox counter step makes four words
        source = stream(seed, *address)
        source.bit_generator.advance(first // 4)  # type: ignore[attr-defined]
        run = words(source, int(part[-1]) - first + 1)
        out[low:high] = (
            run[part - first] if len(part) != len(run) - int(part[0] - first) else run[int(part[0]) - first :]
        )
    return out


def as_column(values: pa.Array, call: RuleCall, context: ColumnContext) -> pa.Array:
    """The values of a rule in the column's Arrow type; SpecError where they do not fit it."""
    target = arrow_type(context.type)
    if values.type == target:
        return values
    try:
        return values.cast(target)
    except pa.ArrowInvalid as error:
        raise SpecError(
            f"{context.table}.{context.column}: rule {call.name!r} makes values that do not fit "
            f"{context.type.name}: {error}"
        ) from None
    except pa.ArrowNotImplementedError:
        raise SpecError(
            f"{context.table}.{context.column}: rule {call.name!r} makes {values.type}, the column is "
            f"{context.type.name}; choose another rule"
        ) from None
