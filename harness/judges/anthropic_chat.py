"""`anthropic:MODEL`: Anthropic's Messages API, as a `ChatModel`.

Here: the request, what thinking models need different, and how a reply is read. Not here: connections and retries
(http.py), keys and errors (service.py), which models think (reasoning.py), the judge prompt and the reading of verdicts
(prompted.py).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voirdire.harness.errors import JudgeError, UsageError
from voirdire.harness.judges.base import Message, Reply
from voirdire.harness.judges.chat_params import (
    FLAG,
    TEXTS,
    WORD,
    Check,
    check_params,
    mapping_without,
    number,
    whole,
)
from voirdire.harness.judges.endpoints import Access, Endpoint, endpoint_of
from voirdire.harness.judges.http import HttpAnswer, Sleep, error_text, is_transient
from voirdire.harness.judges.reasoning import claude_thinking
from voirdire.harness.judges.service import Credential, HostedChat, Service, count_of, name_of, text_of
from voirdire.harness.verdicts import Usage

__all__ = ["API_VERSION", "DEFAULT_BASE_URL", "KEY_ENV", "AnthropicChat"]

DEFAULT_BASE_URL = "https://api.anthropic.com"
KEY_ENV = "ANTHROPIC_API_KEY"
#: the API's only version for years; what a request may hold depends on it
API_VERSION = "2023-06-01"
#: the API wants a limit with every request; thoughts count towards it
REPLY_TOKENS, THINKING_TOKENS = 4096, 16_000
#: the API takes no smaller budget
MIN_BUDGET = 1024

_PARAMS: Mapping[str, Check] = {
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": whole(1),
    "max_tokens": whole(1),
    "stop": TEXTS,
    "service_tier": WORD,
    "reasoning_effort": WORD,
    "thinking_budget": whole(MIN_BUDGET),
    "reasoning": FLAG,
    "extra_body": mapping_without("model", "messages", "system", "stream"),
}
_SENT = ("temperature", "top_p", "top_k", "service_tier")
_REFUSES_TEMPERATURE = re.compile(
    r"deprecated|not supported|unsupported|not allowed|not permitted|only be set to|incompatible|cannot both"
)
#: a 400 or 429 that no waiting mends: the account's own limit, its tier's cap, an empty balance
_OUT_OF_MONEY = re.compile(r"specified (?:workspace )?api usage limits|credit balance is too low")
_SPEND_CAP = "enforced_spend_limit_reached"
#: stop reasons of a reply that was cut off, as the prompted judge knows them
_CUT = {"model_context_window_exceeded": "length"}


class AnthropicChat(HostedChat):
    """A Claude model.

    `base_url` may end in a slash, in /v1 or in /v1/messages. `api_key` is sent to its host only, as `x-api-key`, and
    appears in no message, repr or identity.

    `params`: temperature (default 0; none is sent to models that think), max_tokens (default 4096; 16000 with room for
    thoughts), reasoning_effort ("low" ... "max", or "none" to forbid thoughts), thinking_budget (tokens, models up to
    4.6), top_p, top_k, stop, service_tier, `extra_body` (a mapping merged into the request) and `reasoning` (overrules
    what the name says about temperatures). `timeout`: seconds for one attempt. `retries`: attempts after the first.
    `concurrency`: connections at once; None leaves it to the caller.

    Raises UsageError on unusable arguments.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        api_key: str | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int | None = None,
        environ: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if not model.strip():
            raise UsageError("an anthropic judge needs a model name", hint="Write it as anthropic:MODEL.")
        self.model = model
        self._sent = _resolve(model, params or {})
        self._takes_temperature = True
        self._service = Service(
            _endpoint(base_url),
            Credential(api_key, KEY_ENV, "x-api-key"),
            headers={"anthropic-version": API_VERSION},
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            environ=environ,
            sleep=sleep,
            jitter=jitter,
        )

    @property
    def name(self) -> str:
        return f"anthropic:{self.model}"

    @property
    def identity(self) -> Mapping[str, object]:
        """All that can change an answer: model, URL, API version and parameters as first sent."""
        return {
            "api": "anthropic-messages",
            "version": API_VERSION,
            "model": self.model,
            **self._service.identity,
            "params": dict(self._sent),
        }

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        """One completion. The API takes no seed, so a repeat is a fresh call and `sample` is not sent.

        Raises JudgeError after the retries, or at once on a request the service does not accept; JudgeUnreachable
        where no later call can succeed (key refused, no such model, no quota, a redirect).
        """
        while True:
            payload = self.request(messages, sample=sample)
            answer = await self._service.post(payload, transient=_passes)
            # Ends: the next payload holds no temperature.
            reply = self.read(answer, payload)
            if reply is not None:
                return reply

    def request(self, messages: Sequence[Message], *, sample: int) -> dict[str, Any]:  # noqa: ARG002
        """The body of one request."""
        return self._payload(messages)

    def read(self, answer: HttpAnswer, payload: Mapping[str, Any]) -> Reply | None:
        """The completion in the answer to `payload`; None: the temperature was refused, so ask again without it.

        Raises JudgeError as `complete` does.
        """
        if answer.ok:
            return self._reply(answer.data)
        if self._adapt(answer, payload):
            return None
        raise self._error(answer)

    def passes(self, answer: HttpAnswer) -> bool:
        """Is it a failure that may pass by itself?"""
        return _passes(answer)

    @property
    def access(self) -> Access:
        """How the service's other endpoints are reached."""
        service = self._service
        root = service.endpoint.shown.removesuffix("/messages")
        return Access(root, {"anthropic-version": API_VERSION, **service.credential.headers}, service.secrets)

    def _payload(self, messages: Sequence[Message]) -> dict[str, Any]:
        # The API has no system role: that text is a field of its own, wherever it stood.
        system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
        turns = [{"role": m["role"], "content": m["content"]} for m in messages if m["role"] != "system"]
        payload = {"model": self.model, **({"system": system} if system else {}), "messages": turns, **self._sent}
        if not self._takes_temperature:
            payload.pop("temperature", None)
        return payload

    def _adapt(self, answer: HttpAnswer, payload: Mapping[str, Any]) -> bool:
        """Does the answer refuse the temperature? Remembered for later calls: a new model may not be known yet."""
        text = error_text(answer).lower()
        refused = answer.status == 400 and "temperature" in payload and "temperature" in text
        if refused and _REFUSES_TEMPERATURE.search(text):
            self._takes_temperature = False
            return True
        return False

    def _error(self, answer: HttpAnswer) -> JudgeError:
        if _is_out_of_money(answer):
            return self._service.out_of_money(answer)
        return self._service.error(
            answer, what=f"model {self.model!r}", hint="Check the model's name (platform.claude.com lists them)."
        )

    def _reply(self, data: Any) -> Reply:
        """Reads a message. Raises JudgeError, not retried, on JSON that is none."""
        if not isinstance(data, dict):
            raise self._service.unreadable(f"a JSON {type(data).__name__}, not an object", data)
        blocks = data.get("content")
        if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks):
            what = "an error" if data.get("error") else "a reply without content"
            raise self._service.unreadable(what, data.get("error") or data)
        # Blocks of other types hold a model's thoughts, which are no answer.
        texts = [b.get("text") for b in blocks if b.get("type") == "text"]
        if not all(isinstance(t, str) for t in texts):
            raise self._service.unreadable("a text block without text", blocks)
        stop = text_of(data.get("stop_reason"))
        return Reply(
            text="".join(t for t in texts if t),
            usage=_usage(data.get("usage")),
            served_model=name_of(data.get("model")),
            finish_reason=_CUT.get(stop, stop) if stop else None,
            refusal=_refusal(data.get("stop_details")) if stop == "refusal" else None,
        )


