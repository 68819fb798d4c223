"""Planted bugs in code over each published schema: found, and shrunk to the smallest database that shows them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import REPOSITORY
from hypothesis import find, settings

from fixturesynth.strategies import from_schema

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
QUIET = settings(max_examples=4000, database=None, derandomize=True, deadline=None)


def smallest(schema: str, table: str, fails: Callable[[Rows], bool]) -> Rows:
    """The dataset to which Hypothesis shrinks, tables without rows left out."""
    path = REPOSITORY / "schemas" / f"{schema}.sql"
    found: Rows = find(from_schema(path, [table]), fails, settings=QUIET)
    return {name: rows for name, rows in found.items() if rows}


def counts(rows: Rows) -> dict[str, int]:
    return {name: len(some) for name, some in rows.items()}


# -- an inner join drops the rows whose reference is NULL -------------------------------------------------------------
@pytest.mark.parametrize(
    ("schema", "table", "column", "expected"),
    [
        ("shop", "reviews", "customer_id", {"categories": 1, "products": 1, "reviews": 1}),
        ("bank", "loans", "officer_id", {"branches": 1, "customers": 1, "accounts": 1, "loans": 1}),
        ("clinic", "lab_results", "appointment_id", {"patients": 1, "lab_results": 1}),
        ("saas", "audit_events", "actor_id", {"users": 1, "organisations": 1, "audit_events": 1}),
    ],
)
def test_a_join_that_drops_rows(schema: str, table: str, column: str, expected: dict[str, int]) -> None:
    def total(rows: Rows) -> bool:
        joined = [r for r in rows[table] if r[column] is not None]
        return len(joined) != len(rows[table])

    found = smallest(schema, table, total)
    assert counts(found) == expected
    assert found[table][0][column] is None


# -- a sum over a tree that looks at parents and not at theirs --------------------------------------------------------
@pytest.mark.parametrize(
    ("schema", "table", "parent"),
    [
        ("shop", "categories", "parent_id"),
        ("bank", "employees", "supervisor_id"),
        ("clinic", "doctors", "mentor_id"),
        ("saas", "organisations", "parent_id"),
    ],
)
def test_a_sum_over_a_self_reference(schema: str, table: str, parent: str) -> None:
    def descendants(rows: Rows, root: Any) -> int:
        below = [r["id"] for r in rows[table] if r[parent] == root]
        return len(below) + sum(descendants(rows, child) for child in below)

    def fails(rows: Rows) -> bool:
        children = {r["id"]: sum(o[parent] == r["id"] for o in rows[table]) for r in rows[table]}
        return any(descendants(rows, root) != number for root, number in children.items())

    found = smallest(schema, table, fails)
    rows = found[table]
    assert len(rows) == 3
    first, second, third = (r["id"] for r in rows)
    assert [r[parent] for r in rows] == [None, first, second]
    assert third not in (first, second)
    assert all(len(some) == 1 for name, some in found.items() if name != table)


@pytest.mark.parametrize("start", [0, 2, 21, 25, 29])
def test_a_row_between_child_and_parent_goes(start: int, tmp_path: Path) -> None:
    """From these starts a row without references was left over: without it, the chain's last one had another parent."""
    path = tmp_path / "parts.sql"
    path.write_text(
        "CREATE TABLE parts (id integer PRIMARY KEY, part_of integer REFERENCES parts (id), "
        "note varchar(40), made_at timestamp NOT NULL)"
    )

    def has_grandchild(rows: Rows) -> bool:
        up = {r["id"]: r["part_of"] for r in rows["parts"]}
        return any(up.get(parent) is not None for parent in up.values())

    quiet = settings(max_examples=4000, database=None, deadline=None)
    rows = find(from_schema(path, ["parts"]), has_grandchild, settings=quiet, random=Random(start))["parts"]
    assert [r["part_of"] for r in rows] == [None, rows[0]["id"], rows[1]["id"]]


# -- something is taken for unique that is not ------------------------------------------------------------------------
def test_an_address_that_a_deleted_customer_had_before() -> None:
    found = smallest("shop", "customers", lambda d: len({c["email"] for c in d["customers"]}) < len(d["customers"]))
    assert counts(found) == {"customers": 2}
    assert [c["email"] for c in found["customers"]] == ["", ""]
    # The unique index leaves deleted customers out, so one of the two must be.
    assert sorted(c["deleted_at"] is None for c in found["customers"]) == [False, True]


@pytest.mark.parametrize(
    ("schema", "table", "column", "expected"),
    [
        ("bank", "customers", "city", {"customers": 2}),
        ("clinic", "medicines", "name", {"medicines": 2}),
        ("saas", "projects", "name", {"users": 1, "organisations": 1, "projects": 2}),
    ],
)
def test_a_uniqueness_assumption(schema: str, table: str, column: str, expected: dict[str, int]) -> None:
    def fails(rows: Rows) -> bool:
        values = [r[column] for r in rows[table] if r[column] is not None]
        return len(set(values)) < len(values)

    found = smallest(schema, table, fails)
    assert counts(found) == expected
    assert [r[column] for r in found[table]] == ["", ""]


# -- moments are taken for local time, two hours ahead ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("schema", "table", "column", "expected"),
    [
        ("shop", "orders", "placed_at", {"customers": 1, "orders": 1}),
        ("bank", "transfers", "booked_at", {"branches": 1, "accounts": 2, "transfers": 1}),
        ("clinic", "lab_results", "taken_at", {"patients": 1, "lab_results": 1}),
        ("saas", "audit_events", "happened_at", {"users": 1, "organisations": 1, "audit_events": 1}),
    ],
)
def test_a_time_zone(schema: str, table: str, column: str, expected: dict[str, int]) -> None:
    def fails(rows: Rows) -> bool:
        return any((r[column] + timedelta(hours=2)).date() != r[column].date() for r in rows[table])

    found = smallest(schema, table, fails)
    assert counts(found) == expected
    assert found[table][0][column] == datetime(1999, 12, 31, 23, 59, 59)


# -- a limit that a check includes is left out ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("schema", "table", "column", "limit"),
    [
        ("shop", "addresses", "number", 9),
        ("bank", "employees", "salary", Decimal("400000.00")),
        ("clinic", "departments", "floor", 20),
        ("saas", "tasks", "priority", 5),
    ],
)
def test_an_off_by_one_at_the_limit_of_a_check(schema: str, table: str, column: str, limit: Any) -> None:
    found = smallest(schema, table, lambda d: any(r[column] is not None and r[column] >= limit for r in d[table]))
    assert len(found[table]) == 1
    assert found[table][0][column] == limit
    assert all(len(rows) == 1 for rows in found.values())


def test_an_order_with_one_customer() -> None:
    found = smallest("shop", "orders", lambda d: bool(d["orders"]))
    assert found == {
        "customers": [
            {
                "id": 1, "email": "", "first_name": "", "last_name": "", "phone": None, "birth_date": None,
                "newsletter": False, "created_at": datetime(2000, 1, 1), "deleted_at": None,
            }
        ],
        "orders": [
            {
                "id": 1, "customer_id": 1, "address_number": None, "number": "", "status": "open",
                "placed_at": datetime(2000, 1, 1), "shipped_at": None, "total": Decimal("0.00"),
            }
        ],
    }  # fmt: skip
