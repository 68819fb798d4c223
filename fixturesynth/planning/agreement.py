"""Columns of one row that agree by what they mean: later moments after earlier ones, an email of the row's own name.

Where there are no rows to learn from, a column that follows from others is derived from them, so that the order of
moments and the spelling of names hold by construction. A column that follows nothing keeps its own values: adding a
column changes only those that derive from it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from fixturesynth.dataset import arrow_type
from fixturesynth.errors import FixtureSynthError
from fixturesynth.planning.branches import Branches
from fixturesynth.planning.chronology import CHAINS, FIRST, Chain, born, gaps_of, is_moment
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.orders import strict_of
from fixturesynth.planning.parts import told_apart
from fixturesynth.planning.plan import ColumnPlan, Derived, Key, Rule, RuleCall, TablePlan, UniquePlan
from fixturesynth.profiling.semantics import guess_meaning, words_of
from fixturesynth.rules.contract import RuleRequest
from fixturesynth.rules.moments import epoch_unit
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.rules.vocabulary import listed
from fixturesynth.schema.model import Column, Schema, Table
from fixturesynth.schema.predicates import ColumnDomain

__all__ = ["agree"]

TRIED = 1_024  # rows of what a derived column would hold that are held against its checks

_COUNTED = re.compile(r"\{\d+\}|\{\d*,\d+\}")  # a pattern that counts characters, as a rare name may exceed

# Words that say which part of a person, place or work a column is, not whose.
_PARTS = frozenset(
    listed("""
        first last full given family middle name names forename surname fname lname email mail e address addresses
        login user username handle display nick nickname screen gender sex prefix salutation title label headline slug
        permalink key url file filename mime type extension ext content path original
        contact primary work personal account main
    """)
)
_NAMED = listed("""
    title product_name company full_name category name product_category genre department city country location role
    hostname brand
""")
_LAST = (("name",), ("title",), ("label",), ("headline",), ("subject",))


@dataclass(frozen=True)
class _Row:
    """The table's columns while they are brought together."""

    schema: Schema
    needs: ColumnNeeds
    plans: dict[str, ColumnPlan]
    meanings: Mapping[str, str]
    fixed: frozenset[str]  # columns whose values something else decides
    uniques: Sequence[UniquePlan]
    keyed: frozenset[str]  # their members
    orders: Mapping[tuple[str, str], bool]  # (low, high) that checks ask for, and whether they are strict

    @property
    def table(self) -> Table:
        return self.needs.table

    def column(self, name: str) -> Column:
        return self.needs.table.column(name)

    def meant(self, *meanings: str) -> list[str]:
        return sorted(c for c, m in self.meanings.items() if m in meanings and _made(self.plans[c]))


def agree(
    schema: Schema,
    needs: ColumnNeeds,
    columns: Sequence[ColumnPlan],
    uniques: Sequence[UniquePlan],
    branches: Branches,
    decided: Iterable[str],
) -> tuple[ColumnPlan, ...]:
    """``columns`` with those that follow from others derived from them; of a learned table, unique emails and usernames
    that spell the row's own names where the rows' do.

    Columns that the user decided, that a choice of branches or an unsolved check moves about, and numbers and moments
    in unique sets stay as they are.
    """
    table = needs.table
    moved = {c.name for s in branches.sets for b in s.branches for c in b}
    moved |= {c.name for u in uniques for c in (*u.gate, *u.exit)}
    moved |= {name for d in (*needs.constraints.distinct, *branches.distinct) for name in (d.a, d.b)}
    loose = {text for _, text in needs.constraints.not_understood}
    moved |= {c for check in table.checks if check.text in loose for c in check.columns}
    excluded = " ".join(e.text for e in table.exclusions)
    moved |= {c for c in table.column_names if excluded and c in excluded}
    meanings = {c.name: m for c in table.columns if (m := guess_meaning(table.name, c, None)) is not None}
    plans = {c.name: c for c in columns}
    fixed = frozenset(moved | set(decided))
    keyed = frozenset(c for u in uniques for c in u.columns)
    orders = strict_of((*branches.differences, *needs.constraints.differences))
    row = _Row(schema, needs, plans, meanings, fixed, tuple(uniques), keyed, orders)
    made_up = (_ordinals, _names, _genders, _mails, _slugs, _files, _places, _folds, _chronology, _ages, _totals)
    for way in made_up if needs.profile is None else (_as_spelled,):
        way(row)
    return tuple(row.plans[c.name] for c in columns)


def _made(plan: ColumnPlan) -> bool:
    return isinstance(plan.source, Rule | Key)


