"""The audit in plain language: the headline, one sentence a finding, what to do next.

The words are ours alone: no judged text enters them, and a judge's spec only inside `backticks` in the advice. How
they are escaped is the renderer's business. Numbers are formatted by `formatting`, nouns come from `phrases`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from voirdire.harness.cases import Case, Task, truth_of
from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.reports.advice import advice
from voirdire.reports.formatting import effect, interval, known, percent, percent_interval, plain, plural, share
from voirdire.reports.phrases import Phrase, capital, phrase
from voirdire.reports.selection import ranks_as_sway, worst_first

__all__ = [
    "SYMBOLS",
    "WORDS",
    "Headline",
    "Unit",
    "advice",
    "answer_name",
    "discrimination_sentence",
    "example_verdicts",
    "finding_sentence",
    "headline",
    "headline_parts",
    "noise_sentence",
    "reason_words",
    "unit_of",
    "verdict_words",
]

#: the outcome as the first word of every report
WORDS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE", "error": "ERROR"}
#: a sign a decision, readable without colour
SYMBOLS = {"holds": "✓", "violated": "✗", "inconclusive": "?", "not_applicable": "–"}

_REASONS = {
    "differential_nulls": "verdicts are missing more often with the edit than without, so what is left is a selection",
    "missing_verdicts": "the verdicts that are missing more often with the edit than without could hide an effect",
    "position_locked": "the judge nearly always picks the same slot, so no edit could have changed its verdict",
    "too_few_cases": "too few cases",
    "no_cases": "no case to try it on",
    "no_applicable_cases": "no case to try it on",
    "no_labels": "these cases have no labels",
    "no_verdicts": "the judge gave no verdict",
    "not_asked": "the run ended before it was asked",
    "all_null": "the judge gave no verdict",
    "task": "it does not apply to this kind of judge",
    "stopped": "the run stopped early",
    "budget": "the budget was used up",
    "interrupted": "the run was interrupted",
    "judge": "the judge could not be reached",
}
_STOPPED = {"budget": "the budget was used up", "interrupted": "it was interrupted", "judge": "the judge gave out"}
_NULLS = {"unparsed": "the reply could not be read", "refused": "the judge declined", "error": "the call failed"}
_TARGETS = {"worse": "the weaker answer", "better": "the better answer", "each": "the answer that has it"}


# ---------------------------------------------------------------------------------------------------- small phrases


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit in which users know an effect: that of the judge's task and scale."""

    task: Task = "pairwise"
    scale: Scale = field(default_factory=Scale)

    def bare(self, value: float) -> str:
        """The size of an effect as a number: "21", "1.9", "21 %"."""
        if self.task == "score":
            return plain(abs(value) * (self.scale.high - self.scale.low))
        return plain(100 * abs(value), 0) + (" %" if self.task == "ranking" else "")

    def points(self, value: float) -> str:
        """The size of an effect with its unit: "21 points of win rate", "1.9 points on the 1 to 10 scale"."""
        number = self.bare(value)
        if self.task == "ranking":
            return f"{number} of the way up the ranking"
        noun = "point" if number == "1" else "points"
        if self.task == "score":
            return f"{number} {noun} on the {plain(self.scale.low)} to {plain(self.scale.high)} scale"
        return f"{number} {noun} of {'pass' if self.task == 'grade' else 'win'} rate"

    def target(self, finding: Finding) -> str:
        """Who gains: "the weaker answer"; a lone answer is just "the answer"."""
        return "the answer" if self.task in ("score", "grade") else _TARGETS.get(finding.target, "the answer")


def unit_of(audit: Audit) -> Unit:
    """The unit of an audit's effects."""
    return Unit(audit.task, audit.scale)


def _phrase(finding: Finding) -> Phrase:
    return phrase(finding.probe, backwards=known(finding.effect) and finding.effect < 0)


