"""More words, no more content: an answer says its own sentences again, or is padded with sentences about nothing.

Both outgrow the opponent; neither adds a fact, praise of the answer or a word to the judge.
"""

from __future__ import annotations

import math
import re
from random import Random

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import shuffled
from voirdire.perturbations.placement import append
from voirdire.perturbations.spans import Language, sentences

__all__ = ["filler", "needed", "restatement"]

#: at dose 1 the result is at least so many characters and times longer than the opponent
_MARGIN: dict[Language, int] = {"en": 150, "zh": 80}
_RATIO = 1.35
#: an answer is not said again more often than this, filler not used up more often
_ROUNDS = 6
_PARAGRAPH = 5  # sentences


def needed(text: str, place: Place) -> int:
    """How many characters to add.

    At dose 1: until `text` is 150 characters (Chinese: 80) longer and 1.35 times as long as the opponent, or as it was
    itself where there is none; an answer that already outgrows its opponent still gains the 150 (80).
    """
    margin = _MARGIN[place.lang]
    rival = len(text if place.opponent is None else place.opponent)
    goal = max(rival + margin, math.ceil(rival * _RATIO), len(text) + margin)
    return max(1, math.ceil((goal - len(text)) * place.dose))


def _paragraphs(units: list[str], lang: Language) -> str:
    """Sentences joined into paragraphs of a readable size; a lone last sentence goes with the paragraph before."""
    blank = " " if lang == "en" else ""
    starts = list(range(0, len(units), _PARAGRAPH))
    if len(starts) > 1 and len(units) - starts[-1] == 1:
        starts.pop()
    return "\n\n".join(blank.join(units[a:b]) for a, b in zip(starts, [*starts[1:], len(units)], strict=True))


def _enough(units: list[str], room: int, lang: Language) -> list[str] | None:
    """The first units that fill `room` characters, None if all of them do not."""
    for n in range(1, len(units) + 1):
        if len(_paragraphs(units[:n], lang)) >= room:
            return units[:n]
    return None


# --- restatement

_OPENERS: dict[Language, tuple[str, ...]] = {
    "en": (
        "In other words,",
        "To put it another way,",
        "Put differently,",
        "To say the same thing again,",
        "Or, to phrase it once more,",
        "Said another way,",
        "To come back to this point,",
        "To repeat what was said above,",
        "As already mentioned,",
        "Once again,",
        "As stated before,",
        "To return to what has been said,",
    ),
    "zh": (
        "换句话说，",
        "换一种说法，",
        "也就是说，",
        "再说一遍，",
        "正如前面所说，",
        "如上文所述，",
        "回到刚才的话，",
        "用另一种方式来讲，",
        "重复一下前面的话，",
        "前面已经提到，",
    ),
}
_NAMING = (
    "To say it again:",
    "The same thing in other words:",
    "As was said above:",
    "To repeat this point:",
    "Once more, in the same words:",
    "What was said before can be repeated here:",
)
# A first word that is certainly no name, so that it may lose its capital behind an opener.
_STARTS = (
    "a all also although an and another any as at because before both but by despite during each either every "
    "everyone few for from given he her here his how if in instead it its just like many more most much my no none "
    "nor not of often on once one only or other others our over people perhaps she since so some someone sometimes "
    "such that the their them then there these they this those through to two under until using very we what when "
    "where whether which while who why with within without you your"
)
_COMMON_START = frozenset(_STARTS.split())
_CONNECTIVE = re.compile(
    r"(?:However|Therefore|Thus|Hence|Additionally|Moreover|Furthermore|Finally|Overall|Firstly|Secondly|Thirdly|First"
    r"|Second|Third|Next|Then|Lastly|Consequently|In conclusion|In summary|As a result|For example|For instance"
    r"|In addition|On the other hand|In other words|So), +"
)
_CHINESE_CONNECTIVE = re.compile(
    r"(?:但是|然而|因此|所以|此外|另外|而且|总之|首先|其次|再次|最后|例如|比如|不过|综上所述|总的来说|换句话说|同时)，"
)
# Openings and pleasantries say nothing that could be said again.
_NOT_A_STATEMENT = re.compile(
    r"(?:Sure|Certainly|Of course|Absolutely|Great|Thank|Sorry|Hello|Hi|Dear|Yes|No|OK|Okay|Let|Here(?:'s|’s| is| are)"
    r"|Please|See|Note|Remember|Consider|Try|Use|Make|Check|Click|Open|Go|Take|Add"
    r"|I hope|I'm|I’m|I am)\b|好的|当然|以下|您好|你好|希望|抱歉|谢谢"
)
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("（", "）"), ("《", "》"), ("「", "」"))


