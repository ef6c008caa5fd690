"""Tests of which addresses webhooks may lead to, and of what an authentication may hold."""

from collections.abc import Sequence
from importlib.util import find_spec
from ipaddress import ip_network

import pytest

from exporters.deliveries.addresses import (
    AddressRefused,
    NameUnknown,
    check_url,
    find_addresses,
    read_url,
    resolve_name,
)
from exporters.deliveries.webhook_auth import Auth, AuthRefused, Method, from_text, read_auth

PUBLIC = "93.184.215.14"
NAMES = {
    "hooks.example.com": [PUBLIC],
    "two.example.com": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC],
    "loop.example.com": ["127.0.0.1"],
    "mixed.example.com": [PUBLIC, "10.0.0.5"],
    "mixed6.example.com": [PUBLIC, "::1"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "nat64.example.com": ["64:ff9b::7f00:1"],
    "nat64-public.example.com": ["64:ff9b::5db8:d70e"],
    "zone.example.com": ["fe80::1%eth0"],
    "strange.example.com": ["not an address"],
    "localhost": ["127.0.0.1", "::1"],
}


def resolve(name: str) -> Sequence[str]:
    if name not in NAMES:
        raise OSError("no such name")
    return NAMES[name]


REFUSED_URLS = {
    "loopback": "http://127.0.0.1/",
    "loopback, another": "http://127.255.255.254/",
    "loopback in decimal": "http://2130706433/",
    "loopback in octal": "http://0177.0.0.1/",
    "loopback in one octal": "http://017700000001/",
    "loopback in hexadecimal": "http://0x7f000001/",
    "loopback in hexadecimal parts": "http://0x7f.0x0.0x0.0x1/",
    "loopback in short": "http://127.1/",
    "loopback in three parts": "http://127.0.1/",
    "leading zeros": "http://127.000.000.001/",
    "empty hexadecimal": "http://0x/",
    "a trailing dot": "http://127.0.0.1./",
    "unspecified": "http://0.0.0.0/",
    "this network": "http://0.1.2.3/",
    "zero in short": "http://0/",
    "private 10": "https://10.0.0.1/",
    "private 172": "https://172.31.255.255/",
    "private 192": "https://192.168.1.1/",
    "carrier's": "https://100.64.0.1/",
    "another cloud's metadata": "http://100.100.100.200/",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "metadata in decimal": "http://2852039166/",
    "metadata of IPv6": "http://[fd00:ec2::254]/",
    "a cloud's host service": "http://168.63.129.16/machine",
    "multicast": "http://224.0.0.1/",
    "reserved": "http://240.0.0.1/",
    "broadcast": "http://255.255.255.255/",
    "documentation": "http://192.0.2.1/",
    "benchmarks": "http://198.18.0.1/",
    "6to4 relay": "http://192.88.99.1/",
    "IPv6 loopback": "http://[::1]/",
    "IPv6 unspecified": "http://[::]/",
    "IPv6 link-local": "http://[fe80::1]/",
    "IPv6 zone": "http://[fe80::1%25eth0]/",
    "IPv6 public with zone": "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c%25eth0]/",
    "IPv6 unique local": "http://[fc00::1]/",
    "IPv6 site-local": "http://[fec0::1]/",
    "IPv6 multicast": "http://[ff02::1]/",
    "IPv6 documentation": "http://[2001:db8::1]/",
    "IPv4-mapped": "http://[::ffff:127.0.0.1]/",
    "IPv4-mapped in hexadecimal": "http://[::ffff:7f00:1]/",
    "IPv4-compatible": "http://[::127.0.0.1]/",
    "6to4 of loopback": "http://[2002:7f00:1::]/",
    "NAT64 of loopback": "http://[64:ff9b::7f00:1]/",
    "NAT64 of metadata": "http://[64:ff9b::a9fe:a9fe]/",
    "local NAT64": "http://[64:ff9b:1::1]/",
    "Teredo": "http://[2001:0:53aa:64c::1]/",
    "localhost": "http://localhost/",
    "localhost in capitals": "http://LOCALHOST/",
    "below localhost": "http://hook.localhost/",
    "localhost with a dot": "http://localhost./",
    "a local name": "http://intranet/",
    "a cloud's inner name": "http://metadata.google.internal/",
    "a name of mDNS": "http://printer.local/",
    "a name of loopback": "https://loop.example.com/",
    "one address of two is private": "https://mixed.example.com/",
    "one address of two is IPv6 loopback": "https://mixed6.example.com/",
    "a name of IPv4-mapped": "https://mapped.example.com/",
    "a name of NAT64 loopback": "https://nat64.example.com/",
    "a name of a zone": "https://zone.example.com/",
    "a name of nonsense": "https://strange.example.com/",
    "full-width digits": "http://１２７.0.0.1/",
    "full-width dots": "http://127。0。0。1/",
    "circled digits": "http://①②⑦.⓪.⓪.①/",
    "letters beyond ASCII": "http://lоcalhost/",
    "a percent-encoded host": "http://127%2e0.0.1/",
    "user and password": "https://user:secret@hooks.example.com/",
    "user alone": "https://hooks.example.com@127.0.0.1/",
    "an empty user": "https://@hooks.example.com/",
    "a backslash": "https://hooks.example.com\\@127.0.0.1/",
    "a fragment": "https://hooks.example.com#@127.0.0.1/",
    "a line break": "https://hooks.example.com/\r\nHost: 127.0.0.1",
    "a line feed in the host": "https://hooks.example.com\n.evil.example/",
    "NUL": "https://hooks.example.com\0.evil.example/",
    "a tab": "https://hooks.exam\tple.com/",
    "a space": "https://hooks.example.com/a b",
    "a space before": " https://hooks.example.com/",
    "very long": "https://hooks.example.com/" + "a" * 2_000,
    "a very long label": f"https://{'a' * 64}.example.com/",
    "no host": "https:///hook",
    "no slashes": "https:hooks.example.com",
    "no scheme": "//hooks.example.com/",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://hooks.example.com:70/_",
    "ftp": "ftp://hooks.example.com/",
    "javascript": "javascript:alert(1)",
    "another case of a scheme": "FILE://hooks.example.com/",
    "port of SSH": "http://hooks.example.com:22/",
    "port of SMTP": "http://hooks.example.com:25/",
    "port of Redis": "http://hooks.example.com:6379/",
    "port of PostgreSQL": "http://hooks.example.com:5432/",
    "port 0": "http://hooks.example.com:0/",
    "port beyond": "http://hooks.example.com:65616/",
    "no port after the colon": "http://hooks.example.com:/",
    "two ports": "http://hooks.example.com:80:22/",
    "a port of other digits": "http://hooks.example.com:８０/",
    "a negative port": "http://hooks.example.com:-1/",
    "brackets around a name": "http://[hooks.example.com]/",
    "empty brackets": "http://[]/",
    "a name after brackets": "http://[::1].example.com/",
    "two dots": "http://hooks..example.com/",
    "a dot before": "http://.example.com/",
    "nothing": "",
}


