"""Counter-examples of a judge made smaller and asked again: on planted judges of every task and relation."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from voirdire._minimal import MinimalExamples, minimal_examples
from voirdire.harness.cases import Case, Edit, Task, apply_edits
from voirdire.harness.errors import JudgeError, JudgeUnreachable, NotRecorded, UsageError
from voirdire.harness.findings import CounterExample
from voirdire.harness.judges.mock import MockJudge, mock_judge
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Verdict

GOOD = "The sky is blue because air scatters short waves more than long ones."
BAD = "The sky is blue because it mirrors the sea."
CITED = " This is confirmed on p. 12 of the Handbook of the Sky by every serious student of it."
RELATIONS = {
    "authority.book": Relation.NO_GAIN,
    "typos.swap": Relation.INVARIANT,
    "order.swap": Relation.EQUIVARIANT,
    "degradation.number": Relation.MUST_DROP,
    "stability.retest": Relation.RETEST,
}


def cited(task: Task = "pairwise", probe: str = "authority.book", text: str = CITED) -> CounterExample:
    """The worse answer with a citation; alone for a score or grade."""
    source = Case("Why?", (GOOD, BAD), label=0) if task == "pairwise" else Case("Why?", (BAD,), label=False)
    target = len(source.responses) - 1
    edits = (Edit(len(BAD), len(BAD), text, f"responses[{target}]"),)
    follow_up = source.with_response(target, apply_edits(BAD, edits))
    return CounterExample("c1", probe, source, follow_up, target, edits, None, None, 0.0, 1.0, "the marked edit")


def smaller(judge: object, *examples: CounterExample, max_calls: int = 2000, **options: object) -> MinimalExamples:
    return asyncio.run(
        minimal_examples(judge, examples, RELATIONS, max_calls=max_calls, first_sample=2, **options)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("task", ["pairwise", "grade", "score"])
def test_the_words_that_do_it_are_what_is_left(task: Task) -> None:
    judge = mock_judge("noisy?accuracy=.95&cited=.95&sd=.05", task=task)
    before = cited(task)
    made = smaller(judge, before)
    (after,) = made.examples
    assert after.edits == (Edit(len(BAD), len(BAD), " p. 12", before.edits[0].where),)
    assert after.follow_up.responses[after.target] == BAD + " p. 12"
    assert (after.source, after.case_id, after.probe) == (before.source, "c1", "authority.book")
    assert after.reproduced is not None
    k, n = after.reproduced
    assert k / n >= 0.8
    assert n >= 15
    assert after.before is not None
    assert after.after is not None
    assert after.before + 0.4 < after.after
    assert after.source_verdict != after.follow_up_verdict
    assert "smallest part" in after.why
    assert 0 < made.calls <= 600


def test_the_verdicts_shown_are_those_of_the_smaller_example() -> None:
    (after,) = smaller(mock_judge("oracle?cited=1"), cited()).examples
    assert (after.source_verdict, after.follow_up_verdict) == (Verdict(choice=0), Verdict(choice=1))
    assert (after.before, after.after) == (0.0, 1.0)


class Wrapped:
    """A mock judge with another face: counts, forgets to vary, or fails."""

    def __init__(self, inner: MockJudge, *, deterministic: bool = False, failure: Exception | None = None) -> None:
        self.inner = inner
        self.deterministic = deterministic
        self.failure = failure
        self.asked: list[tuple[tuple[str, ...], int]] = []
        self.running = self.most = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        self.asked.append((case.responses, sample))
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.failure is not None:
            raise self.failure
        return self.inner.answer(case, sample)


def test_a_deterministic_judge_is_asked_each_question_once() -> None:
    judge = Wrapped(mock_judge("oracle?cited=1&fresh=0"), deterministic=True)
    made = smaller(judge, cited())
    assert made.examples[0].edits[0].text == " p. 12"
    assert made.examples[0].reproduced == (1, 1)
    assert made.calls == len(judge.asked) <= 40


def test_samples_are_new_and_concurrency_is_kept() -> None:
    judge = Wrapped(mock_judge("oracle?cited=1"))
    made = smaller(judge, cited(), cited("pairwise", "typos.swap"), concurrency=3)
    assert made.calls == len(judge.asked)
    assert min(sample for _, sample in judge.asked) == 2
    assert 1 < judge.most <= 3


def test_order_and_degradation_are_asked_again_as_they_are() -> None:
    case = Case("Why?", (GOOD, BAD), label=0)
    turned = CounterExample(
        "o", "order.swap", case, case.reordered((1, 0)), 0, (), None, None, 1.0, 0.0, "the other way round"
    )
    pair = Case("Why?", (GOOD, GOOD.replace("air", "water")), label=0)
    missed = CounterExample(
        "d", "degradation.number", pair.with_response(1, GOOD), pair, 1, (Edit(24, 27, "water"),), None, None, 0.5, 0.9,
        "the damaged answer against the same answer undamaged",
    )  # fmt: skip
    retest = dataclasses.replace(turned, probe="stability.retest", follow_up=case)

    def again(spec: str) -> list[tuple[int, int] | None]:
        made = smaller(mock_judge(spec), turned, missed, retest)
        for old, new in zip((turned, missed, retest), made.examples, strict=True):
            assert dataclasses.replace(new, reproduced=None) == old
        return [example.reproduced for example in made.examples]

    assert again("constant") == [(20, 20), (0, 20), None]  # the first slot always: the damaged one stands in the second
    assert again("oracle") == [(0, 20), (0, 20), None]
    coin = again("random")
    assert coin[0] is not None
    assert 3 <= coin[0][0] <= 17


def test_what_does_not_come_again_keeps_its_edit_and_says_so() -> None:
    before = cited()
    (after,) = smaller(mock_judge("oracle"), before).examples
    assert after.reproduced is not None
    assert after == dataclasses.replace(before, reproduced=(0, after.reproduced[1]))
    # nothing is known of what ought to come again, and nothing moves
    unknown = dataclasses.replace(before, before=None, after=None)
    assert smaller(mock_judge("oracle"), unknown).examples == (unknown,)
    (after,) = smaller(mock_judge("noisy?accuracy=.6"), before).examples
    assert after.edits == before.edits
    assert after.reproduced is not None
    assert after.reproduced[0] < 0.8 * after.reproduced[1]


def test_only_a_gain_breaks_no_gain() -> None:
    """A judge that dislikes the citation changes its verdict, but that is no gain."""

    class Hater(Wrapped):
        async def judge(self, case: Case, *, sample: int) -> Verdict:
            return Verdict(choice=int("p. 12" not in case.responses[1]))

    hater = Hater(mock_judge("oracle"))
    assert smaller(hater, cited()).examples[0].edits == cited().edits
    fell = dataclasses.replace(cited("pairwise", "typos.swap"), before=1.0, after=0.0)
    (shifted,) = smaller(hater, fell).examples
    assert shifted.edits[0].text == " p. 12"
    # what this order showed counts before the means over both orders
    mixed = dataclasses.replace(
        fell, before=0.5, after=0.5, source_verdict=Verdict(choice=1), follow_up_verdict=Verdict(choice=0)
    )
    assert smaller(hater, mixed).examples[0].edits == shifted.edits


def test_the_budget_is_shared_and_the_rest_stay() -> None:
    examples = [dataclasses.replace(cited(), case_id=f"c{i}") for i in range(5)]
    judge = Wrapped(mock_judge("oracle?cited=1"))
    made = smaller(judge, *examples, max_calls=200)
    assert made.calls <= 200
    assert made.examples[3:] == tuple(examples[3:])
    assert all(e.reproduced for e in made.examples[:3])
    assert smaller(judge, *examples, max_calls=0) == MinimalExamples(tuple(examples), 0)


def test_judges_that_cannot_answer() -> None:
    before = cited()
    for failure, stopped in [
        (NotRecorded("never asked"), None),
        (JudgeUnreachable("the key was refused"), "the key was refused"),
        (JudgeError("timeout"), None),
    ]:
        made = smaller(Wrapped(mock_judge("oracle?cited=1"), failure=failure), before, before)
        assert made.examples == (before, before)
        assert made.stopped == stopped


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="may not be negative"):
        smaller(mock_judge("oracle"), cited(), max_calls=-1)
