"""`split_and_merge(JUDGE; k=3)`: PORTIA. Two answers are cut into `k` parts, aligned, and shown part by part.

What stands far apart is compared badly; so where the judge contradicts itself between the two orders, and only there,
it is asked again with the parts interleaved: first cut at even lengths, then, if it still contradicts itself, where
the parts share the most words. Verdicts that agree end it; else the mean of the last two orders stands (a tie).

An audit asks both orders anyway, so this costs two calls a case where the orders contradict each other, or four.
The judge keeps its system part and its parser, but the user part of its prompt becomes the interleaved one, so criteria
that stand there must move to the system part or to the cases' `rubric`.

Source: Li et al. 2023, "Split and Merge" (arXiv:2310.01432), with token overlap as the similarity.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.wrappers.averaging import ask_orders, both_orders
from voirdire.harness.judges.wrappers.base import WrappedJudge, need_task, wrapped
from voirdire.harness.judges.wrappers.calls import Session
from voirdire.harness.judges.wrappers.combine import average, null_of
from voirdire.harness.judges.wrappers.prompting import prompted
from voirdire.harness.verdicts import Verdict

__all__ = ["MOST_PARTS", "aligned", "even", "overlap", "split_and_merge"]

MOST_PARTS = 5
#: between the parts of a response on its way into the template; taken out of judged texts beforehand
_CUT = "\x1e"
#: choices of k - 1 places among more than this many sentences are tried around the even ones only
_SENTENCES = 24

_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:[.!?。！？]+[\"'”’)\]]*|\n+|$)\s*")
_TOKEN = re.compile(r"\w+")

_USER = """\
{{ fence(instruction, "task") }}
{% if context %}

Background that was available for the task:
{{ fence(context, "context") }}
{% endif %}
{% if reference %}

A reference answer, to check the responses against:
{{ fence(reference, "reference") }}
{% endif %}
{% if rubric %}

The criteria to judge by, which go before your own:
{{ fence(rubric, "criteria") }}
{% endif %}

The two responses are shown in parts. Parts of the same number belong beside each other; all parts of one response \
together are that response.
{% set parts_of_b = response_b.split("\x1e") %}
{% for part in response_a.split("\x1e") %}

{{ fence(part, "part_" ~ loop.index ~ "_of_response_a") }}

{{ fence(parts_of_b[loop.index0], "part_" ~ loop.index ~ "_of_response_b") }}
{% endfor %}

"""
_ASK = (
    "Compare the two responses as wholes in at most five sentences. Then write your verdict alone on the last line: "
    "[[A]] if response A is better, [[B]] if response B is better, [[C]] if they are equally good."
)
_ASK_LETTER = "Which response is better as a whole, A or B? Reply with exactly one letter."


def split_and_merge(judge: Judge, *, k: int = 3) -> WrappedJudge:
    """`judge`, asked again part by part (`k` parts, 2 to 5) where its two orders contradict each other.

    Raises UsageError for judges that voirdire does not prompt and for tasks other than pairs.
    """
    need_task("split_and_merge", judge, "pairwise", hint="One answer has nothing to be aligned with.")
    if not 2 <= k <= MOST_PARTS:
        raise UsageError(f"split_and_merge: k={k} must be a number of parts from 2 to {MOST_PARTS}")
    merged = _merged(prompted("split_and_merge", judge))

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        verdicts = await _both(session, 0, case, sample)
        for cut in (even, aligned):
            if _agree(verdicts):
                break
            parts = cut(case.responses, k)
            if parts is None:
                break
            shown = case.replace(responses=tuple(_CUT.join(p) for p in parts))
            verdicts = await _both(session, 1, shown, sample)
        return average(verdicts, task="pairwise", scales=[judge.scale] * len(verdicts))

    return wrapped("split_and_merge", [judge, merged], decide, asks=6, params={"k": k}, written=[judge], asks_more=True)


def _merged(judge: PromptedJudge) -> PromptedJudge:
    ask = _ASK_LETTER if judge.chat.first_token_only else _ASK
    protocol = replace(judge.protocol, user=_USER + ask, name=f"{judge.protocol.name}, in parts")
    return replace(judge, protocol=protocol, name=judge.name, spec=judge.spec)


async def _both(session: Session, member: int, case: Case, sample: int) -> list[Verdict]:
    return await ask_orders(session, member, case, both_orders(case), range(sample, sample + 1))


def _agree(verdicts: Sequence[Verdict]) -> bool:
    """Nulls end the search too: another cut does not make a judge answer."""
    return null_of(verdicts) is not None or len({v.choice for v in verdicts}) == 1


# --------------------------------------------------------------------------------------------------------------- cuts


@functools.lru_cache(maxsize=1024)
def _sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text`, blanks behind them included: joined they are the text. Lines end sentences."""
    return tuple(s for s in _SENTENCE.findall(text.replace(_CUT, " ")) if s)


