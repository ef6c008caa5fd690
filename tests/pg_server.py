"""A real PostgreSQL for the tests: started when the first test asks for it, ended after the last."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from bench.postgres_server import connect_postgres, running_postgres


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Path]:
    """The socket folder of a running server with the superuser `postgres`, of this machine alone."""
    with running_postgres({}) as folder:
        yield folder


@pytest.fixture(scope="session")
def new_pg_url(pg_server: Path) -> Callable[[], str]:
    """Makes an empty database at each call and gives its URL."""

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        with connect_postgres(pg_server) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://postgres@/{name}?host={pg_server}"

    return make


@pytest.fixture
def pg_url(new_pg_url: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return new_pg_url()
