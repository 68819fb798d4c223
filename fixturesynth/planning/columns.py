"""One source for each column, from what the schema declares, what the rows say and what the user wants."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from fixturesynth.errors import CapacityError
from fixturesynth.planning.changes import ColumnChange, change_column
from fixturesynth.planning.composing import composed_plan
from fixturesynth.planning.distances import copied_from, deltas, least_number, reachable, repeated_key, twin_of
from fixturesynth.planning.documents import document_rule, is_documented
from fixturesynth.planning.lengths import lengths_of_rare, longest_text
from fixturesynth.planning.needs import ColumnNeeds, is_unknowable
from fixturesynth.planning.numbering import is_running, numbered_plan
from fixturesynth.planning.plan import (
    ColumnPlan,
    Constant,
    Default,
    Derived,
    Key,
    Modelled,
    Reference,
    Rule,
    RuleCall,
    Source,
)
from fixturesynth.planning.solving import fits
from fixturesynth.planning.styles import as_signs, in_their_style, stand_ins
from fixturesynth.planning.successions import BETWEEN, bounded, follows, in_line, may_lag, said
from fixturesynth.planning.uniques import unique_sets
from fixturesynth.planning.written import as_written, coded, is_address, mostly_masked, of_another_list, of_people
from fixturesynth.profiling.profile import ColumnProfile, Invariant
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import RuleRequest
from fixturesynth.rules.defaults import NAMED
from fixturesynth.rules.habits import null_share
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import Column, ForeignKey
from fixturesynth.schema.predicates import ColumnDomain, TableConstraints

__all__ = ["plan_columns", "with_sparse_keys"]

MODELLED_KINDS = {"boolean": "categorical", "categorical": "categorical", "integer": "numeric", "number": "numeric"}

# Invariants that give a column's value, in the order of trust.
VALUE_GIVING = (
    "copy", "running", "equal", "datepart", "linear", "adjacent", "lagged", "clock", "elapsed", "product", "presence",
    "determines", "ordinal",
)  # fmt: skip

# Operations that hold whatever the values are that they are of.
SURE = frozenset({"copy", "ordinal", "numbered", "equal", "presence"})

# Types whose text follows a grammar of their own.
WRITTEN = frozenset(
    {"range", "inet", "cidr", "macaddr", "hstore", "tsvector", "ltree", "xml", "bit", "geometry", "interval", "uuid"}
)

# Texts of the world that lists know better than words of theirs, unless nearly all words were seen.
PLACE_RULES = frozenset(
    {"city", "birth_place", "country", "county", "state", "state_code", "country_code", "postal_code", "language",
     "nationality", "continent", "currency", "gender", "url", "domain", "ip_address", "color", "prefix"}
)  # fmt: skip
MOSTLY = 950  # thousandths
OF_WORDS = ("lead", "trail", "marks", "final", "frame", "joint", "begins", "ends", "inside", "between", "large")
TRIED = 256  # values of a rule that are held against what the schema allows
PROSE = frozenset({"words", "text", "title", "labels"})  # rules that say nothing of their own

FAR = 4  # times as many numbers between the first and the last one as there are
MOST_NAMES = 300
VARIED = 0.4  # of the rows, that must have a name of their own for one language's names to be too few
MOST_STAND_INS = 2_000  # categories made up for those that are too rare to be stored


def plan_columns(
    needs: ColumnNeeds, wanted: Mapping[str, ColumnPlan], changes: Mapping[str, ColumnChange] | None = None
) -> tuple[ColumnPlan, ...]:
    """A plan for every column, in the table's order; ``wanted`` are the user's own, ``changes`` alter what is made."""
    given = _derivations(needs)
    owners = _owners(needs)
    done: dict[str, ColumnPlan] = {}
    for column in needs.table.columns:
        plan = wanted.get(column.name) or _plan_column(needs, column, owners, given)
        change = (changes or {}).get(column.name)
        done[column.name] = change_column(needs, column, plan, change) if change is not None else plan
    return tuple(_settle(needs, done, owners)[c] for c in needs.table.column_names)


def _owners(needs: ColumnNeeds) -> dict[str, tuple[ForeignKey, str]]:
    """The foreign key that fills each referencing column: the context first, then in declaration order."""
    how = {r.foreign_key: r.how for r in needs.references}
    rank = {"context": 0, "matched": 1, "self": 2, "later": 3, "null": 4, "implied": 5}
    found: dict[str, tuple[ForeignKey, str]] = {}
    # A reference that is always set comes before one that may be NULL: the column they share may be required.
    absent = {r.foreign_key: r.null_share > 0 for r in needs.references}
    for fk in sorted(needs.table.foreign_keys, key=lambda f: (rank[how[f.name]], absent[f.name])):
        for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
            if how[fk.name] != "null" or needs.table.column(column).nullable:
                found.setdefault(column, (fk, parent_column))
    return found


def _derivations(needs: ColumnNeeds) -> dict[str, Invariant]:
    """The value-giving invariant of each target, so that no column is derived from itself in a circle."""
    if needs.profile is None:
        return {}
    ranked = sorted(
        (i for i in needs.profile.invariants if i.kind in VALUE_GIVING and _applies(needs, i)),
        key=lambda i: VALUE_GIVING.index(i.kind),
    )
    out: dict[str, Invariant] = {}
    for item in ranked:
        if item.target not in out and not _reaches(item, item.target, out):
            out[item.target] = item
    return out


def _applies(needs: ColumnNeeds, item: Invariant) -> bool:
    """Whether a rule can be computed here. A flag that a check looks at has to move with the rest of the check.

    What rows have from their parent in their own table is learned; the tree is then laid inside of it. What they have
    from one that they get in a second pass is brought in with it.
    """
    waits = ("self", "later", "null")
    if item.kind == "copy" and any(r.foreign_key == item.foreign_key and r.how in waits for r in needs.references):
        return False
    if item.kind == "ordinal" and item.parameters.get("ranked"):
        return False  # learned, and put in ranks: see plan_successions
    if item.kind == "lagged" and not may_lag(needs, item):
        return False
    if "theirs" in item.parameters and not reachable(needs, str(item.foreign_key), item.parameters["theirs"]):
        return False
    if item.kind == "presence":
        return not any(item.target in c.columns for c in needs.table.checks)
    return item.kind not in BETWEEN or follows(needs.table, needs.references, item)


def _reaches(item: Invariant, target: str, chosen: Mapping[str, Invariant]) -> bool:
    if item.foreign_key is not None and "theirs" not in item.parameters:
        return False  # reads the parent's columns, not this table's
    todo, seen = list(item.sources), set()
    while todo:
        name = todo.pop()
        if name == target:
            return True
        if (
            name in chosen
            and name not in seen
            and (chosen[name].foreign_key is None or "theirs" in chosen[name].parameters)
        ):
            seen.add(name)
            todo.extend(chosen[name].sources)
    return False


def _plan_column(
    needs: ColumnNeeds,
    column: Column,
    owners: Mapping[str, tuple[ForeignKey, str]],
    given: Mapping[str, Invariant],
) -> ColumnPlan:
    if column.generated is not None:
        return ColumnPlan(column.name, Default(), "generated by the database")
    if column.name in owners:
        return _plan_reference(needs, column, owners, given)
    seen = needs.profile.columns.get(column.name) if needs.profile and needs.profile.rows else None
    composed = composed_plan(
        needs.table, column, seen, needs.profile, needs.constraints.domains.get(column.name), needs.references,
        partial(reachable, needs), unique=column.name in needs.unique_columns,
    )  # fmt: skip
    if composed is not None:
        return composed
    if column.name in needs.unique_columns:
        return repeated_key(needs, column, given.get(column.name)) or _plan_key(needs, column, seen)
    if seen is None:
        return _plan_rule(needs, column)
    return _plan_learned(needs, column, seen, given)


def _plan_reference(
    needs: ColumnNeeds, column: Column, owners: Mapping[str, tuple[ForeignKey, str]], given: Mapping[str, Invariant]
) -> ColumnPlan:
    fk, parent_column = owners[column.name]
    plan = next(r for r in needs.references if r.foreign_key == fk.name)
    if plan.how == "null":
        return ColumnPlan(column.name, Constant(None), f"there is no row of {fk.parent} to reference")
    copy = given.get(column.name)
    if plan.how == "implied" and copy is not None and copy.kind == "copy":
        source = Derived("copy", copy.sources, copy.foreign_key)
        return ColumnPlan(column.name, source, f"always that of the row reached through {copy.foreign_key}")
    decided = needs.table.foreign_key(plan.decided_by).columns[0] if plan.decided_by is not None else ""
    why = f"{plan.how} reference to {fk.parent}" + (f", one for each {decided}" if decided else "")
    return ColumnPlan(column.name, Reference(fk.name, parent_column), why)


def _plan_key(needs: ColumnNeeds, column: Column, seen: ColumnProfile | None) -> ColumnPlan:
    domain = needs.constraints.domains.get(column.name)
    if domain is not None and domain.only_null:
        return ColumnPlan(column.name, Constant(None), "a check allows NULL alone")
    if domain is not None and domain.allowed is not None:
        listed = rule_for_column(
            needs.table.name, column, None, domain, locale=needs.locale, unique=True, rows=needs.rows
        )
        if listed is not None:
            return ColumnPlan(column.name, Key(listed), "unique, of what a check lists")
    if column.type.kind == "uuid":
        return ColumnPlan(column.name, Key(RuleCall("uuid", {}, unique=True)), "unique uuid")
    if column.type.kind == "integer" and needs.table.repeated_in is not None and seen and _far_apart(seen):
        return ColumnPlan(column.name, Modelled("numeric", {}), "learned, kept unique")
    bounded = domain is not None and domain != ColumnDomain(column.name, not_null=domain.not_null)
    if column.type.kind in ("integer", "year") and not bounded:
        start, step = (seen.sequence if seen and seen.sequence else None) or _first_number(seen)
        options = {"start": int(start), "step": int(step)}
        return ColumnPlan(column.name, Key(RuleCall("sequence", options, unique=True)), "unique number")
    if seen is not None and seen.meaning == "uuid":
        return ColumnPlan(column.name, Key(RuleCall("uuid", {}, unique=True)), "unique uuid in text")
    counter = (seen.writing or {}).get("counter") if seen is not None and column.type.kind == "text" else None
    if counter and not bounded:
        return ColumnPlan(column.name, Key(RuleCall("numbered", dict(counter), unique=True)), "unique, counted code")
    if seen is not None and seen.kind in ("code", "identifier") and seen.patterns and not _has_grammar(column):
        shapes = {"patterns": [list(p) for p in seen.patterns]}
        return ColumnPlan(column.name, Key(RuleCall("pattern", shapes, unique=True)), "unique, shapes as in the rows")
    meaning = seen.meaning if seen else guess_meaning(needs.table.name, column, None)
    if seen is not None and seen.kind in MODELLED_KINDS | {"datetime": ""}:
        return ColumnPlan(column.name, Modelled(_encoding(seen), {}), "learned, kept unique")
    if seen is not None and not bounded and column.type.kind == "text":
        words = learned_rule(needs, column, seen)[0] if "joint" in (seen.writing or {}) else None
        if words and words.name == "word_text":
            words = replace(words, options={**words.options, "values": needs.rows}, unique=True)
            return ColumnPlan(column.name, Key(words), "unique, of words as in the rows")
        if (masks := mostly_masked(seen)) is not None:
            return ColumnPlan(column.name, Key(replace(masks, unique=True)), "unique, mostly of these shapes")
    now = needs.column_context(column).now
    case = (seen.writing or {}).get("case") if seen is not None and column.type.kind == "text" else None
    if case is not None:
        domain = replace(domain or ColumnDomain(column.name), upper=case == "upper", lower=case == "lower")
    call = rule_for_column(
        needs.table.name, column, meaning, domain, locale=needs.locale, unique=True, now=now, rows=needs.rows
    )
    if call is None:
        return ColumnPlan(column.name, Default(), f"no rule for type {column.type.name}")
    if seen is not None and call.name == "hex" and not bounded:
        call = as_signs(call, seen, needs.rows)
    return ColumnPlan(column.name, Key(call), f"unique {meaning or column.type.kind}")


def _has_grammar(column: Column) -> bool:
    return column.type.kind in WRITTEN or column.type.name in NAMED


def _first_number(seen: ColumnProfile | None) -> tuple[int, int]:
    low = seen.minimum if seen is not None and seen.minimum is not None else 1
    return (int(low) if low > 0 else 1, 1)


def _far_apart(seen: ColumnProfile) -> bool:
    """Whether numbers do not count entities but lie anywhere: rows show them like any other number."""
    if seen.sequence is not None or seen.minimum is None or seen.maximum is None:
        return False
    return seen.maximum - seen.minimum > FAR * seen.distinct


def _plan_rule(needs: ColumnNeeds, column: Column) -> ColumnPlan:
    """No rows to learn from: meaning, type and constraints decide."""
    domain: ColumnDomain | None = needs.constraints.domains.get(column.name)
    if domain is not None and domain.only_null:
        return ColumnPlan(column.name, Constant(None), "a check allows NULL alone")
    meaning = guess_meaning(needs.table.name, column, None)
    now = needs.column_context(column).now
    call = rule_for_column(needs.table.name, column, meaning, domain, locale=needs.locale, unique=False, now=now)
    if call is not None and call.name == "choices" and column.type.kind == "text" and _among_siblings(needs, column):
        wide = rule_for_column(
            needs.table.name, column, meaning, domain, locale=needs.locale, unique=True, now=now, rows=needs.rows
        )
        call = replace(wide, unique=False) if wide is not None else call
    if call is None:
        return ColumnPlan(column.name, Default(), f"no rule for type {column.type.name}: left to the database")
    together = any(column.name in u.columns and not u.nulls_distinct for u in needs.table.uniques)
    together |= column.name in needs.referenced  # nobody can reference NULL
    required = together or not column.nullable or (domain is not None and domain.not_null)
    share = 0.0 if required else null_share(meaning)
    return ColumnPlan(column.name, Rule(call, share), f"{meaning or column.type.kind}, by {call.name}")


def _among_siblings(needs: ColumnNeeds, column: Column) -> bool:
    """Whether rows of one parent in their own table, and all that have none, must differ in the column."""
    own = {c for key in needs.table.foreign_keys if key.parent == needs.table.name for c in key.columns}
    return any(column.name in u.columns and own & set(u.columns) for u in unique_sets(needs.table))


def with_sparse_keys(
    needs: ColumnNeeds, columns: tuple[ColumnPlan, ...], capacities: Mapping[str, int], asked_for: Collection[str]
) -> tuple[ColumnPlan, ...]:
    """Unique columns with fewer values than rows are drawn like others where they may be NULL: the rest have none.

    Those that one branch of a check wants NULL are drawn like others too, or no row could take that branch.
    """
    out = []
    branches = [branch for one in needs.constraints.alternatives for branch in one.branches]
    lacking = {name for branch in branches for name, domain in branch.domains.items() if domain.only_null}
    barred = {*asked_for, *(needs.table.primary_key.columns if needs.table.primary_key else ())}
    barred |= {c for u in unique_sets(needs.table) for c in u.stand_ins}
    for plan in columns:
        few = isinstance(plan.source, Key) and plan.name not in barred and capacities[plan.name] < needs.rows
        if needs.profile is None and few and needs.table.column(plan.name).nullable:
            sparse = _plan_rule(needs, needs.table.column(plan.name))
            plan = sparse if isinstance(sparse.source, Rule) and sparse.source.null_share > 0 else plan
        lacks = plan.name in lacking - barred - needs.referenced and needs.table.column(plan.name).nullable
        if needs.profile is None and lacks and isinstance(plan.source, Key):
            plan = replace(plan, source=Rule(plan.source.call, null_share(None)))
        out.append(plan)
    return tuple(out)


def _encoding(seen: ColumnProfile) -> str:
    return "temporal" if seen.kind == "datetime" else MODELLED_KINDS[seen.kind]


def _plan_learned(
    needs: ColumnNeeds, column: Column, seen: ColumnProfile, given: Mapping[str, Invariant]
) -> ColumnPlan:
    invariant = given.get(column.name)
    if invariant is not None:
        parameters = dict(invariant.parameters)
        if seen.kind == "datetime" and seen.format and invariant.kind in ("copy", "datepart", "equal", "adjacent"):
            parameters["format"] = seen.format
        if invariant.kind == "clock":
            parameters |= _midnight(needs, column)
        if invariant.kind == "determines" and seen.kind not in ("integer", "number", "datetime"):
            parameters |= _categories(needs, column, seen)
        if invariant.kind == "determines" and (above := copied_from(needs, column, seen)) is not None:
            parameters |= {"copied": list(above)} | longest_text(column, needs.constraints.domains.get(column.name))
        if invariant.kind == "running":
            parameters = bounded(parameters, needs.constraints.domains.get(column.name), seen)
        source = Derived(invariant.kind, invariant.sources, invariant.foreign_key, parameters)
        if invariant.kind in BETWEEN:
            return ColumnPlan(column.name, source, f"{said(invariant)}, in all {invariant.support} rows")
        lent = [f"{invariant.foreign_key}'s {parameters['theirs']}"] if "theirs" in parameters else []
        text = " and ".join([*invariant.sources, *lent]) or str(invariant.foreign_key)
        return ColumnPlan(column.name, source, f"{invariant.kind} of {text} in all {invariant.support} rows")
    if seen.kind == "empty":
        return ColumnPlan(column.name, Constant(None), "no value in any row")
    if (counted := numbered_plan(needs, column, seen)) is not None:
        return counted
    copied = copied_from(needs, column, seen)
    rules = needs.profile.invariants if needs.profile is not None else ()
    if any(i.kind == "aggregate" and i.target == column.name for i in rules):
        copied = None  # children say what it comes to
    if copied is not None and seen.kind != "datetime":  # which is counted from the other
        foreign_key, theirs = copied
        longest = longest_text(column, needs.constraints.domains.get(column.name))
        amount = seen.kind in ("integer", "number")
        listed = least_number(needs, column, seen) if amount else _categories(needs, column, seen)
        parameters = {"mostly": True} | longest | listed
        source = Derived("copy", (theirs,), foreign_key, parameters)
        return ColumnPlan(column.name, source, f"copy of {theirs} in nearly all rows")
    if (twin := twin_of(needs, column, seen)) is not None:
        longest = longest_text(column, needs.constraints.domains.get(column.name))
        parameters = {"mostly": True, "form": twin[1]} | longest | _categories(needs, column, seen)
        return ColumnPlan(column.name, Derived("equal", (twin[0],), None, parameters), f"{twin[0]} in most rows")
    if seen.known and seen.kind in ("integer", "number"):
        numbers = [int(v) if v.lstrip("-").isdecimal() else float(v) for v in seen.known]
        return ColumnPlan(column.name, Modelled("categorical", {"known": numbers}), f"learned, list of {seen.kind}s")
    if _is_learned(seen):
        kind = _encoding(seen) if seen.kind in MODELLED_KINDS or seen.kind == "datetime" else "categorical"
        options = deltas(needs, column) | (_categories(needs, column, seen) if kind == "categorical" else {})
        if seen.nulls:
            options["filled"] = [seen.rows - seen.nulls, seen.rows]
        return ColumnPlan(
            column.name, Modelled(kind, options), f"learned, {seen.kind}{in_line(needs.profile, column.name)}"
        )
    call, _ = learned_rule(needs, column, seen)
    made = ", of what the rows' own are made of" if call.name in ("document", "elements") else " by rule"
    return ColumnPlan(column.name, _spelled(call, seen, needs), f"{seen.meaning or seen.kind}{made}")


def _is_learned(seen: ColumnProfile) -> bool:
    if seen.kind in MODELLED_KINDS or seen.kind == "datetime" or (seen.kind == "constant" and seen.values):
        return True
    if seen.documents:
        return True
    if seen.quantiles and seen.lengths:
        return False  # ranges, which say more than categories
    # Texts that come again and again are categories, even where each is too rare to be stored: others stand in.
    present = seen.rows - seen.nulls
    return seen.kind in ("text", "code") and seen.distinct * 4 <= present and seen.distinct <= MOST_STAND_INS


def _midnight(needs: ColumnNeeds, column: Column) -> dict[str, int]:
    """How a clock writes midnight where its constraints allow one way alone; the rows may never have told."""
    domain = needs.constraints.domains.get(column.name)
    allowed = [m for m in (0, 2400) if domain is None or domain.contains(m)]
    return {"midnight": allowed[0]} if len(allowed) == 1 else {}


def learned_rule(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> tuple[RuleCall, float]:
    """The rule for a column whose values are texts that must not be repeated: shapes, words and lengths are kept.

    Where its values do not keep to what the schema allows, a rule without the rows' habits.
    """
    call, share = _rule_of_habits(needs, column, seen)
    domain = needs.constraints.domains.get(column.name)
    if domain is None or _mostly_inside(needs, column, call, domain):
        return call, share
    now = needs.column_context(column).now
    plain = rule_for_column(needs.table.name, column, seen.meaning, domain, locale=needs.locale, unique=False, now=now)
    return plain or call, share


def _mostly_inside(needs: ColumnNeeds, column: Column, call: RuleCall, domain: ColumnDomain) -> bool:
    """Whether the rule's values lie in the domain but for a few, which are mended on the rows."""
    request = RuleRequest(0, needs.column_context(column), np.arange(TRIED, dtype=np.int64), 0, {})
    try:
        values = sample_rule(call, request)
    except CapacityError:
        return True
    plan = ColumnPlan(column.name, Rule(call), "")
    return bool(fits(needs.table, plan, domain, values).mean() >= 0.9)


