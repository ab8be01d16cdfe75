"""Where an HTTP judge's requests go, who may be sent a key, and how a stranger's words are quoted.

Not here: the requests themselves (http.py).
"""

from __future__ import annotations

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

__all__ = ["Access", "Endpoint", "certificates", "clean", "endpoint_of", "is_local", "key_for", "proxy_for"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. `shown` is the URL for messages and fingerprints: without its query, which may hold a key."""

    url: str
    host: str
    shown: str
    secure: bool

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"


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
    """The proxy of the environment (HTTPS_PROXY, NO_PROXY ...), which the HTTP client is told not to read."""
    if is_local(endpoint.host) or urllib.request.proxy_bypass(endpoint.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get("https" if endpoint.secure else "http") or proxies.get("all")


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
