"""How every HTTP judge talks: one JSON POST, with time limits, retries, size limits and messages that hold no key.

Here: the client (`JsonClient`) and the words for what went wrong. Not here: URLs and keys (endpoints.py), what a
provider's request and reply look like (openai_chat.py and its neighbours), how many calls an audit has in flight
(engine/).

httpx and aiohttp take .3 s to import, so they are imported when the first call is made, not with this module.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError, redact
from voirdire.harness.judges.endpoints import Endpoint, clean, proxy_for

if TYPE_CHECKING:
    import httpx
    from httpx_aiohttp import AiohttpTransport

__all__ = [
    "MAX_REPLY_BYTES",
    "HttpAnswer",
    "JsonClient",
    "Sleep",
    "Traffic",
    "error_text",
    "is_transient",
    "key_refused",
    "retry_after",
    "status_words",
]

Sleep = Callable[[float], Awaitable[object]]

#: a verdict takes a few hundred bytes; whatever sends more is no judge
MAX_REPLY_BYTES = 8_000_000
#: full-jitter exponential backoff, seconds: uniform in [0, min(cap, start * 2**k)] before retry k
BACKOFF_START, BACKOFF_CAP = 0.5, 20.0
#: the longest Retry-After that is obeyed, seconds
RETRY_AFTER_CAP = 60.0
#: statuses that may pass by themselves: request timeout, conflict, too early, rate limit (and every 5xx)
_TRANSIENT = frozenset({408, 409, 425, 429})
_WORDS = {
    400: "bad request",
    401: "key refused",
    402: "payment required",
    403: "key refused",
    404: "not found",
    405: "method not allowed",
    408: "request timeout",
    413: "request too large",
    422: "request not understood",
    429: "rate limited",
    500: "server error",
    502: "bad gateway",
    503: "overloaded",
    504: "gateway timeout",
    529: "overloaded",
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer. `data` is its JSON, None where the body (of an error status) is no JSON."""

    status: int
    data: Any
    text: str
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Traffic:
    """What a client did so far: requests sent, how many of them were retries, how many answers were 429."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class _Session:
    """What belongs to one event loop."""

    loop: asyncio.AbstractEventLoop
    transport: AiohttpTransport
    url: httpx.URL
    slots: AbstractAsyncContextManager[Any]
    network_errors: tuple[type[Exception], ...]


class JsonClient:
    """POSTs JSON to one endpoint and retries what may pass: 408, 409, 425, 429, 5xx, time-outs, broken connections,
    half a JSON.

    `headers` (the key is one) go to that endpoint and nowhere else: redirects are not followed. `timeout`: seconds
    for one attempt, connecting and reading included. `retries`: attempts after the first. `concurrency`: connections
    at once (None: no limit here). `secrets` are removed from every message. `sleep` and `jitter` (a draw from [0, 1))
    can be replaced in tests. Connections open in the running event loop on the first call; `aclose` releases them, and
    a later call opens new ones.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        headers: Mapping[str, str],
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int | None = None,
        secrets: Iterable[str] = (),
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if not (timeout > 0 and math.isfinite(timeout)):
            raise UsageError(f"timeout must be a positive number of seconds, got {timeout}")
        if retries < 0:
            raise UsageError(f"retries must be 0 or more, got {retries}")
        if concurrency is not None and concurrency < 1:
            raise UsageError(f"concurrency must be 1 or more, got {concurrency}")
        self.endpoint = endpoint
        self.timeout = timeout
        self.retries = retries
        self.concurrency = concurrency
        self.traffic = Traffic()
        self._headers = dict(headers)
        self._secrets = tuple(secrets)
        self._sleep = sleep
        # An own generator: the global one may be seeded by the user, and its draws are theirs.
        self._jitter = jitter or random.Random().random
        self._session: _Session | None = None

    def __repr__(self) -> str:
        return f"JsonClient({self.endpoint.shown!r}, retries={self.retries}, concurrency={self.concurrency})"

    async def post(
        self, payload: Mapping[str, Any], *, transient: Callable[[HttpAnswer], bool] | None = None
    ) -> HttpAnswer:
        """One exchange. Returns any answer for which `transient` (default `is_transient`) is false, errors included.

        Raises JudgeError when the retries are used up, or at once on a reply that is too large or a web page;
        JudgeUnreachable on a redirect (never followed) or a certificate that does not hold.
        """
        # ASCII with escapes: a lone surrogate, which damaged texts do hold, has no UTF-8.
        body = json.dumps(payload, separators=(",", ":"), allow_nan=False).encode("ascii")
        passing = transient or is_transient
        session = self._open()
        wait: float | None = None
        trouble = ""
        for attempt in range(self.retries + 1):
            if attempt:
                self.traffic.retries += 1
                await self._sleep(self._delay(attempt, wait))
            wait = None
            self.traffic.requests += 1
            try:
                # Waiting for a slot is not the judge's time, so the clock starts inside it.
                async with session.slots, asyncio.timeout(self.timeout):
                    answer = await self._exchange(session, body)
            except TimeoutError:
                trouble = f"did not answer within {self.timeout:g} s"
            except session.network_errors as error:
                trouble = self._network_trouble(error)
            else:
                if isinstance(answer, str):
                    trouble = answer
                elif passing(answer):
                    self.traffic.throttled += answer.status == 429
                    wait = retry_after(answer.headers)
                    trouble = self._say(answer)
                else:
                    return answer
        times = "1 attempt" if self.retries == 0 else f"{self.retries + 1} attempts"
        raise JudgeError(f"The judge at {self.endpoint.host} {trouble} ({times}).")

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None and session.loop is asyncio.get_running_loop():
            await session.transport.aclose()

    def _delay(self, attempt: int, wait: float | None) -> float:
        """Seconds before retry `attempt` (1 is the first). A Retry-After is kept, plus jitter so that calls spread."""
        if wait is not None:
            return wait + BACKOFF_START * self._jitter()
        # The exponent is capped because 2.0**1024 overflows.
        return self._jitter() * min(BACKOFF_CAP, BACKOFF_START * 2.0 ** min(attempt - 1, 60))

    def _open(self) -> _Session:
        loop = asyncio.get_running_loop()
        if self._session is not None and self._session.loop is loop:
            return self._session
        import aiohttp
        import httpx
        from httpx_aiohttp import AiohttpTransport

        limit = self.concurrency
        # No compression: verdicts are short.
        headers = {
            "user-agent": "voirdire",
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-type": "application/json",
            **self._headers,
        }

        def connections() -> aiohttp.ClientSession:
            # No cookies: repeats must be fresh calls. No environment: it would add the passwords of ~/.netrc.
            return aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=limit or 0, ssl=transport.ssl_context),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                trust_env=False,
            )

        proxy = proxy_for(self.endpoint)
        transport = AiohttpTransport(client=connections, proxy=httpx.Proxy(proxy) if proxy else None)
        slots: AbstractAsyncContextManager[Any] = asyncio.Semaphore(limit) if limit else nullcontext()
        errors = (httpx.HTTPError, aiohttp.ClientError, OSError)
        self._session = _Session(loop, transport, httpx.URL(self.endpoint.url), slots, errors)
        return self._session

    async def _exchange(self, session: _Session, body: bytes) -> HttpAnswer | str:
        """The answer, or (a str) what is wrong with it where another attempt may mend it.

        The transport is asked without httpx.AsyncClient around it: cookies, redirects and passwords in URLs are what
        that adds, none is wanted here, and they are half of the CPU time of a call.
        """
        import httpx

        response = await session.transport.handle_async_request(httpx.Request("POST", session.url, content=body))
        try:
            status = response.status_code
            if 300 <= status < 400:
                raise JudgeUnreachable(
                    f"The judge at {self.endpoint.host} answered {status}, a redirect to "
                    f"{_redirect_host(response.headers.get('location', ''))}; redirects are not followed.",
                    hint="If that host is right, give it as the base URL.",
                )
            raw = bytearray()
            # Some servers compress all the same.
            packed = "content-encoding" in response.headers
            async for chunk in response.aiter_bytes() if packed else cast("httpx.AsyncByteStream", response.stream):
                raw += chunk
                if len(raw) > MAX_REPLY_BYTES:
                    raise JudgeError(f"The judge at {self.endpoint.host} sent more than {MAX_REPLY_BYTES // 10**6} MB.")
        finally:
            await response.aclose()
        return self._read(status, bytes(raw), response.headers)

    def _read(self, status: int, raw: bytes, headers: Mapping[str, str]) -> HttpAnswer | str:
        data = None
        good = 200 <= status < 300
        text = raw.decode("utf-8", "replace") if not good else ""
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            if good:
                start = raw[:200].lstrip().lower()
                if start.startswith((b"<!doctype", b"<html")) or "text/html" in headers.get("content-type", ""):
                    raise JudgeError(
                        f"The judge at {self.endpoint.host} answered {status} with a web page (HTML), not JSON.",
                        hint=f"Is the base URL right? The request went to {self.endpoint.shown}",
                    ) from None
                return "sent an empty reply" if not start else "sent a reply that is not complete JSON"
        # Some gateways answer 200 and put the upstream's status into the body.
        if good and isinstance(data, dict) and isinstance(data.get("error"), dict):
            code = data["error"].get("code")
            if isinstance(code, int) and 400 <= code < 600:
                status = code
        return HttpAnswer(status, data, text, headers)

    def _say(self, answer: HttpAnswer) -> str:
        detail = error_text(answer, self._secrets)
        return f"answered {status_words(answer.status)}" + (f": {detail}" if detail else "")

    def _network_trouble(self, error: Exception) -> str:
        """Words for a broken connection. The transport's exception types mislead (a refused connection arrives as
        ConnectTimeout), so the aiohttp cause is read."""
        import aiohttp

        cause = error.__cause__ or error
        if isinstance(cause, aiohttp.ClientSSLError):
            raise JudgeUnreachable(
                f"The certificate of {self.endpoint.host} does not hold: {clean(str(cause), self._secrets)}",
                hint="A company certificate is used if SSL_CERT_FILE names it.",
            ) from None
        if isinstance(cause, aiohttp.ClientConnectorDNSError):
            return "could not be reached: its host name is not known"
        if isinstance(cause, aiohttp.ClientConnectorError):
            return f"could not be reached: {clean(str(cause), self._secrets)}"
        if isinstance(cause, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError)):
            return "closed the connection before it had answered"
        return f"sent no readable HTTP: {type(cause).__name__}: {clean(str(cause), self._secrets)}"


