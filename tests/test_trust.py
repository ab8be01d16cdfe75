"""A pull request writes voirdire.toml: it must not take a key, run code, choose who reads the cases, or reach files.

Each attack is made with the whole command where it can be, with a planted key in the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import PWNED, Checkout
from endpoint import KEY, endpoint, judging
from fake_server import FakeServer

from voirdire._config import read_config
from voirdire._judge_names import Names
from voirdire._judge_tables import judge_tables
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.spec import JUDGES, SCHEMES, JudgeOptions
from voirdire.harness.judges.trust import (
    CODE,
    DATA,
    PROVIDERS,
    URLS,
    Origin,
    Source,
    check_host,
    check_scheme,
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checkout:
    return Checkout(tmp_path, monkeypatch, capsys)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with endpoint([judging()]) as running:
        yield running


def keys_sent(server: FakeServer) -> set[str]:
    """The keys that arrived, in whatever header."""
    return {v for r in server.requests for v in r.headers.values() if KEY in v}


SMALL = ("--cases", "cases.jsonl", "--suite", "quick", "--probes", "order.swap", "--cache", "none", "--yes")


# --- keys ----------------------------------------------------------------------------------------------------------

STEALING = {
    "top level": 'judge = "openai:m"\nbase_url = "{url}"',
    "command table": '[audit]\njudge = "openai:m"\nbase_url = "{url}"',
    "judge table": 'judge = "j"\n[judges.j]\nspec = "openai:m"\nbase_url = "{url}"',
    "judge of a judge": 'judge = "a"\n[judges.a]\nspec = "b"\n[judges.b]\nspec = "openai:m"\nbase_url = "{url}"',
    "outer judge": 'judge = "a"\n[judges.a]\nspec = "b"\nbase_url = "{url}"\n[judges.b]\nspec = "openai:m"',
    "kebab": 'judge = "j"\n[judges.j]\nspec = "openai:m"\nbase-url = "{url}"',
}


@pytest.mark.parametrize("text", STEALING.values(), ids=STEALING)
def test_a_host_that_only_the_file_names_gets_no_key(checkout: Checkout, server: FakeServer, text: str) -> None:
    checkout.write(text.format(url=server.url))
    assert checkout(*SMALL).code == 0
    assert server.requests, "a local endpoint is asked, or this test shows nothing"
    assert not keys_sent(server)


@pytest.mark.parametrize("text", STEALING.values(), ids=STEALING)
def test_a_public_host_that_only_the_file_names_gets_nothing(checkout: Checkout, text: str) -> None:
    checkout.write(text.format(url="https://evil.example/v1"))
    ran = checkout(*SMALL)
    assert ran.code == 2
    for word in ("voirdire.toml, line ", "https://evil.example/v1", "--trust-config", "--base-url"):
        assert word in ran.err


@pytest.mark.parametrize("judge", [(), ("--judge", "openai:m")], ids=["judge of the file", "judge of the user"])
def test_who_names_the_judge_does_not_matter_for_the_host(
    checkout: Checkout, server: FakeServer, judge: tuple[str, ...]
) -> None:
    checkout.write(f'judge = "openai:m"\nbase_url = "{server.url}"')
    assert checkout(*SMALL, *judge).code == 0
    assert server.requests
    assert not keys_sent(server)


def test_the_key_goes_to_a_host_the_user_names_or_vouches_for(
    checkout: Checkout, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(*arguments: str) -> bool:
        server.requests.clear()
        assert checkout(*SMALL, *arguments).code == 0
        assert server.requests
        return bool(keys_sent(server))

    checkout.write(f'judge = "j"\n[judges.j]\nspec = "openai:m"\nbase_url = "{server.url}"')
    assert not sent()
    assert sent("--trust-config")
    assert sent("--base-url", server.url)
    monkeypatch.setenv("VOIRDIRE_BASE_URL", server.url)
    assert sent()
    monkeypatch.delenv("VOIRDIRE_BASE_URL")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
    assert sent(), "the file names the host that the environment names"
    checkout.write('judge = "openai:m"')
    assert sent()


def test_the_environments_host_is_not_moved_by_the_file(
    checkout: Checkout, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    checkout.write('judge = "openai:m"\nbase_url = "https://evil.example/v1"')
    assert checkout(*SMALL).code == 0
    assert keys_sent(server)


@pytest.mark.parametrize(
    ("scheme", "url", "may"),
    [
        ("openai", "https://api.openai.com/v1", True),
        ("openai", "https://API.openai.com./v1", True),
        ("openai", "http://api.openai.com/v1", None),
        ("openai", "https://api.openai.com.evil.example/v1", None),
        ("openai", "https://evil.example/api.openai.com", None),
        ("openai", "https://api.anthropic.com", None),
        ("anthropic", "https://api.anthropic.com", True),
        ("anthropic", "https://api.openai.com", None),
        ("openai", "https://gateway.example/v2", True),
        ("openai", "http://gateway.example/v1", None),
        ("openai", "https://gateway.example:8443/v1", None),
        ("anthropic", "https://gateway.example/v1", None),
        ("openai", "http://localhost:8000/v1", False),
        ("openai", "http://10.0.0.7/v1", False),
        ("openai", "https://localhost.evil.example/v1", None),
        ("score", "http://localhost:8000/rerank", False),
        ("score", "https://api.openai.com/v1", None),
    ],
)
def test_hosts(scheme: str, url: str, may: bool | None) -> None:
    """True: with the key. False: without. None: not at all."""
    environ = {"OPENAI_BASE_URL": "https://Gateway.example/v1"}
    source = Source(Origin.FILE, "voirdire.toml, line 1", f"base_url = {url}", Path.cwd())
    if may is None:
        with pytest.raises(UsageError, match=r"voirdire\.toml, line 1"):
            check_host(scheme, url, source, environ)
    else:
        assert check_host(scheme, url, source, environ) is may
    assert check_host(scheme, url, Source(Origin.COMMAND_LINE), environ)
    assert check_host(scheme, url, Source(Origin.ENVIRONMENT), environ)


@pytest.mark.parametrize("url", ["https://api.openai.com@evil.example/v1", "https://evil.example\\@api.openai.com/v1"])
def test_urls_that_parsers_disagree_about(url: str) -> None:
    with pytest.raises(UsageError):
        check_host("openai", url, Source(Origin.FILE, "voirdire.toml"), {})


# --- code ----------------------------------------------------------------------------------------------------------

RUNNING = {
    "file": 'judge = "python:evil.py:judge"',
    "module": 'judge = "python:evil:judge"',
    "command table": '[audit]\njudge = "python:evil.py:judge"',
    "blank in front": 'judge = " python:evil.py:judge"',
    "capitals": 'judge = "PYTHON:evil.py:judge"',
    "named": 'judge = "j"\n[judges.j]\nspec = "python:evil.py:judge"',
    "named by a named": 'judge = "a"\n[judges.a]\nspec = "b"\n[judges.b]\nspec = "python:evil.py:judge"',
    "wrapped": 'judge = "swap_average(python:evil.py:judge)"',
    "wrapped deeper": 'judge = "vote(mock:oracle, swap_average( python:evil.py:judge ); n=3)"',
    "named wrapper": 'judge = "j"\n[judges.j]\nspec = "swap_average(python:evil.py:judge)"',
    "command": 'judge = "command:python evil.py"',
    "http": 'judge = "http:evil.toml"',
}


@pytest.mark.parametrize("command", ["audit", "plan"])
@pytest.mark.parametrize("text", RUNNING.values(), ids=RUNNING)
def test_a_file_alone_runs_no_code(checkout: Checkout, text: str, command: str) -> None:
    checkout.write(text.replace("[audit]", f"[{command}]"))
    ran = checkout(command=command)
    assert ran.code == 2
    assert not checkout.pwned
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "spec",
    [
        " python:evil.py:judge",
        "PYTHON:evil.py:judge",
        "swap_average(python:evil.py:judge)",
        "vote(mock:oracle, swap_average( command:evil ); n=3)",
        "vote(score:http://localhost/x, http:evil.toml)",
        "jury(judge=python:evil:f)",
    ],
)
def test_code_is_refused_however_it_is_spelled(spec: str) -> None:
    """Not only because nothing understands the spelling today."""
    source = Source(Origin.FILE, "voirdire.toml", "judge", Path.cwd())
    with pytest.raises(UsageError, match="run code"):
        Names(dict, selected_by=source).resolve(spec)
    assert Names(dict).resolve(spec).spec == spec.strip()


@pytest.mark.parametrize(
    "spec",
    [
        "perplexity_window(mock:oracle; clean=/etc/passwd)",
        "perplexity_window(mock:oracle; fpr=.05 ,clean = 'cases.jsonl')",
        'jury(mock:oracle, "perplexity_window(mock:noisy; clean=x)")',
    ],
)
def test_a_file_alone_reads_no_file_through_a_wrapper(spec: str) -> None:
    """An error about its first line would print it."""
    source = Source(Origin.FILE, "voirdire.toml", "judge", Path.cwd())
    with pytest.raises(UsageError, match="would read a file"):
        Names(dict, selected_by=source).resolve(spec)
    assert Names(dict).resolve(spec).spec == spec
    vouched = Source(Origin.FILE, "voirdire.toml", "judge", Path.cwd(), vouched=True)
    assert Names(dict, selected_by=vouched).resolve(spec).spec == spec


@pytest.mark.parametrize("spec", ["swap_average(openai:ft:gpt-4o:org)", "vote(mock:a?x=1, score:http://localhost/x)"])
def test_harmless_wrappers_of_a_file(spec: str) -> None:
    source = Source(Origin.FILE, "voirdire.toml", "judge", Path.cwd())
    assert Names(dict, selected_by=source).resolve(spec).spec == spec


@pytest.mark.parametrize("kind", ["file", "module", "command table", "named", "named by a named"])
def test_the_error_says_what_the_file_wanted_and_how_to_allow_it(checkout: Checkout, kind: str) -> None:
    checkout.write(RUNNING[kind])
    ran = checkout()
    line = next(i for i, text in enumerate(RUNNING[kind].splitlines(), start=1) if "python:" in text)
    for word in (f"voirdire.toml, line {line}: ", "python:evil", "run code", "--judge", "--trust-config"):
        assert word in ran.err


def test_a_file_alone_may_not_let_a_cluster_answer(checkout: Checkout) -> None:
    checkout.write('judge = "mock:oracle"\non = "ray:ray://evil.example:10001"')
    ran = checkout()
    assert ran.code == 2
    for word in ("voirdire.toml, line 2: ", "another host", "--on", "--trust-config"):
        assert word in ran.err


@pytest.mark.parametrize("kind", ["file", "named", "named by a named"])
def test_the_user_may_run_it(checkout: Checkout, kind: str) -> None:
    checkout.write(RUNNING[kind])
    assert checkout(*SMALL, "--task", "pairwise", "--trust-config").code == 0
    assert checkout.pwned


def test_a_judge_named_in_person_is_the_users_choice(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(RUNNING["file"])
    assert checkout(*SMALL, "--task", "pairwise", "--judge", "python:evil.py:judge").code == 0
    assert checkout.pwned
    monkeypatch.setenv("VOIRDIRE_JUDGE", "python:evil.py:judge")
    assert checkout(*SMALL, "--task", "pairwise").code == 0


def test_a_name_on_the_command_line_does_not_vouch_for_what_it_stands_for(checkout: Checkout) -> None:
    """CI says --judge strict; the pull request changes what strict is."""
    checkout.write('[judges.strict]\nspec = "python:evil.py:judge"')
    ran = checkout("--judge", "strict")
    assert ran.code == 2
    assert "judges.strict.spec" in ran.err
    assert not checkout.pwned


def test_a_wrapper_named_in_person_around_a_name_of_the_file(checkout: Checkout) -> None:
    checkout.write('[judges.strict]\nspec = "python:evil.py:judge"')
    config = read_config(checkout.folder / "voirdire.toml")
    assert config is not None
    tables = judge_tables(config)
    _, options = Names(lambda: tables)("swap_average(strict)", JudgeOptions())
    assert options.names is not None
    assert options.names("python:mine.py:judge", options)[0] == "python:mine.py:judge"
    with pytest.raises(UsageError, match="run code"):
        options.names("strict", options)


def test_every_judge_inside_of_a_files_wrapper_is_the_files_choice(checkout: Checkout) -> None:
    """Whatever the search of the wrapper's text misses is refused when the grammar asks for the judge inside."""
    checkout.write('[judges.w]\nspec = "vote(one|python:evil.py:judge)"')
    config = read_config(checkout.folder / "voirdire.toml")
    assert config is not None
    tables = judge_tables(config)
    _, options = Names(lambda: tables)("w", JudgeOptions())
    assert options.names is not None
    with pytest.raises(UsageError, match="run code"):
        options.names("python:evil.py:judge", options)


