"""transformers: a reward model (sequence classification) in this process, from a folder or as a pipeline.

    reward:path/to/model                    a folder with config, tokenizer and weights; nothing is downloaded
    python:my_module:pipe                   a text-classification pipeline of the user's own

Each response is read in a batch of its own, so its number does not depend on what stands beside it. A text that is
longer than the model reads is no verdict, unless it may be cut. Tested with the version that
docs/judges-packages.md names.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.chat_params import FLAG, PLAIN, WORD, Check, check_params
from voirdire.harness.judges.packages.base import BlockingRatingJudge, PackageJudge, Rating, check_task, version_of
from voirdire.harness.judges.python_target import describe, plain
from voirdire.harness.verdicts import Scale

__all__ = ["PARAMS", "adapt", "reward_judge"]

_LABEL = Check(
    "a label or a class's number",
    lambda v: (isinstance(v, str) and v != "") or (isinstance(v, int) and not isinstance(v, bool) and v >= 0),
)
#: how question and response become one text: by the tokenizer's chat template, as the two segments that a tokenizer
#: separates, or with an empty line between them
_TEXTS = ("chat", "pair", "joined")
PARAMS: Mapping[str, Check] = {
    "label": _LABEL,
    "text": Check(f"one of {', '.join(_TEXTS)}", lambda v: v in _TEXTS),
    "truncate": FLAG,
    "device": WORD,
    "version": PLAIN,
}
_MODEL_FILES = (".json", ".model", ".safetensors", ".bin", ".txt", ".jinja")
#: a tokenizer without a limit says a number of thirty digits
_NO_LIMIT = 10**9


def adapt(target: Any, task: Task | None, scale: Scale | None) -> PackageJudge | None:
    """The judge of a text-classification pipeline; None where `target` is nothing of the kind."""
    kind = target if isinstance(target, type) else type(target)
    names = {c.__name__ for c in kind.__mro__}
    if "PreTrainedModel" in names:
        raise UsageError(
            f"{kind.__name__} has no tokenizer",
            hint='Name pipeline("text-classification", model=..., tokenizer=...), or judge with reward:FOLDER.',
        )
    if "TextClassificationPipeline" not in names or isinstance(target, type):
        return None
    function = getattr(target, "function_to_apply", None)
    return _Reward(
        target.model,
        target.tokenizer,
        name="the pipeline",
        task=task,
        scale=scale,
        params={},
        function=str(getattr(function, "value", function) or ""),
        identity={"model": plain(_config(target.model), depth=4), "path": target.model.config._name_or_path},
    )


def reward_judge(
    folder: str, *, task: Task | None, scale: Scale | None, params: Mapping[str, Any]
) -> tuple[PackageJudge, str]:
    """The judge of the model in `folder`, and the hash of its files.

    Raises UsageError if transformers or torch is missing, and if the folder holds no such model.
    """
    check_params("a reward model", params, PARAMS)
    place = Path(folder).expanduser()
    if not (place / "config.json").is_file():
        raise UsageError(
            f"there is no model in {folder!r}: it has no config.json",
            hint="Name the folder of a saved model. voirdire downloads none: hf download NAME --local-dir FOLDER.",
        )
    try:
        import torch  # noqa: F401
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
    except ImportError as error:
        raise UsageError(f"reward: needs {error.name}", hint="pip install torch transformers") from None
    try:
        # no code of the folder is run, and nothing is unpickled
        data = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(place, **data)
        model = AutoModelForSequenceClassification.from_pretrained(place, use_safetensors=True, **data)
        model = model.to(params.get("device") or "cpu").eval()
    except Exception as error:
        raise UsageError(f"the model in {folder!r} could not be loaded: {describe(error)}") from None
    digest = _hash(place)
    identity = {"files": digest, "params": {k: v for k, v in params.items() if k != "device"}}
    judge = _Reward(
        model, tokenizer, name=folder, task=task, scale=scale, params=params, function="none", identity=identity
    )
    return judge, digest


class _Reward(BlockingRatingJudge):
    paid = False
    #: a forward pass takes all processors by itself
    concurrency = 1

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str,
        task: Task | None,
        scale: Scale | None,
        params: Mapping[str, Any],
        function: str,
        identity: Mapping[str, Any],
    ) -> None:
        self._label = _class_of(model.config, params.get("label"))
        single = model.config.num_labels == 1
        tasks: tuple[Task, ...] = (
            ("pairwise", "score", "ranking") if single else ("pairwise", "score", "ranking", "grade")
        )
        # the raw number of one class; the probability of one among several
        self._function = "softmax" if not single else "sigmoid" if function == "sigmoid" else "none"
        found = check_task(task, tasks, name)
        if found == "score" and scale is None and self._function == "none":
            raise UsageError(f"{name} answers with any number", hint="Say its range: --scale -10:10")
        versions = {name: version_of(name) for name in ("transformers", "torch", "tokenizers")}
        rest = {"label": self._label, "function": self._function, "versions": versions}
        super().__init__("transformers", found, scale or Scale(0, 1), {**identity, **rest})
        self.deterministic = str(model.device) == "cpu"
        self._model = model
        self._tokenizer = tokenizer
        self._text = params.get("text") or ("chat" if getattr(tokenizer, "chat_template", None) else "pair")
        if self._text == "chat" and not getattr(tokenizer, "chat_template", None):
            raise UsageError("the tokenizer has no chat template", hint="--param text=pair or joined")
        self._truncate = bool(params.get("truncate", False))
        self._limit = _limit(model.config, tokenizer)
        self._lock = threading.Lock()

    def rate(self, case: Case, response: str) -> Rating:
        import torch

        encoded = self._encoded(case, response)
        length = int(encoded["input_ids"].shape[-1])
        if self._limit is not None and length > self._limit:
            return Rating(reason=f"{length:,} tokens, and the model reads {self._limit:,}")
        with self._lock, torch.inference_mode():
            logits = self._model(**encoded.to(self._model.device)).logits[0].float()
        if self._function == "softmax":
            value = float(torch.softmax(logits, -1)[self._label])
        else:
            value = float(torch.sigmoid(logits[0]) if self._function == "sigmoid" else logits[0])
        passed = bool(int(logits.argmax()) == self._label) if self._function == "softmax" else None
        return Rating(value=value if math.isfinite(value) else None, passed=passed, reason=f"the model gave {value}")

    def _encoded(self, case: Case, response: str) -> Any:
        options: dict[str, Any] = {"return_tensors": "pt"}
        if self._truncate and self._limit is not None:
            options |= {"truncation": True, "max_length": self._limit}
        if self._text == "pair":
            return self._tokenizer(case.instruction_text, response, **options)
        if self._text == "joined":
            return self._tokenizer(f"{case.instruction_text}\n\n{response}", **options)
        turns: list[dict[str, str]] = (
            [{"role": "user", "content": case.instruction}]
            if isinstance(case.instruction, str)
            else [{"role": turn.role, "content": turn.content} for turn in case.instruction]
        )
        text = self._tokenizer.apply_chat_template([*turns, {"role": "assistant", "content": response}], tokenize=False)
        # the template has written the special tokens already
        return self._tokenizer(text, add_special_tokens=False, **options)


def _class_of(config: Any, label: Any) -> int:
    """Which class counts. Raises UsageError where it has to be said, or is not there."""
    names = {int(k): str(v) for k, v in config.id2label.items()}
    if len(names) == 1 and label is None:
        return 0
    if label is None:
        hint = f"Say whose probability counts: --param label=NAME. {nearest('', names.values())}"
        raise UsageError(f"the model has {len(names)} classes", hint=hint)
    found = [k for k, v in names.items() if label in (k, v)]
    if not found:
        raise UsageError(f"the model has no class {label!r}", hint=nearest(str(label), names.values()))
    return found[0]


def _limit(config: Any, tokenizer: Any) -> int | None:
    """How many tokens the model reads; None where neither it nor its tokenizer says."""
    told: Sequence[Any] = (
        getattr(tokenizer, "model_max_length", None),
        getattr(config, "max_position_embeddings", None),
    )
    known = [int(n) for n in told if isinstance(n, int) and 0 < n < _NO_LIMIT]
    return min(known, default=None)


def _config(model: Any) -> Any:
    return model.config.to_dict()


def _hash(folder: Path) -> str:
    """Of what the model is made of, so that another checkpoint in the same place is another judge."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in _MODEL_FILES):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
