"""A small language model in this process as a chat model: `LocalChat`, on top of the xllamacpp runtime (llama.cpp).

It writes one token and reports how probable the other first tokens were. Not here: where weights come from
(models.py), the one-token prompts and how their answers are read (the prompted judge).
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import secrets
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError, redact
from voirdire.harness.judges import models
from voirdire.harness.judges.base import Message, Reply
from voirdire.harness.judges.local_prefix import PIECE, PrefixReuse
from voirdire.harness.verdicts import Usage

__all__ = ["LocalChat"]

#: raise it whenever a change below could change an answer: it is part of the fingerprint
_ADAPTER = 2
#: longest path of a Unix socket that every system takes (macOS: 104 bytes with the final zero)
_SOCKET_PATH = 100
#: Tokens that frame chat turns in the common templates. llama.cpp reads them as such even inside a message, so judged
#: text could close its own turn and answer in the judge's name, which no hosted chat API lets it do. A space after the
#: first character leaves them readable as text. Names without bars or "turn" (`<div>`) are never touched.
_TURN_TOKEN = re.compile(r"(?i)<(?=[|｜][^<>\n]{1,40}[|｜]>)|<(?=/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\])")


class LocalChat:
    """A GGUF model on this machine's processor; satisfies `ChatModel`.

    `name_or_path` is a known model (`voirdire models`) or a path ending in .gguf. `threads` is 1 to 256, default: the
    cores this process may use, at most 4; it changes the speed, not the answers. `n_ctx` is the context in tokens,
    512 to 131072, prompt and answer together. Raises UsageError where the runtime or the weights are missing.

    The model is loaded on the first call, in a thread of its own, and evaluated there without holding Python's lock;
    only the runtime's loading holds it, once (measured: .3 s for smollm2, 1 to 3 s for qwen). Every repeat of a
    prompt gives identical log-probabilities on the same kind of processor, whatever `sample` is.
    """

    def __init__(self, name_or_path: str, *, threads: int | None = None, n_ctx: int = 4096) -> None:
        own = models.is_path(name_or_path)
        if own:
            models.find(name_or_path)  # a wrong path is the nearer fault, so it is named before a missing runtime
        self._weights = name_or_path
        self._name = Path(name_or_path).stem if own else models.model(name_or_path).name
        self._threads = _within("threads", _default_threads() if threads is None else threads, 1, 256)
        self._n_ctx = _within("n_ctx", n_ctx, 512, 131072)
        self._fix = "Run `pip install 'voirdire[local]'`." if own else f"Run `{models.model(name_or_path).command}`."
        version = models.runtime_version()
        if version is None:
            raise UsageError(f"local:{self._name} needs the runtime {models.RUNTIME}", hint=self._fix)
        if not own:
            models.require(name_or_path)
        self._runtime = f"{models.RUNTIME} {version}"
        self._digest = models.digest(name_or_path)
        self._held: list[Any] = []
        # frees the model when this object goes, at interpreter exit at the latest: native threads must not outlive it
        weakref.finalize(self, self._held.clear)
        self._failure: JudgeUnreachable | None = None
        self._worker: ThreadPoolExecutor | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def identity(self) -> Mapping[str, object]:
        """What can change an answer. Not the threads: log-probabilities are bit-identical for any number of them."""
        return {
            "provider": "local",
            "model": self._name,
            "sha256": self._digest,
            "runtime": self._runtime,
            "n_ctx": self._n_ctx,
            "adapter": _ADAPTER,
        }

    @property
    def paid(self) -> bool:
        return False

    @property
    def deterministic(self) -> bool:
        """One token at temperature 0, one slot: measured bit-equal over repeats, threads and what was asked before."""
        return True

    @property
    def concurrency(self) -> int | None:
        return 1

    @property
    def first_token_only(self) -> bool:
        return True

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:  # noqa: ARG002 - it repeats exactly
        """One token at temperature 0, with the log-probabilities of the 1000 likeliest first tokens.

        A last message of the role "assistant" is continued; the reply holds only what was added. Raises JudgeError
        where the prompt does not fit the context, JudgeUnreachable where the model cannot be loaded.
        """
        if self._worker is None:
            # one thread: the native server answers one request at a time, and the model dies where it was made
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voirdire-local")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self._complete, tuple(messages))

    async def aclose(self) -> None:
        """Free the model; a later call loads it again. A second `aclose` does nothing."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        # the destructor stops the native threads and waits for them
        await asyncio.get_running_loop().run_in_executor(worker, self._held.clear)
        worker.shutdown(wait=False)

    # --- in the worker thread ----------------------------------------------------------------------------------------

    def _complete(self, messages: tuple[Message, ...]) -> Reply:
        if self._failure is not None:
            raise JudgeUnreachable(self._failure.message, hint=self._failure.hint)
        if not self._held:
            try:
                self._held.append(self._load())
            except JudgeUnreachable as failure:
                self._failure = failure  # later calls fail at once and do not load again
                raise
        sent = [{"role": message["role"], "content": _plain(message["content"])} for message in messages]
        try:
            answer = self._held[0].answer(sent)
        except (RuntimeError, ValueError) as error:
            raise JudgeError(f"local:{self._name} failed: {redact(str(error))[:300]}") from error
        prefill = sent[-1]["content"] if sent and sent[-1]["role"] == "assistant" else ""
        return self._reply(answer, prefill)

    def _load(self) -> Any:
        try:
            path = models.find(self._weights)
        except UsageError as error:
            raise JudgeUnreachable(error.message, hint=error.hint) from error
        try:
            import xllamacpp
        except ImportError as error:
            raise JudgeUnreachable(
                f"the runtime {models.RUNTIME} cannot be loaded: {error}",
                hint=f"{self._fix} A slim Linux image may also lack the packages libgomp1 and libstdc++6.",
            ) from error
        try:
            return PrefixReuse(_serve(xllamacpp, path, self._name, threads=self._threads, n_ctx=self._n_ctx))
        except (AttributeError, TypeError) as error:
            raise JudgeUnreachable(
                f"{self._runtime} has another interface than voirdire knows: {error}", hint=self._fix
            ) from error
        except (OSError, RuntimeError, ValueError) as error:
            raise JudgeUnreachable(
                f"{self._runtime} cannot load {path}: {error}",
                hint="The file is damaged, of an unknown architecture, or larger than the free memory.",
            ) from error

    def _reply(self, answer: Mapping[str, Any], prefill: str) -> Reply:
        if "error" in answer:
            raise self._error(answer["error"])
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"] or ""
            first = (choice.get("logprobs") or {}).get("content") or [{}]
            logprobs = _by_text(first[0].get("top_logprobs") or ())
            usage = answer.get("usage") or {}
            tokens = Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"), 0.0)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise JudgeError(f"local:{self._name} gave an answer of an unknown shape: {error!r}") from error
        return Reply(
            text=text[len(prefill) :] if prefill and text.startswith(prefill) else text,
            usage=tokens,
            served_model=f"{self._name}@{self._digest[:12]}",
            # finish_reason stays None: the runtime says "length" after one token, and nothing was cut off
            logprobs=logprobs or None,
        )

    def _error(self, error: Any) -> JudgeError:
        data = error if isinstance(error, Mapping) else {"message": error}
        if data.get("type") == "exceed_context_size_error":
            return JudgeError(
                f"the prompt has {data.get('n_prompt_tokens')} tokens and local:{self._name} reads at most "
                f"{data.get('n_ctx')}",
                hint="Shorten the case or give it a larger context with --param n_ctx=N.",
            )
        return JudgeError(f"local:{self._name} refused the request: {redact(str(data.get('message')))[:300]}")


