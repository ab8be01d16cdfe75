"""The baseline file: small, stable, without texts, mergeable; damage is an error that names field, value and fix."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voirdire._compose import AuditRequest
from voirdire._gate import GateRequest, gate_async, prepare_gate
from voirdire.harness.baseline import Baseline, StoredAccuracy, StoredProbe, judge_parts
from voirdire.harness.baseline_file import decode, dumps, encode, loads, read_baseline, write_baseline
from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.mock import mock_judge
from voirdire.suites.builtin_cases import builtin_cases

PROBES = ("order.swap", "authority.book", "degradation.number")


def stored(seed: int = 0, cases: list[Case] | None = None, created: str = "2026-11-02T00:00:00Z") -> Baseline:
    chosen = builtin_cases()[:20] if cases is None else cases
    request = AuditRequest(cases=chosen, suite="ci", probes=PROBES, samples=1, cache=None, created=created)
    judge = mock_judge("noisy", seed=seed)
    ready = prepare_gate(judge.task, judge.scale, GateRequest(request))
    return asyncio.run(gate_async(judge, ready)).stored


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return stored()


def same(a: Baseline, b: Baseline) -> None:
    assert replace(a, probes={}, accuracy=b.accuracy) == replace(b, probes={})
    assert list(a.probes) == list(b.probes)
    for name, p in a.probes.items():
        q = b.probes[name]
        assert (p.hash, p.decision, p.asked, p.judge) == (q.hash, q.decision, q.asked, q.judge)
        assert p.contrasts.keys() == q.contrasts.keys()
        for contrast, values in p.contrasts.items():
            np.testing.assert_allclose(values, q.contrasts[contrast], atol=0.00051)
    np.testing.assert_allclose(a.accuracy.values, b.accuracy.values, atol=0.00051)
    assert a.accuracy.labels == b.accuracy.labels


def test_a_run_comes_back_as_it_was_stored(baseline: Baseline, tmp_path: Path) -> None:
    path = write_baseline(baseline, tmp_path / "new" / "b.json")
    again = read_baseline(path)
    same(baseline, again)
    assert dumps(again) == path.read_text() == dumps(baseline)
    assert not again.mixed


def test_values_survive_to_the_third_decimal() -> None:
    values = np.asarray([0.0, 1.0, -1.0, 1 / 6, -1 / 18, np.nan, 2.0, -2.0, 0.0004])
    text = encode(values)
    assert len(text) == 2 * values.size
    np.testing.assert_allclose(decode(text), values, atol=0.00051)
    with pytest.raises(ValueError, match="outside"):
        encode(np.asarray([2.5]))


def test_order_of_cases_and_probes_does_not_show(baseline: Baseline) -> None:
    turned = stored(cases=builtin_cases()[:20][::-1])
    assert dumps(turned) == dumps(baseline)


def test_a_large_run_stays_below_a_megabyte() -> None:
    rng = np.random.default_rng(0)
    n = 1000
    keys = sorted(rng.bytes(6).hex() for _ in range(n))
    values = rng.integers(-6, 7, n) / 6
    contrasts = dict.fromkeys(("slot preference", "flips beyond repeats", "flips beyond neutral edits"), values)
    probes = {
        f"family.a-rather-long-name-{k:02}": StoredProbe(
            f"family.a-rather-long-name-{k:02}", "0" * 12, "holds", None, 0.1, ("abc",) * n, contrasts,
            rng.integers(0, 2, n) / 12, "0" * 8,
        )
        for k in range(30)
    }  # fmt: skip
    whole = Baseline(
        voirdire="0.1.0", created="2026-11-02T00:00:00Z", alpha=0.05, task="pairwise", scale=(1, 10), samples=3,
        perturbation_seed=0, judge={"spec": "openai:m", "fingerprint": "0" * 16}, suite="ci", suite_hash="0" * 16,
        cases_path="cases.jsonl", locked=False, cases=dict.fromkeys(keys, "0" * 12), probes=probes,
        accuracy=StoredAccuracy("accuracy", "holds", 0.9, values, np.zeros(n)), groups=dict.fromkeys(keys, "0" * 8),
    )  # fmt: skip
    text = dumps(whole)
    assert len(text.encode()) < 1_000_000
    same(whole, loads(text))


def test_no_texts_no_ids_no_keys() -> None:
    cases = [c.replace(id=f"patient-{i}", group="ward 7") for i, c in enumerate(builtin_cases()[:8])]
    text = dumps(replace(stored(cases=cases), judge={"spec": "openai:m", "fingerprint": "f" * 16}))
    assert "patient" not in text
    assert "ward" not in text
    for case in cases:
        assert all(response[:20] not in text for response in case.responses)
    judge = mock_judge("noisy")
    object.__setattr__(judge, "spec", "command:judge --api-key=sk-planted-0123456789abcdef")
    assert "planted" not in str(judge_parts(judge, "model-1"))


def test_each_case_and_probe_has_a_line_of_its_own(baseline: Baseline) -> None:
    lines = dumps(baseline).splitlines()
    assert sum(line.startswith(f'"{name}"') for line in lines for name in PROBES) == len(PROBES)
    assert sum(line.split('"')[1] in baseline.cases for line in lines if line.startswith('"')) == 20


def merged(ours: str, theirs: str, name: str) -> str:
    """What git makes of two branches of which one changed a single probe."""
    line = next(x for x in theirs.splitlines() if x.startswith(f'"{name}"'))
    return "\n".join(line if x.startswith(f'"{name}"') else x for x in ours.splitlines()) + "\n"


def test_lines_of_two_runs_merge_and_the_mixture_is_known(baseline: Baseline) -> None:
    other = stored(seed=1, created="2026-11-03T00:00:00Z")
    both = loads(merged(dumps(baseline), dumps(other), "authority.book"))
    assert both.mixed == ["authority.book"]
    theirs = other.probes["authority.book"].contrasts
    for contrast, values in both.probes["authority.book"].contrasts.items():
        np.testing.assert_allclose(values, theirs[contrast], atol=0.00051)


def test_a_later_run_of_the_same_judge_changes_no_line_but_its_date(baseline: Baseline) -> None:
    later = dumps(stored(created="2026-12-24T00:00:00Z")).splitlines()
    changed = [a for a, b in zip(dumps(baseline).splitlines(), later, strict=True) if a != b]
    assert [line.split(":")[0] for line in changed] == ['"created"']


def test_a_line_of_a_run_over_other_cases_does_not_merge(baseline: Baseline) -> None:
    other = stored(cases=builtin_cases()[20:40])
    with pytest.raises(UsageError, match=r"probes\.authority\.book\.check.*\n.*voirdire baseline"):
        loads(merged(dumps(baseline), dumps(other), "authority.book"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema="voirdire.baseline/9"), ["voirdire.baseline/9", "upgrade"]),
        (lambda d: d.update(schema=None), ["schema is None"]),
        (lambda d: d.update(task="chess"), ["task is 'chess'", "pairwise"]),
        (lambda d: d.update(samples="3"), ["samples is '3'", "whole number"]),
        (lambda d: d.update(samples=True), ["samples is True"]),
        (lambda d: d.update(alpha=7), ["alpha is 7", "0.5"]),
        (lambda d: d.update(scale=[1]), ["scale is [1]"]),
        (lambda d: d.update(alpha=10**400), ["alpha is 1000", "0.5"]),
        (lambda d: d.update(scale=[1, 10**400]), ["scale is [1, 1000"]),
        (lambda d: d.update(samples=10**400), ["samples is 1000"]),
        (lambda d: d.update(locked="no"), ["locked is 'no'"]),
        (lambda d: d.update(cases=[1, 2]), ["cases is [1, 2]"]),
        (lambda d: d.update(cases={"zz": "00"}), ["cases.zz"]),
        (lambda d: d["judge"].pop("fingerprint"), ["judge.fingerprint is None"]),
        (lambda d: d.update(probes={"order.swap": 3}), ["probes.order.swap is 3"]),
        (lambda d: d["probes"]["order.swap"].update(effect=0.0001), ["probes.order.swap.check"]),
        (lambda d: d["probes"]["order.swap"].pop("asked"), ["probes.order.swap.check"]),
        (lambda d: d["accuracy"].update(values="V_"), ["accuracy.check"]),
        (lambda d: d.pop("accuracy"), ["accuracy is None"]),
        (lambda d: d["cases"].popitem(), ["check"]),
    ],
)
def test_a_changed_field_is_named(baseline: Baseline, change, words: list[str]) -> None:
    data = json.loads(dumps(baseline))
    change(data)
    with pytest.raises(UsageError) as raised:
        loads(json.dumps(data), "my.json")
    text = str(raised.value)
    assert text.startswith("my.json: ")
    assert all(word in text for word in words), text
    assert "voirdire" in (raised.value.hint or "")


def test_files_that_are_no_baseline(baseline: Baseline, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_baseline(tmp_path / "none.json")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_baseline(tmp_path / "bytes")
    text = dumps(baseline)
    with pytest.raises(UsageError, match="not JSON"):
        loads(text[: len(text) // 2])
    with pytest.raises(UsageError, match="conflict marks"):
        loads(text.replace('"probes"', '<<<<<<< HEAD\n"probes"'))
    with pytest.raises(UsageError, match="twice"):
        loads(text.replace('"alpha": 0.05,', '"alpha": 0.05,\n"alpha": 0.5,'))
    with pytest.raises(UsageError, match="schema is None"):
        loads("[]")


def labelled(task: Task, label: Callable[[int], bool | int]) -> Baseline:
    judge = mock_judge("noisy", task=task)
    cases = [Case(f"q{i}", (f"answer {i}",), label=label(i)) for i in range(40)]
    request = AuditRequest(cases=cases, suite="ci", samples=1, cache=None)
    return asyncio.run(gate_async(judge, prepare_gate(task, judge.scale, GateRequest(request)))).stored


def test_grades_are_stored_without_their_weights() -> None:
    """Balanced accuracy weighs by class, and the weights may lie beyond what a value can hold."""
    run = labelled("grade", lambda i: i < 2)
    assert run.accuracy.measure == "balanced accuracy"
    assert set(np.unique(run.accuracy.values.round(6))) <= {0.0, 0.5, 1.0}
    same(run, loads(dumps(run)))


def test_which_cases_have_the_same_label_is_stored_where_accuracy_needs_it(baseline: Baseline) -> None:
    for run, sizes in (
        (labelled("grade", lambda i: i < 2), [2, 38]),
        (labelled("score", lambda i: 1 + i % 3), [13, 13, 14]),
    ):
        assert sorted(Counter(run.accuracy.labels).values()) == sizes
        same(run, loads(dumps(run)))
    assert baseline.accuracy.labels == ()
    assert '"labels"' not in dumps(baseline)


def test_a_file_of_before_labels_were_stored_is_read() -> None:
    run = labelled("grade", lambda i: i < 2)
    old = loads(dumps(replace(run, accuracy=replace(run.accuracy, labels=()))))
    assert old.accuracy.labels == ()
    same(old, replace(run, accuracy=old.accuracy))
    with pytest.raises(UsageError, match=r"accuracy\.labels is '9 characters'; it must be 120, three a case"):
        loads(dumps(replace(run, accuracy=replace(run.accuracy, labels=("abc",) * 3))))
