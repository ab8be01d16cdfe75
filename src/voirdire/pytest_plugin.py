"""The pytest plugin: a judge and a suite become tests, one a probe.

    @pytest.mark.voirdire(suite="standard", cases="cases.jsonl")
    def test_judge(probe):
        probe.check(my_judge)

Only pytest's hooks are here, and nothing of voirdire is imported until a test carries the mark: the plugin is loaded
in every test run of every project that has voirdire installed. Running the audits: _pytest_audits.py.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from voirdire._pytest_audits import Audits, Options
    from voirdire.harness.findings import Finding

__all__ = ["ProbeTest"]

_INCONCLUSIVE = ("fail", "skip", "pass")
_AUDITS: pytest.StashKey[Audits] = pytest.StashKey()
#: name of the option, its type, its help; each also an ini key `voirdire_...`
_SETTINGS: tuple[tuple[str, Any, str], ...] = (
    ("cases", int, "Only the first N cases of each audit."),
    ("inconclusive", str, "What an inconclusive probe is: fail, skip (default) or pass."),
    ("max-calls", int, "At most N judge calls in this session."),
    ("cache", str, "Keep the judge's answers in FILE and go on from them; none (default): nowhere."),
    ("out", str, "Write the report of each audit into a folder of DIR."),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("voirdire", "tests of LLM judges")
    for name, kind, text in _SETTINGS:
        choices = {"choices": _INCONCLUSIVE} if name == "inconclusive" else {}
        group.addoption(f"--voirdire-{name}", type=kind, default=None, help=text, **choices)
        in_file: Literal["int", "string"] = "int" if kind is int else "string"
        # None where it is not set: 0 and "" are values that a user can write by mistake
        parser.addini(_key(name), text, type=in_file, default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "voirdire(suite, cases, probes, samples, seed, alpha, tolerance, strict, mode, limit, task, scale, "
        "concurrency): one test for each probe of the suite; the test takes `probe` and calls probe.check(judge).",
    )
    for name, _, _ in _SETTINGS:
        _setting(config, name)  # a bad ini value stops the run here, not in the middle


def _key(name: str) -> str:
    return f"voirdire_{name.replace('-', '_')}"


def _setting(config: pytest.Config, name: str) -> Any:
    """The command line's value, else that of the ini file, else None. Raises UsageError."""
    key = _key(name)
    given = config.getoption(key)
    if given is not None:
        return given
    try:
        value = config.getini(key)
    except (TypeError, ValueError, pytest.UsageError) as error:  # which of them depends on pytest's version
        place = "" if key in str(error) else f"{key} in the ini file: "
        raise pytest.UsageError(f"{place}{error}") from None
    if name == "inconclusive" and value is not None and value not in _INCONCLUSIVE:
        raise pytest.UsageError(f"{key} = {value!r} in the ini file is none of {', '.join(_INCONCLUSIVE)}")
    return value


def _audits(config: pytest.Config) -> Audits:
    """The session's audits, made when the first marked test is collected."""
    if _AUDITS not in config.stash:
        from voirdire._pytest_audits import Audits

        for name in ("cases", "max-calls"):
            value = _setting(config, name)
            if value is not None and value < 1:
                raise pytest.UsageError(f"--voirdire-{name} {value} is less than 1")
        shared = getattr(config, "workerinput", {}).get("voirdire_shared")
        cache, out = _setting(config, "cache"), _setting(config, "out")
        config.stash[_AUDITS] = Audits(
            shared=Path(shared) if shared else None,
            cases=_setting(config, "cases"),
            max_calls=_setting(config, "max-calls"),
            cache=None if cache == "none" else cache,
            out=Path(out) if out else None,
        )
    return config.stash[_AUDITS]


