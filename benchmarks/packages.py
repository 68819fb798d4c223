"""What the strategies find in packages from PyPI that talk to a database through SQLAlchemy.

    python -m venv /tmp/packages && /tmp/packages/bin/pip install sqlakeyset advanced-alchemy -e '.[hypothesis]'
    /tmp/packages/bin/python benchmarks/packages.py [--examples 300]

The packages are no dependencies. Each property says what a package promises; each that does not hold is printed with
the smallest dataset that shows it. Versions are printed, since others may behave otherwise.
"""

import datetime as dt
import decimal
import functools
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import click
import sqlalchemy as sa
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from fixturesynth.strategies import from_schema, loaded


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    label: Mapped[str | None] = mapped_column(sa.String(20))


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    shelf_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shelves.id"))
    name: Mapped[str] = mapped_column(sa.String(30))
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2))
    made_on: Mapped[dt.date]
    made_at: Mapped[dt.datetime]
    opens: Mapped[dt.time]
    flag: Mapped[bool]


ENGINE = sa.create_engine("sqlite://")
DATA = from_schema(Base)


def session_over(data: Any) -> Any:
    return loaded(ENGINE, data)


# -- sqlakeyset: pages by the place of the last row, not by its number ------------------------------------------------
def pages_are_the_whole(column: str, bookmark: bool, data: dict[str, Any], descending: bool, size: int) -> None:
    """All pages, one after another, are the whole query, whether places are passed on as they are or as bookmarks."""
    import sqlakeyset

    by = getattr(Item, column)
    query = sa.select(Item).order_by(by.desc() if descending else by, Item.id)
    with session_over(data) as connection, Session(connection) as session:
        whole = [item.id for item in session.scalars(query)]
        met: list[int] = []
        place: Any = None
        for _ in range(len(whole) + 1):
            page = sqlakeyset.select_page(session, query, per_page=size, page=place)
            met += [row[0].id for row in page]
            if not page.paging.has_next:
                break
            if bookmark:
                place = sqlakeyset.unserialize_bookmark(page.paging.bookmark_next)
            else:
                place = page.paging.next
        assert met == whole, f"pages gave {met}, the query gives {whole}"


# -- advanced-alchemy: repositories with filters ----------------------------------------------------------------------
@functools.cache
def repository() -> Any:
    from advanced_alchemy.repository import SQLAlchemySyncRepository

    class Items(SQLAlchemySyncRepository[Item]):  # type: ignore[type-var]
        model_type = Item

    return Items


def counting_is_the_same(window: bool, data: dict[str, Any], limit: int, offset: int) -> None:
    """``list_and_count`` counts all rows, whichever page is asked for."""
    from advanced_alchemy.filters import LimitOffset

    with session_over(data) as connection, Session(connection) as session:
        items = repository()(session=session)
        _, counted = items.list_and_count(LimitOffset(limit, offset), count_with_window_function=window)
        assert counted == len(data["items"]), f"counted {counted} of {len(data['items'])} rows"


def searching_finds_the_text(ignore_case: bool, data: dict[str, Any], place: int) -> None:
    """``SearchFilter`` finds the rows that have the text, and no others."""
    from advanced_alchemy.filters import SearchFilter

    rows = data["items"]
    if not rows:
        return
    text = rows[place % len(rows)]["name"][:1]
    with session_over(data) as connection, Session(connection) as session:
        found = repository()(session=session).list(SearchFilter("name", text, ignore_case))
        expected = [r["id"] for r in rows if text in r["name"]]
        if not ignore_case:
            assert sorted(i.id for i in found) == sorted(expected), f"searched for {text!r}"
        else:
            assert {i.id for i in found} >= set(expected), f"searched for {text!r}"


def filters_part_the_rows(data: dict[str, Any], place: int) -> None:
    """``CollectionFilter`` and ``NotInCollectionFilter`` of the same values part the rows that have one in two."""
    from advanced_alchemy.filters import CollectionFilter, NotInCollectionFilter

    shelves = [s["id"] for s in data["shelves"]][: place % 3]
    with session_over(data) as connection, Session(connection) as session:
        items = repository()(session=session)
        inside = items.list(CollectionFilter("shelf_id", shelves))
        outside = items.list(NotInCollectionFilter("shelf_id", shelves))
        met = sorted(i.id for i in (*inside, *outside) if i.shelf_id is not None)
        assert met == sorted(r["id"] for r in data["items"] if r["shelf_id"] is not None), f"by {shelves}"


def before_and_after(data: dict[str, Any], place: int) -> None:
    """``OnBeforeAfter`` of one moment, on both sides, finds the rows of that moment."""
    from advanced_alchemy.filters import OnBeforeAfter

    rows = data["items"]
    if not rows:
        return
    moment = rows[place % len(rows)]["made_at"]
    with session_over(data) as connection, Session(connection) as session:
        found = repository()(session=session).list(OnBeforeAfter("made_at", moment, moment))
        assert sorted(i.id for i in found) == sorted(r["id"] for r in rows if r["made_at"] == moment)


def properties() -> dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]]:
    sizes = (st.booleans(), st.integers(1, 3))
    found: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = {}
    for column in ("name", "price", "made_on", "made_at", "opens", "flag"):
        for bookmark in (False, True):
            how = "bookmarks" if bookmark else "places"
            check = functools.partial(pages_are_the_whole, column, bookmark)
            found[f"sqlakeyset: pages by {column}, {how}"] = (check, sizes)
    for window in (True, False):
        check = functools.partial(counting_is_the_same, window)
        found[f"advanced-alchemy: list_and_count, window={window}"] = (check, (st.integers(1, 3), st.integers(0, 6)))
    for ignore_case in (False, True):
        check = functools.partial(searching_finds_the_text, ignore_case)
        found[f"advanced-alchemy: SearchFilter, ignore_case={ignore_case}"] = (check, (st.integers(0, 4),))
    found["advanced-alchemy: in and not in a collection"] = (filters_part_the_rows, (st.integers(0, 4),))
    found["advanced-alchemy: on and before, on and after"] = (before_and_after, (st.integers(0, 4),))
    return found


def failure(check: Callable[..., None], arguments: tuple[st.SearchStrategy[Any], ...], examples: int) -> str | None:
    """What the smallest failing example looks like; None where all pass."""

    @seed(7)
    @settings(
        max_examples=examples, deadline=None, database=None, report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(DATA, st.tuples(*arguments))
    def holds(data: Any, others: tuple[Any, ...]) -> None:
        check(data, *others)

    try:
        holds()
    except Exception as error:  # noqa: BLE001  whatever a package raises is what is looked for
        shown = "\n".join(getattr(error, "__notes__", []))
        last = traceback.format_exception_only(error)[0].strip()
        return f"{last}\n{shown}"
    return None


@click.command()
@click.option("--examples", default=300, show_default=True)
def main(examples: int) -> None:
    """Try every property and print what does not hold."""
    Base.metadata.create_all(ENGINE)
    for package in ("SQLAlchemy", "hypothesis", "sqlakeyset", "advanced-alchemy"):
        print(f"{package} {version(package)}")
    for name, (check, arguments) in properties().items():
        found = failure(check, arguments, examples)
        print(f"\n{'FAILS' if found else 'holds'}: {name}")
        if found:
            print("    " + found.replace("\n", "\n    "))


if __name__ == "__main__":
    main()
