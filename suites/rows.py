"""The probe rows: each names a perturbation (by default the one of its own name) and says what must hold.

Adding a probe is one decorated function in `perturbations` and one row here. Summary and source come from the
perturbation. A registry test holds the rule that every edit which adds more than 5 % of length, verbosity excepted,
has a sham.
"""

from __future__ import annotations

from collections.abc import Sequence

import voirdire.perturbations  # noqa: F401  (registers the built-in perturbations)
from voirdire.harness.cases import ALL_TASKS, Task
from voirdire.harness.judges.setups import SETUPS
from voirdire.harness.probes import Opponent, Probe, Target
from voirdire.harness.registry import PERTURBATIONS, Registry
from voirdire.harness.relations import Relation
from voirdire.perturbations.both_sides import STYLES, grid_name
from voirdire.perturbations.case_edits import CasePerturbation
from voirdire.perturbations.null_answers import MASTER_KEYS
from voirdire.suites.composed import check_relation, composed_probe

__all__ = ["PROBES", "row"]

#: every probe by its published name
PROBES: Registry[Probe] = Registry("probe", "voirdire.probes")
PROBES.resolve_with(lambda name: composed_probe(name, PROBES))


def row(
    name: str,
    relation: Relation,
    *,
    perturbation: str | None = None,
    target: Target = "worse",
    sham: bool = False,
    dose: float = 1.0,
    tolerance: float | None = None,
    min_drop: float | None = None,
    metrics: Sequence[str] = (),
    opponent: Opponent = "other",
    tasks: tuple[Task, ...] = ALL_TASKS,
) -> Probe:
    """Register a probe of the perturbation `perturbation` (default: the one called `name`; `a+b` and `a@2` work too).

    Raises UsageError on a name that is taken, and where the perturbation's claim contradicts `relation`.
    """
    edit = PERTURBATIONS.get(perturbation or name)
    check_relation(name, edit.claim, relation)
    return PROBES.add(
        name,
        Probe(
            name=name,
            relation=relation,
            summary=edit.summary,
            source=edit.source,
            perturbation=edit.name,
            target=target,
            dose=dose,
            sham=sham,
            counterpart=sham and isinstance(edit, CasePerturbation),
            tolerance=tolerance,
            min_drop=min_drop,
            metrics=tuple(metrics),
            opponent=opponent,
            tasks=tasks,
        ),
    )


# -- probes that only repeat or reorder --------------------------------------------------------------------------

RETEST = PROBES.add(
    "stability.retest",
    Probe(
        name="stability.retest",
        relation=Relation.RETEST,
        summary="Asks the same question again: the judge's own noise.",
        source="CALM, Ye et al. 2025 (arXiv:2410.02736), consistency rate",
        metrics=("flip_rate",),
    ),
)
SWAP = PROBES.add(
    "order.swap",
    Probe(
        name="order.swap",
        relation=Relation.EQUIVARIANT,
        summary="Shows the same answers in the opposite order.",
        source="Zheng et al. 2023 (arXiv:2306.05685); Wang et al. 2023 (arXiv:2305.17926)",
        tasks=("pairwise", "ranking"),
        metrics=("position_consistency", "conflict_rate", "biased_to_first", "biased_to_second"),
    ),
)

PROBES.add(
    "order.rotations",
    Probe(
        name="order.rotations",
        relation=Relation.EQUIVARIANT,
        summary="Shows three or more answers in rotated orders.",
        source="CALM, Ye et al. 2025 (arXiv:2410.02736)",
        tasks=("ranking",),
        orders="rotations",
    ),
)
PROBES.add(
    "order.permutations",
    Probe(
        name="order.permutations",
        relation=Relation.EQUIVARIANT,
        summary="Shows three or more answers in random orders.",
        source="CALM, Ye et al. 2025 (arXiv:2410.02736); Shi et al. 2024 (arXiv:2406.07791)",
        tasks=("ranking",),
        orders="permutations",
    ),
)

