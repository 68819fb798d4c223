"""How texts are written is learned and kept: codes, masks, case, blanks, emails; nothing of few entities is stored."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from faker.providers.address.en_US import Provider

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.serialisation import from_json, to_json
from fixturesynth.profiling.texts import code_texts
from fixturesynth.profiling.writing import TEMPLATES, fill_template, find_spelling, find_writing
from fixturesynth.schema.model import Column, ColumnType, Schema, Table
from fixturesynth.synthesizer import Synthesizer, fit

FIRST = ("Ann", "Bob", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hana", "Ivo", "Jana")
LAST = ("Lee", "Marsh", "North", "Ode", "Pratt", "Quill", "Rowe", "Stone", "Thorn", "Urban", "Vale")


def writing(texts: list[str], protection: int = 5) -> dict[str, object]:
    return dict(find_writing(code_texts(pa.array(texts, pa.large_string()), Protector(protection))) or {})


def test_counted_codes_are_told_from_others() -> None:
    rows = [f"Clerk#{i:06}" for i in range(40, 100)]
    assert writing(rows)["counter"] == {
        "prefix": "Clerk#", "suffix": "", "width": 6, "low": 44, "high": 95, "start": 40,
    }  # fmt: skip
    assert "start" not in writing(rows[::2] * 2)["counter"]  # type: ignore[operator]
    assert writing([f"{i}/x" for i in range(5, 50)])["counter"]["width"] == 0  # type: ignore[index]
    assert "counter" not in writing([*rows, "Boss"])
    assert "counter" not in writing([str(10_000 + i) for i in range(60)])  # bare digits may be anything
    assert "counter" not in writing(rows[:4])  # of too few


@pytest.mark.parametrize(
    ("texts", "case"),
    [(["ACADEMY DINOSAUR", "ÉTÉ 3"], "upper"), (["big red", "été"], "lower"), (["Big Red"], None), (["12", "-"], None)],
)
def test_case_is_that_of_nearly_all(texts: list[str], case: str | None) -> None:
    assert writing(texts * 10).get("case") == case


def test_blanks_and_marks_are_shares() -> None:
    found = writing([" one, two three."] * 30 + ["one two three "] * 10)
    assert (found["lead"], found["trail"]) == (750, 250)
    assert found["final"] == [[".", 750]]
    assert found["marks"] == [[",", 250]]


def test_habits_of_few_entities_are_not_told() -> None:
    texts = [f"(0{i % 10}) 5{i % 7}{i % 9}" for i in range(60)] + ["+999-77777777"] * 3
    assert all("-" not in str(mask) for mask, _ in writing(texts)["masks"])  # type: ignore[attr-defined]
    mails = [f"a{i}@many.org" for i in range(40)] + [f"b{i}@few.io" for i in range(4)]
    assert writing(mails)["domains"] == [["many.org", 40], ["", 4]]
    one = Protector.of(5, np.zeros(44, dtype=np.int64))  # all of one person
    assert find_writing(code_texts(pa.array(mails, pa.large_string()), one)) is None


@pytest.mark.parametrize("template", TEMPLATES)
def test_emails_are_seen_to_be_spelled_by_names(template: str) -> None:
    first = pa.array([FIRST[i % 10] for i in range(80)], pa.large_string())
    last = pa.array([LAST[i % 11] for i in range(80)], pa.large_string())
    parts = {"first": first, "last": last}
    parts |= {"f": pa.array([str(n)[0] for n in first], pa.large_string())}
    parts |= {"l": pa.array([str(n)[0] for n in last], pa.large_string())}
    local = fill_template(template, parts).to_pylist()
    mails = [f"{t.upper() if i % 2 else t}{i if i % 3 == 0 else ''}@x.org" for i, t in enumerate(local)]
    found = find_spelling(pa.array(mails, pa.large_string()), first, last, Protector(5))
    assert found == (template, 1000)
    assert find_spelling(pa.array(mails[:4], pa.large_string()), first[:4], last[:4], Protector(5)) is None


def test_no_domain_and_no_mask_of_few_is_in_a_profile() -> None:
    rows = 300
    frame = pd.DataFrame(
        {
            "id": range(rows),
            "email": [f"u{i * 7919 % 1000}@{'secret-club.net' if i < 4 else 'mail.org'}" for i in range(rows)],
            "phone": [f"++{i}==777" if i in (3, 4, 5) else f"({i * 37 % 900 + 100}) 555" for i in range(rows)],
            "code": [f"{'Zq' if i < 3 else 'Lot-'}{i:05}" for i in range(rows)],
        }
    )
    kinds = {"id": ColumnType("integer", "integer")}
    text = ColumnType("text", "text")
    table = Table("people", tuple(Column(n, kinds.get(n, text)) for n in frame))
    profile = profile_dataset(Dataset({"people": pa.Table.from_pandas(frame)}), Schema((table,)), seed=1)
    told = to_json(profile)
    assert "mail.org" in told
    assert "secret-club" not in told and "==" not in told and "Zq" not in told
    assert from_json(told) == profile


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Synthesizer, pd.DataFrame]:
    """Six hundred customers whose texts all have habits."""
    path: Path = tmp_path_factory.mktemp("writing") / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(5))
    connection = sqlite3.connect(path)
    connection.execute("""
        CREATE TABLE customers (id INTEGER PRIMARY KEY, c_name TEXT NOT NULL, first_name TEXT, last_name TEXT,
                                email TEXT, phone TEXT, country TEXT, title TEXT, clerk TEXT, comment TEXT, fax TEXT)
    """)
    rows = []
    for i in range(600):
        first, last = f"{FIRST[i % 10]}{'abcdefghij'[i // 60]}", f"{LAST[i % 11]}{'klmnop'[i % 6]}"
        domain = "shop.org" if i % 4 else "home.net" if i % 8 else f"own{i}.com"
        country = "Peru" if i % 5 == 0 else f"Land {chr(65 + i % 120 % 26)}{chr(97 + i % 120 // 26)}"
        phone = f"{source.integers(10, 34)}-{source.integers(100, 999)}-{source.integers(1000, 9999)}"
        words = " ".join(("QUIET", "HARBOR", "LAMP", "RIVER", "STONE")[k] + "AEIOU"[i % 5] for k in (i % 3, i % 4, 4))
        comment = f" {'quick deposits sleep ' * (1 + i % 4)}among, foxes."
        rows.append(
            (i + 1, f"Customer#{i + 1:09}", first, last, f"{first[0].lower()}{last.lower()}@{domain}",
             phone if i % 3 else f"+1 ({phone[3:6]}) {phone[-4:]}", country, words,
             f"Clerk#{source.integers(1, 200):05}", comment, f"({phone[3:6]}) {phone[-4:]}")
        )  # fmt: skip
    connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    model = fit(f"sqlite:///{path}", seed=2)
    return model, model.sample(seed=4)["customers"]


def test_codes_win_over_what_a_name_means(shop: tuple[Synthesizer, pd.DataFrame]) -> None:
    rows = shop[1]
    assert rows["c_name"].tolist() == [f"Customer#{i + 1:09}" for i in range(600)]
    clerks = rows["clerk"].str.removeprefix("Clerk#")
    assert clerks.str.fullmatch(r"\d{5}").all()
    assert clerks.astype(int).between(1, 199).all()
    assert clerks.nunique() > 100


def test_masks_of_phones_come_in_their_shares(shop: tuple[Synthesizer, pd.DataFrame]) -> None:
    masks = Counter(re.sub(r"\d", "9", p) for p in shop[1]["phone"])
    assert set(masks) == {"99-999-9999", "+9 (999) 9999"}
    assert masks["99-999-9999"] == pytest.approx(400, abs=50)
    assert shop[1]["fax"].str.fullmatch(r"\(\d{3}\) \d{4}").all()


def test_emails_spell_the_rows_names_at_known_domains(shop: tuple[Synthesizer, pd.DataFrame]) -> None:
    rows = shop[1]
    local, domain = rows["email"].str.split("@", expand=True).T.to_numpy()
    spelled = (rows["first_name"].str[0] + rows["last_name"]).str.lower().str.replace(r"[^a-z0-9]", "", regex=True)
    assert np.mean(local == spelled.to_numpy()) > 0.95
    shares = Counter(domain)
    # Mail to any of them reaches nobody; domains that one row has are not told.
    assert set(shares) == {"shop.example", "home.example", "example.com"}
    assert shares["shop.example"] == pytest.approx(450, abs=40)


def test_case_blanks_and_marks_are_kept(shop: tuple[Synthesizer, pd.DataFrame]) -> None:
    rows = shop[1]
    assert rows["title"].str.isupper().all()
    assert rows["comment"].str.startswith(" ").all() and rows["comment"].str.endswith(".").all()
    assert rows["comment"].str.count(",").mean() == pytest.approx(1, abs=0.3)
    assert rows["comment"].str.len().mean() == pytest.approx(17 + 21 * 2.5, abs=6)


def test_common_values_keep_their_share_and_stand_ins_take_the_rest(shop: tuple[Synthesizer, pd.DataFrame]) -> None:
    model, rows = shop
    shares = rows["country"].value_counts()
    assert shares["Peru"] == pytest.approx(120, abs=25)
    real = 1 + len({i % 120 for i in range(600) if i % 5})
    assert 0.7 * real <= len(shares) <= real
    assert shares.drop("Peru").max() < 60
    assert model.plan["customers"].column("country").source is not None


def test_values_that_are_stored_beyond_the_coded_ones_need_no_stand_ins(tmp_path: Path) -> None:
    """Four hundred codes of ten rows each: all are known, though only 256 have a code of their own."""
    connection = sqlite3.connect(tmp_path / "rows.sqlite")
    connection.execute("CREATE TABLE lots (id INTEGER PRIMARY KEY, lot TEXT NOT NULL, place TEXT NOT NULL)")
    rows = [(i, f"Lot {i * 7 % 400:03}", "xy"[i % 2]) for i in range(4000)]
    rows += [(4000 + i, f"Rest {i}", "x") for i in range(40)]
    connection.executemany("INSERT INTO lots VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    made = fit(f"sqlite:///{tmp_path / 'rows.sqlite'}", seed=1).sample(seed=2)["lots"]["lot"]
    known = made.isin({f"Lot {i:03}" for i in range(400)})
    assert made[known].nunique() > 380
    assert (~known).sum() == pytest.approx(40, abs=25)
    assert made.value_counts().max() < 40


# -- stand-ins --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("column", "frequent", "rare", "shape"),
    [
        (
            "profile",
            ["H0-A", "H0-L", "G1-B", "lv_rural1", "lv_rural2"],
            ["G7-M", "lv_rural9"],
            r"[HG]\d-[ALB]|lv_rural\d",
        ),
        ("mode", ["B-", "B+", "2n", "2p", "EC"], ["3p", "SF"], r"\d[a-z]|[A-Z][-+A-Z]"),
        ("outcome", ["Off Target", "Saved Twice", "Blocked"], ["Post Hit"], r"((Off|Target|Saved|Twice|Blocked)\b ?)+"),
        ("subnet", ["LV1.101", "LV1.102", "MV3.101"], ["LV2.104"], r"[LM]V\d\.10\d"),
    ],
)
def test_stand_ins_are_written_as_the_stored_values(
    tmp_path: Path, column: str, frequent: list[str], rare: list[str], shape: str
) -> None:
    """The column's name suggests names of people, ways of working or addresses: the values say otherwise."""
    rng = np.random.default_rng(4)
    values = [*rng.choice(frequent, 3_000).tolist(), *(r for r in rare for _ in range(3))]
    frame = pd.DataFrame({"id": range(len(values)), column: values, "amount": rng.integers(0, 90, len(values))})
    made = fit({"t": frame}, seed=2).sample(rows={"t": 30_000}, seed=2)["t"][column]
    new = set(made) - set(frequent)
    assert new and all(re.fullmatch(shape, value) for value in new), new


