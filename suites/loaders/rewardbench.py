"""RewardBench (Lambert et al. 2024), RewardBench 2 and RM-Bench (Liu et al. 2024): a chosen and rejected answers.

RewardBench {id, subset, prompt, chosen, rejected, chosen_model, rejected_model}: pairs. RewardBench 2 {id, subset,
prompt, chosen: [..], rejected: [..], num_correct}: one against several. RM-Bench {id, domain, prompt, chosen: [3],
rejected: [3]}, each in the styles concise, detailed, detailed with markdown: nine pairs, `meta.difficulty` "hard" where
the wrong answer is the fancier one, "easy" where the right one is, else "normal".
"""

from __future__ import annotations

from voirdire.harness.cases import Turn
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.formats import Format, Options
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_STYLES = ("concise", "detailed", "markdown")


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "RewardBench", total=len(source.records))
    for record in source.records:
        key = record.key("id") if record.has("id") else str(record.number - 1)
        if "domain" in record.data:
            _styles(found, record, key)
        elif isinstance(record.data.get("chosen"), list) and not _is_chat(record, "chosen"):
            _several(found, record, key)
        else:
            _pair(found, record, key)
    return found.done()


def _pair(found: Collector, record: Record, key: str) -> None:
    models = [record.optional_text("chosen_model"), record.optional_text("rejected_model")]
    found.case(
        record,
        f"rewardbench-{key}",
        _prompt(record),
        (_answer(record, "chosen"), _answer(record, "rejected")),
        label=0,
        meta={"category": record.optional_text("subset"), "models": [m for m in models if m]},
        group=group_of(repr(record.data.get("prompt"))),
    )


def _several(found: Collector, record: Record, key: str) -> None:
    chosen, rejected = record.texts("chosen"), record.texts("rejected")
    if not chosen or not rejected:
        raise record.wrong("chosen" if not chosen else "rejected", "a list of at least one text")
    if len(chosen) > 1:
        found.tally("several answers are right, so no single one is the label", record)
    found.case(
        record,
        f"rewardbench-{key}",
        _prompt(record),
        (*chosen, *rejected),
        label=0 if len(chosen) == 1 else None,
        group=f"rewardbench-{key}",
        meta={"category": record.optional_text("subset"), "right": len(chosen)},
    )


def _styles(found: Collector, record: Record, key: str) -> None:
    chosen, rejected = record.texts("chosen", 3), record.texts("rejected", 3)
    prompt = _prompt(record)
    for i, right in enumerate(chosen):
        for j, wrong in enumerate(rejected):
            found.case(
                record,
                f"rm-bench-{key}-{i}{j}",
                prompt,
                (right, wrong),
                label=0,
                group=f"rm-bench-{key}",
                meta={
                    "category": record.text("domain"),
                    "difficulty": "hard" if j > i else "easy" if j < i else "normal",
                    "styles": [_STYLES[i], _STYLES[j]],
                },
            )


def _is_chat(record: Record, name: str) -> bool:
    value = record.data.get(name)
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _prompt(record: Record) -> str | tuple[Turn, ...]:
    if _is_chat(record, "prompt"):
        return tuple(Turn(m.text("role"), m.text("content")) for m in record.children("prompt"))
    return record.text("prompt")


def _answer(record: Record, name: str) -> str:
    """An answer as a text, or the last message of a conversation."""
    return record.children(name)[-1].text("content") if _is_chat(record, name) else record.text(name)


FORMAT = Format(
    "rewardbench",
    "RewardBench, RewardBench 2 and RM-Bench: chosen against rejected answers",
    _read,
    lambda shape: shape.has("prompt", "chosen", "rejected"),
)
