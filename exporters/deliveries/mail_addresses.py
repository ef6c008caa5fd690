"""E-mail addresses: what may stand as a recipient, so that nothing can be smuggled into a mail's header."""

import re

_LONGEST, _LONGEST_LOCAL = 254, 64
"""Octets, by RFC 5321."""
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""Words with dots between (RFC 5322 dot-atom); quoted ones are of no use and hide what is within."""
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)


class MailAddressError(ValueError):
    """A text that is not one plain e-mail address."""


def check_address(text: str) -> str:
    """The address, if it is one e-mail address and nothing else; its domain in ASCII.

    Raises:
        MailAddressError: it is none, or several, or has a display name, a comment or a control character.
    """
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    address = f"{local}{at}{ascii_domain}"
    fits = len(address) <= _LONGEST and len(local) <= _LONGEST_LOCAL
    # An encoded word is made of plain characters, and would be decoded in a header: to anything.
    is_plain = _LOCAL.fullmatch(local) and "=?" not in local
    if not fits or not is_plain or not _DOMAIN.fullmatch(ascii_domain):
        shown = text[:80].encode("unicode_escape").decode()
        raise MailAddressError(f"{shown!r} is not one e-mail address, such as name@example.com")
    return address