def _derive(
    row: _Row, name: str, call: RuleCall, needs: Sequence[str], why: str, parents: Sequence[tuple[str, str]] = ()
) -> None:
    """Let ``name`` follow from ``needs``, where it may and what comes of it passes the column's checks."""
    plan = row.plans[name]
    source = plan.source
    if name in row.fixed or name in needs or not isinstance(source, Rule | Key):
        return
    unique = isinstance(source, Key) or source.call.unique
    if (name in row.keyed and not unique) or (unique and call.name != "made_of"):
        return
    own = source.call.options
    limits = {k: own[k] for k in ("max_length", "min_length", "octets", "case") if k in own}
    call = replace(call, options={**call.options, **(limits if row.column(name).type.kind == "text" else {})})
    call = replace(call, unique=unique)
    made = Rule(call, 0.0 if isinstance(source, Key) else source.null_share, tuple(needs), tuple(parents))
    if _passes(row, name, made):
        row.plans[name] = replace(plan, source=made, why=f"{why}, by {call.name}")


def _passes(row: _Row, name: str, source: Rule) -> bool:
    """Whether rows of it fit the column's type and everything that its checks allow."""
    domain = row.needs.constraints.domains.get(name)
    if domain is None and row.column(name).type.length is None:
        return True
    if domain is not None and (_bounded(domain) or any(_COUNTED.search(r) for r, _, _ in domain.regex)):
        return False
    ranks = np.arange(TRIED, dtype=np.int64)
    try:
        values = _sampled(row, source, name, ranks, 0)
    except FixtureSynthError:
        return False
    length = row.column(name).type.length
    texts = row.column(name).type.kind == "text" and length is not None
    allows: Callable[[object], bool] = domain.contains if domain is not None else lambda value: True
    return all(
        (not texts or len(v) <= (length or 0)) and allows(v.isoformat() if hasattr(v, "isoformat") else v)
        for v in values.to_pylist()
        if v is not None
    )


def _bounded(domain: ColumnDomain) -> bool:
    """Whether the check names ends or values: a few rows do not show that none lies beyond."""
    ends = domain.low is not None or domain.high is not None or bool(domain.holes)
    return ends or bool(domain.excluded) or bool(domain.like and any(not n for n in domain.like))


def _sampled(row: _Row, source: Rule | Key, name: str, ranks: Any, depth: int) -> Any:
    given = {}
    if isinstance(source, Rule):
        for other in source.needs:
            below = row.plans[other].source
            if not isinstance(below, Rule | Key):  # a learned name: one of any length stands for it here
                below = Rule(RuleCall("full_name", {}))
            given[other] = _sampled(row, below, other, ranks, depth + 1)
    request = RuleRequest(0, row.needs.column_context(row.column(name)), ranks, 0, given)
    return sample_rule(source.call, request)


# -- numbers ----------------------------------------------------------------------------------------------------------
_COUNTED_OFF = ("position", "code", "version", "revision", "id")


def _ordinals(row: _Row) -> None:
    """Lines of an order, numbers of a project's tasks: 1, 2, 3 ... under the parent with which they are unique."""
    sets = [frozenset(u.columns) for u in row.uniques]
    alone = told_apart(row.schema, row.table.name)
    for reference in row.needs.references:
        if reference.how not in ("context", "matched"):
            continue
        mine = frozenset(row.table.foreign_key(reference.foreign_key).columns)
        for name in row.meant(*_COUNTED_OFF):
            around = [s for s in sets if name in s]
            lines = not around and row.meanings[name] == "position" and reference.how == "context"
            if name in alone or (around != [mine | {name}] and not lines):
                continue
            source, kind = row.plans[name].source, row.column(name).type
            domain = row.needs.constraints.domains.get(name)
            free = domain is None or (domain.high is None and domain.allowed is None and not domain.excluded)
            start = (
                max(1, int(domain.low) + int(domain.low_open)) if domain is not None and domain.low is not None else 1
            )
            whole = kind.kind == "integer" and (kind.bits or 64) >= 16
            if name not in row.fixed and whole and free and isinstance(source, Rule) and not source.needs:
                counted = Derived("ordinal", (), reference.foreign_key, {"start": start})
                why = f"counted off under {reference.parent}"
                row.plans[name] = replace(row.plans[name], source=counted, why=why)


# -- texts ------------------------------------------------------------------------------------------------------------
def _owner(name: str) -> tuple[str, ...]:
    """Whose part a column is: what is left of its name without the words for the part."""
    return tuple(w for w in words_of(name) if w not in _PARTS and not w.isdigit())


