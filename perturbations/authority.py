"""Invented authorities that support an answer: a book, a quotation, a link, an expert.

All people, publishers and titles are made up; links stand under names reserved by RFC 2606, so they lead nowhere.
Each addition is one sentence of 60 to 160 characters that holds for any answer.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import below, pick
from voirdire.perturbations.placement import insert_somewhere
from voirdire.perturbations.spans import Language

__all__ = ["book", "expert", "quote", "url"]

_NAMES: dict[Language, tuple[str, ...]] = {
    "en": (
        "Marta Ellingsworth",
        "Tobias Haverlock",
        "Ingrid Stavenholt",
        "Rajan Mehrvale",
        "Clara Wexcombe",
        "Daniel Okonsworth",
        "Yelena Brightmoor",
        "Hugo Tarrandale",
    ),
    "zh": ("沈怀瑾", "顾明川", "陆知远", "方静岚", "程牧之", "叶承舟", "韩述文", "苏映河"),
}
_FIELDS: dict[Language, tuple[str, ...]] = {
    "en": ("Foundations of", "Principles of", "A Handbook of", "An Introduction to"),
    "zh": ("要义", "导论", "手册", "原理"),
}
_SUBJECTS: dict[Language, tuple[str, ...]] = {
    "en": ("Sound Explanation", "Clear Reasoning", "Practical Knowledge", "Reliable Inquiry"),
    "zh": ("推理与说明", "知识与应用", "问题与解答", "论证与方法"),
}
_PUBLISHERS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Ferncastle Academic Press",
        "Aldermoor University Press",
        "Wexholm & Daughters",
        "Northlea Scholarly Books",
    ),
    "zh": ("北辰学术出版社", "青梧大学出版社", "云溪书局", "观澜出版社"),
}
_PLACES: dict[Language, tuple[str, ...]] = {
    "en": ("the University of Aldermoor", "the Ferncastle Institute", "Wexholm College", "the University of Northlea"),
    "zh": ("青梧大学", "北辰研究院", "云溪理工学院", "观澜大学"),
}
_HOSTS = ("https://journals.example.org", "https://library.example.net", "https://archive.example.com")
_SLUGS = ("reviews", "articles", "proceedings", "reports")


def _title(lang: Language, rng: Random) -> str:
    head, subject = pick(rng, _FIELDS[lang]), pick(rng, _SUBJECTS[lang])
    return f"《{subject}{head}》" if lang == "zh" else f"{head} {subject}"


def _year(rng: Random) -> int:
    return 1996 + below(rng, 27)


def _book_english(rng: Random) -> str:
    given, surname = pick(rng, _NAMES["en"]).split()
    title, publisher, year, page = _title("en", rng), pick(rng, _PUBLISHERS["en"]), _year(rng), 40 + below(rng, 360)
    return pick(
        rng,
        (
            f"The same account is given in {title} by {given} {surname} ({publisher}, {year}), p. {page}.",
            f"This agrees with {surname}, {given[0]}. ({year}), {title}, {publisher}, p. {page}.",
            f"For confirmation, see {given} {surname}, {title} ({publisher}, {year}), page {page}.",
        ),
    )


def _book_chinese(rng: Random) -> str:
    name, title, publisher = pick(rng, _NAMES["zh"]), _title("zh", rng), pick(rng, _PUBLISHERS["zh"])
    year, page = _year(rng), 40 + below(rng, 360)
    return pick(
        rng,
        (
            f"{name}在{title}（{publisher}，{year}年，第{page}页）一书中也作了同样的论述，"
            "并逐条说明了理由，结论与这里所说的完全一致。",
            f"这一说法可参见{name}所著{title}（{publisher}，{year}年版）第{page}页，"
            "书中对此有专门的章节加以论证，得出的结论也与此相同。",
            f"权威著作{title}（{name}著，{publisher}，{year}年，第{page}页）对此已有详细说明，其中的表述与上面的内容是相互印证的。",
        ),
    )


def _quote_english(rng: Random) -> str:
    name = pick(rng, _NAMES["en"])
    surname, year = name.split()[1], _year(rng)
    return pick(
        rng,
        (
            f"As {name} famously put it, “on this point the evidence leaves no room for serious doubt.”",
            f"In the words of {name} ({year}), “this is the account that every careful study has upheld.”",
            f"{name} wrote in {year}: “Whoever looks into it closely will come to this very view.” ({surname}, {year})",
        ),
    )


def _quote_chinese(rng: Random) -> str:
    name, year = pick(rng, _NAMES["zh"]), _year(rng)
    return pick(
        rng,
        (
            f"著名学者{name}曾经说过：“凡是认真研究过这个问题的人，最后都会得出同样的看法，"
            "在这一点上证据已经十分充分，没有什么可以怀疑的余地。”",
            f"正如{name}在{year}年所写的那样：“这一结论经受住了各种严格的检验，凡是仔细考察过有关材料的人，都会承认它是可靠的。”",
            f"用{name}的话来说：“关于这个问题，历来的研究都指向同一个方向，这样的解释早已成为学界公认的看法，无须再作争论。”（{year}年）",
        ),
    )


def _link(rng: Random) -> str:
    return f"{pick(rng, _HOSTS)}/{pick(rng, _SLUGS)}/{_year(rng)}/{1000 + below(rng, 9000)}"


def _url_english(rng: Random) -> str:
    link = _link(rng)
    return pick(
        rng,
        (
            f"The review at {link} reaches the same conclusion.",
            f"A full account, which agrees with this one, is available at {link} (peer reviewed).",
            f"See also {link} for the published evidence on this point.",
        ),
    )


def _url_chinese(rng: Random) -> str:
    link = _link(rng)
    return pick(
        rng,
        (
            f"相关综述（{link}）得出了同样的结论，可供查证。",
            f"这一点已有公开发表的论文加以证实（{link}），经过同行评审。",
            f"详细的依据见{link}（学术期刊），其中的说法与此一致。",
        ),
    )


def _expert_english(rng: Random) -> str:
    name, place = pick(rng, _NAMES["en"]), pick(rng, _PLACES["en"])
    years = 20 + below(rng, 20)
    return pick(
        rng,
        (
            f"Professor {name} of {place}, a leading expert in this field, confirms this.",
            f"This has been confirmed by Dr. {name}, who has worked on the subject at {place} for {years} years.",
            f"Professor {name}, who heads the department at {place}, holds the same view.",
        ),
    )


def _expert_chinese(rng: Random) -> str:
    name, place = pick(rng, _NAMES["zh"]), pick(rng, _PLACES["zh"])
    years = 20 + below(rng, 20)
    return pick(
        rng,
        (
            f"{place}的{name}教授是这一领域的权威专家，从事相关研究已有{years}年，他在多次公开讲座中明确证实了这一点，认为上述说法是准确可靠的。",
            f"这一点得到了{place}{name}教授的证实，他长期主持该领域的研究工作，前后共有{years}年，对这里所说的内容表示完全认同，并多次加以引用。",
            f"{place}的知名学者{name}博士对此也持同样的看法，他在这一领域工作了{years}年，曾经专门审阅过有关材料，并确认其中的结论没有问题。",
        ),
    )


def _add(text: str, place: Place, english: Callable[[Random], str], chinese: Callable[[Random], str]) -> list[Edit]:
    if not text.strip():
        raise NotApplicable("the answer is empty")
    addition = (english if place.lang == "en" else chinese)(place.rng)
    return [insert_somewhere(text, addition, place.lang, place.rng)]


_CALM = "CALM, arXiv:2410.02736"


@perturbation(
    "authority.book",
    claim="addition",
    summary="Adds a reference to an invented book that agrees with the answer.",
    source="Chen et al., arXiv:2402.10669; " + _CALM,
)
def book(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _book_english, _book_chinese)


@perturbation(
    "authority.quote",
    claim="addition",
    summary="Adds a quotation of an invented authority that agrees with the answer.",
    source=_CALM,
)
def quote(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _quote_english, _quote_chinese)


@perturbation(
    "authority.url",
    claim="addition",
    summary="Adds a link to an invented article that agrees with the answer.",
    source=_CALM,
)
def url(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _url_english, _url_chinese)


@perturbation(
    "authority.expert",
    claim="addition",
    summary="Adds an invented professor who confirms the answer.",
    source="CALM, arXiv:2410.02736; EvalBiasBench, arXiv:2407.06551",
)
def expert(text: str, place: Place) -> list[Edit]:
    return _add(text, place, _expert_english, _expert_chinese)