@pytest.mark.parametrize("url", REFUSED_URLS.values(), ids=REFUSED_URLS)
def test_a_url_that_leads_inward_or_is_written_oddly_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, (), resolve)


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://hooks.example.com", "hooks.example.com", "/"),
        ("https://hooks.example.com?key=1", "hooks.example.com", "/?key=1"),
        ("HTTPS://Hooks.Example.COM/A?b=C%20d", "hooks.example.com", "/A?b=C%20d"),
        ("http://hooks.example.com:8080/x", "hooks.example.com:8080", "/x"),
        ("https://two.example.com:443/", "two.example.com", "/"),
        (f"https://{PUBLIC}/", PUBLIC, "/"),
        ("https://[2606:2800:21f:cb07::8b2c]:8443/", "[2606:2800:21f:cb07::8b2c]:8443", "/"),
        ("https://nat64-public.example.com/", "nat64-public.example.com", "/"),
        ("https://not-yet.example.org/", "not-yet.example.org", "/"),
        ("https://xn--smrrebrd-q1ab.example/", "xn--smrrebrd-q1ab.example", "/"),
    ],
)
def test_a_public_url_is_taken(url: str, authority: str, target: str) -> None:
    place = check_url(url, (), resolve)
    assert (place.authority, place.target) == (authority, target)


def test_the_addresses_that_are_connected_to_are_those_that_were_checked() -> None:
    looked_up = []

    def once(name: str) -> Sequence[str]:
        looked_up.append(name)
        return [PUBLIC, "1.1.1.1", PUBLIC]

    found = find_addresses(read_url("https://hooks.example.com/"), (), once)
    assert [str(address) for address in found] == [PUBLIC, "1.1.1.1"]
    assert looked_up == ["hooks.example.com"]


def test_a_name_that_leads_inward_by_now_is_refused_when_it_is_called() -> None:
    place = check_url("https://later.example.com/", (), lambda _name: [PUBLIC])
    with pytest.raises(AddressRefused, match="not public"):
        find_addresses(place, (), lambda _name: ["127.0.0.1"])
    with pytest.raises(NameUnknown):
        find_addresses(place, (), resolve)


def test_a_network_that_is_opened_is_opened_alone() -> None:
    opened = (ip_network("127.0.0.1/32"), ip_network("10.1.0.0/16"))
    assert check_url("http://127.0.0.1:8080/", opened, resolve).port == 8080
    assert check_url("http://10.1.255.1/", opened, resolve).host == "10.1.255.1"
    for url in (
        "http://127.0.0.2/",
        "http://10.2.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::1]/",
        "http://localhost/",  # its other address is not opened
    ):
        with pytest.raises(AddressRefused):
            check_url(url, opened, resolve)


