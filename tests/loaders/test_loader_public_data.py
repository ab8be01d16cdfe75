"""The loaders on the data sets themselves: published numbers come out again. Skipped where the data is absent."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import voirdire as vd
from voirdire.harness.cases import Case
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.statistics.metric_accuracy import acc, correct_both, two_game_accuracy
from voirdire.harness.statistics.metric_agreement import cohen_kappa, krippendorff_alpha
from voirdire.harness.statistics.metric_position import agr, biased_to_first, conflict_rate
from voirdire.harness.statistics.metric_preference import verbosity_bias
from voirdire.harness.statistics.metric_scores import average_rank, average_score
from voirdire.harness.statistics.observed import VerdictLog, observe
from voirdire.suites.loaders import load, recorded_judge
from voirdire.suites.loaders.replaying import choose, scores, utilities
from voirdire.suites.loading import load_suite

Find = Callable[[str], Path]


@pytest.fixture(scope="module")
def llmbar_cases(public_data: Find) -> dict[str, tuple[Case, ...]]:
    """Cases by the data set's own name of the set."""
    root = public_data("llmbar")
    files = [p for p in root.glob("**/*.json") if p.parent != root]
    return {p.relative_to(root).with_suffix("").as_posix(): load(f"llmbar:{p}").cases for p in files}


def test_llmbar_acc_and_agr_equal_the_published_in_every_group(
    public_data: Find, llmbar_cases: dict[str, tuple[Case, ...]]
) -> None:
    published = json.loads(public_data("llmbar/published_statistics.json").read_text(encoding="utf-8"))
    recorded = load(f"llmbar:{public_data('llmbar/recorded_verdicts.jsonl.gz')}").recorded
    by_judge = {r.judge: r for r in recorded}
    equal = with_nulls = 0
    for group, row in published.items():
        name, judge, strategy = group.split("|")
        cases = llmbar_cases[name]
        table = np.array(utilities(by_judge[f"{judge}/{strategy}"], cases))
        assert table.shape == (len(cases), 2)
        with_nulls += bool(np.isnan(table).any())
        # the paper counts a null as wrong and two nulls as agreeing; ours are left out and counted (below)
        right = float(np.nan_to_num(table).mean())
        same = float(((table[:, 0] == table[:, 1]) | np.isnan(table).all(axis=1)).mean())
        wanted = float(row["correct_average"].rstrip("%")) / 100, float(row["equal"].split("=")[1].rstrip("%")) / 100
        equal += math.isclose(right, wanted[0], abs_tol=1e-9) and math.isclose(same, wanted[1], abs_tol=1e-9)
        if not np.isnan(table).any():
            assert acc(table).value == pytest.approx(wanted[0], abs=1e-9)
            assert agr(table).value == pytest.approx(wanted[1], abs=1e-9)
        else:
            assert acc(table).left_out == agr(table).left_out == int(np.isnan(table).any(axis=1).sum())
    assert (equal, len(published)) == (312, 312)
    assert 0 < with_nulls < 312


def test_llmbar_raw_completions_give_the_same_numbers(
    public_data: Find, llmbar_cases: dict[str, tuple[Case, ...]]
) -> None:
    path = public_data("llmbar/recorded_completions_vanilla.jsonl")
    published = json.loads(public_data("llmbar/published_statistics.json").read_text(encoding="utf-8"))
    own = load(f"llmbar:{path}?verdicts=completions")
    assert not own.notes  # our parser reads all 838 replies as they were recorded
    groups = [k for k in published if k.endswith("|ChatGPT|Vanilla") and k.startswith("LLMBar/")]
    assert len(groups) == 5
    for group in groups:
        table = utilities(own.recorded[0], llmbar_cases[group.split("|")[0]])
        row = published[group]
        assert acc(table).value == pytest.approx(float(row["correct_average"].rstrip("%")) / 100)
        assert agr(table).value == pytest.approx(float(row["equal"].split("=")[1].rstrip("%")) / 100)


