"""Totals of parts that were rounded one by one; rounding errors of nothing."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

ROWS = 700


def fitted(tmp_path: Path, ddl: str, rows: pd.DataFrame) -> pd.DataFrame:
    script = tmp_path / "things.sql"
    script.write_text(f"CREATE TABLE things ({ddl});")
    return fs.fit({"things": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["things"]


def test_a_total_is_the_sum_of_parts_but_for_their_rounding(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    size = rng.lognormal(8, 1, ROWS)
    roads, pipes, wires = (size * rng.uniform(*share, ROWS) for share in ((0.3, 0.6), (0.1, 0.3), (0.1, 0.5)))
    rows = pd.DataFrame({
        "id": np.arange(ROWS), "total": (roads + pipes + wires).round(2), "roads": roads.round(2),
        "pipes": pipes.round(2), "wires": wires.round(2),
    })  # fmt: skip
    assert 0.3 < ((rows["total"] - rows["roads"] - rows["pipes"] - rows["wires"]).abs() > 0.005).mean() < 0.6
    found = fitted(tmp_path, "id INTEGER PRIMARY KEY, total REAL, roads REAL, pipes REAL, wires REAL", rows)
    off = (found["total"] - found["roads"] - found["pipes"] - found["wires"]).abs()
    assert (off < 0.0201).all()


def test_what_is_left_in_thousands_after_what_was_passed_on(tmp_path: Path) -> None:
    """Amounts are rarely below zero, and no new one is far below."""
    rng = np.random.default_rng(2)
    gross = rng.lognormal(8, 1.5, ROWS) * 1_000
    passed = gross * rng.beta(1, 4, ROWS)
    written = [np.floor(x / 1_000 + rng.uniform(0, 1, ROWS)).astype(int) for x in (gross, passed, gross - passed)]
    off = np.abs(written[0] - written[1] - written[2])
    keep = off <= 1
    columns = dict(zip(("gross", "passed", "net"), written, strict=True))
    rows = pd.DataFrame({"id": np.arange(ROWS), **columns})[keep]
    assert 0.2 < off[keep].mean() < 0.6
    found = fitted(tmp_path, "id INTEGER PRIMARY KEY, gross INTEGER, passed INTEGER, net INTEGER", rows)
    assert ((found["gross"] - found["passed"] - found["net"]).abs() <= 1).all()
    assert found["net"].min() >= -1


def test_small_numbers_make_no_sum_by_accident(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"id": np.arange(ROWS), "a": rng.integers(0, 2, ROWS), "b": rng.integers(0, 2, ROWS)})
    rows["c"] = np.clip(rows["a"] + rows["b"] + rng.integers(-1, 2, ROWS), 0, 3)
    found = fitted(tmp_path, "id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER", rows)
    assert (found["c"] != found["a"] + found["b"]).mean() > 0.3


def test_a_few_rounding_errors_near_nothing_draw_no_others_there(tmp_path: Path) -> None:
    """Flows of a network: a handful is 1e-13 for 0, and none is smaller than that by hundreds of zeros."""
    rng = np.random.default_rng(8)
    flows = -rng.lognormal(0, 0.7, 300)
    flows[:8] = rng.uniform(1e-13, 1e-12, 8)
    script = tmp_path / "flows.sql"
    script.write_text("CREATE TABLE flows (id INTEGER PRIMARY KEY, mw REAL NOT NULL);")
    rows = pd.DataFrame({"id": range(300), "mw": flows})
    found = fs.fit({"flows": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["flows"]["mw"].abs()
    assert not found.between(1e-300, 1e-19, inclusive="neither").any()
    assert (found < 1e-6).mean() < 0.06
