"""Starts a real S3 server (Swift with its S3 front) on loopback for tests, and offers it as pytest fixtures.

One child process holds the account, container, object and proxy servers, each on a free port. The child ends
when its standard input closes, so a killed test run leaves no server behind. Run as a program, this file is
that child.
"""

import http.client
import os
import select
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from exporters.storage import S3Options

ACCESS_KEY = "workshop:tester"
SECRET_KEY = "loopback-only-secret"
REGION = "us-east-1"
READY_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """A running server with one empty bucket."""

    endpoint_url: str
    bucket: str
    container_port: int
    access_key: str = ACCESS_KEY
    secret_key: str = field(default=SECRET_KEY, repr=False)
    region: str = REGION

    def options(self, *, secret_key: str | None = None, endpoint_url: str | None = None) -> "S3Options":
        """The parameters for `open_store`, by default the ones that work."""
        from exporters.storage import S3Options

        return S3Options(
            endpoint_url=endpoint_url or self.endpoint_url,
            region=self.region,
            access_key=self.access_key,
            secret_key=secret_key or self.secret_key,
        )

    def client(self) -> "S3Client":
        """A plain boto3 client, to look at the bucket past the product's own code."""
        import boto3.session
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def limit_bucket(self, bucket: str, size: int) -> None:
        """Give `bucket` a quota of `size` bytes, as the server's operator would."""
        self._ask_container_server("POST", bucket, {"X-Container-Meta-Quota-Bytes": str(size)})

    def names(self, prefix: str) -> list[str]:
        """Every name in the bucket that begins with `prefix`, and those of the parts of uploads behind it."""
        found: list[str] = []
        for container in (self.bucket, f"{self.bucket}+segments"):
            found += self._ask_container_server("GET", f"{container}?prefix={quote(prefix)}").splitlines()
        return found

    def _ask_container_server(self, method: str, path: str, headers: dict[str, str] | None = None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.container_port, timeout=10)
        stamped = {"X-Timestamp": f"{time.time():.5f}", **(headers or {})}
        connection.request(method, f"/d1/0/AUTH_workshop/{path}", headers=stamped)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        if response.status == 404:
            return ""
        if response.status >= 300:
            raise RuntimeError(f"The container server answered {response.status} to {method} {path}.")
        return text


@contextmanager
def run_s3_server() -> Iterator[S3Server]:
    """Start the server, wait until it answers, and end it when the block is left."""
    with tempfile.TemporaryDirectory(prefix="s3-server-") as folder:
        log = Path(folder, "server.log")
        with log.open("wb") as log_file:
            process = subprocess.Popen(
                [sys.executable, __file__, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
            )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("The S3 server's process has no pipes.")
        try:
            answered, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
            ports = process.stdout.readline().split() if answered else []
            if len(ports) != 2:
                raise RuntimeError(f"The S3 server did not start:\n{log.read_text()[-4000:]}")
            server = S3Server(f"http://127.0.0.1:{ports[0]}", "reports", int(ports[1]))
            server.client().create_bucket(Bucket=server.bucket)
            yield server
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One S3 server for the whole test session (for each worker, when tests run in parallel)."""
    with run_s3_server() as server:
        yield server


SERVER_CONFIG = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
log_level = WARNING

[pipeline:main]
pipeline = {pipeline}

[app:account]
use = egg:swift#account
[app:container]
use = egg:swift#container
[app:object]
use = egg:swift#{object_server}
fallocate_reserve = 0
disable_fallocate = true
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
cors_allow_origin = *
node_timeout = 30

[filter:s3api]
use = egg:swift#s3api
location = {region}
cors_preflight_allow_origin = *
# Small pages, so that listing a few files already takes more than one.
max_bucket_listing = 5
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:container-quotas]
use = egg:swift#container_quotas
"""

PIPELINES = {
    "account": "account",
    "container": "container",
    "object": "object",
    "proxy": "s3api tempauth bulk slo container-quotas proxy-server",
}


def has_extended_attributes(folder: Path) -> bool:
    """Whether files in `folder` can carry the attributes the on-disk object server needs."""
    probe = folder / "attributes"
    probe.touch()
    try:
        os.setxattr(probe, "user.probe", b"1")
    except OSError:
        return False
    finally:
        probe.unlink()
    return True


def serve(folder: Path) -> None:
    """Run the four servers in this process until standard input closes; print the proxy's port when ready."""
    import eventlet.wsgi  # type: ignore[import-untyped]
    from swift.common import utils, wsgi  # type: ignore[import-untyped]
    from swift.common.http_protocol import SwiftHttpProtocol  # type: ignore[import-untyped]
    from swift.common.ring import RingData  # type: ignore[import-untyped]

    utils.eventlet_monkey_patch()
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    utils.set_swift_dir(str(folder))
    sockets: dict[str, Any] = {name: eventlet.listen(("127.0.0.1", 0)) for name in PIPELINES}
    for name in ("account", "container", "object"):
        address = {"ip": "127.0.0.1", "port": sockets[name].getsockname()[1]}
        device = {"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "d1", "meta": "", **address}
        # One partition on one device: the shift of 32 bits leaves no other.
        RingData([array("H", [0])], [device], part_shift=32).save(str(folder / f"{name}.ring.gz"))
    for name, listener in sockets.items():
        config = folder / f"{name}.conf"
        config.write_text(
            SERVER_CONFIG.format(
                folder=folder,
                port=listener.getsockname()[1],
                pipeline=PIPELINES[name],
                object_server="object" if has_extended_attributes(folder) else "mem_object",
                region=REGION,
                user=ACCESS_KEY.replace(":", "_"),
                secret=SECRET_KEY,
            )
        )
        # The SDKs want the header "ETag" as it is written.
        eventlet.spawn(
            eventlet.wsgi.server,
            listener,
            wsgi.loadapp(str(config), global_conf={"log_name": name}),
            utils.NullLogger(),
            protocol=SwiftHttpProtocol,
            capitalize_response_headers=False,
        )
    print(sockets["proxy"].getsockname()[1], sockets["container"].getsockname()[1], flush=True)
    eventlet.hubs.trampoline(sys.stdin.fileno(), read=True)
    os._exit(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
