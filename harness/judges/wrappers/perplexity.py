"""`perplexity_window(JUDGE; fpr=.05, clean=FILE)`: answers that hold a stretch no human would write lose.

Strings found by token-wise search (GCG and its kin) are hardly text at all, and a small local model sees that: it
finds them at once and knows nothing else. Pleas, commands and word lists in plain language are as fluent as any answer
and pass; `neutralise` and `detector` are for those.

The threshold is calibrated on clean answers so that at most a share `fpr` of them exceeds it: on the built-in English
cases by default, on your own through `clean=FILE`. Answers in another language, or full of code, need the latter, and
it holds for no other kind of text: docs/wrappers.md has figures.

Sources: Alon and Kamfonas 2023 (arXiv:2308.14132); Jain et al. 2023 (arXiv:2309.00614); RobustJudge
(arXiv:2506.09443). They take a language model's perplexity; this takes the n-gram model of ngrams.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from voirdire.harness.casefiles import read_cases
from voirdire.harness.cases import Case, content_hash
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.base import WrappedJudge
from voirdire.harness.judges.wrappers.calls import Session
from voirdire.harness.judges.wrappers.detector import Then, flagging
from voirdire.harness.judges.wrappers.ngrams import Characters, calibrate, counted, shipped

__all__ = ["perplexity_window"]


def perplexity_window(
    judge: Judge,
    *,
    fpr: float = 0.05,
    bits: float | None = None,
    then: Then = "lose",
    clean: Sequence[Case] | str | None = None,
) -> WrappedJudge:
    """`judge`, with answers below the rest whose most surprising 48 characters need more than a threshold of bits each.

    `fpr`: the share of clean answers that may exceed the threshold; of the built-in ones .01, .02, .05 or .1. `bits`
    sets the threshold instead. `clean`: 20 clean cases or more, or a file of them, to learn from and calibrate on.
    Raises UsageError.
    """
    cases = read_cases(_file(clean)) if isinstance(clean, str) else clean
    model, threshold, version = _learnt(cases, fpr) if cases is not None else _built_in(fpr)
    if bits is not None:
        if not 0.0 < bits < 64.0:
            raise UsageError(f"perplexity_window: bits={bits:g} must lie between 0 and 64")
        threshold = bits

    async def find(case: Case, _sample: int, _session: Session) -> list[bool]:
        return [model.score(text) > threshold for text in case.responses]

    params: dict[str, object] = {"fpr": fpr} if bits is None else {"bits": bits}
    if isinstance(clean, str):
        params["clean"] = clean
    return flagging("perplexity_window", judge, find, then=then, params=params, identity=[version, threshold])


def _file(name: str) -> str:
    if name == "-":
        raise UsageError("perplexity_window: clean=- would take the cases from standard input", hint="Name a file.")
    return name


def _built_in(fpr: float) -> tuple[Characters, float, str]:
    known = shipped()
    if fpr not in known.thresholds:
        shares = ", ".join(f"{share:g}" for share in sorted(known.thresholds))
        raise UsageError(
            f"perplexity_window: fpr={fpr:g} is none of {shares}", hint="Set bits=... for any other threshold."
        )
    return known.model, known.thresholds[fpr], known.version


def _learnt(clean: Sequence[Case], fpr: float) -> tuple[Characters, float, str]:
    if not 0.0 < fpr < 1.0:
        raise UsageError(f"perplexity_window: fpr={fpr:g} must lie between 0 and 1")
    counts = counted(text for case in clean for text in case.responses)
    return Characters(counts), calibrate(clean, fpr), content_hash(sorted(counts.items()))
