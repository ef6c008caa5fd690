"""Fixtures of the whole suite: the servers, and warehouses built once from each source."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.s3_server", "tests.pg_server", "tests.built", "tests.event_books", "tests.records"]

# The same examples each time, however slow the machine is: what fails is of the change.
# `--hypothesis-profile=default` draws others.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One certificate authority in place of the web's hundred and more.

    The servers of the tests are on this machine; to read all the authorities for each client that a test
    opens takes longer than most of its requests.
    """
    head, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    file = tmp_path_factory.mktemp("authority") / "one.pem"
    file.write_text(f"{head}{end}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield
