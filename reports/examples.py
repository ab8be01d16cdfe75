"""Counter-examples as JSON lines (`examples.jsonl`) and back: what a stored run needs to be rendered again.

Judged text stands here unescaped, as data. `meta` keeps only its small plain entries: images pass through cases
untouched, but no report shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from voirdire.harness.cases import Case, Edit, Turn
from voirdire.harness.errors import UsageError
from voirdire.harness.findings import CounterExample
from voirdire.harness.verdicts import Verdict

__all__ = ["dump", "dumps", "load"]

_SMALL_META = 200


def dumps(data: Any) -> str:
    """One line of JSON, keys in the order given, no NaN; readable UTF-8 unless a lone surrogate forbids it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text


def dump(examples: Iterable[CounterExample]) -> str:
    """All examples, one a line."""
    return "".join(dumps(_example(e)) + "\n" for e in examples)


def load(text: str, *, path: str) -> tuple[CounterExample, ...]:
    """The inverse of `dump`. Raises UsageError naming `path` and the line."""
    out = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            out.append(_from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(
                f"{path}, line {number}: not a counter-example ({type(error).__name__}: {str(error)[:200]})",
                hint="The file was changed after the run; run the audit again (cached calls cost nothing).",
            ) from None
    return tuple(out)


def _example(example: CounterExample) -> dict[str, Any]:
    verdicts = (example.source_verdict, example.follow_up_verdict)
    return {
        "case_id": example.case_id,
        "probe": example.probe,
        "target": example.target,
        "why": example.why,
        "before": example.before,
        "after": example.after,
        "reproduced": list(example.reproduced) if example.reproduced else None,
        "edits": [[e.start, e.end, e.text, e.where] for e in example.edits],
        "source_verdict": verdicts[0].to_json() if verdicts[0] else None,
        "follow_up_verdict": verdicts[1].to_json() if verdicts[1] else None,
        "source": _case(example.source),
        "follow_up": _case(example.follow_up),
    }


def _from_json(data: Mapping[str, Any]) -> CounterExample:
    reproduced = data["reproduced"]
    return CounterExample(
        case_id=str(data["case_id"]),
        probe=str(data["probe"]),
        source=_to_case(data["source"]),
        follow_up=_to_case(data["follow_up"]),
        target=int(data["target"]),
        edits=tuple(Edit(int(s), int(e), str(t), str(w)) for s, e, t, w in data["edits"]),
        source_verdict=Verdict.from_json(data["source_verdict"]) if data["source_verdict"] else None,
        follow_up_verdict=Verdict.from_json(data["follow_up_verdict"]) if data["follow_up_verdict"] else None,
        before=data["before"],
        after=data["after"],
        why=str(data["why"]),
        reproduced=(int(reproduced[0]), int(reproduced[1])) if reproduced else None,
    )


def _case(case: Case) -> dict[str, Any]:
    data: dict[str, Any] = {"id": case.id, **case.shown()}
    if case.label is not None:
        data["label"] = list(case.label) if isinstance(case.label, tuple) else case.label
    if case.group is not None:
        data["group"] = case.group
    small = {k: v for k, v in case.meta.items() if _is_small(v)}
    if small:
        data["meta"] = small
    return data


def _is_small(value: Any) -> bool:
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= _SMALL_META)


def _to_case(data: Mapping[str, Any]) -> Case:
    instruction = data["instruction"]
    label = data.get("label")
    return Case(
        instruction=instruction
        if isinstance(instruction, str)
        else tuple(Turn(str(t["role"]), str(t["content"])) for t in instruction),
        responses=tuple(str(r) for r in data["responses"]),
        id=str(data["id"]),
        reference=data.get("reference"),
        rubric=data.get("rubric"),
        context=data.get("context"),
        label=tuple(label) if isinstance(label, list) else label,
        group=data.get("group"),
        meta=data.get("meta", {}),
    )
