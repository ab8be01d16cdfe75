"""LLMBar (Zeng et al. 2023, arXiv:2310.07641): pairs with an objective label, and its judges' verdicts in both orders.

Three shapes. A `dataset.json` is a list of {input, output_1, output_2, label 1|2}. A `result.json` adds `results`,
with the completion and the winner of the order as given ("swap = False") and swapped ("swap = True"). A table of
verdicts has {set, judge, strategy, idx, winner, winner_swap} and, where kept, the raw completions. Winners are always
told in the numbering of the given order, completions in that of the order shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from voirdire.harness.judges.parsing import parse_pairwise
from voirdire.harness.verdicts import Verdict
from voirdire.suites.loaders.collecting import GIVEN, SWAPPED, Collector, Loaded, group_of, slot_of
from voirdire.suites.loaders.formats import Format, Options, Shape, one_of
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_LABELS = {1: 0, 2: 1}
_WINNERS: Mapping[str | None, int | None] = {"1": 0, "2": 1, None: None}
_ORDERS = ((GIVEN, "swap = False"), (SWAPPED, "swap = True"))


def _read(source: Source, options: Options) -> Loaded:
    own = one_of(options, "verdicts", ("winners", "completions")) == "completions"
    found = Collector(source, "LLMBar", total=len(source.records))
    name, judge = _names(source.path)
    for record in source.records:
        if "winner_swap" in record.data:
            _row(found, record, own)
        else:
            _pair(found, record, name, judge, own)
    return found.done()


def _names(path: str) -> tuple[str, str]:
    """The set and the judge, as the data set's folders name them: SET/evaluators/JUDGE/STRATEGY/result.json."""
    parts = Path(path.removesuffix(".gz")).parts
    stem = Path(parts[-1]).stem
    if stem not in ("dataset", "result"):
        return stem, "recorded"
    if "evaluators" in parts[1:]:
        at = parts.index("evaluators", 1)
        return parts[at - 1], "/".join(parts[at + 1 : -1]) or "recorded"
    return (parts[-2] if len(parts) > 1 else stem), "recorded"


def _pair(found: Collector, record: Record, name: str, judge: str, own: bool) -> None:
    identity = f"{name}-{record.number - 1}"
    instruction = record.text("input")
    found.case(
        record,
        identity,
        instruction,
        (record.text("output_1"), record.text("output_2")),
        label=record.one_of("label", _LABELS),
        group=group_of(instruction),
        meta={"source": name},
    )
    if not record.has("results"):
        return
    for trial in record.children("results"):
        for order, key in _ORDERS:
            game = trial.child(key)
            completion = None
            if game.has("completion"):
                # [text, reason it stopped], or the text alone
                listed = isinstance(game.data["completion"], list) and game.data["completion"]
                completion = listed[0] if listed else game.data["completion"]
            winner = game.one_of("winner", _WINNERS)
            _verdict(found, game, f"{judge}", identity, order, winner, completion, own)


def _row(found: Collector, record: Record, own: bool) -> None:
    judge = f"{record.text('judge')}/{record.text('strategy')}"
    identity = f"{record.text('set').rsplit('/', 1)[-1]}-{record.whole('idx')}"
    for order, winner, completion in (
        (GIVEN, "winner", "completion"),
        (SWAPPED, "winner_swap", "completion_swap"),
    ):
        text = record.data.get(completion)
        _verdict(found, record, judge, identity, order, record.one_of(winner, _WINNERS), text, own)


def _verdict(
    found: Collector,
    record: Record,
    judge: str,
    identity: str,
    order: tuple[int, ...],
    winner: int | None,
    completion: object,
    own: bool,
) -> None:
    if completion is not None and not isinstance(completion, str):
        raise record.wrong("completion", "a text")
    if own:
        if completion is None:
            raise record.fail("there is no completion to read", hint="Leave out ?verdicts=completions.")
        verdict = parse_pairwise(completion)
        recorded = None if winner is None else slot_of(winner, order)
        if verdict.choice != recorded:
            found.tally("our parser reads a completion otherwise than the recorded winner", record)
    elif winner is None:
        verdict = Verdict(null="unparsed", reason="no winner was recorded", raw=completion)
    else:
        verdict = Verdict(choice=slot_of(winner, order), raw=completion)
    found.verdict(judge, "pairwise", identity, verdict, order=order)


def _fits(shape: Shape) -> bool:
    return shape.has("input", "output_1", "output_2", "label") or shape.has("set", "idx", "winner", "winner_swap")


FORMAT = Format(
    "llmbar",
    "LLMBar pairs (dataset.json), its recorded verdicts (result.json) and tables of verdicts",
    _read,
    _fits,
    {"verdicts": "winners: as recorded (default); completions: read again from the raw replies by our parser"},
)
