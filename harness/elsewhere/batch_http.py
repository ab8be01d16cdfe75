"""Requests to a provider's batch endpoints: few, large, and not all of them JSON.

Redirects are not followed, so that no key travels. Not here: what is asked (batch_api.py), the live endpoints
(judges/http.py).
"""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from voirdire.harness.errors import JudgeError, JudgeUnreachable
from voirdire.harness.judges.endpoints import Access, certificates, clean, endpoint_of, proxy_for
from voirdire.harness.judges.http import HttpAnswer, Sleep, error_text, is_transient, status_words
from voirdire.harness.judges.http_body import scrubbed

if TYPE_CHECKING:
    import httpx

__all__ = ["MAX_LINE_BYTES", "BatchClient"]

#: one result: a reply of a judge
MAX_LINE_BYTES = 8_000_000
#: seconds before each further try of a request that failed in a way that may pass
WAITS = (1.0, 2.0, 5.0, 15.0, 60.0)
#: uploading or downloading a whole batch may take as long as this
_TIMEOUT = 600.0


class BatchClient:
    """A service's root and its key. Belongs to the event loop that uses it first."""

    def __init__(self, access: Access, *, sleep: Sleep = asyncio.sleep) -> None:
        self._access = access
        self._endpoint = endpoint_of(access.root)
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None

    async def get(self, path: str) -> Any:
        """The JSON at `path`. Raises JudgeError."""
        return self._data(await self._send("GET", path, again=True))

    async def post(self, path: str, **content: Any) -> Any:
        """The JSON that answers a POST (`json=` or `data=` and `files=`). It is tried again only where it is certain
        that the service took nothing: a batch made twice is paid twice."""
        return self._data(await self._send("POST", path, again=False, **content))

    async def lines(self, path: str) -> AsyncIterator[Any]:
        """The JSON values in the lines at `path` (a path or a URL of the same host). Raises JudgeError."""
        import httpx

        rest = bytearray()
        try:
            async with self._open().stream("GET", self._url(path)) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise self._error(_answer(response))
                async for chunk in response.aiter_bytes():
                    *whole, last = (bytes(rest) + chunk).split(b"\n")
                    rest = bytearray(last)
                    if len(rest) > MAX_LINE_BYTES:
                        raise self._trouble(f"sent a result of more than {MAX_LINE_BYTES // 10**6} MB")
                    for line in whole:
                        if line.strip():
                            yield self._line(line)
        except httpx.HTTPError as error:
            raise self._trouble(f"broke off ({type(error).__name__})") from None
        if rest.strip():
            yield self._line(bytes(rest))

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _line(self, line: bytes) -> Any:
        try:
            return scrubbed(json.loads(line), line, self._access.secrets)
        except (ValueError, RecursionError):
            shown = clean(line[:200].decode("utf-8", "replace"), self._access.secrets)
            raise self._trouble(f"sent a result that is no JSON: {shown}") from None

    async def _send(self, method: str, path: str, *, again: bool, **content: Any) -> HttpAnswer:
        import httpx

        for wait in (*WAITS, None):
            try:
                response = await self._open().request(method, self._url(path), **content)
            except httpx.HTTPError as error:
                # a connection that was never made carried nothing
                certain = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
                if wait is None or not (again or certain):
                    raise self._trouble(f"cannot be reached ({type(error).__name__})") from None
            else:
                answer = _answer(response)
                if wait is None or not (is_transient(answer) and (again or answer.status in (429, 503, 529))):
                    return answer
            await self._sleep(wait)
        raise AssertionError  # the last round returns or raises

    def _data(self, answer: HttpAnswer) -> Any:
        if not answer.ok:
            raise self._error(answer)
        if not isinstance(answer.data, dict):
            raise self._trouble("answered with something that is no JSON object")
        return answer.data

    def _error(self, answer: HttpAnswer) -> JudgeError:
        detail = error_text(answer, self._access.secrets)
        says = f" It says: {detail}" if detail else ""
        text = f"The batch service at {self._endpoint.host} answered {status_words(answer.status)}.{says}"
        if answer.status in (401, 402, 403, 404, 405) or 300 <= answer.status < 400:
            return JudgeUnreachable(text, hint="Does this service take batches, and is the key for it?")
        return JudgeError(text)

    def _trouble(self, what: str) -> JudgeError:
        return JudgeError(f"The batch service at {self._endpoint.host} {what}.")

    def _url(self, path: str) -> str:
        if not path.startswith("http"):
            return self._access.root + path
        root, there = urllib.parse.urlsplit(self._access.root), urllib.parse.urlsplit(path)
        if (root.scheme, root.netloc) != (there.scheme, there.netloc):
            raise JudgeUnreachable(
                f"The batch service at {self._endpoint.host} keeps its results at {clean(there.netloc, limit=100)}, "
                "another host, which gets no key."
            )
        return path

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                headers={"user-agent": "voirdire", **self._access.headers},
                verify=certificates() if self._endpoint.secure else False,
                proxy=proxy_for(self._endpoint),
                timeout=httpx.Timeout(_TIMEOUT, connect=30.0),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client


def _answer(response: httpx.Response) -> HttpAnswer:
    try:
        data = response.json()
    except (ValueError, RecursionError):
        data = None
    text = "" if response.is_success else response.text[:10_000]
    return HttpAnswer(response.status_code, data, text, {k.lower(): v for k, v in response.headers.items()})