def _endpoint(base_url: str) -> Endpoint:
    path = endpoint_of(base_url).shown
    return endpoint_of(base_url, "/messages" if path.endswith(("/v1", "/messages")) else "/v1/messages")


def _resolve(model: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they are sent. Raises UsageError on a wrong name or value, or on one the model cannot take."""
    check_params("an anthropic judge", params, _PARAMS)
    given = {name: value for name, value in params.items() if value is not None}
    can = claude_thinking(model)
    effort, budget = given.get("reasoning_effort"), given.get("thinking_budget")
    if effort is not None and budget is not None:
        raise UsageError("reasoning_effort and thinking_budget say the same thing twice", hint="Give one of them.")
    if effort not in (None, "none") and not can.efforts:
        raise UsageError(f"{model} takes no reasoning_effort", hint="Give --param thinking_budget=TOKENS instead.")
    if budget is not None and not can.budgets:
        raise UsageError(f"{model} takes no thinking_budget", hint="Give --param reasoning_effort=low instead.")
    thinks = budget is not None or (effort or "none") != "none"
    room = (budget + REPLY_TOKENS) if budget else THINKING_TOKENS if thinks or can.by_default else REPLY_TOKENS
    sent: dict[str, Any] = {"max_tokens": given.get("max_tokens", room)}
    if budget is not None and sent["max_tokens"] <= budget:
        raise UsageError(f"max_tokens={sent['max_tokens']} leaves no room after thinking_budget={budget}")
    reasoning = given.get("reasoning", thinks or not can.samples)
    # Newer models refuse a temperature beside top_p.
    if not reasoning and "top_p" not in given and params.get("temperature", 0) is not None:
        sent["temperature"] = 0
    sent.update({name: given[name] for name in _SENT if name in given})
    if "stop" in given:
        sent["stop_sequences"] = [given["stop"]] if isinstance(given["stop"], str) else given["stop"]
    if effort == "none":
        sent["thinking"] = {"type": "disabled"}
    elif effort is not None:
        sent |= {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    elif budget is not None:
        sent["thinking"] = {"type": "enabled", "budget_tokens": budget}
    return {**sent, **given.get("extra_body", {})}


def _passes(answer: HttpAnswer) -> bool:
    return is_transient(answer) and not _is_out_of_money(answer)


def _is_out_of_money(answer: HttpAnswer) -> bool:
    error = answer.data.get("error") if isinstance(answer.data, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    if isinstance(details, dict) and details.get("error_code") == _SPEND_CAP:
        return True
    return answer.status == 400 and _OUT_OF_MONEY.search(error_text(answer).lower()) is not None


def _refusal(details: Any) -> str:
    found = text_of(details.get("explanation")) if isinstance(details, dict) else None
    return found or "the model declined (stop_reason refusal)"


def _usage(data: Any) -> Usage | None:
    if not isinstance(data, dict):
        return None
    fresh = count_of(data.get("input_tokens"))
    # `input_tokens` leaves out what the prompt cache wrote or read; all three were sent.
    cached = [count_of(data.get(f"cache_{way}_input_tokens")) or 0 for way in ("creation", "read")]
    return Usage(
        input_tokens=None if fresh is None else fresh + sum(cached),
        output_tokens=count_of(data.get("output_tokens")),
    )