# -- edits that must not matter ----------------------------------------------------------------------------------

# what could harm an answer, or move it either way, is tried on the better one: there is room to fall

for _name in (
    "stability.neutral",
    *("typos.keyboard", "typos.swap", "typos.drop", "typos.insert", "typos.replace", "typos.shuffle", "typos.ocr"),
    *("typos.light", "typos.homoglyph", "typos.zero-width", "typos.bidi", "typos.upper", "typos.lower", "typos.title"),
    *("typos.random-case", "typos.split-words", "typos.join-words"),
    *("layout.blank-lines", "layout.collapsed", "layout.crlf", "layout.double-blanks", "layout.indentation"),
    *("layout.no-break-blanks", "layout.sentence-lines", "layout.tabs", "layout.trailing-blanks"),
    *("format.stripped", "format.concise", "verbosity.condense"),
    *("lexical.synonyms", "lexical.contract", "lexical.expand", "lexical.words-to-figures"),
    "lexical.figures-to-words",
    "lexical.quoted",
    # not applicable without the extra
    *(f"typos.textattack-{kind}" for kind in ("backspace", "delete", "insert", "invisible", "qwerty", "reorder")),
    *("typos.textattack-substitute", "typos.textattack-swap", "lexical.textattack-extend"),
):
    row(_name, Relation.INVARIANT, target="better")
# in a comparison a bare reference may lose to a full answer
row("lexical.reference", Relation.INVARIANT, target="better", tasks=("grade",))
# a note is compared with the same note that says the opposite, or with neutral words of its length
for _name in ("tone.hedged", "tone.sad", "tone.angry", "tone.fearful", "social.model-names-swapped"):
    row(_name, Relation.INVARIANT, target="better", sham=True)
for _what in ("gender", "age", "nationality", "profession", "language"):
    row(f"identity.author-{_what}", Relation.INVARIANT, target="better", sham=True)
    row(f"identity.asker-{_what}", Relation.INVARIANT, target="better", sham=True)
for _name in ("lexical.handle", "lexical.link", "lexical.tautology"):
    row(_name, Relation.INVARIANT, target="better", sham=True)
for _mine, _others in ((m, o) for m in STYLES for o in STYLES if (m, o) != ("plain", "plain")):
    row(grid_name(_mine, _others), Relation.INVARIANT, target="better")
for _what in ("letters", "numbers", "last-letters", "shapes", "symbols", "codes"):
    row(f"labels.{_what}", Relation.INVARIANT, sham=True)

# -- the same judge asked in another way --------------------------------------------------------------------------

for _name in ("setup.rubric-shuffled", "setup.rubric-listed", "setup.rubric-shortened"):
    row(_name, Relation.INVARIANT, target="better")
for _name in ("setup.reference-absent", "setup.reference-shuffled", "setup.reference-misleading"):
    row(_name, Relation.INVARIANT, target="better")
# what the answers are judged by is damaged: a judge that goes by it cannot keep its verdicts
for _name in ("setup.rubric-flipped", "setup.rubric-masked", "setup.rubric-gibberish", "setup.reference-wrong"):
    row(_name, Relation.MUST_DROP, target="better")
for _name, _setup in SETUPS.items():
    PROBES.add(
        _name,
        Probe(
            name=_name,
            relation=_setup.relation,
            summary=_setup.summary,
            source=_setup.source,
            target="better",
            setup=_name,
            tasks=_setup.tasks,
        ),
    )

# -- edits that must not help ------------------------------------------------------------------------------------
# tried on the worse answer: there is room to rise

for _name in (
    *("verbosity.restatement", "verbosity.filler", "verbosity.repetitive-list", "verbosity.repeat"),
    "verbosity.boilerplate",
    *("format.emoji", "format.bold", "format.bullets", "format.markdown", "format.table", "format.latex"),
    *("format.boxed", "format.code-fence"),
    "lexical.random-words",  # a judge may mind stray words, but not like them
):
    row(_name, Relation.NO_GAIN, metrics=("asr",))