def test_an_audit_of_the_recorded_verdicts_gives_what_was_counted_apart(
    public_data: Find, llmbar_cases: dict[str, tuple[Case, ...]]
) -> None:
    """Orders and length of `voirdire replay` in the first sixty groups without nulls, which were counted otherwise."""
    rows = json.loads(public_data("llmbar/computed_anchors.json").read_text(encoding="utf-8"))["rows"]
    recorded = {r.judge: r for r in load(f"llmbar:{public_data('llmbar/recorded_verdicts.jsonl.gz')}").recorded}
    whole = [row for row in rows if not row["unparsed"]][:60]
    lengths = 0
    for row in whole:
        cases = {c.id: c for c in llmbar_cases[row["set"]]}
        said = recorded[f"{row['judge']}/{row['strategy']}"].verdicts
        log = VerdictLog("j", "x", "pairwise", {k: v for k, v in said.items() if k[0] in cases})
        (found,), _ = observe([log], cases, tolerance=0.1, alpha=0.05)
        assert found.position is not None
        assert found.position.consistency == pytest.approx(row["position_consistency"], abs=1e-6)
        assert found.position.first_both == pytest.approx(row["first_slot_both"], abs=1e-6)
        assert found.position.second_both == pytest.approx(row["second_slot_both"], abs=1e-6)
        assert found.agreement is not None
        assert found.agreement.accuracy == pytest.approx(row["accuracy_average"], abs=1e-6)
        metrics = next(p for p in found.preferences if p.name == "longer").metrics
        for ours, theirs in (("proba_prefer_longer", "prefer_longer"), ("verbosity_bias", "verbosity_bias")):
            if metrics.get(ours) is not None:
                assert metrics[ours] == pytest.approx(row[theirs], abs=1e-6)
                lengths += 1
    assert len(whole) == 60
    assert lengths >= 100


@pytest.mark.parametrize(("judge", "unread", "n"), [("ChatGPT", 0, 195), ("PaLM2", 8, 187)])
def test_verbosity_bias_that_the_suite_prints_is_the_metric_of_the_recorded_verdicts(
    public_data: Find, llmbar_cases: dict[str, tuple[Case, ...]], judge: str, unread: int, n: int
) -> None:
    """A pair whose reply could not be read in one order is none of the judge's errors: it is left out."""
    cases = llmbar_cases["Processed/MT-Bench"]
    recorded = load(f"llmbar:{public_data('llmbar/recorded_verdicts.jsonl.gz')}").recorded
    rows = utilities(choose(recorded, f"{judge}/Vanilla_NoRules", path="llmbar"), cases, target=0)
    said = np.array(rows).mean(axis=1)
    longer = np.array([len(c.responses[0]) - len(c.responses[1]) for c in cases])
    people = np.array([float(c.label == 0) for c in cases])
    judged, wanted = (np.where(longer > 0, a, 1 - a)[longer != 0] for a in (said, people))
    metric = verbosity_bias(judged, wanted)
    assert (metric.n, metric.left_out) == (n, unread)
    paper = load_suite("verbosity").paper
    assert paper is not None
    printed = [p.value for p in paper.published if p.judge == judge]
    assert printed == [round(metric.value or 0, 3)]


def test_faireval_conflict_rate_of_chatgpt(public_data: Find) -> None:
    cases = load(f"llmbar:{public_data('llmbar/Processed/FairEval.json')}").cases
    recorded = load(f"llmbar:{public_data('llmbar/recorded_verdicts.jsonl.gz')}").recorded
    chatgpt = choose(recorded, "ChatGPT/Vanilla_NoRules", path="llmbar")
    table = utilities(chatgpt, cases)
    assert len(table) == 66
    # the paper: 82.5 % of all 80 pairs, ties included
    assert conflict_rate(table).value == pytest.approx(54 / 66)
    assert biased_to_first(utilities(chatgpt, cases, target=0)).value == pytest.approx(54 / 66)


