"""The spec as frozen data, validated by pydantic; what one setting says is checked here, names in ``checking``."""

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

__all__ = [
    "SOURCES",
    "ChildrenSpec",
    "ColumnSpec",
    "EvaluationSpec",
    "ReferenceSpec",
    "Spec",
    "TableSpec",
    "Window",
    "moment_of",
    "place",
]

Scalar = bool | int | float | str | None
Bound = int | float | str
_COMPARED = r"(>=|<=|==|=|>|<)\s*-?\d*\.?\d+\s*%?\s*$"
Condition = Annotated[str, Field(pattern=rf"^\s*[A-Za-z_][\w.]*\s*{_COMPARED}")]
Threshold = Annotated[str, Field(pattern=rf"^\s*{_COMPARED}")]
MOMENT = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?"
ISO = rf"^{MOMENT}$"
RELATIVE = rf"^(now|today|[+-]\d{{1,6}}(s|min|h|d|w|m|y)|{MOMENT})$"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _filled(value: Any) -> Any:
    """A key with nothing behind it counts as an empty mapping, so that every line below it may be a comment."""
    return {} if value is None else value


class Window(_Part):
    """A span of time: ISO dates or moments, ``now``, ``today``, or an offset from now (``-2y``, ``+30d``)."""

    start: str = Field("-2y", alias="from", pattern=RELATIVE)
    end: str = Field("now", alias="to", pattern=RELATIVE)

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and end, where ``now`` is the pinned instant.

        >>> Window(start="-1m", end="now").bounds(datetime(2026, 3, 31))
        (datetime.datetime(2026, 2, 28, 0, 0), datetime.datetime(2026, 3, 31, 0, 0))
        """
        return moment_of(self.start, now), moment_of(self.end, now)


def moment_of(text: str, now: datetime) -> datetime:
    """A moment as specs write it, ``now``, ``today`` or an offset from now among them; ValueError for anything else."""
    if text == "now":
        return now
    if text == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = re.fullmatch(r"([+-]\d+)(s|min|h|d|w|m|y)", text)
    if found is None:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
    amount, unit = int(found[1]), found[2]
    if unit in _SECONDS:
        return now + timedelta(seconds=amount * _SECONDS[unit])
    months = now.year * 12 + now.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))


_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


class ColumnSpec(_Part):
    """Where a column's values come from (at most one of ``SOURCES``), and what limits them."""

    rule: str | None = Field(None, description="name of a column rule, with its options under `options`")
    options: Mapping[str, Any] = Field(default_factory=dict, description="options of the rule")
    meaning: str | None = Field(None, description="what the column means: email, first_name, city, price, ...")
    constant: Scalar = Field(None, description="the same value in every row; null for none")
    choices: tuple[Scalar, ...] | Mapping[Any, float] | None = Field(
        None, description="a list of values, or values with weights"
    )
    template: str | None = Field(None, description="text with other columns of the row in braces: {first_name}@x.org")
    pattern: str | None = Field(None, description="a shape: 9 is a digit, A and a letters, \\ before a literal one")
    default: bool = Field(False, description="leave it to the database's default")
    modelled: bool = Field(False, description="learn it from the rows, whatever else would be decided")
    window: Window | None = Field(None, description="span of dates, relative to the pinned `now`")
    min: Bound | None = Field(None, description="smallest value")
    max: Bound | None = Field(None, description="largest value")
    null_rate: float | None = Field(None, ge=0, le=1, description="share of nulls")
    unique: bool | None = Field(None, description="no value twice")

    @property
    def source(self) -> str | None:
        """Which of ``SOURCES`` is set, None when none is."""
        return next(iter(self.sources), None)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(n for n in SOURCES if n in self.model_fields_set and getattr(self, n) is not False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.sources) > 1:
            raise ValueError(f"{' and '.join(self.sources)} contradict each other; keep one")
        if self.options and self.rule is None:
            raise ValueError("options belong to a rule; name it with `rule:`")
        if self.window is not None and (self.min is not None or self.max is not None):
            raise ValueError("window and min/max contradict each other; keep one")
        _ordered(self.min, self.max)
        if self.choices is not None:
            _weights(self.choices)
        if self.unique and "constant" in self.model_fields_set and self.constant is not None:
            raise ValueError("a constant cannot be unique; drop one of the two")
        return self