def reason_words(finding: Finding) -> str:
    """Why a finding is open or not applicable; a reason this version does not know is shown as it is."""
    if finding.reason:
        return _REASONS.get(finding.reason, finding.reason)
    if finding.not_applicable_reasons:
        reason, number = max(finding.not_applicable_reasons.items(), key=lambda item: (item[1], item[0]))
        return f"{reason} ({plural(number, 'case')})"
    return ""


def answer_name(slot: int, task: Task, n: int) -> str:
    """How a response is called: "A" and "B" for a pair, "answer 3" in a ranking, "the answer" alone."""
    if task == "pairwise" and n == 2:
        return chr(ord("A") + slot)
    return "the answer" if n == 1 else f"answer {slot + 1}"


def example_verdicts(audit: Audit, example: CounterExample) -> tuple[str | None, str]:
    """The verdicts before and after, in words. None before: what is damaged stands against itself undamaged, which
    nobody was asked about alone."""
    before = None
    if example.source_verdict is not None:
        before = verdict_words(example.source_verdict, example.source, audit.task, audit.scale)
    return before, verdict_words(example.follow_up_verdict, example.follow_up, audit.task, audit.scale)


def verdict_words(verdict: Verdict | None, case: Case, task: Task, scale: Scale) -> str:
    """A verdict in words: "A (right)", "a tie", "7.5 of 10", "fail (wrong)", "no verdict: the call failed"."""
    if verdict is None:
        return "not asked"
    if verdict.null is not None:
        return f"no verdict: {_NULLS.get(verdict.null, verdict.null)}"
    if verdict.choice == "tie":
        return "a tie"
    if verdict.choice is not None:
        name = answer_name(verdict.choice, task, len(case.responses))
        right = truth_of(case, verdict.choice)
        return name if right is None else f"{name} ({'right' if right else 'wrong'})"
    if verdict.score is not None:
        return f"{plain(verdict.score, 2)} of {plain(scale.high)}"
    if verdict.grade is not None:
        word = "pass" if verdict.grade else "fail"
        truth = truth_of(case, 0)
        return word if truth is None else f"{word} ({'right' if truth is verdict.grade else 'wrong'})"
    return " > ".join(str(slot + 1) for slot in verdict.ranking or ())


# --------------------------------------------------------------------------------------------------------- headline


@dataclass(frozen=True, slots=True)
class Headline:
    """The audit's outcome in sentences: a claim, its evidence (may be empty), and what else must be said."""

    word: str
    claim: str
    evidence: str = ""
    more: tuple[str, ...] = ()

    @property
    def one_sentence(self) -> str:
        """Claim and evidence as one sentence."""
        if not self.evidence:
            return self.claim
        return f"{self.claim.rstrip('.')}: {_lower(self.evidence)}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences without the outcome's word."""
        return tuple(s for s in (self.claim, self.evidence, *self.more) if s)


def headline(audit: Audit) -> str:
    """The whole audit in a few sentences, the outcome's word first: "FAIL: This judge can be swayed. …"."""
    parts = headline_parts(audit)
    return f"{parts.word}: {' '.join(parts.sentences)}"


def headline_parts(audit: Audit) -> Headline:
    """The headline in parts, for renderers that give them different weight."""
    word = WORDS[audit.verdict]
    if audit.verdict == "error":
        claim, *more = _error_sentences(audit)
        return Headline(word, claim, more=tuple(more))
    claim, evidence, *more = {"fail": _fail_sentences, "pass": _pass_sentences, "inconclusive": _open_sentences}[
        audit.verdict
    ](audit)
    if audit.stopped:
        calls = plural(audit.calls.made + audit.calls.cached, "call")
        more.append(f"The run stopped early ({_STOPPED.get(audit.stopped, audit.stopped)}): this rests on {calls}.")
    rest = (reach_sentence(audit), discrimination_sentence(audit), noise_sentence(audit))
    return Headline(word, claim, evidence, (*more, *(sentence for sentence in rest if sentence)))


