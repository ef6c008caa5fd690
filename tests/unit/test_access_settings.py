"""Settings of access: tokens are taken only where all that they are checked by is set."""

from datetime import timedelta

import pytest

from exporters.access import AccessOptions, TokenOptions
from settings import Settings, SettingsError, load_settings

TOKENS = {
    "TOKEN_KEYS": "https://login.example/keys.json?tenant=7",
    "TOKEN_ISSUER": "https://login.example",
    "TOKEN_AUDIENCE": "reports",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"REPORTS_{name.upper()}", raising=False)


def test_by_default_only_keys_are_taken() -> None:
    assert load_settings().access == AccessOptions(None, 600, 16, timedelta(days=365))


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {
        "TOKEN_WORKSHOP_CLAIM": "shop",
        "RATE_PER_MINUTE": "60",
        "CONCURRENT_REQUESTS": "2",
        "AUDIT_DAYS": "1",
    }
    for name, value in (TOKENS | more).items():
        monkeypatch.setenv(f"REPORTS_{name}", value)
    tokens = TokenOptions(TOKENS["TOKEN_KEYS"], "https://login.example", "reports", "shop")
    assert load_settings().access == AccessOptions(tokens, 60, 2, timedelta(days=1))


@pytest.mark.parametrize("absent", ["TOKEN_ISSUER", "TOKEN_AUDIENCE"])
def test_a_key_set_without_issuer_or_audience_is_refused(
    absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TOKENS.items():
        if name != absent:
            monkeypatch.setenv(f"REPORTS_{name}", value)
    with pytest.raises(SettingsError, match=f"^REPORTS_{absent}: must be set where REPORTS_TOKEN_KEYS is"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_KEYS", "ftp://login.example/keys.json"),
        ("TOKEN_KEYS", "https://user:hunter2@login.example/keys.json"),
        ("TOKEN_KEYS", "https:///keys.json"),
        ("RATE_PER_MINUTE", "0"),
        ("CONCURRENT_REQUESTS", "0"),
        ("AUDIT_DAYS", "0"),
    ],
)
def test_values_that_cannot_be_taken(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for one, right in (TOKENS | {name: value}).items():
        monkeypatch.setenv(f"REPORTS_{one}", right)
    with pytest.raises(SettingsError, match=f"^REPORTS_{name}: ") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
