"""docs/anchors.md: published numbers beside ours, computed from the public data.

    python scripts/make_anchors.py DATA            # writes the page
    python scripts/make_anchors.py DATA --check    # exits 1 if the page differs

DATA is the folder that tests read (VOIRDIRE_DATA). tests/loaders/test_anchors.py calls the same function and holds the
page against it. Not here: what is tested beyond the page (tests/loaders/test_loader_public_data.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.statistics.metric_accuracy import acc
from voirdire.harness.statistics.metric_agreement import cohen_kappa, krippendorff_alpha
from voirdire.harness.statistics.metric_position import agr, conflict_rate
from voirdire.harness.statistics.metric_scores import average_rank, average_score
from voirdire.suites.loaders import load, recorded_judge
from voirdire.suites.loaders.replaying import choose, scores, utilities

PAGE = Path(__file__).parent.parent / "docs" / "anchors.md"


class Anchor(NamedTuple):
    """One number. `published` None: the source gives none for exactly this, `why` says what ours is then."""

    data: str
    judge: str
    metric: str
    published: float | None
    ours: float
    why: str = ""


def anchors(data: Path) -> Iterator[Anchor]:
    """Every number of the page. Raises what the loaders raise."""
    yield from _llmbar(data / "llmbar")
    yield from _pandalm(data / "pandalm")
    yield from _mt_bench(data / "mt_bench_absolute" / "mt_bench_eval.json")
    yield from _topicalchat(data / "topicalchat_usr")
    yield from _mocks(data)


def _llmbar(root: Path) -> Iterator[Anchor]:
    published = json.loads((root / "published_statistics.json").read_text(encoding="utf-8"))
    recorded = load(f"llmbar:{root / 'recorded_verdicts.jsonl.gz'}").recorded
    by_judge = {r.judge: r for r in recorded}
    files = [p for p in root.glob("**/*.json") if p.parent != root]
    cases = {p.relative_to(root).with_suffix("").as_posix(): load(f"llmbar:{p}").cases for p in files}
    equal = 0
    for group, row in published.items():
        name, judge, strategy = group.split("|")
        table = np.array(utilities(by_judge[f"{judge}/{strategy}"], cases[name]))
        wanted = _share(row["correct_average"]), _share(row["equal"].split("=")[1])
        # the paper counts a null as wrong and two nulls as agreeing; ours leaves nulls out and counts them
        right = float(np.nan_to_num(table).mean())
        same = float(((table[:, 0] == table[:, 1]) | np.isnan(table).all(axis=1)).mean())
        equal += math.isclose(right, wanted[0], abs_tol=1e-9) and math.isclose(same, wanted[1], abs_tol=1e-9)
        if judge == "ChatGPT" and strategy == "Vanilla_NoRules" and not np.isnan(table).any():
            yield Anchor(f"LLMBar {name}", judge, "Acc.", wanted[0], acc(table).value or 0.0)
            yield Anchor(f"LLMBar {name}", judge, "Agr.", wanted[1], agr(table).value or 0.0)
    yield Anchor("LLMBar, all groups", "4 judges, 15 strategies", "groups with equal Acc. and Agr.", 312, equal)
    yield from _completions(root, published, cases)
    chatgpt = choose(recorded, "ChatGPT/Vanilla_NoRules", path="llmbar")
    rate = conflict_rate(utilities(chatgpt, cases["Processed/FairEval"])).value
    why = "the paper takes all 80 pairs, ties by people included; the 66 here have a winner"
    yield Anchor("FairEval", "ChatGPT", "conflict rate", 0.825, rate or 0.0, why)


def _completions(root: Path, published: dict[str, Any], cases: dict[str, Any]) -> Iterator[Anchor]:
    """The same from the raw replies, read by our own parser. Replies are kept for one judge and strategy."""
    path = root / "recorded_completions_vanilla.jsonl"
    (recorded,), (own,) = (load(f"llmbar:{path}{how}").recorded for how in ("", "?verdicts=completions"))
    same = sum(own.verdicts[key].choice == verdict.choice for key, verdict in recorded.verdicts.items())
    where, judge = "LLMBar, raw completions", "ChatGPT, Vanilla"
    yield Anchor(where, judge, "replies read as recorded", len(recorded.verdicts), same, "by voirdire's own parser")
    groups = [name for name in cases if name.startswith("LLMBar/")]
    equal = 0
    for name in groups:
        table, row = utilities(own, cases[name]), published[f"{name}|ChatGPT|Vanilla"]
        right, agree = acc(table).value or 0.0, agr(table).value or 0.0
        wanted = _share(row["correct_average"]), _share(row["equal"].split("=")[1])
        equal += math.isclose(right, wanted[0], abs_tol=1e-9) and math.isclose(agree, wanted[1], abs_tol=1e-9)
    why = "all groups whose raw replies the data keep"
    yield Anchor(where, judge, "groups with equal Acc. and Agr.", len(groups), equal, why)


def _share(text: str) -> float:
    return float(text.rstrip("%")) / 100


def _pandalm(root: Path) -> Iterator[Anchor]:
    cases = load(root / "testset-v1.json").cases
    number = {0: 1.0, 1: 2.0, "tie": 0.0, None: math.nan}
    truth = np.array([number[c.label] for c in cases])  # type: ignore[index]
    for judge in ("gpt-3.5-turbo", "pandalm-7b"):
        (recording,) = load(f"pandalm:{root / f'{judge}-testset-v1.json'}").recorded
        given = np.array([number[recording.verdicts[c.id, (0, 1), 0].choice] for c in cases])
        answered = ~np.isnan(given)
        nulls = int((~answered).sum())
        why = f"against the majority of three people; {nulls} nulls left out" if nulls else "against the majority"
        yield Anchor("PandaLM test set", judge, "accuracy", None, float((truth == given)[answered].mean()), why)
        yield Anchor("PandaLM test set", judge, "Cohen's kappa", None, cohen_kappa(truth, given).value or 0.0, why)


def _mt_bench(path: Path) -> Iterator[Anchor]:
    cases, judge = load(path).cases, recorded_judge(f"mt-bench:{path}")
    asked = [[asyncio.run(judge.judge(case, sample=k)).score for k in range(3)] for case in cases]
    table = np.array(asked, dtype=float)
    where, why = "MT-bench, absolute", "three repeats of one call each, asked one by one of the replay judge"
    equal = float((table == table[:, :1]).all(axis=1).mean())
    modal = float(np.mean([max(np.unique(row, return_counts=True)[1]) / table.shape[1] for row in table]))
    alpha = krippendorff_alpha(table, level="ordinal").value
    yield Anchor(where, "GPT-4", "repeats all equal", None, equal, why)
    yield Anchor(where, "GPT-4", "share of the most frequent score (RS)", None, modal, why)
    yield Anchor(where, "GPT-4", "Krippendorff's alpha, ordinal", None, alpha or 0.0, why)


def _topicalchat(root: Path) -> Iterator[Anchor]:
    spec = f"topicalchat:{root / 'topical_chat_unieval_scores.json'}?dimension=overall"
    (recording,) = load(spec).recorded
    table = np.array([row[0] for row in scores(recording).values()], dtype=float).reshape(-1, 6)
    mean = average_score(table, low=recording.scale.low, high=recording.scale.high).value
    yield Anchor("TopicalChat (USR)", "UniEval", "average score, overall", None, mean or 0.0, "60 contexts, 6 systems")
    systems = [c.meta["models"][0] for c in load(root / "topical_chat.json").cases[:6]]
    for k, system in enumerate(systems):
        alone = np.where(np.arange(6) == k, table, np.nan)
        rank = average_rank(alone, table).value
        yield Anchor("TopicalChat (USR)", "UniEval", f"average rank of {system}", None, rank or 0.0, "among 6 systems")


def _mocks(data: Path) -> Iterator[Anchor]:
    """Judges that are right with a known probability, on pairs of public data: the published number is that one."""
    spec, accuracy = "noisy?accuracy=.8", 0.8
    judge = mock_judge(spec, task="pairwise")
    for name, path in (
        ("JudgeBench, gpt-4o pairs", data / "judgebench" / "judgebench_gpt-4o-2024-05-13.jsonl"),
        ("JudgeBench, Claude pairs", data / "judgebench" / "judgebench_claude-3-5-sonnet-20240620.jsonl"),
        ("EvalBiasBench", data / "evalbiasbench" / "biasbench.json"),
    ):
        cases = load(path).cases
        table = [
            [float(judge.answer(c, 0).choice == c.label) for c in (case, case.reordered((1, 0)))] for case in cases
        ]
        error = math.sqrt(accuracy * (1 - accuracy) / (2 * len(table)))
        why = f"right with probability .8 in each of {2 * len(table)} calls: standard error {_number(error)}"
        yield Anchor(name, f"mock:{spec}", "accuracy", accuracy, acc(table).value or 0.0, why)


def page(found: list[Anchor]) -> str:
    """The page as Markdown."""
    lines = [
        "# Anchors: published numbers and ours",
        "",
        "Made by `python scripts/make_anchors.py DATA` from public recorded verdicts, through voirdire's loaders and",
        "metrics; a test holds this page against the data. `-`: the source prints no number for exactly this, so ours",
        "is one that was also counted apart from the loaders.",
        "",
        "| data | judge | metric | published | ours | difference | note |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for a in found:
        if a.published is None:
            told, gap = "-", ""
        else:
            told, gap = _number(a.published), _number(round(a.ours - a.published, 3) + 0.0)
        lines.append(f"| {a.data} | {a.judge} | {a.metric} | {told} | {_number(a.ours)} | {gap} | {a.why} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if value >= 2 and value == round(value):
        return f"{value:.0f}"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = page(list(anchors(arguments.data)))
    if arguments.check:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
