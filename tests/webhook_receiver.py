"""A webhook receiver on loopback for tests: it records what comes, and answers as it is told, badly too."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook


@dataclass(frozen=True)
class Call:
    """One call that came."""

    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def webhook_id(self) -> str:
        """The id of the delivery."""
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Behaviour:
    """How a call is answered."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before the answer."""
    cut: str = ""
    """`before`, `head` or `body`: where the connection ends."""
    drip: float = 0
    """Seconds between the bytes of the answer, head and all."""
    raw: bytes | None = None
    """Sent in place of an answer."""


class WebhookReceiver:
    """The receiver. `answer` says how each call is answered; `calls` are those that came."""

    def __init__(self, answer: Callable[[Call], Behaviour] | None = None, tls: "Tls | None" = None) -> None:
        self.answer = answer or (lambda _call: Behaviour())
        self.calls: list[Call] = []
        self.connections = 0
        self.cut_short = 0
        """Answers whose end the caller did not want."""
        self.name_asked: str | None = None
        """The name in the last TLS greeting."""
        self._tls = tls
        self._http: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        assert self._http is not None, "the receiver is not started"
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    def verify(self, call: Call, secret: str) -> object:
        """The body, if the official library takes its signature."""
        return Webhook(secret).verify(call.body, dict(call.headers))

    def __enter__(self) -> Self:
        receiver: WebhookReceiver = self

        class Handler(_Handler):
            owner = receiver

        self._http = _Server(("127.0.0.1", 0), Handler)
        if self._tls is not None:
            context = self._tls.server_context()
            context.sni_callback = self._note_name
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._http is not None
        self._http.shutdown()
        self._http.server_close()

    def _note_name(self, _socket: object, name: str | None, _context: object) -> None:
        self.name_asked = name


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # connections that were told to break


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: "WebhookReceiver"

    def setup(self) -> None:
        self.owner.connections += 1
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.path, headers, body)
        behaviour = self.owner.answer(call)
        self.owner.calls.append(call)
        time.sleep(behaviour.delay)
        try:
            self._reply(behaviour)
        except OSError:
            self.owner.cut_short += 1
        self.close_connection = True

    def _reply(self, told: Behaviour) -> None:
        lines = [f"HTTP/1.1 {told.status} told", f"Content-Length: {len(told.body)}"]
        lines += [f"{name}: {value}" for name, value in told.headers.items()]
        sent = "\r\n".join([*lines, "", ""]).encode() + told.body if told.raw is None else told.raw
        stop = {"before": 0, "head": 10, "body": len(sent) - len(told.body) // 2 - 1}.get(told.cut, len(sent))
        if not told.drip:
            self.wfile.write(sent[:stop])
        else:
            for number in range(stop):
                self.wfile.write(sent[number : number + 1])
                time.sleep(told.drip)
        if told.cut:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Tls:
    """A certificate for some names, and the authority that gave it."""

    def __init__(self, folder: Path, *names: str, days: int = 2) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._pem = certificate.public_bytes(serialization.Encoding.PEM)
        self._file = folder / f"{names[0].replace(':', '_')}-{days}.pem"
        self._file.write_bytes(
            self._pem
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def server_context(self) -> ssl.SSLContext:
        """What the receiver shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file)
        return context

    def trust(self) -> ssl.SSLContext:
        """What a caller trusts who knows the authority."""
        return ssl.create_default_context(cadata=self._pem.decode())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
