"""Which of two answers a reply prefers: the words and forms of pairwise verdicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voirdire.harness.judges.parsing_candidates import (
    Candidate,
    Reader,
    Tier,
    bracketed,
    from_json,
    key_start,
    labelled_tail,
    lone_lines,
    recent,
    starts_word,
)
from voirdire.harness.judges.parsing_context import Context, word_before
from voirdire.harness.judges.parsing_text import Text, lowered, plain, words

__all__ = ["PAIRWISE_READERS", "names_more", "option_of"]

_NOUN = (
    r"(?:responses?|answers?|assistants?|ai assistant|models?|options?|candidates?|outputs?|completions?|solutions?"
    r"|repl(?:y|ies)|summar(?:y|ies)|systems?|texts?|essays?|translations?|stor(?:y|ies)|poems?|explanations?|one"
    r"|回答|答案|回复|选项|助手|模型)"
)
_NOUNS = re.compile(_NOUN + r"[ #\"'`(\[]{0,3}$")
_SLOT = {"a": 0, "b": 1, "1": 0, "2": 1, "first": 0, "second": 1, "one": 0, "two": 1}
_TIE = re.compile(
    r"(?:an? |it'?s an? |it is an? )?(?:tie|tied|draw|equal|equally good|both|both equal|both equally good|same|even"
    r"|neither is better|no preference|a ?= ?b|b ?= ?a|平局|平手|一样好|相同|打平)"
)
_OPTION = re.compile(rf"(?:the )?(?:{_NOUN}[ #:-]{{0,2}})?\(?(a|b|1|2|first|second)\)?(?: {_NOUN})?")
_GREATER = re.compile(rf"(?:{_NOUN}[ ])?(a|b|1|2)[ ]?(>{{1,3}}|<{{1,3}}|=)[ ]?(?:{_NOUN}[ ])?(a|b|1|2)")


def option_of(source: str) -> int | str | None:
    """The option a short text names, whole: "A", "Response B", "second", "A>>B", "tie", "C"; else None.

    Numbers count from 1. "C" is the tie of the three-letter form.
    """
    text = " ".join(lowered(plain(source)).strip(" \t\n.\"'`*_[]()").split())
    if text == "c" or _TIE.fullmatch(text):
        return "tie"
    match = _OPTION.fullmatch(text.replace("_", " "))
    if match:
        return _SLOT[match.group(1)]
    match = _GREATER.fullmatch(text)
    return _compared(*match.groups()) if match else None


def _compared(left: str, sign: str, right: str) -> int | str | None:
    if _SLOT[left] == _SLOT[right]:
        return None
    if sign == "=":
        return "tie"
    return _SLOT[left if sign[0] == ">" else right]


def _json_value(value: Any) -> int | str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return {1: 0, 2: 1}.get(value)
    return option_of(value) if isinstance(value, str) and len(value) <= 80 else None


_JSON_KEYS = words(
    "verdict winner choice better preference preferred answer decision judgment judgement result selection selected "
    "best chosen pick vote output label betterresponse betteranswer preferredresponse preferredanswer bestresponse "
    "bestanswer winningresponse betterassistant"
)


def _brackets(text: Text) -> Iterator[Candidate]:
    yield from bracketed(text, option_of)


def _json(text: Text) -> Iterator[Candidate]:
    yield from from_json(text, _JSON_KEYS, _json_value)


_BARE_FIRST = re.compile(r"[\s#*_\"'`(\[]{0,6}[ABCabc][\s*_.\"'`)\]]{0,6}")


def _lone(text: Text) -> Iterator[Candidate]:
    found = list(lone_lines(text, option_of, bare_first=lambda line: bool(_BARE_FIRST.fullmatch(line))))
    if len({c.value for c in found}) < 2:  # "A" on the first line and "B" on the last are headings, not verdicts
        yield from found


# --- labels ----------------------------------------------------------------------------------------------------------

_LABEL = re.compile(
    rf"(?:verdict|winner|winning|choice|decision|preference|preferred|judge?ment|conclusion|selection|selected|result"
    rf"|pick|vote|better|best|superior|stronger|answer|output|结论|判断|判决|裁决|最终答案|选择|胜者|获胜者|答案)"
    rf"(?: {_NOUN})?"
)
#: words before a label that make it somebody else's, or not the last word
_NOT_MINE = words(
    "worse worst weaker losing loser inferior wrong incorrect correct rejected initial tentative preliminary draft "
    "previous prior earlier first original example sample fake false forged claimed supposed alleged injected expected "
    "desired requested not no without never your user's users user their its his her author's hypothetical any each a "
    "an possible provisional second-best opposite ground gold human reference true less second third"
)
#: "Answer: B" may quote the answer to a multiple-choice question; only these make it the judge's
_MY_ANSWER = words("final my better best preferred winning superior stronger chosen selected overall")
_VALUE = re.compile(
    rf"(?:the )?(?:(?:{_NOUN})[ #]{{0,2}})?[\"'`(\[“「]{{0,3}}"
    rf"(?P<value>(?:a|b|1|2)[ ]?(?:>{{1,3}}|<{{1,3}}|=)[ ]?(?:a|b|1|2)"
    rf"|(?:an? )?(?:tie|draw)|tied|equally good|both equally good|equal|平局|平手|一样好"
    rf"|a|b|c|1|2|first|second)[\"'`)\]”」>$]{{0,4}}(?: {_NOUN})?"
)
#: what may follow the named option; "A clear win for B" has an article, "A or B" names none
_CLOSED = re.compile(
    r"(?:[ \t]{0,3}(?:$|\n)|[ ]{0,2}[.,;:!](?=[\s\"'`)\]]|$)|[ ]{0,2}[—–(|]|[ ]-|[ ]{0,1}\ue000|[。，；！]"
    r"|[ ](?:is (?:the )?(?:clearly |much |slightly |significantly |definitely |overall )?"
    r"(?:better|best|winner|superior|stronger|preferred|preferable)\b(?! (?:at|in|on|with|for)\b)|wins\b|because\b"
    r"|since\b|due to\b|over\b|as (?:it|the)\b|overall\b|[}<]))"
)
_CLOSED_WIDE = re.compile(r"[ \t]{0,3}[}\"',<]")
_MORE_OPTIONS = re.compile(
    rf"[ \t]{{0,2}}(?:,|/|\||or\b|and\b|&|vs\b\.?|,[ ]or\b|[-=]{{1,2}}>|[→⇒])[ \t]{{0,2}}"
    rf"(?:{_NOUN}[ ])?[\"'`(\[]{{0,3}}(?:a|b|c|1|2)"
    r"(?![\w'])(?![ ](?:is|was|has|does|provides|gives|fails|contains|only|lacks))"
)
#: "A is the better choice: B, however, ...": the clause has its verdict already
_TAKEN = re.compile(r"(?:\b(?:is|was|are)\b|'s\b)[^.:\n]{0,30}$")
_UNDECIDED = re.compile(r"(?:unclear|undecided|unsure|uncertain|none|n/a|unknown|inconclusive|cannot|neither)\b")


def names_more(low: str, at: int) -> bool:
    """Does another option follow the one that ends at `at` ("A or B", "A, B")? Then none was chosen."""
    return bool(_MORE_OPTIONS.match(low, at))


def _closed(low: str, at: int) -> bool:
    return bool(_CLOSED.match(low, at)) and not names_more(low, at)


def _labels(text: Text) -> Iterator[Candidate]:
    low = text.low
    for match in recent(_LABEL, low):
        start = match.start()
        if not starts_word(low, start):
            continue
        at = labelled_tail(low, match.end())
        if at is None:
            continue
        label = match.group()
        prefix = word_before(low, start)
        start = key_start(low, start, match.end())
        tier = Tier.EXPLICIT
        if prefix in _NOT_MINE or _TAKEN.search(low, max(0, start - 40), start):
            continue
        if label in ("answer", "output", "答案") and prefix not in _MY_ANSWER and prefix:
            tier = Tier.PROSE
        if Context(low, start, at).rules_out_label():
            continue
        value = _VALUE.match(low, at)
        if value is None:
            if _UNDECIDED.match(low, at):
                yield Candidate(start, at, None, tier, why="the reply says that it does not decide")
            continue
        end = value.end()
        if not (_closed(low, end) or (_CLOSED_WIDE.match(low, end) and not names_more(low, end))):
            continue
        if Context(low, start, end).rules_out_label():
            continue
        name = value.group("value")
        # lower-case "a" is the article unless nothing follows it
        if name == "a" and text.text[value.start("value")] == "a" and low[end : end + 1] == " ":
            continue
        chosen = "tie" if name == "c" else option_of(name)
        if chosen is not None:
            yield Candidate(start, end, chosen, tier)


# --- sentences -------------------------------------------------------------------------------------------------------

_ADVERB = (
    r"(?:clearly|much|slightly|significantly|far|overall|definitely|marginally|generally|somewhat|considerably|still"
    r"|therefore|thus|also|by far|a bit|a little|a lot|ultimately|certainly|obviously|simply|just|noticeably"
    r"|substantially|narrowly|on balance|indeed|really|strictly|objectively)"
)
_SUPERIOR = ("better", "superior", "stronger", "best", "preferable", "preferred", "winner", "winning")
#: spelled out so that every alternative begins with a letter: only then does `re` skip what cannot begin a match
_IS_BETTER = re.compile(
    "(?:" + "|".join(rf"{word}(?: (?:{_NOUN}|choice))?" for word in _SUPERIOR) + r"|wins|comes out ahead)(?![\w])"
)
#: what must stand before: searched backwards from the few superlatives, which is cheaper than from every letter
_SUBJECT_IS = re.compile(
    rf"(?<!\w)(?P<word>a|b|1|2|first|second)[\"'`)\]]{{0,3}}(?: {_NOUN})?"
    rf"(?:(?:[ ](?:is|was)|'s)[ ](?:{_ADVERB},?[ ]){{0,3}}(?:the[ ])?(?:{_ADVERB}[ ])?|[ ](?:{_ADVERB}[ ])?)$"
)
_IS_BETTER_ZH = re.compile(
    r"[ab][ ]{0,2}(?:明显|显然|确实|整体上|总体上|略|稍微)?(?:更好|更优|更佳|胜出|更胜一筹|获胜"
    r"|优于[ ]?(?:回答|答案)?[ ]?[ab])"
)
_OTHER = rf"(?: than (?:the )?(?:{_NOUN}[ ])?(?:other|a|b|1|2|first|second)\b(?: {_NOUN})?)?"
_BETTER_CLOSED = re.compile(
    rf"{_OTHER}(?:[ \t]{{0,3}}(?:$|\n)|[ ]{{0,2}}[.,;:!)\"'`](?=[\s\"'`)\]]|$)|[ ]{{0,2}}[—–(]|[。，；！]|[.,;!]"
    rf"|[ ](?:overall|because|since|due to|here|in (?:every|all|my)\b|by far|for (?:this|the above|these)|and|but|so"
    rf"|as it\b|as the\b|to (?:the )?(?:{_NOUN}[ ])?[ab]\b))"
)
_PREFER = re.compile(
    rf"i(?:'d| would| will|'ll| do| must| have to)?[ ](?:{_ADVERB}[ ])?(?:prefer|choose|pick|select|favou?r|go with"
    rf"|vote for|opt for|side with|am going with|lean towards?)[ ](?:the )?(?:{_NOUN}[ #]{{0,2}})?[\"'`(\[]{{0,3}}"
    rf"(?P<value>a|b|1|2|first|second)[\"'`)\]]{{0,3}}(?: {_NOUN})?"
)
_PREFER_ZH = re.compile(rf"(?:更?喜欢|更?倾向于?|选择?|认为)[ ]?(?:{_NOUN}[ ]?)?(?P<value>[ab])(?=[ .,;!\n]|$)")
_COMPARED = re.compile(rf"(?:a|b)[ ]{{0,2}}(?:>{{1,3}}|<{{1,3}}|=)[ ]{{0,2}}(?:{_NOUN}[ ])?(?:a|b)(?![\w])")
_TIE_SAID = re.compile(
    rf"(?:(?:it'?s|it is|this is|is|be|result is|call it|declare|call this|as|ends? in|results? in) (?:an? )?"
    rf"(?:tie|draw)|(?:are|were) (?:tied|equal(?![a-z])|of equal quality|equivalent in quality"
    rf"|(?:about |roughly )?equally (?:good|strong|well|matched|bad|helpful|correct))|equally good"
    rf"|neither (?:{_NOUN} )?is (?:clearly |really )?better|不相上下|难分高下|一样好|同样好|平局)"
)
_TIE_WORDS = (
    " tie",
    " draw",
    " equal",
    " equivalent",
    "equally",
    "neither",
    "不相上下",
    "难分高下",
    "一样好",
    "同样好",
    "平局",
)
#: words that may stand before a letter that names an answer; "Vitamin A is better" is about vitamins
_LEADS_IN = words(
    "that think believe so and but overall therefore thus hence conclude say find feel judge clearly because as is "
    "end conclusion consequently ultimately finally then clear while choose"
)


def _names_option(text: Text, at: int, word: str) -> bool:
    """Is the "a", "b", "1", "first" at `at` an answer's name? Capital letters are, or any with a noun in front."""
    low = text.low
    if not starts_word(low, at):
        return False
    if _NOUNS.search(low, max(0, at - 24), at):
        return True
    if word in ("first", "second"):
        return low[max(0, at - 4) : at] == "the "
    if word in ("1", "2") or text.text[at] == word:
        return False
    if at and low[at - 1] > "\u2e7f":
        return True
    before = word_before(low, at)
    return not before or before in _LEADS_IN


