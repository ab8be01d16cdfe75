"""Makes docs/probes/: a page a family of probes, from the registry, each probe with an example from the built-in cases.

    python scripts/make_catalogue.py            # writes the pages
    python scripts/make_catalogue.py --check    # exits 1 and names the pages that differ

Run it when a probe is added or its texts change. What a family is about is said in FAMILIES below, nothing else is
written by hand.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

os.environ["VOIRDIRE_NO_PLUGINS"] = "1"  # the pages describe what voirdire ships, not what this machine has installed

from voirdire.harness.cases import Case, FollowUp, text_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps, is_aimed
from voirdire.harness.judges.exposed import ExposedPrompt
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.judges.setups import apply_setup
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.targets import targets_of
from voirdire.perturbations.rewritten import REWRITES
from voirdire.reports.text import Piece, excerpt, pieces, visible
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.loading import builtin_suites, load_suite
from voirdire.suites.rows import PROBES

FOLDER = Path(__file__).parent.parent / "docs" / "probes"
#: characters of an example; longer texts are cut around the edit
LIMIT = 420
#: columns of a line of an example
WIDTH = 100

#: family -> what it is about, in the order of the index
FAMILIES = {
    "stability": "The judge's own noise, which every other effect is held against.",
    "order": "The same answers in other places: does the verdict follow the answers or the slots?",
    "labels": "Labels on the answers: is being called *Answer A* worth anything?",
    "verbosity": "More words that say nothing more: is a longer answer a better one?",
    "authority": "Made-up sources that agree with the answer: does the judge believe a citation it cannot check?",
    "format": "Headings, bold, lists, tables around the same content: is it the looks?",
    "typos": "Slips of the keyboard, look-alike and invisible characters, odd capitals.",
    "lexical": "Other words for the same thing: synonyms, contractions, figures in words, paraphrases.",
    "layout": "Blanks, tabs, line ends: what nobody sees.",
    "tone": "How it is said: assertive, hedged, cheerful, sad, flattering.",
    "identity": "Who wrote it or who asks: gender, age, nationality, profession, language.",
    "social": "What others are said to think, who is said to have written the answer, what came before.",
    "injection": "Text in the answer that speaks to the judge: pleas, commands, forged messages and verdicts.",
    "phrases": "Short phrases that searches found to raise scores whatever they stand behind.",
    "null_answers": "Answers that say nothing, against good ones: a judge must not let them win.",
    "degradation": "Damage that a judge must notice: a wrong number, a broken step, a missing end.",
    "setup": "The judge's own prompt: other names for the slots, another scale, other words, no rubric.",
}
_RECIPE = """Bread needs **little**.

Mix 500 g of flour with {} ml of water and leave the dough alone until the next morning, covered and not too warm.