def test_a_refusal_does_not_tell_what_a_name_leads_to() -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url("https://mixed.example.com/path?token=abc", (), resolve)
    assert "10.0.0.5" not in str(refused.value)
    assert "token" not in str(refused.value)


def test_the_system_resolves_names() -> None:
    assert "127.0.0.1" in resolve_name("localhost")
    with pytest.raises(OSError, match=r"."):
        resolve_name("no-such-name.invalid")


def _config(method: object = "Header", key: object = "X-Key", value: object = "s3cret") -> dict[str, object]:
    return {"Method": method, "Key": key, "Value": value}


REFUSED_AUTHS: dict[str, dict[str, object]] = {
    "a line break in a header's value": _config(value="a\r\nX-Evil: 1"),
    "a line feed in a header's value": _config(value="a\nb"),
    "a carriage return in a header's value": _config(value="a\rb"),
    "NUL in a header's value": _config(value="a\0b"),
    "a line break in a header's name": _config(key="X-Key: 1\r\nX-Evil"),
    "a colon in a header's name": _config(key="X-Key:"),
    "a space in a header's name": _config(key="X Key"),
    "a header's name beyond ASCII": _config(key="X-Nøkkel"),
    "a value beyond ASCII": _config(value="smørrebrød"),
    "another line separator": _config(value="a\u2028b"),
    "next line": _config(value="a\x85b"),
    "half of a surrogate pair": _config(value="a\ud800"),
    "a space at the end": _config(value="a "),
    "Host": _config(key="Host"),
    "Host in another case": _config(key="hOsT"),
    "Content-Length": _config(key="Content-Length", value="0"),
    "Transfer-Encoding": _config(key="Transfer-Encoding", value="chunked"),
    "Content-Type": _config(key="content-type"),
    "Connection": _config(key="Connection", value="keep-alive, X-Key"),
    "Upgrade": _config(key="Upgrade", value="h2c"),
    "TE": _config(key="TE"),
    "Trailer": _config(key="Trailer"),
    "Expect": _config(key="Expect", value="100-continue"),
    "Proxy-Authorization": _config(key="Proxy-Authorization"),
    "Cookie": _config(key="Cookie", value="session=1"),
    "our own signature": _config(key="webhook-signature", value="v1,x"),
    "our own id": _config(key="Webhook-Id"),
    "a forwarded address": _config(key="X-Forwarded-For", value="127.0.0.1"),
    "a pseudo-header": _config(key=":authority"),
    "a name that is too long": _config(key="X" * 101),
    "a value that is too long": _config(value="x" * 2_001),
    "an empty name": _config(key=""),
    "an empty value": _config(value=""),
    "no value": {"Method": "Header", "Key": "X-Key"},
    "a number": _config(value=7),
    "a list": _config(value=["a"]),
    "nothing": {},
    "another method": _config(method="Digest"),
    "a field twice": {**_config(), "value": "other"},
    "a field that is not known": {**_config(), "Domain": "x"},
    "a colon in a user": _config("BasicAuth", "user:admin"),
    "a line break in a user": _config("BasicAuth", "user\r\n"),
    "a line break in a password": _config("BasicAuth", "user", "pass\nword"),
    "two domains": _config("Kerberos", "a@b@user"),
    "a domain alone": _config("Kerberos", "acme.example@"),
    "a principal with a service": _config("Kerberos", "acme.example@HTTP/host"),
}


@pytest.mark.parametrize("config", REFUSED_AUTHS.values(), ids=REFUSED_AUTHS)
def test_an_authentication_that_could_change_the_call_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(AuthRefused) as refused:
        read_auth(config)
    assert "s3cret" not in str(refused.value)


def test_an_authentication_is_taken_in_any_case_of_its_keys() -> None:
    read = read_auth({"method": "HEADER", "KEY": "X-Hook-Key", "vaLue": "s3cret; a=b"})
    assert read == Auth(Method.HEADER, "X-Hook-Key", "s3cret; a=b")
    assert read.headers == {"X-Hook-Key": "s3cret; a=b"}
    assert from_text(read.to_text()) == read


def test_a_user_and_a_password_may_have_any_letters() -> None:
    read = read_auth(_config("basicauth", "Åse", "pass:ørd"))
    assert read.headers == {"Authorization": "Basic w4VzZTpwYXNzOsO4cmQ="}


def test_a_bearer_token_may_be_a_header() -> None:
    assert (
        read_auth(_config(key="Authorization", value="Bearer abc")).headers["Authorization"] == "Bearer abc"
    )


def test_an_authentication_does_not_show_its_secrets() -> None:
    shown = repr(read_auth(_config("BasicAuth", "hidden-user", "hidden-password")))
    assert "hidden" not in shown


@pytest.mark.skipif(find_spec("httpx_gssapi") is not None, reason="the extra is installed")
def test_kerberos_says_what_it_needs_where_it_is_not_installed() -> None:
    with pytest.raises(AuthRefused, match="extra `kerberos`"):
        read_auth(_config("Kerberos", "acme.example@user"))
