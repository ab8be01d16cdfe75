"""A chat model + a prompt + a parser = a judge: `PromptedJudge`.

Models that write text have their reply parsed. Models that answer with one token (`chat.first_token_only`, small local
ones) are read through the probabilities of the possible first tokens, which say more than the token itself.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import ChatModel, Reply
from voirdire.harness.judges.exposed import ExposedPrompt
from voirdire.harness.judges.finish import is_cut_off, is_declined, of_unfinished
from voirdire.harness.judges.parsing import PARSER_VERSION, Parser, find_parser
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.judges.prompts import PromptProtocol, digit_range
from voirdire.harness.judges.setup_parts import joined
from voirdire.harness.judges.setups import SETUPS, apply_setup, setup_reason
from voirdire.harness.verdicts import Scale, Verdict, rescaled

__all__ = ["TOLD", "PromptedJudge"]

#: below this total probability of all options the model is not answering the question
_MIN_MASS = 1e-6
#: keeps log-odds finite where the model reports one option only
_FLOOR = 1e-12
#: what a report tells of a model and its parameters; other parameters may hold anything
TOLD = ("model", "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "reasoning_effort")
#: the counterpart of PARSER_VERSION where no reply is parsed: raise it with any change to how probabilities are read
_TOKEN_READING = "2"


@dataclass(frozen=True, slots=True)
class PromptedJudge:
    """Satisfies `Judge`. `name` and `spec` default to the chat model's name.

    `soft`: the probabilities, not the verdict, are the utility. Raises UsageError for a model that answers with one
    token and a task that needs more.
    """

    chat: ChatModel
    protocol: PromptProtocol
    name: str = ""
    spec: str = ""
    soft: bool = False
    reusable: bool = True
    fingerprint: str = field(init=False)
    _parser: Parser = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.chat.first_token_only and self.protocol.task == "ranking":
            raise UsageError("a judge that answers with one token cannot give a ranking")
        name = self.name or self.chat.name
        set_ = object.__setattr__
        set_(self, "name", name)
        set_(self, "spec", self.spec or name)
        set_(self, "_parser", find_parser(self.protocol.parser, self.protocol.task))
        identity = {"chat": dict(self.chat.identity), "prompt": self.protocol.version_read_by(self.reading)}
        set_(self, "fingerprint", content_hash(identity))

    @property
    def task(self) -> Task:
        return self.protocol.task

    @property
    def scale(self) -> Scale:
        return self.protocol.scale

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of a case that the prompt insists on."""
        return self.protocol.header.needs

    @property
    def reading(self) -> str:
        """The version of the code that makes a verdict of an answer."""
        return _TOKEN_READING if self.chat.first_token_only else PARSER_VERSION

    @property
    def facts(self) -> dict[str, str]:
        """Its prompt, parser and parameters, for the reader of a report."""
        identity = self.chat.identity
        params = identity.get("params")
        told = {**identity, **(params if isinstance(params, Mapping) else {})}
        asked = {
            "prompt": self.protocol.name,
            "prompt hash": self.protocol.version[:12],
            "parser": self.protocol.parser,
        }
        return asked | {k.replace("_", " "): str(told[k])[:100] for k in TOLD if told.get(k) is not None}

    @property
    def paid(self) -> bool:
        return self.chat.paid

    @property
    def concurrency(self) -> int | None:
        return self.chat.concurrency

    @property
    def deterministic(self) -> bool:
        return self.chat.deterministic

    @property
    def known_prompt(self) -> ExposedPrompt:
        """Its prompt as an attacker who has read it knows it."""
        return ExposedPrompt(self.protocol)

    def setup_reason(self, name: str, case: Case | None = None) -> str | None:
        """Why it cannot be asked about `case` under the setup `name` (setups.py); None if it can."""
        return setup_reason(name, self.protocol, case, one_token=self.chat.first_token_only)

    def calls_for(self, case: Case) -> int:
        """How many calls of the model one verdict on `case` takes."""
        parts = SETUPS[case.setup].parts if case.setup else None
        return 1 if parts is None else len(parts.of(case))

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        """One call. Raises JudgeError where it failed; a reply without a verdict is a null."""
        if case.setup:
            return await self._under(case.setup, case.replace(setup=None), sample)
        messages = self.protocol.render(case, begun=self.chat.first_token_only)
        reply = await self.chat.complete(messages, sample=sample)
        verdict = self._read(reply, case)
        return dataclasses.replace(verdict, usage=reply.usage, served_model=reply.served_model)

    async def _under(self, setup: str, case: Case, sample: int) -> Verdict:
        """The verdict of the same judge asked in another way, on its own scale."""
        other = dataclasses.replace(self, protocol=apply_setup(setup, self.protocol))
        if (parts := SETUPS[setup].parts) is not None:
            # one after the other: how many run at once is for the runner to say
            verdicts = [await other.judge(part, sample=sample) for part in parts.of(case)]
            return joined(parts, case, self.task, self.scale, verdicts)
        return rescaled(await other.judge(case, sample=sample), other.scale, self.scale)

    async def aclose(self) -> None:
        await self.chat.aclose()

    def _read(self, reply: Reply, case: Case) -> Verdict:
        if reply.refusal:
            return Verdict(null="refused", reason="the judge declined", raw=cut(reply.refusal, 20_000))
        if self.chat.first_token_only:
            # without probabilities the token it wrote is all there is
            logprobs = reply.logprobs if reply.logprobs is not None else {reply.text: 0.0}
            return dataclasses.replace(self._from_probabilities(logprobs), raw=cut(reply.text, 20_000))
        if self.protocol.header.expected and reply.logprobs is not None:
            # the score is the mean over the possible first tokens (G-Eval); it says more than the token itself
            read = self._from_probabilities(reply.logprobs)
            if read.null is None:
                return dataclasses.replace(read, raw=cut(reply.text, 20_000))
        text, slots = reply.text, self.protocol.slots
        judged = _judged(case)
        if slots not in (("A", "B"), ("B", "A")):
            text, *judged = (_in_letters(each, slots) for each in (text, *judged))
        finish = reply.finish_reason
        verdict = self._parser.parse(
            text,
            task=self.task,
            scale=self.scale,
            n=len(case.responses),
            judged=judged,
            cut_off=is_cut_off(finish) or is_declined(finish),
        )
        if slots == ("B", "A"):
            verdict = _exchanged(verdict)
        return of_unfinished(verdict, finish)

    def _from_probabilities(self, logprobs: Mapping[str, float]) -> Verdict:
        if self.task == "pairwise":
            named = self.protocol.slots != ("A", "B")
            first, second = self.protocol.slots if named else self.protocol.header.labels
            shares = _shares(logprobs, (first, second))
            if shares is None:
                return _no_option(f"{first} or {second}")
            a, b = shares[first], shares[second]
            return Verdict(
                choice="tie" if a == b else 0 if a > b else 1,
                probabilities={"0": a, "1": b},
                margin=_log_odds(a, b),
            )
        if self.task == "grade":
            shares = _shares(logprobs, ("yes", "no"), fold=True)
            if shares is None:
                return _no_option("yes or no")
            yes, no = shares["yes"], shares["no"]
            return Verdict(grade=yes > no, probabilities={"true": yes, "false": no}, margin=_log_odds(yes, no))
        low, high = digit_range(self.scale)
        shares = _shares(logprobs, tuple(str(d) for d in range(low, high + 1)))
        if shares is None:
            return _no_option(f"a digit from {low} to {high}")
        mean = sum(int(digit) * share for digit, share in shares.items())
        stretch = (self.scale.high - self.scale.low) / (high - low)
        # rounding may leave the scale by an ulp
        score = min(self.scale.high, max(self.scale.low, self.scale.low + (mean - low) * stretch))
        return Verdict(score=score, probabilities=shares)


