"""The token door: an API key is exchanged for an access token that lasts an hour and ends with the key."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.batch_api import wait_until

PATH = "/oauth2/user-credentials"
TYPES = "/company/report/type"


def body_of(key: str, **changes: Any) -> dict[str, Any]:
    given = {
        "grant_type": "password",
        "client_id": "external.acme",
        "username": key.split("_")[1],
        "password": key,
        "tfa": "",
    }
    return {name: value for name, value in (given | changes).items() if value is not ...}


@pytest.fixture(scope="module")
def key(api: ApiServer) -> str:
    return api.new_key("101", scopes=["definitions", "reports"])


@pytest.mark.parametrize("how", ["json", "data"])
def test_2_1_a_key_is_exchanged_for_a_token(api: ApiServer, key: str, how: str) -> None:
    options: Any = {how: body_of(key)}
    answer = httpx.post(api.url + PATH, **options)
    told = answer.json()
    assert answer.status_code == 200
    assert told.keys() == {"access_token", "token_type", "expires_in"}
    assert (told["token_type"], answer.headers["cache-control"]) == ("Bearer", "no-store")
    assert 3590 <= told["expires_in"] <= 3600
    assert key.split("_")[2] not in answer.text
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert httpx.get(api.url + TYPES, headers=bearer).status_code == 200
    assert httpx.get(api.url + TYPES, headers={"x-api-key": told["access_token"]}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"tfa": ...}, 402),
        ({"tfa": None}, 402),
        ({"tfa": "123456"}, 402),
        ({"tfa": 123456}, 402),
        ({"tfa": []}, 422),
        ({"password": "wrong"}, 401),
        ({"password": "rk_0123456789abcdef_" + "0" * 64}, 401),
        ({"password": ""}, 401),
        ({"password": "\0å"}, 401),
        ({"username": "0123456789abcdef"}, 401),
        ({"username": "\0å"}, 401),
        ({"username": "u" * 60_000}, 401),
        ({"grant_type": "client_credentials"}, 400),
        ({"client_id": "acme"}, 400),
        ({"client_id": "external."}, 400),
        ({"username": 7}, 422),
        ({"grant_type": ...}, 422),
        ({"client_id": ...}, 422),
        ({"username": ...}, 422),
        ({"password": ...}, 422),
    ],
)
def test_2_1_what_is_wrong_is_told_by_its_text(
    api: ApiServer, key: str, changes: dict[str, Any], status: int
) -> None:
    answer = httpx.post(api.url + PATH, json=body_of(key, **changes))
    assert (answer.status_code, answer.json().keys()) == (status, {"error"})
    assert answer.headers["content-type"] == "application/json"
    assert key not in answer.text


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"username": "\\ud800"}', "application/json", 400),
        (b"[" * 5000, "application/json", 422),
        (b"username=%ED%A0%80", "application/x-www-form-urlencoded", 400),
        (b"username=\xff", "application/x-www-form-urlencoded", 400),
        (b"tfa=&tfa=", "application/x-www-form-urlencoded; charset=utf-8", 400),
        (b"&".join(b"a%d=" % number for number in range(200)), "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"a" * 70_000, "application/json", 413),
    ],
)
def test_2_1_a_body_that_cannot_be_read_is_refused(
    api: ApiServer, content: bytes, media_type: str, status: int
) -> None:
    answer = httpx.post(api.url + PATH, content=content, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json().keys()) == (status, {"error"})


def test_2_1_another_method_is_refused_in_the_same_form(api: ApiServer) -> None:
    for path, status in ((PATH, 405), ("/oauth2/nothing", 404), ("/oauth2", 404)):
        answer = httpx.get(api.url + path)
        assert (answer.status_code, answer.json().keys()) == (status, {"error"}), path


def test_a_token_ends_with_its_key(api: ApiServer) -> None:
    key = api.new_key("101", scopes=["definitions"])
    token = httpx.post(api.url + PATH, json=body_of(key)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(api.url + TYPES, headers=bearer).status_code == 200
    api.revoke(key)
    wait_until(lambda: httpx.get(api.url + TYPES, headers=bearer).status_code == 401 or None, "its end")
    assert httpx.post(api.url + PATH, json=body_of(key)).status_code == 401


def test_a_token_that_was_changed_lets_nobody_in(api: ApiServer, key: str) -> None:
    token = httpx.post(api.url + PATH, json=body_of(key)).json()["access_token"]
    kind, key_id, until, signature = token.split("_", 3)
    other = api.new_key("102", scopes=["definitions"]).split("_")[1]
    for forged in (
        f"{kind}_{other}_{until}_{signature}",
        f"{kind}_{key_id}_{int(until) + 3600}_{signature}",
        f"{kind}_{key_id}_{until}_{signature[::-1]}",
        f"{kind}_{key_id}_{until}_{'A' * 43}",
        f"{kind}_{key_id}_99999999999_{signature}",
        token + "A",
    ):
        answer = httpx.get(api.url + TYPES, headers={"Authorization": f"Bearer {forged}"})
        assert answer.status_code == 401, forged


def test_wrong_attempts_are_slowed_down_and_a_right_one_is_let_in(api: ApiServer) -> None:
    key, other = (api.new_key("101") for _ in range(2))
    wrong = body_of(key, password="wrong")
    statuses = [httpx.post(api.url + PATH, json=wrong).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    for slowed in (wrong, body_of(key, tfa="1")):
        paused = httpx.post(api.url + PATH, json=slowed)
        assert (paused.status_code, paused.json().keys()) == (429, {"error"})
        assert 1 <= int(paused.headers["retry-after"]) <= 30
    for right in (key, other):
        assert httpx.post(api.url + PATH, json=body_of(right)).status_code == 200


def test_no_key_and_no_token_is_written_anywhere(api: ApiServer) -> None:
    key = api.new_key("106")
    token = httpx.post(api.url + PATH, json=body_of(key)).json()["access_token"]
    httpx.post(api.url + PATH, json=body_of(key, tfa="1"))
    actor = f"key:{key.split('_')[1]}"
    wait_until(lambda: actor in {row.actor for row in api.reads("access token")} or None, "its read")
    secrets = (key.split("_")[2].encode(), token.split("_", 3)[3].encode())
    for path in (api.log, *Path(api.folder).glob("jobs.db*")):
        kept = path.read_bytes()
        assert not any(secret in kept for secret in secrets), path