def is_transient(answer: HttpAnswer) -> bool:
    """May the same request succeed later? The server's own word (`x-should-retry`) counts where it gives one."""
    said = answer.headers.get("x-should-retry")
    if said in ("true", "false") and not answer.ok:
        return said == "true"
    return answer.status in _TRANSIENT or answer.status >= 500


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds the server asks to wait (`retry-after-ms`, or Retry-After as seconds or date), in [0, 60]; None if
    it does not say or makes no sense."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if not text:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            try:
                date = parsedate_to_datetime(text)
            except ValueError:
                continue
            date = date if date.tzinfo else date.replace(tzinfo=UTC)
            seconds = (date - (now or datetime.now(UTC))).total_seconds()
        if not math.isnan(seconds):
            return min(RETRY_AFTER_CAP, max(0.0, seconds))
    return None


def status_words(status: int) -> str:
    """`429 (rate limited)`."""
    return f"{status} ({_WORDS[status]})" if status in _WORDS else str(status)


def error_text(answer: HttpAnswer, secrets: Iterable[str] = ()) -> str:
    """What the server says went wrong, cleaned; empty where it says nothing worth reading (a web page)."""
    found: Any = answer.data
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    if found is None:
        found = "" if answer.text.lstrip().startswith("<") else answer.text
    return clean(found if isinstance(found, str) else json.dumps(found), secrets)


