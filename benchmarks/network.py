"""The network on single tables, judged on rows that it never saw.

    python benchmarks/network.py [DATABASE.sqlite[:TABLE] ...] [--share .8] [--seeds 1 2 3]
                                 [--generator network cart ...] [--device auto] [--keep RUNS.jsonl]

A share of the rows is learned, the rest is held out. ``score`` is 1 - (2 max(AUC, .5) - 1) of a default classifier
over 5 folds (XGBoost where it is installed, else LightGBM; the last line says which), generated against held-out
rows; ``floor`` the same between learned and held-out rows. ``alone``: the score when no rows share out a distribution
evenly (``stratify=False``). ``gap``: AUC against held-out minus AUC against learned rows; near 0 when nothing is
learned by heart. ``closer``: share of generated rows nearer to a learned row than to a held-out one, equally many of
each; .5 is ideal. ``utility``: AUC of a classifier of the last column learned on as many generated rows and tried on
held-out ones, and in brackets learned on the real rows. Seconds are of the processor and, in brackets, by the clock.

Without arguments the databases of FIXTURESYNTH_SHARED (default: ../shared) are used.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from generators import copies, decoded, read
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors

from fixturesynth.generators.contract import CodedTable, State, Variable
from fixturesynth.generators.encoding import Encoding, encode, fit_encoding
from fixturesynth.generators.network.generator import Network
from fixturesynth.generators.registry import find_generator
from fixturesynth.randomness import permutation, stream, words

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT = ("adult", "shoppers", "credit_default")
CLASSIFIER = "XGBoost" if importlib.util.find_spec("xgboost") else "LightGBM"
MOST_NEAREST = 5_000  # generated rows whose nearest real rows are looked for


def classifier() -> Any:
    if CLASSIFIER == "XGBoost":
        import xgboost

        return xgboost.XGBClassifier(n_jobs=1, random_state=0, enable_categorical=True, tree_method="hist")
    import lightgbm

    return lightgbm.LGBMClassifier(verbose=-1, n_jobs=1, random_state=0)


def features(*frames: pd.DataFrame) -> list[pd.DataFrame]:
    """The frames with texts as categories, the same in all, and names that any classifier takes."""
    both = pd.concat(frames, ignore_index=True)
    both = both.assign(
        **{name: both[name].astype("category") for name in both if not pd.api.types.is_numeric_dtype(both[name])}
    )
    both.columns = pd.Index([f"column {i}" for i in range(both.shape[1])])
    ends = np.cumsum([0, *(len(frame) for frame in frames)]).tolist()
    return [both.iloc[a:b].reset_index(drop=True) for a, b in pairwise(ends)]


def auc(one: pd.DataFrame, other: pd.DataFrame) -> float:
    rows = min(len(one), len(other))
    joined = pd.concat(features(one.iloc[:rows], other.iloc[:rows]), ignore_index=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(classifier(), joined, np.repeat([0, 1], rows), cv=folds, scoring="roc_auc").mean())


def score(value: float) -> float:
    return 1 - (2 * max(value, 0.5) - 1)


def utility(learned: pd.DataFrame, held_out: pd.DataFrame) -> float | None:
    """AUC on held-out rows of a classifier of the last column; None where it is no yes or no."""
    target = learned.columns[-1]
    values = sorted(held_out[target].dropna().unique().tolist())
    if len(values) != 2 or learned[target].nunique() != 2:
        return None
    x, y = features(learned.drop(columns=target), held_out.drop(columns=target))
    model = classifier().fit(x, (learned[target] == values[1]).astype(int))
    return float(roc_auc_score((held_out[target] == values[1]).astype(int), model.predict_proba(y)[:, 1]))


def closer(made: pd.DataFrame, learned: pd.DataFrame, held_out: pd.DataFrame) -> float:
    """Share of generated rows whose nearest real row is a learned one, ties half; quantiles, categories one-hot."""
    rows = min(len(learned), len(held_out))
    whole = pd.concat([learned.iloc[:rows], held_out.iloc[:rows], made.iloc[:MOST_NEAREST]], ignore_index=True)
    parts = []
    for name in whole:
        if not pd.api.types.is_numeric_dtype(whole[name]):
            parts.append(pd.get_dummies(whole[name]).to_numpy(np.float32) / np.float32(np.sqrt(2)))
        else:
            parts.append(whole[[name]].rank(pct=True).fillna(-1.0).to_numpy(np.float32))
    points = np.concatenate(parts, axis=1)
    near = [
        NearestNeighbors(n_neighbors=1, algorithm="brute").fit(side).kneighbors(points[2 * rows :])[0][:, 0]
        for side in (points[:rows], points[rows : 2 * rows])
    ]
    return float(np.mean(near[0] < near[1]) + np.mean(near[0] == near[1]) / 2)


def encoded(frame: pd.DataFrame, max_codes: int) -> tuple[dict[str, Encoding], CodedTable]:
    encodings, codes = {}, []
    for name in frame:
        values = pa.array(frame[name], from_pandas=True)
        kind = "numeric" if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) else "categorical"
        encodings[str(name)] = fit_encoding(values, kind, protection=5, max_codes=max_codes)
        codes.append(encode(encodings[str(name)], values))
    variables = tuple(Variable(name, e.size, e.ordered) for name, e in encodings.items())
    return encodings, CodedTable(variables, np.stack(codes, axis=1))


def uniforms(table: CodedTable, rows: int, seed: int) -> npt.NDArray[np.uint64]:
    return np.stack([words(stream(seed, "sampled", v.name), rows) for v in table.variables], axis=1)


def size_of(state: State) -> str:
    stored = sum(array.nbytes for array in state.arrays.values())
    return f"{state.facts.get('parameters', 0):,} parameters, {stored / 1e6:.2f} MB"


def measure(name: str, learned: pd.DataFrame, held_out: pd.DataFrame, seed: int, device: str) -> dict[str, float]:
    generator: Any = Network(device) if name == "network" else find_generator(name)
    encodings, table = encoded(learned, getattr(generator, "max_codes", 64))
    clock, processor = time.perf_counter(), time.process_time()
    state = generator.fit(table, seed=seed)
    fitted = time.perf_counter() - clock, time.process_time() - processor
    empty = np.zeros((len(held_out), 0), np.int32)
    drawn = generator.sample(state, empty, uniforms(table, len(held_out), seed), stratify=True)
    made = decoded(encodings, drawn)
    plain = decoded(encodings, generator.sample(state, empty, uniforms(table, len(held_out), seed + 1000)))
    many = uniforms(table, max(65_536, len(learned)), seed + 2000)
    processor = time.process_time()
    drawn = generator.sample(state, np.zeros((len(many), 0), np.int32), many, stratify=True)
    rate = len(many) / (time.process_time() - processor)
    as_many = decoded(encodings, drawn[permutation(len(many), seed, "as many")[: len(learned)]])
    against = auc(made, held_out)
    found = {
        "score": score(against), "alone": score(auc(plain, held_out)), "gap": against - auc(made, learned),
        "gap alone": auc(plain, held_out) - auc(plain, learned),
        "closer": closer(made, learned, held_out), "utility": utility(as_many, held_out) or np.nan,
        "copies": copies(made, learned), "cpu s": fitted[1], "clock s": fitted[0], "rows/s": rate,
    }  # fmt: skip
    print(f"  {name} seed {seed}: {size_of(state)}; " + ", ".join(f"{k} {v:.4g}" for k, v in found.items()), flush=True)
    return found


def kept(
    keep: Path | None,
    source: str,
    name: str,
    learned: pd.DataFrame,
    held_out: pd.DataFrame,
    seed: int,
    device: str,
) -> dict[str, float]:
    """One run, or what an earlier call wrote of it: one JSON line for each."""
    mark = [Path(source).stem, len(learned), name, seed]
    lines = keep.read_text().splitlines() if keep is not None and keep.exists() else []
    for line in map(json.loads, lines):
        if line["run"] == mark:
            found: dict[str, float] = line["found"]
            return found
    found = measure(name, learned, held_out, seed, device)
    if keep is not None:
        with keep.open("a") as file:
            file.write(json.dumps({"run": mark, "found": found}) + "\n")
    return found


def main() -> None:
    shared = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared")) / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", default=[f"{shared}/{name}.sqlite" for name in DEFAULT])
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--generator", nargs="+", default=["network", "cart", "copula", "vae", "gan", "diffusion"])
    parser.add_argument("--device", default="auto", help="where the network learns: auto, cpu, cuda or mps")
    parser.add_argument("--keep", type=Path, help="a file of runs done, which are not done again")
    options = parser.parse_args()
    lines = []
    for source in options.sources:
        frame = read(source)
        cut = int(len(frame) * options.share)
        learned, held_out = frame.iloc[:cut], frame.iloc[cut:].reset_index(drop=True)
        floor, real = score(auc(learned, held_out)), utility(learned, held_out)
        print(f"{Path(source).stem}: {cut:,} rows learned, {len(held_out):,} held out, floor {floor:.3f}", flush=True)
        for name in options.generator:
            runs = [kept(options.keep, source, name, learned, held_out, seed, options.device) for seed in options.seeds]
            middle = {k: statistics.median(run[k] for run in runs) for k in runs[0]}
            lines.append(
                f"{Path(source).stem[:16]:17}{name:12}{floor:6.3f}{middle['score']:7.3f}{middle['alone']:7.3f}"
                f"{middle['gap']:7.3f}{middle['closer']:8.3f}{middle['utility']:9.3f} ({real or np.nan:.3f})"
                f"{middle['copies']:8.4f}{middle['cpu s']:6.0f} ({middle['clock s']:.0f}){middle['rows/s']:11,.0f}"
            )
    print(
        f"\n{'table':17}{'generator':12}{'floor':>6}{'score':>7}{'alone':>7}{'gap':>7}{'closer':>8}"
        f"{'utility':>9} (real)   copies  fit s (clock)    rows/s"
    )
    print("\n".join(lines))
    print(f"Medians of {len(options.seeds)} seeds; {CLASSIFIER}.")


if __name__ == "__main__":
    main()
