"""Rows of a kept list that are in rows of another one: what hangs on the outer row is learned through the inner one."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

COUNTRIES, REGIONS, STATIONS = 90, 600, 4_000


def test_what_hangs_on_the_country_of_a_region_is_kept(tmp_path: Path) -> None:
    """Regions are too many to be told apart; their countries are not."""
    rng = np.random.default_rng(8)
    centre = rng.uniform(-60, 70, COUNTRIES)
    of = rng.permutation(REGIONS) % COUNTRIES
    region = rng.integers(0, REGIONS, STATIONS)
    code = [f"{chr(65 + i // 10)}{chr(70 + i % 10)}" for i in range(COUNTRIES)]
    rows = {
        "countries": pd.DataFrame({"code": code, "name": [f"Land of {c}" for c in code]}),
        "regions": pd.DataFrame({
            "code": [f"{code[c]}-{i:03d}" for i, c in enumerate(of)], "name": [f"Province {i}" for i in range(REGIONS)],
            "country": [code[c] for c in of],
        }),
        "stations": pd.DataFrame({
            "id": range(STATIONS), "region": [f"{code[of[r]]}-{r:03d}" for r in region],
            "latitude": np.round(centre[of[region]] + rng.normal(0, 1, STATIONS), 4),
        }),
    }  # fmt: skip
    script = tmp_path / "stations.sql"
    script.write_text(
        "CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE regions (code TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
        "country TEXT NOT NULL REFERENCES countries (code));"
        "CREATE TABLE stations (id INTEGER PRIMARY KEY, region TEXT NOT NULL REFERENCES regions (code), "
        "latitude REAL NOT NULL);"
    )
    learned = fs.fit(rows, schema=fs.reflect(script), seed=1)
    assert [learned.plan[name].mode for name in ("countries", "regions")] == ["verbatim"] * 2
    made = learned.sample(seed=2)["stations"]
    where = made.region.str[:2].map(dict(zip(code, centre, strict=True)))
    assert (made.latitude - where).abs().quantile(0.9) < 6
