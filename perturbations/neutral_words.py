"""The words and sentence patterns that placebos are made of: plain countryside, in English and Chinese.

Nothing here praises, cites, instructs, counts or speaks about an answer, and no word looks like a name, a link or
markup, so that no detector of those fires on a placebo. Every slot has words of every length in its range, which is
what lets `sham.py` hit a length exactly.
"""

from __future__ import annotations

__all__ = ["CHINESE_PATTERNS", "CHINESE_WORDS", "ENGLISH_PATTERNS", "ENGLISH_WORDS", "FILL_WORDS"]

ByLength = dict[int, tuple[str, ...]]


def _by_length(words: str) -> ByLength:
    table: dict[int, list[str]] = {}
    for word in words.split():
        table.setdefault(len(word), []).append(word)
    return {n: tuple(table[n]) for n in sorted(table)}


_THINGS = (
    "hen oak jar cat elm mill barn lake path tree door wall lamp fence table field cloud river shelf stone garden "
    "meadow bridge window basket candle cottage kitchen village orchard chimney curtain corridor hillside mountain "
    "riverbed driveway courtyard warehouse riverbank staircase farmhouse tablecloth lighthouse windowsill greenhouse "
    "wheelbarrow marketplace watercourse countryside thunderstorm thundercloud smallholding conservatory "
    "neighbourhood chrysanthemum"
)
_PLURALS = (
    "hens oaks jars cats elms barns lakes paths trees doors walls lamps fences tables fields clouds rivers stones "
    "gardens meadows bridges windows baskets candles cottages kitchens villages orchards chimneys curtains corridors "
    "hillsides mountains riverbeds driveways courtyards warehouses riverbanks staircases farmhouses tablecloths "
    "lighthouses windowsills greenhouses wheelbarrows marketplaces watercourses thunderstorms thunderclouds "
    "smallholdings neighbourhoods chrysanthemums"
)
_ADJECTIVES = (
    "old dry wet red dim grey cool wide damp cold quiet brown small green muddy dusty narrow wooden yellow little "
    "silent hollow distant painted coastal cobbled familiar northern southern shadowed sheltered windswept overgrown "
    "snow-clad tree-lined wind-blown snow-white surrounding mountainous waterlogged whitewashed neighbouring "
    "south-facing stone-walled weatherbeaten cloud-covered grass-covered straw-thatched lichen-covered south-easterly"
)
_VERBS = (
    "hid met saw lit held kept faced edged lined joined framed topped crossed circled touched bordered followed "
    "shadowed sheltered encircled overlooked surrounded brightened"
)

#: slot -> length -> words: N a thing, P things, A an adjective, V what one did to the other
ENGLISH_WORDS: dict[str, ByLength] = {
    "N": _by_length(_THINGS),
    "P": _by_length(_PLURALS),
    "A": _by_length(_ADJECTIVES),
    "V": _by_length(_VERBS),
}

#: sentences without their full stop; a capital letter is a slot
ENGLISH_PATTERNS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in (
        "P V P",
        "P V the N",
        "A P V P",
        "the N V the N",
        "A P V A P",
        "the A N V P",
        "the N stood near the N",
        "some P lay beside the N",
        "A P V the A N",
        "the A N stood beside the N",
        "the A N V the A N",
        "a row of P followed the A N",
        "the N and the N V the P",
        "the N behind the N was A and A",
        "some P were left beside the A N that morning",
        "in the morning the A N lay under the P",
        "in the morning the A N lay under the A P",
        "the P by the A N were still A when the rain came",
    )
)

#: words for placebos of phrases, which are no sentences either
FILL_WORDS: ByLength = _by_length(
    f"a by in on at {_THINGS} {_ADJECTIVES} neighbourhoods chrysanthemums interconnecting superstructures "
    "counterclockwise interconnections"
)

CHINESE_WORDS: ByLength = _by_length(
    "河 桥 山 树 井 云 草 小河 村庄 花园 石桥 田野 院子 竹林 池塘 石板路 篱笆墙 老槐树 小山坡 旧木桌 乡间小路 河边柳树 "
    "村口水井 后院竹林 山坡上的树 院子里的井 河岸边的草 窗台上的灯"
)

#: whole sentences; N is a slot for a thing
CHINESE_PATTERNS: tuple[str, ...] = (
    "N很静。",
    "雨落在N上。",
    "N在N旁边。",
    "N的后面是N。",
    "风吹过N和N。",
    "N和N都很安静。",
    "早上，N还是湿的。",
    "傍晚，N被云遮住了。",
    "天色暗下来，N没有声音。",
    "N连着N，N挨着N。",
)
