"""Small schemas whose rows do not come by themselves: seeded into the real servers, audited from their catalogues."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from random_schemas import RandomSchema
from test_random_schemas import seed, standing

from fixturesynth.sampling.weaving import weave

ALL = ("postgresql", "mysql", "sqlite")
Seeded = Callable[..., dict[str, list[tuple[object, ...]]]]


@pytest.fixture
def seeded(request: pytest.FixtureRequest) -> Iterator[Seeded]:
    """A function: tables in a dialect, seeded without a violation, to their rows."""

    def put(dialect: str, *tables: str, rows: int = 30) -> dict[str, list[tuple[object, ...]]]:
        url: str = request.getfixturevalue(f"{dialect}_database")
        if dialect == "sqlite":
            Path(url.removeprefix("sqlite:///")).touch()
        names = tuple(dict.fromkeys(t.split()[2] for t in tables if t.startswith("CREATE TABLE")))
        with standing(url, RandomSchema(tables, names)):
            seed(url, RandomSchema(tables, names), rows=rows)
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.connect() as connection:
                found = {n: [tuple(r) for r in connection.exec_driver_sql(f"SELECT * FROM {n}")] for n in names}
            engine.dispose()
        return found

    return put


# Parts of keys -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_a_unique_part_of_a_key_has_as_many_rows_as_the_parent_has_values(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE link (a_id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (a_id, b_id), "
        "FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (b_id) REFERENCES b (id))",
        "CREATE TABLE child (id int NOT NULL, a_id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (id), UNIQUE (a_id), "
        "FOREIGN KEY (a_id, b_id) REFERENCES link (a_id, b_id))",
    )
    assert len(made["child"]) == 30
    assert {a for a, _ in made["link"]} == {a for (a,) in made["a"]}


@pytest.mark.parametrize("dialect", ALL)
def test_a_unique_part_that_has_few_values_lowers_the_rows(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE parent (kind int NOT NULL, id int NOT NULL, PRIMARY KEY (kind, id), CHECK (kind IN (1, 2, 3)))",
        "CREATE TABLE child (id int NOT NULL, kind int NOT NULL, parent_id int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (kind), FOREIGN KEY (kind, parent_id) REFERENCES parent (kind, id))",
    )
    assert sorted(kind for _, kind, _ in made["child"]) == [1, 2, 3]


@pytest.mark.parametrize("dialect", ALL)
def test_a_required_column_is_shared_by_references_that_may_be_null(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE parent (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id))",
        "CREATE TABLE child (id int NOT NULL, tenant_id int NOT NULL, a_id int, b_id int, PRIMARY KEY (id), "
        "FOREIGN KEY (tenant_id, a_id) REFERENCES parent (tenant_id, id), "
        "FOREIGN KEY (tenant_id, b_id) REFERENCES parent (tenant_id, id))",
    )
    assert len(made["child"]) == 30


# Checks on keys ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("unique", ["", ", UNIQUE (parent_id)"])
def test_a_required_reference_to_another_row_of_the_table(dialect: str, unique: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE node (id int NOT NULL, parent_id int NOT NULL, PRIMARY KEY (id), "
        f"FOREIGN KEY (parent_id) REFERENCES node (id), CHECK (parent_id <> id){unique})",
    )
    assert len(made["node"]) == 30
    assert all(own != parent for own, parent in made["node"])


@pytest.mark.parametrize("dialect", ALL)
def test_exactly_one_of_three_references_with_a_unique_set_on_two(dialect: str, seeded: Seeded) -> None:
    one = " + ".join(f"CASE WHEN {c} IS NULL THEN 0 ELSE 1 END" for c in ("a_id", "b_id", "c_id"))
    made = seeded(
        dialect,
        "CREATE TABLE parent (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE child (id int NOT NULL, a_id int, b_id int, c_id int, n int NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (a_id) REFERENCES parent (id), FOREIGN KEY (b_id) REFERENCES parent (id), "
        f"FOREIGN KEY (c_id) REFERENCES parent (id), UNIQUE (a_id, n), UNIQUE (b_id), CHECK ({one} = 1))",
    )
    assert {tuple(v is not None for v in row[1:4]) for row in made["child"]} == {
        (True, False, False), (False, True, False), (False, False, True),
    }  # fmt: skip


@pytest.mark.parametrize("dialect", ALL)
def test_two_references_to_one_table_differ_also_where_both_close_a_cycle(dialect: str, seeded: Seeded) -> None:
    late = "FOREIGN KEY (child_id) REFERENCES child (id)"
    tables = (
        "CREATE TABLE parent (id int NOT NULL, child_id int NOT NULL, PRIMARY KEY (id){})",
        "CREATE TABLE child (id int NOT NULL, a_id int, b_id int, PRIMARY KEY (id), CHECK (a_id <> b_id), "
        "FOREIGN KEY (a_id) REFERENCES parent (id), FOREIGN KEY (b_id) REFERENCES parent (id))",
    )
    if dialect == "sqlite":
        made = seeded(dialect, tables[0].format(f", {late}"), tables[1])
    else:
        made = seeded(dialect, tables[0].format(""), tables[1], f"ALTER TABLE parent ADD {late}")
    both = [(a, b) for _, a, b in made["child"] if a is not None and b is not None]
    assert both and all(a != b for a, b in both)


# Orders, differences -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("check", ["price <= n", "n <= price", "n < price", "price <> n"])
def test_whole_numbers_are_held_against_decimals(dialect: str, check: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        f"CREATE TABLE one (id int NOT NULL, n int NOT NULL, price decimal(10, 2) NOT NULL, PRIMARY KEY (id), "
        f"CHECK ({check}))",
    )
    assert len(made["one"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_columns_of_a_unique_set_are_computed_from_each_other(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, n int NOT NULL, m int NOT NULL, PRIMARY KEY (id), UNIQUE (n, m), "
        "CHECK (n - m BETWEEN 0 AND 47))",
    )
    assert len({(n, m) for _, n, m in made["one"]}) == 30


# Uniqueness ----------------------------------------------------------------------------------------------------------
SMALL = "CHECK ({0} BETWEEN 1 AND 6)"


@pytest.mark.parametrize("dialect", ALL)
def test_sets_that_overlap_are_filled_to_the_last_row(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE square (id int NOT NULL, a int NOT NULL, b int NOT NULL, c int NOT NULL, PRIMARY KEY (id), "
        + ", ".join(SMALL.format(c) for c in "abc")
        + ", UNIQUE (a, b), UNIQUE (b, c), UNIQUE (a, c))",
        rows=100,
    )
    assert len(made["square"]) == 36
    assert Counter(a for _, a, _, _ in made["square"]) == dict.fromkeys(range(1, 7), 6)


def test_a_layout_that_does_not_exist_is_not_made_up() -> None:
    """Two orthogonal Latin squares of order two do not exist, and ten rows do not fit nine cells."""
    pairs = tuple((i, j) for i in range(4) for j in range(i))
    assert weave((2, 2, 2, 2), pairs, 4, 7, "t") is None
    assert weave((3, 3, 3), ((0, 1), (1, 2), (0, 2)), 10, 7, "t") is None
    made = weave((5, 5, 5, 5), pairs, 25, 7, "t")
    assert made is not None
    assert all(len(set(zip(made[:, i].tolist(), made[:, j].tolist(), strict=True))) == 25 for i, j in pairs)


FOLDED = {
    "mysql": "CREATE TABLE one (code varchar(9) NOT NULL, PRIMARY KEY (code), CHECK (code REGEXP '^[A-Za-z]{2}$'))",
    "sqlite": "CREATE TABLE one (code varchar(9) COLLATE NOCASE NOT NULL, PRIMARY KEY (code), "
    "CHECK (code GLOB '[A-Za-z][A-Za-z]'))",
}


@pytest.mark.parametrize("dialect", FOLDED)
def test_a_key_that_ignores_case_takes_other_values_where_two_are_alike(dialect: str, seeded: Seeded) -> None:
    made = seeded(dialect, FOLDED[dialect], rows=200)
    assert len({str(code).lower() for (code,) in made["one"]}) == 200


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_an_index_on_lower_case_keeps_texts_apart(dialect: str, seeded: Seeded) -> None:
    check = {"postgresql": "code ~ '^[A-Za-z]{2}$'", "sqlite": "code GLOB '[A-Za-z][A-Za-z]'"}[dialect]
    made = seeded(
        dialect,
        f"CREATE TABLE one (id int NOT NULL, code varchar(9) NOT NULL, PRIMARY KEY (id), CHECK ({check}))",
        "CREATE UNIQUE INDEX folded ON one (lower(code))",
        rows=200,
    )
    assert len({str(code).lower() for _, code in made["one"]}) == 200


# What random schemas showed before -----------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_dates_are_drawn_around_holes(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, day date NOT NULL, PRIMARY KEY (id), "
        "CHECK (day < '2001-01-01' OR day > '2030-12-31'), CHECK (day <> '2031-01-02'))",
    )
    assert len(made["one"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_a_cycle_is_not_cut_at_a_column_that_others_reference(dialect: str, seeded: Seeded) -> None:
    """first.code is filled by first's own reference, and third references it: the cycle is cut at second."""
    tables = [
        "CREATE TABLE first (id int NOT NULL, code int, PRIMARY KEY (id), UNIQUE (code){})",
        "CREATE TABLE second (id int NOT NULL, first_id int, PRIMARY KEY (id), "
        "FOREIGN KEY (first_id) REFERENCES first (id))",
        "CREATE TABLE third (id int NOT NULL, first_code int NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (first_code) REFERENCES first (code))",
    ]
    late = "FOREIGN KEY (code) REFERENCES second (id)"
    if dialect == "sqlite":
        tables[0] = tables[0].format(f", {late}")
    else:
        tables[0] = tables[0].format("")
        tables.append(f"ALTER TABLE first ADD {late}")
    made = seeded(dialect, *tables)
    assert {code for _, code in made["third"]} <= {code for _, code in made["first"]}


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_a_tenant_that_others_copy_is_there_before_them(dialect: str, seeded: Seeded) -> None:
    """The reference that may be NULL closes the cycle most cheaply, but its tenant is required, and c copies it."""
    made = seeded(
        dialect,
        "CREATE TABLE tenant (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, c_id int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (tenant_id, id), FOREIGN KEY (tenant_id) REFERENCES tenant (id)"
        + (", FOREIGN KEY (c_id) REFERENCES c (id))" if dialect == "sqlite" else ")"),
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, a_id int, PRIMARY KEY (id), UNIQUE (tenant_id, id), "
        "FOREIGN KEY (tenant_id, a_id) REFERENCES a (tenant_id, id))",
        "CREATE TABLE c (tenant_id int NOT NULL, id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (id), FOREIGN KEY (tenant_id, b_id) REFERENCES b (tenant_id, id))",
        *(["ALTER TABLE a ADD FOREIGN KEY (c_id) REFERENCES c (id) DEFERRABLE"] if dialect == "postgresql" else []),
    )
    assert len(made["c"]) == 30 and {c for _, _, c in made["a"]} <= {i for _, i, _ in made["c"]}


