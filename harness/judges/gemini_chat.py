"""`gemini:MODEL`: Google's Gemini API (`generateContent`), as a `ChatModel`.

Here: the request, what thinking models need different, how a reply is read, and the wait that the service asks for in
the body of a 429. Not here: connections and retries (http.py), keys and errors (service.py), which models think
(reasoning.py), the judge prompt and the reading of verdicts (prompted.py).
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from voirdire.harness.errors import JudgeError, UsageError
from voirdire.harness.judges.base import Message, Reply
from voirdire.harness.judges.chat_params import (
    FLAG,
    TEXTS,
    WHOLE,
    WORD,
    Check,
    check_params,
    mapping_without,
    number,
    whole,
)
from voirdire.harness.judges.endpoints import Endpoint, endpoint_of, key_for
from voirdire.harness.judges.http import RETRY_AFTER_CAP, HttpAnswer, Sleep, is_transient
from voirdire.harness.judges.reasoning import gemini_thinking
from voirdire.harness.judges.service import Credential, HostedChat, Service, count_of, name_of, text_of
from voirdire.harness.verdicts import Usage

__all__ = ["DEFAULT_BASE_URL", "KEY_ENVS", "GeminiChat", "gemini_key"]

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
#: of two that are set, the first is sent, as Google's own libraries do
KEY_ENVS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")

_PARAMS: Mapping[str, Check] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_k": whole(1),
    "max_tokens": whole(1),
    "seed": WHOLE,
    "stop": TEXTS,
    "logprobs": whole(1),
    "reasoning_effort": WORD,
    "thinking_budget": whole(-1),
    "reasoning": FLAG,
    "extra_body": mapping_without("contents", "systemInstruction", "system_instruction"),
}
#: parameter -> field of `generationConfig`
_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
}
#: Google's own budgets for the efforts of models that take no level
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
#: a model's place in the URL; ".." would lead out of it
_MODEL = re.compile(r"(?!.*\.\.)[A-Za-z0-9][\w.@-]*(?:/[\w.@-]+)*")
#: finish reasons under which the service, not the model, ended the reply
_WITHHELD = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"})
_BAD_KEY = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})


def gemini_key(base_url: str, environ: Mapping[str, str], *, base_url_trusted: bool) -> tuple[str | None, str]:
    """The key to send to `base_url`, or None, and the variable it comes from. See `endpoints.key_for`."""
    env = next((name for name in KEY_ENVS if environ.get(name, "").strip()), "GEMINI_API_KEY")
    host = endpoint_of(DEFAULT_BASE_URL).host
    return key_for(base_url, environ, base_url_trusted=base_url_trusted, default_host=host, key_env=env), env


class GeminiChat(HostedChat):
    """A Gemini (or Gemma) model.

    `base_url` may end in a slash or in a version (/v1beta, the default). `api_key` is sent to its host only, as
    `x-goog-api-key`, and appears in no message, repr or identity; `key_env` names the variable it comes from.

    `params`: temperature (default 0; none is sent to models that think), max_tokens, reasoning_effort ("minimal",
    "low", "medium", "high"; "none" where thoughts can be turned off), thinking_budget (tokens, models up to 2.5; 0: no
    thoughts, -1: as many as it likes), top_p, top_k, seed (the repeat's number is added to it), stop, logprobs (how
    many candidates for each token), `extra_body` (a mapping merged into the request, `generationConfig` field by field)
    and `reasoning` (overrules what the name says). `timeout`: seconds for one attempt. `retries`: attempts after the
    first. `concurrency`: connections at once; None leaves it to the caller.

    Raises UsageError on unusable arguments.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        api_key: str | None = None,
        key_env: str = "GEMINI_API_KEY",
        params: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int | None = None,
        environ: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        name = model.removeprefix("models/")
        if not _MODEL.fullmatch(name):
            raise UsageError(f"{model!r} is no name of a Gemini model", hint="Example: gemini:gemini-2.5-flash")
        self.model = name
        self._config, self._extra = _resolve(name, params or {})
        self._retries = retries
        self._sleep = sleep
        self._jitter = jitter or random.Random().random
        self._service = Service(
            _endpoint(base_url, name),
            Credential(api_key, key_env, "x-goog-api-key"),
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            environ=environ,
            sleep=sleep,
            jitter=jitter,
        )

    @property
    def name(self) -> str:
        return f"gemini:{self.model}"

    @property
    def identity(self) -> Mapping[str, object]:
        """All that can change an answer: model, URL (with the API's version) and parameters as first sent."""
        return {
            "api": "gemini-generate-content",
            "model": self.model,
            **self._service.identity,
            "params": {**self._extra, **({"generationConfig": self._config} if self._config else {})},
        }

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        """One completion. A repeat is a fresh call: `sample` is not sent, it only shifts a given `seed`.

        Raises JudgeError after the retries, or at once on a request the service does not accept; JudgeUnreachable
        where no later call can succeed (key refused, no such model, the day's quota used up, a redirect).
        """
        payload = self._payload(messages, sample)
        answer = await self._service.post(payload, transient=_passes)
        for _ in range(self._retries):
            wait = _asked_to_wait(answer)
            if wait is None or _is_out_for_the_day(answer):
                break
            await self._sleep(wait + 0.5 * self._jitter())
            answer = await self._service.post(payload, transient=_passes)
        if answer.ok:
            return self._reply(answer.data)
        raise self._error(answer)

    def _payload(self, messages: Sequence[Message], sample: int) -> dict[str, Any]:
        system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
        contents = [
            {"role": "model" if m["role"] == "assistant" else "user", "parts": [{"text": m["content"]}]}
            for m in messages
            if m["role"] != "system"
        ]
        config = dict(self._config)
        if isinstance(config.get("seed"), int):
            config["seed"] += sample
        return {
            **({"systemInstruction": {"parts": [{"text": system}]}} if system else {}),
            "contents": contents,
            **({"generationConfig": config} if config else {}),
            **self._extra,
        }

    def _error(self, answer: HttpAnswer) -> JudgeError:
        if answer.status == 400 and any(text_of(d.get("reason")) in _BAD_KEY for d in _details(answer)):
            return self._service.key_refused(answer)
        if _is_out_for_the_day(answer):
            return self._service.out_of_money(answer)
        return self._service.error(
            answer, what=f"model {self.model!r}", hint="Check the model's name (ai.google.dev lists them)."
        )

    def _reply(self, data: Any) -> Reply:
        """Reads a response. Raises JudgeError, not retried, on JSON that is none."""
        if not isinstance(data, dict):
            raise self._service.unreadable(f"a JSON {type(data).__name__}, not an object", data)
        usage, served = _usage(data.get("usageMetadata")), name_of(data.get("modelVersion"))
        feedback = data.get("promptFeedback")
        blocked = text_of(feedback.get("blockReason")) if isinstance(feedback, dict) else None
        candidates = data.get("candidates")
        if blocked and not candidates:
            return Reply("", usage, served, blocked.lower(), refusal=f"the service blocked the prompt ({blocked})")
        if not isinstance(candidates, list) or not candidates or not isinstance(candidates[0], dict):
            what = "an error" if data.get("error") else "a reply without candidates"
            raise self._service.unreadable(what, data.get("error") or data)
        candidate = candidates[0]
        text = _text(candidate.get("content"))
        if text is None:
            raise self._service.unreadable("a candidate whose content is no text", candidate)
        finish = text_of(candidate.get("finishReason"))
        refusal = f"the service withheld the reply ({finish})" if finish in _WITHHELD else None
        return Reply(
            text=text,
            usage=usage,
            served_model=served,
            finish_reason=finish.lower() if finish else None,
            logprobs=_logprobs(candidate.get("logprobsResult")),
            refusal=refusal,
        )


