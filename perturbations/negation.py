"""Which statements of a text can be turned into their opposite by a word, English and Chinese.

Used by degradation.negation. A grammar of a few safe patterns, not a parser: it would rather find nothing than
write a sentence that is merely odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from voirdire.harness.cases import Edit
from voirdire.perturbations.spans import Language, Sentence, analyse, inside, sentences

__all__ = ["flips"]

_REMOVED = {
    "cannot": "can",
    "can't": "can",
    "won't": "will",
    "isn't": "is",
    "aren't": "are",
    "wasn't": "was",
    "weren't": "were",
    "doesn't": "does",
    "didn't": "did",
    "couldn't": "could",
    "shouldn't": "should",
    "hasn't": "has",
    "haven't": "have",
    "never": "always",
    "always": "never",
}
_AUX = "is|are|was|were|can|could|will|should|must"
# What may not follow, because "not" would read oddly there or change nothing.
_NO_GOOD = (
    "not|n't|also|only|just|still|already|always|never|often|usually|sometimes|generally|typically|commonly|currently|"
    "mainly|mostly|primarily|probably|likely|no|none|nothing|neither|either|both|rather|even|actually|about|around|"
    "approximately|nearly|almost|at least|then|thus|therefore|as follows|to|i|you|we|they|he|she|it|there|why|how|what|"
    "where|when|because|one of"
)
_REMOVED_FORMS = "|".join(_REMOVED).replace("'", "['’]")
_REMOVE = re.compile(rf"\b(?:{_REMOVED_FORMS}|(?P<aux>{_AUX}|does|did|has|have|had) not)\b(?!['’])")
_INSERT = re.compile(
    rf"(?<=[a-z0-9)\]*\"”`$}}] )(?P<aux>{_AUX}|(?:has|have|had)(?= (?:been|become|[a-z]+ed)\b))\b(?!['’])"
    rf"(?= (?!(?:{_NO_GOOD})\b)[\w\"“*'(])"
)
# A verb behind one of these, with no comma between, belongs to a clause at the side.
_SIDE = re.compile(
    r"\b(?:that|which|who|whom|whose|what|where|when|how|why|if|as|because|while|since|whether|unless|than)\b[^,;:]*\Z",
    re.I,
)
_NEGATIVE = re.compile(
    r"\b(?:not|no|none|nothing|nobody|neither|nor|never|without|cannot|unlike|hardly|rarely|few|only if)\b|n['’]t\b",
    re.I,
)
_CONDITIONAL = re.compile(
    r"\b(?:if|unless|whether|otherwise|suppose|assum\w+|would|might|may|perhaps|possibly)\b", re.I
)
_CONCLUSION = re.compile(
    r"(?:\*\*)?(?:therefore|thus|hence|so|in conclusion|overall|in summary|as a result|the (?:final )?answer)\b"
    r"|因此|所以|总之|综上",
    re.I,
)
_ASIDE = re.compile(r"(?:sure|certainly|of course|here (?:is|are)|let|i |please|remember|note)\b|好的|当然|以下", re.I)

_CHINESE = (
    ("不是", "是", ""),
    ("没有", "有", "任何"),
    ("不会", "会", ""),
    ("不能", "能", "够"),
    ("不可以", "可以", ""),
    ("不需要", "需要", ""),
    ("不应该", "应该", ""),
    ("可以", "不能", ""),
    ("能够", "无法", ""),
    ("应该", "不该", ""),
    ("必须", "不必", ""),
    ("需要", "不需", ""),
    ("是", "不是", "否的以非"),
    ("会", "不会", "议员计话谈见长合场上面"),
    ("有", "没有", "些时效关限用助利趣人点所机的着序害毒名"),
    ("能", "不能", "力量源否够耗级见"),
)
# Characters before the word that make it part of another (但是, 社会, 所有, 可能, ...); 不 and 没 negate already.
_JOINED_BEFORE = {
    "是": "不但还于可就总只而正都也凡若要或即便算倒真像既更乃竟别老实非却先又",
    "会": "不社机学协宴大体一都员聚议国工教约晚开与委才就都也还误理领",
    "有": "没所具拥含只还唯富享占固现原共持特稀仅才都也未含另又",
    "能": "不可功性智技只才效职动热电阳核全机势本潜节也还都就未太官异",
    "可以": "不都也还就只才",
    "能够": "不都也还就只才",
    "应该": "不都也还就",
    "必须": "不都也还就",
    "需要": "不都也还就只的",
    "不是": "是要而",
    "没有": "有还也都",
    "不会": "会",
    "不能": "能",
    "不可以": "",
    "不需要": "",
    "不应该": "",
}
_CHINESE_HEDGE = re.compile(r"如果|假如|除非|若|只要|是否|可能|也许|或许|而不是|不仅|不但|不只")
_CHINESE_NEGATIVE = re.compile(r"不|没|无|未|非|别|勿")


def flips(text: str, lang: Language) -> list[Edit]:
    """One edit for each statement that can be turned round, the best to turn first.

    Best are main clauses of conclusions and of late sentences; conditionals come last, questions and asides never.
    """
    found = sentences(text)
    ranked: list[tuple[float, int, Edit]] = []
    for k, sentence in enumerate(found):
        body = text[sentence.start : sentence.end]
        if sentence.kind == "heading" or not 8 <= len(body) <= 500 or body[-1] in "?？:：" or _ASIDE.match(body):
            continue
        edits = list(_of_sentence(text, sentence, lang))
        if not edits:
            continue
        main = [e for e in edits if not _SIDE.search(text, sentence.start, e.start)]
        # With side clauses only, as in "the claws that it can pull in are sharp", the main verb comes last.
        edit = main[0] if main else edits[-1]
        hedged = _CONDITIONAL.search(body) or _CHINESE_HEDGE.search(body)
        rank = (k + 1) / len(found) + bool(_CONCLUSION.match(body)) - (0 if main else 1) - (3 if hedged else 0)
        ranked.append((rank - (0.25 if sentence.kind == "list" else 0), k, edit))
    ranked.sort(key=lambda r: (-r[0], r[1]))
    return [edit for _, _, edit in ranked]


def _of_sentence(text: str, sentence: Sentence, lang: Language) -> Iterator[Edit]:
    protected = analyse(text).protected
    for edit in (_english if lang == "en" else _chinese)(text, sentence):
        if not inside(protected, edit.start, edit.end) and not _quoted(text, sentence, edit.start):
            yield edit


def _quoted(text: str, sentence: Sentence, at: int) -> bool:
    before = text[sentence.start : at]
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")


def _english(text: str, sentence: Sentence) -> Iterator[Edit]:
    start, end, _ = sentence
    body = text[start:end]
    negatives = len(_NEGATIVE.findall(body))
    if negatives == 0:
        for match in _INSERT.finditer(text, start + 1, end):
            yield Edit(match.start(), match.end(), match["aux"] + ("not" if match["aux"] == "can" else " not"))
    if negatives <= 1:
        for match in _REMOVE.finditer(text, start + 1, end):
            word = match.group().replace("’", "'")
            # "not only", "not necessarily" and the like deny less than the sentence
            if re.match(r" (?:only|just|necessarily|merely|be able|yet|even)\b", text[match.end() : match.end() + 16]):
                continue
            if (word == "always") == (negatives == 0):
                yield Edit(match.start(), match.end(), match["aux"] or _REMOVED[word])


def _chinese(text: str, sentence: Sentence) -> Iterator[Edit]:
    start, end, _ = sentence
    negative = _CHINESE_NEGATIVE.search(text, start, end) is not None
    for old, new, never_after in _CHINESE:
        if negative != old.startswith(("不", "没")):
            continue
        at = text.find(old, start, end)
        while at >= 0:
            before, after = text[at - 1 : at] if at > start else "", text[at + len(old) : at + len(old) + 1]
            if not (before and before in _JOINED_BEFORE[old]) and not (after and after in never_after + "？?，。、"):
                yield Edit(at, at + len(old), new)
            at = text.find(old, at + 1, end)