@pytest.mark.parametrize("dialect", ALL)
def test_parents_alike_in_a_part_of_their_key_share_few_values_out_to_the_last(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE parent (kind int NOT NULL, id int NOT NULL, PRIMARY KEY (kind, id), CHECK (kind IN (1, 2)))",
        "CREATE TABLE child (id int NOT NULL, kind int NOT NULL, parent_id int NOT NULL, state varchar(9) NOT NULL, "
        "PRIMARY KEY (id), CHECK (state IN ('open', 'paid', 'void')), UNIQUE (state, kind), "
        "FOREIGN KEY (kind, parent_id) REFERENCES parent (kind, id))",
    )
    assert Counter((k, s) for _, k, _, s in made["child"]) == {
        (k, s): 1 for k in (1, 2) for s in ("open", "paid", "void")
    }


@pytest.mark.parametrize("dialect", ALL)
def test_a_choice_on_a_unique_column_is_settled_one_way_for_all_rows(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, n int NOT NULL, m int NOT NULL, PRIMARY KEY (id), UNIQUE (n), "
        "CHECK (n = 5 OR m > 100))",
    )
    assert all(m > 100 for _, n, m in made["one"] if n != 5)  # type: ignore[operator]
    assert len(made["one"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_small_rule_columns_cap_the_children_of_a_parent(dialect: str, seeded: Seeded) -> None:
    """No parent gets more children than the set's own columns tell apart."""
    made = seeded(
        dialect,
        "CREATE TABLE parent (id int NOT NULL, PRIMARY KEY (id), CHECK (id BETWEEN 1 AND 10))",
        "CREATE TABLE child (id int NOT NULL, parent_id int NOT NULL, kind int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (parent_id, kind), CHECK (kind IN (1, 2, 3)), FOREIGN KEY (parent_id) REFERENCES parent (id))",
    )
    assert Counter(parent for _, parent, _ in made["child"]) == dict.fromkeys(range(1, 11), 3)


@pytest.mark.parametrize("dialect", ALL)
def test_a_year_still_to_come_is_tried(dialect: str, seeded: Seeded) -> None:
    year = {"postgresql": "extract(year FROM {})", "mysql": "year({})", "sqlite": "cast(strftime('%Y', {}) AS integer)"}
    moment = "datetime" if dialect == "mysql" else "timestamp"
    made = seeded(
        dialect,
        f"CREATE TABLE one (id int NOT NULL, day date NOT NULL, at {moment} NOT NULL, PRIMARY KEY (id), "
        f"CHECK ({year[dialect].format('day')} >= 2031), CHECK ({year[dialect].format('at')} = 2029))",
    )
    assert len(made["one"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_a_branch_that_is_longer_than_its_column_is_not_taken(dialect: str, seeded: Seeded) -> None:
    length = "length" if dialect == "sqlite" else "char_length"
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, code varchar(3) NOT NULL, n int NOT NULL, PRIMARY KEY (id), "
        f"UNIQUE (code, n), CHECK (CASE WHEN {length}(code) <= 3 THEN n IN (5, 6, 7) ELSE n < 900 END))",
    )
    assert {n for _, _, n in made["one"]} <= {5, 6, 7}


@pytest.mark.parametrize("dialect", ALL)
def test_pairs_of_few_parents_are_filled_where_neither_reference_leads(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, PRIMARY KEY (id), CHECK (id BETWEEN 1 AND 4))",
        "CREATE TABLE child (id int NOT NULL, a_id int, b_id int, c_id int NOT NULL, label varchar(10) NOT NULL, "
        "PRIMARY KEY (id), FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (b_id) REFERENCES a (id), "
        "FOREIGN KEY (c_id) REFERENCES a (id), UNIQUE (a_id, b_id), CHECK (b_id <> c_id), "
        "CHECK (label = 'x' OR a_id IS NOT NULL))",
    )
    assert made["child"]


# References that share columns ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_three_references_share_one_required_column(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE tenants (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenants (id))",
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (id), UNIQUE (tenant_id, id))",
        "CREATE TABLE c (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id))",
        "CREATE TABLE d (tenant_id int NOT NULL, id int NOT NULL, a_id int NOT NULL, b_id int NOT NULL, "
        "c_id int NOT NULL, PRIMARY KEY (id), FOREIGN KEY (tenant_id) REFERENCES tenants (id), "
        "FOREIGN KEY (tenant_id, a_id) REFERENCES a (tenant_id, id), "
        "FOREIGN KEY (tenant_id, b_id) REFERENCES b (tenant_id, id), "
        "FOREIGN KEY (tenant_id, c_id) REFERENCES c (tenant_id, id))",
    )
    assert len(made["d"]) == 30
    assert len({row[0] for row in made["d"]}) > 3  # not all squeezed into one tenant


