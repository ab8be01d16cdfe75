"""LLMBar's recorded verdicts as cases and a replay file, and the numbers published for them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

Find = Callable[[str], Path]

#: short name -> the data set's own path
GROUPS = {
    "Natural": "LLMBar/Natural",
    "Neighbor": "LLMBar/Adversarial/Neighbor",
    "FairEval": "Processed/FairEval",
    "MT-Bench": "Processed/MT-Bench",
}


def write_inputs(find: Find, group: str, judge: str, strategy: str, folder: Path) -> tuple[Path, Path]:
    """(cases.jsonl, replay.jsonl) of one group. Winners are recorded in the numbering of the given order."""
    path = GROUPS[group]
    records = json.loads(find(f"llmbar/{path}.json").read_text(encoding="utf-8"))
    cases, verdicts = folder / f"{group}.jsonl", folder / f"{group}.{judge}.replay.jsonl"
    with cases.open("w", encoding="utf-8") as file:
        for i, r in enumerate(records):
            case = {
                "id": f"{group}-{i}",
                "instruction": r["input"],
                "responses": [r["output_1"], r["output_2"]],
                "label": r["label"] - 1,
            }
            file.write(json.dumps(case) + "\n")
    # asked once each, at temperature 0
    lines: list[object] = [
        {"schema": "voirdire.replay/1", "task": "pairwise", "judge": f"{judge}/{strategy}", "deterministic": True}
    ]
    with gzip.open(find("llmbar/recorded_verdicts.jsonl.gz"), "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if (row["set"], row["judge"], row["strategy"]) != (path, judge, strategy):
                continue
            given = {"1": "A", "2": "B"}.get(row["winner"])
            swapped = {"1": "B", "2": "A"}.get(row["winner_swap"])  # output 1 stands in slot B there
            for order, verdict in (([0, 1], given), ([1, 0], swapped)):
                lines.append({"id": f"{group}-{row['idx']}", "order": order, "sample": 0, "verdict": verdict})
    verdicts.write_text("\n".join(json.dumps(x) for x in lines) + "\n", encoding="utf-8")
    return cases, verdicts


def published(find: Find, group: str, judge: str, strategy: str) -> tuple[float, float]:
    """(Acc., Agr.) as the repository's own statistics give them, as shares."""
    table = json.loads(find("llmbar/published_statistics.json").read_text(encoding="utf-8"))
    row = table[f"{GROUPS[group]}|{judge}|{strategy}"]
    return float(row["correct_average"].rstrip("%")) / 100, float(row["equal"].split("=")[1].rstrip("%")) / 100