def _of_same(row: _Row, name: str, *meanings: str) -> list[str]:
    """Columns of these meanings that belong to the same person or thing, texts alone."""
    found = [c for c in row.meant(*meanings) if c != name and row.column(c).type.kind == "text"]
    return [c for c in found if _owner(c) == _owner(name)]


def _person(row: _Row, name: str) -> list[str]:
    """First and last name, or the full name, of the person whose ``name`` is part."""
    first, last = _of_same(row, name, "first_name"), _of_same(row, name, "last_name")
    if first and last:
        return [first[0], last[0]]
    whole = _of_same(row, name, "full_name", "author")
    return [min(whole, key=lambda c: (len(c), c))] if whole else []


def _texts(row: _Row, *meanings: str) -> list[str]:
    return [c for c in row.meant(*meanings) if row.column(c).type.kind == "text"]


def _call(columns: Sequence[str], form: str, otherwise: str) -> RuleCall:
    return RuleCall("made_of", {"columns": list(columns), "form": form, "otherwise": otherwise})


def _names(row: _Row) -> None:
    for name in _texts(row, "full_name"):
        parts = _person(row, name)
        if len(parts) == 2 and name not in row.keyed:
            _derive(row, name, _call(parts, "plain", "full_name"), parts, f"made of {' and '.join(parts)}")


def _mails(row: _Row) -> None:
    for name in _texts(row, "username"):
        parts = _person(row, name)
        if parts:
            _derive(row, name, _call(parts, "user", "username"), parts, f"username of {' and '.join(parts)}")
    for name in _texts(row, "email"):
        parts = _person(row, name) or _of_same(row, name, "username")[:1]
        if parts:
            _derive(row, name, _call(parts, "mail", "email"), parts, f"email of {' and '.join(parts)}")


def _as_spelled(row: _Row) -> None:
    """Unique emails and usernames of the row's own names, where those of the rows are."""
    for name, seen in row.needs.profile.columns.items() if row.needs.profile is not None else ():
        habits = seen.writing or {}
        spelled = habits.get("spelled") or habits.get("spells")
        parts = list(dict.fromkeys((spelled["first"], spelled["last"]))) if spelled else []
        if parts and name in row.plans and isinstance(row.plans[name].source, Key) and {*parts} <= row.plans.keys():
            form, otherwise = ("mail", "email") if seen.meaning == "email" else ("user", "username")
            _derive(row, name, _call(parts, form, otherwise), parts, f"{otherwise} of {' and '.join(parts)}")


def _genders(row: _Row) -> None:
    """Titles and genders by the first name; values that a check lists are sorted by what they begin with."""
    for name in _texts(row, "gender", "prefix"):
        parts = _of_same(row, name, "first_name") or _of_same(row, name, "full_name")
        source = row.plans[name].source
        if not parts or not isinstance(source, Rule) or source.call.unique:
            continue
        domain = row.needs.constraints.domains.get(name)
        listed = [str(v) for v in domain.allowed or ()] if domain is not None and domain.allowed else None
        female, male = _sexes(listed, row.meanings[name], row.column(name).type.length)
        if female and male:
            call = RuleCall("gendered", {"column": parts[0], "female": female, "male": male})
            _derive(row, name, call, parts[:1], f"by {parts[0]}")


def _sexes(listed: list[str] | None, meaning: str, length: int | None) -> tuple[list[str], list[str]]:
    if listed is None:
        if meaning == "prefix":
            return ["Ms.", "Mrs."], ["Mr."]
        return (["female"], ["male"]) if length is None or length >= 6 else (["F"], ["M"])
    women = ("f", "w", "ms", "mrs", "miss", "frau", "mme")
    men = ("m", "male", "man", "mr", "mr.", "herr", "h")
    female = [v for v in listed if v.lower().startswith(women)]
    return female, [v for v in listed if v.lower() in men and v not in female]


def _slugs(row: _Row) -> None:
    """A slug spells the name or title of its row: that with the same owner, or the table's own."""
    table = set(words_of(row.table.bare_name)) | {w.rstrip("s") for w in words_of(row.table.bare_name)}
    for name in _texts(row, "slug"):
        named = [c for c in _texts(row, *_NAMED) if c != name and words_of(c)[-1:] in _LAST]
        own = [c for c in named if _owner(c) == _owner(name) or set(words_of(c)[:-1]) <= table]
        if own:
            chosen = min(own, key=lambda c: (_owner(c) != _owner(name), _NAMED.index(row.meanings[c]), c))
            _derive(row, name, _call([chosen], "slug", "slug"), [chosen], f"slug of {chosen}")