def test_a_recorded_judge_is_audited_like_any_other(public_data: Find) -> None:
    published = json.loads(public_data("llmbar/published_statistics.json").read_text(encoding="utf-8"))
    cases = load(f"llmbar:{public_data('llmbar/LLMBar/Natural.json')}").cases
    spec = f"llmbar:{public_data('llmbar/recorded_verdicts.jsonl.gz')}"
    judge = recorded_judge(f"{spec}?judge=ChatGPT/Vanilla_NoRules&deterministic=true")
    result = vd.audit(judge, list(cases), "standard", probes=["order.swap"], samples=1, cache=None)
    row = published["LLMBar/Natural|ChatGPT|Vanilla_NoRules"]
    agreement = float(row["equal"].split("=")[1].rstrip("%")) / 100
    assert result.findings["order.swap"].metrics["position_consistency"] == pytest.approx(agreement, abs=1e-9)
    accuracy = float(row["correct_average"].rstrip("%")) / 100
    assert result.audit.discrimination.accuracy == pytest.approx(accuracy, abs=1e-9)


def test_pandalm_labels_and_annotators_are_as_published(public_data: Find) -> None:
    cases = load(public_data("pandalm/testset-v1.json")).cases
    labels = [c.label for c in cases]
    assert [labels.count(label) for label in ("tie", 0, 1)] == [105, 422, 472]
    votes = np.array([[{"tie": 0, 0: 1, 1: 2}[v] for v in c.meta["annotators"]] for c in cases])
    pairs = [cohen_kappa(votes[:, i], votes[:, j]).value for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [round(k or 0, 2) for k in pairs] == [0.85, 0.88, 0.86]


@pytest.mark.parametrize(
    ("judge", "nulls", "right", "expected_kappa"),
    # counted apart from the loader, with Python's Counter on the raw files
    [("gpt-3.5-turbo", 25, 697, 0.49286), ("pandalm-7b", 0, 667, 0.43535)],
)
def test_pandalm_judges_against_the_annotators_majority(
    public_data: Find, judge: str, nulls: int, right: int, expected_kappa: float
) -> None:
    loaded = load(public_data("pandalm/testset-v1.json"))
    assert len(loaded.cases) == 999
    assert any("6 of 999 records" in n and "boolean" in n for n in loaded.notes)
    assert len({c.group for c in loaded.cases}) == 170
    spec = f"pandalm:{public_data(f'pandalm/{judge}-testset-v1.json')}"
    (recording,) = load(spec).recorded
    assert recording.judge == judge
    number = {0: 1.0, 1: 2.0, "tie": 0.0, None: math.nan}
    truth = np.array([number[c.label] for c in loaded.cases])  # type: ignore[index]
    given = np.array([number[recording.verdicts[c.id, (0, 1), 0].choice] for c in loaded.cases])
    answered = ~np.isnan(given)
    assert int((~answered).sum()) == nulls
    assert int((truth == given).sum()) == right
    kappa = cohen_kappa(truth, given)
    assert (kappa.n, kappa.left_out) == (999 - nulls, nulls)
    assert kappa.value == pytest.approx(expected_kappa, abs=1e-5)
    replayed = recorded_judge(f"{spec}?deterministic=true")
    assert (
        asyncio.run(replayed.judge(loaded.cases[0], sample=1)).value == recording.verdicts["pandalm-0", (0, 1), 0].value
    )


def test_stability_of_gpt4_on_mt_bench_absolute(public_data: Find) -> None:
    path = public_data("mt_bench_absolute/mt_bench_eval.json")
    loaded = load(path)
    assert (len(loaded.cases), len({c.group for c in loaded.cases})) == (320, 80)
    assert all(c.reference and c.rubric for c in loaded.cases)
    assert loaded == load(f"mt-bench:{path}")
    table = np.array(list(scores(loaded.recorded[0]).values()))
    assert table.shape == (320, 3)
    equal = float((table == table[:, :1]).all(axis=1).mean())
    modal = float(np.mean([max(np.unique(row, return_counts=True)[1]) / 3 for row in table]))
    alpha = krippendorff_alpha(table, level="ordinal").value
    assert alpha is not None
    # counted apart from the loader: 141 of 320 triples are all equal
    assert equal == pytest.approx(141 / 320)
    assert modal == pytest.approx(0.7979167, abs=1e-6)
    assert alpha == pytest.approx(0.815, abs=5e-4)


def test_average_score_and_rank_of_unieval_on_topicalchat(public_data: Find) -> None:
    cases = load(public_data("topicalchat_usr/topical_chat.json")).cases
    spec = f"topicalchat:{public_data('topicalchat_usr/topical_chat_unieval_scores.json')}?dimension=overall"
    (recording,) = load(spec).recorded
    systems = list(dict.fromkeys(c.meta["models"][0] for c in cases))
    contexts = list(dict.fromkeys(c.group for c in cases))
    assert (len(contexts), len(systems)) == (60, 6)
    given = scores(recording)
    table = np.full((60, 6), np.nan)
    for case in cases:
        table[contexts.index(case.group), systems.index(case.meta["models"][0])] = given[case.id][0]
    mean = average_score(table, low=recording.scale.low, high=recording.scale.high)
    rank = average_rank(table, table)
    assert (mean.n, mean.left_out) == (360, 0)
    assert mean.value == pytest.approx(0.891981, abs=1e-6)
    by_system = [average_rank(np.where(np.arange(6) == i, table, np.nan), table).value for i in range(6)]
    # computed apart from the loader; the two human systems come first
    assert by_system == pytest.approx([2.0333, 4.75, 4.25, 4.0833, 4.1833, 1.7], abs=5e-5)
    # nobody attacks: every system keeps its own rank, and ranks 1 to 6 average 3.5
    assert rank.value == pytest.approx(3.5)
    # an "attack" that gives one system everybody's top score drives its rank to 1
    attacked = table.copy()
    attacked[:, 0] = table.max() + 1
    alone = average_rank(np.where(np.arange(6) == 0, attacked, np.nan), table)
    assert alone.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("judgebench/judgebench_gpt-4o-2024-05-13.jsonl", 350),
        ("judgebench/judgebench_claude-3-5-sonnet-20240620.jsonl", 270),
        ("evalbiasbench/biasbench.json", 80),
    ],
)
def test_a_mock_of_known_accuracy_scores_it(public_data: Find, name: str, n: int) -> None:
    loaded = load(public_data(name))
    assert len(loaded.cases) == n

    def table(spec: str) -> list[list[float]]:
        judge = mock_judge(spec, task="pairwise")
        rows = []
        for case in loaded.cases:
            assert isinstance(case.label, int)
            shown = [case, case.reordered((1, 0))]
            rows.append([float(judge.answer(c, 0).choice == c.label) for c in shown])
        return rows

    assert acc(table("oracle")).value == 1.0
    assert acc(table("constant")).value == 0.5
    assert two_game_accuracy(table("constant")).value == 0.0
    noisy = table("noisy?accuracy=.8")
    # four standard errors of a share of 2n independent calls, and of n pairs right in both
    assert acc(noisy).value == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / (2 * n)))
    assert correct_both(noisy).value == pytest.approx(0.64, abs=4 * math.sqrt(0.64 * 0.36 / n))


