"""One partition of one table, as pure functions: the same arguments give the same bytes in any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.dataset import arrow_type
from fixturesynth.generators.calendar import PARTS, join_parts, kept_within
from fixturesynth.generators.context import OUTGOING, PLACES, coarse_codes, places
from fixturesynth.generators.contract import Generator, Variable
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.drawing import rows_alike, stratified
from fixturesynth.generators.encoding import Encoding, decode, protected_share
from fixturesynth.generators.forms import unlike
from fixturesynth.generators.insides import leaning
from fixturesynth.generators.memories import Remembering, remember
from fixturesynth.generators.moments import Moments
from fixturesynth.generators.nesting import nested_words
from fixturesynth.generators.repeating import first_codes, first_rows
from fixturesynth.generators.steadying import steady_rows
from fixturesynth.generators.tablemodel import (
    TableModel,
    column_variable,
    form_variable,
    inside_variable,
    length_variable,
    null_variable,
    part_variable,
)
from fixturesynth.generators.tying import tied
from fixturesynth.generators.walks import Walking, walk_variables
from fixturesynth.planning.plan import ColumnPlan, Constant, Derived, Key, Modelled, Rule, RuleCall, TablePlan
from fixturesynth.randomness import below, hashed, stream, words
from fixturesynth.rules.contract import ColumnContext, RuleRequest
from fixturesynth.rules.grammar import Bits
from fixturesynth.rules.numbers import along
from fixturesynth.rules.registry import capacity
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.sampling.branching import Values, branched
from fixturesynth.sampling.horizons import Horizon, drawn_within
from fixturesynth.sampling.lengths import PROSE, sized_texts
from fixturesynth.schema.model import Table

__all__ = ["CodesJob", "ValuesJob", "final_type", "make_rule_values", "rule_values", "sample_codes", "sample_values"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class CodesJob:
    """Rows ``start`` and on of a table: features of each row's context parent, its place and its number of siblings."""

    table: str
    partition: int
    seed: int
    parent_codes: Codes  # (n, parent features), without the code for "none"
    position: Integers  # (n,)
    siblings: Integers  # (n,)
    given: Mapping[str, Codes] = field(default_factory=dict)
    raw: Words | None = None  # (n, generated variables): words to draw by, instead of the seed's own
    start: int = 0  # rank of the first row
    draw: int = 0  # another number gives another draw of the same rows
    horizons: Mapping[str, Horizon] = field(default_factory=dict)  # by variable
    moments: Mapping[str, Moments] = field(default_factory=dict)  # by variable


@dataclass(frozen=True)
class ValuesJob:
    """Rows ``start`` to ``start + n`` of a table and their codes."""

    table: str
    partition: int
    seed: int
    start: int
    rows: int
    codes: Codes  # (rows, generated variables), or (rows, 0)
    locale: str
    now: str
    sources: Mapping[str, Integers] = field(default_factory=dict)  # by variable: see generators.repeating
    steady: Mapping[str, Integers] = field(default_factory=dict)  # by variable: see generators.steadying
    ranks: Integers | None = None  # of rules' values, (rows,), where they are not those of the rows


def generated(model: TableModel) -> tuple[Variable, ...]:
    """The variables that the model generates, in order."""
    return tuple(v for v in model.state.variables if not v.context) if model.state is not None else ()


