"""What a check found, as frozen records: metrics, validity, summaries, the verdict, and the report that holds them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.placing import put

if TYPE_CHECKING:
    import pandas as pd

    from fixturesynth.evaluation.pictures import Picture

__all__ = [
    "Direction",
    "LeftOut",
    "Measure",
    "MetricRecord",
    "Promise",
    "Report",
    "Requirement",
    "Summary",
    "ValidityRecord",
    "Verdict",
]

Direction = Literal["higher", "lower"]
Outcome = Literal["pass", "short", "not judged"]


@dataclass(frozen=True)
class Measure:
    """One figure as a metric gives it, before it is judged."""

    table: str
    score: float | None  # None: not defined for these rows, ``note`` says why
    columns: tuple[str, ...] = ()
    edge: str | None = None  # name of the foreign key of ``table``
    floor: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    interval: tuple[float, float] | None = None  # 95% confidence, of the score


@dataclass(frozen=True)
class MetricRecord:
    """One figure, judged. ``floor`` is what real rows score against real rows: better cannot be asked for.

    ``interval``: 95% confidence, of the score. ``threshold`` is the metric's own, eased to the floor where
    the floor falls short of it.
    """

    name: str
    table: str
    edge: str | None
    columns: tuple[str, ...]
    score: float | None
    floor: float | None
    range: tuple[float, float]
    direction: Direction
    threshold: float
    verdict: Outcome
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    interval: tuple[float, float] | None = None

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        """Where it was measured, in words.

        >>> MetricRecord("m", "orders", None, ("price", "tax"), 1, None, (0, 1), "higher", 0.9, "pass").place
        'orders: price, tax'
        """
        edge = f"{self.table} → {self.detail['parent']}" if self.edge and "parent" in self.detail else self.table
        through = f" ({self.edge})" if self.edge else ""
        return f"{edge}{through}" + (f": {', '.join(self.columns)}" if self.columns else "")


@dataclass(frozen=True)
class ValidityRecord:
    """One rule of the schema: how many synthetic rows were looked at, how many break it, and how many real ones do.

    ``broken`` is None when the rule could not be checked here; ``note`` says why.
    """

    table: str
    rule: str  # what kind: "reference", "key", "unique", "not null", "check", "type", "length", "enum", ...
    name: str  # the constraint or the columns
    rows: int
    broken: int | None
    real_broken: int | None = None
    first: tuple[int, ...] = ()  # row numbers of the first few that break it
    note: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A column that shapes and pairs do not look at."""

    table: str
    column: str
    why: str


@dataclass(frozen=True)
class Summary:
    """One metric over everything it measured. ``judged`` names the figure (mean or worst) that the verdict rests on."""

    name: str
    count: int
    mean: float | None
    minimum: float | None
    maximum: float | None
    floor: float | None  # mean of the floors
    worst: str = ""  # where
    direction: Direction = "higher"
    threshold: float = 0.0
    judged: Literal["mean", "worst"] = "mean"
    verdict: Outcome = "not judged"
    short: int = 0  # single figures beyond their own threshold
    strong: float | None = None  # mean over pairs that depend on each other in the real rows
    interval: tuple[float, float] | None = None  # 95% confidence, of the figure that is judged
    unmeasured: int = 0  # places where it is not defined
    why: str = ""  # ... and the reason, of the first

    @property
    def figures(self) -> Mapping[str, float | None]:
        """Figures by the name that ``require`` knows them under."""
        low, high = self.minimum, self.maximum
        worst = low if self.direction == "higher" else high
        named: dict[str, float | None] = {"mean": self.mean, "min": low, "max": high, "worst": worst}
        return named | ({"strong": self.strong} if self.strong is not None else {})


@dataclass(frozen=True)
class Requirement:
    """One condition that was asked for, and whether it holds. ``value`` is None where nothing could be measured."""

    condition: str  # as it was written
    metric: str
    figure: str
    value: float | None
    operator: str
    wanted: float
    passed: bool
    said: str


