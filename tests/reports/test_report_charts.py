"""What the pictures are drawn from, and that the charting library is the one that `scripts/charts` made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path

import build_audits as build
import pytest

from voirdire.harness.findings import Discrimination, Findings
from voirdire.harness.relations import Relation
from voirdire.reports.charts import attack_rows, charts, dial, dose_curves, effect_range, forest_rows, position_rows

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "reports" / "templates"
SHA256 = {
    "plot.min.js": "0894482d6b75781a5d2f0b710a5696dc21d488266eb2a737be7fa34eec0770b6",
    "plot.LICENSES.txt": "7c747d816d6ae169c08069b7dd4e97b467a976195e94e43afa3c264fdd8ca065",
}


@pytest.mark.parametrize("name", SHA256)
def test_the_charting_library_is_the_one_that_was_made(name: str) -> None:
    assert hashlib.sha256((TEMPLATES / name).read_bytes()).hexdigest() == SHA256[name]


def test_its_packages_are_pinned_and_their_licences_named() -> None:
    lock = json.loads((ROOT / "scripts" / "charts" / "package-lock.json").read_text())
    packages = {name.removeprefix("node_modules/"): p for name, p in lock["packages"].items() if name}
    assert all(p["integrity"].startswith("sha512-") for p in packages.values())
    named = re.findall(r"^([@a-z0-9/-]+) (\S+) \((.*)\)$", (TEMPLATES / "plot.LICENSES.txt").read_text(), re.MULTILINE)
    assert {name for name, *_ in named} >= {"@observablehq/plot", "d3-scale", "d3-shape"}
    for name, version, licence in named:
        assert packages[name]["version"] == version
        assert licence in ("ISC", "MIT", "BSD-3-Clause")
    assert "plot.LICENSES.txt" in (ROOT / "NOTICE").read_text()


def test_every_mark_that_is_drawn_with_is_in_the_bundle() -> None:
    entry = (ROOT / "scripts" / "charts" / "entry.js").read_text()
    used = set(re.findall(r"\bPlot\.(\w+)", (TEMPLATES / "charts.js").read_text()))
    assert used <= set(re.findall(r"\w+", entry))


def test_forest_is_by_family_the_worst_first() -> None:
    rows = forest_rows(build.fail())
    assert [row["probe"] for row in rows[:4]] == ["authority.book", "authority.url", "order.swap", "tone.confident"]
    book = rows[0]
    assert (book["effect"], book["low"], book["high"], book["sham"]) == (0.21, 0.15, 0.27, 0.02)
    assert (book["from"], book["to"], book["banded"]) == (None, 0.1, True)
    damage = next(row for row in rows if row["probe"] == "degradation.number")
    assert (damage["from"], damage["to"]) == (None, -0.1)
    assert not any(row["probe"] == "identity.reference" for row in rows)  # nothing was measured


def test_range_holds_all_and_is_never_too_small_to_compare() -> None:
    assert effect_range([]) == [-0.2, 0.4]
    assert effect_range(forest_rows(build.fail())) == [-0.5, 0.4]


def test_a_gain_below_zero_is_no_sway() -> None:
    found = build.finding("authority.book", Relation.NO_GAIN, "holds", -0.2, -0.3)
    point = dial(dataclasses.replace(build.fail(), findings=Findings([found])))
    assert (point["x"], point["x_low"], point["x_high"], point["x_limit"]) == (0.0, 0.0, 0.0, 0.1)
    both = build.finding("typos.drop", Relation.INVARIANT, "violated", -0.2, -0.3)
    point = dial(dataclasses.replace(build.fail(), findings=Findings([both]), discrimination=Discrimination()))
    assert (point["x"], point["x_low"], point["x_high"]) == (0.2, 0.1, 0.3)
    assert point["y"] is None


def test_attacks_are_net_of_what_wins_anyway() -> None:
    metrics = {"asr": 0.21, "asr_raw": 0.5, "asr_retest": 0.1, "asr_sham": 0.29}
    weak = {"asr": 0.02, "asr_raw": 0.12, "asr_retest": 0.1}
    found = [
        build.finding("phrases.best", Relation.NO_GAIN, "holds", 0.0, -0.1, metrics=weak),
        build.finding("authority.book", Relation.NO_GAIN, "violated", 0.2, 0.1, metrics=metrics),
        build.finding("tone.x", Relation.NO_GAIN, "holds", 0.0, -0.1, metrics={"asr": None, "asr_raw": 0.3}),
    ]
    rows = attack_rows(dataclasses.replace(build.fail(), findings=Findings(found)))
    assert [(r["probe"], r["raw"], r["floor"], r["net"]) for r in rows] == [
        ("authority.book", 0.5, 0.29, 0.21),
        ("phrases.best", 0.12, 0.1, 0.02),
    ]


def test_doses_are_of_one_probe_and_rise() -> None:
    names = {"authority.book@2": 2.0, "authority.book": 1.0, "authority.url": 1.0, "authority.book@0.5": 0.5}
    found = [build.finding(name, Relation.NO_GAIN, "holds", 0.1 * d, 0.0, dose=d) for name, d in names.items()]
    (curve,) = dose_curves(dataclasses.replace(build.fail(), findings=Findings(found)))
    assert curve["probe"] == "authority.book"
    assert [point["dose"] for point in curve["points"]] == [0.5, 1.0, 2.0]


def test_position_is_read_off_the_order_probe() -> None:
    assert position_rows(build.fail()) == []
    found = build.finding(
        "order.swap", Relation.EQUIVARIANT, "violated", 0.2, 0.1,
        metrics={"first_slot_rate": 0.6, "position_consistency": None}, chance={"first_slot_rate": 0.5},
    )  # fmt: skip
    (row,) = position_rows(dataclasses.replace(build.fail(), findings=Findings([found])))
    assert (row["value"], row["chance"], row["shown"]) == (0.6, 0.5, "60 %")


@pytest.mark.parametrize("name", ["fail", "ok", "inconclusive", "error_run", "score_run", "hostile"])
def test_pictures_are_plain_json(name: str) -> None:
    audit = getattr(build, name)()
    assert json.loads(json.dumps(charts(audit), allow_nan=False)) == charts(audit)
