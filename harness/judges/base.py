"""What a judge is to the rest of voirdire, and what a chat endpoint is to a prompted judge.

Adapters live beside this file, one a file; `spec.py` turns the specs of the command line into them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from voirdire.harness.cases import Case, Task
from voirdire.harness.known_prompt import KnownPrompt
from voirdire.harness.probes import Setups, no_setups
from voirdire.harness.verdicts import Scale, Usage, Verdict

__all__ = ["ChatModel", "Judge", "Message", "Reply", "Traits", "facts_of", "traits_of"]

#: {"role": "system" | "user" | "assistant", "content": "..."}
Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a plan must know of its judge: the fields without which it cannot be shown a case, why it cannot be asked
    under a setup (None: it can; judges/setups.py), and the prompt that attacks are aimed at, if any."""

    needs: tuple[str, ...] = ()
    setups: Setups = no_setups
    prompt: KnownPrompt | None = None


def traits_of(judge: object) -> Traits:
    """The traits of `judge`; those of a judge with a prompt of ours are its prompt's."""
    setups = getattr(judge, "setup_reason", None)
    return Traits(
        tuple(getattr(judge, "needs", ())),
        setups if callable(setups) else no_setups,
        getattr(judge, "known_prompt", None),
    )


def facts_of(judge: object) -> dict[str, str]:
    """What `judge` says of itself for a reader of its report, short texts by name; empty where it says nothing."""
    facts = getattr(judge, "facts", None)
    return {str(name): str(text) for name, text in facts.items()} if isinstance(facts, Mapping) else {}


class Judge(Protocol):
    """Anything that answers about a case.

    `fingerprint` is a hash of all that can change its answers (model, prompt, parameters, parser): calls are cached
    under it. `reusable`: answers may be reused by a later run. `paid`: calls cost money. `soft`: use its
    probabilities, not its verdict, as the utility. `concurrency`: how many calls may run at once (None: the user's).
    `deterministic`: equal content gives equal answers by construction, so repeats need not be asked.
    """

    @property
    def name(self) -> str: ...
    @property
    def spec(self) -> str: ...
    @property
    def task(self) -> Task: ...
    @property
    def scale(self) -> Scale: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def reusable(self) -> bool: ...
    @property
    def paid(self) -> bool: ...
    @property
    def soft(self) -> bool: ...
    @property
    def concurrency(self) -> int | None: ...
    @property
    def deterministic(self) -> bool: ...

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        """One call. `sample` numbers the repeat: the same sample may be answered from a cache, another may not.

        A reply that holds no verdict is a null `Verdict`; a call that failed raises JudgeError; JudgeUnreachable
        stops the run.
        """

    async def aclose(self) -> None:
        """Release connections, processes, models. The judge may be used again, also in another event loop."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One completion. `logprobs` maps candidate *first* tokens (as text) to natural-log probabilities."""

    text: str
    usage: Usage | None = None
    served_model: str | None = None
    finish_reason: str | None = None
    logprobs: Mapping[str, float] | None = None
    refusal: str | None = None


class ChatModel(Protocol):
    """A chat completion service: what `PromptedJudge` asks. `identity` goes into the fingerprint (no keys)."""

    @property
    def name(self) -> str: ...
    @property
    def identity(self) -> Mapping[str, object]: ...
    @property
    def paid(self) -> bool: ...
    @property
    def concurrency(self) -> int | None: ...
    @property
    def deterministic(self) -> bool:
        """Equal messages give equal replies, bit for bit."""

    @property
    def first_token_only(self) -> bool:
        """It answers with one token and its log-probabilities (small local models): use the one-token prompts."""

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        """Raises JudgeError after its retries, JudgeUnreachable where no later call can succeed."""

    async def aclose(self) -> None: ...
