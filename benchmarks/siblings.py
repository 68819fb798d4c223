"""Made-up databases whose rows hang on the rows before them: how many generated rows keep to it, and what tells them.

    python benchmarks/siblings.py [--rows FOLDER] [--write FOLDER]

Accounts, stocks, versions, journeys, a ledger, invoices and orders, as tests/sibling_databases.py makes them. For each:
the least share of rows that keep a rule which all real rows keep, the least 1 − KS of a column, and the AUC of a
classifier on single rows and on aggregates of children (worst table). ``--rows`` judges rows that another version wrote
with ``--write``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import pyarrow.parquet as pq

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation import Report, evaluate
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import fit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import sibling_databases as made

HEAD = f"{'database':20} {'rows':>6} {'rules':>5} {'kept':>6} {'shape':>6} {'one':>5} {'agg':>5}"
RULES = ("invariant.arithmetic", "invariant.order", "invariant.dependencies")

DATABASES: dict[str, Callable[[Path], str]] = {
    "accounts, signed": lambda p: made.bank(p),
    "accounts, by type": lambda p: made.bank(p, sign="type"),
    "accounts, opened": lambda p: made.bank(p, sign="type", opening="account"),
    "stock": made.stock,
    "versions": made.versions,
    "journeys": made.journeys,
    "ledger": made.ledger,
    "invoices, monthly": lambda p: made.invoices(p),
    "invoices, weekdays": lambda p: made.invoices(p, "working"),
    "invoices, by plan": lambda p: made.invoices(p, "by plan"),
    "orders": made.orders,
}


def line(name: str, rows: int, report: Report) -> str:
    """One database: rules, the least share of rows that keeps one, the least shape, and AUCs of the worst tables."""
    rules = [m.score for m in report.metrics if m.name in RULES and m.score is not None]
    shapes = [m.score for m in report.metrics if m.name == "statistical.shape" and m.score is not None]

    def worst(metric: str) -> str:
        found = [m.detail["auc"] for m in report.metrics if m.name == metric and m.score is not None]
        return f"{max(found):5.3f}" if found else f"{'-':>5}"

    figures = f"{len(rules):5} {min(rules):6.3f} {min(shapes):6.3f}"
    return f"{name:20} {rows:6} {figures} {worst('detection.c2st')} {worst('detection.c2st_agg')}"


@click.command(help=__doc__)
@click.option("--rows", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None)
@click.option("--write", type=click.Path(path_type=Path), default=None)
@click.option("--seed", default=1, show_default=True)
def main(rows: Path | None, write: Path | None, seed: int) -> None:
    print(HEAD)
    for name, make in DATABASES.items():
        with tempfile.TemporaryDirectory() as folder:
            url = make(Path(folder) / "real.sqlite")
            schema = reflect(url)
            real = read_rows(url, schema)
            if rows is None:
                data = fit(url, seed=seed).sample(seed=seed)
            else:
                data = Dataset({t.name: pq.read_table(rows / name / f"{t.name}.parquet") for t in schema})
            if write is not None:
                (write / name).mkdir(parents=True, exist_ok=True)
                for table in data:
                    pq.write_table(data.arrow(table), write / name / f"{table}.parquet")
            report = evaluate(real, data, schema, seed=seed)
        print(line(name, sum(real.rows.values()), report), flush=True)


if __name__ == "__main__":
    main()
