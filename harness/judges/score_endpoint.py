"""`score:URL`: reward models and rerankers behind vLLM, Text Embeddings Inference and what speaks like them.

The end of the URL says what is spoken:

    /score     vLLM        {"text_1", "text_2": [...]}  -> data[].score
    /rerank    vLLM, Jina  {"query", "documents"}       -> results[].relevance_score
    /rerank    TEI         {"query", "texts"}           -> [{"index", "score"}]
    /classify  vLLM        {"input": [...]}             -> data[].probs
    /predict   TEI         {"inputs": [[...], ...]}     -> [[{"label", "score"}]]

All responses of a case go in one request, and their scores are the verdict: a pair of numbers (the margin is kept), a
number, or a ranking. Not here: connections and retries (http.py), keys and errors (service.py).

Sources, read in November 2026: docs.vllm.ai (openai_compatible_server: classification, score and re-rank API);
huggingface/text-embeddings-inference, docs/openapi.json.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError, nearest
from voirdire.harness.judges.chat_params import FLAG, WORD, Check, check_params, mapping_without
from voirdire.harness.judges.endpoints import clean, endpoint_of
from voirdire.harness.judges.http import HttpAnswer, Sleep, Traffic, error_text
from voirdire.harness.judges.prompts import PromptProtocol
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.judges.service import Credential, Service, count_of, name_of
from voirdire.harness.verdicts import Scale, Usage, Verdict

__all__ = ["KEY_ENV", "STYLES", "ScoreJudge"]

#: sent as a bearer token to an address that the user named in person
KEY_ENV = "SCORE_API_KEY"

_PARAMS: Mapping[str, Check] = {
    "style": WORD,
    "model": WORD,
    "label": Check(
        "a label or a class's number",
        lambda v: (isinstance(v, str) and v != "") or (isinstance(v, int) and not isinstance(v, bool) and v >= 0),
    ),
    "raw_scores": FLAG,
    "extra_body": mapping_without("text_1", "text_2", "query", "documents", "texts", "input", "inputs"),
}


class _NoScoresError(Exception):
    """What a reply lacks."""


@dataclass(frozen=True, slots=True)
class _Style:
    """One way to ask and to be answered. `pairs`: question and response go separately, so there is no prompt of ours.
    `raw`: can give scores before the sigmoid or softmax. `labelled`: answers with a score for each class.
    """

    request: Callable[[str, Sequence[str]], dict[str, Any]]
    scores: Callable[[Any, int, Any], list[float]]
    pairs: bool = True
    raw: bool = False
    labelled: bool = False


def _numbered(items: Any, n: int, name: str) -> list[float]:
    """Scores in the order of the request: rerankers sort their results."""
    if not isinstance(items, list):
        raise _NoScoresError("no list of results")
    found: dict[int, float] = {}
    for item in items:
        index, score = (item.get("index"), item.get(name)) if isinstance(item, dict) else (None, None)
        if isinstance(index, int) and not isinstance(index, bool):
            found[index] = _number(score, name)
    if set(found) != set(range(n)):
        raise _NoScoresError(f"results for {sorted(found)}, not for each of {n} responses")
    return [found[i] for i in range(n)]


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _NoScoresError(f"a {name} that is no number")
    try:
        return float(value)
    except OverflowError:
        raise _NoScoresError(f"a {name} too large for a number") from None


def _field(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _one_class(classes: Sequence[Any], label: Any, what: str) -> None:
    if label is None and len(classes) != 1:
        raise UsageError(f"the model has {len(classes)} {what}", hint="Say whose score counts: --param label=LABEL")


def _probabilities(data: Any, n: int, label: Any) -> list[float]:
    """vLLM names only the winning class, so another one is told by its number."""
    items = _field(data, "data")
    if not isinstance(items, list) or len(items) != n:
        raise _NoScoresError("no result for each response")
    scores = [0.0] * n
    for place, item in enumerate(items):
        probs, index = _field(item, "probs"), _field(item, "index")
        if not isinstance(probs, list) or not probs:
            raise _NoScoresError("a result without probs")
        _one_class(probs, label, "classes")
        if isinstance(label, str) or (label or 0) >= len(probs):
            hint = f"Give a number from 0 to {len(probs) - 1}: vLLM does not name its classes."
            raise UsageError(f"there is no class {label!r}", hint=hint)
        scores[index if isinstance(index, int) and 0 <= index < n else place] = _number(probs[label or 0], "probs")
    return scores


def _predictions(data: Any, n: int, label: Any) -> list[float]:
    rows = data if isinstance(data, list) else None
    # A single input is answered with a flat list.
    if rows is not None and n == 1 and rows and isinstance(rows[0], dict):
        rows = [rows]
    if rows is None or len(rows) != n or not all(isinstance(row, list) and row for row in rows):
        raise _NoScoresError("no list of labels for each response")
    scores: list[float] = []
    for row in rows:
        _one_class(row, label, "labels")
        wanted = f"LABEL_{label}" if isinstance(label, int) else label
        by_label = {_label(_field(item, "label")): _field(item, "score") for item in row}
        if wanted is not None and wanted not in by_label:
            raise UsageError(f"the model has no label {wanted!r}", hint=nearest(wanted, by_label))
        scores.append(_number(by_label[wanted] if wanted is not None else next(iter(by_label.values())), "score"))
    return scores


def _label(value: Any) -> str:
    """A class's name as it may be shown; the user's own is compared with it."""
    return clean(value, limit=100) if isinstance(value, str) else str(value) if type(value) is int else ""


#: name of a style -> how it is spoken; `--param style=` takes these
STYLES: Mapping[str, _Style] = {
    "score": _Style(
        lambda query, texts: {"text_1": query, "text_2": list(texts)},
        lambda data, n, _: _numbered(_field(data, "data"), n, "score"),
    ),
    "rerank": _Style(
        lambda query, texts: {"query": query, "documents": list(texts)},
        lambda data, n, _: _numbered(_field(data, "results"), n, "relevance_score"),
    ),
    "tei-rerank": _Style(
        lambda query, texts: {"query": query, "texts": list(texts)},
        lambda data, n, _: _numbered(data, n, "score"),
        raw=True,
    ),
    "classify": _Style(lambda _, texts: {"input": list(texts)}, _probabilities, pairs=False, labelled=True),
    "predict": _Style(
        lambda _, texts: {"inputs": [[text] for text in texts]}, _predictions, pairs=False, raw=True, labelled=True
    ),
}
#: what the two kinds of /rerank say when they are asked in the other's way
_OTHER_RERANK: Mapping[str, tuple[str, str]] = {
    "rerank": ("tei-rerank", "texts"),
    "tei-rerank": ("rerank", "documents"),
}


class ScoreJudge:
    """A model that gives a response a number, as a pairwise, score or ranking judge.

    `scale` is for score tasks and defaults to 0:1, where rerankers answer; a number outside of it is a null, so a
    reward model's own range has to be told. `template`: the text that /classify and /predict read for one response
    (a score prompt; default: the instruction, an empty line, the response).

    `params`: model (vLLM serves several), style (one of `STYLES`, where the URL does not tell), label (whose score
    counts, where the model has several classes), raw_scores (TEI: before the sigmoid; default true but for score
    tasks), `extra_body` (a mapping merged into the request). `timeout`, `retries`, `concurrency`: as in `JsonClient`.

    Raises UsageError on unusable arguments.
    """

    soft = False
    reusable = True
    deterministic = False

    def __init__(
        self,
        url: str,
        *,
        task: Task | None = None,
        scale: Scale | None = None,
        template: PromptProtocol | None = None,
        api_key: str | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int | None = None,
        environ: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        given = {k: v for k, v in (params or {}).items() if v is not None}
        check_params("a score judge", given, _PARAMS)
        if task == "grade":
            raise UsageError("a score is no grade", hint="Use --task score or --task pairwise.")
        endpoint = endpoint_of(url)
        self.task: Task = task or "pairwise"
        self.scale = scale or Scale(0.0, 1.0)
        self.spec = self.name = f"score:{endpoint.shown}"
        self._params = given
        self._style = _style_of(endpoint.shown, given)
        self._style_is_told = "style" in given
        style = STYLES[self._style]
        if template is not None and style.pairs:
            raise UsageError(f"a prompt is for /classify and /predict; {self._style} takes question and answer apart")
        if "label" in given and not style.labelled:
            raise UsageError(f"label is for models with classes (/classify, /predict); {self._style} gives one score")
        if "raw_scores" in given and not style.raw:
            hint = "vLLM: --param 'extra_body={\"use_activation\": false}'"
            raise UsageError(f"raw_scores is for Text Embeddings Inference, not for {self._style}", hint=hint)
        self._template = template
        self._service = Service(
            endpoint,
            Credential(api_key, KEY_ENV, "authorization", "Bearer "),
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            environ=environ,
            sleep=sleep,
            jitter=jitter,
        )
        self.fingerprint = content_hash(
            {
                "kind": "score",
                **self._service.identity,
                "params": given,
                "template": template.version if template is not None else None,
                "task": self.task,
                "scale": [self.scale.low, self.scale.high] if self.task == "score" else None,
            }
        )

    def __repr__(self) -> str:
        return f"ScoreJudge({self._service.endpoint.shown!r}, task={self.task!r}, style={self._style!r})"

    @property
    def paid(self) -> bool:
        return self._service.paid

    @property
    def concurrency(self) -> int | None:
        return self._service.concurrency

    @property
    def traffic(self) -> Traffic:
        """Requests, retries and 429s so far."""
        return self._service.traffic

    @property
    def style(self) -> str:
        """The style in use: the two kinds of /rerank are told apart by the first answer."""
        return self._style

    async def judge(self, case: Case, *, sample: int) -> Verdict:  # noqa: ARG002
        """One call for all responses. A repeat is a fresh call: `sample` is not sent.

        Raises JudgeError where the call failed or gave no score for a response; JudgeUnreachable where no later call
        can succeed (key refused, wrong path, several classes and no `label`).
        """
        asked = self._style
        answer = await self._service.post(self._payload(case, asked))
        if not answer.ok and (other := self._other_style(answer, asked)) is not None:
            asked = self._style = other
            answer = await self._service.post(self._payload(case, asked))
        if not answer.ok:
            raise self._error(answer)
        scores = self._scores(answer.data, len(case.responses), asked)
        verdict = self._verdict(scores)
        return dataclasses.replace(
            verdict,
            raw=", ".join(f"{score:.8g}" for score in scores),
            usage=_usage(_field(answer.data, "usage")),
            served_model=name_of(_field(answer.data, "model")),
        )

    async def aclose(self) -> None:
        await self._service.aclose()

    def _payload(self, case: Case, style: str) -> dict[str, Any]:
        spoken = STYLES[style]
        texts = case.responses if spoken.pairs else tuple(self._text(case, text) for text in case.responses)
        payload = spoken.request(case.instruction_text, texts)
        if "model" in self._params:
            payload["model"] = self._params["model"]
        if spoken.raw:
            payload["raw_scores"] = self._params.get("raw_scores", self.task != "score")
        return {**payload, **self._params.get("extra_body", {})}

    def _text(self, case: Case, response: str) -> str:
        """One text that holds question and answer, for models that read a single one."""
        if self._template is None:
            return f"{case.instruction_text}\n\n{response}"
        return self._template.render(case.replace(responses=(response,)))[-1]["content"]

    def _other_style(self, answer: HttpAnswer, asked: str) -> str | None:
        other, field = _OTHER_RERANK.get(asked, (None, ""))
        if other is None or self._style_is_told or answer.status not in (400, 422):
            return None
        return other if re.search(rf"\b{field}\b", error_text(answer, self._service.secrets)) else None

    def _scores(self, data: Any, n: int, style: str) -> list[float]:
        try:
            return STYLES[style].scores(data, n, self._params.get("label"))
        except _NoScoresError as error:
            raise self._service.unreadable(str(error), data) from None
        except UsageError as error:
            # What only the first answer shows, and every later one would.
            raise JudgeUnreachable(f"{self.name}: {error.message}", hint=error.hint) from None

    def _verdict(self, scores: Sequence[float]) -> Verdict:
        if self.task != "ranking":
            answer = tuple(scores) if self.task == "pairwise" else scores[0]
            return to_verdict(answer, self.task, self.scale, len(scores))
        if not all(map(math.isfinite, scores)) or len(set(scores)) < len(scores):
            return Verdict(null="unparsed", reason="equal scores, or scores that are no numbers, give no ranking")
        return Verdict(ranking=tuple(sorted(range(len(scores)), key=lambda i: -scores[i])))

    def _error(self, answer: HttpAnswer) -> JudgeError:
        return self._service.error(
            answer, what=f"{self._style} endpoint", hint="Does the server serve a model of this kind? Check the path."
        )


def _style_of(url: str, params: Mapping[str, Any]) -> str:
    told = params.get("style")
    if told is not None:
        if told not in STYLES:
            raise UsageError(f"there is no style {told!r} of score endpoints", hint=nearest(told, STYLES))
        return str(told)
    end = url.rpartition("/")[2]
    if end == "rerank":
        # Only vLLM and Jina take a model's name; TEI serves one. A wrong guess is mended by the first answer.
        return "rerank" if "model" in params else "tei-rerank"
    if end in STYLES:
        return end
    raise UsageError(
        f"score:{url} does not say what it speaks",
        hint="The URL ends in /score, /rerank, /classify or /predict; or give --param style=NAME.",
    )


def _usage(data: Any) -> Usage | None:
    if not isinstance(data, dict):
        return None
    tokens = count_of(data.get("prompt_tokens"))
    return Usage(
        input_tokens=count_of(data.get("total_tokens")) if tokens is None else tokens,
        output_tokens=count_of(data.get("completion_tokens")),
    )