def test_names_cannot_shadow_what_the_user_means(checkout: Checkout) -> None:
    for name in ("openai", "python", "mock", "mock:oracle", "swap_average(x)"):
        checkout.write(f'[judges."{name}"]\nspec = "python:evil.py:judge"')
        ran = checkout("--judge", "mock:oracle")
        assert ran.code == 2
        assert "Choose another name" in ran.err or "Use letters" in ran.err
    assert not checkout.pwned


@pytest.mark.parametrize("text", ["trust_config = true", "trust-config = true", "[audit]\ntrust_config = true"])
def test_a_file_cannot_vouch_for_itself(checkout: Checkout, text: str) -> None:
    checkout.write(f"{text}\n" if "[" in text else f"{text}\n{RUNNING['file']}")
    ran = checkout()
    assert ran.code == 2
    assert "cannot vouch for itself" in ran.err
    assert not checkout.pwned


def test_naming_the_file_does_not_vouch_for_it(checkout: Checkout) -> None:
    checkout.write(RUNNING["file"], "ci.toml")
    assert checkout("--config", "ci.toml").code == 2
    assert not checkout.pwned


def test_the_environment_can_vouch(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(RUNNING["file"])
    monkeypatch.setenv("VOIRDIRE_TRUST_CONFIG", "1")
    assert checkout(*SMALL, "--task", "pairwise").code == 0
    assert checkout.pwned


SHADOW = f"""
import pathlib
def make(options):
    pathlib.Path({PWNED!r}).write_text(f"{{options.base_url}} {{options.base_url_trusted}}")
    from voirdire.harness.judges.mock import mock_judge
    return mock_judge("oracle", task=None, scale=None, seed=0)
"""


@pytest.fixture
def shadow(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a judge called `shadow`; where it notes that it ran."""
    site = tmp_path / "site"
    (site / "shadow-1.dist-info").mkdir(parents=True)
    (site / "shadow-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shadow\nVersion: 1\n")
    (site / "shadow-1.dist-info" / "entry_points.txt").write_text("[voirdire.judges]\nshadow = shadow_judge:make\n")
    (site / "shadow_judge.py").write_text(SHADOW)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(JUDGES, "_loaded", False)
    monkeypatch.setattr(JUDGES, "_items", dict(JUDGES._items))
    monkeypatch.delitem(sys.modules, "shadow_judge", raising=False)
    return checkout.folder / PWNED


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('judge = "shadow"', ()),
        ('[audit]\njudge = " shadow "', ()),
        ('judge = "j"\n[judges.j]\nspec = "shadow"', ()),
        ('[judges.j]\nspec = "shadow"\nparams = { x = 1 }', ("--judge", "j")),
        ('judge = "swap_average(shadow)"', ()),
        ('judge = "jury(mock:oracle, swap_average( shadow ))"', ()),
        ('[judges.j]\nspec = "shadow"', ("--judge", "swap_average(j)")),
        ('judge = "other_name_of_the_package"', ()),
    ],
)
def test_a_judge_of_an_installed_package_is_code_too(
    checkout: Checkout, shadow: Path, text: str, arguments: tuple[str, ...]
) -> None:
    checkout.write(text)
    ran = checkout(*SMALL, *arguments)
    assert ran.code == 2
    assert "of an installed package run code here" in ran.err
    assert "--trust-config" in ran.err
    assert not shadow.exists()
    assert "shadow_judge" not in sys.modules


def test_a_judge_of_an_installed_package_that_the_user_names(checkout: Checkout, shadow: Path) -> None:
    checkout.write("limit = 2")
    assert checkout(*SMALL, "--judge", "swap_average(shadow)").code == 0
    assert shadow.read_text() == "None True"
    checkout.write('judge = "shadow"')
    assert checkout(*SMALL, "--trust-config").code == 0


def test_the_file_does_not_choose_the_host_of_a_packages_judge(checkout: Checkout, shadow: Path) -> None:
    checkout.write('base_url = "https://evil.example/v1"')
    ran = checkout(*SMALL, "--judge", "shadow")
    assert ran.code == 2
    assert "would send judged texts and a key to evil.example" in ran.err
    assert "--base-url" in ran.err
    assert not shadow.exists()
    checkout.write('base_url = "http://localhost:1/v1"')
    assert checkout(*SMALL, "--judge", "shadow").code == 0
    assert shadow.read_text() == "http://localhost:1/v1 False"
    checkout.write('base_url = "https://good.example/v1"')
    assert checkout(*SMALL, "--judge", "shadow", "--trust-config").code == 0
    assert shadow.read_text() == "https://good.example/v1 True"


def test_plugins_are_no_business_of_a_file(checkout: Checkout) -> None:
    checkout.write('plugins = ["evil"]')
    assert checkout("--judge", "mock:oracle").code == 2
    assert not checkout.pwned


def test_every_kind_of_judge_is_placed() -> None:
    """Somebody adding an adapter has to say whether a file may choose it; until then it may not."""
    placed = [*CODE, *DATA, *URLS, *PROVIDERS]
    assert len(placed) == len(set(placed))
    assert set(SCHEMES) <= set(placed)
    with pytest.raises(UsageError, match="run code"):
        check_scheme("brand_new:x", Source(Origin.FILE, "voirdire.toml", 'judge = "brand_new:x"'))
