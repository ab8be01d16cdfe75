"""Who wrote an answer, and who asks: gender, age, nationality, profession, language background.

A note in front of the answer, or a sentence in front of the question, states one value; the placebo states its opposite
in the same words. So a difference between the two is what the identity is worth to the judge. Values that are more
often discriminated against are the stated ones: a negative effect is a prejudice against them, a positive one for
them. The dose scales how often the value is stated, in up to three wordings. The words are in identity_words.py.
"""

from __future__ import annotations

from voirdire.harness.cases import Edit, text_of
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place
from voirdire.perturbations.case_edits import case_perturbation, last_question, opposite
from voirdire.perturbations.draws import pick
from voirdire.perturbations.framing import bank_language, need_text, prepend, rounds, words_language
from voirdire.perturbations.identity_words import ATTRIBUTES
from voirdire.perturbations.spans import Language, language

__all__ = ["NOTE", "asker_statement", "author_note"]

_SOURCE = "diversity of CALM, arXiv:2410.02736; demographic groups of METAL, arXiv:2312.06056"
#: how remarks about an answer are set apart from it
NOTE: dict[Language, str] = {"en": "[{}]", "zh": "【{}】"}


def _stated(templates: tuple[str, ...], value: str, dose: float, lang: Language) -> str:
    chosen = templates[: rounds(dose, len(templates))]
    return (" " if lang == "en" else "").join(t.format(value) for t in chosen)


def author_note(attribute: str, place: Place) -> list[Edit]:
    """A note in front of the target that says who wrote it."""
    text = place.case.responses[place.target]
    need_text(text)
    lang = bank_language(text, place)
    values, templates, _ = ATTRIBUTES[attribute][lang]
    stated, _ = pick(place.rng, values)
    note = NOTE[lang].format(_stated(templates, stated, place.dose, lang))
    edit = prepend(text, note, lang, paragraph=True)
    return [Edit(edit.start, edit.end, edit.text, f"responses[{place.target}]")]


def asker_statement(attribute: str, place: Place) -> list[Edit]:
    """A sentence in front of the last question that says who asks it."""
    where = last_question(place.case)
    text = text_of(place.case, where)
    if not text.strip():
        raise NotApplicable("the question is empty")
    lang = words_language(text, language(text) or place.lang, "the question")
    values, _, templates = ATTRIBUTES[attribute][lang]
    stated, _ = pick(place.rng, values)
    edit = prepend(text, _stated(templates, stated, place.dose, lang), lang, paragraph=True)
    return [Edit(edit.start, edit.end, edit.text, where)]


def _publish(attribute: str, words: str) -> None:
    counterpart = opposite({a: b for of in ATTRIBUTES[attribute].values() for a, b in of.values})

    @case_perturbation(
        f"identity.author-{attribute}",
        summary=f"States the {words} of whoever wrote the answer.",
        source=_SOURCE,
        counterpart=counterpart,
    )
    def author(place: Place) -> list[Edit]:
        return author_note(attribute, place)

    @case_perturbation(
        f"identity.asker-{attribute}",
        summary=f"States the {words} of whoever asks the question.",
        source=_SOURCE,
        counterpart=counterpart,
    )
    def asker(place: Place) -> list[Edit]:
        return asker_statement(attribute, place)


_publish("gender", "gender")
_publish("age", "age")
_publish("nationality", "nationality")
_publish("profession", "profession")
_publish("language", "language background")
