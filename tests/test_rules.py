"""Rules as spaces: any cut of a table agrees, unique is unique, lengths hold, draws follow their weights."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.errors import CapacityError, SpecError
from fixturesynth.randomness import stream, words
from fixturesynth.rules.contract import ColumnContext, RuleCall, RuleRequest
from fixturesynth.rules.grammar import fold
from fixturesynth.rules.registry import RULES, capacity, space_of
from fixturesynth.rules.sampling import rank_words, sample_rule
from fixturesynth.schema.model import ColumnType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = ColumnType("text", "text")
# Rules that read other columns of the row. What they make may come twice: no unique column can be asked of them.
FOLLOWING = {"after", "gendered", "matching", "years_since"}
MANIFOLD = {"document", "elements"}  # made of many draws each, of which nobody can say that they differ
OPTIONS: Mapping[str, dict[str, Any]] = {
    "after": {"columns": ["born"], "gaps": [60, 3600], "until": "now"},
    "gendered": {"column": "first", "female": ["f"], "male": ["m", "x"]},
    "made_of": {"columns": ["first", "last"], "form": "mail", "otherwise": "email"},
    "matching": {"column": "file", "part": "mime"},
    "place": {"part": "city", "shared": "home"},
    "composed": {
        "pieces": [{"text": "C"}, {"column": "born", "part": "%Y"}, {"text": "-"}, {"rest": True}],
        "rest": {"counted": "table", "start": 1, "width": 0},
    },
    "years_since": {"column": "born"},
    "array": {"element": {"name": "email"}},
    "choices": {"values": ["a", "b", "c"], "weights": [5, 3, 1]},
    "document": {
        "node": {
            "types": [["object", 9]],
            "keys": [
                [
                    "n",
                    3,
                    {"types": [["integer", 5], ["null", 1]], "parts": {"integer": {"knots": [0, 900], "scale": 0}}},
                ],
                ["who", 0, {"types": [["string", 9]], "parts": {"string": {"rule": {"name": "full_name"}}}}],
            ],
        }
    },
    "elements": {
        "sizes": {"values": [0, 2], "weights": [1, 3]},
        "items": {"types": [["value", 7], ["null", 1]], "parts": {"value": {"rule": {"name": "words"}}}},
    },
    "constant": {"value": "x"},
    "email_from": {"first": "first", "last": "last"},
    "like": {"pattern": "A%_"},
    "mixture": {"rules": [{"name": "email", "weight": 3}, {"name": "phone", "weight": 1}]},
    "pattern": {"patterns": [["AA-999", 5], ["a9", 1]]},
    "regex": {"pattern": "^[A-Z]{2,4}-[0-9]+(x|yz)?$"},
    "set": {"values": ["red", "green", "blue"]},
    "template": {"template": "{first}-{rank}"},
    "word_text": {"words": [["Alpha", 5], ["beta", 3], ["Gamma", 1]], "lengths": [3, 20, 60]},
}
BINARY = ColumnType("bytes", "binary(16)", length=16)
TYPES: Mapping[str, ColumnType] = {
    "after": ColumnType("timestamp", "timestamp"),
    "array": ColumnType("array", "text[]", element=TEXT),
    "bytes": ColumnType("bytes", "bytea"),
    "dates": ColumnType("date", "date"),
    "document": ColumnType("json", "jsonb"),
    "elements": ColumnType("array", "text[]", element=TEXT),
    "decimals": ColumnType("decimal", "numeric(10,2)", precision=10, scale=2),
    "epochs": ColumnType("integer", "bigint", bits=64),
    "floats": ColumnType("float", "double precision"),
    "integers": ColumnType("integer", "integer", bits=32),
    "intervals": ColumnType("interval", "interval"),
    "range": ColumnType("range", "tstzrange"),
    "sequence": ColumnType("integer", "bigint", bits=64),
    "times": ColumnType("time", "time"),
    "timestamps": ColumnType("timestamp", "timestamptz", timezone=True),
    "years": ColumnType("year", "year"),
    "years_since": ColumnType("integer", "smallint", bits=16),
}


def context(name: str, **changes: Any) -> ColumnContext:
    given = {"type": TYPES.get(name, TEXT), "locale": "en_US", "now": NOW, **changes}
    return ColumnContext("people", "value", given["type"], given["locale"], given["now"])


def sample(
    name: str, ranks: Any, options: dict[str, Any] | None = None, *, unique: bool = False, seed: int = 7, **changes: Any
) -> pa.Array:
    ranks = np.asarray(ranks, np.int64)
    row = {
        "first": pa.array([f"Ann{r % 3}" for r in ranks], pa.string()),
        "last": pa.array(["Lee" if r % 5 else None for r in ranks], pa.string()),
        "born": pa.array([None if r % 4 == 3 else date(1950 + int(r % 50), 3, 9) for r in ranks], pa.date32()),
        "file": pa.array([("a.pdf", "b/c.png", None, "d")[r % 4] for r in ranks], pa.string()),
    }
    call = RuleCall(name, OPTIONS.get(name, {}) if options is None else options, unique=unique)
    return sample_rule(call, RuleRequest(seed, context(name, **changes), ranks, 0, row))


@pytest.mark.parametrize(
    ("name", "unique"), [(n, u) for n in sorted(RULES) for u in (False, True) if not (u and n in FOLLOWING | MANIFOLD)]
)
def test_any_cut_gives_the_same_values(name: str, unique: bool) -> None:
    size = capacity(RuleCall(name, OPTIONS.get(name, {}), unique), context(name)) if unique else 10**9
    # The step from one block of addresses to the next lies inside.
    start, rows = (65_536 - 350, 700) if size > 70_000 else (0, min(size, 700))
    whole = sample(name, np.arange(start, start + rows), unique=unique)
    cuts = sorted({0, 1, rows // 3, min(350, rows), rows})
    pieces = [sample(name, np.arange(start + a, start + b), unique=unique) for a, b in pairwise(cuts)]
    assert pa.concat_arrays(pieces).equals(whole)
    scattered = np.arange(0, rows, 7)
    assert sample(name, start + scattered, unique=unique).equals(whole.take(pa.array(scattered)))
    assert whole.null_count == 0


# Rules whose values follow from the row alone, or that columns of one address share.
FIXED = {"constant", "composed", "email_from", "template", "sequence", "made_of", "place"} | FOLLOWING


@pytest.mark.parametrize("name", sorted(FOLLOWING | MANIFOLD))
def test_what_follows_other_columns_cannot_be_unique(name: str) -> None:
    assert capacity(RuleCall(name, OPTIONS[name], unique=True), context(name)) == 0


@pytest.mark.parametrize("name", sorted(set(RULES) - FIXED))
def test_seeds_and_columns_differ(name: str) -> None:
    one = sample(name, range(300))
    assert not sample(name, range(300), seed=8).equals(one)
    call = RuleCall(name, OPTIONS.get(name, {}))
    other = ColumnContext("people", "other", TYPES.get(name, TEXT), "en_US", NOW)
    assert not sample_rule(call, RuleRequest(7, other, np.arange(300), 0, {})).equals(one)


@pytest.mark.parametrize(
    ("name", "options", "changes"),
    [
        ("choices", None, {}),
        ("dates", {"low": "2024-01-01", "high": "2024-12-31"}, {}),
        ("decimals", {"low": "-1.5", "high": 3, "scale": 2}, {}),
        ("integers", {"low": -7, "high": 900, "step": 3}, {}),
        ("times", None, {}),
        ("years", None, {}),
        ("set", None, {}),
        ("pattern", {"patterns": [["A9", 3], ["a-9", 1]]}, {}),
        ("regex", {"pattern": "[ab]{1,4}(c|dd)"}, {}),
        ("bits", {"length": 9}, {}),
        ("bytes", {"length": 1}, {}),
        ("hex", {"length": 3}, {}),
        ("labels", {}, {"type": ColumnType("text", "varchar(8)", length=8)}),
        ("first_name", {}, {"type": ColumnType("text", "varchar(5)", length=5)}),
        ("email", {}, {"type": ColumnType("text", "varchar(18)", length=18)}),
        ("text", {}, {"type": ColumnType("text", "varchar(9)", length=9)}),
        ("word_text", {"words": ["one", "two", "Two", "six"], "lengths": [4, 15]}, {}),
    ],
)
def test_capacity_is_exact(name: str, options: dict[str, Any] | None, changes: dict[str, Any]) -> None:
    """A whole space has no value twice, also without case and accents, and ends where it says."""
    call = RuleCall(name, OPTIONS.get(name, {}) if options is None else options, unique=True)
    size = capacity(call, context(name, **changes))
    assert 0 < size < 50_000
    values = sample(name, range(size), options, unique=True, **changes).to_pylist()
    assert len({fold(v) if isinstance(v, str) else v for v in values}) == size
    with pytest.raises(CapacityError, match=r"people.value.*distinct values"):
        sample(name, range(size + 1), options, unique=True, **changes)


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP"])
@pytest.mark.parametrize(
    "name",
    ["company", "email", "full_name", "hex", "labels", "phone", "slug", "street", "text", "url", "username", "uuid"],
)
def test_many_unique_texts_differ_for_every_collation(name: str, locale: str) -> None:
    call = RuleCall(name, {}, unique=True)
    rows = min(30_000, capacity(call, context(name, locale=locale)))
    assert rows >= 10_000 or name in ("phone", "street")
    values = sample(name, range(rows), {}, unique=True, locale=locale).to_pylist()
    assert len({fold(v) for v in values}) == rows


def test_plain_values_come_before_numbered_ones() -> None:
    size = len(set(sample("last_name", range(5000), {}).to_pylist()))
    values = sample("last_name", range(9000), {}, unique=True).to_pylist()
    numbered = [bool(re.search(r"\d$", v)) for v in values]
    first = numbered.index(True)
    assert first >= size and all(numbered[first:])
    assert len(set(values)) == 9000


@pytest.mark.parametrize(
    "name",
    sorted(
        n
        for n in RULES
        if n not in TYPES and n not in ("array", "constant", "geometry", "set", "template", "xml", "tsvector", "json")
    ),
)
@pytest.mark.parametrize("unique", [False, True])
def test_lengths_hold_and_nothing_is_truncated_into_duplicates(name: str, unique: bool) -> None:
    for length in (1, 2, 3, 5, 8, 13, 21, 34):
        kind = ColumnType("text", f"varchar({length})", length=length)
        if name == "choices":
            kind = ColumnType("text", f"varchar({length})", length=length)
        call = RuleCall(name, OPTIONS.get(name, {}), unique)
        rows = min(400, capacity(call, context(name, type=kind))) if unique else 400
        if capacity(call, context(name, type=kind)) == 0:
            # No room for a whole uuid or key or a whole name; what the row does not tell apart is never unique.
            assert (name in {"uuid", "encoded"} and length < 32) or name in {"made_of", "place"} | FOLLOWING
            assert length < 34 or name in FOLLOWING
            continue
        values = sample(name, range(rows), unique=unique, type=kind).to_pylist()
        assert max(map(len, values)) <= length, (length, values[:3])
        if unique:
            assert len({fold(v) for v in values}) == rows


@given(
    st.integers(0, 40), st.integers(0, 40), st.sampled_from(["text", "words", "email", "slug", "labels", "full_name"])
)
@settings(max_examples=60)
def test_least_and_most_characters(low: int, width: int, name: str) -> None:
    most = max(1, low + width)
    values = sample(name, range(50), {"min_length": low, "max_length": most}).to_pylist()
    assert all(low <= len(v) <= most for v in values), values[:3]


def test_octets_are_counted_in_bytes() -> None:
    values = sample("full_name", range(500), {"max_length": 13, "octets": True}, locale="ja_JP").to_pylist()
    assert max(len(v.encode()) for v in values) <= 13
    assert any(not v.isascii() for v in values)


def test_case_options() -> None:
    for name in ("full_name", "text", "company", "word_text"):
        options = {**OPTIONS.get(name, {}), "case": "upper"}
        assert all(v == v.upper() for v in sample(name, range(100), options).to_pylist())


def test_words_of_ranks_are_one_stream() -> None:
    whole = words(stream(3, "t", "c"), 200_000)
    assert np.array_equal(rank_words(np.arange(200_000), 3, "t", "c"), whole)
    for ranks in ([0], [1, 2, 3], [65_535, 65_536], [5, 9, 131_071, 131_073, 199_999]):
        assert np.array_equal(rank_words(np.array(ranks), 3, "t", "c"), whole[ranks])


@pytest.mark.parametrize(
    "name", sorted(set(RULES) - {"dates", "timestamps", "epochs", "array", "email_from", "template"})
)
def test_zero_words_draw_the_simplest_value(name: str) -> None:
    space = space_of(RuleCall(name, OPTIONS.get(name, {})), context(name))
    if space.draw is not None:
        assert space.draw(np.zeros(2, np.uint64)).tolist() == [0, 0]


def test_draws_follow_their_weights() -> None:
    counts = Counter(sample("choices", range(90_000)).to_pylist())
    assert [round(counts[v] / 10_000, 1) for v in "abc"] == pytest.approx([5, 3, 1], abs=0.1)
    shapes = Counter(len(v) for v in sample("pattern", range(60_000)).to_pylist())
    assert shapes[6] / 60_000 == pytest.approx(5 / 6, abs=0.01)
    names = Counter(sample("first_name", range(60_000), {}).to_pylist())
    assert names.most_common(1)[0][0] in {"Michael", "James", "Robert", "John", "David", "Mary", "Jennifer"}


def test_quantiles_shape_numbers() -> None:
    made = sample("integers", range(40_000), {"low": 0, "high": 1000, "quantiles": [0, 10, 100, 1000]}).to_numpy()
    assert np.quantile(made, [1 / 3, 2 / 3]) == pytest.approx([10, 100], rel=0.1)
    assert (made.min(), made.max()) == (0, 1000)
    spikes = sample("integers", range(9000), {"low": 1, "high": 9, "quantiles": [1, 1, 1, 9]}).to_numpy()
    assert (spikes == 1).mean() == pytest.approx(2 / 3 + 1 / 27, abs=0.02)


def test_prices_end_as_prices_do() -> None:
    values = sample("decimals", range(20_000), {"low": 1, "high": 80, "endings": "price"}).to_pylist()
    share = sum(v % 1 == Decimal("0.99") for v in values) / len(values)
    assert 0.3 < share < 0.5
    assert min(values) >= 1 and max(values) <= 80


@pytest.mark.parametrize("precision", [1, 2, 5, 18, 19, 38])
@pytest.mark.parametrize("scale", [0, 1, 4])
def test_decimals_fit_their_type(precision: int, scale: int) -> None:
    if scale > precision:
        return
    kind = ColumnType("decimal", f"numeric({precision},{scale})", precision=precision, scale=scale)
    values = sample("decimals", range(300), {"low": -(10**20), "high": 10**20}, type=kind).to_pylist()
    assert all(abs(v) < 10 ** (precision - scale) and v == round(v, scale) for v in values)


@given(
    st.sampled_from(
        [
            "[a-c]x?",
            "(ab|cd){2}",
            r"\d{3}-\d{4}",
            "[^@ ]+@[a-z]+[.]com",
            "A.*Z",
            r"^\w+(,\w+)*$",
            "[[:alpha:]]{2,5}",
            r"(?:0[1-9]|1[0-2])/[0-9]{2}",
            "x{0,3}y+",
            r"\+?[1-9][0-9]{1,14}",
            "[A-Z][a-z]*( [A-Z][a-z]*)?",
            "a||b",
        ]
    ),
    st.booleans(),
)
def test_regular_expressions_match_their_oracle(pattern: str, unique: bool) -> None:
    oracle = re.compile(pattern.replace("[[:alpha:]]", "[A-Za-z]"))
    rows = min(200, capacity(RuleCall("regex", {"pattern": pattern}, unique), context("regex")))
    values = sample("regex", range(rows), {"pattern": pattern}, unique=unique).to_pylist()
    assert [v for v in values if not oracle.fullmatch(v)] == []


@pytest.mark.parametrize("pattern", ["(?=a)b", "a{2", "[z-a]", "(a", "a)", r"\1", "*a", "[abc", "a\\"])
def test_regular_expressions_that_are_not_understood(pattern: str) -> None:
    with pytest.raises(SpecError, match="regular expression"):
        sample("regex", range(3), {"pattern": pattern})


@pytest.mark.parametrize("pattern", ["A%", "%@%", "__-%", r"100\%", "x", "%"])
def test_like_patterns_match_in_sqlite(pattern: str) -> None:
    values = sample("like", range(100), {"pattern": pattern}).to_pylist()
    with sqlite3.connect(":memory:") as database:
        assert all(database.execute(r"SELECT ? LIKE ? ESCAPE '\'", (v, pattern)).fetchone()[0] for v in values)


def test_json_is_json_with_the_keys_asked_for() -> None:
    keys = {'a "quoted" key': "integer", "naïve": "date", "n": "number", "s": ["x", 'y"z'], "f": "boolean"}
    for value in sample("json", range(200), {"keys": keys}).to_pylist():
        assert list(json.loads(value)) == list(keys)
    for length in (2, 5, 12, 40):
        kind = ColumnType("text", f"varchar({length})", length=length)
        assert all(isinstance(json.loads(v), dict) for v in sample("json", range(50), {}, type=kind).to_pylist())


def test_texts_keep_to_their_quantiles() -> None:
    lengths = [20, 40, 60, 80, 120]
    values = sample("text", range(4000), {"lengths": lengths}).to_pylist()
    made = np.quantile([len(v) for v in values], [0, 0.25, 0.5, 0.75, 1])
    assert np.abs(made - np.array(lengths)).max() <= 14
    assert all(v[0].isupper() and v.endswith(".") for v in values)
    with_words = sample("word_text", range(500)).to_pylist()
    assert {w for v in with_words for w in v.split()} == {"Alpha", "beta", "Gamma"}


def test_moments_lie_in_their_window() -> None:
    for name in ("dates", "timestamps"):
        options = {"low": "2025-03-01", "high": "2025-03-04", "recent": True}
        values = sample(name, range(3000), options).to_pylist()
        days = Counter(str(v)[:10] for v in values)
        assert min(days) == "2025-03-01" and max(days) <= "2025-03-04"
        assert days["2025-03-03"] > days["2025-03-01"]
    hours = Counter(v.hour for v in sample("timestamps", range(20_000), {}).to_pylist())
    assert hours[10] > 5 * hours[3]


def test_moments_in_text_are_iso() -> None:
    value = sample("timestamps", [0], {}, type=TEXT)[0].as_py()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value)


def test_templates_and_emails_follow_the_row() -> None:
    assert sample("template", [0, 5], {"template": "{first}/{rank}"}).to_pylist() == ["Ann0/1", "Ann2/6"]
    assert sample("email_from", [1, 2]).to_pylist() == ["ann1.lee@example.com", "ann2.lee@example.com"]
    unique = sample("email_from", range(2000), unique=True).to_pylist()
    assert len(set(unique)) == 2000
    with pytest.raises(SpecError, match="needs column 'missing'"):
        sample("template", [0], {"template": "{missing}"})


def test_uuids_have_the_shape_of_version_four() -> None:
    form = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(form.fullmatch(v) for v in sample("uuid", range(1000), unique=True).to_pylist())
    assert {len(v) for v in sample("uuid", range(9), type=BINARY).to_pylist()} == {16}


@pytest.mark.parametrize(("locale", "sign"), [("ja_JP", r"[\u3040-\u30ff\u4e00-\u9fff]"), ("de_DE", "[äöüß]")])
def test_locales_have_their_letters(locale: str, sign: str) -> None:
    names = sample("full_name", range(3000), {}, locale=locale).to_pylist()
    assert any(re.search(sign, n) for n in names)
    emails = sample("email", range(3000), {}, locale=locale).to_pylist()
    assert all(e.isascii() and re.fullmatch(r"[a-z]+\.[a-z]+@example\.(com|org|net)", e) for e in emails)


def test_mistakes_are_named() -> None:
    with pytest.raises(SpecError, match=r"people.value: no rule 'emial': did you mean 'email'"):
        sample("emial", [0], {})
    with pytest.raises(SpecError, match="no locale 'en_XX'"):
        sample("email", [0], {}, locale="en_XX")
    with pytest.raises(SpecError, match="option 'pattern' is missing"):
        sample("regex", [0], {})
    with pytest.raises(SpecError, match="no value between low=9 and high=3"):
        sample("integers", [0], {"low": 9, "high": 3})
    with pytest.raises(SpecError, match=r"choose another rule|do not fit"):
        sample("email", [0], {}, type=ColumnType("integer", "integer", bits=32))
    assert len(sample("email", [], {})) == 0


def test_values_are_pinned() -> None:
    """The same bytes on every machine and in every release of the same rule version."""
    pinned = {
        "uuid": sample("uuid", [0, 70_000], unique=True).to_pylist(),
        "integers": sample("integers", [0, 70_000]).to_pylist(),
        "pattern": sample("pattern", [0, 70_000]).to_pylist(),
        "text": sample("text", [3], {"lengths": [20, 30], "words": ["one", "two", "three"]}).to_pylist(),
    }
    assert pinned == PINNED


PINNED: dict[str, list[Any]] = {
    "uuid": ["c95a7df9-c5e5-4534-9e5e-13fe3ab35275", "9325f25e-ba34-43b9-9260-d0f2e6a0abee"],
    "integers": [85, 399],
    "pattern": ["QU-920", "UJ-808"],
    "text": ["Three three two three."],
}


@pytest.mark.parametrize("locale", ["es_CL", "fr_FR", "en_GB", "zh_CN", "ru_RU", "pt_BR"])
def test_locales_make_every_personal_rule(locale: str) -> None:
    for name in ("phone", "postal_code", "city", "street", "company", "full_name", "state", "job_title", "country"):
        values = sample(name, range(60), {}, locale=locale).to_pylist()
        assert len(set(values)) > 10, name
        assert not [v for v in values if re.search(r"[{}#%$]|\n", v) or v != v.strip()], name


def test_bytes_are_as_long_as_the_lengths_say() -> None:
    """Half of the contents empty, the rest up to 40 bytes; content that is always empty stays so."""
    values = sample("bytes", range(4_000), {"lengths": [0, 0, 0, 20, 40]}).to_pylist()
    widths = np.array([len(v) for v in values])
    assert 0.45 < (widths == 0).mean() < 0.55
    assert widths.max() == 40 and len(set(values)) > 1_900
    assert set(sample("bytes", range(9), {"lengths": [0, 0, 0]}).to_pylist()) == {b""}