def _prose(text: Text) -> Iterator[Candidate]:
    low = text.low
    for match in recent(_IS_BETTER, low):
        base = max(0, match.start() - 100)
        subject = _SUBJECT_IS.search(low[base : match.start()])
        if subject is None or not _BETTER_CLOSED.match(low, match.end()):
            continue
        verb = match.group() in ("wins", "comes out ahead")
        if verb == bool(re.search(r"\b(?:is|was)\b|'s\b", subject.group())):
            continue
        start, word = base + subject.start(), subject.group("word")
        if _names_option(text, start, word):
            yield from _said(low, start, match.end(), _SLOT[word])
    if " i " in low or low.startswith("i ") or "i'" in low or "\ni " in low:
        yield from _preferences(text, _PREFER)
    if not low.isascii():
        yield from _preferences(text, _PREFER_ZH)
        for match in recent(_IS_BETTER_ZH, low):
            if _names_option(text, match.start(), low[match.start()]):
                yield from _said(low, match.start(), match.end(), _SLOT[low[match.start()]])
    for match in recent(_COMPARED, low, needs=(">", "<", "=")):
        at = match.start()
        if not starts_word(low, at) or low[at - 1 : at] in ("[", "<", ">", "=") or low[at] == text.text[at]:
            continue
        if re.match(r"[ ]{0,2}[<>=]", low[match.end() : match.end() + 3]):
            continue  # "A > B > C" ranks more than two
        value = option_of(match.group())
        if value is not None:
            yield from _said(low, at, match.end(), value)
    for match in recent(_TIE_SAID, low, needs=_TIE_WORDS):
        if starts_word(low, match.start()) and _BETTER_CLOSED.match(low, match.end()):
            yield from _said(low, match.start(), match.end(), "tie")


def _preferences(text: Text, pattern: re.Pattern[str]) -> Iterator[Candidate]:
    low = text.low
    for match in recent(pattern, low):
        at, word, where = match.start(), match.group("value"), match.start("value")
        if not starts_word(low, at) or (word in ("a", "b") and text.text[where] == word):
            continue
        if word in ("1", "2") and not _NOUNS.search(low, at, where):
            continue
        if not (_BETTER_CLOSED.match(low, match.end()) or low.startswith(" over ", match.end())):
            continue
        if not names_more(low, match.end()):
            yield from _said(low, at, match.end(), _SLOT[word])


def _said(low: str, start: int, end: int, value: int | str) -> Iterator[Candidate]:
    context = Context(low, start, end)
    if not context.rules_out_prose():
        yield Candidate(start, end, value, Tier.CONCLUDED if context.concludes else Tier.PROSE)


#: the forms by the name that `--parse` gives them
PAIRWISE_READERS: dict[str, Reader] = {
    "brackets": _brackets,
    "json": _json,
    "label": _labels,
    "letter": _lone,
    "prose": _prose,
}
