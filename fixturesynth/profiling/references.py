"""Which tables are lists of the world: airlines, countries, categories, units. They are kept verbatim.

Evidence against comes first, because a wrong yes would copy rows that belong to somebody: people, moments, money,
measured things and whatever hangs on them. What is left needs a label that is unique, and either a label that names
a piece of the world, a natural code that many rows point at, or fewer than fifty-one rows. Calendars are lists of the
world, too (``almanacs``). Where a key holds the
codes or names of countries, states or currencies themselves, what is known of these (population, area) is no secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.almanacs import find_calendar
from fixturesynth.profiling.nations import names_of_the_world
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.semantics import PERSONAL, entity_of, words_of
from fixturesynth.schema.ledgers import is_ledger
from fixturesynth.schema.model import Schema, Table

__all__ = ["find_references", "is_reference"]

Verdict = tuple[bool, str]
Columns = Mapping[str, Mapping[str, ColumnProfile]]

TINY = 50
LARGEST = 5_000
LARGEST_CLASSES = 1_000
MANY = 10  # rows that point at each row of a list without a telling label
SEVERAL = 5  # ... of a small one
MOST_COLUMNS = 12
LONG_TEXT = 60  # characters, median
LONG_LABEL = 160

PEOPLE = PERSONAL - {"salary", "username", "nickname", "token", "street"}
MONEY = {
    "price", "cost", "amount", "total", "subtotal", "tax", "discount", "shipping", "fee", "balance", "credit_limit",
    "budget", "profit", "quantity", "stock", "revenue", "credit_card_number", "iban", "sku", "barcode", "order_number",
    "invoice_number", "transaction_id", "tracking_number", "serial_number", "vin", "license_plate",
}  # fmt: skip
AUDIT = {"created_at", "updated_at", "deleted_at"}
PLACES = {"country", "city", "state", "region", "continent", "currency", "currency_name", "language", "timezone",
          "nationality", "language_name"}  # fmt: skip
CLASSES = {"category", "group", "tag", "genre", "role", "status", "type", "unit", "industry", "color",
           "job_title"}  # fmt: skip
LABELS = PLACES | CLASSES | {"name", "identifier", "short_name", "description", "company", "carrier", "location",
                             "department", "plan", "level"}  # fmt: skip
# Numbers that belong to a place or to a list as such, however much they vary.
FACTS = {"latitude", "longitude", "altitude", "area", "position", "id", "code", "timezone", "level", "year", "flag",
         "salary", "rate", "tax_rate"}  # fmt: skip
# What is known of a country, a state or a currency: how words of such a column's name begin.
KNOWN = (
    "population", "inhabitant", "area", "surface", "land", "water", "gdp", "gnp", "life", "expectancy", "density",
    "elevation", "independ", "indep", "iso", "numeric", "phone", "dial", "calling", "minor", "decimals", "digits",
    "hdi", "coastline", "capital",
)  # fmt: skip
SURELY = 0.7  # share of rows whose key must be such a name; lists differ in what they take for a country
LEAST_NAMES = 10
THINGS = frozenset(("product", "work", "file", "folder", "host", "person"))


@dataclass(frozen=True)
class _Case:
    table: Table
    columns: Mapping[str, ColumnProfile]
    rows: int
    pointed: int  # rows of other tables that reference this one
    world: bool = False  # it is a list of countries, states or currencies, by what these are called

    def known(self, column: ColumnProfile) -> bool:
        """Whether this is what everybody may know of a piece of the world."""
        return self.world and any(word.startswith(KNOWN) for word in words_of(column.name))

    @property
    def facts(self) -> list[ColumnProfile]:
        """Columns that are no references."""
        foreign = {name for fk in self.table.foreign_keys for name in fk.columns}
        return [c for c in self.columns.values() if c.name not in foreign]

    @property
    def own(self) -> list[ColumnProfile]:
        """Columns that are no references and tell rows apart."""
        return [c for c in self.facts if c.kind not in ("empty", "constant")]

    @property
    def labels(self) -> list[ColumnProfile]:
        """Texts that name the row: nearly unique."""
        texts = [c for c in self.own if c.kind in ("text", "code", "categorical") and c.meaning in LABELS]
        return [c for c in texts if c.distinct >= 0.9 * (c.rows - c.nulls) and c.nulls <= 0.1 * c.rows]

    @property
    def names(self) -> list[ColumnProfile]:
        """Short texts that tell all rows apart, whatever they mean, where many rows reference a short code.

        Of a small list the code itself is enough: nothing of the tests against it was so.
        """
        small = self.rows <= TINY
        key = self.table.primary_key.columns if self.table.primary_key else ()
        told = any((c.name,) == key for c in self.codes) or self.natural
        if not told or self.pointed < (SEVERAL if small else MANY) * self.rows:
            return []
        texts = [c for c in self.own if c.kind in ("text", "code", "categorical") and (small or c.lengths)]
        telling = [c for c in texts if c.distinct == self.rows and (not c.lengths or c.lengths[8] <= LONG_TEXT)]
        return telling if small else [c for c in telling if c not in self.codes]

    @property
    def natural(self) -> bool:
        """Whether it is a small list that many rows reference by a short text that names no person."""
        key = self.table.primary_key.columns if self.table.primary_key else ()
        return (
            self.rows <= TINY
            and self.pointed >= SEVERAL * self.rows
            and any(
                (c.name,) == key and c.kind in ("text", "code", "categorical") and c.meaning not in PERSONAL
                and (not c.lengths or c.lengths[8] <= LONG_TEXT)  # of fewer rows than protection asks none are told
                for c in self.own
            )
        )  # fmt: skip

    @property
    def codes(self) -> list[ColumnProfile]:
        """Short codes that are a key by themselves."""
        return [c for c in self.own if c.kind == "code" and (c.name,) in self.table.keys and _short(c)]


def is_reference(table: Table, columns: Columns, schema: Schema, dataset: Dataset) -> Verdict:
    """Whether ``table`` is a list of the world, and why. ``columns``: the column profiles of every table."""
    return _decide(table, columns, schema, dataset, {})


def find_references(columns: Columns, schema: Schema, dataset: Dataset) -> dict[str, Verdict]:
    """``is_reference`` of every table that has column profiles."""
    verdicts: dict[str, Verdict] = {}
    for table in schema:
        if table.name in columns:
            _decide(table, columns, schema, dataset, verdicts)
    return verdicts


def _decide(table: Table, columns: Columns, schema: Schema, dataset: Dataset, verdicts: dict[str, Verdict]) -> Verdict:
    if table.name not in verdicts:
        if table.repeated_in is not None:
            verdicts[table.name] = (False, "entities that rows repeat")
            return verdicts[table.name]
        if is_ledger(table) and 0 < dataset.arrow(table.name).num_rows <= LARGEST:
            verdicts[table.name] = (True, "kept by a migration tool")
            return verdicts[table.name]
        calendar = find_calendar(table, dataset.arrow(table.name), columns[table.name])
        if calendar is not None:
            verdicts[table.name] = (True, f"a calendar, by {calendar}")
            return verdicts[table.name]
        verdicts[table.name] = (False, "part of a cycle of foreign keys")
        pointed = sum(dataset.arrow(t.name).num_rows for t, _ in schema.children_of(table.name) if t.name in dataset)
        rows = dataset.arrow(table.name)
        case = _Case(table, columns[table.name], rows.num_rows, pointed, _of_the_world(rows))
        against = next((why for why in (test(case) for test in _AGAINST) if why), "")
        for fk in table.foreign_keys:
            if not against and not fk.repeating and fk.parent != table.name and fk.parent in columns:
                verdict, _ = _decide(schema[fk.parent], columns, schema, dataset, verdicts)
                against = "" if verdict else f"hangs on {fk.parent}, which is no list of the world"
        verdicts[table.name] = (False, against) if against else _in_favour(case)
    return verdicts[table.name]


def _of_the_world(rows: pa.Table) -> bool:
    """Whether a column tells its rows apart by what countries, states or currencies are called, by code or by name."""
    if not LEAST_NAMES <= rows.num_rows <= LARGEST:
        return False
    for column in rows.columns:
        if pa.types.is_string(column.type):
            values = {v.strip().casefold() for v in pc.unique(column).to_pylist() if v is not None}
            if any(len(values & names) >= SURELY * rows.num_rows for names in names_of_the_world()):
                return True
    return False


def _size(case: _Case) -> str:
    if not case.rows:
        return "no rows"
    return f"{case.rows} rows are too many for a list" if case.rows > LARGEST else ""


def _key(case: _Case) -> str:
    return "" if case.table.keys else "no key"


def _people(case: _Case) -> str:
    found = next((c for c in case.facts if c.meaning in PEOPLE and c.kind != "empty" and not case.known(c)), None)
    return f"{found.name} is about people ({found.meaning})" if found else ""


def _money(case: _Case) -> str:
    found = next((c for c in case.own if c.meaning in MONEY), None)
    return f"{found.name} belongs to business ({found.meaning})" if found else ""


def _moments(case: _Case) -> str:
    def varies(column: ColumnProfile) -> bool:
        audit = column.meaning in AUDIT and case.rows <= TINY
        period = column.unit == "days" and case.natural  # a season's first day
        return column.kind == "datetime" and not audit and not period and column.distinct > max(2, 0.1 * case.rows)

    found = next((c for c in case.columns.values() if varies(c)), None)
    return f"{found.name} differs from row to row: these are events or records" if found else ""


def _things(case: _Case) -> str:
    entity = entity_of(words_of(case.table.bare_name))
    kinds = entity == "product" and case.natural  # of what is sold, or its lines and models
    return f"its name says that it holds things of the business ({entity})" if entity in THINGS and not kinds else ""


def _measured(case: _Case) -> str:
    if case.rows <= TINY:
        return ""
    numbers = [
        c.name
        for c in case.own
        if c.kind in ("integer", "number")
        and c.meaning not in FACTS
        and c.distinct > max(10, 0.05 * case.rows)
        and not case.known(c)
    ]
    return f"measured attributes ({', '.join(numbers[:3])})" if numbers else ""


def _wordy(case: _Case) -> str:
    if case.rows <= TINY:
        return ""
    if len(case.table.columns) > MOST_COLUMNS and not case.world:
        return f"{len(case.table.columns)} columns are too many for a list"
    labels = {c.name for c in case.labels}
    long = [
        c.name
        for c in case.own
        if c.kind in ("text", "json") and c.lengths and c.lengths[8] > (LONG_LABEL if c.name in labels else LONG_TEXT)
    ]
    return f"long texts ({', '.join(long[:3])})" if long else ""


_AGAINST: tuple[Callable[[_Case], str], ...] = (_size, _key, _people, _money, _moments, _things, _measured, _wordy)


def _in_favour(case: _Case) -> Verdict:
    labels = case.labels or case.names
    if not labels:
        return False, "no unique label"
    meanings = {c.meaning for c in labels}
    label = labels[0].name
    if case.rows <= TINY:
        return True, f"{case.rows} rows with the unique label {label}"
    if meanings & PLACES:
        return True, f"{label} names places or parts of the world ({', '.join(sorted(m for m in meanings if m))})"
    if meanings & CLASSES and case.rows <= LARGEST_CLASSES and case.pointed >= case.rows:
        return True, f"{label} names classes that {case.pointed} rows point at"
    natural = [c.name for c in case.codes]
    if natural and "company" not in meanings and case.pointed >= MANY * case.rows:
        return True, f"natural code {natural[0]} with the unique label {label}, {case.pointed} rows point at it"
    return False, "undecided: neither a small list nor a natural code with a label"


def _short(column: ColumnProfile) -> bool:
    return not column.lengths or column.lengths[-1] <= 6
