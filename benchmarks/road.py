"""The whole road on every real database at hand: reflect, fit, sample, load, evaluate; one line for each.

    python benchmarks/road.py [--only NAME ...] [--data FOLDER] [--postgresql URL] [--sdmetrics] [--json FILE]

Databases are ``FOLDER/*.sqlite`` (by default ``data`` of FIXTURESYNTH_SHARED, else of ``shared`` beside the
repository). Rows are sampled at scale 1 and loaded into a new SQLite file, and with --postgresql into a new database
on that server, which is dropped afterwards.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import FixtureSynthError
from fixturesynth.evaluation import Report, evaluate
from fixturesynth.evaluation.comparison import Comparison, compare
from fixturesynth.loading.loader import load
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, fit

HEAD = (
    f"{'database':15} {'rows':>8} {'fit s':>6} {'smp s':>6} {'load s':>6} {'pg s':>6} {'viol':>5} {'card':>5} "
    f"{'shape':>5} {'pairs':>5} {'inter':>5} {'c2st':>5} {'join':>5} {'agg':>5} {'inv':>5} "
    f"{'sdm shape':>9} {'sdm pairs':>9} {'eval s':>6}"
)


@dataclass
class Line:
    """What was measured on one database; times in seconds, figures as in the report, floors beside them."""

    database: str
    rows: int = 0
    fit: float | None = None
    sample: float | None = None
    load: float | None = None
    postgresql: float | None = None
    evaluate: float | None = None
    violations: int | None = None
    figures: dict[str, float | None] = field(default_factory=dict)
    floors: dict[str, float | None] = field(default_factory=dict)
    sdmetrics: dict[str, float] = field(default_factory=dict)
    weakest: dict[str, list[str]] = field(default_factory=dict)
    failed: str = ""

    def __str__(self) -> str:
        def seconds(value: float | None) -> str:
            return f"{value:6.1f}" if value is not None else "     -"

        def figure(name: str, width: int = 5) -> str:
            value = self.figures.get(name)
            return f"{value:{width}.3f}" if value is not None else f"{'-':>{width}}"

        def theirs(name: str) -> str:
            value = self.sdmetrics.get(name)
            return f"{value:9.3f}" if value is not None else f"{'-':>9}"

        violations = "-" if self.violations is None else f"{self.violations}"
        names = (
            "statistical.cardinality", "statistical.shape", "statistical.pair", "statistical.edge_pair",
            "detection.c2st", "detection.c2st_joined", "detection.c2st_agg", "invariant",
        )  # fmt: skip
        return (
            f"{self.database:15} {self.rows:8} {seconds(self.fit)} {seconds(self.sample)} {seconds(self.load)} "
            f"{seconds(self.postgresql)} {violations:>5} {' '.join(figure(n) for n in names)} {theirs('shape')} "
            f"{theirs('pair')} {seconds(self.evaluate)}" + (f"  FAILED: {self.failed}" if self.failed else "")
        )


@contextmanager
def timed(line: Line, name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    setattr(line, name, time.perf_counter() - started)


def walk(
    path: Path, seed: int, postgresql: str | None, with_sdmetrics: bool, pages: Path | None, limit: int, protection: int
) -> Line:
    """Everything for one database; a failure is kept in the line, as far as it came."""
    line = Line(path.stem)
    url = f"sqlite:///{path}"
    try:
        schema = reflect(url)
        real = read_rows(url, schema)
        line.rows = sum(real.rows.values())
        with timed(line, "fit"):
            synthesizer = fit(url, seed=seed, protection=protection)
        with timed(line, "sample"):
            data = synthesizer.sample(seed=seed)
        with tempfile.TemporaryDirectory(prefix="fixturesynth-road-") as folder, timed(line, "load"):
            fill(synthesizer, data, f"sqlite:///{Path(folder) / 'new.sqlite'}")
        if postgresql:
            with new_database(postgresql) as target, timed(line, "postgresql"):
                fill(synthesizer, data, target)
    except FixtureSynthError as error:
        line.failed = f"{type(error).__name__}: {error}"
        if "data" not in locals():
            return line
    with timed(line, "evaluate"):
        report = evaluate(real, data, schema, profile=synthesizer.profile, seed=seed, rows_limit=limit)
    judge(line, report)
    if pages is not None:
        report.save(pages / f"{path.stem}.html")
    if with_sdmetrics:
        line.sdmetrics = theirs(compare(real, data, schema, seed=seed))
    return line


def fill(synthesizer: Synthesizer, data: Dataset, target: str) -> None:
    """Load with every constraint on; columns that close a cycle are set afterwards."""
    schema = synthesizer.schema
    later = {
        t.name: [c for r in t.references if r.how == "later" for c in schema[t.name].foreign_key(r.foreign_key).columns]
        for t in synthesizer.plan.shown
    }
    load(
        data, target, schema=synthesizer.schema, order=[t.name for t in synthesizer.plan.shown],
        later={name: columns for name, columns in later.items() if columns}, allow_target=target,
    )  # fmt: skip


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """URL of an empty database on a PostgreSQL server, dropped at the end."""
    name = f"fixturesynth_road_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def judge(line: Line, report: Report) -> None:
    """Figures of the report: the smallest cardinality, means of everything else, and the weakest places by name."""
    line.violations = sum(r.broken or 0 for r in report.validity)
    for name, found in report.summary.items():
        line.figures[name] = found.minimum if name == "statistical.cardinality" else found.mean
        line.floors[name] = found.floor
        line.weakest[name] = [
            f"{r.place} {r.score:.3f} (floor {'-' if r.floor is None else f'{r.floor:.3f}'}) {_why(r.detail)}".strip()
            for r in report.weakest(name, 5)
            if r.verdict == "short"
        ]
        if name.startswith("detection."):  # shown as AUC: 0.5 is a coin
            for figures, key in ((line.figures, "auc"), (line.floors, "floor_auc")):
                aucs = [r.detail[key] for r in report.of(name) if r.detail.get(key) is not None]
                figures[name] = float(np.mean(aucs)) if aucs else None
    kept = [r.score for r in report.metrics if r.group == "invariant" and r.score is not None]
    line.figures["invariant"] = float(np.mean(kept)) if kept else None


def _why(detail: Any) -> str:
    if detail.get("telling"):
        return "by " + ", ".join(name for name, *_ in detail["telling"][:3])
    return str(detail.get("rule", ""))


def theirs(comparison: Comparison) -> dict[str, float]:
    """Column shapes and pair trends as sdmetrics itself computes them on the same columns: mean over all of them."""
    import warnings
    from itertools import combinations

    import pandas as pd
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
    from sdmetrics.errors import ConstantInputError
    from sdmetrics.single_column import KSComplement, TVComplement

    shapes: list[float] = []
    pairs: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, table in comparison.tables.items():
            if not comparison.rows("real", name) or not comparison.rows("synthetic", name):
                continue
            frames = []
            for side in ("real", "synthetic"):
                series = {}
                for column in table.columns.values():
                    values = getattr(column, side)
                    series[column.name] = values if column.continuous else np.where(values < 0, np.nan, values)
                frames.append(pd.DataFrame(series))
            real, synthetic = frames
            for column in table.columns.values():
                metric = KSComplement if column.continuous else TVComplement
                if synthetic[column.name].notna().any():
                    shapes.append(metric.compute(real[column.name], synthetic[column.name]))
            for x, y in combinations(table.columns.values(), 2):
                both = [x.name, y.name]
                continuous = [c.name for c in (x, y) if c.continuous]
                try:
                    if len(continuous) == 2:
                        pairs.append(CorrelationSimilarity.compute(real[both], synthetic[both]))
                    else:
                        pairs.append(
                            ContingencySimilarity.compute(
                                real[both].copy(), synthetic[both].copy(), continuous_column_names=continuous or None
                            )
                        )
                except (
                    ValueError,
                    ConstantInputError,
                ):  # constant columns, and moments too near each other for its bins: no figure
                    continue
    return {
        name: float(np.nanmean(values)) for name, values in (("shape", shapes), ("pair", pairs)) if values
    }  # fmt: skip


@click.command(help=__doc__)
@click.option("--only", multiple=True, metavar="NAME", help="only these databases")
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None)
@click.option("--postgresql", metavar="URL", default=None, help="a server on which databases may be made")
@click.option("--sdmetrics", "with_sdmetrics", is_flag=True, help="sdmetrics' own figures beside ours")
@click.option("--pages", type=click.Path(path_type=Path), default=None, help="save a page for each database here")
@click.option("--seed", default=7, show_default=True)
@click.option("--protection", default=5, show_default=True, help="1: rows of nobody, every value may be kept")
@click.option("--rows-limit", default=20_000, show_default=True)
@click.option("--weakest/--no-weakest", default=True, help="name the weakest places under the table")
@click.option("--json", "json_file", type=click.Path(path_type=Path), default=None)
def main(
    only: Sequence[str], data: Path | None, postgresql: str | None, with_sdmetrics: bool, pages: Path | None, seed: int,
    rows_limit: int, weakest: bool, json_file: Path | None, protection: int,
) -> None:  # fmt: skip
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = data or Path(os.environ.get("FIXTURESYNTH_SHARED", beside)) / "data"
    found = sorted(folder.glob("*.sqlite"), key=lambda p: p.stat().st_size)
    chosen = [p for p in found if not only or p.stem in only]
    if not chosen:
        raise click.UsageError(f"no database in {folder} by that name; there are: {', '.join(p.stem for p in found)}")
    click.echo(HEAD)
    lines = []
    for path in chosen:
        line = walk(path, seed, postgresql, with_sdmetrics, pages, rows_limit, protection)
        lines.append(line)
        click.echo(str(line))
        if json_file is not None:
            json_file.write_text(json.dumps([asdict(x) for x in lines], indent=2, default=str), encoding="utf-8")
    if weakest:
        for line in lines:
            click.echo(f"\n{line.database}")
            for name, places in line.weakest.items():
                for place in places:
                    click.echo(f"  {name:12} {place}")


if __name__ == "__main__":
    main()