SOURCES = ("rule", "meaning", "constant", "choices", "template", "pattern", "default", "modelled")


def _ordered(low: Bound | None, high: Bound | None) -> None:
    if low is None or high is None:
        return
    if isinstance(low, str) != isinstance(high, str):
        raise ValueError(f"min and max must both be numbers or both dates, however: min={low!r}, max={high!r}")
    if low > high:  # type: ignore[operator]
        raise ValueError(f"min must not exceed max, however: min={low!r}, max={high!r}")


def _weights(choices: tuple[Scalar, ...] | Mapping[Any, float]) -> None:
    if not choices:
        raise ValueError("choices must have at least one value")
    weights = list(choices.values()) if isinstance(choices, Mapping) else [1.0]
    if min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(f"weights must be 0 or more with a positive sum, however: {choices}")


class ChildrenSpec(_Part):
    """How many children a parent has: a mean, a range, or a share for each count."""

    mean: float | None = Field(None, ge=0, allow_inf_nan=False)
    min: int | None = Field(None, ge=0)
    max: int | None = Field(None, ge=0)
    counts: Mapping[int, float] | None = Field(None, description="share of parents by number of children")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expected mean, min and max, or counts")
        if self.counts is not None:
            if self.mean is not None or self.min is not None or self.max is not None:
                raise ValueError("counts and mean/min/max contradict each other; keep one")
            if any(count < 0 for count in self.counts):
                raise ValueError(f"a parent cannot have a negative number of children: {dict(self.counts)}")
            _weights(self.counts)
        _ordered(self.min, self.max)
        if self.mean is not None and not (self.min or 0) <= self.mean <= (
            self.max if self.max is not None else self.mean
        ):
            raise ValueError(f"mean must lie between min and max, however: {self.mean} and {self.min} to {self.max}")
        return self


class ReferenceSpec(_Part):
    """A reference that the database does not declare."""

    columns: tuple[str, ...] = Field(min_length=1)
    parent: str
    parent_columns: tuple[str, ...] = Field((), description="default: the parent's primary key")

    @property
    def name(self) -> str:
        return f"fk_{'_'.join(self.columns)}"


class TableSpec(_Part):
    rows: int | None = Field(None, ge=0)
    reference: bool | None = Field(None, description="a list of the world, kept as it is (false: generate it)")
    skip: bool = Field(False, description="leave the table empty")
    context: str | tuple[str, ...] | None = Field(
        None, description="the foreign key whose parent the rows belong to: its name or its columns"
    )
    generator: str | None = None
    columns: Mapping[str, Annotated[ColumnSpec, BeforeValidator(_filled)]] = Field(default_factory=dict)
    children: Mapping[str, ChildrenSpec] = Field(
        default_factory=dict, description="children per row, by child table or foreign key name"
    )
    references: tuple[ReferenceSpec, ...] = ()
    traits: Mapping[str, Annotated[Mapping[str, Any], BeforeValidator(_filled)]] = Field(
        default_factory=dict,
        description="named values of columns and parents, for factories in tests: synth.make('orders', 'refunded')",
    )

    @model_validator(mode="before")
    @classmethod
    def _blank(cls, data: Any) -> Any:
        return _without_blanks(data, ("columns", "children", "references", "traits"))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.skip and (self.rows or self.reference):
            raise ValueError(f"skip contradicts {'rows' if self.rows else 'reference'}; keep one")
        if self.reference and self.rows is not None:
            raise ValueError("reference contradicts rows: a table kept as it is has the rows it has; keep one")
        return self


