"""The writer of `voirdire attack --rewriter`: a model asked for texts through the engine and the store, as judges are.

So its retries, rate, budget and store are the engine's: what it wrote is paid for once, and a stopped attack goes on.
Its calls are counted apart from the judge's. Not here: what it is told and which of its texts go on (perturbations/
search/pair.py), who writes (harness/rewriters.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from voirdire._attack_asking import Asker, Stopped, Unit
from voirdire.harness.attacks import Writer
from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.plan import PlannedCall
from voirdire.harness.rewriters import Request, Rewriter
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.perturbations.found import Position
from voirdire.perturbations.search.pair import REPLY, Asked, Written, prompt_for, speaks_of

__all__ = ["TextWriter", "WriterJudge"]

#: a longer reply than this is kept in part, and used not at all
_LONGEST = 4_000
_REQUEST = "voirdire.request"


class WriterJudge:
    """`rewriter` as the engine asks: the "verdict" on a request holds the text, or why there is none."""

    task: Task = "grade"
    scale = Scale()
    soft = False
    deterministic = False

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter
        self.name = self.spec = rewriter.name
        self.reusable = rewriter.identity is not None
        self.fingerprint = content_hash(["writer", rewriter.name, rewriter.identity, rewriter.prompt_hash("")])

    @property
    def paid(self) -> bool:
        return self._rewriter.paid

    @property
    def concurrency(self) -> int | None:
        return self._rewriter.concurrency

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        """Raises what the rewriter raises."""
        request = case.meta[_REQUEST]
        assert isinstance(request, Request)
        written = await self._rewriter.rewrite(request, sample=sample)
        fault = written.fault
        if fault is None and len(written.text) > _LONGEST:
            fault = f"it was longer than {_LONGEST:,} characters"
        text = written.text[:_LONGEST]
        if fault is not None:
            declined = "declined" in fault
            return Verdict(
                null="refused" if declined else "unparsed",
                reason=fault,
                raw=text,
                usage=written.usage,
                served_model=written.served_model,
            )
        return Verdict(grade=True, raw=text, usage=written.usage, served_model=written.served_model)

    async def aclose(self) -> None:
        await self._rewriter.aclose()


class TextWriter:
    """`write` of a search: what the writer answers for units of a judge. Keeps account of it."""

    def __init__(self, asker: Asker, rewriter: Rewriter, units: Sequence[Unit], position: Position, seed: int) -> None:
        self.asker = asker
        self.judge = WriterJudge(rewriter)
        self.units = units
        self.position = position
        self.seed = seed
        self.unusable: Counter[str] = Counter()
        self.problem: str | None = None

    async def __call__(self, asked: Sequence[Asked]) -> list[Written]:
        """Raises Stopped where the run must end; a writer that gives up ends its own search only (`problem`)."""
        if self.problem is not None:
            return [Written(None, self.problem)] * len(asked)
        calls = [self._call(one) for one in asked]
        try:
            run = await self.asker.run(self.judge, calls)
        except Stopped as stop:
            if stop.kind != "judge":
                raise
            self.problem = stop.reason or "it gave no answer"
            return [Written(None, self.problem)] * len(asked)
        found = []
        for i in range(len(calls)):
            verdict = run.whole(i)
            text = verdict.raw if verdict is not None and verdict.null is None else None
            fault = None if text is not None else self._fault(verdict)
            if text is not None and speaks_of(text, self.units[asked[i].unit].case.instruction_text):
                fault = "it spoke of the question it was shown"
            found.append(Written(text, fault))
        return found

    def unused(self, fault: str) -> None:
        """Count a reply that could not be tried."""
        self.unusable[fault] += 1

    def _fault(self, verdict: Verdict | None) -> str:
        if verdict is None or verdict.null == "error":
            return "the call failed"
        return verdict.reason or "there was no text"

    def _call(self, asked: Asked) -> PlannedCall:
        unit = self.units[asked.unit]
        case = unit.case
        material = tuple((f"try{i}", t.text) for i, t in enumerate(asked.tries, start=1))
        request = Request(
            "attack.pair",
            case.responses[unit.target],
            case.instruction_text,
            prompt_for(asked, self.position),
            material,
            REPLY,
        )
        content = content_hash([request.text, request.question, request.prompt, [list(m) for m in material]])
        shown = Case(request.question, (request.text,), meta={_REQUEST: request})
        # equal requests of two branches, or of two attacks with other seeds, are to get different answers
        return PlannedCall(shown, self.seed * 1_000_000 + asked.step * 10_000 + asked.number, content)

    def account(self, streams: int, depth: int, branches: int) -> Writer:
        return Writer(
            name=self.judge.name,
            streams=streams,
            depth=depth,
            branches=branches,
            calls=self.asker.account(),
            unusable=dict(sorted(self.unusable.items())),
        )
