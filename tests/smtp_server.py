"""A mail server on loopback for tests: takes mails, and misbehaves as a test asks it to."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

QUEUED = "250 2.0.0 Ok: queued as 4F2A91"


@dataclass(frozen=True)
class Received:
    """A mail that was taken."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    was_encrypted: bool
    account: str | None

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        parsed = message_from_bytes(self.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class _Silent(asyncio.Protocol):
    """Takes the connection and says nothing."""


@dataclass
class SmtpServer:
    """The server; a context manager."""

    recipients: dict[str, str] = field(default_factory=dict)
    """What is answered to RCPT for a recipient; others are taken."""
    greylisted: bool = False
    """Whether each recipient is asked to come again at first."""
    answer: str = QUEUED
    """To the end of DATA."""
    hangs: str | None = None
    """`connect`, `rcpt` or `data`: where it falls silent."""
    cuts: bool = False
    """Whether it cuts the connection after it has taken a mail, before it says so."""
    delay: float = 0.0
    """Seconds from taking a mail until it says so."""
    may_answer: threading.Event | None = None
    """What it waits for from taking a mail until it says so."""
    account: tuple[str, str] | None = None
    """The account and password that it asks for."""
    offers_tls: bool = False
    is_encrypted: bool = False
    """Whether connections are encrypted from their beginning."""
    certificate: "Certificate | None" = None
    mails: list[Received] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often each recipient was named."""
    port: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        context = self.certificate.context() if self.certificate and self.is_encrypted else None
        made = self._loop.create_server(self._serve, "127.0.0.1", self.port, ssl=context)
        server = self._loop.run_until_complete(made)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _serve(self) -> asyncio.BaseProtocol:
        if self.hangs == "connect":
            return _Silent()
        options: dict[str, Any] = {"hostname": "mail.test", "loop": self._loop}
        if self.certificate and self.offers_tls:
            options |= {"tls_context": self.certificate.context(), "require_starttls": True}
        if self.account:
            options |= {"authenticator": self._check_account, "auth_required": True}
            options["auth_require_tls"] = self.offers_tls
        return SMTP(self, **options)

    def _check_account(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
    ) -> AuthResult:
        name, password = self.account or ("", "")
        is_right = (given.login.decode(), given.password.decode()) == (name, password)
        return AuthResult(success=is_right, handled=False, auth_data=name)

    async def handle_MAIL(  # noqa: N802  named by the library
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.seen[address] += 1
        if self.hangs == "rcpt":
            await asyncio.sleep(3600)
        if self.greylisted and self.seen[address] == 1:
            return "451 4.7.1 Greylisted, come again later"
        if (told := self.recipients.get(address)) is not None:
            return told
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        account = session.auth_data if session.authenticated else None
        if self.hangs == "data":
            await asyncio.sleep(3600)
        if self.answer.startswith("2"):
            self.mails.append(
                Received(
                    envelope.mail_from or "",
                    tuple(envelope.rcpt_tos),
                    content,
                    session.ssl is not None or self.is_encrypted,
                    account,
                )
            )
        if self.delay:
            await asyncio.sleep(self.delay)
        while self.may_answer is not None and not self.may_answer.is_set():
            await asyncio.sleep(0.02)
        if self.cuts:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            await asyncio.sleep(3600)
        return self.answer


@dataclass(frozen=True)
class Certificate:
    """A certificate for `localhost`, made by an authority of its own."""

    authority: Path
    """File of the authority's certificate, which a client must trust."""
    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def make_certificate(folder: Path, host: str = "localhost") -> Certificate:
    """A certificate for `host` and the authority that made it, as files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign("Test authority", authority_key.public_key(), "Test authority", authority_key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _sign(host, key.public_key(), "Test authority", authority_key, host)
    made = Certificate(folder / "authority.pem", folder / "chain.pem", folder / "key.pem")
    made.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    made.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


def _sign(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    host: str | None,
) -> x509.Certificate:
    naming: Callable[[str], x509.Name] = lambda text: x509.Name(  # noqa: E731
        [x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(naming(name))
        .issuer_name(naming(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.9"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