def sample_codes(model: TableModel, generator: Generator, job: CodesJob) -> Codes:
    """Codes of the generated variables, shape (n, generated variables).

    Siblings come one after the other where the model sees the sibling before; all families move on together.
    """
    state = model.state
    assert state is not None
    n = job.position.size
    count = len(generated(model))
    raw, even = job.raw, job.raw is None  # words that somebody chose are not shared out among the rows
    if raw is None:
        again = ("draw", job.draw) if job.draw else ()
        source = stream(job.seed, job.table, "codes", generator.name, generator.version, job.partition, *again)
        raw = words(source, n * count).reshape(n, count)
    context = [v for v in state.variables if v.context]
    base = _surroundings(model, context, job)

    def sample(here: Codes, own: Words, known: Mapping[str, Codes] | None, rows: Integers | slice) -> Codes:
        if not job.moments or not getattr(generator, "computes", False):
            return generator.sample(state, here, own, known, stratify=even)
        told = {name: moments.take(rows) for name, moments in job.moments.items()}
        return generator.sample(state, here, own, known, stratify=even, computed=told)  # type: ignore[call-arg]

    if not model.siblings and not model.walks:
        return drawn_within(sample, generated(model), job.horizons, base, raw, _part(job.given, slice(None)))
    names = [v.name for v in generated(model)]
    walking = Walking(model, generated(model), np.arange(n) + job.start, job.position, job.seed)
    seen = [names.index(s) for s in model.siblings]
    none = _nones(model, context)
    keeper = Remembering(model.memories, [model.siblings.index(m.variable) for m in model.memories], n)
    sizes = [v.size for v in generated(model)]
    out = np.zeros((n, count), dtype=np.int32)
    order = np.argsort(job.position, kind="stable")
    bounds = np.searchsorted(job.position[order], np.arange(int(job.position.max(initial=0)) + 2))
    for step in range(bounds.size - 1):
        rows = order[bounds[step] : bounds[step + 1]]
        before = _shown(out[rows - 1], sizes, seen, none) if step else np.tile(none, (rows.size, 1))
        past = keeper.follow(rows, before) if step else keeper.begin(rows)
        joined = np.concatenate([base[rows], before, past], axis=1)
        given = dict(_part(job.given, rows) or {})
        for name, codes in walking.given(rows).items():
            given[name] = np.where(given[name] >= 0, given[name], codes) if name in given else codes
        for some in _alike(given, rows.size):
            known = {name: codes[some] for name, codes in given.items() if (codes[some] >= 0).any()}
            here = rows[some]
            horizons = {name: horizon.take(here) for name, horizon in job.horizons.items()}
            out[here] = drawn_within(
                lambda c, w, g, i, here=here: sample(c, w, g, here[i]),  # type: ignore[misc]
                generated(model), horizons, joined[some], raw[here], known or None,
            )  # fmt: skip
        walking.follow(rows, out[rows])
    return out


def _alike(given: Mapping[str, Codes], rows: int) -> list[Any]:
    """Rows by which variables are given: what is given in all of them comes before all others."""
    known = np.stack([codes >= 0 for codes in given.values()], axis=1) if given else np.zeros((rows, 0), dtype=bool)
    return [slice(None)] if (known == known[:1]).all() else list(rows_alike(known))


def _nones(model: TableModel, context: list[Variable]) -> Codes:
    """What a first sibling sees of the one before, (seen,)."""
    first = len(context) - len(model.siblings) - len(model.memories)
    return np.array([v.size - 1 for v in context[first : first + len(model.siblings)]], dtype=np.int32)


def _shown(codes: Codes, sizes: list[int], seen: list[int], none: Codes) -> Codes:
    """What the next sibling sees of rows, (n, seen): ``none`` is the code after the last of each."""
    columns = [coarse_codes(codes[:, i], sizes[i], int(last)) for i, last in zip(seen, none, strict=True)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(codes), 0), dtype=np.int32)


def _surroundings(model: TableModel, context: list[Variable], job: CodesJob) -> Codes:
    """Context without the sibling before: the parent's features and the place among the siblings."""
    own = len(context) - len(model.siblings) - len(model.memories) - (len(PLACES) if _placed(context) else 0)
    base = job.parent_codes[:, :own]
    if _placed(context):
        base = np.concatenate([base, places(job.position, job.siblings)], axis=1)
    return np.ascontiguousarray(base, dtype=np.int32)


def redraw_outgoing(model: TableModel, generator: Generator, job: CodesJob, codes: Codes, rows: Integers) -> Codes:
    """``codes`` with what ``rows`` are to their children drawn again, all else as it is now; shape as codes.

    For rows whose own values moved after they were drawn, so that the number of children follows the final value.
    """
    own = generated(model)
    outgoing = [i for i, v in enumerate(own) if v.name.startswith(OUTGOING)]
    if model.state is None or not outgoing or not rows.size:
        return codes
    given = {v.name: codes[rows, i] for i, v in enumerate(own) if i not in outgoing}
    drawn = redrawn(model, generator, job, codes, rows, given, "codes again")
    out = codes.copy()
    for i in outgoing:
        out[rows, i] = drawn[:, i]
    return out