@dataclass(frozen=True)
class Promise:
    """Valid, real, useful, private or fair, in a sentence, with the figure that says most of it."""

    name: str
    verdict: Outcome
    metric: str = ""
    title: str = ""
    judged: str = ""
    value: float | None = None
    floor: float | None = None
    interval: tuple[float, float] | None = None
    direction: Direction = "higher"
    threshold: float = 0.0
    measures: int = 0
    short: int = 0
    sentence: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether the synthetic rows pass, and everything that fell short, worst promises first."""

    passed: bool
    text: str
    shortfalls: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Report:
    """Scores with their real-against-real floor and the verdict. ``evaluate`` makes it.

    ``pictures`` (histograms) and ``examples`` (a few synthetic rows) are for the page alone and not in the JSON.
    """

    summary: Mapping[str, Summary]
    metrics: tuple[MetricRecord, ...]
    validity: tuple[ValidityRecord, ...]
    verdict: Verdict
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    pictures: tuple[Picture, ...] = field(default=(), repr=False)
    examples: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = field(
        default_factory=dict, repr=False
    )

    @property
    def passed(self) -> bool:
        """Whether all requirements hold; without any, whether everything reaches its threshold or its floor."""
        return all(r.passed for r in self.requirements) if self.requirements else self.verdict.passed

    @property
    def promises(self) -> tuple[Promise, ...]:
        """Valid, real, useful, private, fair: each with its telling figure, its floor and a sentence."""
        from fixturesynth.evaluation.promises import sum_up

        return tuple(sum_up(self))

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """``summary``, ``metrics``, ``validity`` and ``left_out`` as pandas frames."""
        from fixturesynth.evaluation.frames import make_frames

        return make_frames(self)

    def to_pandas(self) -> pd.DataFrame:
        """Every single figure, one row each: metric, place, score, interval, floor, threshold, verdict."""
        return self.frames["metrics"]

    def of(self, name: str) -> tuple[MetricRecord, ...]:
        """All records of one metric; InputError with a suggestion for an unknown one."""
        if name not in self.summary:
            raise InputError(f"unknown metric {name!r}: {suggest_metric(name, self.summary)}")
        return tuple(r for r in self.metrics if r.name == name)

    def weakest(self, name: str, most: int = 5) -> tuple[MetricRecord, ...]:
        """The records of a metric that are worst in its own direction, worst first."""
        known = [r for r in self.of(name) if r.score is not None]
        sign = 1 if known and known[0].direction == "higher" else -1
        return tuple(sorted(known, key=lambda r: sign * (r.score or 0.0))[:most])

    def to_json(self, *, indent: int | None = 2) -> str:
        """Everything but pictures and example rows, as JSON; numbers that are not defined are null."""
        body = {
            "passed": self.passed,
            "verdict": asdict(self.verdict),
            "promises": [asdict(p) for p in self.promises],
            "requirements": [asdict(r) for r in self.requirements],
            "summary": {name: asdict(s) for name, s in self.summary.items()},
            "metrics": [asdict(r) for r in self.metrics],
            "validity": [asdict(r) for r in self.validity],
            "left_out": [asdict(r) for r in self.left_out],
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }
        return json.dumps(_finite(body), indent=indent, ensure_ascii=False, default=str)

    def to_markdown(self) -> str:
        """A page of text: the verdict, one line for each metric, what fell short."""
        from fixturesynth.evaluation.markdown import write_markdown

        return write_markdown(self)

    def to_html(self) -> str:
        """One self-contained page with pictures; nothing in it is fetched from anywhere."""
        from fixturesynth.evaluation.page import write_page

        return write_page(self)

    def to_junit(self) -> str:
        """JUnit XML: a test case for each requirement, each rule of the schema, each metric in each table."""
        from fixturesynth.evaluation.junit import write_junit

        return write_junit(self)

    def save(self, path: str | Path) -> Path:
        """Write ``path`` as its ending says: .html, .json, .md or .xml (JUnit), whole or not at all.

        InputError for another ending, or a place that cannot be written to.
        """
        path = Path(path)
        writers: Mapping[str, Callable[[], str]] = {
            ".html": self.to_html, ".htm": self.to_html, ".json": self.to_json, ".md": self.to_markdown,
            ".xml": self.to_junit,
        }  # fmt: skip
        write = writers.get(path.suffix.lower())
        if write is None:
            raise InputError(f"cannot tell the format of {path.name!r}: let its name end in .html, .json, .md or .xml")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return put(path, write())
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}; name another file") from error

    def require(self, conditions: str | Sequence[str]) -> None:
        """Pass, or raise ThresholdError naming what fell short and by how much.

        A condition is GROUP.METRIC or GROUP.METRIC.FIGURE, then >=, <=, >, < or =, then a number:
        ``statistical.shape>=0.95``, ``statistical.cardinality.min>=0.98``, ``privacy.copies<=0.1%``. Without a figure
        the one that the verdict rests on is taken. A GROUP alone (``validity>=1``) asks it of each metric of the group
        that these rows have something to measure of. What could not be measured fails. InputError for unknown names.
        """
        from fixturesynth.evaluation.metrics import METRICS
        from fixturesynth.evaluation.requiring import check_conditions

        asked = [conditions] if isinstance(conditions, str) else conditions
        check_conditions(self.summary, asked, [m.name for m in METRICS])

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        from fixturesynth.evaluation.frames import write_notebook

        return write_notebook(self)


def suggest_metric(name: str, known: Iterable[str]) -> str:
    """Which metric may be meant: one whose last part this is, or that is spelled nearly so."""
    names = list(known)
    ends = [n for n in names if n.partition(".")[2] == name]
    return f"did you mean {ends[0]!r}?" if ends else did_you_mean(name, names)


def _finite(value: Any) -> Any:
    """NaN and infinities as None: JSON has no word for them."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, str) or not isinstance(value, Iterable):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return [_finite(v) for v in value]