def _files(row: _Row) -> None:
    for name in _texts(row, "file_name"):
        paths = _of_same(row, name, "file_path")
        if paths and name not in row.keyed:
            _derive(row, name, _matching(paths[0], "name"), paths[:1], f"the end of {paths[0]}")
    for meaning, part in (("file_extension", "extension"), ("mime_type", "mime")):
        for name in _texts(row, meaning):
            files = _of_same(row, name, "file_name") or _of_same(row, name, "file_path")
            if files and name not in row.keyed:
                _derive(row, name, _matching(files[0], part), files[:1], f"by {files[0]}")


def _matching(column: str, part: str) -> RuleCall:
    return RuleCall("matching", {"column": column, "part": part})


# -- places -----------------------------------------------------------------------------------------------------------
_PLACES = {
    "city": "city", "state": "state", "state_code": "state_code", "postal_code": "postal_code", "country": "country",
    "country_code": "country_code", "latitude": "latitude", "longitude": "longitude",
}  # fmt: skip
_KINDS = dict.fromkeys(("latitude", "longitude"), ("decimal", "float"))
_WHERE = frozenset(
    listed("""
        city town state province region county country code postal post zip zipcode postcode iso name lat latitude lon
        lng long longitude address location geo abbr abbreviation district codigo plz ort land
    """)
)


def _places(row: _Row) -> None:
    """Columns of one address are of one town; a city or postal code alone keeps its own values, of which more are."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in row.meant(*_PLACES):
        source = row.plans[name].source
        if row.column(name).type.kind not in _KINDS.get(row.meanings[name], ("text",)):
            continue
        free = isinstance(source, Rule) and not source.call.unique and not source.needs and name not in row.keyed
        if free and name not in row.fixed:
            groups.setdefault(tuple(w for w in words_of(name) if w not in _WHERE), []).append(name)
    for owner, names in groups.items():
        if not {row.meanings[n] for n in names} - {"city", "postal_code", "latitude", "longitude"} and len(names) < 2:
            continue
        for name in names:
            part = _part(_PLACES[row.meanings[name]], row.column(name))
            shared = " ".join(("place", *owner))
            _derive(row, name, RuleCall("place", {"part": part, "shared": shared}), (), f"{part} of one place")


def _part(part: str, column: Column) -> str:
    """Codes where the column is too short for names."""
    length = column.type.length if column.type.kind == "text" else None
    if part == "state" and length is not None and length < 6:
        return "state_code"
    if part == "country" and length is not None and length < 4:
        part = "country_code"
    return "country_code_3" if part == "country_code" and length == 3 else part


# What is added to a column's name for its text without regard to case.
_FOLDED = frozenset(("ci", "lower", "lowercase", "normalized", "normalised", "canonical", "folded"))


def _folds(row: _Row) -> None:
    """``name_ci``, ``normalized_email``: the other column's text in lower case."""
    texts = {words_of(c): c for c, p in row.plans.items() if _made(p) and row.column(c).type.kind == "text"}
    for words, name in sorted(texts.items()):
        base = texts.get(tuple(w for w in words if w not in _FOLDED), name)
        source = row.plans[name].source
        if base != name and isinstance(source, Rule) and not source.call.unique:
            call = RuleCall("made_of", {"columns": [base], "form": "plain", "case": "lower"})
            _derive(row, name, call, [base], f"{base} in lower case")


_MOMENTS = frozenset(("dates", "timestamps", "epochs"))


# -- moments ----------------------------------------------------------------------------------------------------------
def _chronology(row: _Row) -> None:
    moments = {c: m for c, m in row.meanings.items() if _made(row.plans[c]) and is_moment(row.column(c), m)}
    past = _parents_moments(row)
    for meaning, chain in CHAINS.items():
        for name in sorted(c for c, m in moments.items() if m == meaning):
            source = row.plans[name].source
            if not isinstance(source, Rule) or source.call.name not in _MOMENTS:
                continue
            bases = _bases(row, name, chain, moments)
            parents = past if meaning in FIRST and not bases else []
            if row.needs.generations and not bases and not parents and name in born(row.table)[:1]:
                _leave_time(row, name)
            if bases or parents:
                call = _after(row, name, meaning, chain, bases, parents)
                text = " and ".join([*bases, *(f"{key}.{column}" for key, column in parents)])
                _derive(row, name, call, bases, f"after {text}", parents)


def _leave_time(row: _Row, name: str) -> None:
    """Rows of parents come to be early enough for those of their children and of their children's children."""
    plan = row.plans[name]
    if name not in row.fixed and isinstance(plan.source, Rule) and plan.source.call.name in ("dates", "timestamps"):
        options = {k: v for k, v in plan.source.call.options.items() if k != "recent"}
        call = replace(plan.source.call, options={**options, "ahead": row.needs.generations})
        row.plans[name] = replace(plan, source=replace(plan.source, call=call))


