"""How every HTTP judge talks: one JSON POST, with time limits, retries, size limits and messages that hold no key.

Here: the client (`JsonClient`) and the words for what went wrong. Not here: URLs and keys (endpoints.py), the headers
about waiting (rate_headers.py), what a provider's request and reply look like (openai_chat.py and its neighbours), how
many requests an endpoint bears (engine/pacing.py).

httpx and aiohttp take .3 s to import, so they are imported when the first call is made, not with this module.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from voirdire.harness.engine.breaker import JudgeBusy
from voirdire.harness.engine.pacing import Pace, due
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError, redact
from voirdire.harness.judges.endpoints import Endpoint, certificates, clean, proxy_for, proxy_secrets
from voirdire.harness.judges.http_body import TooLarge, Unreadable, read_body, scrubbed
from voirdire.harness.judges.rate_headers import RETRY_AFTER_CAP, quota, retry_after

if TYPE_CHECKING:
    import httpx
    from httpx_aiohttp import AiohttpTransport

__all__ = [
    "MAX_REPLY_BYTES",
    "RETRY_AFTER_CAP",
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
#: characters of a request that make about one token (fewer in some languages; only shares of a limit depend on it)
_TOKEN_CHARACTERS = 4
#: statuses that mean "too much at once": the endpoint is asked less from then on
_FULL = frozenset({429, 529})
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
    headers: Mapping[str, str]  # names in lower case

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
    pace: Pace
    network_errors: tuple[type[Exception], ...]


# made once: json.dumps builds an encoder for each call that names an option
# ASCII with escapes: a lone surrogate, which damaged texts do hold, has no UTF-8
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class JsonClient:
    """POSTs JSON to one endpoint and retries what may pass: 408, 409, 425, 429, 5xx, time-outs, broken connections,
    half a JSON.

    `headers` (the key is one) go to that endpoint and nowhere else: redirects are not followed. `timeout`: seconds
    for one attempt, connecting and reading included. `retries`: attempts after the first. `concurrency`: connections
    at once (None: as many as the endpoint bears and the caller has calls). `secrets` are removed from every reply and
    message. `sleep` and `jitter` (a draw from [0, 1)) can be replaced in tests. Connections open in the running event
    loop on the first call; `aclose` releases them, and a later call opens new ones.
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
        self._secrets = tuple(secret for secret in (*secrets, *endpoint.secrets) if len(secret) >= 4)
        self._sleep = sleep
        # An own generator: the global one may be seeded by the user, and its draws are theirs.
        self._jitter = jitter or random.Random().random
        self._session: _Session | None = None
        self._worked = False

    def __repr__(self) -> str:
        return f"JsonClient({self.endpoint.shown!r}, retries={self.retries}, concurrency={self.concurrency})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is removed from every reply and message: the given ones, and those of the address and of the proxy."""
        return self._secrets

    async def post(
        self, payload: Mapping[str, Any], *, transient: Callable[[HttpAnswer], bool] | None = None
    ) -> HttpAnswer:
        """One exchange. Returns any answer for which `transient` (default `is_transient`) is false, errors included.

        Raises JudgeBusy when the retries are used up, and at once on a reply that is too large, a web page or a
        redirect (never followed). Redirects, and certificates that do not hold, raise JudgeUnreachable as long as
        nothing was ever answered: then it is the address that is wrong, not one machine behind it.
        """
        body = _ENCODER.encode(payload).encode("ascii")
        passing = transient or is_transient
        session = self._open()
        pace = session.pace
        wait: float | None = None
        rested = -math.inf
        trouble = ""
        for attempt in range(self.retries + 1):
            if attempt:
                self.traffic.retries += 1
                await self._sleep(self._delay(attempt, wait))
            wait = None
            if (seconds := due()) > 0.0:
                await self._sleep(seconds)
            # Waiting for a place is not the judge's time, so the clock starts behind it.
            begun = await pace.enter(rested=rested)
            self.traffic.requests += 1
            try:
                async with asyncio.timeout(self.timeout):
                    answer = await self._exchange(session, body)
            except TimeoutError:
                pace.refused(begun)
                trouble = f"did not answer within {self.timeout:g} s"
            except session.network_errors as error:
                pace.stumbled()
                trouble = self._network_trouble(error)
            else:
                if isinstance(answer, str):
                    pace.stumbled()
                    trouble = answer
                    continue
                wait = self._heed(pace, begun, answer, len(body))
                if not passing(answer):
                    return answer
                if wait is not None:
                    rested = pace.hold(wait)
                trouble = self._say(answer)
            finally:
                pace.leave()
        times = "1 attempt" if self.retries == 0 else f"{self.retries + 1} attempts"
        raise JudgeBusy(f"The judge at {self.endpoint.host} {trouble} ({times}).")

    def _heed(self, pace: Pace, begun: float, answer: HttpAnswer, size: int) -> float | None:
        """Tell `pace` what the answer says about load; returns its Retry-After."""
        limits = quota(answer.headers, tokens=size / _TOKEN_CHARACTERS)
        if limits is not None:
            pace.quota(*limits)
        if answer.ok:
            pace.answered(begun)
            self._worked = True
            return None
        if answer.status in _FULL:
            self.traffic.throttled += answer.status == 429
            pace.refused(begun)
        else:
            pace.stumbled()
        return retry_after(answer.headers)

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

        # No compression: verdicts are short.
        headers = {
            "user-agent": "voirdire",
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-type": "application/json",
            **self._headers,
        }
        checked = certificates() if self.endpoint.secure else False

        def connections() -> aiohttp.ClientSession:
            # No cookies: repeats must be fresh calls. No environment: it would add the passwords of ~/.netrc.
            return aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=checked or True),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                trust_env=False,
            )

        proxy = proxy_for(self.endpoint)
        self._secrets += tuple(s for s in proxy_secrets(proxy) if len(s) >= 4 and s not in self._secrets)
        # Plain httpx costs 10 ms of CPU a call at 100 connections; on aiohttp's connections .2 ms.
        transport = AiohttpTransport(
            client=connections, verify=checked, proxy=httpx.Proxy(proxy) if proxy is not None else None
        )
        self._session = _Session(
            loop=loop,
            transport=transport,
            url=httpx.URL(self.endpoint.url),
            pace=Pace(self.concurrency),
            network_errors=(httpx.HTTPError, aiohttp.ClientError, OSError),
        )
        return self._session

    async def _exchange(self, session: _Session, body: bytes) -> HttpAnswer | str:
        """The answer, or (a str) what is wrong with it where another attempt may mend it.

        The transport is asked without httpx.AsyncClient around it: cookies, redirects and passwords in URLs are what
        that adds, none is wanted here, and they are half of the CPU time of a call.
        """
        import httpx

        # a stream of its own: `content=` would also work out headers, which aiohttp does again
        request = httpx.Request("POST", session.url, stream=httpx.ByteStream(body))
        request.read()
        response = await session.transport.handle_async_request(request)
        headers = _plain_headers(response.headers.raw)
        try:
            status = response.status_code
            if 300 <= status < 400:
                raise self._misled(
                    f"The judge at {self.endpoint.host} answered {status}, a redirect to "
                    f"{_redirect_host(headers.get('location', ''))}; redirects are not followed.",
                    hint="If that host is right, give it as the base URL.",
                )
            try:
                # Some servers compress all the same; the stream is what came over the wire, unpacked within a bound.
                packed = headers.get("content-encoding", "")
                stream = cast("httpx.AsyncByteStream", response.stream)
                raw = await read_body(stream, packed, limit=MAX_REPLY_BYTES)
            except TooLarge:
                raise JudgeBusy(
                    f"The judge at {self.endpoint.host} sent more than {MAX_REPLY_BYTES // 10**6} MB."
                ) from None
            except Unreadable as error:
                return f"sent no readable HTTP: {clean(str(error), self._secrets)}"
        finally:
            await response.aclose()
        return self._read(status, raw, headers)

    def _read(self, status: int, raw: bytes, headers: Mapping[str, str]) -> HttpAnswer | str:
        data = None
        good = 200 <= status < 300
        # a JSON body may be UTF-16: read as UTF-8, a key in it would not be found
        text = raw.decode(json.detect_encoding(raw), "replace") if not good else ""
        try:
            # a server that repeats its headers would put the key into caches and reports
            data = scrubbed(json.loads(raw), raw, self._secrets)
        except (ValueError, RecursionError):
            if good:
                start = raw[:200].lstrip().lower()
                if start.startswith((b"<!doctype", b"<html")) or "text/html" in headers.get("content-type", ""):
                    raise JudgeBusy(
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

    def _misled(self, message: str, *, hint: str) -> JudgeError:
        """The error for an answer that came from the wrong place."""
        return JudgeBusy(message) if self._worked else JudgeUnreachable(message, hint=hint)

    def _network_trouble(self, error: Exception) -> str:
        """Words for a broken connection. Raises the error for a certificate that does not hold.

        The transport's exception types mislead (a refused connection arrives as ConnectTimeout), so the aiohttp cause
        is read.
        """
        import aiohttp

        cause = error.__cause__
        error = cause if isinstance(cause, Exception) else error
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            raise self._misled(
                f"The certificate of {self.endpoint.host} does not hold: {clean(str(error), self._secrets)}",
                hint="A company certificate is used if SSL_CERT_FILE names it.",
            ) from None
        if isinstance(error, aiohttp.ClientSSLError):
            return f"could not agree on TLS: {clean(str(error), self._secrets)}"
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return "could not be reached: its host name is not known"
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
            return f"could not be reached: nothing listens at {error.host}:{error.port}; is it running?"
        if isinstance(error, aiohttp.ClientConnectorError):
            return f"could not be reached: {clean(str(error), self._secrets)}"
        if isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError)):
            return "closed the connection before it had answered"
        return f"sent no readable HTTP: {type(error).__name__}: {clean(str(error), self._secrets)}"


def _plain_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Values by lower-case name, those of a repeated header joined. A dozen are looked up in every answer, which is
    what a look-up in httpx.Headers is too slow for."""
    found: dict[str, str] = {}
    for key, value in raw:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def is_transient(answer: HttpAnswer) -> bool:
    """May the same request succeed later? The server's own word (`x-should-retry`) counts where it gives one."""
    said = answer.headers.get("x-should-retry")
    if said in ("true", "false") and not answer.ok:
        return said == "true"
    return answer.status in _TRANSIENT or answer.status >= 500


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
    secrets = (*([key] if key else ()), *endpoint.secrets)
    detail = error_text(answer, secrets) if answer.status == 403 else ""
    return JudgeUnreachable(redact(message + (f" It says: {detail}" if detail else ""), secrets), hint=hint)


def _redirect_host(location: str) -> str:
    try:
        netloc = urllib.parse.urlsplit(location).netloc
    except ValueError:
        netloc = ""
    return clean(netloc.rpartition("@")[2], limit=100) or "another path of the same host"
