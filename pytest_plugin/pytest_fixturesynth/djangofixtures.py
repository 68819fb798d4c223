"""Fixtures beside pytest-django: its test database is filled before any test's transaction begins."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["synth_django_filled"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that ask for rows get pytest-django's mark: it sets up the databases of marked tests only."""
    from pytest_fixturesynth.settings import reader

    if reader(config)("source") == "django":
        for item in items:
            if _asks(item) and item.get_closest_marker("django_db") is None:
                item.add_marker(pytest.mark.django_db)


@pytest.fixture(scope="session", autouse=True)
def synth_django_filled(request: pytest.FixtureRequest) -> None:
    """Fill Django's test database, where the source is ``django`` and some test asks for rows."""
    from pytest_fixturesynth.fixtures import plainly, settings_of
    from pytest_fixturesynth.settings import reader

    read = reader(request.config)
    if read("source") != "django" or not any(_asks(item) for item in request.session.items):
        return
    request.getfixturevalue("django_db_setup")
    blocker = request.getfixturevalue("django_db_blocker")
    from pytest_fixturesynth.djangodb import fill_django
    from pytest_fixturesynth.plugin import run_of

    settings = settings_of(request.config, "django", None, read("rows"), read("model"))
    with blocker.unblock():
        plainly(lambda: fill_django(run_of(request.config), settings))


def _asks(item: Any) -> bool:
    return any(name.startswith("synth") and name != "synth_django_filled" for name in getattr(item, "fixturenames", ()))
