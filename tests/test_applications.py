"""Rules that databases of applications keep: workspaces, orders and invoices, catalogues, sensors, posts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

import fixturesynth as fs
from fixturesynth.planning.plan import Reference
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.profiling.elapsed import raw_elapsed
from fixturesynth.schema.reflection import reflect

Frames = dict[str, pd.DataFrame]


def database(path: Path, ddl: str, frames: Frames) -> str:
    """A SQLite database of tables and their rows, by URL."""
    url = f"sqlite:///{path}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in ddl.split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        for name, frame in frames.items():
            frame.to_sql(name, connection, if_exists="append", index=False)
    engine.dispose()
    return url


def profiled(url: str, frames: Frames) -> fs.Profile:
    schema = reflect(url)
    return profile_dataset(fs.Dataset.from_frames(frames), schema, seed=1, protection=5)


# -- two ways to one table --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Frames]:
    """Comments whose author belongs to the workspace of the task; both references have one column."""
    rng = np.random.default_rng(5)
    owner, member = rng.integers(1, 9, 120), np.arange(64) % 8 + 1
    at = rng.integers(0, 120, 700)
    author = np.array([rng.choice(np.flatnonzero(member == owner[i])) + 1 for i in at])
    frames = {
        "workspaces": pd.DataFrame({"id": np.arange(1, 9), "seats": np.arange(8) * 5 + 5}),
        "members": pd.DataFrame({"id": np.arange(64) + 1, "workspace_id": member, "level": rng.integers(1, 5, 64)}),
        "tasks": pd.DataFrame({"id": np.arange(120) + 1, "workspace_id": owner, "points": rng.integers(1, 9, 120)}),
        "comments": pd.DataFrame({"id": np.arange(700) + 1, "workspace_id": owner[at], "task_id": at + 1,
                                  "author_id": author, "size": rng.integers(1, 500, 700)}),
    }  # fmt: skip
    ddl = """
        CREATE TABLE workspaces (id INTEGER PRIMARY KEY, seats INTEGER NOT NULL);
        CREATE TABLE members (id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
          level INTEGER NOT NULL);
        CREATE TABLE tasks (id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
          points INTEGER NOT NULL);
        CREATE TABLE comments (id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL REFERENCES workspaces(id),
          task_id INTEGER NOT NULL REFERENCES tasks(id), author_id INTEGER NOT NULL REFERENCES members(id),
          size INTEGER NOT NULL)"""
    return database(tmp_path_factory.mktemp("spaces") / "spaces.sqlite", ddl, frames), frames


def test_parents_of_one_row_belong_to_one_workspace(workspaces: tuple[str, Frames], tmp_path: Path) -> None:
    url, _ = workspaces
    model = fs.fit(url, seed=2, generator="cart")
    path = model.save(tmp_path / "model.fsynth")
    for one in (model, fs.Synthesizer.open(path)):
        rows = one.sample(seed=2)
        comments, members = rows["comments"], rows["members"].set_index("id").workspace_id
        tasks = rows["tasks"].set_index("id").workspace_id
        assert (members[comments.author_id].to_numpy() == comments.workspace_id).all()
        assert (tasks[comments.task_id].to_numpy() == comments.workspace_id).all()
        assert comments.author_id.nunique() > 50
    declared = {fk.name: fk.columns for fk in fs.Synthesizer.open(path).schema["comments"].foreign_keys}
    assert declared["fk_author_id"] == ("author_id",)
    assert isinstance(model.plan["comments"].column("author_id").source, Reference)


def test_one_way_to_a_table_is_a_copy_and_no_agreement(workspaces: tuple[str, Frames]) -> None:
    url, frames = workspaces
    rules = profiled(url, frames)["comments"].invariants
    assert {i.foreign_key for i in rules if i.kind == "agrees"} == {"fk_task_id", "fk_author_id"}
    strangers = frames["comments"].assign(author_id=np.arange(700) % 64 + 1)
    rules = profiled(url, {**frames, "comments": strangers})["comments"].invariants
    assert not [i for i in rules if i.kind == "agrees"]


# -- orders, invoices and payments ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Lines with a discount add up to orders with a fee of 0 or 9.90; invoices copy these, payments mostly pay all."""
    rng = np.random.default_rng(7)
    n = 300
    at = np.repeat(np.arange(n), rng.integers(1, 5, n))
    lines = pd.DataFrame({"order_id": at + 1, "quantity": rng.integers(1, 20, at.size),
                          "price": rng.integers(100, 9_900, at.size) / 100,
                          "discount": rng.choice([0, 0.1, 0.2], at.size)})  # fmt: skip
    lines["amount"] = (lines.quantity * lines.price * (1 - lines.discount)).round(2)
    net = lines.groupby("order_id").amount.sum().round(2).to_numpy()
    fee, tax = rng.choice([0, 9.9], n), (net * 0.2).round(2)
    total = (net + fee + tax).round(2)
    paid = rng.choice([0, 0.5, 1], n, p=[0.15, 0.1, 0.75])
    money = (total * paid).round(2)
    frames = {
        "orders": pd.DataFrame({"id": np.arange(n) + 1, "net": net, "fee": fee, "tax": tax, "total": total}),
        "lines": lines.assign(id=np.arange(at.size) + 1),
        "invoices": pd.DataFrame({"id": np.arange(n) + 1, "order_id": np.arange(n) + 1, "total": total, "paid": money,
                                  "open": (total - money).round(2)}),
        "payments": pd.DataFrame({"invoice_id": np.flatnonzero(paid) + 1, "amount": money[paid > 0]}),
    }  # fmt: skip
    frames["payments"].insert(0, "id", np.arange(len(frames["payments"])) + 1)
    ddl = """
        CREATE TABLE orders (id INTEGER PRIMARY KEY, net NUMERIC(10,2) NOT NULL, fee NUMERIC(6,2) NOT NULL,
          tax NUMERIC(10,2) NOT NULL, total NUMERIC(10,2) NOT NULL);
        CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
          quantity INTEGER NOT NULL, price NUMERIC(8,2) NOT NULL, discount NUMERIC(3,2) NOT NULL,
          amount NUMERIC(10,2) NOT NULL);
        CREATE TABLE invoices (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL UNIQUE REFERENCES orders(id),
          total NUMERIC(10,2) NOT NULL, paid NUMERIC(10,2) NOT NULL, open NUMERIC(10,2) NOT NULL);
        CREATE TABLE payments (id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL REFERENCES invoices(id),
          amount NUMERIC(10,2) NOT NULL CHECK (amount > 0))"""
    return database(tmp_path_factory.mktemp("ledger") / "ledger.sqlite", ddl, frames)


