"""What the sentence around a verdict does to it: negated, asked, supposed, or reported as somebody else's words.

The functions work on lower-case text and look at no more than a few hundred characters around an offset. They err
towards "no verdict": a null is counted and reported, a wrong verdict is not.
"""

from __future__ import annotations

import re

__all__ = ["Context", "word_before"]

_BACK = 320
_AHEAD = 200

_SENTENCE_END = re.compile(r"(?<![.!?;])[.!?;]++[\"')\]]{0,3}(?=\s)|\n|(?<=[\u3040-\u9fff])[.!?;]")
_CLAUSE_END = re.compile(r"[,:()—–]|\b(?:so|but|therefore|thus|hence|because|since|while|whereas|and|although)\b")
_RESET = re.compile(r"[,;—–]\s{0,3}(?:so|therefore|thus|hence|consequently|but|however)\b|\bi (?:conclude|judge)\b")
_NEGATION = re.compile(
    r"\b(?:not|never|no|neither|nor|cannot|hardly|without|against|reject\w{0,3}|ignor\w{1,4}|isnt|dont|nothing)\b"
    r"|n't\b|不|并非|没有|未必"
)
_DISBELIEF = re.compile(
    r"(?:\bnot|\bnever|\bcannot|\bhardly|n't)\s(?:[a-z]{1,12}\s){0,2}"
    r"(?:think|believe|say|agree|claim|conclude|mean|feel|find|see|accept|follow|true|clear|case|sure|certain|prefer"
    r"|choose|pick|select|convinced|evident)\b"
    r"|\b(?:disagree|doubt|deny|untrue|false|instead of|rather than|wrong (?:to|that)|mistake to|incorrect to|no reason"
    r"|no evidence|far from|nobody|unlikely|tempt\w{1,4}|before (?:i|we))\b|不认为|不觉得|不能说|并非"
)
_SUPPOSED = re.compile(
    r"\b(?:if|whether|unless|suppose|supposing|assuming|imagine|pretend|in case|would have|should have"
    r"|at first|initially|originally|previously|first glance|first thought)\b|如果|假如|若|是否"
)
_SUPPOSED_AFTER = re.compile(r"\b(?:if|unless|had it|at first glance|at first sight)\b|的话")
_CONCEDED = re.compile(r"\b(?:although|though|while|whereas|even if|despite|granted|admittedly)\b|虽然|尽管")
_REPORTED = re.compile(
    r"\b(?:(?<!i )(?<!i'd )(?:says?|said|claim(?:s|ed)?|states?|stated|argues?|argued|assert(?:s|ed)?|insist(?:s|ed)?"
    r"|writes?|wrote|tells?|told|asks?|asked|wants?|wanted|mentions?|mentioned|suggests?|concludes?|declares?|declared"
    r"|announces?|pretends?|repeats?|repeated|believes?|thinks?|prefers?|votes?)"
    r"|saying|claiming|stating|arguing|asserting|insisting|writing|written|reads|reading|telling|asking|demand\w{0,3}"
    r"|urg(?:es?|ing)|requests?|requesting|instruct\w{0,5}|contains?|containing|contained|includes?|including|included"
    r"|insert\w{0,4}|inject\w{0,5}|embed\w{0,5}|quot(?:es?|ing|ed)|mentioning|ends? with|ending with|begins? with"
    r"|starts? with|beginning with|starting with|phrase|string|token|tokens|literal|literally|line|words|attempts?"
    r"|attempting|tries|trying|according to|example|e\.g|such as|format|template|output either|the text|appended?"
    r"|appends|added|adds|put|puts|place|placed|some (?:may|might|would|could|people|readers)|one (?:may|might|could)"
    r"|you (?:may|might|should|must)|users?|people|others|majority|critics|author)\b"
    r"|说|声称|写道|写着|包含|要求|认为(?<!我认为)"
)
_LEGEND_AFTER = re.compile(
    r"\W{0,4}(?:if|when|unless|means?|meaning|indicat\w{1,4}|represents?|stands for|denot\w{1,4}|signif\w{1,6}"
    r"|for (?:an? |the )?(?:tie|draw|assistant|response|answer|model|option|correct|incorrect|very|perfect|poor|bad"
    r"|good|excellent)"
    r"|would|should|could|might|may|cannot|can't|must|isn't|wasn't|as (?:its|the) )\b"
)
_SUBJECT_AFTER = re.compile(r"\W{0,4}(?:is|was|were|are)\b(?! (?:my|the|therefore|thus|clearly) )")
_CONCLUDES = re.compile(
    r"\b(?:overall|therefore|thus|hence|conclusion|conclude|so|consequently|ultimately|in summary|in sum|all in all"
    r"|finally|on balance|final|verdict|all things considered)\b|因此|所以|综上|总的来说|总体|最终"
)
_QUESTION = re.compile(r"[.!?\n;]")
_WORD = re.compile(r"([^\W_]+(?:['’][a-z]+)?)\W{0,3}$")


