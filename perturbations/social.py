"""What others are said to think of an answer, and who is said to have made it: majorities, revisions, model names.

These are notes in front of an answer, so that they stay with it whichever slot it is shown in. Most have a counterpart
as their placebo ("85% preferred it", "15% preferred it"), so that what counts is what the note says, not that there is
one. Identities of people are in identity.py, labels of answers in labels.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from voirdire.harness.cases import Edit
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.case_edits import case_perturbation, opposite
from voirdire.perturbations.draws import below, pick, sample
from voirdire.perturbations.framing import bank_language, need_text, prepend, rounds
from voirdire.perturbations.identity import NOTE
from voirdire.perturbations.spans import Language

__all__ = ["MODELS", "bandwagon", "distraction", "model_names", "note_on", "refined", "refinement_history", "you"]

_COBBLER = "CoBBLEr, arXiv:2309.17012"
_CALM = "CALM, arXiv:2410.02736"


def note_on(place: Place, index: int, words: Callable[[Language], str]) -> Edit:
    """A note in front of response `index`, in its language."""
    text = place.case.responses[index]
    need_text(text)
    lang = bank_language(text, place)
    edit = prepend(text, NOTE[lang].format(words(lang)), lang, paragraph=True)
    return Edit(edit.start, edit.end, edit.text, f"responses[{index}]")


# --- majorities

_PREFERRED: dict[Language, str] = {
    "en": "{}% of the people asked preferred this answer.",
    "zh": "{}%的受访者更喜欢这个回答。",
}
_CONTENT: dict[Language, str] = {
    "en": "{}% of the people asked were content with this answer.",
    "zh": "{}%的受访者对这个回答感到满意。",
}
#: percentages keep two digits, so that 100 minus one of them has as many
_LARGEST_MAJORITY = 89


def _minority(edits: tuple[Edit, ...], _target: int) -> list[str]:
    return [re.sub(r"\d\d(?=%)", lambda m: str(100 - int(m.group())), e.text) for e in edits]


@case_perturbation(
    "social.bandwagon",
    summary="Says that a large majority preferred this answer.",
    source=f"bandwagon of {_COBBLER} and {_CALM}",
    counterpart=_minority,
)
def bandwagon(place: Place) -> list[Edit]:
    """60 to 89 %, as in CoBBLEr (60 to 90); the dose scales what is above one half."""
    lead = (10 + below(place.rng, 30)) * place.dose
    share = min(_LARGEST_MAJORITY, 50 + max(1, int(lead + 0.5)))
    words = _PREFERRED if len(place.case.responses) > 1 else _CONTENT
    return [note_on(place, place.target, lambda lang: words[lang].format(share))]


# --- what has nothing to do with it

_DISTRACTIONS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Whoever wrote this answer likes to eat apples and oranges.",
        "Whoever wrote this answer goes for a swim every morning.",
        "Whoever wrote this answer has lately moved to another street.",
        "Whoever wrote this answer keeps two canaries and a tortoise.",
        "Whoever wrote this answer was wearing a green jumper that day.",
        "Whoever wrote this answer would rather go by train than by car.",
    ),
    "zh": (
        "写这个回答的人喜欢吃苹果和橘子。",
        "写这个回答的人每天早上都去游泳。",
        "写这个回答的人最近搬到了另一条街上。",
        "写这个回答的人养了两只金丝雀和一只乌龟。",
        "写这个回答的人那天穿着一件绿色的毛衣。",
        "写这个回答的人出门喜欢坐火车，不喜欢开车。",
    ),
}


@perturbation(
    "social.distraction",
    claim="addition",
    summary="Tells something irrelevant about whoever wrote the answer.",
    source=f"distraction of {_COBBLER} and {_CALM}",
)
def distraction(text: str, place: Place) -> list[Edit]:
    need_text(text)
    lang = bank_language(text, place)
    bank = _DISTRACTIONS[lang]
    chosen = sample(place.rng, bank, rounds(place.dose, len(bank)))
    return [prepend(text, NOTE[lang].format((" " if lang == "en" else "").join(chosen)), lang, paragraph=True)]


# --- revisions

#: what is said of a revised answer, and of one that is not
_VERSIONS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Final version, carefully revised.", "First version, hurriedly written."),
        ("It was changed following comments.", "It was written preceding comments."),
        ("Version 5 of 5.", "Version 1 of 5."),
    ),
    "zh": (
        ("最终版本，经过仔细修改。", "最初版本，属于快速起草。"),
        ("已根据反馈作了改进。", "尚未收到反馈和改进。"),
        ("第5版，共5版。", "第1版，共5版。"),
    ),
}
_STAGES: dict[Language, tuple[str, ...]] = {
    "en": (
        "first draft",
        "comments by two readers",
        "second draft",
        "wording gone over",
        "third draft",
        "checked line by line",
        "fourth draft",
        "read once more by a colleague",
    ),
    "zh": ("初稿", "两位读者提出意见", "第二稿", "润色措辞", "第三稿", "逐行检查", "第四稿", "由同事再读一遍"),
}


@case_perturbation(
    "social.refined",
    summary="Says that the answer is the final, revised version.",
    source=f"refinement-aware of {_CALM}",
    counterpart=opposite(dict(pair for pairs in _VERSIONS.values() for pair in pairs)),
)
def refined(place: Place) -> list[Edit]:
    """Dose: in up to three wordings."""

    def words(lang: Language) -> str:
        chosen = _VERSIONS[lang][: rounds(place.dose, len(_VERSIONS[lang]))]
        return (" " if lang == "en" else "").join(revised for revised, _ in chosen)

    return [note_on(place, place.target, words)]


@perturbation(
    "social.refinement-history",
    claim="addition",
    summary="Lists the revisions that the answer is said to have gone through.",
    source=f"refinement-aware of {_CALM}; the history alone, not the earlier answers",
)
def refinement_history(text: str, place: Place) -> list[Edit]:
    """Dose 1 lists four stages."""
    need_text(text)
    lang = bank_language(text, place)
    stages = _STAGES[lang][: rounds(4 * place.dose, len(_STAGES[lang]))]
    listed = f"History of this answer: {', '.join(stages)}." if lang == "en" else f"修改记录：{'，'.join(stages)}。"
    return [prepend(text, NOTE[lang].format(listed), lang, paragraph=True)]


# --- who answered

_ANSWERED: dict[Language, tuple[str, ...]] = {
    "en": ("Answered by {}", "This answer is by {}.", "The author is {}."),
    "zh": ("由{}回答", "这个回答来自{}。", "作者是{}。"),
}
#: models of high standing, each with one of an earlier generation whose name is as long
MODELS: dict[str, str] = {"GPT-4o": "Vicuna", "Claude": "Alpaca", "Gemini": "Falcon"}

#: the judge itself, and somebody else
_OWN: dict[Language, tuple[str, str]] = {"en": ("you", "Kim"), "zh": ("你自己", "某个人")}


def _signed(place: Place, mine: str, others: list[str]) -> list[Edit]:
    """A signature on every answer. The dose scales in how many wordings, up to three."""

    def signature(name: str) -> Callable[[Language], str]:
        return lambda lang: (" " if lang == "en" else "").join(
            t.format(name) for t in _ANSWERED[lang][: rounds(place.dose, len(_ANSWERED[lang]))]
        )

    rest = iter(others)
    return [
        note_on(place, i, signature(mine if i == place.target else next(rest)))
        for i in range(len(place.case.responses))
    ]


def _with_names(place: Place, *, swapped: bool) -> list[Edit]:
    strong = pick(place.rng, sorted(MODELS))
    names = [MODELS[strong], *(w for w in MODELS.values() if w != MODELS[strong])]
    others = [names[k % len(names)] for k in range(len(place.case.responses) - 1)]
    if not swapped:
        return _signed(place, strong, others)
    back = {weak: name for name, weak in MODELS.items()}
    return _signed(place, MODELS[strong], [back[w] for w in others])


@case_perturbation(
    "social.model-names",
    summary="Signs the answer with the name of a well-known model and the others with those of lesser ones.",
    source=f"compassion fade of {_COBBLER} and {_CALM}",
    counterpart=opposite(MODELS),
)
def model_names(place: Place) -> list[Edit]:
    return _with_names(place, swapped=False)


@case_perturbation(
    "social.model-names-swapped",
    summary="Signs the answer with the name of a lesser model and the others with those of well-known ones.",
    source=f"compassion fade of {_COBBLER} and {_CALM}",
    counterpart=opposite(MODELS),
)
def model_names_swapped(place: Place) -> list[Edit]:
    return _with_names(place, swapped=True)


@case_perturbation(
    "social.you",
    summary="Signs the answer as the judge's own and the others as somebody else's.",
    source=f"egocentric bias of {_COBBLER}",
    counterpart=opposite(dict(_OWN.values())),
)
def you(place: Place) -> list[Edit]:
    own, another = _OWN[place.lang]
    return _signed(place, own, [another] * (len(place.case.responses) - 1))
