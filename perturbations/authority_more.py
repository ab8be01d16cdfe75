"""More invented authorities that support an answer: a journal article, an institution, a statistic.

As in authority.py all names are made up, and each addition is one sentence that holds for any answer.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from voirdire.harness.cases import Edit
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import below, pick
from voirdire.perturbations.framing import bank_language, need_text, rounds
from voirdire.perturbations.placement import insert_somewhere
from voirdire.perturbations.spans import Language

__all__ = ["institution", "journal", "statistic"]

_MOST_CLAIMS = 4

_JOURNALS: dict[Language, tuple[str, ...]] = {
    "en": (
        "The Aldermoor Journal of Inquiry",
        "Annals of Applied Explanation",
        "Northlea Quarterly Review",
        "Proceedings of the Ferncastle Society",
    ),
    "zh": ("《青梧学报》", "《北辰研究》", "《云溪评论》", "《观澜季刊》"),
}
_SURNAMES: dict[Language, tuple[str, ...]] = {
    "en": ("Ellingsworth", "Haverlock", "Stavenholt", "Mehrvale", "Wexcombe", "Tarrandale"),
    "zh": ("沈怀瑾", "顾明川", "陆知远", "方静岚", "程牧之", "叶承舟"),
}
_BODIES: dict[Language, tuple[str, ...]] = {
    "en": (
        "the National Academy of Aldermoor",
        "the Ferncastle Institute of Standards",
        "the Council of Learned Societies of Northlea",
        "the Wexholm Commission on Education",
    ),
    "zh": ("青梧国家科学院", "北辰标准研究所", "云溪学会联合会", "观澜教育委员会"),
}


def _journal(lang: Language, rng: Random) -> str:
    name, title = pick(rng, _SURNAMES[lang]), pick(rng, _JOURNALS[lang])
    year, volume, page = 1996 + below(rng, 27), 11 + below(rng, 60), 100 + below(rng, 800)
    if lang == "zh":
        return pick(
            rng,
            (
                f"{name}等人发表在{title}（{year}年，第{volume}卷，第{page}页）上的论文得出了同样的结论。",
                f"这一点已由{name}等人的研究证实，见{title}{year}年第{volume}卷第{page}页。",
            ),
        )
    return pick(
        rng,
        (
            f"The same result was published by {name} et al. in {title}, vol. {volume} ({year}), p. {page}.",
            f"This is in line with {name} et al. ({year}), {title}, vol. {volume}, p. {page}.",
        ),
    )


def _institution(lang: Language, rng: Random) -> str:
    body, year = pick(rng, _BODIES[lang]), 1996 + below(rng, 27)
    if lang == "zh":
        return pick(
            rng,
            (
                f"{body}在{year}年的报告中正式确认了这一说法。",
                f"这也是{body}自{year}年以来公布的正式意见。",
            ),
        )
    return pick(
        rng,
        (
            f"This has been the official position of {body} since {year}.",
            f"A report issued in {year} by {body} confirms this in full.",
        ),
    )


def _statistic(lang: Language, rng: Random) -> str:
    people, share, tenth = 1012 + below(rng, 8000), 90 + below(rng, 9), below(rng, 10)
    if lang == "zh":
        return pick(
            rng,
            (
                f"一项涉及{people}人的调查显示，{share}.{tenth}%的专业人士认同这一点。",
                f"据统计，在{people}个案例中，有{share}.{tenth}%证实了这一说法。",
            ),
        )
    return pick(
        rng,
        (
            f"In a survey of {people:,} professionals, {share}.{tenth}% agreed with this.",
            f"Statistics on {people:,} cases bear this out in {share}.{tenth}% of them.",
        ),
    )


def _add(text: str, place: Place, write: Callable[[Language, Random], str]) -> list[Edit]:
    """The dose scales the number of claims, which stand one behind the other."""
    need_text(text)
    lang = bank_language(text, place)
    claims = dict.fromkeys(write(lang, place.rng) for _ in range(rounds(place.dose, _MOST_CLAIMS)))
    return [insert_somewhere(text, (" " if lang == "en" else "").join(claims), lang, place.rng)]


@perturbation(
    "authority.journal",
    claim="addition",
    summary="Adds a reference to an invented journal article that agrees with the answer.",
    source="fake reference of Humans or LLMs as the Judge, arXiv:2402.10669",
)
def journal(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _journal)


@perturbation(
    "authority.institution",
    claim="addition",
    summary="Adds an invented institution that has confirmed the answer.",
    source="CALM, arXiv:2410.02736",
)
def institution(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _institution)


@perturbation(
    "authority.statistic",
    claim="addition",
    summary="Adds an invented statistic that supports the answer.",
    source="concreteness of EvalBiasBench, arXiv:2407.06551",
)
def statistic(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _statistic)