def test_stand_ins_come_from_the_list_of_the_world_that_the_stored_values_are_of(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    values = [*rng.choice(["TX", "CA", "NY", "OH", "WA"], 2_000).tolist(), *["ND", "ID", "RI"] * 3]
    frame = pd.DataFrame({"id": range(len(values)), "state": values, "amount": rng.integers(0, 90, len(values))})
    made = fit({"t": frame}, seed=2).sample(rows={"t": 30_000}, seed=2)["t"]["state"]
    new = set(made) - set(values[:2_000])
    assert new and new <= {
        *Provider.states_abbr,
        *Provider.territories_abbr,
        *Provider.freely_associated_states_abbr,
        "DC",
    }


# -- codes ------------------------------------------------------------------------------------------------------------
def test_long_codes_of_capitals_are_codes() -> None:
    """Capitals alone, all of one length, are no words, however long they are."""
    letters = "ABCDEFGHIJKLMNOP"
    values = [f"AAAAAAAA{letters[i % 16]}{letters[i // 16 % 16]}{letters[i // 256]}AAAAA" for i in range(600)]
    made = fit({"t": pd.DataFrame({"code": values, "n": range(600)})}, seed=1).sample(seed=1)["t"]["code"]
    assert made.is_unique and all(re.fullmatch(r"A{8}[A-Z]{3}A{5}", value) for value in made)


def test_places_with_few_letters_keep_them() -> None:
    """``L`` and ``M`` are the only letters before the ``V``: no code begins with another one."""
    values = [f"{'LM'[i % 2]}V{i % 9}.{i % 97:03} Bus {i:05}" for i in range(900)]
    made = fit({"t": pd.DataFrame({"code": values, "n": range(900)})}, seed=1).sample(seed=1)["t"]["code"]
    assert {value[:2] for value in made} == {"LV", "MV"}