def redrawn(
    model: TableModel,
    generator: Generator,
    job: CodesJob,
    codes: Codes,
    rows: Integers,
    given: Mapping[str, Codes],
    *address: str,
) -> Codes:
    """Codes of ``rows`` drawn again with ``given`` values, each after the sibling before it; (rows, variables)."""
    state, own = model.state, generated(model)
    assert state is not None
    context = [v for v in state.variables if v.context]
    base = _surroundings(model, context, job)[rows]
    if model.siblings:
        seen = [[v.name for v in own].index(s) for s in model.siblings]
        none, sizes = _nones(model, context), [v.size for v in own]
        before = _shown(codes[rows - 1], sizes, seen, none)
        before[job.position[rows] == 0] = none
        base = np.concatenate([base, before], axis=1)
        if model.memories:
            places_of = [model.siblings.index(m.variable) for m in model.memories]
            past = remember(model.memories, places_of, _shown(codes, sizes, seen, none), job.position)
            base = np.concatenate([base, past[rows]], axis=1)
    walking = walk_variables(model)  # where they stand hangs on the sibling before
    stay = {v.name: codes[rows, i] for i, v in enumerate(own) if v.name in walking}
    given = {name: known[rows] for name, known in job.given.items()} | stay | dict(given)
    raw = words(stream(job.seed, job.table, *address, generator.name, generator.version), rows.size * len(own))
    return generator.sample(state, base, raw.reshape(rows.size, len(own)), given)


def _placed(context: list[Variable]) -> bool:
    return any(v.name == PLACES[0].name for v in context)


def _part(given: Mapping[str, Codes], rows: Any) -> dict[str, Codes] | None:
    return {name: codes[rows] for name, codes in given.items()} or None


def final_type(table: Table, model: TableModel | None, name: str) -> pa.DataType:
    """The Arrow type of a generated column: that of the rows it was learned from, else that of its declared type."""
    kind = model.types.get(name) if model is not None else None
    if kind is not None and not pa.types.is_null(kind):
        return kind
    return arrow_type(table.column(name).type)


def runs(model: TableModel, codes: Codes, position: Integers) -> dict[str, Integers]:
    """By variable whose numbers stay what they were: the row that began the run of siblings of one code, (n,)."""
    names = [v.name for v in generated(model)]
    rows = np.arange(position.size)
    out = {}
    for name in model.steady:
        own = codes[:, names.index(name)]
        begins = np.concatenate(([True], (own[1:] != own[:-1]) | (position[1:] == 0)))[: rows.size]
        out[name] = np.maximum.accumulate(np.where(begins, rows, 0))
    return out


def taken_up(
    model: TableModel | None, codes: Codes, position: Integers, first: int, seed: int, table: str
) -> tuple[dict[str, Integers], dict[str, Integers]]:
    """Rows whose rare category, and rows whose number, each row takes up again, by variable, (n,); -1 for none.

    ``position``: place among the siblings, (n,); ``first``: rank of the first row.
    """
    sources: dict[str, Integers] = {}
    steady: dict[str, Integers] = {}
    for i, variable in enumerate(generated(model) if model is not None else ()):
        assert model is not None
        encoding = model.encodings.get(variable.name)
        if encoding is not None and variable.size > encoding.size:
            rows = first_rows(encoding, codes[:, i], position)
            sources[variable.name] = np.where(rows >= 0, rows + first, rows)
        if variable.name in model.steady:
            rows = steady_rows(codes[:, i], position, model.steady[variable.name], seed, table)
            steady[variable.name] = np.where(rows >= 0, rows + first, rows)
    return sources, steady


def sample_values(plan: TablePlan, table: Table, model: TableModel | None, job: ValuesJob) -> dict[str, pa.Array]:
    """Columns that need nothing but the row itself: keys, rules, constants, what the model's codes mean.

    A column learned as an offset comes as that offset; derived columns come only where they had to be learned.
    """
    variables = [v.name for v in generated(model)] if model is not None else []
    inside = _inside_words(plan, model, variables, job) if model is not None else {}
    out: dict[str, pa.Array] = {}
    for column in plan.columns:
        source = column.source
        if isinstance(source, Constant):
            kind = final_type(table, model, column.name)
            out[column.name] = _constant(source.value, job.rows, kind)
        elif isinstance(source, Key | Rule) and not (isinstance(source, Rule) and (source.needs or source.parents)):
            wanted = _wanted_lengths(model, column.name, variables, job)
            known = model is not None and form_variable(column.name) in variables
            call = unlike(source.call) if known else source.call
            if model is not None and wanted is not None:
                context = context_of(table, column.name, job.locale, job.now)
                request = RuleRequest(job.seed, context, np.arange(job.start, job.start + job.rows), job.partition, {})
                made = sized_texts(call, request, wanted, plan.rows)
            else:
                told = _told_parts(model, column.name, variables, job) if model is not None else {}
                made = _rule(plan, table, model, column.name, call, job, told)
            if model is not None and known:
                made = _formed(table, model, column.name, source.call, made, variables, job)
            out[column.name] = _with_nulls(made, column, model, variables, job)
        elif isinstance(source, Derived) and "rule" in source.parameters:
            made = _rule(plan, table, model, column.name, RuleCall(**source.parameters["rule"]), job, {})
            out[column.name] = _with_nulls(made, column, model, variables, job)
        elif isinstance(source, Modelled | Derived):
            variable = column_variable(column.name)
            if model is not None and variable in variables:
                if column.name in model.calendars:
                    out[column.name] = _dated(table, model, column.name, variables, job)
                else:
                    codes = job.codes[:, variables.index(variable)]
                    out[column.name] = _decoded(table, model, column, codes, inside[variable], job)
    if plan.branches:
        ranks = np.arange(job.start, job.start + job.rows, dtype=np.int64)
        out = branched(plan, out, ranks, job.seed, rule_values(table, job.seed, job.locale, job.now))
    return out


