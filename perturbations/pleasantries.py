"""Sentences that say nothing of the question: greetings, thanks and offers, in closed wordings.

A sentence that only begins like one ("Of course, honey can spoil.", "Please let me know by Tuesday whether you come")
says something, so each wording is written out to its end.
"""

from __future__ import annotations

import re

__all__ = ["is_pleasantry"]

_HELP = r"(?:help|assist)(?: you)?(?: (?:out|with (?:that|this|your question)))?"
_QUESTIONS = (
    r"(?:any )?(?:other |more |further |additional |follow-up )?(?:questions?|concerns?|help|assistance|information"
    r"|details|clarification|examples?)"
)
_ASK = (
    rf"(?:(?:you )?(?:have|need|want|would like|are looking for)|you'd like|there (?:is|are)) (?:{_QUESTIONS}"
    rf"|anything else|something else)(?: or (?:need )?{_QUESTIONS})?(?: (?:about|with|on) (?:this|that|anything))?"
)
_GLAD = rf"I(?:'d| would|'ll| will| can|'m| am)(?: be)? (?:happy|glad|pleased) to {_HELP}"
_PLEASANTRY = re.compile(
    r"(?:(?:Sure(?: thing)?|Certainly|Of course|Absolutely|No problem|Great question|Good question|Happy to help)"
    rf"(?:[,!.]? (?:{_GLAD}|happy to {_HELP}|[Hh]ere(?:'s| is| are| you go)[^.!?:\n]{{0,60}}))?"
    rf"|{_GLAD}"
    r"|That(?:'s| is) a (?:great|good|fascinating|interesting) question"
    r"|Thank(?:s| you)(?: (?:so|very) much)?(?: for (?:asking|reaching out|the question|sharing"
    r"|your (?:question|message|interest|patience|time|understanding)))?"
    r"|(?:I )?[Hh]ope (?:this|that|it|these)(?: \w+)? ?(?:helps?|was helpful|is helpful|clarifies things)(?: you)?"
    r"(?: out)?"
    r"|(?:Please )?(?:[Ll]et me know|feel free to (?:ask|reach out|let me know)|Feel free to (?:ask|reach out))"
    rf"(?: me)?(?: (?:if|should) {_ASK})?"
    rf"|If {_ASK},? (?:please )?(?:feel free to (?:ask|reach out|let me know)|let me know|just (?:ask|let me know)"
    r"|don't hesitate to (?:ask|reach out))(?: me)?)[!.:]*"
)
_PLEASANTRY_ZH = re.compile(
    r"(?:(?:当然(?:可以)?|好的|没问题|很高兴为您解答)(?:[，,！!](?:我)?很?(?:乐意|高兴)(?:为您|帮您|帮助您)?(?:解答|帮忙)?"
    r"|[，,！!](?:下面|以下|这里)是[^。！？\n]{0,20})?"
    r"|希望(?:这|以上|上述)[^。！？\n，,]{0,16}(?:帮助|有用|有帮助)"
    r"|如果(?:您|你)?(?:还)?有(?:任何|其他|其它|更多|别的)[^。！？\n，,]{0,10}(?:问题|疑问|需要)"
    r"[，,]?(?:请)?(?:随时|尽管)?[^。！？\n，,]{0,10}(?:提问|问我|告诉我|联系我|咨询))[！。：!.:]*"
)


def is_pleasantry(text: str, start: int = 0, end: int | None = None) -> bool:
    """Is `text[start:end]`, one sentence, nothing but a greeting, thanks or an offer? English and Chinese."""
    end = len(text) if end is None else end
    return any(each.fullmatch(text, start, end) is not None for each in (_PLEASANTRY, _PLEASANTRY_ZH))
