"""The application on the test's own session."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from orders.app import app, get_session
from sqlalchemy.orm import Session


@pytest.fixture
def client(synth_session: Session) -> Iterator[TestClient]:
    app.dependency_overrides[get_session] = lambda: synth_session
    yield TestClient(app)
    app.dependency_overrides.clear()
