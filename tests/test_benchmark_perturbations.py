"""benchmarks/perturbations.py runs, edits what it says, and tells when a promise is missed. No clock here."""

from __future__ import annotations

import importlib.util
import itertools
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from voirdire.harness.registry import PERTURBATIONS

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """By its path: there is a folder called perturbations, too."""
    spec = importlib.util.spec_from_file_location("benchmark_perturbations", FOLDER / "perturbations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_texts_have_150_words_and_are_all_different(benchmark: ModuleType) -> None:
    cases = benchmark.long_cases(500)
    texts = [text for case in cases for text in case.responses]
    assert {len(text.split()) for text in texts} == {150}
    assert len(set(texts)) == len(texts) == 1000
    unseen = benchmark.never_seen(cases, itertools.count())
    assert not {case.responses[0] for case in unseen} & set(texts)


def test_smoke_run_has_a_row_for_each_edit_of_letters_and_words_and_for_each_family(
    benchmark: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark.main(["--smoke"]) == 0
    out = capsys.readouterr().out
    names = benchmark.catalogue()
    assert "typos.keyboard" in names
    assert not any("textattack" in name or name in benchmark.REWRITES for name in names)
    idle = (
        next((line for line in out.splitlines() if line.startswith("apply to none")), "").partition(": ")[2].split(", ")
    )
    assert len(idle) < len(names) / 3
    for name in set(names) - set(idle):
        family = name.split(".")[0]
        assert f"*{family}*, median of " in out
        if family in benchmark.LEAST:
            assert f"| {name} | " in out
    assert f"the whole catalogue, {len(names)} perturbations on 2 cases: " in out
    assert "CPython" in out or "PyPy" in out


def test_the_catalogue_makes_every_follow_up(benchmark: ModuleType) -> None:
    made = benchmark.whole_catalogue(benchmark.long_cases(2))
    assert 0.8 * 2 * len(benchmark.catalogue()) < made.follow_ups <= 2 * len(benchmark.catalogue())
    assert made.per_1000 == pytest.approx(500 * made.seconds)


def test_only_cases_that_a_perturbation_applies_to_are_counted(benchmark: ModuleType) -> None:
    cases = benchmark.long_cases(20)
    fitting = benchmark.edit_all("lexical.contract", cases)
    assert 0 < len(fitting) < len(cases)
    empty = [c.with_response(0, "") for c in cases]
    assert list(benchmark.rates_of(["layout.indentation", "phrases.full-marks"], empty, 1)) == ["phrases.full-marks"]


def test_missed_promises_are_said(benchmark: ModuleType) -> None:
    rates = {
        "typos.swap": benchmark.Rate(known=9_999, new=1),
        "typos.drop": benchmark.Rate(known=10_000, new=1),
        "lexical.synonyms": benchmark.Rate(known=2_000, new=1),
        "tone.sad": benchmark.Rate(known=5, new=1),
    }
    slow = benchmark.missed(rates, benchmark.Catalogue(cases=500, follow_ups=1, seconds=31.0))
    assert [line.split(":")[0].split(" takes")[0] for line in slow] == [
        "typos.swap",
        "lexical.synonyms",
        "the catalogue",
    ]
    assert benchmark.missed({}, benchmark.Catalogue(cases=500, follow_ups=1, seconds=29.0)) == []


@pytest.mark.parametrize(
    ("rate", "words"), [(None, "-"), (12_345.0, "12,300"), (0.6123, "0.612"), (9.876, "9.88"), (100.0, "100")]
)
def test_figures(benchmark: ModuleType, rate: float | None, words: str) -> None:
    assert benchmark.in_figures(rate) == words


def test_rivals_say_what_is_missing_and_what_is_not_installed(tmp_path: Path) -> None:
    """A made-up nlpaug with one class: its edit gets a figure, the others a reason, textattack no entry."""
    package = tmp_path / "nlpaug" / "augmenter"
    for folder in (tmp_path / "nlpaug", package, package / "char", package / "word"):
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    (package / "char" / "__init__.py").write_text(
        "class KeyboardAug:\n    def __init__(self, **_): ...\n    def augment(self, text): return text.upper()\n"
    )
    info = tmp_path / "nlpaug-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nlpaug\nVersion: 9.9\n")
    # -S hides what is installed here, a real textattack among it
    code = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(FOLDER / "perturbation_rivals.py")],
        input=json.dumps({"texts": ["a b"], "seconds": 0.001}),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found = json.loads(done.stdout)
    assert list(found) == ["nlpaug"]
    assert found["nlpaug"]["version"] == "9.9"
    assert list(found["nlpaug"]["rates"]) == ["typos.keyboard"]
    assert found["nlpaug"]["missing"]["typos.swap"].startswith("AttributeError")
    assert all(name in PERTURBATIONS for name in found["nlpaug"]["missing"])
