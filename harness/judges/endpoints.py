"""Where an HTTP judge's requests go, who may be sent a key, and how a stranger's words are quoted.

Not here: the requests themselves (http.py).
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voirdire.harness.errors import UsageError, redact

if TYPE_CHECKING:
    import ssl

__all__ = [
    "Access",
    "Endpoint",
    "certificates",
    "clean",
    "endpoint_of",
    "is_local",
    "key_for",
    "proxy_for",
    "proxy_secrets",
]

#: a value of a query that has so many characters may be a key
_KEY_LENGTH = 8
#: where a proxy is named, by the scheme that it is for
_PROXY_VARIABLES = {"https": "HTTPS_PROXY", "http": "HTTP_PROXY", "all": "ALL_PROXY"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. `shown` is the URL for messages and fingerprints: without its query, which may hold a key."""

    url: str
    host: str
    shown: str
    secure: bool

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of the query no message may quote: all of it, and each value that is long enough to be a key, as it
        stands there and as it is meant. Shorter ones (`stream=true`) are words that verdicts hold."""
        query = urllib.parse.urlsplit(self.url).query
        values = [pair.partition("=")[2] or pair for pair in query.split("&")]
        found = [query, *(form for v in values for form in (v, urllib.parse.unquote_plus(v)) if len(v) >= _KEY_LENGTH)]
        return tuple(dict.fromkeys(filter(None, found)))


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """A service's root ("https://api.openai.com/v1"), the headers that its requests need, and what no message may
    quote."""

    root: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()


def endpoint_of(base_url: str, suffix: str = "") -> Endpoint:
    """`base_url` with `suffix` ("/chat/completions") appended unless it ends in it; a query string is kept.

    Raises UsageError on anything but a plain http or https URL. User names in a URL, backslashes and non-ASCII hosts
    are refused: URL parsers disagree about them, and a key must never go to another host than the one checked.
    """
    try:
        parts = urllib.parse.urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urllib.parse.SplitResult("", "", "", "", ""), "", None
    if "@" in parts.netloc:
        raise UsageError(
            "a base URL must not hold a user name or password", hint="Put the key into the environment variable."
        )
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9._\-]+|[0-9a-f:.]+", host):
        hint = "Write it as https://HOST/v1 or http://localhost:PORT/v1; non-ASCII hosts in their xn-- form."
        raise UsageError(f"{clean(base_url.split('?')[0], limit=120)!r} is not a usable base URL", hint=hint)
    if re.search(r"[\x00-\x20\x7f\\]", base_url):
        raise UsageError("a base URL must not hold blanks, control characters or backslashes")
    path = parts.path.rstrip("/")
    if not path.endswith(suffix):
        path += suffix
    where = f"[{host}]" if ":" in host else host
    netloc = where if port is None else f"{where}:{port}"
    shown = f"{parts.scheme}://{netloc}{path}"
    url = f"{shown}?{parts.query}" if parts.query else shown
    return Endpoint(url=url, host=host.rstrip("."), shown=shown, secure=parts.scheme == "https")


def is_local(host: str) -> bool:
    """Is `host` this machine or a private network (so that calls cost nothing and need no key)?"""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private or address.is_link_local


def key_for(
    base_url: str,
    environ: Mapping[str, str],
    *,
    base_url_trusted: bool,
    default_host: str = "api.openai.com",
    key_env: str = "OPENAI_API_KEY",
) -> str | None:
    """The key to send to `base_url`, or None.

    The value of `key_env` goes to the provider's own host over https, or to a host the user named in person
    (`base_url_trusted`: on the command line or in the environment). A URL that only a config file names gets none: a
    pull request must not be able to take a key. Local hosts need none but get one where the user named both.
    """
    endpoint = endpoint_of(base_url)
    own = endpoint.host == default_host and endpoint.secure
    return (environ.get(key_env, "").strip() or None) if own or base_url_trusted else None


def clean(text: str, secrets: Iterable[str] = (), *, limit: int = 300) -> str:
    """Text of a stranger for a one-line message: no keys, no control characters, at most `limit` characters."""
    secrets = tuple(secrets)
    text = redact(text, secrets)
    for secret in secrets:
        # Providers quote the start of a key with the rest masked.
        if len(secret) >= 12:
            text = re.sub(re.escape(secret[:8]) + r"\S*", "[key]", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def proxy_for(endpoint: Endpoint) -> str | None:
    """The proxy of the environment (HTTPS_PROXY, NO_PROXY ...), which the HTTP client is told not to read.

    Without a scheme it is an http proxy, as curl has it. Raises UsageError naming the variable, and nothing of its
    value, which may hold a password.
    """
    if is_local(endpoint.host) or urllib.request.proxy_bypass(endpoint.host):
        return None
    proxies = urllib.request.getproxies()
    kind = "https" if endpoint.secure else "http"
    kind = kind if proxies.get(kind) else "all"
    text = (proxies.get(kind) or "").strip()
    if not text:
        return None
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urllib.parse.urlsplit(text)
        usable = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    # what stands behind the host is most likely the rest of a password
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or re.search(r"[\x00-\x20\x7f\\]", text):
        raise UsageError(
            f"the proxy in {_PROXY_VARIABLES[kind]} is not usable",
            hint="Write it as http://USER:PASSWORD@HOST:PORT; / # ? @ and : in a password as %2F %23 %3F %40 %3A.",
        )
    if parts.scheme not in ("http", "https"):
        raise UsageError(
            f"the proxy in {_PROXY_VARIABLES[kind]} is of a kind that is not known here ({parts.scheme})",
            hint="Name an http or https proxy.",
        )
    return text


def proxy_secrets(proxy: str | None) -> tuple[str, ...]:
    """What of a proxy's URL no message may quote: its password, and the header that it is sent in."""
    user, at, _ = urllib.parse.urlsplit(proxy or "").netloc.rpartition("@")
    if not at:
        return ()
    plain = urllib.parse.unquote(user)
    password = plain.partition(":")[2] or plain  # a token may stand in place of the name
    sent = base64.b64encode(plain.encode()).decode()
    return tuple(dict.fromkeys((user, plain, user.partition(":")[2] or user, password, sent)))


def certificates() -> ssl.SSLContext:
    """The system's certificate authorities, and Mozilla's for systems that have none; only SSL_CERT_FILE and
    SSL_CERT_DIR where the user names them."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    # imported here: it takes longer than the rest of this module, and http URLs never need it
    import ssl

    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
