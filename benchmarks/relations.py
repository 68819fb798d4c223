"""Whole databases: can a classifier tell generated children and parents from the real ones?

    python benchmarks/relations.py [--only NAME ...] [--generator cart ...] [--seeds 1 2 3] [--cache FOLDER] [--places]
                                   [--peers sdv mostlyai] [--minutes 1] [--rows N]

Every ``FOLDER/*.sqlite`` of ``data`` in FIXTURESYNTH_SHARED (else in ``shared`` beside the repository) is learned,
generated at scale 1 and compared by the project's own evaluation. A figure is the mean over all tables or references
of a database, then the median over the seeds, and in brackets the same between two halves of the real rows. AUC: of
LightGBM, .5 is a coin; below .5 counts as .5. What was measured is kept in ``--cache``, one file for each database,
generator and seed, so that a run that was stopped goes on; ``--places`` prints every table and reference as well.

``--peers`` measures SDV's HMASynthesizer and mostlyai beside (``--minutes`` of training a table), on the databases that
they take, where they are installed (a virtual environment of their own, with this package in it). ``--rows`` cuts
every database to so many rows of a table, with closed references, for all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

import fixturesynth as fs
from fixturesynth.dataset import Dataset
from fixturesynth.errors import FixtureSynthError
from fixturesynth.evaluation.cardinality import measure_cardinality
from fixturesynth.evaluation.comparison import Comparison, compare
from fixturesynth.evaluation.detection import measure_alone, measure_joined, measure_with_aggregates
from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.pairs import measure_edge_pairs, measure_two_join_pairs
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.sequences import measure_icc, measure_lag1
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect

REPOSITORY = Path(__file__).resolve().parent.parent
ROWS = 5_000  # rows of each side that a classifier sees
RULES = [metric.measure for metric in METRICS if metric.name.startswith("invariant.")]

# By heading: what is measured, and whether it is an AUC.
FIGURES: Mapping[str, tuple[Callable[[Comparison], Any], bool]] = {
    "one table": (measure_alone, True),
    "joined": (measure_joined, True),
    "aggregates": (measure_with_aggregates, True),
    "children": (measure_cardinality, False),
    "pairs, one join": (measure_edge_pairs, False),
    "pairs, two joins": (measure_two_join_pairs, False),
    "lag 1": (measure_lag1, False),
    "within group": (measure_icc, False),
    "rules": (lambda comparison: chain.from_iterable(m(comparison) for m in RULES), False),
}


def place(measure: Measure) -> str:
    columns = ", ".join(measure.columns)
    parent = measure.detail.get("parent")
    return f"{measure.table}({columns})" + (f" -> {parent}" if parent else "")


def judged(real: Dataset, synthetic: Dataset, schema: Schema, profile: Any, seed: int) -> dict[str, list[Any]]:
    """By heading: [place, figure, floor] of each measure that has a figure."""
    comparison = compare(real, synthetic, schema, profile=profile, rows_limit=ROWS, seed=seed)
    out: dict[str, list[Any]] = {}
    for name, (measure_all, by_auc) in FIGURES.items():
        out[name] = []
        for one in measure_all(comparison):
            values = (one.detail.get("auc"), one.detail.get("floor_auc")) if by_auc else (one.score, one.floor)
            if values[0] is not None:
                figure, floor = (None if v is None else max(v, 0.5) if by_auc else v for v in values)
                out[name].append([place(one), figure, floor])
    return out


def ours(schema: Schema, real: Dataset, generator: str, seed: int) -> dict[str, Any]:
    started = time.process_time()
    model = fs.fit(real, schema=schema, seed=seed, generator=generator)
    fitted = time.process_time()
    made = model.sample(seed=seed)
    sampled = time.process_time()
    seconds = {"fit": fitted - started, "sample": sampled - fitted}
    return {"seconds": seconds, "figures": judged(real, made, schema, model.profile, seed)}


def theirs(name: str, schema: Schema, real: Dataset, seed: int, minutes: float) -> dict[str, Any]:
    """SDV's HMA or mostlyai with their defaults; whatever they refuse is told as ``failed``."""
    frames = {table: plain(real.arrow(table)) for table in real}
    started = time.process_time()
    try:
        made = hma(frames, schema) if name == "sdv" else mostly(frames, schema, minutes)
    except Exception as error:  # noqa: BLE001  anything that another tool says is its answer
        return {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"}
    seconds = {"fit and sample": time.process_time() - started}
    rows = sum(len(frame) for frame in made.values())
    return {"seconds": seconds, "rows": rows, "figures": judged(real, as_real(real, made), schema, None, seed)}


def plain(table: pa.Table) -> pd.DataFrame:
    """A frame without what no peer takes: decimals as floats, bytes as texts."""
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_decimal(field.type):
            column = column.cast(pa.float64())
        elif pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            column = pa.array([None if v is None else v[:16].hex() for v in column.to_pylist()], pa.string())
        columns[field.name] = column
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame


def as_real(real: Dataset, made: Mapping[str, pd.DataFrame]) -> Dataset:
    """Frames with the types of the real columns, where their values can be read as such."""
    tables = {}
    for name in real:
        found = pa.Table.from_pandas(made[name], preserve_index=False)
        columns = {}
        for field in real.arrow(name).schema:
            column = found[field.name]
            with contextlib.suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
                column = column.cast(field.type)
            columns[field.name] = column
        tables[name] = pa.table(columns)
    return Dataset(tables)


def hma(frames: Mapping[str, pd.DataFrame], schema: Schema) -> dict[str, pd.DataFrame]:
    from sdv.metadata import Metadata
    from sdv.multi_table import HMASynthesizer

    metadata = Metadata.detect_from_dataframes(dict(frames))
    metadata.relationships = []
    for table in schema:
        if table.primary_key is not None and len(table.primary_key.columns) == 1:
            metadata.set_primary_key(table_name=table.name, column_name=table.primary_key.columns[0])
        for fk in table.foreign_keys:
            if len(fk.columns) == 1 and fk.parent != table.name:
                metadata.update_column(table_name=table.name, column_name=fk.columns[0], sdtype="id")
                metadata.add_relationship(fk.parent, table.name, fk.parent_columns[0], fk.columns[0])
    synthesizer = HMASynthesizer(metadata)
    synthesizer.fit(dict(frames))
    return dict(synthesizer.sample(scale=1.0))


def mostly(frames: Mapping[str, pd.DataFrame], schema: Schema, minutes: float) -> dict[str, pd.DataFrame]:
    from mostlyai.sdk import MostlyAI

    tables = []
    for table in schema:
        if table.name not in frames:
            continue
        contexts = [fk for fk in table.foreign_keys if len(fk.columns) == 1 and fk.parent != table.name]
        keys = [
            {"column": fk.columns[0], "referenced_table": fk.parent, "is_context": n == 0}
            for n, fk in enumerate(contexts)
        ]
        key = table.primary_key.columns[0] if table.primary_key and len(table.primary_key.columns) == 1 else None
        training = {"tabular_model_configuration": {"max_training_time": minutes}}
        tables.append(
            {"name": table.name, "data": frames[table.name], "primary_key": key, "foreign_keys": keys} | training
        )
    client = MostlyAI(local=True)
    generator = client.train(config={"name": "relations", "tables": tables})
    made = client.generate(generator).data()
    return {made_name: made[made_name] for made_name in frames}


def measured(
    path: Path, schema: Schema, real: Dataset, generator: str, seed: int, cache: Path, minutes: float
) -> dict[str, Any]:
    """What was kept of an earlier run, or is measured now."""
    kept = cache / f"{path.stem}-{generator}-{seed}.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    try:
        if generator in ("sdv", "mostlyai"):
            result = theirs(generator, schema, real, seed, minutes)
        else:
            result = ours(schema, real, generator, seed)
    except FixtureSynthError as error:
        result = {"failed": str(error)}
    kept.write_text(json.dumps(result), encoding="utf-8")
    return result


def median(results: list[dict[str, Any]], name: str, at: int) -> float | None:
    """Median over the seeds of the mean over all places: figures (1) or floors (2)."""
    means = []
    for result in results:
        known = [v[at] for v in result["figures"][name] if v[at] is not None]
        if known:
            means.append(statistics.fmean(known))
    return statistics.median(means) if means else None


def shown(results: list[dict[str, Any]], name: str) -> str:
    figure, floor = median(results, name, 1), median(results, name, 2)
    return "-" if figure is None else f"{figure:.3f}" + ("" if floor is None else f" ({floor:.3f})")


def print_places(results: list[dict[str, Any]]) -> None:
    for name in FIGURES:
        by_place: dict[str, list[list[Any]]] = {}
        for result in results:
            for where, *values in result["figures"][name]:
                by_place.setdefault(where, []).append(values)
        for where, values in by_place.items():
            figure = statistics.median(v[0] for v in values)
            floors = [v[1] for v in values if v[1] is not None]
            print(f"|  | {name}: {where} | {figure:.3f} ({statistics.median(floors):.3f}) |" if floors else
                  f"|  | {name}: {where} | {figure:.3f} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--generator", nargs="*", default=["cart"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--cache", type=Path, default=Path("out") / "relations")
    parser.add_argument("--places", action="store_true")
    parser.add_argument("--peers", nargs="*", choices=["sdv", "mostlyai"], default=[])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rows", type=int)
    asked = parser.parse_args()
    folder = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    paths = [p for p in sorted(folder.glob("*.sqlite")) if not asked.only or p.stem in asked.only]
    asked.cache.mkdir(parents=True, exist_ok=True)
    installed = {"sdv": "sdv", "mostlyai": "mostlyai.sdk"}
    peers = [n for n in asked.peers if importlib.util.find_spec(installed[n].split(".")[0])]
    print("| database | generator | " + " | ".join(FIGURES) + " | fit, s | sample, s |")
    print("|---|---|" + "---|" * (len(FIGURES) + 2))
    for path in paths:
        schema = reflect(f"sqlite:///{path}")
        real = read_rows(f"sqlite:///{path}", schema, limit=asked.rows)
        for generator in [*asked.generator, *peers]:
            results = [
                measured(path, schema, real, generator, seed, asked.cache, asked.minutes) for seed in asked.seeds
            ]
            failed = [r["failed"] for r in results if "failed" in r]
            if failed:
                print(f"| {path.stem} | `{generator}` | {failed[0]} |", flush=True)
                continue
            figures = " | ".join(shown(results, name) for name in FIGURES)
            times = [statistics.median(r["seconds"].get(k, 0.0) for r in results) for k in ("fit", "sample")]
            if generator in installed:
                times = [statistics.median(r["seconds"]["fit and sample"] for r in results), 0.0]
            print(f"| {path.stem} | `{generator}` | {figures} | {times[0]:.1f} | {times[1]:.1f} |", flush=True)
            if asked.places:
                print_places(results)


if __name__ == "__main__":
    main()