def _balanced(sentence: str) -> bool:
    """Is every mark that was opened closed? Half of an emphasis or a quotation cannot be moved."""
    return all(sentence.count(a) == sentence.count(b) for a, b in _PAIRS) and all(
        sentence.count(mark) % 2 == 0 for mark in ('"', "`", "**", "$")
    )


def _statements(text: str, lang: Language) -> list[str]:
    """The sentences that can be said again: complete, declarative, of a moderate length, as they stand."""
    ends, shortest = ((".", '."', ".”", ".)"), 20) if lang == "en" else (("。", "。”", "。）"), 8)
    found: list[str] = []
    for start, end, kind in sentences(text):
        sentence = text[start:end]
        if (
            kind != "heading"
            and shortest <= len(sentence) <= 400
            and sentence.endswith(ends)
            and not _NOT_A_STATEMENT.match(sentence)
            and _balanced(sentence)
            and sentence not in found
        ):
            found.append(sentence)
    return found


def _fragments(text: str) -> list[str]:
    """For answers without a full sentence ("Paris", a list of names): the bare pieces, as sentences."""
    pieces = [text[a:b] for a, b, kind in sentences(text) if kind != "heading" and b - a <= 400]
    if not pieces and "\n" not in text.strip() and len(text) <= 80:
        pieces = [text.strip()]  # "42": no letters, so no sentence
    return [p for p in dict.fromkeys(pieces) if p and not p.endswith((":", "：", "?", "？")) and _balanced(p)]


def _again_english(sentence: str, opener: str, naming: str) -> str:
    body = _CONNECTIVE.sub("", sentence, count=1) if _CONNECTIVE.match(sentence) else sentence
    first = re.split(r"[ ,'’]", body, maxsplit=1)[0]
    if first.lower() in _COMMON_START:
        return f"{opener} {body[0].lower()}{body[1:]}"
    return f"{naming} {body[0].upper()}{body[1:]}"


def _restated(sources: list[str], lang: Language, rng: Random) -> list[str]:
    """The sentences `_ROUNDS` times, each time in another order; no opener comes twice before all have been used."""
    openers: list[str] = []
    namings: list[str] = []
    units: list[str] = []
    for _ in range(_ROUNDS):
        order = shuffled(rng, sources)
        if len(order) > 1 and (order == sources or (units and units[-1].endswith(order[0][3:]))):
            order.append(order.pop(0))
        for sentence in order:
            openers = openers or shuffled(rng, _OPENERS[lang])
            namings = namings or shuffled(rng, _NAMING)
            if lang == "zh":
                body = (
                    _CHINESE_CONNECTIVE.sub("", sentence, count=1) if _CHINESE_CONNECTIVE.match(sentence) else sentence
                )
                units.append(openers.pop() + body)
                continue
            unit = _again_english(sentence, openers[-1], namings[-1])
            (openers if unit.startswith(openers[-1]) else namings).pop()
            units.append(unit)
    return units


@perturbation(
    "verbosity.restatement",
    claim="addition",
    summary="Says the answer's own sentences again, in another order and with openings such as 'In other words'.",
    source="MT-Bench repetitive list attack, arXiv:2306.05685",
    sham=False,
)
def restatement(text: str, place: Place) -> list[Edit]:
    sources = _statements(text, place.lang)
    if not sources:
        stop = "." if place.lang == "en" else "。"
        sources = [p if p.endswith((".", "!", "。", "！")) else p + stop for p in _fragments(text)]
    if not sources:
        raise NotApplicable("the answer has no sentence to say again")
    room = needed(text, place)
    units = _enough(_restated(sources, place.lang, place.rng), room, place.lang)
    if units is None:
        raise NotApplicable(f"the answer is too short to reach the length by saying it {_ROUNDS} times again")
    return [append(text, _paragraphs(units, place.lang), place.lang, paragraph=True)]


# --- filler

