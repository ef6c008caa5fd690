"""docs/cli.md says what the command line has: its commands, options and exit codes, no more and no less."""

import re
from pathlib import Path

import pytest
import typer

from api.cli import app
from api.cli_errors import ExitCode
from pipelines.__main__ import app as pipelines_app
from pipelines.console import ExitCode as NightExitCode

_PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def _sections() -> dict[str, str]:
    _, *parts = re.split(r"^## ", _PAGE, flags=re.MULTILINE)
    return dict(part.split("\n", 1) for part in parts)


@pytest.mark.parametrize(
    ("program", "program_app"), [("reports", app), ("python -m pipelines", pipelines_app)]
)
def test_commands_and_options(program: str, program_app: typer.Typer) -> None:
    documented = {
        title.removeprefix(f"{program} "): set(re.findall(r"^\| `(--[a-z-]+)` \|", text, re.MULTILINE))
        for title, text in _sections().items()
        if title.startswith(f"{program} ")
    }
    group = typer.main.get_command(program_app)
    commands = getattr(group, "commands")  # noqa: B009  the type of groups is not public
    assert documented == {
        name: {
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        for name, command in commands.items()
    }


def _exit_codes(section: str) -> list[int]:
    return [int(code) for code in re.findall(r"^\| (\d+) \|", _sections()[section], re.MULTILINE)]


def test_exit_codes() -> None:
    assert _exit_codes("Exit codes") == sorted(ExitCode)
    assert _exit_codes("python -m pipelines night") == sorted(NightExitCode)
    assert set(_exit_codes("python -m pipelines sample")) < set(NightExitCode)
