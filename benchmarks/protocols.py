"""The prompt alone decides how far a judge is swayed by order: one model, every protocol for pairs, the same cases.

    python benchmarks/protocols.py --judge local:smollm2 --cases 60          # resumable: the same command goes on
    python benchmarks/protocols.py --judge mock                              # a chat model with a planted preference
    python benchmarks/protocols.py --smoke

Every case is shown in both orders. `inconsistent`: the winner changes with the order; `first`: the share of the first
slot in all verdicts; `right`: of single verdicts; `averaged`: of the verdict averaged over both orders, which needs
probabilities. Models that answer with one token are asked those protocols that begin the answer or ask for one letter.
Cases are the built-in ones, the shortest first. Brackets are 95 % intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.engine.runner import Limits, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.judges.base import ChatModel, Message, Reply
from voirdire.harness.judges.local import LocalChat
from voirdire.harness.judges.prompt_files import protocol_names, read_protocol
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.plan import PlannedCall
from voirdire.harness.verdicts import Verdict, utility
from voirdire.suites.builtin_cases import builtin_cases

ORDERS = ((0, 1), (1, 0))
#: characters by which the planted model knows an answer again
_KNOWN = 24


@dataclass(frozen=True, slots=True)
class Planted:
    """A chat model that takes what stands first in `first` of its calls, what asks for full marks in `phrase` of them,
    and is right in 85 % of the others. It reads the prompt and writes one letter, so every protocol that is read by its
    own labels can be put to it."""

    first: float
    #: of each case the good answer and the other
    answers: tuple[tuple[str, str], ...]
    phrase: float = 0.0
    name: str = "planted"
    first_token_only: bool = True
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = True

    @classmethod
    def of(cls, cases: Sequence[Case], *, first: float, phrase: float = 0.0) -> Planted:
        """One that knows which answers of `cases` are good."""
        return cls(
            first, tuple((c.responses[int(c.label == 1)], c.responses[int(c.label == 0)]) for c in cases), phrase
        )

    @property
    def identity(self) -> dict[str, object]:
        return {"provider": "planted", "first": self.first, "phrase": self.phrase}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        text = "\n".join(m["content"] for m in messages)
        u, v = (int(hashlib.sha256(f"{k}{sample}{text}".encode()).hexdigest()[:8], 16) / 2**32 for k in "uv")
        good, bad = places_in(text, self.answers)
        right = int(good > bad)
        asks = text.lower().rfind("full marks")
        if u < self.first:
            slot = 0
        elif u < self.first + self.phrase and asks >= 0:
            slot = int(asks > max(good, bad))
        else:
            slot = right if v < 0.85 else 1 - right
        letters = ("1", "2") if re.search(r"<(?:response|answer)_1 ", text) else ("A", "B")
        return Reply(letters[slot], logprobs={letters[slot]: -0.1, letters[1 - slot]: -2.4})

    async def aclose(self) -> None:
        return


def places_in(text: str, answers: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Where the good answer and the other stand in a prompt that shows one of the pairs of `answers`."""
    return next(found for pair in answers if (found := _places(text, *pair)))


def _places(text: str, good: str, bad: str) -> tuple[int, int] | None:
    """Where the two answers stand in `text`, of which one may be edited; None if it holds others. The last place
    counts: a reference, which may equal the good answer, stands before both."""
    whole = {answer: text.rfind(answer) for answer in (good, bad)}
    # the edited answer is known by its beginning or end, which the whole one may share
    for answer in sorted((a for a in whole if whole[a] >= 0), key=lambda a: (a != bad, -len(a))):
        other, at = (good if answer == bad else bad), whole[answer]
        rest = text[:at] + " " * len(answer) + text[at + len(answer) :]
        place = max(rest.rfind(other[:_KNOWN]), rest.rfind(other[-_KNOWN:]))
        if place >= 0:
            return (place, at) if answer == bad else (at, place)
    return None


def pairs(number: int) -> list[Case]:
    """Labelled English pairs, the shortest first."""
    found = [c for c in builtin_cases("pairwise") if c.label in (0, 1) and c.meta.get("lang") != "zh"]
    return sorted(found, key=lambda c: len(c.instruction_text) + sum(map(len, c.responses)))[:number]


