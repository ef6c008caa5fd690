"""Golden files: what a test's output must equal, and the switch that writes them anew."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

_GOLDEN = Path(__file__).parents[1] / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate-golden", action="store_true", help="write golden files instead of comparing with them"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--regenerate-golden", default=False) and os.environ.get("CI", "").lower() == "true":
        raise pytest.UsageError("--regenerate-golden: in CI golden files are compared, never written.")


@dataclass(frozen=True)
class Golden:
    """The folder of golden files."""

    folder: Path
    regenerate: bool

    def check(self, name: str, content: bytes) -> None:
        """Compares `content` with the golden file `name`, or writes it there when regenerating."""
        path = self.folder / name
        if self.regenerate:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        assert path.exists(), f"{path} is missing: run pytest tests/unit --regenerate-golden and look at it."
        assert content.decode() == path.read_bytes().decode(), f"{path} differs from what is written now."


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(_GOLDEN, bool(request.config.getoption("--regenerate-golden", default=False)))
