"""References that must agree, and checks beside unique sets: small schemas seeded into the real servers and audited."""

from collections import Counter

import pytest
from test_hard_rows import ALL, Seeded, seeded

from fixturesynth.errors import UnsatisfiableError

__all__ = ["seeded"]

TENANT = (
    "CREATE TABLE tenant (tenant_id int NOT NULL, n int NOT NULL, PRIMARY KEY (tenant_id), CHECK (n {}), UNIQUE (n))"
)


# References that share a tenant --------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_a_table_that_names_no_tenant_keeps_to_the_one_that_its_partners_have(dialect: str, seeded: Seeded) -> None:
    """Nothing but ``leaf`` ties ``loose`` to the tenant: its rows are lent the tenant's only value, and keep it."""
    made = seeded(
        dialect,
        TENANT.format("= 1"),
        "CREATE TABLE loose (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id))",
        "CREATE TABLE bound (tenant_id int NOT NULL, id int NOT NULL, loose_id int, PRIMARY KEY (tenant_id, id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id), "
        "FOREIGN KEY (tenant_id, loose_id) REFERENCES loose (tenant_id, id))",
        "CREATE TABLE leaf (tenant_id int NOT NULL, id int NOT NULL, loose_id int NOT NULL, bound_id int NOT NULL, "
        "PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, loose_id) REFERENCES loose (tenant_id, id), "
        "FOREIGN KEY (tenant_id, bound_id) REFERENCES bound (tenant_id, id))",
    )
    assert len(made["leaf"]) == 30
    assert len({tenant for tenant, *_ in made["loose"]}) == 1


@pytest.mark.parametrize("dialect", ALL)
def test_children_are_dealt_no_more_than_the_parents_that_a_one_to_one_reference_has_beside(
    dialect: str, seeded: Seeded
) -> None:
    made = seeded(
        dialect,
        TENANT.format("BETWEEN 1 AND 8"),
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (id), UNIQUE (tenant_id, id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id))",
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, p_id int, q_id int, r_id int NOT NULL, "
        "PRIMARY KEY (tenant_id, id), UNIQUE (r_id), FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id), "
        "FOREIGN KEY (tenant_id, p_id) REFERENCES a (tenant_id, id), "
        "FOREIGN KEY (tenant_id, q_id) REFERENCES a (tenant_id, id), "
        "FOREIGN KEY (tenant_id, r_id) REFERENCES a (tenant_id, id))",
        "CREATE TABLE c (tenant_id int NOT NULL, id int NOT NULL, b_id int, PRIMARY KEY (tenant_id, id), "
        "FOREIGN KEY (tenant_id, b_id) REFERENCES b (tenant_id, id))",
    )
    assert len({r for *_, r in made["b"]}) == len(made["b"]) == 30


def test_a_reference_without_which_two_rows_are_alike_counts_as_required(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (tenant_id, id))",
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, p_id int NOT NULL, q_id int, PRIMARY KEY (id), "
        "FOREIGN KEY (tenant_id, p_id) REFERENCES a (tenant_id, id), UNIQUE NULLS NOT DISTINCT (q_id), "
        "FOREIGN KEY (tenant_id, q_id) REFERENCES a (tenant_id, id))",
    )
    assert len({q for *_, q in made["b"]}) == 30


def test_a_row_leaves_a_partial_set_by_no_parent_that_must_agree_with_another(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE tenant (tenant_id int NOT NULL, PRIMARY KEY (tenant_id))",
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, n int NOT NULL, PRIMARY KEY (tenant_id, id), "
        "UNIQUE (n), CHECK (n IN (1, 2)), FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id))",
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, a_id int, flag boolean, PRIMARY KEY (tenant_id, id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id), CHECK (flag), "
        "FOREIGN KEY (tenant_id, a_id) REFERENCES a (tenant_id, id))",
        "CREATE UNIQUE INDEX b_flag ON b (flag) WHERE a_id IS NULL",
    )
    assert sum(flag is True and a is None for _, _, a, flag in made["b"]) <= 1
    assert len(made["b"]) == 30


