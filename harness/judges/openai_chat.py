"""`openai:MODEL`: any service that speaks OpenAI's `/chat/completions`, as a `ChatModel`.

Here: the request, what reasoning models need different, and how a reply is read. Not here: connections and retries
(http.py), keys and errors (service.py), the judge prompt and the reading of verdicts (prompted.py).
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voirdire.harness.errors import JudgeError, UsageError, nearest
from voirdire.harness.judges.base import Message, Reply
from voirdire.harness.judges.endpoints import Access, clean, endpoint_of, key_for
from voirdire.harness.judges.http import HttpAnswer, Sleep, error_text, is_transient
from voirdire.harness.judges.service import Credential, HostedChat, Service, count_of, name_of, text_of
from voirdire.harness.verdicts import Usage

__all__ = ["DEFAULT_BASE_URL", "OpenAIChat", "is_reasoning_model", "key_for"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

#: o1, o3-mini, o4-mini-2025-04-16, gpt-5, gpt-5.1-codex, with a provider ("openai/o3") or fine-tune ("ft:o4-mini:org")
#: in front; not gpt-5-chat-latest, which is an ordinary chat model
_REASONING = re.compile(
    r"(?:^|[/:])(?:o[1-9](?![0-9a-z])|gpt-(?:[5-9]|[1-9][0-9])(?![0-9a-z])(?!.*-chat))", re.IGNORECASE
)

#: request fields a user may set by name; everything else goes through `extra_body`
_SENT = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "min_p",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
        "verbosity",
    }
)
_PARAMS = _SENT | {"reasoning", "extra_body"}
_LIMIT_SPELLINGS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_UNSUPPORTED = re.compile(
    r"unsupported|not support|n't support|unrecognized|unknown|not permitted|not allowed|deprecated|unexpected|extra"
)
#: no later call succeeds after these, so asking again is pointless
_OUT_OF_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_FILTERED = frozenset({"content_filter", "content_policy_violation"})


def is_reasoning_model(model: str) -> bool:
    """Does the name say that it is one of OpenAI's reasoning models (o1, o3, o4 ..., gpt-5 and later, not -chat)?

    They take no temperature, and `max_completion_tokens` for `max_tokens`. The parameter `reasoning=true|false`
    overrules the guess; an endpoint that disagrees is believed too (see `OpenAIChat.adapted`).
    """
    return _REASONING.search(model) is not None


class OpenAIChat(HostedChat):
    """A model behind an OpenAI-compatible chat endpoint.

    `base_url` may end in a slash or in /chat/completions. `api_key` is sent to its host only, as a bearer token, and
    appears in no message, repr or identity; `key_env` names the variable it comes from, for messages.

    `params`: temperature (default 0; None sends none), max_tokens or max_completion_tokens, reasoning_effort, top_p,
    seed (the repeat's number is added to it), stop, logprobs, top_logprobs ..., `extra_body` (a mapping merged into
    the request) and `reasoning` (overrules `is_reasoning_model`). `timeout`: seconds for one attempt. `retries`:
    attempts after the first. `concurrency`: connections at once; None leaves it to the caller.

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
        key_env: str = "OPENAI_API_KEY",
        environ: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if not model.strip():
            raise UsageError("an openai judge needs a model name", hint="Write it as openai:MODEL.")
        self.model = model
        self._sent = _resolve(model, params or {})
        self._adapted: dict[str, str | None] = {}
        self._service = Service(
            endpoint_of(base_url, "/chat/completions"),
            Credential(api_key, key_env, "authorization", "Bearer "),
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            environ=environ,
            sleep=sleep,
            jitter=jitter,
        )

    @property
    def name(self) -> str:
        return f"openai:{self.model}"

    @property
    def identity(self) -> Mapping[str, object]:
        """All that can change an answer: model, URL and parameters as first sent."""
        return {
            "api": "openai-chat",
            "model": self.model,
            **self._service.identity,
            "params": dict(self._sent),
        }

    @property
    def adapted(self) -> Mapping[str, str | None]:
        """Parameters the endpoint refused: {"temperature": None (left out), "max_tokens": its new name}."""
        return dict(self._adapted)

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        """One completion. A repeat is a fresh call: `sample` is not sent, it only shifts a given `seed`.

        Raises JudgeError after the retries, or at once on a request the service does not accept; JudgeUnreachable
        where no later call can succeed (key refused, no such model, no quota, a redirect).
        """
        while True:
            payload = self.request(messages, sample=sample)
            answer = await self._service.post(payload, transient=_passes)
            # Ends: an adapted parameter is absent from the next payload, or the answer is an error.
            reply = self.read(answer, payload)
            if reply is not None:
                return reply

    def request(self, messages: Sequence[Message], *, sample: int) -> dict[str, Any]:
        """The body of one request."""
        return self._payload(messages, sample)

    def read(self, answer: HttpAnswer, payload: Mapping[str, Any]) -> Reply | None:
        """The completion in the answer to `payload`; None: a parameter was refused, so ask again without it.

        Raises JudgeError as `complete` does.
        """
        if answer.ok:
            return self._reply(answer.data)
        if self._adapt(answer, payload):
            return None
        if answer.status in (400, 403) and _code(answer) in _FILTERED:
            return Reply("", refusal=error_text(answer, self._service.secrets), finish_reason="content_filter")
        raise self._error(answer)

    def passes(self, answer: HttpAnswer) -> bool:
        """Is it a failure that may pass by itself?"""
        return _passes(answer)

    @property
    def access(self) -> Access:
        """How the service's other endpoints are reached."""
        service = self._service
        root = service.endpoint.shown.removesuffix("/chat/completions")
        return Access(root, service.credential.headers, service.secrets)

    def _payload(self, messages: Sequence[Message], sample: int) -> dict[str, Any]:
        payload = {"model": self.model, "messages": [dict(m) for m in messages], **self._sent}
        if isinstance(payload.get("seed"), int):
            payload["seed"] += sample
        for name, new in self._adapted.items():
            if name in payload:
                value = payload.pop(name)
                if new is not None:
                    payload[new] = value
        return payload

    def _adapt(self, answer: HttpAnswer, payload: Mapping[str, Any]) -> bool:
        """Does the answer refuse a parameter that can be left out or renamed? Remembers it for later calls.

        A token limit is renamed, never dropped: without it a call could cost anything.
        """
        if answer.status not in (400, 422):
            return False
        error = answer.data.get("error") if isinstance(answer.data, dict) else None
        named = error.get("param") if isinstance(error, dict) else None
        text = error_text(answer).lower()
        if not _UNSUPPORTED.search(text + " " + str(_code(answer) or "").lower()):
            return False
        for name in ("temperature", *_LIMIT_SPELLINGS):
            # A refusal of one spelling often advises the other, so the parameter must be one that was sent.
            if name not in payload or not (named == name if named else re.search(rf"\b{name}\b", text)):
                continue
            new = _LIMIT_SPELLINGS.get(name)
            if new is not None and new in self._adapted:
                continue  # refused under both names
            self._adapted[name] = new
            return True
        return False

    def _error(self, answer: HttpAnswer) -> JudgeError:
        if _code(answer) in _OUT_OF_MONEY and answer.status not in (401, 403, 404, 405, 410):
            return self._service.out_of_money(answer)
        hint = "Check the model's name and the base URL."
        if "/v1" not in self._service.endpoint.shown:
            hint += " Base URLs mostly end in /v1."
        return self._service.error(answer, what=f"model {self.model!r}", hint=hint)

    def _reply(self, data: Any) -> Reply:
        """Reads a completion. Raises JudgeError, not retried, on JSON that is none."""
        if not isinstance(data, dict):
            raise self._service.unreadable(f"a JSON {type(data).__name__}, not an object", data)
        choices = data.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            what = "an error" if data.get("error") else "a reply without choices"
            raise self._service.unreadable(what, data.get("error") or data)
        choice = choices[0]
        message = choice.get("message")
        if not isinstance(message, dict):
            raise self._service.unreadable("a choice without a message", choice)
        text = _text(message.get("content"))
        if text is None:
            raise self._service.unreadable("a message whose content is no text", message.get("content"))
        finish = text_of(choice.get("finish_reason"))
        refusal = text_of(message.get("refusal"))
        if refusal is None and not text and finish == "content_filter":
            refusal = "stopped by the service's content filter"
        return Reply(
            text=text,
            usage=_usage(data.get("usage")),
            served_model=name_of(data.get("model")),
            finish_reason=finish,
            logprobs=_logprobs(choice.get("logprobs")),
            refusal=refusal,
        )


