"""Makes perturbations/data/lexicon.tsv: the synonyms and antonyms that the lexical probes use, in all inflections.

    python scripts/make_lexicon.py DICT

DICT is a folder with WordNet 3.0's database files: nltk's corpus `wordnet` unpacked
(`python -m nltk.downloader wordnet` puts it into nltk_data/corpora/wordnet), or /usr/share/wordnet of Debian's packages
wordnet-base and wordnet-sense-index. Only this script reads them; voirdire ships the table and downloads nothing.

Synonyms: a pair of lexicon_choices.txt is taken if WordNet has both words in one synset that is among the first senses
of each in that part of speech; replacements are ranked by how often SemCor has them in that sense. Pairs without that
backing are listed and dropped. Antonyms: WordNet's own pairs of frequent first senses, less those of `_NO_ANTONYMS` and
`_NOT_TURNED`.

Columns of the table: form, part of speech, synonyms, antonyms, only before, never before, only behind, and "?" where
the form is as likely another part of speech, so that the words around it have to decide.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent / "perturbations" / "data" / "lexicon.tsv"
CHOICES = HERE / "lexicon_choices.txt"

_FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
#: how far down its list of senses a word may have the sense it shares
_DEEPEST_SOURCE, _DEEPEST_REPLACEMENT = 3, 6
#: an antonym must be found so often in SemCor, both words in that sense, and be among so many first senses
_LEAST_COUNT, _DEEPEST_ANTONYM = 4, 2
#: a form counts as ambiguous when other parts of speech have at least this share of its occurrences
_AMBIGUOUS = 0.05
# Opposites that are companions rather than contradictions, or whose exchange leaves a sentence true or odd.
_COMPANIONS = (
    "abolish about above actor actress actual adjusted advance always american answer anti arrive ask attack aunt "
    "avoid back badness be below bend black body boil bore boy brother busy certain change charged child civilian "
    "clean close come concentration confront content cry dark daughter day defend delicate demand despair die "
    "differ different dirty distribution do down dull east eastern employee employer equal establish even ever "
    "far fat father female few find first foot forget form formal former front further future gather gentleman "
    "get girl give go goodness gross hand have head here hide hope human husband idle ill immortality in "
    "individual informal interest international joint king know known lady last latter laugh least leave left let "
    "light like little live look lose make male man matter men mental military mind moral mortality most mother "
    "mr mrs much national natural near nearer nephew net never new niece night no nonspecific north northern not "
    "now odd off old on one open other out over own parent past physical potential present prevent private pro "
    "profane public queen question recede remember resist ride right round rugged sacred same see seller send "
    "separate show side silence sister sit sleep social soft some son sound south southern sparkling spread "
    "square stand stay still straighten structured student supply sure surrender tail take teacher then there top "
    "unadjusted uncharged uncle unknown unlike up wake walk well west western wet white wife woman women yes "
    "young"
)
_NO_ANTONYMS = frozenset(_COMPANIONS.split())
# Forms with an opposite that a careful editor would not put for them: not opposed in use (general and specific
# insights, divided into two and multiplied into two), mostly part of a set phrase (in short, look forward, full name,
# rough draft), or said of nothing that the answer states (fortunately). They may be put for their own opposites.
_NOT_OPPOSED = (
    "abstract admit admits admitted admitting appear appeared appearing appears began begin beginning begins begun "
    "concrete danger dangers dead denied denies deny denying divide divided divides dividing domestic end ending "
    "ends expected fall falling falls fill filled filling fills follower followers fortunately forward full fuller "
    "fullest general generally glad gladder gladdest impersonal insides intelligence intelligences leader outsides "
    "pain peace peaces personal pleasure pleasures poor poorer poorest poverties relative rough rougher roughest "
    "safeties safety short smart solid specific specifically stupidities stupidity unfortunately war wars wealth "
    "wealths"
)
_NOT_TURNED = frozenset(_NOT_OPPOSED.split())
_UNCOMPARED = "best better worse worst less lesser more most main left least few far false true"
#: adjectives of one syllable that have no regular comparative
_NOT_COMPARED = frozenset(_UNCOMPARED.split())


@dataclass(slots=True)
class WordNet:
    """What is needed of it: senses in order, the words of each synset, antonyms and irregular forms."""

    #: (word, part of speech) -> [(synset, occurrences in SemCor)], first sense first
    senses: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)
    #: (part of speech, synset) -> its words
    words: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    #: (word, part of speech, synset) -> [(opposite word, its synset)]
    opposites: dict[tuple[str, str, str], list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    #: (part of speech, word) -> irregular forms
    irregular: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    #: forms that come from several words of one part of speech, such as "saw"
    shared_forms: set[tuple[str, str]] = field(default_factory=set)

    def occurrences(self, word: str, pos: str) -> int:
        return sum(count for _, count in self.senses.get((word, pos), ()))

    def rank(self, word: str, pos: str, synset: str) -> tuple[int, int] | None:
        """(which sense of the word this is, counted from 1, and its occurrences)."""
        for number, (found, count) in enumerate(self.senses.get((word, pos), ()), 1):
            if found == synset:
                return number, count
        return None


def read_wordnet(folder: Path) -> WordNet:
    net = WordNet()
    ordered: dict[tuple[str, str], list[tuple[int, str, int]]] = defaultdict(list)
    for line in (folder / "index.sense").read_text(encoding="ascii").splitlines():
        key, synset, number, count = line.split()
        word, rest = key.split("%")
        ordered[word, _SENSE_TYPES[rest[0]]].append((int(number), synset, int(count)))
    net.senses = {key: [(synset, count) for _, synset, count in sorted(found)] for key, found in ordered.items()}
    for pos, name in _FILES.items():
        pointers: list[tuple[str, int, str, int]] = []
        for line in (folder / f"data.{name}").read_text(encoding="ascii").splitlines():
            if not line.startswith("  "):  # the licence stands before the data, indented
                pointers += _read_synset(net, pos, line)
        for synset, source, other, target in pointers:
            word, opposite = net.words[pos, synset][source], net.words[pos, other][target]
            net.opposites[word, pos, synset].append((opposite, other))
        for line in (folder / f"{name}.exc").read_text(encoding="ascii").splitlines():
            form, *bases = line.split()
            for base in bases:
                net.irregular[pos, base].append(form)
            if len(bases) > 1 or (form, pos) in net.senses:
                net.shared_forms.add((pos, form))
    return net


def _read_synset(net: WordNet, pos: str, line: str) -> Iterator[tuple[str, int, str, int]]:
    """Keep the words of one line of data.*; yields its antonym pointers as (synset, word, synset, word)."""
    parts = line.split(" | ")[0].split()
    synset, n_words = parts[0], int(parts[3], 16)
    net.words[pos, synset] = [re.sub(r"\(\w+\)$", "", w).lower() for w in parts[4 : 4 + 2 * n_words : 2]]
    at = 4 + 2 * n_words
    for k in range(int(parts[at])):
        sign, other, _, places = parts[at + 1 + 4 * k : at + 5 + 4 * k]
        if sign == "!":
            yield synset, int(places[:2], 16) - 1, other, int(places[2:], 16) - 1


# --- inflection


def _regular(word: str, ending: str) -> str:
    """`word` with -s, -ed or -ing by the rules of spelling; doubled letters are in WordNet's lists."""
    before_y = word.endswith("y") and word[-2:-1] not in "aeiou"
    if ending == "s":
        if before_y:
            return word[:-1] + "ies"
        return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if ending == "ed":
        return word[:-1] + "ied" if before_y else word + ("d" if word.endswith("e") else "ed")
    return (word[:-1] if word.endswith("e") and not word.endswith(("ee", "ye", "oe")) else word) + "ing"


