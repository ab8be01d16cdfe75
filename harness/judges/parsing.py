"""A model's free text to a `Verdict`: the parsers that `--parse` names, and which of several verdicts wins.

The reply may quote the judged answers, and those are attacker text. So:

* the last explicit verdict wins (`[[B]]`, "Verdict: B", JSON, a letter alone on the last line); where there is none,
  what the sentences say, if they agree;
* what stands in quotation marks, code or block quotes, and what repeats a judged text, loses to what does not, wherever
  it stands;
* a reasoning model's thinking is not read (parsing_thinking.py), and of a reply that was cut off only a verdict that
  stands complete before the cut;
* anything doubtful (two verdicts side by side, a number off the scale, a verdict that only echoes) is a null with its
  reason, never a guess, a tie or a clipped number.

The forms themselves are in parsing_pairwise.py, parsing_score.py, parsing_grade.py and parsing_ranking.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from voirdire.harness.cases import Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.parsing_candidates import Candidate, Reader, Tier, Value
from voirdire.harness.judges.parsing_grade import GRADE_READERS
from voirdire.harness.judges.parsing_pairwise import PAIRWISE_READERS
from voirdire.harness.judges.parsing_protocols import pairwise_protocol_readers, score_protocol_readers
from voirdire.harness.judges.parsing_ranking import ranking_readers
from voirdire.harness.judges.parsing_score import score_readers
from voirdire.harness.judges.parsing_text import MARK, Echo, Text, cut, lowered
from voirdire.harness.judges.parsing_thinking import spoken
from voirdire.harness.verdicts import NullReason, Scale, Verdict

__all__ = [
    "PARSERS",
    "PARSER_VERSION",
    "Parser",
    "find_parser",
    "parse_grade",
    "parse_pairwise",
    "parse_ranking",
    "parse_score",
]

#: part of every prompted judge's fingerprint: raise it with any change that can alter a verdict
PARSER_VERSION = "3"

_RAW_LIMIT = 20_000
_RATIONALE_LIMIT = 4_000
_BARE_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Parser:
    """A way to read replies, under the name that `--parse` takes. `forms` are tried in all tasks that have them."""

    name: str
    tasks: tuple[Task, ...]
    forms: tuple[str, ...]
    summary: str

    def parse(
        self,
        reply: str,
        *,
        task: Task,
        scale: Scale | None = None,
        n: int = 2,
        judged: Sequence[str] = (),
        cut_off: bool = False,
    ) -> Verdict:
        """The verdict of `reply`. `judged` are the texts the judge was shown, so that quotations are known as such.

        `scale` is needed for scores (default 1 to 10), `n` (number of answers) for rankings. `cut_off`: the model was
        stopped, so that only a verdict that stands complete before the end counts.
        """
        scale = scale or Scale()
        said = spoken(reply, judged)
        if said == [reply] and len(reply) <= _BARE_LIMIT and not cut_off:
            # what most judges say: nothing but the verdict. No judged text can change how that is read.
            read = _of_bare(self, reply, task, scale, n)
            if read is not None:
                return read
        verdicts = [
            _verdict(reply, *self._candidates(each, task, scale, n), judged, task, cut_off=cut_off) for each in said
        ]
        if verdicts and all((v.value, v.margin) == (verdicts[0].value, verdicts[0].margin) for v in verdicts):
            return verdicts[0]
        reason = "it is not clear what of the reply is reasoning"
        return Verdict(null="unparsed", reason=reason, raw=cut(reply, _RAW_LIMIT))

    def _candidates(self, reply: str, task: Task, scale: Scale, n: int) -> tuple[Text, list[Candidate]]:
        if task == "pairwise":
            readers: Mapping[str, Reader] = PAIRWISE_READERS
            if self.forms[0] not in readers:
                readers = pairwise_protocol_readers(scale)
        elif task == "score":
            readers = score_readers(scale)
            if self.forms[0] not in readers:
                readers = score_protocol_readers(scale)
        elif task == "grade":
            readers = GRADE_READERS
        else:
            readers = ranking_readers(n)
        text = Text(reply)
        return text, [c for form in self.forms if form in readers for c in readers[form](text)]


_ALL: tuple[Task, ...] = ("pairwise", "score", "grade", "ranking")

#: parsers by name
PARSERS: Mapping[str, Parser] = MappingProxyType(
    {
        p.name: p
        for p in (
            Parser(
                "auto",
                _ALL,
                ("brackets", "json", "label", "letter", "number", "yesno", "list", "prose"),
                "every form below and plain sentences (B is better, I give 8, the answer is not correct)",
            ),
            Parser(
                "brackets", _ALL, ("brackets",), "[[A]], [[7]], [[CORRECT]] or [[2 > 1 > 3]]; [A] where it stands alone"
            ),
            Parser("json", _ALL, ("json",), 'a JSON object, e.g. {"verdict": "A"}, {"score": 7}, {"correct": true}'),
            Parser("label", _ALL, ("label",), "a labelled line: Verdict: A, Score: 7/10, Grade: FAIL, Ranking: 2 > 1"),
            Parser("letter", ("pairwise",), ("letter",), "A, B or C (tie) alone on the last line or the first"),
            Parser("number", ("score",), ("number",), "a number alone on the last line or the first"),
            Parser("yesno", ("grade",), ("yesno",), "yes/no, correct/incorrect, pass/fail, true/false alone on a line"),
            Parser(
                "two-scores", ("pairwise",), ("two-scores",), "8 9 alone on the first or last line, or a line for each"
            ),
            Parser("grades", ("pairwise",), ("grades",), "[[A>>B]], [[A>B]], [[A=B]], [[B>A]], [[B>>A]]"),
            Parser("result", ("pairwise", "score"), ("result",), "[RESULT] 4 or [RESULT] A"),
            Parser("ranks", ("pairwise",), ("ranks",), '[{"model": "A", "rank": 1}, {"model": "B", "rank": 2}]'),
            Parser("first-line", ("pairwise",), ("first-line",), "1, 2 or Tie alone on the first line"),
            Parser("certainty", ("pairwise",), ("certainty",), '{"verdict": "A", "certainty": 60}'),
            Parser(
                "checklist", ("score",), ("checklist",), '{"items": [{"weight": 2, "score": 0.75}]}, the weighted mean'
            ),
            Parser("list", ("ranking",), ("list",), "2 > 1 > 3 or 2, 1, 3 alone on the last line"),
        )
    }
)


def find_parser(name: str, task: Task) -> Parser:
    """The parser called `name`; UsageError if there is none or it cannot read verdicts of `task`."""
    parser = PARSERS.get(name)
    if parser is None:
        raise UsageError(f"there is no parser called {name!r}", hint=nearest(name, PARSERS))
    if task not in parser.tasks:
        fitting = ", ".join(p.name for p in PARSERS.values() if task in p.tasks)
        raise UsageError(f"--parse {name} reads no {task} verdicts", hint=f"For {task} judges there are: {fitting}.")
    return parser


def parse_pairwise(reply: str, *, judged: Sequence[str] = ()) -> Verdict:
    """Which answer the reply prefers: choice 0, 1 or "tie", or a null.

    >>> parse_pairwise("Response A is careful, but B is better.").choice
    1
    """
    return PARSERS["auto"].parse(reply, task="pairwise", judged=judged)


def parse_score(reply: str, *, scale: Scale, judged: Sequence[str] = ()) -> Verdict:
    """The score the reply gives on `scale`, or a null; numbers off the scale are never clipped.

    >>> parse_score("It has 3 errors. Score: 9", scale=Scale(1, 10)).score
    9.0
    """
    return PARSERS["auto"].parse(reply, task="score", scale=scale, judged=judged)


def parse_grade(reply: str, *, judged: Sequence[str] = ()) -> Verdict:
    """Whether the reply calls the answer correct, or a null.

    >>> parse_grade("Verdict: INCORRECT").grade
    False
    """
    return PARSERS["auto"].parse(reply, task="grade", judged=judged)


def parse_ranking(reply: str, *, n: int, judged: Sequence[str] = ()) -> Verdict:
    """The order of n answers, 0-based slots, best first, or a null.

    >>> parse_ranking("[[2 > 1 > 3]]", n=3).ranking
    (1, 0, 2)
    """
    return PARSERS["auto"].parse(reply, task="ranking", n=n, judged=judged)


# --- the choice among candidates -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Doubt:
    why: str


@functools.lru_cache(maxsize=1024)
def _of_bare(parser: Parser, reply: str, task: Task, scale: Scale, n: int) -> Verdict | None:
    """The verdict of a reply that is nothing but a verdict; None where there is more in it, or less.

    Such a reply has no neighbours that could repeat a judged text (`Echo.level`), so it reads the same for every case.
    """
    text, candidates = parser._candidates(reply, task, scale, n)
    alone = len(text.low.strip())
    if not candidates or any(c.source is not None or not c.bare or c.end - c.start != alone for c in candidates):
        return None
    return _verdict(reply, text, candidates, (), task)


def _verdict(
    reply: str,
    text: Text,
    candidates: list[Candidate],
    judged: Sequence[str],
    task: Task,
    *,
    cut_off: bool = False,
) -> Verdict:
    raw = cut(reply, _RAW_LIMIT)
    chosen = _choose(text, sorted(candidates, key=lambda c: (c.start, c.end)), Echo(judged))
    if cut_off and isinstance(chosen, Candidate) and not _is_complete(text, chosen):
        chosen = _Doubt("the reply was cut off before its verdict was complete")
    if isinstance(chosen, Candidate) and chosen.value is not None:
        rationale = chosen.rationale if chosen.rationale is not None else text.without(chosen.start, chosen.end)
        read = _of_value(task, chosen.value, raw=raw, rationale=cut(rationale, _RATIONALE_LIMIT) or None)
        return read if chosen.margin is None else replace(read, margin=chosen.margin)
    null: NullReason = "unparsed"
    if isinstance(chosen, Candidate):
        reason = chosen.why or "the reply names no verdict"
    elif chosen is not None:
        reason = chosen.why
    elif not reply.strip():
        reason = "the reply is empty"
    elif not text.text.strip():
        reason = "the reply is reasoning only"
    else:
        reason = "the reply holds no verdict"
    if not (isinstance(chosen, Candidate)) and _refuses(text.low):
        null, reason = "refused", "the judge declined"
    return Verdict(
        null=null, reason=reason, raw=raw, rationale=cut(text.text.replace(MARK, ""), _RATIONALE_LIMIT) or None
    )


def _of_value(task: Task, value: Value, *, raw: str, rationale: str | None) -> Verdict:
    if task == "score":
        assert isinstance(value, float)
        return Verdict(score=value, raw=raw, rationale=rationale)
    if task == "grade":
        return Verdict(grade=bool(value), raw=raw, rationale=rationale)
    if task == "ranking":
        assert isinstance(value, tuple)
        return Verdict(ranking=value, raw=raw, rationale=rationale)
    if value == "tie":
        return Verdict(choice="tie", raw=raw, rationale=rationale)
    assert isinstance(value, int)
    return Verdict(choice=value, raw=raw, rationale=rationale)


def _choose(text: Text, candidates: list[Candidate], echo: Echo) -> Candidate | _Doubt | None:
    clean: list[Candidate] = []
    weak: list[Candidate] = []  # repeats a phrase of a judged text, but may be the judge's own
    quoted: list[Candidate] = []
    for candidate in candidates:
        level = _echo_level(text, candidate, echo)
        if text.quoted(candidate.start):
            if level == 0:
                quoted.append(candidate)
        elif level == 0:
            clean.append(candidate)
        elif level == 1:
            weak.append(candidate)
    own = [c for c in weak if _is_final(text, c) and _is_own(text, c)]
    if clean:
        best = _last_of_best(text, clean)
        if isinstance(best, Candidate) and best.bare and echo.holds(text.low, best.start, best.end):
            # `[[A]]` is too short to be known as copied, so it must not stand against anything else that was said
            if any(c.value != best.value for c in clean if c.tier > Tier.PART):
                return _Doubt("the last of several verdicts stands in a judged text too")
            if not _is_own(text, best):
                return _Doubt("the verdict stands in a judged text, and what is said of it does not tell whose it is")
        # "Response A reads well. ... Verdict: B", and a judged text says "Verdict: B" too: by chance or injected
        if isinstance(best, Candidate) and own and own[-1].tier > best.tier and own[-1].value != best.value:
            return _Doubt("the last verdict repeats words of a judged text and contradicts what comes before")
        return best
    if own:
        return own[-1]
    if (
        not weak
        and len({c.value for c in quoted}) == 1
        and _is_final(text, quoted[-1])
        and not echo.holds(text.low, quoted[-1].start, quoted[-1].end)
    ):
        return quoted[-1]  # `[[A]]` copied with the code marks of the instructions
    if candidates:
        return _Doubt("the only verdict in the reply is quoted or repeats a judged text")
    return None


def _echo_level(text: Text, candidate: Candidate, echo: Echo) -> int:
    if candidate.source is not None:
        return echo.level_of_object(text.low, candidate.start, candidate.source)
    # the mark that closes a quotation is the judge's, not the judged text's
    said = text.low[candidate.start : candidate.end].rstrip(" \t\"'`”»」』")
    end = candidate.start + len(said)
    return echo.level(text.low, candidate.start, end, bare=candidate.bare)


_REVISES = re.compile(
    r"\b(?:but|however|actually|correction|final|finally|verdict|instead|wait|rather|changed?|overall|reconsider\w{0,5}"
    r"|conclusion|therefore|thus|hence|so|on reflection|winner)\b|最终|综上|总体|因此"
)


#: "Verdict: B, no wait, A", "Winner: B. No, A."
_TAKEN_BACK = re.compile(
    r"[\s\W]{0,6}\b(?:(?:oh |or |and )?wait\b|hold on\b|scratch that|i mean\b|or rather\b|just kidding"
    r"|on second thoughts?\b|no,? wait\b"
    r"|(?:correction|edit|update|revised)[ ]?:"
    r"|(?:no|nope|rather|actually)[,:.—– -]{1,3}(?:(?:it|that|make it|the winner)(?:'s| is)? )?"
    r"(?:(?:response|answer|assistant|option)[ ])?[\[\"'(]{0,3}(?:[abc12]|tie|correct|incorrect)\b(?!'))"
)


def _last_of_best(text: Text, clean: list[Candidate]) -> Candidate | _Doubt:
    tier = max(c.tier for c in clean)
    if tier > Tier.PART:
        clean = [c for c in clean if c.tier > Tier.PART]
    top = [c for c in clean if c.tier == tier]
    last = top[-1]
    others = [c for c in top if c.value != last.value and c.end <= last.start]
    if any(c.value != last.value and c.end > last.start for c in top):
        return _Doubt("two readings of one verdict contradict each other")
    if tier <= Tier.PROSE:
        if others:
            return _Doubt("the reply's statements contradict each other")
        if any(c.value != last.value for c in clean):
            return _Doubt("the reply's first line and its statements contradict each other")
        return last
    if others:
        gap = text.low[others[-1].end : last.end]
        lines = len(re.findall(r"\n\s{0,20}(?=\S)", gap[:4000]))
        if lines <= 1 and not _REVISES.search(gap[:4000]):
            return _Doubt("two verdicts stand side by side and contradict each other")
    if _TAKEN_BACK.match(text.low, last.end):
        return _Doubt("the verdict is taken back at once")
    later = [c for c in clean if c.start >= last.end and c.tier < tier and c.value != last.value]
    if later:
        return _Doubt("a statement after the verdict contradicts it")
    return last


_LEAD_LIMIT = 120
#: what makes a verdict behind it the judge's own: these words, the end of a sentence, or nothing before it on its line
_OWN = re.compile(
    r"^\W*$|[.!?]\W*$|\b(?:verdict|winner|choice|chosen?|choose|pick|prefer(?:ence|red)?|decision|decide|judge?ments?|judge"
    r"|conclusion|conclude|final|finally|overall|therefore|thus|hence|so|better|best|stronger|superior|rating|rate|rated"
    r"|score|scored|result|give|select(?:ed|ion)?|vote|grade|mark|my|i|i'd|ranking|order|feedback)\b"
    r"|^\W*(?:the )?(?:answer|output)(?: is)?\W*$|[\u3040-\u9fff]"
)


def _is_own(text: Text, candidate: Candidate) -> bool:
    line = text.low[max(0, candidate.start - _LEAD_LIMIT) : candidate.start].rsplit("\n", 1)[-1]
    return bool(_OWN.search(line))


_LEAD_IN = re.compile(
    r"(?:^|[\n.!?:;])[\s\"'`#>(\[\-]{0,8}"
    r"(?:(?:my|the|final|overall|so|therefore|thus|hence|and|in conclusion|conclusion)[\s,:]{1,3}){0,5}$"
)


def _is_final(text: Text, candidate: Candidate) -> bool:
    """Is it a statement of its own at the very end of the reply?"""
    if text.low[candidate.end : candidate.end + 200].strip(" \t\n.!\"'`)]}>~#") or len(text.low) > candidate.end + 200:
        return False
    head = text.low[max(0, candidate.start - 80) : candidate.start]
    return bool(_LEAD_IN.search(head)) and (">" not in head.rsplit("\n", 1)[-1])


#: what ends a verdict for good: its line, its sentence, its place in a JSON object
_ENDED = re.compile(r"[^\n]{0,400}?(?:\n|[.!?;][\"')\]]{0,2}[ ])|[\"']?[ ]{0,4},[ ]{0,4}[\"'][a-z]")


def _is_complete(text: Text, candidate: Candidate) -> bool:
    """May what a cut took away no longer change it? "Score: 1" may have been 10, "A is better" the start of a list."""
    if candidate.tier in (Tier.PROSE, Tier.CONCLUDED, Tier.PART):
        return False
    if candidate.source is not None:
        return "{" not in text.text  # an object inside of one that was never closed is a part
    if text.low[candidate.end - 1 : candidate.end] in ("]", "}", ">"):
        return True
    return bool(_ENDED.match(text.low, candidate.end))


_REFUSAL = re.compile(
    r"\bi(?:'m| am)? (?:cannot|can't|can not|won't|will not|unable to|not able to|must decline|have to decline"
    r"|decline to|refuse to|am not comfortable|not comfortable|do not feel comfortable|don't feel comfortable)\b"
    r"|\b(?:i'm|i am) (?:very |really |so )?sorry,? (?:but|i)\b|\bi apologi[sz]e,? but\b"
    r"|\bas an ai\b.{0,80}\b(?:cannot|can't)\b"
    r"|抱歉|对不起|我无法|我不能"
)
_UNABLE_TO_TELL = re.compile(
    r"\b(?:cannot|can't|unable to|not able to) (?:decide|determine|tell|say|choose|distinguish)\b"
)


def _refuses(low: str) -> bool:
    head = lowered(low[:600]).replace("’", "'")
    return bool(_REFUSAL.search(head)) and not _UNABLE_TO_TELL.search(head)