# ------------------------------------------------------------------------------------------------------- collection


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("voirdire")
    if mark is None or "probe" not in metafunc.fixturenames:
        return
    from voirdire._pytest_audits import probe_names
    from voirdire.harness.errors import VoirdireError

    if mark.args:
        raise pytest.Collector.CollectError('write the options of the voirdire mark by name: voirdire(suite="quick")')
    try:
        names = probe_names(mark.kwargs, folder=metafunc.definition.path.parent)
    except (VoirdireError, TypeError) as error:
        from voirdire.reports.inert import quiet_lines

        message = quiet_lines(f"voirdire mark of {metafunc.definition.nodeid}: {error}")
        raise pytest.Collector.CollectError(message) from None
    metafunc.parametrize("probe", names, indirect=True, ids=names)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is left after -k, -m and --lf is what an audit has to ask about."""
    for item in session.items:
        mark = item.get_closest_marker("voirdire")
        callspec = getattr(item, "callspec", None)
        if mark is None or callspec is None or "probe" not in callspec.params:
            continue
        from voirdire._pytest_audits import options_of

        key = options_of(mark.kwargs, folder=item.path.parent).key
        _audits(session.config).collected.setdefault(key, set()).add(callspec.params["probe"])


# --------------------------------------------------------------------------------------------------------- fixtures


class ProbeTest:
    """One probe of a suite, as a test sees it: `name`, `family`, and `check(judge)`."""

    def __init__(self, name: str, request: pytest.FixtureRequest, audits: Audits, options: Options) -> None:
        self.name = name
        self.family = name.split(".", 1)[0]
        self._request = request
        self._audits = audits
        self._options = options

    def __repr__(self) -> str:
        return f"<probe {self.name}>"

    def check(self, judge: Any) -> Finding:
        """The finding on `judge`: a spec, a callable or a Judge. Blocks; in async tests `await probe.acheck(judge)`.

        The first check of a judge runs all collected probes of the mark; later ones read the result. Raises Violated
        and Inconclusive, which are a failure and by default a skip; JudgeUnreachable, which is an error.
        """
        __tracebackhide__ = True
        from voirdire.checks import in_loop, plain_run

        if in_loop():
            raise RuntimeError("this test runs in an event loop: use `await probe.acheck(judge)`")
        return plain_run(self._check(judge))

    async def acheck(self, judge: Any) -> Finding:
        """`check` for async tests, under asyncio or trio."""
        __tracebackhide__ = True
        from voirdire.checks import in_loop, plain_run

        if in_loop():
            return await self._check(judge)
        # trio: the audit runs in a loop of its own, beside the test's
        import anyio.to_thread

        return await anyio.to_thread.run_sync(lambda: plain_run(self._check(judge)))

    async def _check(self, judge: Any) -> Finding:
        __tracebackhide__ = True
        from voirdire.checks import settle
        from voirdire.outcomes import Violated

        item = self._request.node
        # ids tell parameters apart, and are the same in every worker; what an object's repr says need be neither
        where = f"{item.nodeid.partition('[')[0]} {item.callspec.id.replace(self.name, '', 1)}"
        audit = await self._audits.audit(judge, self._options, self.name, where)
        finding = audit.findings[self.name]
        for key in ("decision", "effect", "low", "high", "tolerance", "p_adjusted", "n"):
            value = getattr(finding, key)
            if value is not None:
                item.user_properties.append((f"voirdire.{key}", value))
        settle(audit, finding, again=f"pytest {item.nodeid!r}")
        if audit.discrimination.decision == "violated":
            # consistent and wrong must never pass: a judge that always answers the same holds every probe
            from voirdire.reports.pytest_text import blind_text

            raise Violated(blind_text(audit, finding), finding)
        return finding


@pytest.fixture
def voirdire_options() -> Mapping[str, Any]:
    """Options for every voirdire mark, e.g. {"cases": "cases.jsonl", "samples": 2}; a mark's own win.

    Override it in a conftest.py. `suite` and `probes` belong to the mark: they decide which tests there are.
    """
    return {}


@pytest.fixture
def probe(request: pytest.FixtureRequest, voirdire_options: Mapping[str, Any]) -> ProbeTest:
    """The probe of this test; needs @pytest.mark.voirdire(...)."""
    mark = request.node.get_closest_marker("voirdire")
    if mark is None or not hasattr(request, "param"):
        pytest.fail('the fixture `probe` needs @pytest.mark.voirdire(suite="quick")', pytrace=False)
    from voirdire._pytest_audits import options_of

    audits = _audits(request.config)
    own = options_of(mark.kwargs, folder=request.path.parent)
    merged = options_of({**voirdire_options, **mark.kwargs}, folder=request.path.parent)
    audits.collected.setdefault(merged.key, audits.collected.get(own.key, {request.param}))
    return ProbeTest(request.param, request, audits, merged)


# --------------------------------------------------------------------------------------------------------- outcomes


def _ours(error: BaseException, *names: str) -> bool:
    """Is it one of voirdire's exceptions? Asked of every failing test, so nothing is imported to answer."""
    return type(error).__module__.startswith("voirdire.") and any(c.__name__ in names for c in type(error).__mro__)


