"""Long replies leave memory and come back where they are shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from engine_calls import questions

from voirdire.harness.cases import Case
from voirdire.harness.engine.runner import Limits, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.texts import Texts
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.verdicts import Verdict

ODD = "B is better. \ud83d \x00 \r\n 中文 " * 30


def test_long_texts_come_back_as_they_were_and_short_ones_stay() -> None:
    texts = Texts(5)
    long = Verdict(choice=1, raw=ODD, rationale="why " * 100, served_model="m-1")
    bare = Verdict(choice=0, rationale="r" * 1000)
    short = Verdict(choice=0, raw="[[A]]")
    kept = [texts.keep(i, verdict) for i, verdict in enumerate((long, short, bare))]
    assert kept[0] == Verdict(choice=1, served_model="m-1")
    assert kept[1] is short
    texts.same(3, 0)
    # reading in between does not disturb what is written later
    assert [texts.whole(0, kept[0]), texts.whole(2, kept[2])] == [long, bare]
    late = texts.keep(4, long)
    assert [texts.whole(i, v) for i, v in zip((0, 1, 2, 3, 4), (*kept, kept[0], late), strict=True)] == [
        long,
        short,
        bare,
        long,
        long,
    ]


class Talker:
    """A mock judge that writes a page with each verdict."""

    def __init__(self) -> None:
        self._judge = mock_judge("noisy", task="pairwise")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._judge, name)

    @property
    def reusable(self) -> bool:
        return True

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        verdict = await self._judge.judge(case, sample=sample)
        return Verdict(choice=verdict.choice, raw=f"{case.instruction_text} {sample} " + ODD)


def test_a_run_keeps_no_page_and_shows_every_one_made_cached_or_repeated(tmp_path: Path) -> None:
    calls = questions(120)
    calls += calls[:20]  # the same questions once more

    def run() -> list[Verdict | None]:
        async def asked() -> list[Verdict | None]:
            with CallStore(tmp_path / "c.sqlite") as store:
                run = await run_calls(calls, Talker(), limits=Limits(4), store=store)
            assert all(v is not None and v.raw is None for v in run.verdicts)
            return [run.whole(i) for i in range(len(calls))]

        return asyncio.run(asked())

    first, again = run(), run()
    for found in (first, again):
        assert all(
            v is not None and v.raw == f"{c.case.instruction_text} {c.sample} " + ODD
            for c, v in zip(calls, found, strict=True)
        )


def test_a_long_text_is_read_in_few_pieces() -> None:
    """A reply of a megabyte used to be read byte by byte: a third of a second each, hours for a large run."""
    texts = Texts(2)
    long = Verdict(choice=0, raw="很长 " * 300_000, rationale="x" * 1000)
    kept = texts.keep(0, long)
    texts.same(1, 0)
    assert texts.whole(1, kept) == long

    class Counted:
        """The file, counting how often it is read."""

        def __init__(self, file: object) -> None:
            self.file, self.reads = file, 0

        def __getattr__(self, name: str) -> object:
            self.reads += name.startswith("read")
            return getattr(self.file, name)

    counted = texts._file = Counted(texts._file)  # type: ignore[assignment]  # a file that counts
    assert texts.whole(0, kept) == long
    assert counted.reads < 20
