"""Numbers that nearly are another one or a multiple of it: found, learned as what they lie beside it, and kept so."""

from __future__ import annotations

import sqlite3
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fixturesynth.generators.distances import Known, own_way
from fixturesynth.generators.offsets import add_offset, near_facts, offsets
from fixturesynth.generators.residuals import find_residuals
from fixturesynth.modelfile import open_model
from fixturesynth.sampling.counting import moved_along
from fixturesynth.synthesizer import Synthesizer, fit

N = 2_000


def _found(columns: dict[str, np.ndarray], groups: np.ndarray | None = None) -> dict[str, tuple[str, list[int]]]:
    numbers = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    ways = {name: own_way(name, values, "numeric", ()) for name, values in numbers.items()}
    known = Known(np.arange(N) if groups is None else groups, 5, 64)
    return {
        name: (way.offset["base"], way.offset["times"])
        for name, way in find_residuals(numbers, ways, set(numbers), known).items()
        if way.offset is not None
    }


def test_what_lies_beside_another_more_narrowly_than_its_bins_is_found() -> None:
    source = np.random.Generator(np.random.PCG64(1))
    net = np.rint(source.lognormal(8, 1, N)) / 100
    gross = np.rint(net * 119 + source.integers(-2, 3, N)) / 100
    assert _found({"net": net, "gross": gross}) == {"gross": ("net", [119, 100])}
    mass_number = source.integers(1, 3_000, N)
    mass = mass_number + np.rint(source.normal(0, 4e5, N)) / 1e7
    assert _found({"mass": mass, "mass number": mass_number}) == {"mass": ("mass number", [1, 1])}
    assert _found({"mass": mass, "mass number": mass_number}, np.arange(N) % 4) == {}  # too few stand behind it
    loose = net + source.normal(0, net.std() / 2, N)
    assert _found({"net": net, "loose": loose}) == {}
    gaps = np.where(source.random(N) < 0.1, np.nan, mass_number)
    found = _found({"mass": mass, "mass number": gaps})  # a tenth of the masses have nothing to lie beside
    assert found == {"mass number": ("mass", [1, 1])}


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(12, 2)])
def test_residuals_and_bases_make_the_values_again(kind: pa.DataType) -> None:
    source = np.random.Generator(np.random.PCG64(2))
    base = pa.array(np.rint(source.lognormal(6, 1, N)) / 8)
    target = pa.array(np.rint(np.asarray(base) * 119 + source.integers(-90, 90, N)) / 100).cast(kind, safe=False)
    target = pa.array([None, *target.to_pylist()[1:]], kind)
    facts = near_facts(target, "base", Fraction(119, 100), np.arange(N), 1)
    assert facts is not None
    residual = offsets(target, base, facts)
    assert residual is not None
    assert add_offset(base, residual, facts, kind).equals(target)
    low, high = pa.compute.min_max(target).values()
    wide = add_offset(base, pa.compute.multiply(residual, 10_000), facts, kind)
    assert pa.compute.min(wide).as_py() >= low.as_py()
    assert pa.compute.max(wide).as_py() <= high.as_py()


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    """Orders with net and gross, and readings of two thermometers side by side."""
    path: Path = tmp_path_factory.mktemp("residuals") / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(3))
    net = np.rint(source.lognormal(8, 1, N)) / 100
    rate = np.where(source.random(N) < 0.8, 19, 7)
    gross = np.rint(net * (100 + rate)) / 100
    warm = np.rint(source.normal(100, 3_000, N)) / 10
    beside = np.rint(warm * 10 + source.normal(1, 1, N)) / 10
    connection = sqlite3.connect(path)
    connection.execute("""
        CREATE TABLE readings (
            id INTEGER PRIMARY KEY, net REAL NOT NULL, gross REAL NOT NULL CHECK (gross > 0), warm REAL, beside REAL
        )
    """)
    readings = enumerate(zip(net.tolist(), gross.tolist(), warm.tolist(), beside.tolist(), strict=True))
    rows = [(i, a, b, c if i % 9 else None, d if i % 9 else None) for i, (a, b, c, d) in readings]
    connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return fit(f"sqlite:///{path}", seed=1, generator="cart")


def test_what_two_numbers_lie_apart_stays(learned: Synthesizer, tmp_path: Path) -> None:
    found = {name: (facts["base"], facts["times"]) for name, facts in learned.models["readings"].offsets.items()}
    assert found == {"gross": ("net", [119, 100]), "beside": ("warm", [1, 1])}
    rows: pd.DataFrame = learned.sample(seed=4)["readings"]
    apart = rows["beside"] - rows["warm"]
    assert apart.std() == pytest.approx(0.1, rel=0.15)
    assert (rows["warm"].isna() == rows["beside"].isna()).all()
    share = np.rint((rows["gross"] / rows["net"] - 1) * 100)
    assert (share == 19).mean() == pytest.approx(0.8, abs=0.05)
    assert (rows["gross"].round(2) == rows["gross"]).all()
    assert (rows["gross"] > 0).all()
    learned.save(tmp_path / "readings.fsynth")
    assert open_model(tmp_path / "readings.fsynth").sample(seed=4)["readings"].equals(rows)


def test_a_number_goes_along_where_the_other_one_moved(learned: Synthesizer) -> None:
    counted = learned.models["readings"].offsets
    before = {"warm": pa.array([10.0, 20.0, 30.0, None]), "beside": pa.array([10.5, 20.5, 30.5, None])}
    after = {"warm": pa.array([10.0, 25.0, 35.0, 5.0]), "beside": pa.array([10.5, 20.5, 31.5, None])}
    changed = {"warm"}
    made = moved_along(learned.plan["readings"], counted, before, after, changed)
    assert made["beside"].to_pylist() == [10.5, 25.5, 31.5, None]  # the third one was moved by itself
    assert made["warm"].equals(after["warm"])
    assert changed == {"warm", "beside"}