def forms_of(net: WordNet, word: str, pos: str) -> dict[str, str]:
    """Inflection -> form. A verb whose past and participle differ has no "ed", as no word has both of its uses."""
    irregular = net.irregular.get((pos, word), [])
    if pos == "n":
        return {"": word, "s": irregular[0] if irregular else _regular(word, "s")}
    if pos == "a" and (compared := _compared(word, irregular)):
        return {"": word, "er": compared[0], "est": compared[1]}
    if pos != "v":
        return {"": word}
    forms = {"": word, "s": _regular(word, "s")}
    running = [f for f in irregular if f.endswith("ing") and f != word]
    past = [f for f in irregular if not f.endswith("ing") and f != _regular(word, "s")]
    forms["ing"] = running[0] if running else _regular(word, "ing")
    regular_past = [f for f in past if f.endswith("ed")] or ([] if past else [_regular(word, "ed")])
    if len(past) <= 1 or all(f.endswith("ed") for f in past):
        forms["ed"] = (regular_past or past)[0]
    return forms


def _compared(word: str, irregular: list[str]) -> tuple[str, str] | None:
    """Comparative and superlative: WordNet's lists have those with a doubled letter or -ier, words of one syllable
    have regular ones, others take "more"."""
    both = [f for f in irregular if f.endswith("er")][:1] + [f for f in irregular if f.endswith("est")][:1]
    if len(both) == 2:
        return both[0], both[1]
    if irregular or word in _NOT_COMPARED or not re.fullmatch("[^aeiouy]*[aeiouy]+[^aeiouy]+e?", word):
        return None
    stem = word.removesuffix("e")
    return stem + "er", stem + "est"