@pytest.mark.parametrize("dialect", ALL)
def test_a_one_to_one_reference_shares_a_column_with_another(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE networks (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE ports (id int NOT NULL, network_id int NOT NULL, PRIMARY KEY (id), UNIQUE (id, network_id), "
        "FOREIGN KEY (network_id) REFERENCES networks (id))",
        "CREATE TABLE shared_networks (network_id int NOT NULL, PRIMARY KEY (network_id), "
        "FOREIGN KEY (network_id) REFERENCES networks (id))",
        "CREATE TABLE shared_ports (port_id int NOT NULL, network_id int NOT NULL, PRIMARY KEY (port_id), "
        "FOREIGN KEY (port_id, network_id) REFERENCES ports (id, network_id), "
        "FOREIGN KEY (network_id) REFERENCES shared_networks (network_id))",
    )
    assert len(made["shared_ports"]) == 30


@pytest.mark.parametrize("dialect", ("postgresql", "sqlite"))
def test_patterns_with_few_values_lower_the_rows(dialect: str, seeded: Seeded) -> None:
    test = {"postgresql": "code ~ '^[0-9]$'", "sqlite": "code GLOB '[0-9]'"}[dialect]
    made = seeded(
        dialect,
        f"CREATE TABLE a (id int NOT NULL, code varchar(5) NOT NULL, PRIMARY KEY (id), UNIQUE (code), CHECK ({test}))",
    )
    assert len(made["a"]) == 10


def test_a_value_in_the_place_of_null_counts_in_a_unique_expression(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE a (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (id int NOT NULL, a_id int NOT NULL, day date, PRIMARY KEY (id), "
        "FOREIGN KEY (a_id) REFERENCES a (id))",
        "CREATE UNIQUE INDEX b_u ON b (a_id, coalesce(day, '1900-01-01'))",
    )
    assert len(made["b"]) == 30


def test_a_member_of_an_array_is_part_of_a_larger_condition(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE a (id int NOT NULL, tags text[] NOT NULL, n int NOT NULL, PRIMARY KEY (id), "
        "CHECK ((cardinality(tags) = 4 OR 'user' = ANY (tags)) AND n > 3))",
    )
    assert all(len(tags) == 4 or "user" in tags for _, tags, _ in made["a"])


# Few values that may be NULL ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_a_unique_column_of_few_values_is_null_in_the_rows_that_find_none(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE parent (id int NOT NULL, n int, PRIMARY KEY (id), UNIQUE (n), CHECK (n IN (4, 5)))",
        "CREATE TABLE child (id int NOT NULL, a_id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (a_id) REFERENCES parent (id), FOREIGN KEY (b_id) REFERENCES parent (id), CHECK (a_id <> b_id))",
    )
    assert Counter(n for _, n in made["parent"]) == {4: 1, 5: 1, None: 28}
    assert len(made["child"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_a_set_of_few_values_and_a_single_parent_leaves_rows_out_by_null(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE parent (id int NOT NULL, PRIMARY KEY (id), CHECK (id = 7))",
        "CREATE TABLE child (id int NOT NULL, parent_id int NOT NULL, n int, m int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (parent_id, n, m), CHECK (n IN (1, 2)), CHECK (m IN (1, 2, 3)), "
        "FOREIGN KEY (parent_id) REFERENCES parent (id))",
    )
    filled = [(n, m) for _, _, n, m in made["child"] if n is not None]
    assert len(made["child"]) == 30
    assert len(filled) == len(set(filled)) >= 4


@pytest.mark.parametrize("dialect", ALL)
def test_few_values_that_a_check_needs_lower_the_rows_all_the_same(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, n int, m int, PRIMARY KEY (id), UNIQUE (n), CHECK (n IN (4, 5)), "
        "CHECK (n IS NOT NULL))",
    )
    assert sorted(n for _, n, _ in made["one"]) == [4, 5]  # type: ignore[type-var]


def test_equal_nulls_wait_for_the_reference_that_closes_their_cycle(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE top (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (top_id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (top_id), "
        "FOREIGN KEY (top_id) REFERENCES top (id))",
        "CREATE TABLE b (id int NOT NULL, a_id int NOT NULL, PRIMARY KEY (id), UNIQUE NULLS NOT DISTINCT (a_id), "
        "FOREIGN KEY (a_id) REFERENCES a (top_id))",
        "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id)",
    )
    assert len({a for _, a in made["b"]}) == 30


# Conditions tried with values -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("collation", ["", "COLLATE utf8mb4_bin"])
def test_texts_are_compared_as_either_collation_does(collation: str, seeded: Seeded) -> None:
    made = seeded(
        "mysql",
        f"CREATE TABLE one (id int NOT NULL, a varchar(10) {collation} NOT NULL, b varchar(40) {collation} NOT NULL, "
        "PRIMARY KEY (id), CHECK (CASE WHEN upper(a) = a THEN b LIKE 'a%' ELSE b LIKE '_b%' END))",
    )
    assert len(made["one"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_a_product_that_overflows_leaves_smaller_numbers_to_be_tried(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, n int NOT NULL, m int NOT NULL, PRIMARY KEY (id), "
        "CHECK (CASE WHEN n * 2 <= 883 THEN m BETWEEN 9000 AND 9100 ELSE m BETWEEN 70000 AND 70100 END))",
    )
    assert {n * 2 <= 883 for _, n, _ in made["one"]} == {True, False}  # type: ignore[operator]


@pytest.mark.parametrize("dialect", ALL)
def test_a_branch_for_which_no_value_is_known_is_left_to_the_others(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, n int NOT NULL, m int NOT NULL, PRIMARY KEY (id), "
        "CHECK (CASE WHEN abs(n) >= 0 THEN m BETWEEN 70000 AND 70100 ELSE m BETWEEN 9000 AND 9100 END))",
    )
    assert all(m >= 70000 for _, _, m in made["one"])  # type: ignore[operator]


@pytest.mark.parametrize("dialect", ALL)
def test_the_stricter_of_two_orders_counts(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, a date NOT NULL, b date NOT NULL, PRIMARY KEY (id), UNIQUE (a, b), "
        "CHECK (a < b), CHECK (a <= b))",
    )
    assert len(made["one"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_of_two_in_order_the_one_that_is_unique_by_itself_stays(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE one (id int NOT NULL, a date NOT NULL, b date NOT NULL, label varchar(20) NOT NULL, "
        "PRIMARY KEY (id), UNIQUE (b), UNIQUE (a, label), CHECK (a <= b))",
        rows=200,
    )
    assert len(made["one"]) == 200


# Sets with a reference that closes a cycle ----------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize("beside", ["weight", "p_id"])
def test_a_set_with_a_reference_that_closes_a_cycle_knows_how_few_parents_there_are(
    dialect: str, beside: str, seeded: Seeded
) -> None:
    """Two parents, planned later: each weight, or each p, has two rows of the child at most."""
    late = "FOREIGN KEY (late_id) REFERENCES a_few (id)"
    child = (
        "CREATE TABLE child (id int NOT NULL, p_id int NOT NULL, weight int NOT NULL, late_id int NOT NULL, "
        f"PRIMARY KEY (id), CHECK (weight BETWEEN 1 AND 15), UNIQUE ({beside}, late_id), "
        "FOREIGN KEY (p_id) REFERENCES p (id)"
    )
    few = (
        "CREATE TABLE a_few (id int NOT NULL, n int NOT NULL, child_id int NOT NULL, PRIMARY KEY (id), UNIQUE (n), "
        "CHECK (n IN (1, 2)), FOREIGN KEY (child_id) REFERENCES child (id))"
    )
    p = "CREATE TABLE p (id int NOT NULL, PRIMARY KEY (id), CHECK (id BETWEEN 1 AND 15))"
    inside = (child + f", {late})", few, p)
    after = (p, child + ")", few, f"ALTER TABLE child ADD {late}")
    made = seeded(dialect, *(inside if dialect == "sqlite" else after))
    pairs = [(weight if beside == "weight" else p, late) for _, p, weight, late in made["child"]]
    assert len(set(pairs)) == len(pairs) == 30
    assert len(made["a_few"]) == 2