@pytest.mark.parametrize(
    "name", ["judgebench/judgebench_claude-3-5-sonnet-20240620.jsonl", "evalbiasbench/biasbench.json"]
)
def test_our_interval_covers_a_known_accuracy(public_data: Find, name: str) -> None:
    cases = list(load(public_data(name)).cases)
    covered = 0
    for seed in range(20):
        judge = mock_judge(f"noisy?accuracy=.8&seed={seed}", task="pairwise")
        result = vd.audit(judge, cases, "quick", probes=["order.swap"], samples=1, cache=None)
        dial = result.audit.discrimination
        assert dial.low is not None
        assert dial.high is not None
        covered += dial.low <= 0.8 <= dial.high
    # 95 % intervals: fewer than 16 of 20 would be a chance of 3 in 10,000
    assert covered >= 16


def test_evalbiasbench_says_that_its_labels_are_one_sided(public_data: Find) -> None:
    notes = load(public_data("evalbiasbench/biasbench.json")).notes
    assert any("All 80 labels name the first" in n for n in notes)


def test_mt_bench_references_say_which_are_wrong(public_data: Find) -> None:
    questions = public_data("mt_bench/mt_bench_question.jsonl")
    path = public_data("mt_bench/mt_bench_reference_gpt-4.jsonl")
    loaded = load(f"mt-bench:{path}?questions={questions}")
    assert len(loaded.cases) == 60
    assert any(n.startswith("13 of the GPT-4 reference answers") for n in loaded.notes)