def _serve(runtime: Any, path: Path, alias: str, *, threads: int, n_ctx: int) -> Any:
    """The loaded model. Blocks while it loads."""
    params = runtime.CommonParams()
    params.model.path = str(path)
    params.model_alias = {alias}
    params.offline = True
    params.verbosity = -1  # it logs to standard output and error otherwise
    params.n_ctx, params.n_parallel = n_ctx, 1
    params.fit_params = False  # or it may shrink the context to what it thinks fits
    params.warmup = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    # processor only: the same log-probabilities whether or not there is an accelerator
    params.n_gpu_layers, params.no_kv_offload, params.no_op_offload = 0, True, True
    params.n_ubatch = PIECE
    params.cache_prompt = False  # each request says whether it may go on from the last one
    params.cache_ram_mib = 0  # else it keeps old prompts, up to 8 GiB of them
    params.no_extra_bufts = True  # no repacked second copy of the weights
    return _without_port(runtime, params)


def _without_port(runtime: Any, params: Any) -> Any:
    """Start the native server so that nobody can talk to it.

    It always listens; requests here go to it in process. So it listens on a Unix socket in a private folder, which is
    removed as soon as it runs. Where there are no Unix sockets (Windows) it takes a random loopback port and answers
    only to a random key that is thrown away.
    """
    params.api_keys = [secrets.token_hex(32)]
    params.ui, params.endpoint_props, params.n_threads_http = False, False, 1
    with tempfile.TemporaryDirectory(prefix="vd-", ignore_cleanup_errors=True) as folder:
        socket = Path(folder) / "s.sock"
        if os.name == "posix" and len(os.fsencode(socket)) <= _SOCKET_PATH:
            params.hostnames = [str(socket)]
        return runtime.Server(params)


def _plain(text: str) -> str:
    """`text` as the runtime can take it: turn tokens broken up, lone surrogates (no valid UTF-8) replaced."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _TURN_TOKEN.sub(lambda found: found[0] + " ", text)


def _by_text(candidates: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Log-probabilities by token text. Tokens of the same text are added up; fragments of characters have none."""
    found: dict[str, float] = {}
    for candidate in candidates:
        text, value = candidate["token"], float(candidate["logprob"])
        if not text or not math.isfinite(value):
            continue
        if text in found:
            high, low = max(found[text], value), min(found[text], value)
            value = high + math.log1p(math.exp(low - high))
        found[text] = value
    return found


def _default_threads() -> int:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, count)


def _within(name: str, value: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"a local judge's {name} is a whole number from {low} to {high}, got {value!r}")
    return value