@pytest.hookimpl(specname="pytest_runtest_makereport")
def pytest_voirdire_open(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """What an Inconclusive is, before pytest makes the report of it, and after its unittest plugin put into `call` what
    a TestCase raised: that comes out of no other hook. So subtests and fixtures are seen here, too."""
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None or not _ours(error, "Inconclusive"):
        return
    call.excinfo = pytest.CallInfo.from_call(lambda: _as_told(item, error, call.when), call.when).excinfo


def _as_told(item: pytest.Item, error: Any, when: str) -> None:
    policy = _setting(item.config, "inconclusive") or "skip"
    if policy == "pass" and when == "setup":
        policy = "skip"  # the test cannot run without its fixture, and what did not run has not passed
    if not getattr(error, "applicable", True) or policy == "skip":
        # with the place of the test, not of this line
        raise pytest.skip.Exception(_named(item, error), _use_item_location=True) from None
    if policy == "fail":
        raise pytest.fail.Exception(_named(item, error), pytrace=False) from None


def _named(item: pytest.Item, error: Any) -> str:
    """The message of an Inconclusive with the test's parameters: pytest lists skips by their line in the file only."""
    what, colon, why = str(error).partition(":")
    params = getattr(item, "callspec", None)
    name = params.id if params is not None and "probe" in params.params else error.finding.probe
    return f"{what}{'' if name in what else f' ({name})'}{colon}{why}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None or call.when != "call":
        return report
    assert call.excinfo is not None
    if not _ours(error, "VoirdireError", "Violated"):
        return report
    if _ours(error, "Violated") and "probe" in getattr(item, "fixturenames", ()):
        # the test is one line long and the same for every probe: what matters is the message
        report.longrepr = _only(item, call.excinfo, str(error))
    elif _ours(error, "JudgeError", "UsageError") and item.get_closest_marker("voirdire") is not None:
        # a judge that is down, or a file that cannot be read, says nothing about the judge: an error, not a failure
        report.when = "setup"
        report.longrepr = _only(item, call.excinfo, f"{type(error).__name__}: {error}")
    _calm(report.longrepr)
    return report


def _only(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException], text: str) -> Any:
    """`text` without a traceback, but with the place of the failure, which summaries, JUnit and editors look for."""
    shown = excinfo.getrepr(style="value", chain=False)
    # --tb=line shows the place and the first line by itself
    shown.reprtraceback.reprentries[-1].lines = (
        [] if item.config.getoption("tbstyle", "auto") == "line" else text.split("\n")
    )
    if shown.reprcrash is not None:
        shown.reprcrash.message = text
    return shown


def _calm(shown: Any) -> None:
    """Our messages quote judges and files of others, so nothing in them may act on a terminal or a CI runner."""
    from voirdire.reports.inert import quiet_lines

    whole = (getattr(shown, "reprtraceback", None), getattr(shown, "reprcrash", None), None)
    for traceback, crash, _ in getattr(shown, "chain", None) or [whole]:
        for entry in getattr(traceback, "reprentries", ()):
            for part in (entry, getattr(entry, "reprlocals", None)):
                if part is not None and hasattr(part, "lines"):
                    part.lines = [quiet_lines(line) for line in part.lines]
            if getattr(entry, "reprfuncargs", None) is not None:
                entry.reprfuncargs.args = [(name, quiet_lines(value)) for name, value in entry.reprfuncargs.args]
        if crash is not None:
            crash.message = quiet_lines(crash.message)


# ------------------------------------------------------------------------------------------- terminal, xdist, the end


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    audits = config.stash.get(_AUDITS, None)
    if audits is None:
        return
    found = audits.all()
    if not found:
        return
    from voirdire.reports.pytest_text import summary_line

    terminalreporter.write_sep("=", "voirdire")
    for audit in found:
        for line in summary_line(audit, str(audits.out) if audits.out else None):
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    audits = config.stash.get(_AUDITS, None)
    if audits is not None and not hasattr(config, "workerinput"):
        audits.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: all workers share one folder, of which the controller shows and removes the results."""
    audits = _audits(node.config)
    if audits.shared is None:
        import tempfile

        audits.shared = Path(tempfile.mkdtemp(prefix="voirdire-"))
    node.workerinput["voirdire_shared"] = str(audits.shared)