def protocols() -> list[str]:
    """The prompts for pairs that a model of one token can answer."""
    names = [
        name
        for name in protocol_names()
        if (file := read_protocol(name)).header.task == "pairwise"
        and file.header.parser in ("brackets", "first-line", "result", "grades")
        and file.header.lang == "en"
    ]
    return ["pairwise-letter", *names]


async def ask(chat: ChatModel, name: str, cases: Sequence[Case], store: CallStore | None) -> list[list[Verdict | None]]:
    """Verdicts by case and order."""
    judge = PromptedJudge(chat, load_prompt(name))
    calls = []
    for plain in cases:
        case = with_needs(plain, judge.needs)
        for order in ORDERS:
            shown = case.reordered(order).replace(meta={"voirdire.order": order})
            calls.append(PlannedCall(shown, 0, shown_hash(shown)))
    run = await run_calls(calls, judge, limits=Limits(), store=store)
    return [run.verdicts[i : i + 2] for i in range(0, len(calls), 2)]


def with_needs(case: Case, needs: Sequence[str]) -> Case:
    """The case with what the prompt insists on, and nothing else that only some cases have."""
    known = {
        "reference": case.reference or case.responses[int(case.label == 1)],
        "rubric": case.rubric or "Is the answer right, complete and to the point?",
        "context": case.context or "An adult without special knowledge.",
    }
    return case.replace(**{name: known[name] if name in needs else None for name in known})


def row(name: str, cases: Sequence[Case], verdicts: Sequence[Sequence[Verdict | None]]) -> str:
    from statsmodels.stats.proportion import proportion_confint

    known = [(c, v) for c, v in zip(cases, verdicts, strict=True) if all(x is not None and x.null is None for x in v)]
    if not known:
        return f"| {name} | 0 | | | | |"
    inconsistent = right = averaged = first = 0.0
    for case, (one, other) in known:
        assert one is not None
        assert other is not None
        a, b = (_target(v, s, soft=False) for v, s in ((one, 0), (other, 1)))
        inconsistent += a != b
        first += (_target(one, 0, soft=False) + _target(other, 0, soft=False)) / 2
        truth = 1.0 if case.label == 0 else 0.0
        right += ((a == truth) + (b == truth)) / 2
        mean = (_target(one, 0, soft=True) + _target(other, 1, soft=True)) / 2
        averaged += 0.5 if mean == 0.5 else (mean > 0.5) == bool(truth)
    n = len(known)
    low, high = proportion_confint(int(inconsistent), n, method="wilson")
    return (
        f"| {name} | {n} | {inconsistent / n:.0%} [{low * 100:.0f}, {high * 100:.0f}] | {first / n:.0%} | "
        f"{right / n:.0%} | {averaged / n:.0%} |"
    )


def _target(verdict: Verdict, slot: int, *, soft: bool) -> float:
    from voirdire.harness.verdicts import Scale

    value = utility(verdict, slot, task="pairwise", scale=Scale(), soft=soft)
    assert value is not None
    return value


async def table(judge: str, number: int, cache: Path | None, first: float) -> list[str]:
    cases = pairs(number)
    chat: ChatModel
    if judge == "mock":
        chat = Planted.of(cases, first=first)
    else:
        chat = LocalChat(judge.removeprefix("local:"))
    lines = ["| protocol | cases | inconsistent | first | right | averaged |", "|---|---:|---|---:|---:|---:|"]
    print(*lines, sep="\n", flush=True)
    store = CallStore(cache) if cache is not None else None
    try:
        for name in protocols():
            lines.append(row(name, cases, await ask(chat, name, cases, store)))
            print(lines[-1], flush=True)
    finally:
        await chat.aclose()
        if store is not None:
            store.close()
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", default="mock", help="mock, or local:NAME")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--cache", type=Path, default=Path(".voirdire/protocols.sqlite"))
    parser.add_argument("--first", type=float, default=0.3, help="the mock's planted preference")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    started = time.perf_counter()
    if arguments.smoke:
        asyncio.run(table("mock", 20, None, 0.3))
        return 0
    cache = None if arguments.judge == "mock" else arguments.cache
    asyncio.run(table(arguments.judge, arguments.cases, cache, arguments.first))
    print(f"\n{arguments.judge}, {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