def _resolve(model: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they are sent. Raises UsageError on a wrong name or value."""
    for name, value in params.items():
        if name not in _PARAMS:
            hint = nearest(name, _PARAMS) + " Fields of one service only go into extra_body."
            raise UsageError(f"an openai judge has no parameter {name!r}", hint=hint)
        _check(name, value)
    given = params.get("reasoning")
    reasoning = is_reasoning_model(model) if given is None else bool(given)
    # Temperature stays in a reasoning model's request only where the user insists.
    sent: dict[str, Any] = {} if reasoning else {"temperature": 0}
    sent.update({k: v for k, v in params.items() if k in _SENT})
    if reasoning and "max_tokens" in sent:
        limit = sent.pop("max_tokens")
        sent.setdefault("max_completion_tokens", limit)
    sent.update(params.get("extra_body") or {})
    return {k: v for k, v in sent.items() if v is not None}


def _check(name: str, value: Any) -> None:
    def number(low: float, high: float) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high

    if value is None:
        return
    wanted = None
    if name == "temperature" and not number(0, 2):
        wanted = "a number from 0 to 2"
    elif name in ("top_p", "min_p") and not number(0, 1):
        wanted = "a number from 0 to 1"
    elif name in _LIMIT_SPELLINGS and not (isinstance(value, int) and number(1, math.inf)):
        wanted = "a whole number of 1 or more"
    elif name == "seed" and not (isinstance(value, int) and not isinstance(value, bool)):
        wanted = "a whole number"
    elif name == "reasoning_effort" and not isinstance(value, str):
        wanted = 'a word such as "low"'
    elif name == "reasoning" and not isinstance(value, bool):
        wanted = "true or false"
    elif name == "extra_body" and (not isinstance(value, Mapping) or {"model", "messages", "stream", "n"} & set(value)):
        wanted = "a mapping without model, messages, stream and n"
    if wanted is None:
        try:
            json.dumps(dict(value) if isinstance(value, Mapping) else value, allow_nan=False)
        except (TypeError, ValueError):
            wanted = "plain JSON data"
    if wanted is not None:
        raise UsageError(f"parameter {name} must be {wanted}, got {clean(repr(value), limit=80)}")


def _passes(answer: HttpAnswer) -> bool:
    return is_transient(answer) and _code(answer) not in _OUT_OF_MONEY


def _code(answer: HttpAnswer) -> str | None:
    """The machine-readable code of an error."""
    error = answer.data.get("error") if isinstance(answer.data, dict) else None
    code = error.get("code") or error.get("type") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def _text(content: Any) -> str | None:
    """The text of a message: a string, none, or a list of parts; None where it is anything else."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    if not all(isinstance(p, dict) for p in content):
        return None
    # Other parts hold a model's thoughts, which are no answer.
    texts = [p.get("text") for p in content if p.get("type", "text") == "text"]
    return "".join(texts) if all(isinstance(t, str) for t in texts) else None


def _usage(data: Any) -> Usage | None:
    if not isinstance(data, dict):
        return None
    return Usage(
        input_tokens=count_of(data.get("prompt_tokens")), output_tokens=count_of(data.get("completion_tokens"))
    )


def _logprobs(data: Any) -> dict[str, float] | None:
    """Natural-log probabilities of the candidates for the first token, where `logprobs` was asked for."""
    try:
        pairs = {c["token"]: float(c["logprob"]) for c in data["content"][0]["top_logprobs"]}
    except (TypeError, KeyError, IndexError, ValueError, OverflowError):
        return None
    return {k: v for k, v in pairs.items() if isinstance(k, str) and not math.isnan(v)} or None