def _cut(sentences: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    ends = [0, *places, len(sentences)]
    return tuple("".join(sentences[a:b]) for a, b in itertools.pairwise(ends))


def _even_places(sentences: Sequence[str], k: int) -> list[int]:
    """Where k parts of about the same number of characters end, each with a sentence at least."""
    ends = list(itertools.accumulate(map(len, sentences)))
    places: list[int] = []
    for part in range(1, k):
        wanted = ends[-1] * part / k
        free = range((places[-1] if places else 0) + 1, len(sentences) - (k - part) + 1)
        places.append(min(free, key=lambda i: abs(ends[i - 1] - wanted)))
    return places


def even(responses: Sequence[str], k: int) -> tuple[tuple[str, ...], ...] | None:
    """Every response in `k` parts of about the same length, cut between sentences; None where one has too few."""
    split = [_sentences(text) for text in responses]
    if any(len(sentences) < k for sentences in split):
        return None
    return tuple(_cut(sentences, _even_places(sentences, k)) for sentences in split)


def aligned(responses: Sequence[str], k: int) -> tuple[tuple[str, ...], ...] | None:
    """Both responses in `k` parts such that parts of one number share the most words; None where one has too few
    sentences. Among equals, the most even cut."""
    first, second = (_sentences(text) for text in responses)
    if min(len(first), len(second)) < k:
        return None
    # part by part: best[(i, j)] is the best alignment whose parts so far end before sentences i and j
    best: dict[tuple[int, int], tuple[float, tuple[tuple[int, int], ...]]] = {(0, 0): (0.0, ())}
    for part in range(k):
        left = k - part - 1
        ends_a = _candidates(first, part, k) if left else [len(first)]
        ends_b = _candidates(second, part, k) if left else [len(second)]
        reached: dict[tuple[int, int], tuple[float, tuple[tuple[int, int], ...]]] = {}
        for (i, j), (total, places) in best.items():
            for a, b in itertools.product(ends_a, ends_b):
                if a <= i or b <= j:
                    continue
                similar = total + _overlap_of(first[i:a], second[j:b])
                if (a, b) not in reached or similar > reached[a, b][0]:
                    reached[a, b] = similar, (*places, (a, b))
        best = reached
    places = best[len(first), len(second)][1][:-1]
    return _cut(first, [a for a, _ in places]), _cut(second, [b for _, b in places])


def _candidates(sentences: Sequence[str], part: int, k: int) -> list[int]:
    """Sentences before which part number `part` may end, the most even first; in long texts only the nearest few."""
    wanted = _even_places(sentences, k)[part]
    free = range(part + 1, len(sentences) - (k - part - 1) + 1)
    near = sorted(free, key=lambda i: abs(i - wanted))
    return near[: max(3, _SENTENCES // k)]


@functools.lru_cache(maxsize=4096)
def _words(sentences: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_TOKEN.findall("".join(sentences).lower()))


def _overlap_of(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    first, second = _words(a), _words(b)
    return len(first & second) / max(len(first), len(second), 1)


def overlap(a: str, b: str) -> float:
    """Words in common, as a share of the words of the richer text: 0 to 1."""
    return _overlap_of((a,), (b,))