- flour
- water
- salt"""
#: for what no built-in answer has: bold words, a list that was asked for, empty lines
_OWN = Case(
    instruction="What do I need for bread? Give a bulleted list.",
    responses=(_RECIPE.format(350), _RECIPE.format(950)),
    id="of our own",
    label=0,
    rubric="Please check that the answer (as always) gives amounts.\nIt must be a list.",
    reference="flour; water; yeast; salt",
)
_CLAIMS = {
    "preserving": "the content stays the same",
    "addition": "only adds",
    "attack": "only adds, and means harm",
    "degrading": "makes the answer worse",
}
_OPTIONAL = "Needs the extra `textattack`; without it the probe is not applicable and says so."
_WRITTEN = "A model writes this text once, into a file of rewrites ([how](../extending.md#texts-that-a-model-writes))."


def pages() -> dict[str, str]:
    """File name -> Markdown. Raises SystemExit where a family has no sentence in FAMILIES."""
    families: dict[str, list[Probe]] = {}
    for probe in sorted(PROBES.values(), key=lambda p: p.name):
        families.setdefault(probe.family, []).append(probe)
    unknown = set(families) - set(FAMILIES)
    if unknown:
        raise SystemExit(f"give FAMILIES in {__file__} a sentence about: {', '.join(sorted(unknown))}")
    suites = [load_suite(name) for name in builtin_suites()]
    made = {"README.md": _index(families)}
    for family, probes in families.items():
        made[f"{family}.md"] = _page(family, probes, suites)
    return made


def _index(families: dict[str, list[Probe]]) -> str:
    number = sum(map(len, families.values()))
    lines = [
        "# The probes",
        "",
        f"{number} probes in {len(families)} families, made by `python scripts/make_catalogue.py` from the registry; "
        "`voirdire probes` prints the",
        "same list, `voirdire probes --show NAME --cases FILE` what a probe does to your own answers. How to read "
        "*must hold*",
        "is in [the statistics](../statistics.md), how to write a probe in [extending](../extending.md).",
        "",
        "| family | probes | about |",
        "|---|---:|---|",
    ]
    for family, about in FAMILIES.items():
        if family in families:
            lines.append(f"| [{family}]({family}.md) | {len(families[family])} | {about} |")
    return "\n".join(lines) + "\n"


def _page(family: str, probes: list[Probe], suites: list[Suite]) -> str:
    lines = [f"# {family}", "", FAMILIES[family], ""]
    lines += ["Deleted text stands between `[-` and `-]`, added text between `{+` and `+}`; invisible characters are"]
    lines += ["written out."]
    for probe in probes:
        lines += ["", f"## {probe.name}", "", probe.summary, "", *_facts(probe, suites), ""]
        lines += _example(probe)
    return "\n".join(lines) + "\n"


def _facts(probe: Probe, suites: Iterable[Suite]) -> Iterator[str]:
    edit = PERTURBATIONS.get(probe.perturbation) if probe.perturbation is not None else None
    yield f"- **must hold**: {probe.relation.words} (`{probe.relation}`{_bound(probe)})"
    if edit is not None:
        placebo = "; compared with a placebo, too" if probe.sham else ""
        field = getattr(edit, "where", None)  # of those that edit what answers are judged by
        claim = "changes what the answers are judged by" if field and edit.claim == "degrading" else _CLAIMS[edit.claim]
        yield f"- **edit**: of {f'the {field}' if field else _edited(probe)}, `{edit.claim}`: {claim}{placebo}"
    if edit is not None and is_aimed(edit.name):
        yield "- **needs**: a judge that voirdire prompts; the example is made of voirdire's own prompt"
    if len(probe.tasks) < 4:
        yield f"- **tasks**: {', '.join(probe.tasks)}"
    inside = [f"`{s.name}`" for s in suites if any(p.name == probe.name for p in s.probes)]
    yield f"- **suites**: {', '.join(inside) or 'none'}"
    if probe.metrics:
        yield f"- **metrics**: {', '.join(f'`{m}`' for m in probe.metrics)}"
    yield f"- **source**: {_linked(probe.source)}"


def _bound(probe: Probe) -> str:
    if probe.relation is Relation.MUST_DROP and probe.min_drop is not None:
        return f", by {probe.min_drop:g} at least"
    return f", tolerance {probe.tolerance:g}" if probe.tolerance is not None else ""


def _edited(probe: Probe) -> str:
    if probe.relation is Relation.MUST_DROP:
        return "the right answer"
    return "each answer in turn" if probe.target == "each" else f"the {probe.target} answer"


def _linked(source: str) -> str:
    """arXiv ids as links."""
    words = []
    for word in source.split(" "):
        number = word.strip("().,;").removeprefix("arXiv:")
        link = f"[arXiv:{number}](https://arxiv.org/abs/{number})"
        words.append(word.replace(f"arXiv:{number}", link) if "arXiv:" in word else word)
    return " ".join(words)


# --- examples --------------------------------------------------------------------------------------------------------


def _example(probe: Probe) -> Iterator[str]:
    if probe.setup is not None:
        return _of_prompt(probe)
    if probe.perturbation is None:
        return _of_order(probe)
    if probe.perturbation in REWRITES:
        return iter([_WRITTEN])
    if ".textattack-" in probe.name:
        return iter([_OPTIONAL])
    return _of_edit(probe, probe.perturbation)


def _of_order(probe: Probe) -> Iterator[str]:
    if probe.relation is Relation.RETEST:
        shown = ["call 1, call 2:  A  B"]
    elif probe.orders == "both":
        shown = ["source:     A  B", "follow-up:  B  A"]
    elif probe.orders == "rotations":
        shown = ["source:      A  B  C", "follow-ups:  B  C  A", "             C  A  B"]
    else:
        shown = ["source:      A  B  C", "follow-ups:  C  A  B", "             B  A  C  ..."]
    yield from ["```text", *shown, "```"]


def _of_prompt(probe: Probe) -> Iterator[str]:
    """What becomes of voirdire's own prompt."""
    (case, *_) = builtin_cases(probe.tasks[0])
    before = default_protocol(probe.tasks[0])
    try:
        after = apply_setup(probe.setup or "", before)
    except NotApplicable as error:
        yield f"With voirdire's own prompt it does not apply: {error.message}."
        return
    if after == before:
        yield "The prompt stays as it is, and is asked with one criterion of the rubric at a time."
        return
    texts = ["\n".join(m["content"] for m in p.render(case)).splitlines() for p in (before, after)]
    if len(texts[0]) == len(texts[1]):  # line by line: a general diff would take an exchange of labels for one of texts
        changed = [f"{mark} {line}" for pair in zip(*texts, strict=True) for mark, line in _differing(*pair)]
    else:
        changed = [line for line in difflib.ndiff(*texts) if line[:2] in ("- ", "+ ")]
    yield from ["In voirdire's own prompt:", "", "```diff", *(line.rstrip() for line in changed), "```"]


