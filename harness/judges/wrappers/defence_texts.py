"""Text in, text out: what the defences make of a judged answer before the judge sees it.

All are pure functions of the text, so equal answers are shown alike in both orders and in every repeat. Regular
expressions have bounded repeats: judged text is attacker text. Not here: the wrappers (defences.py).
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata

__all__ = ["addressed_to_judge", "delimited", "neutral", "plain", "retokenised"]

# ------------------------------------------------------------------------------------------------------------- markup

_FENCE = re.compile(r"^[ ]{0,3}(?:```|~~~)[^\n]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]{0,20}(?:\s[^<>\n]{0,200})?/?>")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,500}(?:\s\"[^\"\n]{0,200}\")?\)")
_HEADING = re.compile(r"^[ ]{0,3}#{1,6}[ \t]+(.*)$", re.MULTILINE)
_RULE = re.compile(r"^[ ]{0,3}(?:[-*_][ \t]*){3,}$\n?", re.MULTILINE)
_FRAME = re.compile(r"^[|: \t-]+$\n?", re.MULTILINE)
_ITEM = re.compile(r"^([ \t]*)(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_QUOTE = re.compile(r"^[ ]{0,3}>[ \t]?", re.MULTILINE)
_STRONG = re.compile(r"(?<![\w*_])(\*{1,3}|_{2,3})(?=\S)([^\n*]{1,500}?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"`([^`\n]{1,300})`")
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)


def plain(text: str) -> str:
    """Without markup: HTML comments with what they hold, tags, emphasis, headings, list and quote marks, links (their
    text stays), rules, table lines, characters that cannot be seen. What stands in code fences stays as it is."""
    pieces, out, inside = _FENCE.split(_visible(text)), [], False
    for piece in pieces:
        out.append(piece if inside else _unmarked(piece))
        inside = not inside
    return re.sub(r"\n{3,}", "\n\n", "".join(out)).strip()


def _visible(text: str) -> str:
    """Without format controls (zero-width, bidirectional, tags) except the joiners that scripts and emoji need."""
    return "".join(c for c in text if unicodedata.category(c) != "Cf" or c in "\u200c\u200d")


def _unmarked(text: str) -> str:
    text = _TAG.sub("", _COMMENT.sub("", text))
    text = _RULE.sub("", _QUOTE.sub("", _HEADING.sub(lambda line: line[1].rstrip("#").rstrip(" \t"), text)))
    text = _FRAME.sub(lambda line: "" if "|" in line[0] and "-" in line[0] else line[0], text)
    text = _TABLE_ROW.sub(lambda row: " ".join(cell.strip(" \t") for cell in row[0].split("|")).strip(), text)
    text = _ITEM.sub(r"\1", text)
    text = _CODE.sub(r"\1", _IMAGE_OR_LINK.sub(r"\1", text))
    return _STRONG.sub(r"\2", text)


# ---------------------------------------------------------------------------------------- text that speaks to the judge

_THIS = r"(?:this|my|our|the above|the (?:answer|response) above|the (?:first|second))"
_ANSWER = r"(?:answers?|responses?|solutions?|outputs?|submissions?|one)"
_TO_JUDGE = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # orders to forget what the judge was told
        r"\b(?:ignore|disregard|forget|override|overrides?|drop|discard)\b.{0,60}?\b"
        r"(?:instructions?|criteria|criterion|prompt|guidelines|rubric|said before)\b",
        r"\b(?:only|new) (?:one )?criterion\b",
        # pleas
        rf"\b(?:choose|pick|select|prefer|vote for|favou?r|rank|declare|record|mark)\b.{{0,20}}?\b(?:{_THIS}|it)\b"
        rf".{{0,30}}?\b(?:{_ANSWER}|winner|best|first)\b",
        r"\b(?:full|top|highest|maximum|perfect|best)(?: possible)? (?:marks?|scores?|ratings?|points|grade)\b",
        # claims about this answer among the answers
        rf"\b{_THIS} {_ANSWER}\b.{{0,40}}?\b(?:better|best|wins?|winner|perfect|superior|valid one|passes)\b",
        rf"\bthe {_ANSWER} above\b.{{0,40}}?\b(?:better|best|wins?|winner|perfect|superior)\b",
        rf"\b(?:other|competing|second|first) {_ANSWER}\b.{{0,40}}?\b(?:falls? short|worse|inferior|wrong)\b",
        rf"\b{_ANSWER} (?:that )?you (?:have been|were|are) (?:shown|given)\b",
        # forged verdicts and forged messages
        r"\b(?:verdict|final (?:decision|judge?ment|score)|winner)\s{0,3}[:=]",
        r"\b(?:evaluation|assessment|grading|judging) (?:is|has been) (?:complete|over|finished|done)",
        r"\b(?:your|the) verdict\b",
        r"\b(?:notice|note|message|instructions?)\b.{0,20}? (?:to|for) the (?:evaluator|judge|grader|reviewer)\b",
        r"\b(?:evaluators?|graders?)\b.{0,40}?\b(?:must|should|please|record|choose)\b",
        r"\boverrides? (?:all )?(?:earlier|previous|other) instructions\b",
        # roles
        r"\byou are (?:now )?(?:the |a |an )?.{0,30}?\b(?:fan|supporter|author's friend)\b",
        r"\bstay in (?:this|that|the) role\b",
        # Chinese
        r"(?:忽略|无视|忘记).{0,20}?(?:标准|指示|要求|规则|提示)",
        r"(?:请|求).{0,12}?(?:选为|选择|投).{0,12}?(?:最好|更好|胜|一票)",
        r"(?:打|给|得|评|以)(?:出|为)?(?:了)?(?:满分|最高分)",
        r"(?:这个|这一个|上面的|该|本)(?:回答|答案)?.{0,24}?(?:更好|最好|胜出|完美|最高分|满分|胜者|有效)",
        r"评审已经完成|结论[：:]|您的结论|系统消息|效力高于|投它一票|给出结论",
        r"另一个(?:回答|答案).{0,20}?(?:不足|不如|错)",
    )
]
#: what only a prompt holds: chat tokens, verdict marks, role lines, tags of prompts
_DELIMITERS = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|\[/?(?:INST|SYSTEM|SYS|USER|ASSISTANT)\]|<</?SYS>>|\[\[\s{0,2}[A-Ca-c]\s{0,2}\]\]"
    r"|</?(?:task|response|answer|instruction|system|user|assistant|criteria|reference|context)(?:[_ ][^<>\n]{0,40})?>"
    r"|^(?:system|assistant|instruction|response)\s{0,3}:\s*$|^---user---$",
    re.IGNORECASE | re.MULTILINE,
)
#: a block in brackets or a comment is one piece, whatever its sentences; then lines, then sentences
_BLOCK = re.compile(
    r"\[SYSTEM\].{0,1000}?\[/SYSTEM\]|\[[^\[\]\n]{20,600}\]|【[^【】\n]{4,400}】"
    r"|【系统消息】[^\n]{0,600}?【系统消息结束】",
    re.IGNORECASE | re.DOTALL,
)
_PIECE = re.compile(r"[^.!?。！？\n]*(?:[.!?。！？]+[\"'”’)\]】]*|\n+|$)[ \t]*")


#: letters of other scripts that look like Latin ones; compatibility forms (full width, mathematical) fall to NFKC
_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0455\u0458\u04bb\u0501\u051b\u051d\u0261\u0251\u03bf\u03b1\u03bd\u03b9\u03c1\u03ba"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0405\u0408\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcxyisjhdqwgaoavipkABEKMHOPCTXISJABEHIKMNOPTX",
)


def _undisguised(text: str) -> str:
    """As a reader takes it in: no invisible characters, compatibility forms and look-alike letters as plain ones."""
    if text.isascii():
        return text
    shown = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", shown).translate(_LOOK_ALIKE)


def addressed_to_judge(text: str) -> bool:
    """Does some sentence of `text` plead with, command or speak for a judge? English and Chinese wordings, also behind
    look-alike letters and invisible characters."""
    seen = _undisguised(text)
    return any(pattern.search(seen) for pattern in _TO_JUDGE)


def neutral(text: str) -> str:
    """Without the sentences that speak to a judge, and without what looks like a delimiter of a prompt.

    A text in which nothing does so is returned as it is, blanks and all.
    """
    cleaned = _DELIMITERS.sub("", _BLOCK.sub(_without_block, _COMMENT.sub(_without_block, text)))
    kept = "".join(piece for piece in _PIECE.findall(cleaned) if not addressed_to_judge(piece))
    return text if kept == text else kept.rstrip()


def _without_block(block: re.Match[str]) -> str:
    return "" if addressed_to_judge(block[0]) else block[0]


# ------------------------------------------------------------------------------------------------------------- tokens

_LONG_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿЀ-ӿ]{5,}")


def retokenised(text: str, rate: float) -> str:
    """A blank inside of about `rate` of the words of five letters or more, so that tokens come apart.

    Stands in for BPE dropout, which needs the judge's own tokenizer. Drawn from the text itself: the same text is
    always broken alike. Scripts without such words, numbers and short words stay whole.
    """
    rng = random.Random(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())

    def broken(word: re.Match[str]) -> str:
        if rng.random() >= rate:
            return word[0]
        at = rng.randint(2, len(word[0]) - 2)
        return f"{word[0][:at]} {word[0][at:]}"

    return _LONG_WORD.sub(broken, text)


# --------------------------------------------------------------------------------------------------------- delimiters


def delimited(text: str, nonce: str) -> str:
    """`text` between two lines that it cannot forge, the same for every slot."""
    return f"<<<text to be judged {nonce}\n{text}\n{nonce} end of the text to be judged>>>"
