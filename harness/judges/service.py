"""One HTTP service that judges: where it is, whose key it gets, and the words for what it refuses.

What the chat models of services (`HostedChat`) and score_endpoint.py share. Not here: requests and retries (http.py),
URLs and who may be sent a key (endpoints.py), what a provider's request and reply look like.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.judges.endpoints import Endpoint, clean, is_local
from voirdire.harness.judges.http import HttpAnswer, JsonClient, Sleep, Traffic, error_text, key_refused, status_words

__all__ = ["Credential", "HostedChat", "Service", "count_of", "money_of", "name_of", "text_of"]

#: beyond it a count of tokens is no count, and no table holds it
_MOST_TOKENS = 10**15


@dataclass(frozen=True, slots=True)
class Credential:
    """A key on its way out. `env` names the variable it comes from, for messages; `header` and `prefix` say how it is
    sent. Raises UsageError on a key that cannot be one.
    """

    key: str | None
    env: str
    header: str
    prefix: str = ""

    def __post_init__(self) -> None:
        key = (self.key or "").strip() or None
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise UsageError(f"the key ({self.env}) holds characters no key has: a blank, a line break?")
        object.__setattr__(self, "key", key)

    def __repr__(self) -> str:
        return f"Credential({self.env}, {'given' if self.key else 'none'})"

    @property
    def headers(self) -> dict[str, str]:
        return {self.header: self.prefix + self.key} if self.key else {}


class Service:
    """An endpoint, its client and its errors. The options are those of `JsonClient`."""

    def __init__(
        self,
        endpoint: Endpoint,
        credential: Credential,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int | None = None,
        environ: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.credential = credential
        self._environ = environ
        self._http = JsonClient(
            endpoint,
            headers={**(headers or {}), **credential.headers},
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            secrets=(credential.key,) if credential.key else (),
            sleep=sleep,
            jitter=jitter,
        )

    def __repr__(self) -> str:
        return f"Service({self.endpoint.shown!r})"

    @property
    def paid(self) -> bool:
        return not is_local(self.endpoint.host)

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._http.secrets

    @property
    def concurrency(self) -> int | None:
        return self._http.concurrency

    @property
    def traffic(self) -> Traffic:
        return self._http.traffic

    @property
    def identity(self) -> dict[str, object]:
        """The URL for a fingerprint. A query string may hold a key, so it is only hashed."""
        query = self.endpoint.url.removeprefix(self.endpoint.shown)
        return {
            "url": self.endpoint.shown,
            "query": hashlib.sha256(query.encode()).hexdigest()[:16] if query else None,
        }

    async def post(
        self, payload: Mapping[str, Any], *, transient: Callable[[HttpAnswer], bool] | None = None
    ) -> HttpAnswer:
        """See `JsonClient.post`."""
        return await self._http.post(payload, transient=transient)

    async def aclose(self) -> None:
        await self._http.aclose()

    def says(self, answer: HttpAnswer) -> str:
        """The service's own words, cleaned, as a sentence to append; empty where there are none."""
        detail = error_text(answer, self.secrets)
        return f" It says: {detail}" if detail else ""

    def error(self, answer: HttpAnswer, *, what: str, hint: str) -> JudgeError:
        """The error for a status that is none of success. `what` is missing where it answers 404 ("model 'x'")."""
        status = answer.status
        if status in (401, 403):
            return self.key_refused(answer)
        if status in (404, 405, 410):
            return JudgeUnreachable(
                f"The judge answered {status_words(status)}: no {what} at {self.endpoint.shown}.{self.says(answer)}",
                hint=hint,
            )
        if status == 402:
            return self.out_of_money(answer)
        return JudgeError(f"The judge at {self.endpoint.host} answered {status_words(status)}.{self.says(answer)}")

    def key_refused(self, answer: HttpAnswer) -> JudgeUnreachable:
        return key_refused(
            answer, self.endpoint, key=self.credential.key, key_env=self.credential.env, environ=self._environ
        )

    def out_of_money(self, answer: HttpAnswer) -> JudgeUnreachable:
        """No later call succeeds, so asking again is pointless."""
        return JudgeUnreachable(
            f"The judge answered {answer.status}: the account at {self.endpoint.host} has no quota left."
            f"{self.says(answer)}"
        )

    def unreadable(self, what: str, data: Any) -> JudgeError:
        """The error for a successful answer that is not what the API promises; not retried."""
        shown = clean(json.dumps(data), self.secrets, limit=200)
        return JudgeError(f"The judge at {self.endpoint.host} sent {what}: {shown}")


class HostedChat:
    """What the chat models behind a service have in common; each sets `model` and `_service`."""

    model: str
    _service: Service

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r}, base_url={self._service.endpoint.shown!r})"

    @property
    def paid(self) -> bool:
        return self._service.paid

    @property
    def deterministic(self) -> bool:
        """Services differ from call to call even at temperature 0."""
        return False

    @property
    def concurrency(self) -> int | None:
        return self._service.concurrency

    @property
    def first_token_only(self) -> bool:
        return False

    @property
    def traffic(self) -> Traffic:
        """Requests, retries and 429s so far."""
        return self._service.traffic

    async def aclose(self) -> None:
        await self._service.aclose()


def text_of(value: Any) -> str | None:
    """A text that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def name_of(value: Any) -> str | None:
    """The name of a model as a stranger gives it: one line of at most 200 characters, else None."""
    return clean(value, limit=200) or None if isinstance(value, str) else None


def count_of(value: Any) -> int | None:
    """A count of tokens, else None: an unknown number is never 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None


def money_of(value: Any) -> float | None:
    """An amount of money, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        amount = float(value)
    except OverflowError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None