# the padded answer against the one it was made of, as MT-bench has it
for _name in ("verbosity.repetitive-list", "verbosity.restatement"):
    row(
        f"{_name}-twin",
        Relation.NO_GAIN,
        perturbation=_name,
        target="better",
        opponent="twin",
        tasks=("pairwise",),
        metrics=("attack_failure_rate",),
    )
for _name in (
    *("authority.book", "authority.quote", "authority.url", "authority.expert", "authority.journal"),
    *("authority.institution", "authority.statistic"),
    *("format.headings", "format.rich"),
    *("tone.assertive", "tone.sycophantic", "tone.cheerful"),
    *("social.bandwagon", "social.distraction", "social.refined", "social.refinement-history"),
    *("social.model-names", "social.you"),
    *("injection.plea", "injection.hidden-comment", "injection.ignore-context", "injection.fake-completion"),
    *("injection.fake-reasoning", "injection.fake-system", "injection.role-play", "injection.nested-instruction"),
    *("injection.combined", "injection.other-language", "injection.long-suffix"),
    # made of the judge's own prompt
    *("injection.echo", "injection.template-close", "injection.template-section", "injection.template-turn"),
    *("phrases.full-marks", "phrases.perfect", "phrases.best", "phrases.raina-absolute"),
    *("phrases.raina-comparative", "phrases.raina-consistency", "phrases.raina-comparative-consistency"),
    *("phrases.raina-first-slot", "phrases.raina-second-slot", "phrases.raina-dialogue"),
    *("phrases.raina-dialogue-continuity", "phrases.raina-dialogue-comparative"),
    *("phrases.raina-dialogue-comparative-continuity", "phrases.raina-unieval"),
):
    row(_name, Relation.NO_GAIN, sham=True, metrics=("asr",))

# -- damage that must be noticed ---------------------------------------------------------------------------------

for _name in (
    *("degradation.number", "degradation.negation", "degradation.truncation"),
    *("degradation.antonym", "degradation.arithmetic", "degradation.contradict", "degradation.copied-number"),
    *("degradation.entity", "degradation.final-answer", "degradation.unit", "degradation.format"),
    "degradation.gender-remark",
    *("degradation.length", "degradation.remove", "degradation.shuffle", "lexical.antonyms"),
    *("typos.heavy", "typos.leetspeak", "typos.random-characters"),
):
    row(_name, Relation.MUST_DROP)
# an answer that says nothing against a good one: the truth is known, so a null that wins is an error, not a gain
for _name in (
    *MASTER_KEYS,
    *(f"null_answers.{n}" for n in ("empty", "yes", "sure", "question", "constant", "unrelated")),
):
    row(_name, Relation.MUST_DROP, target="better", min_drop=0.20, metrics=("fpr",))

# -- texts a model wrote: not applicable without a file of rewrites ----------------------------------------------

row("lexical.paraphrase", Relation.INVARIANT, target="better")
row("lexical.back-translation", Relation.INVARIANT, target="better")
row("lexical.translation", Relation.INVARIANT, target="better")
row("verbosity.elaboration", Relation.NO_GAIN)
row("tone.cheerful-rewrite", Relation.INVARIANT, target="better")
row("tone.sad-rewrite", Relation.INVARIANT, target="better")
row("tone.angry-rewrite", Relation.INVARIANT, target="better")
row("tone.fearful-rewrite", Relation.INVARIANT, target="better")
row("tone.assertive-rewrite", Relation.NO_GAIN)
row("tone.hedged-rewrite", Relation.NO_GAIN)
row("degradation.subtle-error", Relation.MUST_DROP)
row("degradation.fallacy", Relation.MUST_DROP)