def _rule_of_habits(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> tuple[RuleCall, float]:
    domain = needs.constraints.domains.get(column.name)
    options: dict[str, Any]
    named = seen.meaning in PERSON_RULES
    if seen.kind in ("text", "categorical") and of_people(seen, needs.locale):
        seen, named = replace(seen, meaning="full_name"), True
    if is_documented(column, seen):
        return document_rule(column, seen, partial(_rule_inside, needs)), seen.null_share
    if seen.kind == "identifier" and seen.maximum is not None and column.type.kind == "integer":
        low, high = int(seen.minimum or 0), max(int(seen.maximum), int(seen.minimum or 0) + 1)
        return RuleCall("integers", {"low": low, "high": high}), seen.null_share
    if seen.kind == "binary" and seen.lengths and not column.type.fixed and (domain is None or domain.octets is None):
        return RuleCall("bytes", {"lengths": list(seen.lengths)}), seen.null_share
    if column.type.kind == "range" and seen.quantiles and seen.lengths:
        spans = {"lows": [int(q) for q in seen.quantiles], "widths": list(seen.lengths), "step": int(seen.step or 1)}
        return RuleCall("range", spans), seen.null_share
    written = _has_grammar(column)  # a shape of digits and letters would not be a value of the type
    habits = seen.writing or {}
    case = habits.get("case")
    if not written and (shown := as_written(seen)) is not None:
        return shown, seen.null_share
    if not written and not named and coded(seen):
        return RuleCall("pattern", {"patterns": [list(p) for p in seen.patterns]}), seen.null_share
    limited = domain
    if case is not None:
        domain = replace(domain or ColumnDomain(column.name), upper=case == "upper", lower=case == "lower")
    now = needs.column_context(column).now
    call = rule_for_column(needs.table.name, column, seen.meaning, domain, locale=needs.locale, unique=False, now=now)
    prose = call is None or seen.meaning is None or call.name in PROSE or of_another_list(call, seen)
    told = int(habits.get("told", 0))
    worded = prose or told >= MOSTLY or (told >= 1000 - told and seen.meaning not in PLACE_RULES)
    worded |= "joint" in habits and not is_address(seen)  # words that machines read
    if seen.kind in ("text", "categorical") and "told" in habits and worded and not named and not written:
        options = {"words": [list(w) for w in seen.words], "lengths": list(seen.lengths)}
        options |= {k: habits[k] for k in OF_WORDS if k in habits}
        if told < MOSTLY or not seen.words:
            options["plain"] = 1000 - told if seen.words else 1000
        options |= {"case": case} if case is not None else {}
        limits = [n for n in (column.type.length, limited.max_length if limited is not None else None) if n]
        if limits:
            options["max_length"] = min(limits)
        return RuleCall("word_text", options), seen.null_share
    if call is not None and call.name == "full_name" and habits.get("inverted"):
        call = replace(call, options={**call.options, "inverted": True})
    if call is not None and call.name in ("first_name", "last_name"):
        call = replace(call, options={**call.options, **_names(seen)})
    return call or RuleCall("constant", {"value": None}), seen.null_share


def _names(seen: ColumnProfile) -> dict[str, Any]:
    """What is known of a column of names: those that many share, how many are such, and how many a person has."""
    habits, present = seen.writing or {}, seen.rows - seen.nulls
    options: dict[str, Any] = {}
    if habits.get("told") and seen.words:
        options |= {"names": [[str(w), int(n)] for w, n in seen.words[:MOST_NAMES]], "told": int(habits["told"])}
    if habits.get("pieces"):
        options["pieces"] = habits["pieces"]
    if seen.distinct > VARIED * present and seen.distinct > MOST_NAMES:
        options["wide"] = True
    return options


def _rule_inside(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> RuleCall:
    """The rule for texts of a document or elements of an array, of which the table's checks say nothing."""
    return learned_rule(replace(needs, constraints=TableConstraints()), column, seen)[0]


def _spelled(call: RuleCall, seen: ColumnProfile, needs: ColumnNeeds) -> Rule:
    """The rule, reading the row's own names where the emails do and the names are of the table's own making."""
    spelled = (seen.writing or {}).get("spelled")
    if call.name != "mail" or not spelled or not {spelled["first"], spelled["last"]} <= set(needs.table.column_names):
        return Rule(call, seen.null_share)
    return Rule(
        replace(call, options={**call.options, **spelled}), seen.null_share, (spelled["first"], spelled["last"])
    )


def _categories(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> dict[str, Any]:
    """Values that the schema or the type names, kept however seldom they are, and what stands in for rare others."""
    options: dict[str, Any] = {}
    domain = needs.constraints.domains.get(column.name)
    closed = column.type.values or (domain.allowed if domain is not None else None)
    if seen.kind == "boolean":
        options["domain"] = sorted({v for v, _ in seen.values} | ({0, 1} if column.type.kind == "integer" else set()))
    elif closed:
        options["domain"] = [v for v in closed if isinstance(v, str | int)]
    elif seen.kind == "constant" and seen.unit == "number":
        options["known"] = [v for v, _ in seen.values]
    elif seen.known:
        options["known"] = list(seen.known)
    if seen.documents and "domain" not in options:
        return options | _rare_documents(needs, column, seen)
    if (seen.rare or seen.kind in ("code", "text")) and "domain" not in options:
        call = _stand_in(needs, column, seen)
        pool = stand_ins(seen.distinct - len(seen.values), seen.rare, MOST_STAND_INS)
        made = dict(call.options) | ({"values": pool} if call.name == "word_text" else {})
        options["rare"] = {"name": call.name, "options": made, "version": call.version}
        options["pool"] = pool
        if seen.lengths and call.name != "pattern":
            options["lengths"] = lengths_of_rare(seen)
    return options


def _stand_in(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> RuleCall:
    """The rule for what stands in for rare categories: it has to look like the stored ones."""
    call, _ = learned_rule(needs, column, seen)
    if _has_grammar(column) or is_documented(column, seen):
        return call
    context = needs.column_context(column)
    domain = needs.constraints.domains.get(column.name)
    named = rule_for_column(
        needs.table.name, column, seen.meaning, domain, locale=needs.locale, unique=False, now=context.now
    )
    made = () if named is None else sample_rule(named, RuleRequest(0, context, np.arange(TRIED), 0, {})).to_pylist()
    trusted = seen.meaning in PERSON_RULES | PLACE_RULES
    styled = in_their_style(seen, call, named, [m for m in made if isinstance(m, str)], trusted)
    return styled if domain is None or _mostly_inside(needs, column, styled, domain) else call


def _rare_documents(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> dict[str, Any]:
    """What stands in for documents and arrays that are too rare to be stored: others made of the same."""
    rare = seen.rows - seen.nulls - sum(n for _, n in seen.documents)
    if not rare or not is_documented(column, seen):
        return {}
    call, _ = learned_rule(needs, column, seen)
    pool = max(1, min(seen.distinct - len(seen.documents), MOST_STAND_INS))
    return {"rare": {"name": call.name, "options": dict(call.options), "version": call.version}, "pool": pool}


# Meanings that a rule of their own serves better than words seen in the rows.
PERSON_RULES = frozenset(
    {"first_name", "last_name", "full_name", "email", "username", "phone", "street", "address", "url", "company"}
)


def _dealt_out(needs: ColumnNeeds, plan: ColumnPlan, source: Derived, seen: ColumnProfile) -> ColumnPlan:
    """New determinants have no known value: each is dealt one, by the column's own model or rule, and keeps it."""
    parameters = {**source.parameters, "unseen": True}
    if not _is_learned(seen) and "copied" not in parameters:
        call, _ = learned_rule(needs, needs.table.column(plan.name), seen)
        parameters["rule"] = {"name": call.name, "options": dict(call.options), "version": call.version}
    text = " and ".join(source.sources)
    return ColumnPlan(plan.name, replace(source, parameters=parameters), f"one value for each {text}")


def _settle(
    needs: ColumnNeeds, done: dict[str, ColumnPlan], owners: Mapping[str, tuple[ForeignKey, str]]
) -> dict[str, ColumnPlan]:
    """Take back derivations whose sources are texts made by rule: nothing learned hangs on those."""
    if needs.profile is None:
        return done
    changed = True
    while changed:
        changed = False
        for name, plan in done.items():
            source = plan.source
            if not isinstance(source, Derived) or source.operation in SURE:
                continue
            between = source.operation in BETWEEN  # keys tell siblings apart and put them in order, nothing more
            told = source.operation == "determines"  # which no running number does, nor what names one
            if any(isinstance(done[s].source, Default) if between
                   else is_unknowable(needs, done[s]) or (told and is_running(needs, s))
                   for s in source.sources):  # fmt: skip
                seen = needs.profile.columns[name]
                if source.operation == "determines":
                    if not source.parameters.get("unseen"):
                        done[name] = _dealt_out(needs, plan, source, seen)
                    continue
                if seen.kind in MODELLED_KINDS or seen.kind == "datetime":
                    again: Source = Modelled(_encoding(seen), {})
                else:
                    again = Rule(*learned_rule(needs, needs.table.column(name), seen))
                done[name] = ColumnPlan(name, again, "learned alone: what determines it is made by rule")
                changed = True
    return done