def test_a_set_over_part_of_a_key_of_few_values_has_as_many_children_as_those(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id integer NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (x boolean NOT NULL, y boolean NOT NULL, z boolean NOT NULL, PRIMARY KEY (x, y, z))",
        "CREATE TABLE c (id integer NOT NULL, a_id integer NOT NULL, b_x boolean NOT NULL, b_y boolean NOT NULL, "
        "b_z boolean NOT NULL, n integer, PRIMARY KEY (id), FOREIGN KEY (a_id) REFERENCES a (id), "
        "FOREIGN KEY (b_x, b_y, b_z) REFERENCES b (x, y, z), UNIQUE (a_id, b_x))",
        "CREATE UNIQUE INDEX c_a ON c (a_id) WHERE n IS NULL",
        rows=300,
    )
    assert len(made["c"]) == 300


def test_children_of_a_cycle_are_as_many_as_the_part_of_its_key_has_values(seeded: Seeded) -> None:
    """b's key is unique in one of its columns, of which a has three rows, planned after b."""
    made = seeded(
        "sqlite",
        "CREATE TABLE top (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (id int NOT NULL, top_id int NOT NULL, flag boolean NOT NULL, state varchar(9) NOT NULL, "
        "b_id int NOT NULL, PRIMARY KEY (id), UNIQUE (state), UNIQUE (top_id, flag), "
        "CHECK (state IN ('new', 'open', 'shut')), FOREIGN KEY (top_id) REFERENCES top (id), "
        "FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE b (id int NOT NULL, top_id int NOT NULL, flag boolean NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (top_id), FOREIGN KEY (top_id, flag) REFERENCES a (top_id, flag))",
    )
    assert 1 <= len(made["b"]) <= 3 == len(made["a"])