def _differing(before: str, after: str) -> tuple[tuple[str, str], ...]:
    return (("-", before), ("+", after)) if before != after else ()


def _of_edit(probe: Probe, name: str) -> Iterator[str]:
    found = _shortest(probe, name)
    if isinstance(found, str):
        yield f"No built-in case fits, so there is no example here: {found}."
        return
    case, target, made, sham = found
    yield f"Answer {target + 1} of {'a case of our own' if case is _OWN else f'case `{case.id}`'}:"
    for where in dict.fromkeys(e.where for e in made.edits):
        if where != f"responses[{target}]":
            yield from ["", f"in `{where}`:"]
        before, after = text_of(case, where), text_of(made.case, where)
        edits = [e for e in made.edits if e.where == where]
        yield from ["", *_block(excerpt(pieces(before, after, edits), LIMIT))]
        if sham is not None and text_of(sham, where) != before:
            shown = excerpt(pieces(before, text_of(sham, where)), LIMIT)
            yield from ["", "its placebo:", "", *_block(shown)]


def _block(parts: Iterable[Piece]) -> Iterator[str]:
    text = "".join(_marked(p) for p in parts)
    fence = "````" if "```" in text else "```"
    lines = (part.rstrip() for line in text.split("\n") for part in _wrapped(line))
    yield from [f"{fence}text", *lines, fence]


def _wrapped(line: str) -> list[str]:
    """At most about WIDTH characters a line, broken at blanks, which an edit of blanks never is: those are marked."""
    options = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(line, WIDTH, replace_whitespace=False, expand_tabs=False, **options) or [line]


def _marked(piece: Piece) -> str:
    text = visible(piece.text)
    if piece.kind == "same":
        return text
    if piece.kind == "gap":
        return " […] "
    if not text.strip():  # a change of blanks alone would not be seen
        text = text.replace(" ", "·").replace("\u3000", "⟨U+3000⟩").replace("\t", "→").replace("\n", "⏎\n")
        text = text.replace("\u00a0", "⟨U+00A0⟩").replace("\r", "␍")
    return f"[-{text}-]" if piece.kind == "del" else f"{{+{text}+}}"


def _shortest(probe: Probe, name: str) -> tuple[Case, int, FollowUp, Case | None] | str:
    """The shortest English case that the probe applies to, else a Chinese one, else ours, else the usual reason."""
    task = "pairwise" if "pairwise" in probe.tasks else probe.tasks[0]
    # what is aimed at a judge's prompt is shown as aimed at voirdire's own
    followups = FollowUps(prompt=ExposedPrompt(default_protocol(task)))
    reasons: Counter[str] = Counter()
    cases = builtin_cases(task)
    for case in (*sorted(cases, key=lambda c: (c.meta.get("lang") != "en", _length(c), c.id)), _OWN):
        try:
            for target in targets_of(case, probe, task):
                made = followups.make(name, case, target, probe.dose)
                sham = followups.sham(name, case, target, made) if probe.sham else None
                return case, target, made, sham
        except NotApplicable as error:
            reasons[error.message] += 1
    return reasons.most_common(1)[0][0]


def _length(case: Case) -> int:
    return len(case.instruction_text) + sum(map(len, case.responses))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    made = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    if parser.parse_args().check:
        differ = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
        for name in differ:
            print(f"docs/probes/{name} is not what the registry gives: run python scripts/make_catalogue.py")
        return int(bool(differ))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in there.keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