def _error_sentences(audit: Audit) -> tuple[str, ...]:
    calls = audit.calls
    asked = calls.made + calls.cached
    if not asked:
        return ("Nothing was judged: no call was made.",)
    if calls.errors + calls.nulls >= asked or audit.stopped == "judge":
        return (
            "The judge could not be reached or gave no verdict, so nothing can be said about it.",
            f"Of {plural(asked, 'call')}, {calls.errors:,} failed and {calls.nulls:,} brought no verdict.",
        )
    return ("The run did not get far enough to say anything about this judge.",)


def _fail_sentences(audit: Audit) -> tuple[str, ...]:
    violated = worst_first(audit.findings.decided("violated"))
    sways = [f for f in violated if ranks_as_sway(f) and f.family != "stability"]
    blind = [f for f in violated if f.relation is Relation.MUST_DROP]
    if sways:
        claim = "This judge can be swayed" + (", and it overlooks damage." if blind else ".")
    elif blind and all(f.family == "setup" for f in blind):
        claim = "This judge does not go by its rubric or its reference."
    elif blind:
        claim = "This judge overlooks damage."
    elif violated:
        claim = "This judge is not stable."
    else:
        return "This judge does not tell good answers from bad well enough.", ""
    leading = _distinct(sways)[:2] or _distinct(blind)[:1] or _distinct(violated)[:1]
    rest = len(violated) - len(leading)
    number = (
        f"{capital(_number(rest))}{' more' if leading else ''} {'probe is' if rest == 1 else 'probes are'} violated."
    )
    return claim, _evidence(leading, unit_of(audit)), *((number,) if rest else ())


def _distinct(findings: list[Finding]) -> list[Finding]:
    """The first finding of each phrase, so that no thing is named twice."""
    seen: dict[str, Finding] = {}
    for finding in findings:
        if known(finding.effect):
            seen.setdefault(_phrase(finding).text, finding)
    return list(seen.values())


def _evidence(findings: list[Finding], unit: Unit) -> str:
    """One or two findings as one sentence; the unit is named once."""
    if not findings:
        return ""
    first = _clause(findings[0], unit)
    if len(findings) == 1:
        return f"{first}."
    second = findings[1]
    if not all(_is_gain(f) for f in findings):
        return f"{first}, and {_lower(_clause(second, unit, again=True))}."
    assert second.effect is not None
    whose = ["" if f.relation is Relation.EQUIVARIANT else unit.target(f) for f in findings]
    suffix = f" to {whose[1]}" if whose[1] and whose[1] != whose[0] else ""
    return f"{first}, and {_phrase(second).text} {unit.bare(second.effect)}{suffix}."


def _lower(text: str) -> str:
    """A sentence of ours as a clause; our sentences never start with a name."""
    return text[:1].lower() + text[1:]


def _counts_flips(finding: Finding) -> bool:
    """Is the effect a share of changed verdicts rather than a gain?"""
    return finding.relation in (Relation.AGREE, Relation.RETEST) or "flip" in (finding.estimand or "")


def _is_gain(finding: Finding) -> bool:
    if finding.relation is Relation.MUST_DROP or _counts_flips(finding) or not known(finding.effect):
        return False
    return finding.relation is Relation.EQUIVARIANT or finding.effect >= 0


def _clause(finding: Finding, unit: Unit, *, again: bool = False) -> str:
    """The effect as a clause without its full stop; `finding.effect` must be known; `again` leaves the unit out."""
    assert finding.effect is not None
    what = _phrase(finding)
    name = capital(what.text)
    size = unit.bare(finding.effect) if again else unit.points(finding.effect)
    if finding.relation is Relation.MUST_DROP:
        asked = f"it should cost {unit.bare(finding.min_drop or 0.0)} or more"
        if finding.effect > 0:
            return f"{name} even {what.verb('gains', 'gain')} the answer {size}; {asked}"
        return f"{name} {what.verb('costs', 'cost')} the answer only {size}; {asked}"
    if finding.relation is Relation.RETEST:
        return f"Asked the same again, the judge changes {percent(abs(finding.effect))} of its verdicts"
    if _counts_flips(finding):
        more = f"{plain(100 * abs(finding.effect), 0)} points more of the verdicts"
        return f"{name} {what.verb('changes', 'change')} {more} than asking again does"
    if finding.relation is Relation.EQUIVARIANT:
        return f"{name} is worth {size}"
    if finding.effect < 0:
        return f"{name} {what.verb('costs', 'cost')} {unit.target(finding)} {size}"
    # a lone answer needs no naming: "padding is worth 1.9 points on the 1 to 10 scale"
    gainer = "" if unit.task in ("score", "grade") else f" to {unit.target(finding)}"
    return f"{name} {what.verb('is', 'are')} worth {size}{gainer}"