def test_rows_leave_a_partial_set_of_a_reference_that_closes_a_cycle(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (flag boolean NOT NULL, b_id int NOT NULL, PRIMARY KEY (flag), "
        "FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE b (id int NOT NULL, a_flag boolean NOT NULL, price int, PRIMARY KEY (id), "
        "FOREIGN KEY (a_flag) REFERENCES a (flag))",
        "CREATE UNIQUE INDEX b_flag ON b (a_flag) WHERE price IS NULL",
        rows=200,
    )
    assert len(made["b"]) == 200
    assert {flag for _, flag, _ in made["b"]} == {0, 1}


def test_a_cycle_gives_as_many_rows_as_there_are_parents_of_their_own(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id int NOT NULL, state varchar(9) NOT NULL, b_id int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (state), CHECK (state IN ('new', 'open', 'shut')), "
        "FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE b (id int NOT NULL, a_id int NOT NULL, PRIMARY KEY (id), UNIQUE (a_id), "
        "FOREIGN KEY (a_id) REFERENCES a (id))",
    )
    assert len(made["a"]) == len(made["b"]) == 3


def test_another_reference_of_the_set_moves_where_one_that_closes_a_cycle_has_few_parents(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE top (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (id int NOT NULL, flag boolean NOT NULL, b_id int NOT NULL, PRIMARY KEY (id), UNIQUE (flag), "
        "FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE b (id int NOT NULL, a_flag boolean NOT NULL, top_id int, PRIMARY KEY (id), "
        "FOREIGN KEY (a_flag) REFERENCES a (flag), FOREIGN KEY (top_id) REFERENCES top (id), UNIQUE (top_id, a_flag))",
        rows=200,
    )
    assert len(made["b"]) == 200


@pytest.mark.parametrize("flag", ["", "flag, "])
def test_two_references_of_a_tenant_are_dealt_out_together(flag: str, seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE tenant (tenant_id int NOT NULL, PRIMARY KEY (tenant_id))",
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (id), UNIQUE (tenant_id, id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id))",
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, p_id int NOT NULL, q_id int NOT NULL, "
        "r_id int NOT NULL, flag boolean NOT NULL, PRIMARY KEY (tenant_id, id), "
        f"UNIQUE ({flag}q_id, r_id), FOREIGN KEY (tenant_id, p_id) REFERENCES a (tenant_id, id), "
        "FOREIGN KEY (tenant_id, q_id) REFERENCES a (tenant_id, id), "
        "FOREIGN KEY (tenant_id, r_id) REFERENCES a (tenant_id, id))",
        rows=60,
    )
    assert len(made["b"]) == 60


def test_an_exclusion_over_a_reference_that_closes_a_cycle_takes_no_rows_away(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        "CREATE TABLE a (id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (id int NOT NULL, a_id int, during int4range, state varchar(9) NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (a_id) REFERENCES a (id), EXCLUDE USING gist (a_id WITH =, during WITH &&))",
        "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id)",
    )
    assert len(made["a"]) == len(made["b"]) == 30


def test_a_reference_that_a_partial_set_reads_is_never_null_for_a_while(seeded: Seeded) -> None:
    """The only reference of the cycle that may be NULL would put all rows into the set until it is set."""
    made = seeded(
        "postgresql",
        "CREATE TABLE top (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (id int NOT NULL, a_id int, top_id int NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (top_id) REFERENCES top (id))",
        "CREATE UNIQUE INDEX b_top ON b (top_id) WHERE a_id IS NULL",
        "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id)",
    )
    assert len(made["b"]) == 30


# Checks beside unique sets -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [30, 60, 200])
def test_rows_of_a_family_change_together_where_none_can_alone(rows: int, seeded: Seeded) -> None:
    """Of two rows of one parent one has the first flag and the other the second: neither gets there by itself."""
    made = seeded(
        "postgresql",
        "CREATE TABLE tenant (tenant_id int NOT NULL, PRIMARY KEY (tenant_id))",
        "CREATE TABLE a (tenant_id int NOT NULL, id int NOT NULL, PRIMARY KEY (id), UNIQUE (tenant_id, id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id))",
        "CREATE TABLE b (tenant_id int NOT NULL, id int NOT NULL, a_id int NOT NULL, one boolean NOT NULL, "
        "two boolean, PRIMARY KEY (tenant_id, id), UNIQUE (one, a_id), UNIQUE NULLS NOT DISTINCT (two, a_id), "
        "FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id), "
        "FOREIGN KEY (tenant_id, a_id) REFERENCES a (tenant_id, id), "
        "CHECK ((two = true OR two IS NOT NULL) AND (one = true OR two = true)))",
        rows=rows,
    )
    assert len(made["b"]) == rows


def test_a_unique_column_is_null_in_the_branch_that_has_no_values_for_it(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id int NOT NULL, at timestamp, flag boolean, PRIMARY KEY (id), UNIQUE (flag), "
        "UNIQUE (at, flag), CHECK (CASE WHEN flag <> 1 THEN at IS NOT NULL ELSE at >= '2027-01-01' END))",
    )
    assert len(made["a"]) == 30
    assert {flag for *_, flag in made["a"]} == {0, 1, None}


def test_a_unique_flag_stays_with_the_array_that_its_check_asks_for(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE t2 (id int NOT NULL, is_set_0 boolean, happened_at_3 timestamp NOT NULL, tags_4 text[], "
        "PRIMARY KEY (id), UNIQUE NULLS NOT DISTINCT (is_set_0), "
        "CHECK (CASE WHEN is_set_0 = true THEN tags_4 IS NOT NULL ELSE 'user' = ANY (tags_4) END))",
    )
    assert made["t2"]


def test_a_flag_that_has_one_value_in_every_branch_gives_one_row(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id int NOT NULL, flag boolean NOT NULL, label varchar(3) NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (flag), CHECK (CASE WHEN length(label) = 2 THEN flag = 1 ELSE flag = 1 END))",
    )
    assert [flag for _, flag, _ in made["a"]] == [1]


def test_a_flag_that_is_unique_takes_the_branch_of_its_value_row_by_row(seeded: Seeded) -> None:
    """One branch for all rows would leave one row, which cannot be the parent of itself; what is unique by a part of
    it needs no unique label."""
    made = seeded(
        "postgresql",
        "CREATE TABLE a (id int NOT NULL, parent_id int NOT NULL, flag boolean, label varchar(40) NOT NULL, "
        "PRIMARY KEY (id), FOREIGN KEY (parent_id) REFERENCES a (id), CHECK (parent_id <> id), "
        "UNIQUE NULLS NOT DISTINCT (flag), UNIQUE NULLS NOT DISTINCT (label, flag), "
        "CHECK (CASE WHEN NOT flag THEN label NOT LIKE '%z%' ELSE char_length(label) BETWEEN 1 AND 10 END))",
    )
    assert {flag for _, _, flag, _ in made["a"]} == {True, False}


def test_a_set_has_no_more_rows_than_the_branches_of_its_column_have_values(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id int NOT NULL, at timestamp, flag boolean, PRIMARY KEY (id), UNIQUE (flag), UNIQUE (at), "
        "CHECK (CASE WHEN flag <> 1 THEN at IS NOT NULL ELSE at >= '2027-01-01' END))",
    )
    assert made["a"]


def test_a_second_unique_column_settles_its_choice_too(seeded: Seeded) -> None:
    """With one branch alone the first column has too few values, so that another one makes the set unique."""
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id int NOT NULL, label_0 varchar(40), label_1 varchar(3) NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (label_1, label_0), CHECK (label_0 LIKE 'a%' OR label_0 LIKE 'b%'), "
        "CHECK (label_1 LIKE 'a%' OR label_1 LIKE 'b%'))",
    )
    assert {label[0] for _, _, label in made["a"]} <= {"a", "b"}
    assert len(made["a"]) == 30


def test_a_day_that_a_check_excludes_is_left_out_of_unique_ones(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE a (id int NOT NULL, day date NOT NULL, PRIMARY KEY (id), UNIQUE (day), "
        "CHECK (day <> '2025-12-01' AND day >= '2025-11-01' AND day < '2025-12-15'))",
        rows=400,
    )
    assert len(made["a"]) == 30  # of two spans the longer one


def test_a_branch_does_without_null_where_null_counts_as_a_value(seeded: Seeded) -> None:
    made = seeded(
        "postgresql",
        "CREATE TABLE top (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE a (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (code varchar(40) NOT NULL, p_id int, q_id int, top_id int NOT NULL, PRIMARY KEY (code), "
        "FOREIGN KEY (p_id) REFERENCES a (id), FOREIGN KEY (q_id) REFERENCES a (id), "
        "FOREIGN KEY (top_id) REFERENCES top (id), UNIQUE NULLS NOT DISTINCT (p_id), "
        "CHECK (NOT (p_id IS NOT NULL AND q_id IS NOT NULL)))",
    )
    assert len({p for _, p, *_ in made["b"]}) == 30


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_null_counts_in_the_columns_of_an_expression_that_have_a_stand_in_alone(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, price numeric(10, 2), day timestamp, flag boolean, n int, PRIMARY KEY (id), "
        "UNIQUE (day, price, flag), CHECK ((price IS NULL) = (day IS NULL)), CHECK (flag IN (true, false)))",
        "CREATE UNIQUE INDEX a_price ON a (price, flag, (coalesce(n, -1))) WHERE day IS NULL",
    )
    assert {price is None for _, price, *_ in made["a"]} == {True, False}


@pytest.mark.parametrize("dialect", ALL)
def test_a_row_whose_key_moved_takes_the_branch_that_goes_with_it(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, n int, day date NOT NULL, PRIMARY KEY (id), UNIQUE (n), CHECK (n IN (1, 2)), "
        "CHECK (CASE WHEN n = 1 THEN day <> '1991-02-03' ELSE day BETWEEN '1997-01-01' AND '1998-12-31' END))",
    )
    assert {n for _, n, _ in made["a"]} == {1, 2, None}  # those that find no value of their own go without
    assert len(made["a"]) == 30


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_a_row_leaves_a_unique_set_by_the_branch_in_which_its_column_is_null(dialect: str, seeded: Seeded) -> None:
    """Neither the gate of the partial set (a value of the other one) nor a plain NULL (the check) is open to all."""
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, one boolean, two boolean, day date NOT NULL, PRIMARY KEY (id), UNIQUE (one), "
        "CHECK (two IS NOT NULL OR day BETWEEN '2021-01-01' AND '2022-12-31'))",
        "CREATE UNIQUE INDEX a_two ON a (two) WHERE one IS NULL",
    )
    assert len(made["a"]) == 30
    assert sum(two is not None and one is None for _, one, two, _ in made["a"]) <= 2


@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("also", ["", ", CHECK (parent_id <> id)", ", UNIQUE (status)"])
def test_a_choice_between_a_value_and_a_parent_of_the_same_table(dialect: str, also: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, parent_id int, status varchar(20) NOT NULL, PRIMARY KEY (id), "
        f"FOREIGN KEY (parent_id) REFERENCES a (id), CHECK (status = 'x' OR parent_id IS NOT NULL){also})",
    )
    ways = {(status == "x", parent is not None) for _, parent, status in made["a"]}
    assert len(made["a"]) == 30
    assert ways >= ({(False, True)} if "UNIQUE" in also else {(True, False), (False, True)})


@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("few", ["BETWEEN 1 AND 1000", "BETWEEN 1 AND 7"])
def test_a_kind_decides_which_one_to_one_reference_is_set(dialect: str, few: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        f"CREATE TABLE a (id int NOT NULL, PRIMARY KEY (id), CHECK (id {few}))",
        "CREATE TABLE b (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE entry (id int NOT NULL, kind int NOT NULL, a_id int, b_id int, PRIMARY KEY (id), UNIQUE (a_id), "
        "UNIQUE (b_id), FOREIGN KEY (a_id) REFERENCES a (id), FOREIGN KEY (b_id) REFERENCES b (id), "
        "CHECK (kind IN (1, 2)), CHECK (kind <> 1 OR (a_id IS NOT NULL AND b_id IS NULL)), "
        "CHECK (kind <> 2 OR (a_id IS NULL AND b_id IS NOT NULL)))",
    )
    assert {(kind, a is None, b is None) for _, kind, a, b in made["entry"]} == {(1, False, True), (2, True, False)}
    assert len(made["entry"]) == (30 if "1000" in few else 5)


@pytest.mark.parametrize("dialect", ALL)
def test_the_one_root_is_the_row_that_a_check_names(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE a (id int NOT NULL, parent_id int, PRIMARY KEY (id), FOREIGN KEY (parent_id) REFERENCES a (id), "
        "CHECK ((parent_id IS NULL) = (id = 3)))",
    )
    assert [id for id, parent in made["a"] if parent is None] == [3]
    assert len(made["a"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_pairs_of_parents_that_must_differ_are_fewer(dialect: str, seeded: Seeded) -> None:
    made = seeded(
        dialect,
        "CREATE TABLE few (id int NOT NULL, PRIMARY KEY (id), CHECK (id IN (1, 2, 3)))",
        "CREATE TABLE pair (id int NOT NULL, a_id int NOT NULL, b_id int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (a_id, b_id), FOREIGN KEY (a_id) REFERENCES few (id), FOREIGN KEY (b_id) REFERENCES few (id), "
        "CHECK (a_id <> b_id))",
    )
    assert len(made["pair"]) == 3  # of six: see docs/limits.md


@pytest.mark.parametrize("dialect", ALL)
def test_two_parents_are_told_apart_by_drawing_where_swaps_do_not_do(dialect: str, seeded: Seeded) -> None:
    """Both references prefer the same one of two parents: no swap keeps the numbers of children and tells all apart."""
    children = [
        f"CREATE TABLE child_{n} (id int NOT NULL, top_id int NOT NULL, a_code int NOT NULL, b_code int NOT NULL, "
        "PRIMARY KEY (id), FOREIGN KEY (top_id) REFERENCES top (id), FOREIGN KEY (a_code) REFERENCES few (code), "
        "FOREIGN KEY (b_code) REFERENCES few (code), CHECK (a_code <> b_code))"
        for n in range(8)
    ]
    made = seeded(
        dialect,
        "CREATE TABLE top (id int NOT NULL, PRIMARY KEY (id), CHECK (id IN (1, 2)))",
        "CREATE TABLE few (code int NOT NULL, PRIMARY KEY (code), CHECK (code IN (1, 2)))",
        *children,
    )
    assert all(len(rows) == 30 for name, rows in made.items() if name.startswith("child"))


@pytest.mark.parametrize("required", [False, True])
def test_a_self_reference_is_unique_in_each_half_of_the_rows(required: bool, seeded: Seeded) -> None:
    """A row leaves one set only into the other, so each parent has two children at most."""
    made = seeded(
        "postgresql",
        f"CREATE TABLE a (code varchar(8) NOT NULL, parent_key varchar(8){' NOT NULL' if required else ''}, "
        "label varchar(3), PRIMARY KEY (code), FOREIGN KEY (parent_key) REFERENCES a (code))",
        "CREATE UNIQUE INDEX u0 ON a (parent_key) WHERE label IS NULL",
        "CREATE UNIQUE INDEX u1 ON a (parent_key) WHERE label IS NOT NULL",
        rows=200,
    )
    assert len(made["a"]) == 200
    children = Counter(parent for _, parent, _ in made["a"] if parent is not None)
    assert max(children.values()) == 2
    assert sum(children.values()) == 200 if required else 100 < sum(children.values()) < 200


def test_a_row_without_a_parent_takes_the_value_that_a_check_asks_for_beside_two_sets(seeded: Seeded) -> None:
    """Roots are labelled x, of which each pair of flags has one: others lack a flag or a label, or find a parent."""
    made = seeded(
        "sqlite",
        "CREATE TABLE t (id integer NOT NULL, parent_key integer, label varchar(3), one boolean, two boolean, "
        "PRIMARY KEY (id), UNIQUE (parent_key, two, one), FOREIGN KEY (parent_key) REFERENCES t (id), "
        "CHECK (label = 'x' OR parent_key IS NOT NULL), CHECK (one IS NOT NULL OR two IS NOT NULL), "
        "CHECK (one = 1 OR one = 0))",
        "CREATE UNIQUE INDEX u ON t (one, coalesce(label, ''), two)",
    )
    assert len(made["t"]) == 30
    assert "x" in {label for _, parent, label, *_ in made["t"] if parent is None}


def test_the_only_row_of_a_table_that_must_name_another_is_refused_when_planning(seeded: Seeded) -> None:
    with pytest.raises(UnsatisfiableError, match="boss_id must name another row of staff; ask for two rows or more"):
        seeded(
            "sqlite",
            "CREATE TABLE staff (id integer NOT NULL, is_head boolean NOT NULL, boss_id integer NOT NULL, "
            "PRIMARY KEY (id), UNIQUE (is_head), CHECK (is_head = 1), CHECK (boss_id <> id), "
            "FOREIGN KEY (boss_id) REFERENCES staff (id))",
        )


@pytest.mark.parametrize("dialect", ALL)
def test_two_references_to_the_only_row_of_a_table_that_must_differ_are_refused_when_planning(
    dialect: str, seeded: Seeded
) -> None:
    tables = (
        "CREATE TABLE t1 (code varchar(20) NOT NULL, flag boolean NOT NULL, PRIMARY KEY (code), UNIQUE (flag), "
        "CHECK (flag = TRUE))",
        "CREATE TABLE t2 (id int NOT NULL, a varchar(20) NOT NULL, b varchar(20){}, PRIMARY KEY (id), "
        "FOREIGN KEY (a) REFERENCES t1 (code), FOREIGN KEY (b) REFERENCES t1 (code), CHECK (a <> b))",
    )
    with pytest.raises(UnsatisfiableError, match="t2: a and b must name different rows of t1, which gets one"):
        seeded(dialect, tables[0], tables[1].format(" NOT NULL"))
    made = seeded(dialect, tables[0], tables[1].format(""))
    assert {b for _, _, b in made["t2"]} == {None}


def test_a_value_that_keeps_rows_apart_is_null_in_no_branch_where_null_is_a_value_too(seeded: Seeded) -> None:
    """Its other branches are left, of which all rows take one: NULL would leave a row for each value of the flag."""
    made = seeded(
        "postgresql",
        "CREATE TABLE a (id int NOT NULL, label varchar(3), flag boolean, PRIMARY KEY (id), "
        "UNIQUE NULLS NOT DISTINCT (label, flag), CHECK (label LIKE 'a%' OR label LIKE 'b%'), "
        "CHECK (label IS NULL OR flag IS NOT NULL))",
    )
    assert len({label for _, label, _ in made["a"]}) == 30


def test_a_reference_that_is_null_in_every_branch_tells_no_rows_apart(seeded: Seeded) -> None:
    """One p is NULL at most, so q is NULL in all rows, and r alone keeps them apart."""
    made = seeded(
        "postgresql",
        "CREATE TABLE a (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE b (code varchar(8) NOT NULL, PRIMARY KEY (code))",
        "CREATE TABLE c (id int NOT NULL, p int, q varchar(8), r varchar(8) NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (p) REFERENCES a (id), FOREIGN KEY (q) REFERENCES b (code), FOREIGN KEY (r) REFERENCES b (code), "
        "UNIQUE NULLS NOT DISTINCT (r, q), UNIQUE NULLS NOT DISTINCT (p), CHECK ((p IS NULL) <> (q IS NULL)))",
    )
    assert len({r for *_, r in made["c"]}) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_rows_leave_a_set_over_a_part_of_a_key_by_the_branch_of_a_check(dialect: str, seeded: Seeded) -> None:
    """One tenant and a flag leave two rows; all others have no flag, and then the check wants the other one."""
    made = seeded(
        dialect,
        "CREATE TABLE tenant (tenant_id int NOT NULL, id int NOT NULL, flag boolean NOT NULL, "
        "PRIMARY KEY (tenant_id, id), UNIQUE (flag), CHECK (flag = TRUE))",
        "CREATE TABLE entry (code varchar(8) NOT NULL, tenant_id int NOT NULL, owner_id int NOT NULL, flag boolean, "
        "other boolean, PRIMARY KEY (code), FOREIGN KEY (tenant_id, owner_id) REFERENCES tenant (tenant_id, id), "
        "UNIQUE (other, owner_id), CHECK (other IS NOT NULL OR flag IS NOT NULL))",
    )
    assert len(made["entry"]) == 30
    assert sum(other is not None for *_, other in made["entry"]) <= 2


# Exclusions ----------------------------------------------------------------------------------------------------------
def test_spans_stay_apart_where_a_check_moves_what_groups_them(seeded: Seeded) -> None:
    """What the child's set asks for spreads ``n``, which the check then brings back to one digit."""
    made = seeded(
        "postgresql",
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        "CREATE TABLE a (n integer NOT NULL, day date NOT NULL, at timestamp NOT NULL, during daterange, "
        "UNIQUE (at, day, n), EXCLUDE USING gist (n WITH =, during WITH &&) WHERE (n IS NOT NULL), "
        "CHECK ((at < '1996-06-30' OR at < '1998-06-30') AND (char_length(n::text) = 1 OR at < '1996-06-30')))",
        "CREATE TABLE b (a_at timestamp, a_day date, a_n integer, m integer NOT NULL, o integer NOT NULL, "
        "FOREIGN KEY (a_at, a_day, a_n) REFERENCES a (at, day, n), UNIQUE (a_n, o, m))",
        rows=200,
    )
    assert len(made["a"]) == 200
    assert all(0 <= n <= 9 for n, *_ in made["a"])


@pytest.mark.parametrize("dialect", ALL)
def test_who_has_nobody_to_differ_from_among_those_that_agree_gets_no_child(dialect: str, seeded: Seeded) -> None:
    """Some years have one team, which can win against no other."""
    made = seeded(
        dialect,
        "CREATE TABLE team (year int NOT NULL, name varchar(9) NOT NULL, PRIMARY KEY (year, name), "
        "CHECK (year BETWEEN 1 AND 20))",
        "CREATE TABLE game (id int NOT NULL, year int NOT NULL, winner varchar(9) NOT NULL, loser varchar(9) NOT NULL, "
        "PRIMARY KEY (id), FOREIGN KEY (year, winner) REFERENCES team (year, name), "
        "FOREIGN KEY (year, loser) REFERENCES team (year, name), CHECK (winner <> loser))",
    )
    assert min(Counter(year for year, *_ in made["team"]).values()) == 1
    assert len(made["game"]) == 30
    assert all(winner != loser for _, _, winner, loser in made["game"])
