"""Numbers that follow from another one along a curve, for values too rare to be known as well."""

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs

ROWS = 1_500


def made(tmp_path, column, seed=1):
    rng = np.random.default_rng(4)
    x = np.where(rng.random(ROWS) < 0.6, rng.integers(10, 60, ROWS) * 10, rng.integers(100, 600, ROWS))
    script = tmp_path / "trips.sql"
    script.write_text("CREATE TABLE trips (id INTEGER PRIMARY KEY, passengers INTEGER NOT NULL, derived REAL);")
    rows = {"trips": pd.DataFrame({"id": range(ROWS), "passengers": x, "derived": column(x)})}
    return fs.fit(rows, schema=fs.reflect(script), seed=seed).sample(seed=2)["trips"]


@pytest.mark.parametrize("name", ["log", "sqrt", "square"])
def test_functions_hold_for_every_number(tmp_path, name) -> None:
    """The oracle is numpy. Numbers that few rows have are no exception, and none lacks its value."""
    found = made(tmp_path, getattr(np, name))
    assert found["derived"].notna().all()
    np.testing.assert_allclose(found["derived"], getattr(np, name)(found["passengers"].to_numpy(float)), rtol=1e-9)


def test_rounded_functions_are_rounded(tmp_path) -> None:
    found = made(tmp_path, lambda x: np.round(np.log(x), 3))
    assert (found["derived"] == np.round(np.log(found["passengers"].to_numpy(float)), 3)).all()


def test_a_tariff_goes_on_between_what_is_known(tmp_path) -> None:
    """No function by name: between two known numbers the value lies between theirs."""
    found = made(tmp_path, lambda x: np.round(12.5 + 0.31 * x + 0.0007 * x**1.7, 2))
    x = found["passengers"].to_numpy(float)
    assert found["derived"].notna().all()
    np.testing.assert_allclose(found["derived"], 12.5 + 0.31 * x + 0.0007 * x**1.7, rtol=0.01)
