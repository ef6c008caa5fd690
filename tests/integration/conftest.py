"""Fixtures of the integration tests: the command line, exports with nothing in them, and running APIs."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporters.database import open_database
from exporters.exports import Exports, open_exports
from tests.api_server import ApiServer, run_api
from tests.batch_api import BatchApi, run_batch_api
from tests.command_line import Cli
from tests.company_api import build_company_data
from tests.deliveries import KEY
from tests.exported import options_for
from tests.records import empty


@pytest.fixture
def cli(
    sample_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Cli:
    return Cli(sample_data, tmp_path, capsys, monkeypatch)


@pytest.fixture
def fresh(tmp_path: Path, sample_data: Path) -> Iterator[Exports]:
    """Exports with an empty store and no records."""
    with open_exports(options_for(tmp_path, sample_data)) as opened:
        yield opened


@pytest.fixture(scope="session")
def company_data(tmp_path_factory: pytest.TempPathFactory, sample_files: Path) -> Path:
    """Data folder with the published sample and the telephone queues of two of its workshops."""
    return build_company_data(tmp_path_factory, sample_files)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, company_data: Path) -> Iterator[ApiServer]:
    limits = {"RATE_PER_MINUTE": "1000000", "PENDING_QUOTA": "1000000"}
    others = {"SEAL_KEY": KEY, "ALLOWED_ORIGINS": "https://portal.example, https://other.example"}
    with run_api(company_data, tmp_path_factory.mktemp("api"), **limits, **others) as server:
        yield server


@pytest.fixture(scope="module")
def api(served: ApiServer) -> ApiServer:
    """The API without a worker, on the sample with telephone queues; each file of tests finds no records."""
    with closing(open_database(served.settings().jobs_database)) as database:
        empty(database)
    return served


@pytest.fixture(scope="session")
def working_api(tmp_path_factory: pytest.TempPathFactory, company_data: Path) -> Iterator[ApiServer]:
    """The API with a worker on the same data; what files of tests leave in its records stays there."""
    folder = tmp_path_factory.mktemp("working")
    with run_api(company_data, folder, "--slots", "1", RATE_PER_MINUTE="1000000") as server:
        yield server


@pytest.fixture(scope="module")
def batch_api(tmp_path_factory: pytest.TempPathFactory, new_pg_url: Callable[[], str]) -> Iterator[BatchApi]:
    """The batch API with a worker on data of a few workshops, one for each file of tests.

    Its records are in PostgreSQL: the other APIs have theirs in SQLite.
    """
    folder = tmp_path_factory.mktemp("batches")
    with run_batch_api(folder, CONCURRENT_REQUESTS="64", JOBS_URL=new_pg_url()) as running:
        yield running
