"""Base URLs, who is sent a key, proxies, and what is left of a stranger's words."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from talk import ASK, KEY, chat_at

from voirdire.harness.errors import UsageError
from voirdire.harness.judges.endpoints import clean, endpoint_of, is_local, proxy_for, proxy_secrets
from voirdire.harness.judges.openai_chat import key_for


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h.example/v1", "https://h.example/v1/chat/completions"),
        ("https://h.example/v1///", "https://h.example/v1/chat/completions"),
        ("https://H.example/v1/chat/completions", "https://h.example/v1/chat/completions"),
        ("https://h.example/v1/chat/completions/", "https://h.example/v1/chat/completions"),
        ("https://h.example/d?api-version=3", "https://h.example/d/chat/completions?api-version=3"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_base_urls(base: str, url: str) -> None:
    assert endpoint_of(base, "/chat/completions").url == url


@pytest.mark.parametrize(
    "base",
    [
        "",
        "localhost:8000/v1",
        "ftp://h/v1",
        "file:///etc/passwd",
        "https://",
        "https://user:secret-password@h.example/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evil.example\\@api.openai.com/v1",
        "https://api.openai.com\\.evil.example/v1",
        "https://h.example/v1 x",
        "https://h.example:99999/v1",
        "https://ápi.openai.com/v1",
        "http://[::1/v1",
    ],
)
def test_unusable_base_urls(base: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint_of(base, "/chat/completions")
    assert "secret-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("base", "trusted", "sent"),
    [
        ("https://api.openai.com/v1", False, True),
        ("https://API.openai.com./v1", False, True),
        ("http://api.openai.com/v1", False, False),
        ("https://api.openai.com.evil.example/v1", False, False),
        ("https://evil.example/api.openai.com", False, False),
        ("https://evil.example/v1?x=https://api.openai.com", False, False),
        ("http://localhost:8000/v1", False, False),
        ("https://gateway.example/v1", True, True),
        ("http://localhost:8000/v1", True, True),
    ],
)
def test_who_gets_the_key(base: str, trusted: bool, sent: bool) -> None:
    environ = {"OPENAI_API_KEY": KEY}
    assert key_for(base, environ, base_url_trusted=trusted) == (KEY if sent else None)
    assert key_for(base, {}, base_url_trusted=trusted) is None
    assert key_for(base, {"OPENAI_API_KEY": "  "}, base_url_trusted=trusted) is None


def test_another_provider_has_its_own_host_and_variable() -> None:
    environ = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": "other"}
    where = {"default_host": "api.anthropic.com", "key_env": "ANTHROPIC_API_KEY"}
    assert key_for("https://api.anthropic.com/v1", environ, base_url_trusted=False, **where) == "other"
    assert key_for("https://api.openai.com/v1", environ, base_url_trusted=False, **where) is None


def test_repr_and_identity_hold_no_key_and_no_query() -> None:
    chat = chat_at("https://h.example/v1?api_key=query-secret")
    for text in (repr(chat), json.dumps(chat.identity), repr(chat._service), repr(chat._service.credential), chat.name):
        assert KEY not in text
        assert "query-secret" not in text
    assert chat.identity["query"] != chat_at("https://h.example/v1?api_key=b").identity["query"]


def test_identity_tells_models_urls_and_params_apart() -> None:
    chats = [
        chat_at("https://h.example/v1"),
        chat_at("https://h.example/v2"),
        chat_at("https://h.example/v1", model="judge-2"),
        chat_at("https://h.example/v1", params={"temperature": 1}),
    ]
    assert len({json.dumps(c.identity, sort_keys=True) for c in chats}) == 4
    same = chat_at("https://h.example/v1/chat/completions", api_key="sk-another-key-12345")
    assert same.identity == chats[0].identity


@pytest.mark.parametrize("key", ["sk-planted-0123\nX: y", "sk-planted key", "sk-plantéd"])
def test_a_key_that_cannot_be_a_header_is_refused_unnamed(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        chat_at("https://h.example", api_key=key)
    assert "plant" not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)


def test_local_hosts() -> None:
    assert all(map(is_local, ["localhost", "127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "host.docker.internal"]))
    assert not any(map(is_local, ["api.openai.com", "8.8.8.8", "localhost.evil.example"]))


def test_the_environments_proxy_is_used_but_not_for_local_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for(endpoint_of("https://api.openai.com/v1")) == "http://proxy.example:3128"
    assert proxy_for(endpoint_of("https://inside.example/v1")) is None
    assert proxy_for(endpoint_of("https://127.0.0.1/v1")) is None


@pytest.mark.parametrize(
    ("named", "used"),
    [
        ("user:pr0xyPass@proxy.example:3128", "http://user:pr0xyPass@proxy.example:3128"),  # as curl takes it
        ("proxy.example:3128", "http://proxy.example:3128"),
        (" http://user:pr0xy%2FPass@proxy.example:3128/ ", "http://user:pr0xy%2FPass@proxy.example:3128/"),
        ("https://[::1]:3128", "https://[::1]:3128"),
    ],
)
def test_proxies_as_people_write_them(monkeypatch: pytest.MonkeyPatch, named: str, used: str) -> None:
    monkeypatch.setenv("https_proxy", named)
    monkeypatch.delenv("no_proxy", raising=False)
    assert proxy_for(endpoint_of("https://api.example/v1")) == used
    httpx.Proxy(used)


@pytest.mark.parametrize(
    "named",
    [
        "http://user:pr0xy#Pass@proxy.example:3128",
        "user:pr0xy/Pass@proxy.example:3128",
        "user:12/Pass@proxy.example:3128",
        "user:12#Pass@proxy.example:3128",
        "user:12?Pass@proxy.example:3128",
        "http:///user:pr0xyPass@proxy.example",
        "http://user:pr0xyPass@proxy.example:port",
        "http://user:pr0xyPass@[proxy.example:3128",
        "http://user:pr0xy Pass@proxy.example:3128",
        "socks5://user:pr0xyPass@proxy.example:1080",
    ],
)
@pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
def test_an_unusable_proxy_is_named_by_its_variable_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str, named: str
) -> None:
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, named)
    with pytest.raises(UsageError, match=variable.upper()) as caught:
        asyncio.run(chat_at("https://api.example/v1").complete(ASK, sample=0))
    for word in ("Pass", "pr0xy", "user:12"):
        assert word not in str(caught.value)


def test_what_no_message_may_quote_of_a_proxy() -> None:
    assert proxy_secrets(None) == proxy_secrets("http://proxy.example:3128") == ()
    found = proxy_secrets("http://user:pa%2Fss@proxy.example:3128")
    assert set(found) == {"user:pa%2Fss", "user:pa/ss", "pa%2Fss", "pa/ss", "dXNlcjpwYS9zcw=="}
    assert proxy_secrets("http://token123@proxy.example")[0] == "token123"


def test_what_no_message_may_quote_of_an_address() -> None:
    """A short value is a word that verdicts hold."""
    assert endpoint_of("https://h.example/v1").secrets == ()
    found = endpoint_of("https://h.example/v1?code=S3cret%2FKey&stream=true&bare-token").secrets
    assert found == ("code=S3cret%2FKey&stream=true&bare-token", "S3cret%2FKey", "S3cret/Key", "bare-token")


def test_clean_cuts_after_redaction() -> None:
    text = "x" * 290 + KEY
    assert "sk-" not in clean(text, [KEY])
    assert len(clean("y" * 900)) == 300