def rule_values(table: Table, seed: int, locale: str, now: str) -> Values:
    """A function from column, call and ascending ranks to the rule's values for those rows."""

    def made(name: str, call: RuleCall, ranks: Integers) -> pa.Array:
        return sample_rule(call, RuleRequest(seed, context_of(table, name, locale, now), ranks, 0, {}))

    return made


def _constant(value: Any, rows: int, kind: pa.DataType) -> pa.Array:
    if value is None:
        return pa.nulls(rows, kind)
    return as_type(array_of([value]), kind).take(array_of(np.zeros(rows, dtype=np.int64)))


def _dated(table: Table, model: TableModel, name: str, variables: list[str], job: ValuesJob) -> pa.Array:
    parts = {}
    for part in PARTS:
        variable = part_variable(part, name)
        if variable in variables:
            codes = job.codes[:, variables.index(variable)]
            raw = words(stream(job.seed, job.table, name, part, job.partition), job.rows)
            raw = _as_before(stratified(codes.astype(np.int64), raw), variable, name, job)
            parts[part] = decode(model.encodings[variable], codes, raw)
    if model.calendars[name].get("since"):
        return pa.StructArray.from_arrays(list(parts.values()), names=list(parts))  # joined when it is known since when
    raw = words(stream(job.seed, job.table, name, "within", job.partition), job.rows)
    parts = kept_within(parts, model.calendars[name], raw)
    return join_parts(parts, model.calendars[name], final_type(table, model, name))


def _inside_words(
    plan: TablePlan, model: TableModel, variables: list[str], job: ValuesJob
) -> dict[str, npt.NDArray[np.uint64]]:
    """For each column's variable the words that say where inside its code each row lies, (rows,)."""
    out: dict[str, npt.NDArray[np.uint64]] = {}
    heeded = {other for other, _ in model.insides.values()} | {v for tie in model.ties for v in (tie.first, tie.second)}
    for column in plan.columns:
        variable = column_variable(column.name)
        if variable not in variables or variable not in model.encodings:
            continue
        encoding = model.encodings[variable]
        if encoding.kind == "categorical" and encoding.rare_code is None and variable not in {*heeded, *model.nests}:
            out[variable] = np.zeros(job.rows, np.uint64)  # nothing lies inside its codes, and nobody asks
            continue
        codes = job.codes[:, variables.index(variable)].astype(np.int64)
        own = words(stream(job.seed, job.table, column.name, "inside", job.partition), job.rows)
        if variable in job.sources:
            # What is made up for a rare category is made up for the row in which it first came.
            rare = job.sources[variable] >= 0
            own[rare] = hashed(job.sources[variable][rare], job.seed, job.table, column.name, "rare")
            out[variable] = own
            continue
        other, strength = model.insides.get(variable, ("", 0))
        # Rows of one code share out what lies inside it evenly: few rows then miss none of it by chance.
        even = stratified(codes, leaning(own, out[other], strength) if other in out else own)
        # A row that is alone has nobody to share with, and what leans is not even.
        out[variable] = np.where(np.bincount(codes, minlength=1)[codes] > 1, even, own)
        out[variable] = _as_before(out[variable], variable, column.name, job)
        for nest in model.nests.get(variable, ()):
            # Known categories are told apart more finely by each nest than by the one before.
            beside = {name: job.codes[:, variables.index(name)] for name in nest.beside}
            own_codes = job.codes[:, variables.index(variable)]
            known, nested = nested_words(nest, model.encodings[variable], own_codes, beside, own)
            out[variable] = np.where(known, nested, out[variable])
    if model.ties:
        codes_of = {name: job.codes[:, i].astype(np.int64) for i, name in enumerate(variables)}
        out = tied(out, codes_of, model.ties)
    return out