def test_what_lines_come_to_goes_on_to_invoices_and_payments(ledger: str) -> None:
    rows = fs.fit(ledger, seed=3, generator="cart").sample(seed=3)
    lines = rows["lines"].astype(float)
    assert np.abs(lines.amount - lines.quantity * lines.price * (1 - lines.discount)).max() < 0.0051
    orders = rows["orders"].astype(float).set_index("id")
    assert np.allclose(lines.groupby("order_id").amount.sum().round(2), orders.net)
    assert np.allclose((orders.net + orders.fee + orders.tax).round(2), orders.total)
    invoices, payments = rows["invoices"].astype(float), rows["payments"].astype(float)
    assert np.allclose(invoices.total, orders.total[invoices.order_id])
    assert np.allclose((invoices.total - invoices.paid).round(2), invoices.open)
    sums = payments.groupby("invoice_id").amount.sum().reindex(invoices.id, fill_value=0)
    assert np.allclose(sums, invoices.paid)
    own = invoices.set_index("id").total[payments.invoice_id].to_numpy()
    assert 0.75 < np.isclose(payments.amount, own).mean() < 0.99 and (payments.amount > 0).all()


# -- catalogues -------------------------------------------------------------------------------------------------------
def test_codes_begin_as_their_category_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    begins = {"desks": "DSK-", "lamps": "LMP-", "books": "BK", "paper": "PP/"}
    kinds = rng.choice([*begins], 200)
    codes = [f"{begins[k]}{n}" for k, n in zip(kinds, rng.permutation(9_000)[:200] + 1_000, strict=True)]
    frame = pd.DataFrame({"id": np.arange(200) + 1, "code": codes, "kind": kinds, "price": rng.integers(1, 90, 200)})
    url = database(
        tmp_path / "goods.sqlite",
        "CREATE TABLE goods (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, price INTEGER)",
        {"goods": frame},
    )
    made = fs.fit(url, seed=4, generator="cart").sample(seed=4)["goods"]
    assert set(made.kind) == set(begins) and made.code.is_unique
    assert all(code.startswith(begins[kind]) for code, kind in zip(made.code, made.kind, strict=True))
    alone = profiled(url, {"goods": frame.assign(kind=rng.permutation(kinds))})["goods"].columns["code"]
    assert "opening" not in str(alone.composed)


