"""The guard lets synthetic rows into local and test databases only."""

import pytest

from fixturesynth.errors import GuardError
from fixturesynth.loading.guard import check_target

REMOTE = "postgresql://ann:secret@db.example.com:5432/shop"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/shop",
        "postgresql://127.0.0.1/shop",
        "postgresql://127.8.9.1/shop",
        "postgresql://[::1]/shop",
        "postgresql:///shop",
        "postgresql:///shop?host=/var/run/postgresql",
        "mysql://root@localhost:3306/shop",
        "sqlite:////data/production.db",
        "sqlite://",
        "duckdb:///shop.duckdb",
        "postgresql://db.example.com/shop_test",
        "postgresql://db.example.com/test-shop",
        "postgresql://db.example.com/ShopDev2",
        "mysql://db.example.com/synthetic",
    ],
)
def test_local_and_test_targets_are_allowed(url: str) -> None:
    check_target(url)


@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        "postgresql://db.example.com/contest",  # a word part, not any letters
        "postgresql://db.example.com/latest_orders",
        "postgresql://10.0.0.7/shop",
        "postgresql://localhost.example.com/shop",
        "postgresql:///shop?host=db.example.com",
        "postgresql://localhost,db.example.com/shop",
        "postgresql://localhost/shop?service=main",
        "postgresql://localhost/shop_prod",
        "postgresql://localhost/production",
        "postgresql://localhost/prod_test",
        "mysql://db.example.com/",
    ],
)
def test_everything_else_is_refused_with_the_option_to_add(url: str) -> None:
    with pytest.raises(GuardError, match="--allow-target") as caught:
        check_target(url)
    assert caught.value.exit_code == 3
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "allowed",
    [
        REMOTE,
        REMOTE.replace("secret", "***"),
        REMOTE.replace(":secret", ""),
        REMOTE.replace("postgresql:", "postgres:"),
    ],
)
def test_a_target_named_in_full_is_allowed(allowed: str) -> None:
    check_target(REMOTE, allowed)


@pytest.mark.parametrize(
    "allowed",
    [
        REMOTE.replace("shop", "shop2"),
        REMOTE.replace("5432", "5433"),
        REMOTE.replace("secret", "other"),
        REMOTE.replace("ann", "bob"),
        REMOTE.replace("db.", "db2."),
        REMOTE.replace(":5432", ""),
    ],
)
def test_another_target_named_is_refused(allowed: str) -> None:
    with pytest.raises(GuardError, match="allow-target"):
        check_target(REMOTE, allowed)


def test_what_the_message_says_to_add_works() -> None:
    with pytest.raises(GuardError) as caught:
        check_target(REMOTE)
    option = str(caught.value).split("--allow-target ")[1].strip("'")
    check_target(REMOTE, option)
