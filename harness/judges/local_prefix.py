"""Evaluating only the end of a prompt whose beginning the model has just read, without changing a bit of the answer.

The follow-ups of a case share most of its prompt, so a local model answers them in a third of the time if it goes on
from where the last prompt was the same. llama.cpp does that on request (`cache_prompt`), but its kernels add up in
another order for pieces of 8 tokens or fewer and of 64 or more: log-probabilities then depend, by up to .35, on what
was asked before. Measured with 4-bit models: in pieces of 9 to 63 tokens every token gets the same bits whatever
stands beside it. So prompts are evaluated in pieces of 60, one whose last piece would be short is begun again further
back, and a check on the machine at hand decides whether to reuse anything at all.

Not here: loading the model, reading its answer (local.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["PIECE", "PrefixReuse"]

#: tokens evaluated in one go (llama.cpp's n_ubatch)
PIECE = 60
#: a last piece of fewer tokens is not trusted
_SMALL = 12
#: likeliest first tokens that are reported
_TOP = 1000
#: characters to drop from a prompt's end, so that what it shares with the whole prompt leaves one piece to evaluate
_CUTS = (48, 72, 96, 32, 130, 180)

_CHECK = (
    "The capital of Australia is Canberra, founded in 1913 {} and planned by Walter Burley Griffin and Marion Mahony "
    "Griffin, two architects from Chicago. Is this text about a city? Reply with one word, Yes or No."
)
_VARIANTS = ("as a new city between Sydney and Melbourne", "after a dispute")


class Server(Protocol):
    """What is used of the native server."""

    def handle_chat_completions(self, request: Mapping[str, Any], /) -> Mapping[str, Any]: ...


class PrefixReuse:
    """A native server that is asked one prompt after another; `answer` gives the same for a prompt, whatever was
    asked before it. Where the check fails, or the server does not say what it evaluated, nothing is reused."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._exact: bool | None = None

    def answer(self, messages: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        """The server's answer to `messages`, of one token at temperature 0. Raises what the server raises."""
        if self._exact is None:
            first = self._ask(messages, reuse=False)
            tokens = _evaluated(first)
            self._exact = tokens is not None and self._check()
            if not self._exact or not _short(tokens):
                return first
        return self._settled(messages) if self._exact else self._ask(messages, reuse=False)

    def _settled(self, messages: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        """The answer as evaluated in pieces that are long enough."""
        answer = self._ask(messages, reuse=True)
        *earlier, last = messages
        for cut in _CUTS:
            if not _short(_evaluated(answer)):
                return answer
            # the shorter prompt leaves in memory what both share, without its end
            self._ask([*earlier, {**last, "content": last["content"][:-cut]}], reuse=True)
            answer = self._ask(messages, reuse=True)
        # a prompt with such an end never gets here with another history, so this stays the same too
        return self._ask(messages, reuse=False) if _short(_evaluated(answer)) else answer

    def _check(self) -> bool:
        """Do prompts that share a beginning get the bits that they get on their own?"""
        prompts = [[{"role": "user", "content": _CHECK.format(middle)}] for middle in _VARIANTS]
        together = [_likeliest(self._settled(prompt)) for prompt in (*prompts, prompts[0])]
        fresh = self._ask(prompts[0], reuse=False)
        alone = self._settled(prompts[0]) if _short(_evaluated(fresh)) else fresh
        return together[0] == together[-1] == _likeliest(alone) and bool(together[0])

    def _ask(self, messages: Sequence[Mapping[str, str]], *, reuse: bool) -> Mapping[str, Any]:
        return self._server.handle_chat_completions(
            {
                "messages": list(messages),
                "max_tokens": 1,
                "temperature": 0,
                "logprobs": True,
                "top_logprobs": _TOP,
                "cache_prompt": reuse,
                # reasoning models would open with a thinking token; other templates ignore it
                "chat_template_kwargs": {"enable_thinking": False},
            }
        )


def _evaluated(answer: Mapping[str, Any]) -> int | None:
    """How many tokens of the prompt were evaluated for `answer`; None if it does not say."""
    timings = answer.get("timings")
    count = timings.get("prompt_n") if isinstance(timings, Mapping) else None
    return count if isinstance(count, int) else None


def _short(tokens: int | None) -> bool:
    """Is the last piece of so many tokens too short to be trusted? What failed (None) is not asked again."""
    return tokens is not None and 0 < tokens % PIECE < _SMALL


def _likeliest(answer: Mapping[str, Any]) -> dict[Any, float]:
    """Log-probabilities of the ten likeliest first tokens; empty where there are none."""
    try:
        top = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"][:10]
        return {candidate["token"]: candidate["logprob"] for candidate in top}
    except (KeyError, IndexError, TypeError):
        return {}
