"""docs/cli.md says what the command line has: its commands, options and exit codes, no more and no less."""

import re
from pathlib import Path

import typer

from api.cli import app
from api.cli_errors import ExitCode

_PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def _sections() -> dict[str, str]:
    _, *parts = re.split(r"^## ", _PAGE, flags=re.MULTILINE)
    return dict(part.split("\n", 1) for part in parts)


def test_commands_and_options() -> None:
    documented = {
        title.removeprefix("reports "): set(re.findall(r"^\| `(--[a-z-]+)` \|", text, re.MULTILINE))
        for title, text in _sections().items()
        if title.startswith("reports ")
    }
    group = typer.main.get_command(app)
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


def test_exit_codes() -> None:
    documented = re.findall(r"^\| (\d+) \|", _sections()["Exit codes"], re.MULTILINE)
    assert [int(code) for code in documented] == sorted(ExitCode)
