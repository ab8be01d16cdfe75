"""voirdire: metamorphic testing for LLM judges.

    import voirdire as vd

    judge = vd.judge("openai:gpt-5-mini", prompt="judge.md")
    result = vd.audit(judge, cases="cases.jsonl", suite="standard")
    result.findings["order.swap"].decision

Importing this loads nothing heavy; what an audit needs is imported when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voirdire import strategies
    from voirdire._compose import AuditResult, Cases, Mode
    from voirdire._stochastic import UndecidedWarning, stochastic
    from voirdire.checks import (
        acheck_agrees,
        acheck_invariant,
        acheck_must_drop,
        acheck_no_gain,
        acheck_swap,
        check_agrees,
        check_invariant,
        check_must_drop,
        check_no_gain,
        check_swap,
    )
    from voirdire.harness.attacks import Attacked
    from voirdire.harness.cases import Case, Task
    from voirdire.harness.elsewhere.place import Place
    from voirdire.harness.engine.events import Event
    from voirdire.harness.errors import UsageError
    from voirdire.harness.followups import Check
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.verdicts import Scale, Verdict
    from voirdire.outcomes import Inconclusive, Violated

    __version__: str

__all__ = [
    "Attacked",
    "AuditResult",
    "Case",
    "Inconclusive",
    "Judge",
    "Scale",
    "UndecidedWarning",
    "Verdict",
    "Violated",
    "__version__",
    "aattack",
    "aaudit",
    "acheck_agrees",
    "acheck_invariant",
    "acheck_must_drop",
    "acheck_no_gain",
    "acheck_swap",
    "attack",
    "audit",
    "check_agrees",
    "check_invariant",
    "check_must_drop",
    "check_no_gain",
    "check_swap",
    "judge",
    "stochastic",
    "strategies",
]

_LAZY = {
    "Attacked": "voirdire.harness.attacks",
    "AuditResult": "voirdire._compose",
    "Case": "voirdire.harness.cases",
    "UndecidedWarning": "voirdire._stochastic",
    "stochastic": "voirdire._stochastic",
    "Inconclusive": "voirdire.outcomes",
    "Judge": "voirdire.harness.judges.base",
    "Scale": "voirdire.harness.verdicts",
    "Verdict": "voirdire.harness.verdicts",
    "Violated": "voirdire.outcomes",
    **{
        f"{prefix}check_{relation}": "voirdire.checks"
        for prefix in ("", "a")
        for relation in ("agrees", "invariant", "must_drop", "no_gain", "swap")
    },
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # not at import: reading it takes a tenth of the time that `voirdire --help` may take
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("voirdire")
        except PackageNotFoundError:  # run from a tree that was never installed
            return "0"
    if name == "strategies" or name in _LAZY:
        from importlib import import_module

        module = import_module(_LAZY.get(name, f"voirdire.{name}"))
        return module if name == "strategies" else getattr(module, name)
    raise AttributeError(f"module 'voirdire' has no attribute {name!r}")


def judge(
    spec: str | Callable[..., Any],
    *,
    task: Task | None = None,
    scale: Scale | str | tuple[float, float] | None = None,
    prompt: str | None = None,
    version: str | None = None,
    on: str | None = None,
    **options: Any,
) -> Judge:
    """A judge from a spec ("openai:gpt-5-mini", "mock:noisy?accuracy=.85", ...) or from any callable.

    A callable `f(case) -> answer` (sync or async) needs `task`; answers are those of the contract: "A", "B", "tie", an
    index or a pair of numbers (pairwise), a number (score), a boolean (grade), indices best first (ranking), None.
    With `version` its answers may be reused by later runs (python: and reward: specs take it in `params`). `scale`: a
    Scale, "1:10" or (1, 10). `on`: where the judge of a spec answers, e.g. "ray". `options`, of a spec: parse,
    base_url, params, timeout, retries, concurrency, utility; of a callable: name, timeout, concurrency. Raises
    UsageError.
    """
    from voirdire.harness.judges.spec import JudgeOptions, make_judge, scale_of

    if isinstance(spec, str):
        from voirdire._judge_names import names_for

        if version is not None:
            raise _versioned_by_spec(version)
        _known(options, [f for f in JudgeOptions.__dataclass_fields__ if f != "names"], "spec")
        given = {"task": task, "scale": scale_of(scale), "prompt": prompt, "place": _place(on)}
        told = {**{name: value for name, value in given.items() if value is not None}, **options}
        return make_judge(spec, JudgeOptions(**told, names=names_for(told)))
    from voirdire.harness.judges.python_judge import PythonJudge

    if on is not None:
        raise _made_here()
    if prompt is not None or "parse" in options:
        from voirdire.harness.errors import UsageError

        raise UsageError(
            "prompt and parse are for judges that are asked by voirdire; a callable has its own",
            hint='Give a spec, e.g. voirdire.judge("openai:gpt-5-mini", prompt="judge.md").',
        )
    _known(options, ("name", "timeout", "concurrency"), "callable")
    return PythonJudge.from_callable(spec, task=task, scale=scale_of(scale), version=version, **options)


def _versioned_by_spec(version: str) -> UsageError:
    from voirdire.harness.errors import UsageError

    return UsageError(
        "version is for callables; a judge from a spec knows by itself which answers may be reused",
        hint=f'For python: and reward: judges give params={{"version": {version!r}}}.',
    )


def _known(options: dict[str, Any], known: Sequence[str], kind: str) -> None:
    """Raises UsageError for an option that `judge` does not take for a judge of this kind."""
    from voirdire.harness.errors import UsageError, nearest

    for name in options:
        if name not in known:
            raise UsageError(f"judge() has no option {name!r} for a {kind}", hint=nearest(name, known))


def _place(on: str | None) -> Place | None:
    """The place that `on` names."""
    if on is None:
        return None
    from voirdire.harness.elsewhere.place import parse_place

    return parse_place(on)


def _made_here() -> UsageError:
    from voirdire.harness.errors import UsageError

    return UsageError(
        "a judge that is made already answers in this process",
        hint='Give its spec: voirdire.audit("python:module:judge", on="ray"), or voirdire.judge(spec, on="ray").',
    )


def audit(
    judge: Judge | str | Callable[..., Any], cases: Cases | None = None, suite: str = "standard", **options: Any
) -> AuditResult:
    """Audit `judge` and return the result. Blocks; in a running event loop use `await voirdire.aaudit(...)`.

    `judge`: a judge, a spec, or a callable, which judges pairs unless it says another task. `cases`: a file, or cases;
    None takes the built-in ones. `suite`: a name or FILE.toml. `options`: probes (a glob or several), samples, seed,
    alpha, tolerance, strict, mode ("fixed", "sequential" or "anytime"), limit, minimise, concurrency, on (where the
    judge answers, e.g. "ray"), max_calls, max_cost, cache (a file or None), rewrites (the file of `voirdire freeze`),
    check (called with each edit, the text before and after; raises NotApplicable to leave it out), emit (called with
    each event). Raises UsageError for bad input, JudgeUnreachable with the reason if the judge never gave a verdict.
    """
    from voirdire.checks import blocking

    return blocking(aaudit(judge, cases, suite, **options), "audit")


async def aaudit(
    judge: Judge | str | Callable[..., Any],
    cases: Cases | None = None,
    suite: str = "standard",
    *,
    probes: str | Sequence[str] = (),
    samples: int | None = None,
    seed: int = 0,
    alpha: float = 0.05,
    tolerance: float | None = None,
    strict: bool = False,
    mode: Mode = "fixed",
    limit: int | None = None,
    minimise: int | None = None,
    concurrency: int = 16,
    on: str | None = None,
    max_calls: int | None = None,
    max_cost: float | None = None,
    cache: str | Path | None = None,
    rewrites: str | Path | None = None,
    check: Check | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
) -> AuditResult:
    """`audit` for running event loops."""
    from voirdire._compose import AuditRequest, audit_async
    from voirdire.harness.engine.runner import Limits
    from voirdire.harness.judges.spec import JudgeOptions, make_judge
    from voirdire.harness.numbers import need_count

    need_count("max_calls", max_calls, 1)
    place = _place(on)
    if place is not None and place.calls_at_once is not None:
        # a single call may take hours there
        concurrency, minimise = max(concurrency, place.calls_at_once), minimise or 0
    if isinstance(judge, str):
        from voirdire._judge_names import names_for

        names = names_for({"concurrency": concurrency})
        asked = make_judge(judge, JudgeOptions(concurrency=concurrency, place=place, names=names))
    elif on is not None:
        raise _made_here()
    else:
        from voirdire.checks import judge_of

        asked = judge_of(judge)
    request = AuditRequest(
        cases=cases,
        suite=suite,
        probes=_several(probes),
        samples=samples,
        seed=seed,
        alpha=alpha,
        tolerance=tolerance,
        strict=strict,
        mode=mode,
        limit=limit,
        minimise=minimise,
        limits=Limits(concurrency, max_calls, max_cost),
        cache=cache,
        rewrites=rewrites,
        check=check,
    )
    result = await audit_async(asked, request, emit=emit)
    if result.audit.verdict == "error":
        raise result.failure()
    return result


def _several(given: Any) -> tuple[Any, ...]:
    """One text, or several: a text alone is not a sequence of its letters."""
    return (given,) if isinstance(given, str) else tuple(given)


def attack(judge: Judge | str | Callable[..., Any], cases: Cases | None = None, **options: Any) -> Attacked:
    """Search for a phrase that lifts any answer and test it on held-out cases, as `voirdire attack` does. Blocks; in a
    running event loop use `await voirdire.aattack(...)`.

    `options`: transfer (other judges), on (where judges given as specs answer, e.g. "ray"), rewriter (a spec, or a
    callable f(request) -> text), streams, depth, branches, words, position, mode, method, vocabulary (words), forbid,
    max_bits, families, defences, train, max_calls, samples, seed, alpha, limit, concurrency, max_cost, cache (a file
    or None), as on the command line. Of the result, `outcome` is "found", "nothing", "inconclusive" or "unfinished",
    and `found` has what works. Raises UsageError for bad input, JudgeUnreachable if the judge never gave a verdict.
    """
    from voirdire.checks import blocking

    return blocking(aattack(judge, cases, **options), "attack")


async def aattack(
    judge: Judge | str | Callable[..., Any],
    cases: Cases | None = None,
    *,
    transfer: str | Sequence[Judge | str | Callable[..., Any]] = (),
    on: str | None = None,
    rewriter: str | Callable[..., Any] | None = None,
    concurrency: int = 16,
    max_cost: float | None = None,
    cache: str | Path | None = None,
    **options: Any,
) -> Attacked:
    """`attack` for running event loops."""
    from voirdire._attack import attack_async
    from voirdire._attack_plan import AttackRequest, prepare_attack
    from voirdire.harness.engine.runner import Limits
    from voirdire.harness.errors import JudgeUnreachable, UsageError, nearest

    known = [name for name in AttackRequest.__dataclass_fields__ if name not in ("cases", "cache", "limits")]
    for name in options:
        if name not in known:
            raise UsageError(f"attack() has no option {name!r}", hint=nearest(name, known))
    if on is not None:
        from voirdire.harness.elsewhere.place import check_in_turn

        check_in_turn(_place(on), on)
        if not isinstance(judge, str):
            raise _made_here()
    from voirdire.checks import judge_of

    make = globals()["judge"]  # the function; here the name is the argument's
    named = (judge, *_several(transfer))
    asked, *others = (make(j, concurrency=concurrency, on=on) if isinstance(j, str) else judge_of(j) for j in named)
    request = AttackRequest(
        cases=cases,
        cache=None if cache is None else str(cache),
        limits=Limits(concurrency, None, max_cost),
        **options,
    )
    writer = None
    if rewriter is not None:
        from voirdire._judge_names import names_for
        from voirdire.harness.judges.spec import JudgeOptions
        from voirdire.harness.rewriters import CallableRewriter, make_rewriter

        if isinstance(rewriter, str):
            writer_options = JudgeOptions(concurrency=concurrency, names=names_for({"concurrency": concurrency}))
            writer = make_rewriter(rewriter, writer_options)
        else:
            writer = CallableRewriter(rewriter, name=getattr(rewriter, "__name__", "rewriter"))
    prepared = prepare_attack(asked, request, others, rewriter=writer is not None)
    result = await attack_async(asked, prepared, others=others, rewriter=writer)
    if result.stopped == "judge" and not result.attempts:
        raise JudgeUnreachable(result.reason or "the judge never gave a verdict")
    return result