def key_refused(
    answer: HttpAnswer, endpoint: Endpoint, *, key: str | None, key_env: str, environ: Mapping[str, str]
) -> JudgeUnreachable:
    """The error for a 401 or 403: says whether a key was sent and which variable it comes from, never the key."""
    host = endpoint.host
    known = environ.get(key_env, "").strip()
    # The variable is always followed by a comma, a stop or a bracket: `redact` takes "API_KEY word" for a leaked key.
    if key is None and known:
        why = f"the key in {key_env}, which is set, was not sent to {host}: only a config file names that host."
        hint = "Name the host on the command line (--base-url) or pass --trust-config."
    elif key is None:
        why = f"{host} wants a key, but the environment holds no {key_env}, it is unset."
        hint = f"Set {key_env}."
    else:
        which = (
            f"in {key_env}, which is set" if key == known else f"it was given ({'not ' if known else 'no '}{key_env})"
        )
        why = f"{host} did not take the key {which}."
        hint = f"Is the key valid, and is it one for {host}?"
    message = f"The judge answered {answer.status} (key refused): {why}"
    detail = error_text(answer, [key] if key else ()) if answer.status == 403 else ""
    return JudgeUnreachable(
        redact(message + (f" It says: {detail}" if detail else ""), [key] if key else ()), hint=hint
    )


def _redirect_host(location: str) -> str:
    try:
        netloc = urllib.parse.urlsplit(location).netloc
    except ValueError:
        netloc = ""
    return clean(netloc.rpartition("@")[2], limit=100) or "another path of the same host"
