"""Generated answers, and what every follow-up of a family keeps to; for the tests of families beside this file."""

from __future__ import annotations

import itertools

import regex
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from making import make

from voirdire.harness.cases import Case, FollowUp, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.spans import analyse, boundary

HINDI = "भारत एक विशाल देश है। इसकी राजधानी नई दिल्ली है, और यहाँ अनेक भाषाएँ बोली जाती हैं।"
ARABIC = "تقع القاهرة على نهر النيل، وهي عاصمة مصر. يعيش فيها ملايين الناس منذ قرون طويلة."
THAI = "ประเทศไทยเป็นประเทศในเอเชียตะวันออกเฉียงใต้ มีกรุงเทพมหานครเป็นเมืองหลวง"
JAPANESE = "東京は日本の首都です。多くの人がこの大きな街で働いています。"
CHINESE = "长城是中国古代的防御工程，总长约21196公里。它不是一次建成的，而是经过多个朝代修筑。"
SCRIPTS = {"hi": HINDI, "ar": ARABIC, "th": THAI, "ja": JAPANESE, "zh": CHINESE}

_PIECES = [
    "The energy is stored in sugar by most green plants.",
    "Sure, here is the answer! It does not actually need light, but you can use it.",
    "There are 12 apples, 1,250.75 pears [3] and figs (Smith et al., 2019) in 1987.",
    "don't don’t naïve ΣΊΣΥΦΟΣ Straße ﬁnd İstanbul",
    "```python\nfor i in range(10):\n    print(i)  # plain words here\n```",
    "```\nnever closed 7",
    "`x is 5`",
    "$x^2 = 49$",
    r"\(y is 3\) and \boxed{17}",
    "https://example.org/a/is/12",
    "[link](https://example.org/is)",
    "| a is 1 | b |\n|---|---|\n| 2 | 3 |",
    "a is 1 | b\n---|---\n2 | 3",
    "1. First item is here.\n2. Second item is there.",
    "- one point\n  - another point",
    "## Heading is 5",
    "**bold is** and *em* and __strong__",
    "> a quoted line",
    "<b>is</b>",
    "---\ntitle: words here\n---",
    *SCRIPTS.values(),
    "👩\u200d💻 is 👍🏽 🇩🇪🇫🇷",
    "cafe\u0301 is e\u0301",
    "\r\n",
    "\n\n",
    "  ",
    "\t",
    "\u200d",
    "\u0301",
]
answers = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=14).flatmap(
        lambda parts: st.lists(st.sampled_from([" ", "\n", "", "\n\n"]), min_size=len(parts), max_size=len(parts)).map(
            lambda gaps: "".join(itertools.chain.from_iterable(zip(parts, gaps, strict=True)))
        )
    ),
    st.text(max_size=120),
)
doses = st.sampled_from([0.5, 1.0, 3.0])
common = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)


def follow_up(name: str, text: str, seed: int = 0, dose: float = 1.0) -> FollowUp | None:
    """None where the perturbation does not apply; its reason has to read well behind "not applicable: "."""
    try:
        return make(name, Case("Question?", (text, "other"), label=0), 0, seed, dose)
    except NotApplicable as error:
        reason = error.message
    assert reason[:1].islower()
    return None


def changed(name: str, text: str, seed: int = 0, dose: float = 1.0) -> str:
    """The changed answer; raises NotApplicable."""
    return make(name, Case("Question?", (text, "other"), label=0), 0, seed, dose).case.responses[0]


def clusters(text: str) -> set[int]:
    """Where the grapheme clusters of `text` begin and end, by the regex package: an oracle of its own."""
    return set(itertools.accumulate((len(c) for c in regex.findall(r"\X", text)), initial=0))


def check_follow_up(
    name: str, text: str, seed: int, dose: float, *, reaches_protected: bool = False
) -> FollowUp | None:
    """Deterministic, replayable, protected spans and grapheme clusters intact; returns what was made."""
    made = follow_up(name, text, seed, dose)
    assert made == follow_up(name, text, seed, dose)
    if made is None:
        return None
    result = made.case.responses[0]
    assert result != text
    assert apply_edits(text, made.edits) == result
    if not reaches_protected:
        for start, end in analyse(text).protected:
            for e in made.edits:
                assert not (start < e.start < end if e.start == e.end else e.start < end and start < e.end)
    _check_clusters(text, made)
    return made


def _check_clusters(text: str, made: FollowUp) -> None:
    before, after = clusters(text), clusters(made.case.responses[0])
    at = shift = 0
    for e in made.edits:
        assert boundary(text, e.start)
        assert boundary(text, e.end)
        assert {e.start, e.end} <= before
        assert {k + shift for k in before if at < k < e.start} <= after
        at = e.end
        shift += len(e.text) - (e.end - e.start)
    assert {k + shift for k in before if k > at} <= after
