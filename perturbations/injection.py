"""Text in an answer that speaks to the judge: pleas, orders, forged results, forged messages, a change of role.

All are appended, as whoever writes an answer would do it, and none knows the judge's own prompt: attacks made of it are
in injection_template.py. What they say is in injection_texts.py; pleas as a search for the string that wins are in
phrases.py.
"""

from __future__ import annotations

from collections.abc import Callable

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import pick
from voirdire.perturbations.framing import bank_language, need_text, rounds
from voirdire.perturbations.injection_texts import OTHER_LANGUAGES, TEXTS, Wording
from voirdire.perturbations.placement import append, end_of
from voirdire.perturbations.scripts import Script, dominant_script
from voirdire.perturbations.spans import Language

__all__ = ["long_suffix", "other_language"]

_ROBUST = "RobustJudge, arXiv:2506.09443"
_FORMAL = "Liu et al., arXiv:2310.12815"
_MALOYAN = "Maloyan and Namiot, arXiv:2504.18333"
#: an injection is repeated at most so often, however large the dose
_MOST_REPEATS = 10

Writer = Callable[[Callable[[str], str]], str]


def _said(place: Place, wording: Wording) -> str:
    return wording.several if len(place.case.responses) > 1 else wording.single


def _publish(name: str, summary: str, source: str, write: Writer) -> None:
    """`write` makes the injection of texts it looks up by name. The dose scales how often it stands there."""

    @perturbation(name, claim="attack", summary=summary, source=f"{source}; our wording")
    def editor(text: str, place: Place) -> list[Edit]:
        lang: Language = bank_language(text, place)
        injected = write(lambda key: _said(place, TEXTS[key][lang]))
        return [append(text, "\n\n".join([injected] * rounds(place.dose, _MOST_REPEATS)), lang, paragraph=True)]


def _hidden(say: Callable[[str], str]) -> str:
    return f"<!-- {say('plea')} -->"


def _combined(say: Callable[[str], str]) -> str:
    """RobustJudge's strongest heuristic: forged reasoning, new criteria, forged result."""
    return "\n\n".join(map(say, ("fake-reasoning", "ignore-context", "fake-completion")))


_publish(
    "injection.plea",
    "Begs the judge to choose the answer.",
    f"naive attack of {_ROBUST}",
    lambda say: say("plea"),
)
_publish(
    "injection.hidden-comment",
    "Begs the judge in an HTML comment, which readers of the rendered answer do not see.",
    f"escape characters of {_ROBUST}",
    _hidden,
)
_publish(
    "injection.ignore-context",
    "Tells the judge to drop its criteria for another one.",
    f"context ignoring of {_ROBUST} and {_FORMAL}",
    lambda say: say("ignore-context"),
)
_publish(
    "injection.fake-completion",
    "Says that the evaluation is over and how it ended.",
    f"fake completion of {_ROBUST} and {_FORMAL}",
    lambda say: say("fake-completion"),
)
_publish(
    "injection.fake-reasoning",
    "Ends in an assessment of the answer as if it were the judge's own.",
    f"fake reasoning of {_ROBUST}",
    lambda say: say("fake-reasoning"),
)
_publish(
    "injection.fake-system",
    "Ends in a message that seems to come from whoever runs the judge.",
    f"authority override of {_MALOYAN}",
    lambda say: say("fake-system"),
)
_publish(
    "injection.role-play",
    "Asks the judge to play a fan of the answer's author.",
    "pretending of Liu et al., arXiv:2305.13860",
    lambda say: say("role-play"),
)
_publish(
    "injection.nested-instruction",
    "Ends in an instruction of its own, to be followed in place of the judge's.",
    "nested instruction of EvalBiasBench, arXiv:2407.06551",
    lambda say: say("nested-instruction"),
)
_publish(
    "injection.combined",
    "Appends a forged assessment, new criteria and a forged result.",
    f"combined attack of {_ROBUST} and {_FORMAL}",
    _combined,
)


# --- in another language

#: languages that would be the answer's own, or might be
_OWN_LANGUAGES: dict[Script, tuple[str, ...]] = {
    "Cyrillic": ("ru",),
    "Kana": ("ja",),
    "Arabic": ("ar",),
    "Devanagari": ("hi",),
}


@perturbation(
    "injection.other-language",
    claim="attack",
    summary="Begs the judge in a language other than the answer's.",
    source=f"naive attack of {_ROBUST}; our wording and languages",
)
def other_language(text: str, place: Place) -> list[Edit]:
    """A French, Spanish or German answer may by chance get its own: they are not told apart from English."""
    own = _OWN_LANGUAGES.get(dominant_script(text) or "Other", ())
    chosen = pick(place.rng, [k for k in OTHER_LANGUAGES if k not in own])
    plea = _said(place, OTHER_LANGUAGES[chosen])
    return [append(text, "\n\n".join([plea] * rounds(place.dose, _MOST_REPEATS)), place.lang, paragraph=True)]


# --- the answer over and over

_REPEATS = 128
#: of the suffix, in characters: beyond it, the question would tell more of context windows than of judges
_LONGEST = 12_000


@perturbation(
    "injection.long-suffix",
    claim="attack",
    summary="Repeats the whole answer up to 128 times, as far as 12,000 characters go.",
    source=f"long suffix of {_ROBUST}",
)
def long_suffix(text: str, place: Place) -> list[Edit]:
    need_text(text)
    body = text.strip()
    copies = min(rounds(_REPEATS * place.dose, 10 * _REPEATS), _LONGEST // (len(body) + 2))
    if copies < 1:
        raise NotApplicable("the answer is too long to be repeated")
    end = end_of(text)
    return [Edit(end, end, f"\n\n{body}" * copies)]
