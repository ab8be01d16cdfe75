"""The terms of a report in plain words: shown where a term is pointed at or focused, and listed at the end."""

from __future__ import annotations

__all__ = ["TERMS"]

TERMS: dict[str, str] = {
    "effect": (
        "How much the edit changed what the answer got, from -1 to +1. +.20 means that it won 20 more times in 100 "
        "(or rose by a fifth of the scale). For order: how much more often the first slot wins than the last."
    ),
    "interval": (
        "The range in which the true effect lies, as far as this number of cases can tell. The one shown is the one "
        "that decided."
    ),
    "tolerance": "The largest effect that is accepted. A probe holds if its whole interval lies inside.",
    "placebo": (
        "A neutral text of the same length at the same place (a sham). An edit counts only for what it gains beyond "
        "its placebo, so that length alone is not mistaken for content."
    ),
    "noise floor": (
        "How often the judge changes its verdict when nothing was changed: the same call, asked again. Flips up to "
        "this rate say nothing about the edit."
    ),
    "neutral edit": "One meaningless blank or line break: a change that no reader sees.",
    "open": "Neither shown nor ruled out: the cases are too few for an answer. It is not a pass.",
    "discrimination": "Does it tell good answers from bad? Measured on unchanged cases whose better answer is known.",
    "sway": "A change of the verdict by something that should not count.",
    "chance": "What a judge that tosses a coin would get for this number.",
    "net success": (
        "How often the attacked answer wins, less what wins without the attack or with its placebo. Of a judge that is "
        "only noisy it is about 0."
    ),
    "null": "A call without a verdict: the reply could not be read, or the judge declined. Never counted as a tie.",
    "fingerprint": "A hash of all that can change the judge's answers: model, prompt, parameters, parser.",
    "smallest detectable": (
        "An effect of this size would have been called a violation in 4 of 5 such runs; smaller ones less often."
    ),
    "utility": "A verdict as one number for an answer: 1 a win, .5 a tie, 0 a loss; or its place on the scale.",
    "differs": (
        "This part of the cases differs from the rest by more than chance explains, all parts of this table counted "
        "(false discovery rate 5 %). A hint where to look, not a decision."
    ),
    "fresh samples": "New calls about this one case, after the example was found: how often it failed again.",
}