def _as_before(
    raw: npt.NDArray[np.uint64], variable: str, column: str, job: ValuesJob
) -> npt.NDArray[np.uint64]:  # fmt: skip
    """Words inside of codes, (rows,), those of one number for the rows that have it from a sibling before."""
    if variable not in job.steady:
        return raw
    source = job.steady[variable]
    return np.where(source >= 0, hashed(source, job.seed, job.table, column, "steady"), raw)


def _decoded(
    table: Table, model: TableModel, column: ColumnPlan, codes: Codes, raw: npt.NDArray[np.uint64], job: ValuesJob
) -> pa.Array:
    encoding: Encoding = model.encodings[column_variable(column.name)]
    if column_variable(column.name) in job.sources:
        codes = first_codes(encoding, codes)
    values = decode(encoding, codes, raw)
    assert isinstance(column.source, Modelled | Derived)
    options = column.source.options if isinstance(column.source, Modelled) else column.source.parameters
    rare = options.get("rare")
    if rare and encoding.rare_code is not None and (codes == encoding.rare_code).any():
        pool, lengths = int(options.get("pool", 1)), options.get("lengths")
        made = _stand_ins(table, column.name, RuleCall(**rare), pool, lengths, raw, job)
        # The code of rare ones also stands for stored values beyond those that have a code of their own.
        unknown = (hashed(raw, 0, "stand in") >> np.uint64(32)).astype(np.int64) < protected_share(encoding)
        values = pa.compute.if_else(array_of((codes == encoding.rare_code) & unknown), made.cast(values.type), values)
    return values


def _stand_ins(
    table: Table,
    name: str,
    call: RuleCall,
    pool: int,
    lengths: Sequence[int] | None,
    raw: npt.NDArray[np.uint64],
    job: ValuesJob,
) -> pa.Array:
    """A few made-up categories for the many that are too rare to be stored; the first of them come most often.

    ``lengths``: quantiles of the characters that the column's texts have.
    """
    context = context_of(table, name, job.locale, job.now)
    numbers = np.arange(pool)
    request = RuleRequest(job.seed, context, numbers, 0, {})
    # Masks of few digits come in their own shares, which all their values together would not be; prose hardly repeats.
    if call.name not in (*PROSE, "pattern") and capacity(replace(call, unique=True), context) >= pool:
        call = replace(call, unique=True)
    if lengths:
        goals = along(sorted(int(n) for n in lengths), Bits(hashed(numbers, 0, "stand in length")))
        made = sized_texts(call, request, goals, pool)
        if call.unique:
            made = _shorter(made, sized_texts(replace(call, unique=False), request, goals, pool), goals)
    else:
        made = sample_rule(call, request)
    drawn = below(raw, pool)
    again = below(raw << np.uint64(32), pool)
    return made.take(array_of(np.minimum(drawn, again)))


def _shorter(made: pa.Array, other: pa.Array, goals: Integers) -> pa.Array:
    """Texts of ``made`` but where those of ``other``, which may come twice, are nearer to their length and are new."""
    texts = pa.concat_arrays([made, other.cast(made.type)])
    codes = numpy_of(pa.compute.dictionary_encode(texts).indices)
    first = np.zeros(len(texts), dtype=bool)
    first[np.unique(codes, return_index=True)[1]] = True
    off = np.abs(numpy_of(pa.compute.utf8_length(texts)).reshape(2, -1) - goals)
    return pa.compute.if_else(array_of(first[len(made) :] & (off[1] < off[0])), texts[len(made) :], made)


def context_of(table: Table, name: str, locale: str, now: str) -> ColumnContext:
    """What rules may know of a column."""
    moment = datetime.fromisoformat(now)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return ColumnContext(table.name, name, table.column(name).type, locale, aware)


def _rule(
    plan: TablePlan, table: Table, model: TableModel | None, name: str, call: RuleCall, job: ValuesJob,
    given: Mapping[str, pa.Array],
) -> pa.Array:  # fmt: skip
    ranks = np.arange(job.start, job.start + job.rows, dtype=np.int64) if job.ranks is None else job.ranks
    context = context_of(table, name, job.locale, job.now)
    return sample_rule(call, RuleRequest(job.seed, context, ranks, job.partition, given))