def _bases(row: _Row, name: str, chain: Chain, moments: Mapping[str, str]) -> list[str]:
    """Columns of the row that come before: of several with one meaning, that whose name is most alike."""
    out = []
    for meaning in chain.bases:
        options = [c for c, m in moments.items() if m == meaning and c != name]
        if options:
            out.append(max(sorted(options), key=lambda c: _alike(c, name)))
            if not chain.every:
                break
    return out


def _after(
    row: _Row, name: str, meaning: str, chain: Chain, bases: Sequence[str], parents: Sequence[tuple[str, str]]
) -> RuleCall:
    column, source = row.column(name), row.plans[name].source
    assert isinstance(source, Rule)
    options: dict[str, Any] = {"columns": [*bases, *(f"{key}.{parent}" for key, parent in parents)]}
    gaps, until = gaps_of(meaning, chain, column, [row.meanings[b] for b in bases], row.table.name)
    options |= {"gaps": list(gaps)} if gaps else {}
    options |= {"until": until} if until else {}
    options |= {k: source.call.options[k] for k in ("low", "high") if k in source.call.options}
    if any(row.orders.get((b, name)) for b in bases):
        options["strict"] = True
    if parents and not gaps and row.needs.generations and name in born(row.table)[:1]:
        options["ahead"] = row.needs.generations
    if column.nullable and len(bases) == 1 and not parents:
        options["follow"] = True
    if column.type.kind == "integer":
        options["unit"] = epoch_unit(column.type, name)
    return RuleCall("after", options)


def _parents_moments(row: _Row) -> list[tuple[str, str]]:
    """When the rows that this one refers to came to be: (foreign key, column), for those that are there before."""
    out = []
    for reference in row.needs.references:
        parent: TablePlan | None = row.needs.parents.get(reference.parent)
        if parent is None or reference.how not in ("context", "matched") or parent.mode != "generate":
            continue
        names = [n for n in born(row.schema[reference.parent]) if _made(parent.column(n))]
        out += [(reference.foreign_key, names[0])] if names else []
    return out


def _ages(row: _Row) -> None:
    for name in row.meant("age"):
        born = [c for c in row.meant("birth_date") if str(arrow_type(row.column(c).type)).startswith("date")]
        source = row.plans[name].source
        if born and isinstance(source, Rule) and name not in row.keyed and row.column(name).type.kind == "integer":
            _derive(row, name, RuleCall("years_since", {"column": born[0]}), born[:1], f"years since {born[0]}")


def _totals(row: _Row) -> None:
    """The total of a line is its quantity times its price, where nothing else is said of it."""
    amounts = [c for c in row.meant("total", "subtotal", "amount") if _LINE.search(c)]
    quantities = [c for c in row.meant("quantity") if words_of(c)[-1] in ("quantity", "qty", "units")]
    prices = [c for c in row.meant("price") if words_of(c)[-1] in ("price", "amount", "cost")]
    if len(amounts) != 1 or len(quantities) != 1 or len(prices) != 1 or row.meant("discount", "discount_rate"):
        return
    name, factors = amounts[0], (quantities[0], prices[0])
    plans = [row.plans[c].source for c in (name, *factors)]
    if name in row.fixed | row.keyed or not all(isinstance(p, Rule) and not p.needs for p in plans):
        return
    highest = [Decimal(str(p.call.options.get("high", 0))) for p in plans[1:] if isinstance(p, Rule)]
    kind, domain = row.column(name).type, row.needs.constraints.domains.get(name)
    free = domain is None or (domain.high is None and domain.allowed is None and not domain.holes)
    room = kind.kind == "decimal" and (
        kind.precision is None or highest[0] * highest[1] < Decimal(10) ** (kind.precision - (kind.scale or 0))
    )
    whole = all(p.null_share == 0 for p in plans[1:] if isinstance(p, Rule))
    low = all(isinstance(p, Rule) and Decimal(str(p.call.options.get("low", -1))) >= 1 for p in plans[1:])
    if free and room and whole and low:
        why = f"{factors[0]} times {factors[1]}"
        row.plans[name] = replace(row.plans[name], source=Derived("product", factors), why=why)


_LINE = re.compile(r"^(?:line|total|sub_?total|amount|row|item|extended)", re.IGNORECASE)


def _alike(a: str, b: str) -> int:
    """Letters that two names share at their ends: ``trial_start`` belongs to ``trial_end``."""
    return _shared(a, b) + _shared(a[::-1], b[::-1])


def _shared(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
