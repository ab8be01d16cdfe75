"""`voirdire plan`: what an audit would cost and what it could find. Asks no judge, opens no connection."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voirdire.cli.asking import Asking, asking
from voirdire.cli.lines import tell_json
from voirdire.cli.options import at_least, default_judge, per_minute
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import numpy as np

    from voirdire._compose import Prepared
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.plan import Plan, ProbePlan
    from voirdire.harness.prices import Prices
    from voirdire.harness.statistics.power import Design, NoiseModel
    from voirdire.reports.plan_text import Forecast, Needed, ProbeForecast

__all__ = ["forecast", "plan"]

DEFAULT_ACCURACY = 0.85
#: standard deviation assumed of a score judge's repeats, as a share of its scale
DEFAULT_SCORE_SD = 0.10
#: the effect that the advice is about, unless it is too near to the tolerance to be told from it
EFFECT, BEYOND_TOLERANCE = 0.20, 0.10
SCHEMA = "voirdire.plan/1"


@asking(
    without=(
        *("utility", "seed", "cases_id", "max_calls", "max_cost", "concurrency", "timeout", "retries"),
        *("cache", "reuse_cache", "yes", "quiet", "no_color"),
    ),
    says={
        "judge": "Judge spec, as for audit; it is not asked.",
        "cases": "JSONL, CSV or Parquet file; - for stdin. Default: built-in cases.",
        "suite": "Suite name or FILE.toml. Default: standard; without --judge: demo.",
        "on": "Where the judge would answer: batch is half the price.",
    },
)
def plan(
    asked: Asking,
    strict: Annotated[bool, typer.Option("--strict", help="Tolerance .05 with 3 samples an arm.")] = False,
    accuracy: Annotated[
        float | None, typer.Option("--accuracy", help="Assumed share of right verdicts, .5 to 1. Default: .85.")
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option("--noise", help="Assumed share of repeats that differ, 0 to .5. Default: from --accuracy."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="TOML file of $ per million tokens, before the built-in prices.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", help="Calls the judge answers, N/min or N/s, for the time it takes.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object.")] = False,
) -> int:
    """Calls, tokens, money and the smallest detectable effect, before spending anything."""
    from voirdire import __version__
    from voirdire._compose import prepare
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.judges.base import traits_of
    from voirdire.harness.prices import load_prices
    from voirdire.reports.plan_text import plan_text

    at_least("--samples", asked.samples, 1)
    calls_a_minute = per_minute("--rate", rate)
    table = load_prices(prices)
    judge = asked.make_judge(asked.judge or default_judge(Terminal()))
    model = _noise(judge, accuracy, noise)
    suite = asked.suite or ("standard" if asked.judge else "demo")
    request = replace(asked.request(suite=suite, cases=asked.cases, samples=asked.samples), strict=strict)
    prepared = prepare(judge.task, judge.scale, request, traits=traits_of(judge))
    pace = None if calls_a_minute is None else calls_a_minute / 60
    result = forecast(judge, prepared, model, table, calls_per_second=pace)
    if as_json:
        tell_json(document(result))
    else:
        Terminal().page(plan_text(result, version=__version__))
    return ExitCode.OK


def forecast(
    judge: Judge, prepared: Prepared, noise: NoiseModel, prices: Prices, *, calls_per_second: float | None = None
) -> Forecast:
    """All figures of a planned audit. Nobody is asked and nothing is spent."""
    from voirdire.harness.casefiles import BUILTIN
    from voirdire.harness.costs import cost_of
    from voirdire.harness.judges.wrappers.base import WrappedJudge
    from voirdire.harness.statistics.analyse import family_size
    from voirdire.harness.statistics.power import POWER
    from voirdire.reports.plan_text import Forecast

    planned = prepared.plan
    tests = max(1, prepared.suite_size, family_size([p.probe.relation for p in planned.probes]))
    cost = asyncio.run(cost_of(planned.calls, judge, prices))
    shared, own = _own_calls(planned, judge)
    designs = [_design(planned, p, tests, prepared.request.alpha) for p in planned.probes]
    rows = tuple(_row(p, d, n, noise) for p, d, n in zip(planned.probes, designs, own, strict=True))
    effect = min(1.0, max(EFFECT, round(prepared.suite.tolerance + BEYOND_TOLERANCE, 6)))
    chances = [row.clean_holds for row in rows if row.clean_holds is not None]
    return Forecast(
        judge=judge.spec,
        suite=prepared.suite.name,
        task=planned.task,
        cases=len(planned.cases),
        built_in=prepared.cases_path == BUILTIN,
        samples=planned.samples,
        alpha=prepared.request.alpha,
        tolerance=prepared.suite.tolerance,
        tests=tests,
        planned=len(planned.calls),
        asked=cost.calls,
        most_asked=cost.most_calls,
        shared=shared,
        tokens=cost.tokens,
        price=cost.price,
        cost_usd=cost.cost_usd,
        most_cost_usd=cost.most_cost_usd,
        members=cost.members if isinstance(judge, WrappedJudge) else (),
        a_verdict=cost.a_verdict,
        calls_per_second=calls_per_second,
        seconds=cost.most_calls / calls_per_second if calls_per_second else None,
        deterministic=noise.is_deterministic,
        accuracy=None if planned.task == "score" else noise.accuracy,
        flip_rate=noise.flip_rate,
        sensitivity=noise.sensitivity,
        power=POWER,
        effect=effect,
        probes=rows,
        # probes share their source calls, so that they rather hold together: the product is the least it can be
        clean_passes_all=math.prod(chances) if chances else None,
        needed=_needed(planned, designs, noise, effect),
    )


def document(result: Forecast) -> dict[str, Any]:
    """The forecast as plain JSON data; an unknown number is null."""
    import dataclasses

    data = dataclasses.asdict(result)
    data["probes"] = [{**row, "relation": str(row["relation"])} for row in data["probes"]]
    data["needed"] = [{**n, "both": needed.both} for n, needed in zip(data["needed"], result.needed, strict=True)]
    data["tokens"]["total"] = result.tokens.total
    for row, member in zip(data["members"], result.members, strict=True):
        row |= {"cost_usd": member.cost_usd, "most_cost_usd": member.most_cost_usd}
    return {"schema": SCHEMA, **data}


# ---------------------------------------------------------------------------------------------------------- options


def _noise(judge: Judge, accuracy: float | None, noise: float | None) -> NoiseModel:
    """The noise to plan for: none for a deterministic judge, else --noise, else what --accuracy implies."""
    from voirdire.harness.statistics.power import NoiseModel

    if accuracy is not None and not 0.5 <= accuracy <= 1:
        raise UsageError(f"--accuracy {accuracy:g} lies outside [.5, 1]")
    if noise is not None and not 0 <= noise <= 0.5:
        raise UsageError(f"--noise {noise:g} lies outside [0, .5]", hint="Repeats of a tossed coin differ in .5.")
    if judge.deterministic and noise:
        raise UsageError(
            f"--noise {noise:g}: {judge.name} gives equal answers to equal questions", hint="Leave it out."
        )
    if judge.task == "score":
        if accuracy is not None:
            raise UsageError("--accuracy is not for score judges", hint="Say with --noise how far repeats lie apart.")
        if judge.deterministic:
            return NoiseModel.scores(0.0)
        # the mean distance of two normal draws is 2 / sqrt(pi) standard deviations
        return NoiseModel.scores(DEFAULT_SCORE_SD if noise is None else noise * math.sqrt(math.pi) / 2)
    if noise is None and not judge.deterministic:
        return NoiseModel.from_accuracy(DEFAULT_ACCURACY if accuracy is None else accuracy)
    model = NoiseModel.from_flip_rate(noise or 0.0, DEFAULT_ACCURACY if accuracy is None else accuracy)
    if accuracy is not None and model.accuracy < accuracy - 1e-9:
        raise UsageError(
            f"--noise {noise:g} and --accuracy {accuracy:g} cannot both be true",
            hint=f"A judge whose repeats differ that often is right in at most {model.accuracy:.2f} of its calls.",
        )
    return model


# ------------------------------------------------------------------------------------------------------------ calls


def _own_calls(planned: Plan, judge: Judge) -> tuple[int, list[int]]:
    """(calls that several probes read, calls that each probe alone reads), of those that are made."""
    import numpy as np

    first: dict[str, int] = {}
    made = np.asarray(
        [first.setdefault(c.content, i) if judge.deterministic else i for i, c in enumerate(planned.calls)]
    )

    def read(*arms: Any) -> set[int]:
        return {int(made[i]) for arm in arms if arm is not None for i in np.unique(arm.calls)}

    # noise and discrimination read every source call, whatever the probes are
    common = read(planned.sources, planned.neutrals)
    reads = [read(p.source, p.follow_up, p.sham) - common for p in planned.probes]
    readers = Counter(number for numbers in reads for number in numbers)
    own = [sum(readers[number] == 1 for number in numbers) for numbers in reads]
    return len(common) + sum(n > 1 for n in readers.values()), own


# ------------------------------------------------------------------------------------------------------------ power


def _design(planned: Plan, probe: ProbePlan, tests: int, alpha: float) -> Design | None:
    """The probe as the power model sees it; None where it applies to no case."""
    from voirdire.harness.relations import Relation
    from voirdire.harness.statistics.power import Design

    applies: list[int] = sorted(set(probe.cases.tolist()))
    if not applies:
        return None
    groups: np.ndarray = planned.groups[applies]
    clusters = len(set(groups.tolist()))
    row, suite = probe.probe, planned.suite
    return Design(
        relation=row.relation,
        cases=clusters,
        task=planned.task,
        samples=planned.samples,
        sham=row.sham,
        counterpart=row.counterpart,
        neutral=planned.neutrals is not None and row.name != "stability.neutral",
        tolerance=suite.min_drop_of(row) if row.relation is Relation.MUST_DROP else suite.tolerance_of(row),
        tests=tests,
        alpha=alpha,
        per_group=len(applies) / clusters,
    )


def _row(probe: ProbePlan, design: Design | None, own: int, noise: NoiseModel) -> ProbeForecast:
    from voirdire.harness.statistics.power import clean_holds, smallest_effect
    from voirdire.reports.plan_text import ProbeForecast

    row = probe.probe
    if design is None:
        why = probe.not_applicable.most_common(1)
        return ProbeForecast(row.name, row.relation, own, 0, reason=why[0][0] if why else "no case it applies to")
    return ProbeForecast(
        probe=row.name,
        relation=row.relation,
        calls=own,
        cases=len(set(probe.cases.tolist())),
        smallest_effect=_rounded(smallest_effect(design, noise)),
        clean_holds=_rounded(clean_holds(design, noise)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _needed(planned: Plan, designs: list[Design | None], noise: NoiseModel, effect: float) -> tuple[Needed, ...]:
    """Cases needed as planned and, for a noisy judge, with three samples an arm."""
    more = [] if noise.is_deterministic or planned.samples >= 3 else [3]
    if not any(designs):
        return ()
    return tuple(_needed_with(samples, planned, designs, noise, effect) for samples in (planned.samples, *more))


def _needed_with(samples: int, planned: Plan, designs: list[Design | None], noise: NoiseModel, effect: float) -> Needed:
    from voirdire.harness.relations import Relation
    from voirdire.harness.statistics.power import CasesNeeded, cases_needed
    from voirdire.reports.plan_text import Needed

    cache: dict[Design, CasesNeeded] = {}
    hold: list[int | None] = []
    find: list[int | None] = []
    obstacle = None
    for probe, design in zip(planned.probes, designs, strict=True):
        if design is None:
            continue
        kind = replace(design, cases=1, samples=samples)
        if kind not in cache:
            cache[kind] = cases_needed(kind, noise, effect=effect)
        # a probe that applies to half of the cases needs twice as many
        stretch = len(planned.cases) / design.cases
        needs = [None if n is None else math.ceil(n * stretch) for n in cache[kind]]
        seeks = design.relation is not Relation.RETEST  # repeats show noise, no effect
        if obstacle is None and (needs[0] is None or (seeks and needs[1] is None)):
            obstacle = probe.probe.name
        hold.append(needs[0])
        if seeks:
            find.append(needs[1])
    return Needed(samples, _most(hold), _most(find), obstacle)


def _most(numbers: list[int | None]) -> int | None:
    """The largest; None if one is unknown, 0 if there is none."""
    known = [n for n in numbers if n is not None]
    return None if len(known) < len(numbers) else max(known, default=0)
