"""Unique texts too varied for shapes: hexadecimal digits and decimal ones, as long as the rows' own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs


@pytest.mark.parametrize(
    ("form", "shape"), [("{:08X}", r"[0-9A-F]{8}"), ("{:012x}", r"[0-9a-f]{12}"), ("{:d}", r"[0-9]{6,9}")]
)
def test_keys_have_the_signs_of_the_rows(form: str, shape: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    own = [form.format(int(n)) for n in rng.choice(2**29, 40, replace=False) + 10**6]
    script = tmp_path / "services.sql"
    script.write_text("CREATE TABLE services (service_id TEXT PRIMARY KEY, days INTEGER NOT NULL);")
    rows = {"services": pd.DataFrame({"service_id": own, "days": rng.integers(1, 6, 40)})}
    made = fs.fit(rows, schema=fs.reflect(script), seed=1).sample(seed=2)["services"].service_id
    assert made.str.fullmatch(shape).all()
    assert made.is_unique and not set(made) & set(own)