class EvaluationSpec(_Part):
    """What a check looks at beside the figures it always takes; columns are named ``table.column``.

    >>> EvaluationSpec(targets=("people.income",)).targets
    ('people.income',)
    """

    targets: tuple[str, ...] | None = Field(
        None, description="columns that models are to predict, as table.column; default: guessed; an empty list: none"
    )
    protected: tuple[str, ...] | None = Field(
        None, description="columns of protected groups, as table.column; default: guessed by their names, none for []"
    )
    require: tuple[Condition, ...] | Mapping[str, Threshold] = Field(
        (), description="what a check must reach: a list of conditions, or a comparison for each metric"
    )

    @property
    def conditions(self) -> tuple[str, ...]:
        """``require`` as a list of conditions, however it is written.

        >>> EvaluationSpec(require={"validity": ">=1"}).conditions
        ('validity>=1',)
        """
        if isinstance(self.require, Mapping):
            return tuple(f"{metric}{threshold}" for metric, threshold in self.require.items())
        return self.require


class Spec(_Part):
    """The whole file.

    >>> Spec.model_validate({"tables": {"orders": {"rows": 10}}}).tables["orders"].rows
    10
    """

    version: Literal[1] = 1
    source: str | None = Field(None, description="where schema and rows come from; paths count from this file")
    locale: str = Field("en_US", pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    seed: int | None = Field(None, ge=0)
    now: str = Field("2026-01-01T00:00:00", pattern=ISO, description="pinned instant: relative dates count from here")
    rows: Mapping[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict, description="rows by table")
    scale: float | None = Field(None, gt=0, allow_inf_nan=False, description="multiplies the rows of the source")
    generator: str | None = Field(None, description="rules, independent, cart, ...; default: chosen by the rows")
    time_limit: float | None = Field(None, gt=0, allow_inf_nan=False, description="seconds for learning")
    protection: int | None = Field(None, ge=1, description="a value is stored only when this many entities have it")
    tables: Mapping[str, Annotated[TableSpec, BeforeValidator(_filled)]] = Field(default_factory=dict)
    evaluation: Annotated[EvaluationSpec, BeforeValidator(_filled)] = Field(
        default_factory=lambda: EvaluationSpec(), description="what a check looks at"
    )

    _file: str | None = PrivateAttr(None)
    _lines: dict[tuple[str, ...], int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _blank(cls, data: Any) -> Any:
        return _without_blanks(data, ("rows", "tables"))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in self.tables.keys() & self.rows.keys():
            table = self.tables[name]
            if table.skip or table.reference or (table.rows is not None and table.rows != self.rows[name]):
                raise ValueError(f"rows of {name!r} contradict tables.{name}; keep one")
        return self

    def table(self, name: str) -> TableSpec:
        """The settings of a table, empty ones when it is not named."""
        return self.tables.get(name, _EMPTY_TABLE)

    def column(self, table: str, name: str) -> ColumnSpec:
        """The settings of a column, empty ones when it is not named."""
        return self.table(table).columns.get(name, _EMPTY_COLUMN)

    def rows_of(self, table: str) -> int | None:
        """Rows asked for a table, wherever it says so."""
        own = self.table(table).rows
        return self.rows.get(table) if own is None else own

    def place(self, *path: str) -> str:
        """Where a setting stands, for messages: ``fixturesynth.yaml:12: tables.orders.rows``."""
        return place(self._file, self._lines, path)


def _without_blanks(data: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(data, Mapping):
        return data
    return {key: value for key, value in data.items() if value is not None or key not in names}


def place(file: str | None, lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> str:
    known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    where = f"{file or 'spec'}:{lines[known]}" if known else file or "spec"
    return f"{where}: {'.'.join(path)}" if path else where


_EMPTY_TABLE = TableSpec()
_EMPTY_COLUMN = ColumnSpec()
