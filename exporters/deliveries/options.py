"""The options of delivering: the mail server, what links begin with, and which addresses may be called."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from exporters.seal import Seal

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class MailPatience:
    """How long a mail server is waited for, in seconds."""

    connecting: float = 15.0
    answer: float = 60.0
    """To each command, and between two pieces of a mail that is sent."""
    whole: float = 600.0
    """For one mail, from connecting to its end."""


@dataclass(frozen=True)
class SmtpOptions:
    """How the mail server is reached."""

    host: str
    port: int
    security: Security
    """`starttls`: the connection is encrypted before anything is said, or not used; `tls`: from its start."""
    user: str | None
    password: str | None = field(repr=False)
    patience: MailPatience = MailPatience()


@dataclass(frozen=True)
class DeliveryOptions:
    """How deliveries are sent."""

    seal: Seal
    smtp: SmtpOptions | None
    """None: no mail can be sent."""
    sender: str
    """Address that mails come from."""
    public_url: str
    """What links in mails begin with, such as `https://reports.example`; without a slash at its end."""
    attachment_limit: int
    """Bytes; a larger file is mailed as a link."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that webhooks may lead to beside the public ones."""