def test_openings_name_no_category_that_few_have(tmp_path: Path) -> None:
    owners = [f"firm {i}" for i in range(40)]
    frames = {
        "firms": pd.DataFrame({"id": np.arange(40) + 1, "email": [f"a{i}@firm{i}.org" for i in range(40)],
                               "firm": owners}),
        "bills": pd.DataFrame({"id": np.arange(400) + 1, "firm_id": np.arange(400) % 40 + 1,
                               "number": [f"{'ABCDEFGHIJ'[i % 10]}{'KLMN'[i % 4]}-{i:04d}" for i in range(400)]}),
    }  # fmt: skip
    url = database(
        tmp_path / "bills.sqlite",
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, firm TEXT NOT NULL UNIQUE);"
        "CREATE TABLE bills (id INTEGER PRIMARY KEY, firm_id INTEGER NOT NULL REFERENCES firms(id), number TEXT)",
        frames,
    )
    assert "firm 1" not in str(profiled(url, frames)["bills"].columns["number"].composed)


@pytest.mark.parametrize("named", ["kind", "username"])
def test_small_lists_with_a_text_as_their_key_are_kept(tmp_path: Path, named: str) -> None:
    names = ["Old cars", "Planes", "Ships of war", "Trains", "Lorries and buses", "Motorcycles"]
    frames = {
        "product_lines": pd.DataFrame({named: names, "description": [f"All of our {n.lower()}." for n in names],
                                       "most": np.arange(6) * 20.5}),
        "models": pd.DataFrame({"id": np.arange(120) + 1, "line": np.array(names)[np.arange(120) % 6]}),
    }  # fmt: skip
    url = database(
        tmp_path / "lines.sqlite",
        f"CREATE TABLE product_lines ({named} TEXT PRIMARY KEY, description TEXT NOT NULL, most REAL NOT NULL);"
        f"CREATE TABLE models (id INTEGER PRIMARY KEY, line TEXT NOT NULL REFERENCES product_lines({named}))",
        frames,
    )
    for seed in (1, 2, 3):  # which asks for other numbers of rows that share a value
        profile = profile_dataset(fs.Dataset.from_frames(frames), reflect(url), seed=seed, protection=5)
        assert profile["product_lines"].reference == (named == "kind")


# -- moments ----------------------------------------------------------------------------------------------------------
def test_nights_are_midnights() -> None:
    came, went = (np.array([np.datetime64(t, "us")]).astype(np.int64) for t in ("2024-01-01T23:00", "2024-01-03T01:00"))
    assert raw_elapsed(came, went, "nights").tolist() == [2.0]


def test_stays_are_counted_in_nights(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    came = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, 300), unit="s")
    went = came + pd.to_timedelta(rng.integers(3_000, 10**6, 300), unit="s")
    nights = (went.normalize() - came.normalize()).days
    frame = pd.DataFrame({"id": np.arange(300) + 1, "came": came, "went": went, "nights": nights})
    ddl = (
        "CREATE TABLE stays (id INTEGER PRIMARY KEY, came TIMESTAMP NOT NULL, went TIMESTAMP NOT NULL, nights INTEGER)"
    )
    made = fs.fit(database(tmp_path / "stays.sqlite", ddl, {"stays": frame}), seed=1, generator="cart").sample(seed=1)
    stays = made["stays"]
    assert ((stays.went.dt.normalize() - stays.came.dt.normalize()).dt.days == stays.nights).all()