def _in_letters(text: str, slots: tuple[str, str]) -> str:
    """`text` with the names of the slots as A and B, which the parsers read."""
    table = {slots[0]: "A", slots[1]: "B"}
    names = "|".join(re.escape(name) for name in sorted(slots, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])(?:{names})(?!\w|\.\d)", lambda found: table[found[0]], text)


def _exchanged(verdict: Verdict) -> Verdict:
    """A verdict of a judge for whom A is the second answer."""
    if not isinstance(verdict.choice, int):
        return verdict
    margin = None if verdict.margin is None else -verdict.margin
    return dataclasses.replace(verdict, choice=1 - verdict.choice, margin=margin)


def _judged(case: Case) -> list[str]:
    """Every text the judge was shown: a reply may quote any of them."""
    extra = (case.instruction_text, case.reference, case.rubric, case.context)
    return [*case.responses, *(text for text in extra if text)]


def _shares(logprobs: Mapping[str, float], options: tuple[str, ...], *, fold: bool = False) -> dict[str, float] | None:
    """The probability of each option among the options: " A" and "A" are one, "a" is another word (unless `fold`).

    None where all options together are as good as impossible.
    """
    mass = dict.fromkeys(options, 0.0)
    for token, logprob in logprobs.items():
        # some services show the tokenizers' own signs for a space
        word = token.strip(" \t\r\n\u2581\u0120\u010a")
        word = word.lower() if fold else word
        if word in mass and logprob <= 0.0:
            mass[word] += math.exp(logprob)
    total = math.fsum(mass.values())
    if not total >= _MIN_MASS:
        return None
    return {option: p / total for option, p in mass.items()}


def _log_odds(p: float, q: float) -> float:
    return math.log(max(p, _FLOOR) / max(q, _FLOOR))


def _no_option(options: str) -> Verdict:
    return Verdict(null="unparsed", reason=f"the model's first token is not {options}")