def _endpoint(base_url: str, model: str) -> Endpoint:
    path = endpoint_of(base_url).shown.partition("://")[2].partition("/")[2]
    place = model if model.startswith("tunedModels/") else f"models/{model}"
    # A base URL without a version is a bare host, as in Google's own variable.
    return endpoint_of(base_url, f"{'' if path else '/v1beta'}/{place}:generateContent")


def _resolve(model: str, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`generationConfig`, and the other fields of the request. Raises UsageError on a wrong name or value."""
    check_params("a gemini judge", params, _PARAMS)
    given = {name: value for name, value in params.items() if value is not None}
    thinking = _thinking_config(model, given)
    off = thinking.get("thinkingBudget") == 0
    thinks = bool(thinking) or gemini_thinking(model).by_default
    config: dict[str, Any] = {}
    if not given.get("reasoning", thinks and not off) and params.get("temperature", 0) is not None:
        config["temperature"] = 0
    config.update({field: given[name] for name, field in _FIELDS.items() if name in given})
    if "stop" in given:
        config["stopSequences"] = [given["stop"]] if isinstance(given["stop"], str) else given["stop"]
    if "logprobs" in given:
        config |= {"responseLogprobs": True, "logprobs": given["logprobs"]}
    if thinking:
        config["thinkingConfig"] = thinking
    extra = dict(given.get("extra_body", {}))
    own = extra.pop("generationConfig", {})
    if not isinstance(own, Mapping):
        raise UsageError("generationConfig of extra_body must be a mapping")
    return {**config, **own}, extra


def _thinking_config(model: str, given: Mapping[str, Any]) -> dict[str, Any]:
    effort, budget = given.get("reasoning_effort"), given.get("thinking_budget")
    if effort is not None and budget is not None:
        raise UsageError("reasoning_effort and thinking_budget say the same thing twice", hint="Give one of them.")
    if budget is not None:
        return {"thinkingBudget": budget}
    if effort is None:
        return {}
    if gemini_thinking(model).levels:
        if effort == "none":
            raise UsageError(f"{model} cannot be kept from thinking", hint="The least is --param reasoning_effort=low.")
        return {"thinkingLevel": effort}
    if effort not in _BUDGETS:
        raise UsageError(
            f"{model} knows no reasoning_effort {effort!r}",
            hint=f"Known: {', '.join(_BUDGETS)}; or --param thinking_budget=TOKENS.",
        )
    return {"thinkingBudget": _BUDGETS[effort]}


def _passes(answer: HttpAnswer) -> bool:
    """May the client ask again on its own? Not where the body says when to: `complete` waits for that."""
    return is_transient(answer) and _asked_to_wait(answer) is None and not _is_out_for_the_day(answer)


def _asked_to_wait(answer: HttpAnswer) -> float | None:
    """Seconds that a 429 or 503 asks to wait (`RetryInfo`, "41s"), at most 60. There is no Retry-After header."""
    if answer.ok or not is_transient(answer):
        return None
    for detail in _details(answer):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay")))
        if found:
            return min(RETRY_AFTER_CAP, float(found[1]))
    return None


def _is_out_for_the_day(answer: HttpAnswer) -> bool:
    """A quota that counts days does not come back while a run waits."""
    if answer.status != 429:
        return False
    lists = (found for d in _details(answer) if isinstance(found := d.get("violations"), list))
    return any("PerDay" in str(v.get("quotaId")) for found in lists for v in found if isinstance(v, dict))


def _details(answer: HttpAnswer) -> Iterator[dict[str, Any]]:
    error = answer.data.get("error") if isinstance(answer.data, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    if isinstance(details, list):
        yield from (d for d in details if isinstance(d, dict))


def _text(content: Any) -> str | None:
    """The text of a candidate, "" where it has none (all its tokens went into thoughts); None if it is no text."""
    if content is None:
        return ""
    parts = content.get("parts", []) if isinstance(content, dict) else None
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        return None
    # A part marked `thought` is no answer; parts without text hold code or calls.
    texts = [p["text"] for p in parts if "text" in p and not p.get("thought")]
    return "".join(texts) if all(isinstance(t, str) for t in texts) else None


def _usage(data: Any) -> Usage | None:
    if not isinstance(data, dict):
        return None
    counts = [count_of(data.get(name)) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
    known = [n for n in counts if n is not None]
    # `promptTokenCount` holds what came from the cache; thoughts are billed as output.
    return Usage(
        input_tokens=count_of(data.get("promptTokenCount")),
        output_tokens=sum(known) if known else None,
    )


def _logprobs(data: Any) -> dict[str, float] | None:
    """Natural-log probabilities of the candidates for the first token, where `logprobs` was asked for."""
    try:
        found = {c["token"]: float(c["logProbability"]) for c in data["topCandidates"][0]["candidates"]}
    except (TypeError, KeyError, IndexError, ValueError, OverflowError):
        return None
    return {k: v for k, v in found.items() if isinstance(k, str) and not math.isnan(v)} or None
