"""An attack in words: for the terminal, 80 columns, no colour needed. Texts of attacks are shown inert."""

from __future__ import annotations

from collections.abc import Iterator

from voirdire.harness.attacks import Attacked, Attempt, Elsewhere, Writer
from voirdire.harness.statistics.lifts import Interval, Lift
from voirdire.reports.formatting import effect, interval, level, percent, plain, plural, share
from voirdire.reports.text import one_line

__all__ = ["attack_text", "headline", "reason_words", "with_interval", "writer_words"]

_REASONS = {
    "differential_nulls": "the attack makes the judge fall silent more often, so its gain cannot be read",
    "position_locked": "the judge goes by the slot of an answer, not by what it says",
    "no_verdicts": "the judge gave no verdicts",
    "not_asked": "the run ended before it was asked",
}
#: longest text of an attack that is shown on a line
_TEXT = 46


def reason_words(reason: str | None) -> str:
    """Why an attempt is inconclusive."""
    return _REASONS.get(reason or "", reason or "the answers do not allow to say")


def headline(result: Attacked) -> str:
    """One sentence."""
    found = result.found
    if found:
        best = max(found, key=lambda a: _gain(a.lift))
        many = f" (the best of {len(found)})" if len(found) > 1 else ""
        return f"FOUND  {_quoted(best.text)} lifts answers by {effect(_gain(best.lift))}.{many}"
    if result.outcome == "unfinished":
        best_so_far = f" Best so far, untested: {_quoted(result.best_so_far)}." if result.best_so_far else ""
        return f"UNFINISHED  The run ended before anything was tested on held-out cases.{best_so_far}"
    if result.outcome == "inconclusive":
        first = next(a for a in result.attempts if a.outcome == "inconclusive")
        return f"INCONCLUSIVE  {_quoted(first.text)} was tested, but {reason_words(first.reason)}."
    if not result.attempts:
        return "NOTHING FOUND  No phrase did better in training than no phrase at all."
    return "NOTHING FOUND  The best phrase of the search is not shown to work on held-out cases."


def writer_words(writer: Writer) -> str:
    """What the rewriter was asked, and what it made of it."""
    calls = writer.calls
    asked = calls.made + calls.cached
    unused = sum(writer.unusable.values())
    words = f"{writer.name}: {plural(asked, 'text')} asked for, {unused:,} of no use"
    if writer.unusable:
        words += f" ({max(writer.unusable, key=lambda fault: writer.unusable[fault])})"
    return f"{words}; {calls.made:,} calls made, {calls.cached:,} known already"


def attack_text(result: Attacked, *, saved: str | None = None, report: str | None = None) -> str:
    """The whole result."""
    return "\n".join(_lines(result, saved, report)) + "\n"


def _lines(result: Attacked, saved: str | None, report: str | None) -> Iterator[str]:
    yield headline(result)
    if result.simulated:
        yield "The judge is simulated: this shows how a result looks, nothing more."
    for attempt in result.attempts:
        yield ""
        yield from _attempt(result, attempt)
    yield ""
    calls = result.calls
    yield f" search    {result.method}, phrases of up to {result.max_words} of {result.vocabulary:,} words"
    yield f" cases     {result.trained:,} for the search, {result.held_out:,} held out for the test"
    yield (
        f" calls     {calls.made:,} made, {calls.cached:,} known already; "
        f"{plural(result.search_calls, 'question')} in the search"
    )
    if calls.nulls or calls.errors:
        yield f"           {plural(calls.nulls, 'reply', 'replies')} without a verdict, {plural(calls.errors, 'error')}"
    if result.writer is not None:
        yield f" rewriter  {one_line(result.writer.name, 60)}"
        yield f"           {writer_words(result.writer).partition(': ')[2]}"
    if result.stopped is not None:
        yield f" ended     {result.reason or result.stopped}; run the same command again to go on"
    for warning in result.warnings:
        yield f" note      {one_line(warning)}"
    if report:
        yield f" report    {report}"
    if saved:
        yield f" saved     {saved}"
        yield f" next      voirdire gate --suite {saved} …   keeps it from coming back"


def _attempt(result: Attacked, attempt: Attempt) -> Iterator[str]:
    mark = {"found": "✗ found", "nothing": "✓ not shown", "inconclusive": "? inconclusive", "unfinished": "? untested"}
    yield f" {attempt.kind}  {_quoted(attempt.text)}  {mark[attempt.outcome]}"
    if attempt.note:
        yield f"   {one_line(attempt.note)}"
    lift = attempt.lift
    if lift is None:
        yield f"   not measured: {reason_words(attempt.reason)}"
        return
    sure = level(1 - 2 * result.alpha)
    yield f"   average utility   {share(lift.before)} -> {share(lift.after)}   sham {share(lift.sham)}"
    yield f"   gain              {with_interval(lift.gain)}   {sure} interval"
    yield f"   gain over sham    {with_interval(lift.over_sham)}"
    if attempt.unseen is not None:
        yield f"   on unseen systems {with_interval(attempt.unseen.gain)}"
    if lift.rank_before is not None:
        yield f"   average rank      {plain(lift.rank_before, 2)} -> {plain(lift.rank_after, 2)}"
    if lift.asr is not None:
        yield (
            f"   success rate      {percent(lift.asr)}, sham {percent(lift.asr_sham)}, "
            f"repeat {percent(lift.asr_retest)}: net {_points(lift.asr_net)}"
        )
    if attempt.rival is not None and attempt.over_rival is not None:
        yield f"   over the best published phrase, {attempt.rival}:"
        yield f"                     {with_interval(attempt.over_rival)}"
    for text, dose in attempt.doses.items():
        yield f"   {_quoted(text)} alone   {with_interval(dose.gain)}"
    if attempt.seen is not None:
        yield f"   conspicuous       {plain(attempt.seen.bits)} bits a character"
        yield (
            f"                     {percent(attempt.seen.flagged)} of attacked, "
            f"{percent(attempt.seen.flagged_clean)} of clean answers flagged"
        )
    for where in attempt.elsewhere:
        yield f"   {_elsewhere(where)}"
    for line in attempt.mend:
        yield f"   to mend           {one_line(line, 200)}"


def _elsewhere(where: Elsewhere) -> str:
    name = ("behind " if where.defence else "on ") + one_line(where.spec, 50)
    if where.error is not None or where.lift is None:
        return f"{name}: not tried ({one_line(where.error or 'it applies to no case', 90)})"
    works = where.finding is not None and where.finding.decision == "violated"
    return f"{name}   {with_interval(where.lift.gain)}  {'still works' if works else 'not shown to work'}"


def _gain(lift: Lift | None) -> float:
    return lift.gain.mean if lift is not None and lift.gain is not None else 0.0


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.0f} points"


def _quoted(text: str) -> str:
    return f'"{one_line(text, _TEXT)}"'


def with_interval(value: Interval | None) -> str:
    """A gain and its interval, or a dash."""
    return "–" if value is None else f"{effect(value.mean)} {interval(value.low, value.high)}"