def _number(value: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[value] if value < len(words) else f"{value:,}"


def _pass_sentences(audit: Audit) -> tuple[str, ...]:
    holding = len(audit.findings.decided("holds"))
    skipped = len(audit.findings.decided("not_applicable"))
    aside = f", {skipped} {'does' if skipped == 1 else 'do'} not apply" if skipped else ""
    probes = f"{holding} {'probe holds' if holding == 1 else 'probes hold'}"
    return f"Nothing that was tried moves this judge by more than its tolerance: {probes}{aside}.", ""


def _open_sentences(audit: Audit) -> tuple[str, ...]:
    undecided = audit.findings.decided("inconclusive")
    sways = [f for f in undecided if ranks_as_sway(f)]
    reach = [max(abs(x) for x in (f.low, f.high) if known(x)) for f in sways if known(f.low) or known(f.high)]
    first = "No effect is established, but nothing is ruled out either."
    if reach:
        cases = plural(audit.cases_n, "case")
        first = f"Nothing was found, but {cases} cannot rule out an effect of {share(max(reach))}."
    needs = [f.more_cases_needed for f in undecided if f.more_cases_needed is not None]
    if not undecided:
        return first, ""
    if not needs:
        number = f"{len(undecided)} {'probe is' if len(undecided) == 1 else 'probes are'} open"
        return first, "", f"{number}, and more cases alone may not decide {'it' if len(undecided) == 1 else 'them'}."
    which = "" if len(needs) == len(undecided) else f" decide {len(needs)} of the {len(undecided)} open probes"
    return first, "", f"About {plural(max(needs), 'more case')} would{which}."


#: measure of discrimination -> what its share counts
_RIGHT = {
    "concordance": "of pairs of cases in the right order",
    "pair agreement": "of pairs of answers in the right order",
    "balanced accuracy": "right, good and bad answers weighing the same",
}
#: a difference of accuracy below this is not worth a reader's time
WORTH_SAYING = 0.05


def discrimination_sentence(audit: Audit) -> str:
    """Does it tell good answers from bad? With the number, its interval, and the floor where it matters."""
    d = audit.discrimination
    if not known(d.accuracy) or d.decision == "not_applicable":
        orders = " in both orders" if audit.task == "pairwise" else ""
        return (
            f"Whether it tells good answers from bad was not measured: that takes labelled cases with verdicts{orders}."
        )
    what = _RIGHT.get(d.measure, "right")
    number = f"{percent(d.accuracy)} {what} {percent_interval(d.low, d.high)}"
    if known(d.swap_averaged) and abs(d.swap_averaged - d.accuracy) >= WORTH_SAYING:
        number += f", {percent(d.swap_averaged)} averaged over both orders"
    if d.decision == "holds":
        return f"It does tell good answers from bad: {number}."
    at_least = f"; the floor is {percent(d.floor)}" if known(d.floor) else ""
    if d.decision == "violated":
        return f"It does not tell good answers from bad: {number}{at_least}."
    return f"Whether it tells good answers from bad is open: {number}{at_least}."


def reach_sentence(audit: Audit) -> str:
    """What could have gone unseen: the largest of the smallest effects that the run would have found; may be empty."""
    quiet = [f for f in audit.findings.values() if f.decision in ("holds", "inconclusive") and ranks_as_sway(f)]
    sizes = [f.smallest_detectable for f in quiet if known(f.smallest_detectable)]
    if not sizes or audit.verdict == "fail":
        return ""
    least, most = share(min(sizes)), share(max(sizes))
    if max(sizes) >= 1:
        return "So few cases could have missed an effect of any size."
    span = most if least == most else f"{least} to {most}, by probe"
    return f"This run could not have seen an effect of less than {span}."


def noise_sentence(audit: Audit) -> str:
    """The judge's own noise, in the unit of its task."""
    noise = audit.noise
    if not known(noise.retest_flip_rate):
        return "Its own noise was not measured."
    if noise.deterministic:
        return "Repeated calls never differ: it is deterministic or cached."
    if audit.task == "score":
        return f"Its own noise: repeated calls differ by {unit_of(audit).points(noise.retest_flip_rate)}."
    rate = f"{percent(noise.retest_flip_rate)} of repeated calls differ {percent_interval(noise.low, noise.high)}"
    return f"Its own noise: {rate}."


# --------------------------------------------------------------------------------------------------------- findings


def finding_sentence(finding: Finding, audit: Audit | None = None) -> str:
    """One plain sentence on one finding.

    `audit` gives the task and scale, for the unit of the effect; without it the unit is the pairwise one.
    """
    unit = unit_of(audit) if audit else Unit()
    name = capital(_phrase(finding).text)
    why = reason_words(finding)
    if finding.decision == "not_applicable":
        return f"{name} could not be tried{': ' + why if why else ''}."
    if not known(finding.effect):
        return f"{name}: nothing could be measured{' (' + why + ')' if why else ''}."
    span = f"{effect(finding.effect)} {interval(finding.low, finding.high)}"
    if finding.decision == "inconclusive":
        more = (
            f"; about {plural(finding.more_cases_needed, 'more case')} would decide"
            if finding.more_cases_needed
            else ""
        )
        because = f": {why}" if why else ""
        return f"Open: {_open_clause(finding, unit)}, measured {span}{because}{more}.{_unseen(finding)}"
    if finding.decision == "holds":
        return f"{_holds_clause(finding, unit)}: {span}.{_unseen(finding)}"
    placebo = ""
    if known(finding.sham_effect):
        placebo = f" Neutral text of the same length moves it by {effect(finding.sham_effect)}."
    limit = f", tolerance {share(finding.tolerance)}" if known(finding.tolerance) and ranks_as_sway(finding) else ""
    return f"{_clause(finding, unit)}: {span}{limit}.{placebo}"


def _unseen(finding: Finding) -> str:
    """What this probe could have missed, as a further sentence."""
    least = finding.smallest_detectable
    if not known(least) or not ranks_as_sway(finding):
        return ""
    if least >= 1:
        return " So few cases could have missed an effect of any size."
    return f" This run could not have seen less than {share(least)}."


def _holds_clause(finding: Finding, unit: Unit) -> str:
    what, name = _phrase(finding), capital(_phrase(finding).text)
    tolerated = unit.points(finding.tolerance or 0.0)
    if finding.relation is Relation.MUST_DROP:
        assert finding.effect is not None
        return f"The judge notices {what.text}, which {what.verb('costs', 'cost')} {unit.points(finding.effect)}"
    if finding.relation is Relation.RETEST:
        return "Asked the same again, the judge gives nearly the same verdicts"
    if finding.relation is Relation.EQUIVARIANT:
        return f"No slot is worth more than {tolerated}"
    if finding.relation is Relation.NO_GAIN:
        return f"{name} {what.verb('does', 'do')} not help {unit.target(finding)} by more than {tolerated}"
    return f"{name} {what.verb('does', 'do')} not move the verdict by more than {tolerated}"


def _open_clause(finding: Finding, unit: Unit) -> str:
    what = _phrase(finding).text
    if finding.relation is Relation.MUST_DROP:
        return f"the judge may overlook {what}"
    if finding.relation is Relation.EQUIVARIANT:
        return "the judge may prefer a slot"
    if finding.relation is Relation.RETEST:
        return "the judge may not repeat itself"
    if finding.relation is Relation.NO_GAIN:
        return f"{what} may help {unit.target(finding)}"
    return f"{what} may move the verdict"