_FILLER: dict[Language, tuple[str, ...]] = {
    "en": (
        "Before going further, it may help to pause for a moment and take in the matter as a whole.",
        "As is so often the case, there are a number of ways in which one could look at a question like this.",
        "With all of that having been said, it is worth keeping the general picture in mind.",
        "A question of this kind naturally invites one to think about what is being asked and why.",
        "It is only to be expected that some points come before others and that one thing leads to another.",
        "It goes without saying that the points made here stand alongside one another and belong together.",
        "When everything is taken together, a number of different things can be said to play a part.",
        "One might also reflect, in passing, on how the various parts relate to one another.",
        "Needless to say, a great deal could be written about this, as about many other things.",
        "In the end, it comes down to the matter at hand and to the way in which it is approached.",
        "Looked at from one side or from another, the subject may appear in a somewhat different light.",
        "At this stage, it seems appropriate to look back for a moment at what has been mentioned so far.",
        "The topic is one that people come to from many directions and for many different reasons.",
        "There is, in many ways, always something more that one could add to a discussion of this sort.",
        "As with most things in life, the wider setting in which a question arises has a role of its own.",
        "It may be borne in mind that every question has its own setting and its own background.",
        "Taking a step back, one can try to see the subject in its overall shape and from some distance.",
        "Depending on the point of view, one aspect or another will come more strongly to the fore.",
        "The wording could, of course, be varied here and there without this changing what is meant.",
        "These are considerations that come into play whenever one gives some thought to such a topic.",
        "People have been thinking about questions like this one for a long time, and will go on doing so.",
        "By way of rounding this off, it can be said that these are the things that have been touched upon.",
        "What comes later follows on from what came earlier, and each is to be read together with the other.",
        "It can be useful to let a subject like this rest for a while and then to come back to it later on.",
        "There are different opinions on many subjects, and it is natural that people see things in their own way.",
        "All of this has to be seen in its context, and the context may vary from one occasion to the next.",
    ),
    "zh": (
        "在继续往下说之前，不妨先停下来，从整体上看一看这个话题。",
        "像许多事情一样，这个问题可以从不同的方面来看待。",
        "说到这里，有必要再把大致的情况放在心里想一想。",
        "这样的问题自然会让人去想，究竟在问什么，又为什么要问。",
        "事情总是一环扣着一环，有些话说在前面，有些话说在后面。",
        "不用多说，上面提到的各点是放在一起来看的，彼此之间也有联系。",
        "总体来看，有许多不同的因素都可以说在其中起到了各自的作用。",
        "顺便也可以想一想，各个部分之间是怎样联系在一起的。",
        "当然，关于这个话题还可以写很多，正如关于别的话题也可以写很多。",
        "归根到底，还是要看事情本身，也要看从什么角度去看它。",
        "从这一面看和从那一面看，同一个话题可能会显出不太一样的样子。",
        "到了这一步，似乎可以先回过头来，想一想前面都提到了些什么。",
        "对于这个话题，人们会从不同的方向、出于不同的原因来接触它。",
        "在很多情况下，像这样的讨论总还可以再补充一些别的话。",
        "和生活中的大多数事情一样，问题是在什么样的环境里提出来的，也有它自己的分量。",
        "还应当想到，每个问题都有它自己的背景和来由。",
        "退一步来看，可以试着隔开一段距离，去看整个话题的大致面貌。",
        "根据看法的不同，这一方面或者那一方面会显得更加突出。",
        "当然，个别地方的措辞可以有所变化，而意思并不会因此改变。",
        "只要对这样的话题稍加思考，就总会遇到诸如此类的种种考虑。",
        "长期以来，人们一直在思考类似的问题，今后也还会继续思考下去。",
        "作为收尾，可以说以上这些就是这里所谈到的种种方面。",
        "后面的话接着前面的话，前后的内容应当放在一起来读。",
        "这样的话题有时不妨先放一放，过一段时间再回过头来看。",
        "在许多话题上人们都有不同的看法，各人从各自的角度去看，也是很自然的事情。",
    ),
}


@perturbation(
    "verbosity.filler",
    claim="addition",
    summary="Pads the answer with sentences that say nothing.",
    source="CALM, arXiv:2410.02736",
    sham=False,
)
def filler(text: str, place: Place) -> list[Edit]:
    if not text.strip():
        raise NotApplicable("the answer is empty")
    bank = [s for _ in range(_ROUNDS) for s in shuffled(place.rng, _FILLER[place.lang])]
    units = _enough(bank, needed(text, place), place.lang)
    if units is None:
        raise NotApplicable("the other answer is too long to be outgrown by padding")
    return [append(text, _paragraphs(units, place.lang), place.lang, paragraph=True)]
