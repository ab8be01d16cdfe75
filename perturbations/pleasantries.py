"""Sentences of mere politeness ("Sure!", "I hope this helps."): leaving one out takes nothing from an answer.

Closed wordings, English and Chinese: a sentence is one only if nothing else is said in it.
"""

from __future__ import annotations

import re

__all__ = ["is_pleasantry"]

_LONGEST = 160

_OPENING = (
    r"sure(?: thing)?|certainly|of course|absolutely|definitely|no problem|ok(?:ay)?|all ?right|gladly|with pleasure"
    r"|(?:hi|hello|hey)(?: there)?|welcome|you(?: are|'re) (?:very )?welcome|my pleasure|thanks|thank you"
    r"|(?:thanks|thank you) (?:so much |very much )?for (?:asking|reading|reaching out|your (?:question|message))"
    r"|(?:(?:that(?: is|'s)|what) an? )?(?:very )?(?:great|good|excellent|interesting) question"
    r"|(?:i(?: am|'m|'d be| would be) )?(?:happy|glad|pleased) to (?:help|assist)(?: you)?(?: with (?:that|this))?"
    r"|here you go|i understand|got it"
)
_MORE = r"(?:any |some )?(?:other |further |more |additional )?"
_NEEDS = (
    rf"(?:(?:you(?: still)? (?:have|need)|there (?:is|are)) {_MORE}(?:questions?|help|assistance|information|details"
    r"|clarifications?|concerns)(?: or (?:concerns|clarifications?|help|assistance|need (?:any )?(?:further )?"
    r"(?:help|assistance|clarification)))?"
    rf"|you(?:'d| would) like (?:me to (?:elaborate|explain (?:further|more))|{_MORE}(?:details|information|help))"
    r"|there(?: is|'s) anything else(?: (?:i can (?:help|do)|you(?:'d| would) like to know|you need))?"
    r"|you need anything else|anything is unclear)(?: (?:you with|with|for you))?"
)
_ASK = (
    r"(?:please )?(?:let me know|feel free to (?:ask|reach out|contact me|let me know)|(?:do not|don't) hesitate to "
    r"(?:ask|reach out|contact me|let me know)|just (?:ask|let me know))(?: me)?(?: anytime| at any time)?"
)
_CLOSING = (
    r"(?:i |we )?hope (?:that )?(?:this|that|it|these|my answer|this (?:information|answer|explanation))(?: was| is)? ?"
    r"(?:helps?|helped|helpful|useful|clarifies (?:things|it)|answers your question|clear(?:s (?:it|things) up)?)"
    r"(?: (?:you|to you|out|you out|a bit|clarify things))?"
    rf"|{_ASK}(?:,? if {_NEEDS})?|if {_NEEDS},? {_ASK}"
    r"|is there anything else (?:i can (?:help|assist)(?: you)?(?: with)?|you(?:'d| would) like to know)"
    r"|(?:i wish you |have )an? (?:great|nice|good|wonderful|lovely|pleasant) (?:day|time|week|weekend)"
    r"|good luck(?: with (?:it|that|everything|your (?:project|work|studies)))?|best of luck|(?:best|kind) regards"
    r"|enjoy|cheers|take care|happy (?:coding|cooking|learning|reading|writing|baking|travels|studying)"
)
#: "Sure, here is a list of ten films:": what is there, the list says itself
_LEAD = r",? here(?:'s| is| are)\b[^.!?:,]{0,60}"
_ENGLISH = re.compile(rf"(?:{_OPENING}|{_CLOSING})(?:, (?:{_OPENING}|{_CLOSING}))*(?:{_LEAD})?")

_ZH_ASK = r"(?:请|欢迎|可以)?(?:您|你)?(?:随时)?(?:再)?(?:告诉我|联系我|问我|提问|向我提问|与我联系|告知我?|咨询)"
_CHINESE = re.compile(
    r"(?:(?:好的|好|当然|当然可以|可以|没问题|(?:您|你)好|不客气|加油|谢谢(?:您|你)?|(?:很|非常)?(?:高兴|乐意)"
    r"(?:为|能为)?(?:您|你)?(?:解答|服务|效劳|帮忙|帮助(?:您|你)?)|这是(?:一)?个(?:很|非常)?好的?问题"
    r"|(?:感谢|谢谢)(?:您|你)?的?(?:提问|阅读|耐心)"
    r"|希望(?:这|这些|以上|我的|这个)?(?:内容|回答|解答|解释|信息|建议|答案)?(?:能够|能|可以|会)?(?:对(?:您|你))?"
    r"(?:有所帮助|有帮助|有用|帮助?到(?:您|你)|帮到(?:您|你))"
    rf"|(?:如果|如|若)(?:您|你)?(?:还)?有(?:任何|其他|更多|什么|不明白的)*(?:问题|疑问|需要|地方)|{_ZH_ASK}"
    r"|祝(?:您|你)(?:一切顺利|好运|生活愉快|学习进步|愉快|一天愉快|成功|旅途愉快)"
    r"|(?<=，)(?:以下|下面|这里)是[^。！？，,]{0,20})[，,、]*)+"
)


def is_pleasantry(sentence: str) -> bool:
    """Is this sentence nothing but politeness?"""
    if len(sentence) > _LONGEST:
        return False
    said = " ".join(sentence.replace("’", "'").lower().split())
    said = re.sub(r"^[\W_]+|[\W_]+$", "", said)
    # marks that part two of them in what counts as one sentence
    said = re.sub(r"[ ]?[!.;—–][ ]", ", ", said)
    return bool(_ENGLISH.fullmatch(said) or _CHINESE.fullmatch(re.sub(r"[！。～~ ]", "，", said)))
