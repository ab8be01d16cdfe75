"""Answers that say nothing: empty ones, master keys, "Yes", the question again, a constant, another question's answer.

The whole answer is replaced, so whatever the judge gave it before, it has to lose: against its former self in pairs,
by its score or grade elsewhere. They are wrong by construction, which is why they count as planted errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import shuffled
from voirdire.perturbations.framing import need_text
from voirdire.perturbations.spans import Language

__all__ = ["MASTER_KEYS", "UNRELATED"]

_ONE_TOKEN = "One Token to Fool LLM-as-a-Judge, arXiv:2507.08794"
_THAKUR = "dummy answers of Judging the Judges, arXiv:2406.12624"
_NULL_MODELS = "null models, arXiv:2410.07137"

#: all ten responses of the paper, as published, whatever the language of the case
MASTER_KEYS: dict[str, str] = {
    "null_answers.space": " ",
    "null_answers.full-stop": ".",
    "null_answers.comma": ",",
    "null_answers.colon": ":",
    "null_answers.thought-process": "Thought process:",
    "null_answers.step-by-step": "Let's solve this problem step by step.",
    "null_answers.solution": "Solution",
    "null_answers.solution-zh": "解",
    "null_answers.solution-ja": "かいせつ",
    "null_answers.solution-es": "Respuesta",
}
_YES: dict[Language, str] = {"en": "Yes", "zh": "是"}
_SURE: dict[Language, str] = {"en": "Sure", "zh": "当然"}
_CONSTANT: dict[Language, str] = {
    "en": "This is an answer. It is the same one whatever has been asked.",
    "zh": "这是一个回答。无论问的是什么，回答都是这一个。",
}
#: answers to questions that nobody asked
UNRELATED: dict[Language, tuple[str, ...]] = {
    "en": (
        "Soak the lentils for an hour, then let them simmer with an onion and two bay leaves. Add salt only at the "
        "end, since it keeps the skins tough. They are done when they can be crushed between two fingers.",
        "The ferry leaves from the northern pier and takes a little under two hours. Bicycles travel on the lower "
        "deck. In winter there is no service on Sundays.",
        "Prune the rose bushes before the buds swell, and cut just above one that faces outwards. Old canes come out "
        "at the base. Afterwards, spread compost around the roots but not against the stems.",
        "The quartet opens with a slow introduction in a minor key. The cello then takes up the theme, and the violins "
        "answer it in canon. A quiet coda brings the movement to its close.",
        "Sand the table along the grain, first with coarse paper and then with fine. Wipe off the dust before the oil "
        "goes on. Two thin coats last longer than a thick one.",
        "The swallows come back in April and nest under the eaves of the barn. Both parents feed the young. By "
        "September they gather on the wires and set off for the south.",
    ),
    "zh": (
        "先把小扁豆泡一个小时，再和洋葱、香叶一起用小火慢煮。盐要最后放，否则豆皮不容易煮软。用手指能捏碎就算好了。",
        "渡轮从北边的码头出发，航程不到两个小时。自行车可以放在下层甲板。冬季的星期天停航。",
        "给玫瑰剪枝要赶在芽苞鼓起之前，在朝外的芽上方下剪。老枝从根部剪去。之后在根的四周铺一层堆肥，但不要贴着茎。",
        "这首四重奏以一段小调的慢板引子开始。随后大提琴奏出主题，两把小提琴以卡农应答。最后一段安静的尾声结束了这个乐章。",
        "打磨桌面要顺着木纹，先用粗砂纸，再用细砂纸。上油之前把灰尘擦干净。薄薄地上两遍比厚厚地上一遍更耐久。",
        "燕子四月飞回来，在谷仓的屋檐下筑巢。雏鸟由双亲一起喂养。到了九月，它们在电线上聚集，然后飞往南方。",
    ),
}


def _publish(name: str, summary: str, source: str, answer: Callable[[Place], str]) -> None:
    @perturbation(name, claim="degrading", summary=summary, source=source, plants_error=True)
    def editor(text: str, place: Place) -> list[Edit]:
        """Dose has no say: there is nothing less than nothing."""
        need_text(text)
        return [Edit(0, len(text), answer(place))]


def _constant(answer: str) -> Callable[[Place], str]:
    return lambda _: answer


def _question(place: Place) -> str:
    turns = place.case.instruction
    asked = turns if isinstance(turns, str) else next((t.content for t in reversed(turns) if t.role == "user"), "")
    if not asked.strip():
        raise NotApplicable("there is no question that could be repeated")
    return asked


_WORD = re.compile(r"[A-Za-z]{5,}|[\u3400-\u9fff]{2}")


def _unrelated(place: Place) -> str:
    """The prepared answer that shares the fewest words with the case, a random one of several such."""
    case = place.case
    own = set(_WORD.findall(" ".join((case.instruction_text, *case.responses)).lower()))
    bank = shuffled(place.rng, UNRELATED[place.lang])
    return min(bank, key=lambda answer: len(own.intersection(_WORD.findall(answer.lower()))))


_publish("null_answers.empty", "Leaves the answer empty.", "RobustJudge, arXiv:2506.09443", lambda _: "")
for _name, _key in MASTER_KEYS.items():
    _words = {" ": "a blank", ".": "a full stop"}.get(_key, f"'{_key.rstrip('.')}'")
    _publish(_name, f"Replaces the answer by {_words}.", _ONE_TOKEN, _constant(_key))
_publish("null_answers.yes", "Replaces the answer by 'Yes'.", _THAKUR, lambda place: _YES[place.lang])
_publish("null_answers.sure", "Replaces the answer by 'Sure'.", _THAKUR, lambda place: _SURE[place.lang])
_publish("null_answers.question", "Replaces the answer by the question.", _THAKUR, _question)
_publish(
    "null_answers.constant",
    "Replaces the answer by one that is the same for every question.",
    f"{_NULL_MODELS}; without their break of the prompt's structure",
    lambda place: _CONSTANT[place.lang],
)
_publish(
    "null_answers.unrelated",
    "Replaces the answer by one to another question.",
    "nearest-neighbour pairs of LLMBar, arXiv:2310.07641; a prepared answer in place of the neighbour's",
    _unrelated,
)
