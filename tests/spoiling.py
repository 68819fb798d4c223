"""A small world with known laws, drawn as often as wished, and what a measured figure of it is in a few words."""

import numpy as np
import pyarrow as pa

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation import Report
from fixturesynth.randomness import stream, uniform, words
from fixturesynth.schema.model import Check, Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table

INTEGER = ColumnType("integer", "integer", bits=32)
TEXT = ColumnType("text", "varchar(12)", length=12)
NUMBER = ColumnType("float", "double precision")
MOMENT = ColumnType("timestamp", "timestamp")

WORLD = Schema(
    (
        Table(
            "stores",
            (Column("id", INTEGER, nullable=False), Column("kind", TEXT), Column("area", NUMBER)),
            primary_key=PrimaryKey(("id",)),
        ),
        Table(
            "customers",
            (
                Column("id", INTEGER, nullable=False), Column("store", INTEGER, nullable=False), Column("sex", TEXT),
                Column("tier", TEXT), Column("income", NUMBER), Column("phone", TEXT), Column("optin", TEXT),
                Column("churn", TEXT), Column("town", TEXT), Column("county", TEXT),
            ),
            primary_key=PrimaryKey(("id",)),
            foreign_keys=(ForeignKey("fk_store", ("store",), "stores", ("id",)),),
        ),
        Table(
            "orders",
            (
                Column("id", INTEGER, nullable=False), Column("customer", INTEGER, nullable=False),
                Column("placed", MOMENT), Column("due", MOMENT), Column("amount", NUMBER, nullable=False),
                Column("fee", NUMBER), Column("status", TEXT), Column("goods", TEXT),
            ),
            primary_key=PrimaryKey(("id",)),
            foreign_keys=(ForeignKey("fk_customer", ("customer",), "customers", ("id",)),),
            checks=(Check("positive", "amount > 0", ("amount",)),),
        ),
    ),
    dialect="postgresql",
)  # fmt: skip

DAY = 86_400_000_000


def draws(seed: int, name: str, size: int) -> np.ndarray:
    return uniform(words(stream(seed, "world", name), size))


def normal(seed: int, name: str, size: int) -> np.ndarray:
    """Nearly normal: the sum of twelve uniforms."""
    return draws(seed, name, 12 * size).reshape(12, size).sum(axis=0) - 6.0


def world(seed: int, stores: int = 60, customers: int = 500, orders: int = 3_000) -> Dataset:
    """Stores decide goods (over two references), customers decide amounts, orders remember the one before."""
    kind = (draws(seed, "kind", stores) * 3).astype(int)
    store = (draws(seed, "store", customers) * stores).astype(int)
    sex = np.digitize(draws(seed, "sex", customers), [0.5, 0.86])
    tier = np.digitize(draws(seed, "tier", customers) + 0.3 * (kind[store] == 0), [0.4, 0.9])
    income = 20_000 + 9_000 * tier + 3_000 * normal(seed, "income", customers)
    churn = draws(seed, "churn", customers) < 0.12 + 0.5 * (tier == 0)
    missing = draws(seed, "missing", customers) < 0.3
    town = (draws(seed, "town", customers) * 9).astype(int)
    owner = np.sort((draws(seed, "owner", orders) ** 1.5 * customers).astype(int))
    level = normal(seed, "level", customers) + tier
    change = normal(seed, "change", orders)
    first = np.append(True, owner[1:] != owner[:-1])
    memory = np.zeros(orders)
    for i in range(orders):
        memory[i] = change[i] if first[i] else 0.7 * memory[i - 1] + 0.7 * change[i]
    amount = np.round(np.exp(3.5 + 0.3 * level[owner] + 0.25 * memory), 2)
    gap = (-np.log1p(-draws(seed, "gap", orders)) * 20 * DAY).astype(np.int64)
    begin = (draws(seed, "begin", customers) * 300 * DAY).astype(np.int64)
    total = np.cumsum(gap)
    start = np.maximum.accumulate(np.where(first, np.arange(orders), 0))
    placed = 1_600_000_000_000_000 + begin[owner] + total - total[start]
    goods = np.where(
        draws(seed, "goods", orders) < 0.75, kind[store[owner]], (draws(seed, "any", orders) * 3).astype(int)
    )
    words_of = np.array
    return Dataset(
        {
            "stores": pa.table(
                {
                    "id": np.arange(stores), "kind": words_of(["city", "mall", "web"])[kind],
                    "area": np.round(100 + 40 * kind + 15 * normal(seed, "area", stores), 1),
                }
            ),
            "customers": pa.table(
                {
                    "id": np.arange(customers), "store": store, "sex": words_of(["f", "m", "x"])[sex],
                    "tier": words_of(["iron", "gold", "wood"])[tier], "income": np.round(income, 2),
                    "phone": pa.array(words_of(["home", "cell"])[(draws(seed, "phone", customers) * 2).astype(int)],
                                      mask=missing),
                    "optin": pa.array(words_of(["yes", "no"])[(draws(seed, "optin", customers) * 2).astype(int)],
                                      mask=missing),
                    "churn": words_of(["no", "yes"])[churn.astype(int)],
                    "town": words_of([f"town {i}" for i in range(9)])[town],
                    "county": words_of([f"county {i}" for i in range(3)])[town // 3],
                }
            ),
            "orders": pa.table(
                {
                    "id": np.arange(orders), "customer": owner, "placed": pa.array(placed, pa.timestamp("us")),
                    "due": pa.array(placed + (1 + 13 * draws(seed, "due", orders)).astype(np.int64) * DAY,
                                    pa.timestamp("us")),
                    "amount": amount, "fee": np.round(amount * 0.25, 4),
                    "status": words_of(["paid", "open", "lost"])[np.digitize(draws(seed, "status", orders) +
                                                                            0.2 * (memory > 0), [0.6, 0.95])],
                    "goods": words_of(["shoes", "toys", "books"])[goods],
                }
            ),
        }
    )  # fmt: skip


def changed(data: Dataset, table: str, **columns: object) -> Dataset:
    """With other columns, in the types of the old ones."""
    arrow = data.arrow(table)
    for name, values in columns.items():
        at = arrow.column_names.index(name)
        arrow = arrow.set_column(at, name, pa.array(values, arrow.column(name).type))
    return data.replace(**{table: arrow})


def column(data: Dataset, table: str, name: str) -> np.ndarray:
    return data.arrow(table).column(name).to_numpy(zero_copy_only=False)


def judged(report: Report) -> dict[str, float]:
    """The figure that the verdict looks at, turned so that more is better; what was not measured is left out."""
    found = {}
    for name, s in report.summary.items():
        value = s.figures[s.judged]
        if value is not None:
            found[name] = value if s.direction == "higher" else 1.0 - value
    return found
