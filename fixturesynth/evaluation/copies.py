"""Exact copies: synthetic rows that are a real row, word for word."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.evaluation.comparison import FEWEST, Comparison, Integers, Side
from fixturesynth.evaluation.intervals import wilson
from fixturesynth.evaluation.record import Measure
from fixturesynth.profiling.columnar import distinct_codes, joint_codes

__all__ = ["measure_copies"]

FEWEST_COLUMNS = 3  # rows of fewer columns agree without anybody having copied


def measure_copies(comparison: Comparison) -> Iterator[Measure]:
    """Copies: share of synthetic rows that equal some real row in every column but keys and references.

    Only columns with more than one real value count, NULL equals NULL; at least three are needed, and as many distinct
    real rows as make a copy telling (half of the rows). Range 0 to 1, lower is better. Floor: the share of
    the held-out rows that have a twin among the real ones, or of the real rows that have one in another root entity:
    what a fresh row would meet among as many real rows. Tables that are kept
    word for word on purpose (lists of the world) are left out, with a note. Source: identical matches, as in
    sdmetrics NewRowSynthesis.
    """
    for name in comparison.tables:
        real, synthetic = comparison.views["real"][name], comparison.views["synthetic"][name]
        if not real.rows or not synthetic.rows:
            continue
        if comparison.kept(name) is not None:
            comparison.notes.append(f"table {name!r} holds the very same rows on both sides: a list that is kept")
            continue
        skipped = real.identities | real.references
        names = [
            c for c, view in real.columns.items()
            if c not in skipped and c in synthetic.columns and view.classes > 1 and view.values is not None
        ]  # fmt: skip
        if len(names) < FEWEST_COLUMNS:
            continue
        sides: list[Side] = [s for s in comparison.views if name in comparison.views[s]]
        codes = _row_codes(comparison, name, names, sides)
        own = codes["real"]
        if np.unique(own).size < own.size / 2:
            continue
        if "holdout" in codes:
            floor: float | None = float(np.isin(codes["holdout"], own).mean()) if codes["holdout"].size else None
        else:
            floor = _twins_elsewhere(own, comparison.entities("real", name)) if own.size >= FEWEST else None
        twins = np.isin(codes["synthetic"], own)
        detail = {"columns": len(names), "copies": int(np.count_nonzero(twins))}
        interval = wilson(int(np.count_nonzero(twins)), twins.size)
        yield Measure(name, float(twins.mean()), (), None, floor, detail, "", interval)


def _twins_elsewhere(codes: Integers, entities: Integers) -> float:
    """Share of rows whose code some row of another entity has too."""
    dense, _ = distinct_codes(codes)
    owners, size = distinct_codes(entities)
    pairs = np.unique(dense * size + owners)
    return float((np.bincount(pairs // size)[dense] > 1).mean())


def _row_codes(comparison: Comparison, table: str, names: list[str], sides: list[Side]) -> dict[Side, Integers]:
    """Equal codes for rows that agree in all named columns, on whatever side."""
    lengths = [comparison.rows(side, table) for side in sides]
    columns = []
    for name in names:
        place: dict[str, int] = {}
        coded = []
        for side in sides:
            view = comparison.views[side][table][name]
            spelled = _spelled(view.values, view.family, view._value_numbers)
            mapped = np.fromiter((place.setdefault(v, len(place)) for v in spelled), np.int64, len(spelled))
            coded.append(np.append(mapped, -1)[view.codes] + 1)
        columns.append((np.concatenate(coded), len(place) + 1))
    codes = joint_codes(columns)[0]
    ends = np.cumsum(lengths)[:-1]
    return dict(zip(sides, np.split(codes, ends), strict=True))


def _spelled(values: pa.Array | None, family: str, numbers: npt.NDArray[np.float64]) -> list[str]:
    if family == "number":
        return [f"{n:.12g}" for n in numbers.tolist()]
    return [str(v) for v in values.to_pylist()] if values is not None else []