def inflections(net: WordNet, word: str, pos: str) -> list[tuple[str, str]]:
    """(inflection, form) of every form that is met in a text, "chose" and "chosen" included."""
    found = list(forms_of(net, word, pos).items())
    if pos == "v" and "ed" not in dict(found):
        found += [("ed", form) for form in net.irregular.get((pos, word), []) if not form.endswith("ing")]
    return found


# --- synonyms


@dataclass(slots=True)
class Entry:
    """One row of the table."""

    form: str
    pos: str
    synonyms: list[str] = field(default_factory=list)
    antonyms: list[str] = field(default_factory=list)
    only_before: str = ""
    never_before: str = ""
    only_behind: str = ""
    ambiguous: bool = False


def backing(net: WordNet, word: str, other: str, pos: str) -> int | None:
    """How often SemCor has `other` in a first sense that it shares with `word`; None if they share none."""
    best: int | None = None
    for synset, _ in net.senses.get((word, pos), ())[:_DEEPEST_SOURCE]:
        if other in net.words[pos, synset]:
            found = net.rank(other, pos, synset)
            if found is not None and found[0] <= _DEEPEST_REPLACEMENT:
                best = max(best or 0, found[1])
    return best


def read_choices(path: Path) -> Iterator[tuple[str, str, list[str], dict[str, list[str]]]]:
    """(part of speech, word, replacements, {sign: words}) of each line."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        head, *conditions = line.split(" | ") if " | " in line else [line]
        pos, word, rest = re.fullmatch(r"([vnar]) (\w+): (.+)", head).groups()  # type: ignore[union-attr]
        signs: dict[str, list[str]] = defaultdict(list)
        for condition in conditions:
            if condition[0] == "-":
                signs["-"] += [w.lstrip("-") for w in condition.split()]
            else:
                signs[condition[0]] += condition[1:].split()
        yield pos, word, rest.split(", "), signs


def synonyms(net: WordNet, table: dict[tuple[str, str], Entry]) -> list[str]:
    """Fill `table`; returns the pairs that WordNet does not back."""
    refused: list[str] = []
    for pos, word, chosen, signs in read_choices(CHOICES):
        counts = {other: backing(net, word, other, pos) for other in chosen}
        refused += [f"{pos} {word}: {other}" for other, count in counts.items() if count is None]
        ranked = sorted(
            (o for o in chosen if counts[o] is not None), key=lambda o: (-(counts[o] or 0), chosen.index(o))
        )
        inflected = [forms_of(net, other, pos) for other in ranked]
        for ending, form in inflections(net, word, pos):
            replacements = [f[ending] for f in inflected if ending in f]
            if not replacements or form in signs["-"] or _taken(net, form, word, pos):
                continue
            entry = table.setdefault((form, pos), Entry(form, pos))
            entry.synonyms = replacements
            entry.only_before, entry.never_before = " ".join(signs["+"]), " ".join(signs["!"])
            entry.only_behind = " ".join(signs["<"])
    return refused


def _taken(net: WordNet, form: str, word: str, pos: str) -> bool:
    """Is `form` a word of its own beside being a form of `word`?"""
    return form != word and ((pos, form) in net.shared_forms or net.occurrences(form, pos) > 0)


# --- antonyms


def antonyms(net: WordNet, table: dict[tuple[str, str], Entry]) -> None:
    for (word, pos), senses in sorted(net.senses.items()):
        if not re.fullmatch("[a-z]{3,}", word) or word in _NO_ANTONYMS:
            continue
        found: list[tuple[int, str]] = []
        for synset, count in senses[:_DEEPEST_ANTONYM]:
            for other, there in net.opposites.get((word, pos, synset), ()):
                place = net.rank(other, pos, there)
                if place is None or min(count, place[1]) < _LEAST_COUNT or place[0] > _DEEPEST_ANTONYM:
                    continue
                if re.fullmatch("[a-z]{2,}", other) and other not in _NO_ANTONYMS:
                    found.append((place[1], other))
        if found:
            _add_antonyms(
                net, table, word, pos, list(dict.fromkeys(o for _, o in sorted(found, key=lambda f: (-f[0], f[1]))))
            )


def _add_antonyms(net: WordNet, table: dict[tuple[str, str], Entry], word: str, pos: str, others: list[str]) -> None:
    inflected = [forms_of(net, other, pos) for other in others]
    for ending, form in inflections(net, word, pos):
        opposite = [f[ending] for f in inflected if ending in f]
        if opposite and form not in _NOT_TURNED and not _taken(net, form, word, pos):
            table.setdefault((form, pos), Entry(form, pos)).antonyms = opposite


# --- the table


def mark_ambiguous(net: WordNet, table: dict[tuple[str, str], Entry]) -> None:
    """Forms that are often another part of speech; a participle may serve as verb and as adjective."""
    uses: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    wanted = {form for form, _ in table}
    for word, pos in net.senses:
        if word.isascii() and word.isalpha():
            for ending, form in inflections(net, word, pos):
                if form in wanted:
                    uses[form]["participle" if pos == "v" and ending == "ed" else pos] += net.occurrences(word, pos)
    for (form, pos), entry in table.items():
        found = uses[form]
        alike = {"a": {"a", "r", "participle"}, "v": {"v", "participle"}}.get(pos, {pos})
        if pos == "v" and found["participle"]:
            alike = alike | {"a"}
        other = sum(count for kind, count in found.items() if kind not in alike)
        entry.ambiguous = other > 0 and other >= _AMBIGUOUS * sum(found.values())


def _row(entry: Entry) -> str:
    words = (entry.form, entry.pos, ",".join(entry.synonyms), ",".join(entry.antonyms))
    conditions = (entry.only_before, entry.never_before, entry.only_behind, "?" if entry.ambiguous else "")
    return "\t".join((*words, *conditions)).rstrip("\t")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make perturbations/data/lexicon.tsv from WordNet's files.")
    parser.add_argument("folder", type=Path, help="WordNet 3.0's dict folder, with index.sense and data.noun")
    net = read_wordnet(parser.parse_args().folder)
    table: dict[tuple[str, str], Entry] = {}
    refused = synonyms(net, table)
    antonyms(net, table)
    mark_ambiguous(net, table)
    rows = [_row(entry) for _, entry in sorted(table.items())]
    TABLE.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{TABLE.name}: {len(rows)} forms, {sum(bool(e.synonyms) for e in table.values())} with synonyms")
    if refused:
        print("not backed by WordNet, dropped:", *refused, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