def test_moments_that_rise_stay_on_their_clock(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [
        (sensor, pd.Timestamp("2024-01-01") + pd.Timedelta(minutes=15 * int(k)), place, int(rng.integers(1, 90)))
        for sensor in range(1, 25)
        for place, k in enumerate(np.flatnonzero(rng.random(90) < 0.8), start=1)
    ]
    readings = pd.DataFrame(rows, columns=["sensor_id", "at", "seq", "value"])
    ddl = """
        CREATE TABLE sensors (id INTEGER PRIMARY KEY, size INTEGER NOT NULL);
        CREATE TABLE readings (sensor_id INTEGER NOT NULL REFERENCES sensors(id), at TIMESTAMP NOT NULL,
          seq INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (sensor_id, at))"""
    sensors = pd.DataFrame({"id": np.arange(1, 25), "size": rng.integers(1, 9, 24)})
    url = database(tmp_path / "sensors.sqlite", ddl, {"sensors": sensors, "readings": readings})
    made = fs.fit(url, seed=1, generator="cart").sample(seed=1)["readings"]
    assert (made["at"].dt.minute % 15 == 0).all() and (made["at"].dt.second == 0).all()


def test_an_order_that_nobody_asked_for_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """Prices hold for two days and more; a check lets them hold for one."""
    rng = np.random.default_rng(6)
    rows = []
    for product in range(1, 61):
        begins = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(rng.integers(2, 5, 30)), unit="D")
        ends = [*(begins[1:] - pd.Timedelta(days=1)).strftime("%Y-%m-%d"), None]
        prices = rng.integers(1, 90, 30)
        rows += [*zip([product] * 30, begins.strftime("%Y-%m-%d"), ends, prices.tolist(), strict=True)]
    ddl = """
        CREATE TABLE products (id INTEGER PRIMARY KEY, size INTEGER NOT NULL);
        CREATE TABLE prices (product_id INTEGER NOT NULL REFERENCES products(id), valid_from DATE NOT NULL,
          valid_to DATE, price INTEGER NOT NULL, PRIMARY KEY (product_id, valid_from),
          CHECK ((valid_to IS NULL) OR (valid_to >= valid_from)))"""
    frames = {
        "products": pd.DataFrame({"id": np.arange(60) + 1, "size": rng.integers(1, 9, 60)}),
        "prices": pd.DataFrame(rows, columns=["product_id", "valid_from", "valid_to", "price"]),
    }
    model = fs.fit(database(tmp_path / "prices.sqlite", ddl, frames), seed=1, generator="cart")
    for seed in range(3):
        made = model.sample(seed=seed)["prices"]
        assert (made.valid_to.isna() | (made.valid_to >= made.valid_from)).all()


# -- states -----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ticket has the last state of its history, and a moment at which it was closed where that is closed."""
    rng = np.random.default_rng(9)
    n = 400
    sizes = rng.integers(1, 6, n)
    history = pd.DataFrame({"ticket_id": np.repeat(np.arange(n), sizes) + 1})
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s")
    history["at"] = start[history.ticket_id - 1] + pd.to_timedelta(
        history.groupby("ticket_id").cumcount() * 86_400 + rng.integers(1, 80_000, len(history)), unit="s"
    )
    history["state"] = rng.choice(["open", "busy", "closed"], len(history), p=[0.3, 0.3, 0.4])
    history.insert(0, "id", np.arange(len(history)) + 1)
    last = history.groupby("ticket_id").last()
    closed = (last.state == "closed").to_numpy()
    frame = pd.DataFrame({"id": np.arange(n) + 1, "state": last.state.to_numpy(), "touched_at": last["at"].to_numpy(),
                          "closed_at": last["at"].where(closed).to_numpy(),
                          "fee": np.where(closed, rng.integers(1, 500, n), 0),
                          "remark": np.where(closed, [f"{w:x} done" for w in rng.integers(99, 9**9, n)], None),
                          })  # fmt: skip
    ddl = """
        CREATE TABLE tickets (id INTEGER PRIMARY KEY, state TEXT NOT NULL, touched_at TIMESTAMP NOT NULL,
          closed_at TIMESTAMP, fee INTEGER NOT NULL, remark TEXT, CHECK ((state = 'closed') = (closed_at IS NOT NULL)));
        CREATE TABLE history (id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES tickets(id),
          at TIMESTAMP NOT NULL, state TEXT NOT NULL)"""
    return database(tmp_path_factory.mktemp("tickets") / "tickets.sqlite", ddl, {"tickets": frame, "history": history})


def test_what_is_missing_or_zero_by_a_category_stays_so(tickets: str) -> None:
    model = fs.fit(tickets, seed=6, generator="cart")
    found = {(s.column, s.source): dict(s.states) for s in model.plan["tickets"].states}
    assert found["closed_at", "state"] == {"closed": "set", "open": "null", "busy": "null"}
    assert found["remark", "state"] == {"closed": "set", "open": "null", "busy": "null"}
    rows = model.sample(seed=6)
    made = rows["tickets"].set_index("id")
    last = rows["history"].sort_values(["at", "id"]).groupby("ticket_id").last().reindex(made.index)
    assert (made.state == last.state).all()
    assert ((made.state == "closed") == made.closed_at.notna()).all()
    assert ((made.state == "closed") == (made.fee != 0)).all()
    assert ((made.state == "closed") == made.remark.notna()).all()
    assert (made.closed_at.dropna() == made.touched_at[made.closed_at.notna()]).all()


