"""How codes begin is learned: postal codes of a state, phones of a country, and what no stored shape fits."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.generators.forms import learned_forms, unlike
from fixturesynth.planning.plan import Rule, RuleCall
from fixturesynth.sampling.engine import sample_dataset

DDL = """
CREATE TABLE addresses (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    country TEXT NOT NULL,
    postal_code TEXT,
    phone TEXT
);
"""
STATES = {"NY": "1", "FL": "3", "IL": "6", "TX": "7", "CA": "9", "WA": "98"}
ROWS = 1_500


def _rows() -> Iterator[tuple[object, ...]]:
    source = np.random.Generator(np.random.PCG64(11))
    for i in range(ROWS):
        state = str(source.choice(list(STATES), p=[0.2, 0.15, 0.1, 0.2, 0.25, 0.1]))
        begin = STATES[state]
        code = begin + "".join(str(d) for d in source.integers(10, size=5 - len(begin)))
        digits = [f"{source.integers(100):02d}" for _ in range(5)]
        french = i % 3 == 0
        phone = f"+33 {' '.join(digits)}" if french else f"({source.integers(200, 999)}) 555-{''.join(digits)[:4]}"
        yield i + 1, state, "France" if french else "USA", None if i % 10 == 7 else code, phone


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forms") / "addresses.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DDL)
        connection.executemany("INSERT INTO addresses VALUES (?, ?, ?, ?, ?)", _rows())
        connection.commit()
    return path


@pytest.fixture(scope="module")
def model(database: Path) -> fs.Synthesizer:
    return fs.fit(f"sqlite:///{database}", seed=1)


def test_postal_codes_go_with_their_state(model: fs.Synthesizer) -> None:
    assert isinstance(model.plan["addresses"].column("postal_code").source, Rule)
    made = model.sample(seed=2).arrow("addresses").to_pylist()
    told = [(STATES[r["state"]], r["postal_code"]) for r in made if r["postal_code"] is not None]
    assert np.mean([code.startswith(begin) for begin, code in told]) > 0.97
    assert all(re.fullmatch(r"\d{5}", code) for _, code in told)
    assert len({code for _, code in told}) > 0.9 * len(told)  # the rest is free
    assert ROWS - len(told) == pytest.approx(0.1 * ROWS, rel=0.25)


def test_phones_have_the_shape_of_their_country(model: fs.Synthesizer) -> None:
    made = model.sample(seed=3).arrow("addresses").to_pylist()
    fitting = [r["phone"].startswith("+33 ") == (r["country"] == "France") for r in made]
    assert np.mean(fitting) > 0.97
    assert Counter(r["country"] for r in made)["France"] == pytest.approx(ROWS / 3, rel=0.15)


def test_bytes_do_not_depend_on_workers(model: fs.Synthesizer, tmp_path: Path) -> None:
    model.save(tmp_path / "a.fsynth")
    plan = replace(model.plan, tables=tuple(replace(t, partition_rows=97) for t in model.plan.tables))
    one, two = (sample_dataset(model.schema, plan, model.models, seed=4, workers=n) for n in (1, 2))
    again = sample_dataset(model.schema, plan, fs.open_model(tmp_path / "a.fsynth").models, seed=4)
    assert one.arrow("addresses").equals(two.arrow("addresses"))
    assert one.arrow("addresses").equals(again.arrow("addresses"))


def _forms(texts: list[str | None], *patterns: str, protection: int = 5) -> list[str | None] | None:
    call = RuleCall("pattern", {"patterns": [[p, 1] for p in patterns]})
    found = learned_forms(call, pa.array(texts, pa.string()), np.arange(len(texts)), protection)
    return None if found is None else found.to_pylist()


def test_few_entities_leave_no_trace() -> None:
    common, rare = [f"1{n:04d}" for n in range(200)], [f"4{n:04d}" for n in range(4)]
    found = _forms([*common, *rare], "99999")
    assert found is not None
    assert all(str(f).startswith("10") and str(f).endswith("99") for f in found[:200])
    assert set(found[200:]) == {""}  # four began with 4: nothing of them is kept


def test_entities_count_once() -> None:
    texts = [f"1{n:04d}" for n in range(200)] + [f"4{n:04d}" for n in range(60)]
    call = RuleCall("pattern", {"patterns": [["99999", 1]]})
    groups = np.array([*range(200), *([200] * 60)])  # all that begin with 4 are one person's
    found = learned_forms(call, pa.array(texts), groups, 5)
    assert found is not None
    assert not any(str(f).startswith("4") for f in found.to_pylist())


def test_even_digits_are_not_learned() -> None:
    source = np.random.Generator(np.random.PCG64(5))
    assert _forms([f"{n:06d}" for n in source.integers(10**6, size=3_000)], "999999") is None


@pytest.mark.parametrize("texts", [[], [None] * 50, ["12345"] * 3, ["é12"] * 40 + ["\\9a"] * 40])
def test_odd_columns(texts: list[str | None]) -> None:
    found = _forms(texts, "99999", "é99", "\\\\\\99")
    assert found is None or len(found) == len(texts)


def test_literals_of_masks_are_kept() -> None:
    source = np.random.Generator(np.random.PCG64(6))
    texts = [f"({c}) 555-{n:04d}" for c in ("206", "415") for n in source.integers(10**4, size=100)]
    found = _forms(texts, "(999) 555-9999")
    assert found is not None
    assert {f.split(" ")[0] for f in found if f} == {"(206)", "(415)"}
    assert all(f.endswith(" 555-9999") for f in found if f)


def test_what_fits_no_shape_has_digits_of_its_own() -> None:
    loose = unlike(RuleCall("pattern", {"patterns": [["+1 (999) \\A-9", 4]]}))
    assert loose.options["patterns"] == [["+9 (999) \\A-9", 4]]