def word_before(low: str, at: int) -> str:
    """The word before `at` in the same sentence; "" at the start of a line or sentence."""
    head = low[max(0, at - 40) : at]
    stop = max(head.rfind(c) for c in "\n.!?;:|,(")
    match = _WORD.search(head[stop + 1 :])
    return match.group(1) if match else ""


class Context:
    """The sentence around `low[start:end]`."""

    __slots__ = ("after", "before", "ended_by")

    def __init__(self, low: str, start: int, end: int) -> None:
        head = low[max(0, start - _BACK) : start]
        cut_at = 0
        for match in _SENTENCE_END.finditer(head):
            if match.group() == "\n" and _introduced(head, match.start()):
                continue  # "Response A says:" and the words on the next line are one sentence
            cut_at = match.end()
        self.before = head[cut_at:]
        tail = low[end : end + _AHEAD]
        stop = _QUESTION.search(tail)
        self.after = tail[: stop.start()] if stop else tail
        self.ended_by = stop.group() if stop else ""

    @property
    def asked(self) -> bool:
        return self.ended_by == "?" or self.after.rstrip().endswith(("吗", "呢"))

    @property
    def asked_at_once(self) -> bool:
        """A question mark directly behind, for short forms that need no full stop."""
        return self.ended_by == "?" and len(self.after.strip(" \"'`)]>")) == 0

    @property
    def negated(self) -> bool:
        clause = self.before
        for match in _CLAUSE_END.finditer(self.before):
            clause = self.before[match.end() :]
        return bool(_NEGATION.search(clause) or _DISBELIEF.search(self.before))

    @property
    def supposed(self) -> bool:
        return bool(_SUPPOSED.search(self.before) or _SUPPOSED_AFTER.search(self.after))

    @property
    def conceded(self) -> bool:
        clause = self.before
        for match in re.finditer(r"[,:;]", self.before):
            clause = self.before[match.end() :]
        return bool(_CONCEDED.search(clause))

    @property
    def reported(self) -> bool:
        said = self.before
        for match in _RESET.finditer(self.before):
            said = self.before[match.end() :]
        return bool(_REPORTED.search(said))

    @property
    def legend(self) -> bool:
        """The verdict is explained ("[[A]] if A is better"), not given."""
        return bool(_LEGEND_AFTER.match(self.after) or _SUBJECT_AFTER.match(self.after))

    @property
    def concludes(self) -> bool:
        return bool(_CONCLUDES.search(self.before))

    def rules_out_token(self) -> bool:
        """For `[[A]]` and JSON: forms that mean nothing but a verdict, unless reported or explained."""
        if not self.before.strip() and not self.after.strip() and self.ended_by != "?":
            return False
        return self.negated or self.reported or self.legend or self.asked_at_once or bool(_SUPPOSED.search(self.before))

    def rules_out_label(self) -> bool:
        """For "Verdict: A"."""
        return self.negated or self.reported or self.asked_at_once or self.supposed

    def rules_out_prose(self) -> bool:
        """For "B is better"."""
        return self.negated or self.reported or self.asked or self.supposed or self.conceded


def _introduced(head: str, newline: int) -> bool:
    """Does the text before this line end announce what comes ("...:")? Blank lines and code marks are skipped."""
    return head[:newline].rstrip(" \n\t`\"'“>").removesuffix("json").rstrip(" \n\t`\"'“>").endswith(":")