# -- posts ------------------------------------------------------------------------------------------------------------
def test_questions_count_the_answers_of_their_own_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    questions = 250
    parent = rng.integers(1, questions + 1, 400)
    counts = np.bincount(parent, minlength=questions + 1)[1:]
    words = np.array([f"{a}{b}" for a in ("wa", "li", "mo", "ru") for b in ("ter", "ne", "on", "st")])
    texts = [" ".join(rng.choice(words, rng.integers(3, 7))) for _ in range(650)]
    frame = pd.DataFrame({"id": np.arange(650) + 1, "parent_id": [None] * questions + parent.tolist(),
                          "answers": [*counts.tolist(), *[None] * 400], "body": [f"<p>{t}.</p>" for t in texts],
                          "title": [f"{t}?" for t in texts[:questions]] + [None] * 400})  # fmt: skip
    ddl = """CREATE TABLE posts (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES posts(id), answers INTEGER,
      body TEXT NOT NULL, title TEXT)"""
    made = fs.fit(database(tmp_path / "posts.sqlite", ddl, {"posts": frame}), seed=5, generator="cart").sample(seed=5)
    posts = made["posts"].set_index("id")
    sizes = posts.groupby("parent_id").size().reindex(posts.index, fill_value=0)
    known = posts.answers.notna()
    assert (posts.answers[known].astype(int) == sizes[known]).all() and not sizes[~known].any() and (~known).sum() > 300
    assert posts.body.str.fullmatch(r"<p>[^<>]*\.</p>").all()
    assert posts.title.dropna().str.endswith("?").all() and posts.title.notna().sum() > 150


# -- references of several tables -------------------------------------------------------------------------------------
def test_notes_are_on_rows_of_the_tables_that_their_types_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    begin = pd.Timestamp("2024-01-01")
    shops = {"id": np.arange(6) + 1, "size": rng.integers(1, 9, 6)}
    owner = {"orders": rng.integers(1, 7, 150), "buyers": np.arange(60) % 6 + 1}
    made_at = {n: begin + pd.to_timedelta(rng.integers(0, 10**6, o.size), unit="s") for n, o in owner.items()}
    kinds = rng.choice(["Order", "Buyer"], 500, p=[0.7, 0.3])
    at = np.where(kinds == "Order", rng.integers(0, 150, 500), rng.integers(0, 60, 500))
    shop = np.where(kinds == "Order", owner["orders"][at % 150], owner["buyers"][at % 60])
    since = pd.DatetimeIndex(np.where(kinds == "Order", made_at["orders"][at % 150], made_at["buyers"][at % 60]))
    frames = {
        "shops": pd.DataFrame(shops),
        **{n: pd.DataFrame({"id": np.arange(o.size) + 1, "shop_id": o, "made_at": made_at[n]})
           for n, o in owner.items()},
        "notes": pd.DataFrame({"id": np.arange(500) + 1, "shop_id": shop, "subject_type": kinds, "subject_id": at + 1,
                               "noted_at": since + pd.to_timedelta(rng.integers(1, 10**6, 500), unit="s")}),
    }  # fmt: skip
    ddl = """
        CREATE TABLE shops (id INTEGER PRIMARY KEY, size INTEGER NOT NULL);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL REFERENCES shops(id),
          made_at TIMESTAMP NOT NULL);
        CREATE TABLE buyers (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL REFERENCES shops(id),
          made_at TIMESTAMP NOT NULL);
        CREATE TABLE notes (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL REFERENCES shops(id),
          subject_type TEXT NOT NULL, subject_id INTEGER NOT NULL, noted_at TIMESTAMP NOT NULL)"""
    model = fs.fit(database(tmp_path / "notes.sqlite", ddl, frames), seed=3, generator="cart")
    rows = fs.Synthesizer.open(model.save(tmp_path / "notes.fsynth")).sample(seed=3)
    for kind, table in (("Order", "orders"), ("Buyer", "buyers")):
        notes = rows["notes"][rows["notes"].subject_type == kind]
        named = rows[table].set_index("id").reindex(notes.subject_id)
        assert len(notes) > 100 and (named.shop_id.to_numpy() == notes.shop_id).all()
        assert (notes.noted_at.to_numpy() >= named.made_at.to_numpy()).mean() > 0.9
        assert notes.subject_id.nunique() > 30


def test_columns_that_are_null_together_tell_no_states_of_each_other() -> None:
    """Two engines, or none: of planes that are known by their number alone nothing is known, which one rule says."""
    known = np.arange(400) % 5 > 0
    rows = pd.DataFrame({
        "id": np.arange(400),
        "type": [("fixed", "rotor")[i // 5 % 2] if k else None for i, k in enumerate(known)],
        "model": [f"m{i % 40}" if k else None for i, k in enumerate(known)],
    })  # fmt: skip
    found = fs.fit({"planes": rows}, seed=1).profile
    assert found is not None
    kinds = [rule.kind for rule in found["planes"].invariants]
    assert "nulls_together" in kinds
    assert "states" not in kinds
