"""What recorded verdicts show, in sentences: each says what was seen, what holds quality fixed and what does not.

Used by the terminal, Markdown and one-line forms. Not here: layout (observed_text.py, observed_markdown.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from voirdire.harness.cases import Task
from voirdire.harness.observations import (
    Agreement,
    Between,
    JudgeObservations,
    Observations,
    Position,
    Preference,
    Stability,
)
from voirdire.reports.formatting import effect, interval, known, percent, percent_interval, plural, share
from voirdire.reports.phrases import capital

__all__ = [
    "CAUTION",
    "HELD_FIXED",
    "MARKS",
    "agreement_words",
    "between_words",
    "headline",
    "nulls_words",
    "position_words",
    "sentences",
    "stability_words",
    "thing",
]

#: from this share on nulls are worth a warning
MANY_NULLS = 0.05

MARKS = {"preference": "✗", "association": "~", "none": "✓", "open": "?", "not_measured": "-"}
HELD_FIXED = {"paired": "both orders", "labels": "labels", "raw": "nothing"}

CAUTION = (
    "No judge was called. This is observational: nobody changed an answer to see what happens. A judge that goes for "
    "longer answers may go for better ones. Labels hold quality fixed as far as they are right and the pairs equally "
    "hard; both orders of the same pair hold everything fixed; for the rest an answer has to be changed and judged "
    "again (`voirdire audit`)."
)

_THINGS = {
    "first slot": "the first slot",
    "longer": "longer answers",
    "list": "answers with a list",
    "formatting": "answers with bold words, headings, code or tables",
}


def thing(name: str) -> str:
    """What a preference is for."""
    if name.startswith("model "):
        return f"answers of {name.removeprefix('model ')}"
    if name.startswith("own family"):
        return f"answers of its own maker's models {name.removeprefix('own family ')}"
    return _THINGS.get(name, name)


def headline(judge: JudgeObservations) -> str:
    """One line: what stands, what is there but may be quality."""
    stands = [p for p in judge.preferences if p.decision == "preference"]
    there = [p for p in judge.preferences if p.decision == "association"]
    if judge.verdicts == sum(judge.nulls.values()):
        return "It never gave a verdict."
    parts = []
    if stands:
        parts.append("Goes " + ", ".join(_towards(p) for p in stands) + ".")
    if there:
        more = "Also seen" if stands else "Seen"
        parts.append(f"{more}, but perhaps quality: {', '.join(_towards(p) for p in there)}.")
    if not parts:
        looked = any(p.decision in ("none", "open") for p in judge.preferences)
        return "No preference stands out." if looked else "No preference could be measured."
    return " ".join(parts)


def _towards(p: Preference) -> str:
    return f"{'for' if (p.effect or 0) > 0 else 'against'} {thing(p.name)} ({effect(p.effect)})"


def sentences(judge: JudgeObservations) -> Iterable[str]:
    """A sentence or two on every preference that stands or may stand."""
    for p in judge.preferences:
        if p.decision == "preference":
            yield _called(p, judge.task)
        elif p.decision == "association":
            yield _associated(p, judge.task == "pairwise")


def _called(p: Preference, task: Task) -> str:
    seen = f"{effect(p.effect)} {interval(p.low, p.high)}"
    for_it = (p.effect or 0) > 0
    if p.basis == "paired":
        return (
            f"The first slot {'gains' if for_it else 'loses'}: {seen} in utility, the same answers in both "
            "orders. Nothing else can explain it."
        )
    if task != "pairwise":
        step = f" {p.step}" if p.step else ""
        against = ", and as utility less label too" if task == "score" else "; wrong labels could do that"
        return (
            f"{capital(thing(p.name))} {'gain' if for_it else 'lose'} {seen} in utility{step}, label and other "
            f"features being equal{against}."
        )
    side = "towards" if for_it else "against"
    text = (
        f"It errs {side} {thing(p.name)} more than the other way: {seen}, slot, label and other features being equal."
    )
    if p.odds is not None:
        text += f" {capital(p.odds.unit)}: odds of winning times {_ratio(p)}."
    if p.name == "first slot":
        return text
    if p.label_errors is None:
        return text + " Labels wrong at random cannot explain it; harder pairs where these are the worse answers could."
    return (
        f"{text} Labels wrong at random would explain it from {percent(p.label_errors)} of them on; so could harder "
        "pairs where these are the worse answers."
    )


def _associated(p: Preference, pairs: bool) -> str:
    if not pairs:
        step = f" {p.step}" if p.step else ""
        return (
            f"{capital(thing(p.name))} get {effect(p.effect)} {interval(p.low, p.high)} in utility{step}, other "
            "features being equal. That may be quality: no label holds it fixed."
        )
    wins = "wins" if p.name == "first slot" else "win"
    text = f"{capital(thing(p.name))} {wins} {percent(p.share)} {percent_interval(p.share_low, p.share_high)}."
    if p.odds is not None:
        text += f" {capital(p.odds.unit)}: odds times {_ratio(p)}, slot and other features being equal."
    if p.name == "first slot":
        return text + " Each pair was judged in one order: if it was not drawn at random, this may be quality."
    return text + " That may be quality: no label holds it fixed."


def _ratio(p: Preference) -> str:
    assert p.odds is not None
    return f"{p.odds.ratio:.3g} [{p.odds.low:.3g}, {p.odds.high:.3g}]"


# ---------------------------------------------------------------------------------------------------- the other figures


def nulls_words(judge: JudgeObservations) -> str:
    """How many verdicts are none, by reason; empty if all are verdicts."""
    if not judge.nulls:
        return ""
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(judge.nulls.items()))
    total = sum(judge.nulls.values())
    # a judge that gives up on some kind of answer leaves a selection of them
    left = "; what is left may be a selection" if total >= MANY_NULLS * judge.verdicts else ""
    return f"{plural(total, 'null')} ({reasons}), in no figure below{left}"


def agreement_words(a: Agreement, task: str) -> str:
    apart = f"; {plural(a.nulls, 'null')} apart" if a.nulls else ""
    if not a.n:
        return f"no verdict on a labelled case{apart}"
    if task == "score":
        parts = [f"Pearson {_value(a.pearson)}", f"Spearman {_value(a.spearman)}"]
        parts += [f"weighted kappa {_value(a.kappa)}"] if known(a.kappa) else []
        parts.append(f"mean above label {effect(a.bias)} {interval(a.bias_low, a.bias_high)} of the scale")
        return ", ".join(parts) + f" ({plural(a.n, 'score')}{apart})"
    kappa = f", kappa {_value(a.kappa)}" if task != "ranking" else ""
    what = "best answer right in" if task == "ranking" else "right in"
    return f"{what} {percent(a.accuracy)} {percent_interval(a.low, a.high)}{kappa} ({plural(a.n, 'verdict')}{apart})"


def _value(value: float | None) -> str:
    """A coefficient; it may be negative."""
    return share(value) if value is None or value >= 0 else f"-{share(-value)}"


def position_words(p: Position) -> str:
    return (
        f"{percent(p.consistency)} of {plural(p.n, 'pair')} keep their winner when turned round (a coin: "
        f"{percent(p.chance)}); {percent(p.first_both)} first twice, {percent(p.second_both)} second twice"
    )


def stability_words(s: Stability, task: str) -> str:
    text = (
        f"{percent(s.flip_rate)} {percent_interval(s.low, s.high)} of pairs of repeats differ; "
        f"{percent(s.all_equal)} of questions get one answer throughout; stability {percent(s.modal_share)}, alpha "
        f"{_value(s.alpha)}"
    )
    if task == "score":
        text += f"; {share(s.distance)} of the scale apart"
    text += f" ({plural(s.n, 'question')}, up to {s.repeats} times each)"
    if s.flip_rate == 0:
        text += ": deterministic or cached"
    return text


def between_words(b: Between) -> str:
    """Agreement between judges of one task."""
    text = f"{len(b.judges)} judges on {plural(b.n, 'common question')}: Krippendorff's alpha {_value(b.alpha)}"
    ranked = sorted((p for p in b.pairs if p.kappa is not None), key=lambda p: p.kappa or 0.0)
    if ranked:
        least, most = ranked[0], ranked[-1]
        text += f"; kappa {_value(least.kappa)} ({least.first}, {least.second})"
        if most is not least:
            text += f" to {_value(most.kappa)} ({most.first}, {most.second})"
    if b.effective is not None:
        text += f"; by the errors they share worth {b.effective:.1f} independent judges"
    return text + "."


def summary(found: Observations) -> str:
    """What was read, in one line."""
    verdicts = sum(j.verdicts for j in found.judges)
    return (
        f"{plural(verdicts, 'recorded verdict')} of {plural(len(found.judges), 'judge')} · "
        f"{plural(found.cases, 'case')}, {found.labelled:,} labelled"
    )
