"""Names of people: those that many share, as many as a person has, and more than one language's where all differ."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sibling_databases as real

import fixturesynth as fs
from fixturesynth.rules.pools import faker_pool, wide_pool

OFTEN = ("Aurelio", "Bettina", "Casimir", "Dorotea")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Real and made people: two given names mostly, one of four very often, all others seen once; no two last names."""
    rng = np.random.default_rng(4)
    rows = 900
    starts, ends = (
        ["Zqor", "Vqel", "Qxum", "Xqan", "Yqel", "Wqul", "Uqls", "Tqarv", "Sqib", "Rqok", "Pqilv", "Oqss", "Nqim"],
        "adklmnstvxz",
    )
    middles = ["a", "e", "i", "o", "u", "ar", "en", "il", "ov", "un"]
    rare = iter(f"{a}{b}{c}" for a in starts for b in middles for c in ends)

    def given() -> str:
        return str(rng.choice(OFTEN)) if rng.random() < 0.5 else next(rare)

    names = [given() if rng.random() < 0.2 else f"{given()} {given()}" for _ in range(rows)]
    frame = pd.DataFrame(
        {
            "id": range(1, rows + 1),
            "given_name": names,
            "last_name": [f"Lastof{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(rows)],
        }
    )
    ddl = "CREATE TABLE people (id INTEGER PRIMARY KEY, given_name TEXT NOT NULL, last_name TEXT NOT NULL);"
    url = real.write(tmp_path_factory.mktemp("people") / "people", ddl, {"people": frame})
    return frame, fs.fit(url, seed=1).sample(seed=2)["people"]


def test_as_many_names_as_a_person_has(people: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    several = [frame["given_name"].str.contains(" ").mean() for frame in people]
    assert several[0] == pytest.approx(0.8, abs=0.05) and several[1] == pytest.approx(several[0], abs=0.1)


def test_names_that_many_share_come_as_often(people: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    shares = []
    for frame in people:
        words = Counter(" ".join(frame["given_name"]).split())
        shares.append(sum(words[w] for w in OFTEN) / sum(words.values()))
    assert shares[0] == pytest.approx(0.5, abs=0.05) and shares[1] == pytest.approx(shares[0], abs=0.15)


def test_nobody_s_own_name_comes(people: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rare = set(" ".join(people[0]["given_name"]).split()) - set(OFTEN)
    made = set(" ".join(people[1]["given_name"]).split()) - set(OFTEN)
    assert len(rare) > 300 and not rare & made
    assert not set(people[0]["last_name"]) & set(people[1]["last_name"])


def test_where_all_differ_one_language_is_not_enough(people: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    assert people[1]["last_name"].nunique() > 700  # of 900; of 1,000 names 590 would be expected
    assert not people[1]["last_name"].str.contains(r"\d").any()


def test_unique_names_have_no_digits_before_all_are_taken() -> None:
    own, wide = (len(pool("first_name", "en_US")) for pool in (faker_pool, wide_pool))
    assert wide > 4 * own and wide_pool("first_name", "ja_JP") is faker_pool("first_name", "ja_JP")


def test_stand_ins_of_names_are_names(tmp_path: Path) -> None:
    """First names that repeat: 600 different ones of which most come once; no digits make them differ."""
    rng = np.random.default_rng(8)
    middles, ends = ["ala", "eni", "oru", "ulo", "imi"], ["n", "s", "k", "t", "lo", "ra", "vi", "po"]
    some = [f"{a}{b}{c}" for a in "BDFGK" for b in middles for c in ends]
    own = list(rng.choice(some[:20], 500)) + [f"{s}{e}" for s in some for e in ("a", "e", "o", "u")][:550]
    frame = pd.DataFrame({"id": range(1, len(own) + 1), "first_name": own})
    ddl = "CREATE TABLE people (id INTEGER PRIMARY KEY, first_name VARCHAR(12) NOT NULL);"
    url = real.write(tmp_path / "people", ddl, {"people": frame})
    made = fs.fit(url, seed=1).sample(seed=2)["people"]["first_name"]
    assert not made.str.contains(r"\d").any()
    assert made.nunique() > 0.7 * frame["first_name"].nunique()


def test_nobody_s_name_and_no_town_s_is_torn(tmp_path: Path) -> None:
    """Names as long as the rows' own, from 8 to 40 letters, of whole names; towns end as a word may."""
    rng = np.random.default_rng(6)
    rows = 600
    long = rng.integers(8, 40, rows)

    def word(letters: int) -> str:
        return "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), letters)).capitalize()

    frame = pd.DataFrame(
        {
            "id": range(1, rows + 1),
            "full_name": [f"{word(n // 2 - 1)} {word(n - n // 2)}" for n in long.tolist()],
            "city": [word(n) for n in rng.integers(4, 12, rows).tolist()],
        }
    )
    ddl = "CREATE TABLE athletes (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, city TEXT NOT NULL);"
    made = fs.fit(real.write(tmp_path / "athletes", ddl, {"athletes": frame}), seed=1).sample(seed=2)["athletes"]
    pools = [faker_pool(token, "en_US").values.to_pylist() for token in ("first_name", "last_name")]
    known = {word for pool in pools for name in pool for word in name.split()}
    assert set(" ".join(made["full_name"]).split()) <= known
    assert made["full_name"].str.len().quantile(0.9) > 20 > 12 > made["full_name"].str.len().quantile(0.1)
    assert not made["city"].str.fullmatch("New|North|South|East|West|Port|Lake").any()
    assert made["city"].str.contains(r"(?i)[aeiouy][a-z]{0,4}$").all()