def make_rule_values(
    plan: TablePlan, table: Table, model: TableModel | None, column: ColumnPlan, job: ValuesJob,
    given: Mapping[str, pa.Array],
) -> pa.Array:  # fmt: skip
    """A rule column that reads others of its row."""
    source = column.source
    assert isinstance(source, Rule)
    variables = [v.name for v in generated(model)] if model is not None else []
    made = _rule(plan, table, model, column.name, source.call, job, given)
    return _with_nulls(made, column, model, variables, job)


def _wanted_lengths(model: TableModel | None, name: str, variables: list[str], job: ValuesJob) -> Integers | None:
    """How long the made-up texts of a column are to be, (rows,), 0 for NULL; None where that was not learned."""
    variable = length_variable(name)
    if model is None or variable not in variables:
        return None
    codes = job.codes[:, variables.index(variable)]
    raw = words(stream(job.seed, job.table, name, "length", job.partition), job.rows)
    lengths = decode(model.encodings[variable], codes, stratified(codes.astype(np.int64), raw))
    wanted: Integers = numpy_of(fill_null(lengths, 0)).astype(np.int64)
    return wanted


def _formed(
    table: Table, model: TableModel, name: str, call: RuleCall, made: pa.Array, variables: list[str], job: ValuesJob
) -> pa.Array:
    """The texts of a rule, by the patterns that the model says they are to have; ``made`` where it names none."""
    variable = form_variable(name)
    codes = job.codes[:, variables.index(variable)]
    raw = words(stream(job.seed, job.table, name, "form", job.partition), job.rows)
    forms = fill_null(decode(model.encodings[variable], codes, raw), "").dictionary_encode()
    which = numpy_of(forms.indices).astype(np.int64)
    ranks = np.arange(job.start, job.start + job.rows, dtype=np.int64) if job.ranks is None else job.ranks
    request = RuleRequest(job.seed, context_of(table, name, job.locale, job.now), ranks, job.partition, {})
    parts, index = [made], np.arange(job.rows)
    for number, form in enumerate(forms.dictionary.to_pylist()):
        rows = np.flatnonzero(which == number)
        if form:
            alone = replace(call, options={**call.options, "patterns": [[form, 1]]})
            index[rows] = sum(len(part) for part in parts) + np.arange(rows.size)
            parts.append(sample_rule(alone, replace(request, ranks=ranks[rows])).cast(made.type))
    return pa.concat_arrays(parts).take(array_of(index))


def _told_parts(model: TableModel, name: str, variables: list[str], job: ValuesJob) -> dict[str, pa.Array]:
    """What the model says that documents made by rule hold, by what the rule calls it."""
    start = inside_variable(name, "")
    out = {}
    for i, variable in enumerate(variables):
        if variable.startswith(start) and variable in model.encodings:
            codes = job.codes[:, i]
            raw = words(stream(job.seed, job.table, variable, job.partition), job.rows)
            out[variable.removeprefix(start)] = decode(
                model.encodings[variable], codes, stratified(codes.astype(np.int64), raw)
            )
    return out


def _with_nulls(
    values: pa.Array, column: ColumnPlan, model: TableModel | None, variables: list[str], job: ValuesJob
) -> pa.Array:
    """NULLs where the model says so; where nothing was learned, in the share that is planned, by keyed hash."""
    source = column.source
    if column.null_share is not None:  # asked: see assembly
        return values
    length = length_variable(column.name)
    if model is not None and length in variables:
        empty = job.codes[:, variables.index(length)] == (model.encodings[length].null_code or -1)
    elif model is not None and form_variable(column.name) in variables:
        form = form_variable(column.name)
        null = model.encodings[form].null_code
        empty = job.codes[:, variables.index(form)] == (-1 if null is None else null)
    elif null_variable(column.name) in variables:
        empty = job.codes[:, variables.index(null_variable(column.name))] == 1
    elif isinstance(source, Rule) and source.null_share > 0:
        ranks = np.arange(job.start, job.start + job.rows)
        limit = np.uint64(min(int(source.null_share * 2**64), 2**64 - 1))
        name = str(source.call.options.get("shared", column.name))  # an address is there, or is not, as a whole
        empty = hashed(ranks, job.seed, job.table, name, "null") < limit
    else:
        return values
    return pa.compute.if_else(array_of(empty), scalar_of(None, values.type), values)
