"""A pull request writes voirdire.toml: it must not take a key, run code, choose who reads the cases, or reach files.

Each attack is made with the whole command where it can be, with a planted key in the environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from endpoint import KEY, endpoint, judging
from fake_server import FakeServer

from voirdire._config import read_config
from voirdire._judge_names import Names
from voirdire._judge_tables import judge_tables
from voirdire.cli import run
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.spec import SCHEMES, JudgeOptions
from voirdire.harness.judges.trust import (
    CODE,
    DATA,
    PROVIDERS,
    URLS,
    Origin,
    Source,
    check_host,
    check_path,
    check_scheme,
)

PWNED = "pwned"
EVIL = f"""
from pathlib import Path
Path({PWNED!r}).touch()
def judge(case):
    return "A"
"""


class Ran(NamedTuple):
    code: int
    err: str


class Checkout:
    """The folder of the pull request, with the command run inside of it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def write(self, text: str, name: str = "voirdire.toml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, command: str = "audit") -> Ran:
        self._capsys.readouterr()
        code = run([command, *arguments])
        out, err = self._capsys.readouterr()
        assert KEY not in out + err
        return Ran(code, err)

    @property
    def pwned(self) -> bool:
        return (self.folder / PWNED).exists()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checkout:
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in [n for n in os.environ if n.startswith("VOIRDIRE_") or n.endswith("_BASE_URL")]:
        monkeypatch.delenv(name)
    found = Checkout(folder, capsys)
    found.write(EVIL, "evil.py")
    cases = [{"instruction": f"Q{i}?", "responses": [f"yes {i}", f"no {i}!"], "label": 0} for i in range(3)]
    found.write("\n".join(map(json.dumps, cases)), "cases.jsonl")
    return found


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


# --- files ---------------------------------------------------------------------------------------------------------

PATH_SETTINGS = ("cases", "prompt", "out", "record", "cache", "suite")


@pytest.fixture
def secret(checkout: Checkout) -> Path:
    path = checkout.folder.parent / "secret.toml"
    path.write_text("token = 'hunter2'")
    return path


@pytest.mark.parametrize("key", PATH_SETTINGS)
@pytest.mark.parametrize("way", ["above", "absolute", "round about", "link", "folder link", "git"])
def test_a_file_alone_reaches_nothing_outside_of_its_folder(
    checkout: Checkout, secret: Path, key: str, way: str
) -> None:
    (checkout.folder / "sub").mkdir()
    (checkout.folder / "link.toml").symlink_to(secret)
    (checkout.folder / "up").symlink_to(secret.parent)
    (checkout.folder / ".git" / "secret.toml").touch()
    value = {
        "above": "../secret.toml",
        "absolute": str(secret),
        "round about": "sub/../../secret.toml",
        "link": "link.toml",
        "folder link": "up/secret.toml",
        "git": ".GIT/secret.toml" if key == "out" else ".git/secret.toml",
    }[way]
    checkout.write(f'judge = "mock:oracle"\n{key} = "{value}"')
    ran = checkout()
    assert ran.code == 2
    for word in ("voirdire.toml, line 2: ", "outside of the file's own folder", "--trust-config"):
        assert word in ran.err
    assert "hunter2" not in ran.err
    assert secret.read_text() == "token = 'hunter2'"


@pytest.mark.parametrize(
    "table",
    [
        '[judges.j]\nspec = "openai:m"\nprompt = "../secret.toml"',
        '[judges.j]\nspec = "openai:m"\nprompt = "link.toml"',
        '[judges.j]\nspec = "replay:../secret.toml"',
        '[judges.j]\nspec = "local:../secret.gguf"',
    ],
)
def test_a_judges_table_reaches_nothing_outside_either(checkout: Checkout, secret: Path, table: str) -> None:
    (checkout.folder / "link.toml").symlink_to(secret)
    checkout.write(table)
    ran = checkout("--judge", "j")
    assert ran.code == 2
    assert "outside of the file's own folder" in ran.err
    assert "hunter2" not in ran.err


def test_what_the_user_names_or_vouches_for_may_lie_anywhere(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write('judge = "mock:oracle"\nout = "../report"\nlimit = 3')
    assert checkout("--out", "../other", "--cache", "none").code == 0
    assert (tmp_path / "other" / "audit.json").exists()
    assert not (tmp_path / "report").exists()
    assert checkout("--trust-config", "--cache", "none").code == 0
    assert (tmp_path / "report" / "audit.json").exists()


def test_files_inside_of_the_folder_are_fine(checkout: Checkout) -> None:
    (checkout.folder / "linked.jsonl").symlink_to(checkout.folder / "cases.jsonl")
    checkout.write('judge = "mock:oracle"\ncases = "linked.jsonl"\nout = "sub/../report"\ncache = "none"')
    assert checkout().code == 0
    assert (checkout.folder / "report" / "audit.json").exists()


def test_a_link_for_the_file_itself(checkout: Checkout, secret: Path) -> None:
    (checkout.folder / "voirdire.toml").symlink_to(secret)
    ran = checkout("--judge", "mock:oracle")
    assert ran.code == 2
    assert "link" in ran.err
    assert "token" not in ran.err


def test_a_loop_of_links_and_strange_paths_are_outside(checkout: Checkout) -> None:
    (checkout.folder / "loop").symlink_to(checkout.folder / "loop")
    source = Source(Origin.FILE, "voirdire.toml", 'prompt = "x"', checkout.folder)
    for path in ("..", "../checkout-2/x", "a/../../x", "a\0b"):
        with pytest.raises(UsageError, match="outside"):
            check_path(checkout.folder / path, source)
    check_path(checkout.folder / "not" / "there" / "yet.md", source)
    check_path(checkout.folder / ".." / "checkout" / "x.md", source)


# --- messages ------------------------------------------------------------------------------------------------------


def test_no_message_shows_a_key_that_stands_in_the_file(checkout: Checkout) -> None:
    for text in (
        f'judge = "python:{KEY}.py:f"',
        f'judge = "openai:m"\nbase_url = "https://evil.example/{KEY}"',
        f'prompt = "../{KEY}"\njudge = "openai:m"',
        f'judge = "j"\n[judges.j]\nspec = "openai:m"\ntimeout = "{KEY}"',
        f'seed = "{KEY}"',
    ):
        checkout.write(text)
        assert checkout().code == 2  # and `Checkout` looks for the key


def test_control_characters_of_a_file_are_shown_not_obeyed(checkout: Checkout) -> None:
    values: dict[str, Any] = {"judge": "python:\\u001b[2Jevil:f", "prompt": "../\\u001b[2J", "nonsense\\u001b": "x"}
    for key, value in values.items():
        checkout.write(f'judge = "openai:m"\n"{key}" = "{value}"' if key != "judge" else f'judge = "{value}"')
        ran = checkout()
        assert ran.code == 2
        assert "\x1b" not in ran.err


@pytest.mark.parametrize(
    "table",
    [
        'judge = "mock:oracle"\ncases = "llmbar:{secret}"',
        'judge = "mock:oracle"\ncases = "llmbar:../secret.toml"',
        'judge = "mock:oracle"\ncases = "cases.jsonl?questions={secret}"',
        'judge = "mock:oracle"\ncases = "mt-bench:cases.jsonl?questions=../secret.toml"',
        'judge = "replay:llmbar:{secret}"',
        'judge = "majority(replay:llmbar:{secret}; k=3)"',
        'judge = "j"\n[judges.j]\nspec = "replay:llmbar:../secret.toml"',
    ],
)
def test_the_format_of_a_data_file_is_no_way_out_of_the_folder(checkout: Checkout, secret: Path, table: str) -> None:
    checkout.write(table.replace("{secret}", str(secret)))
    ran = checkout()
    assert ran.code == 2
    assert "a configuration file alone may not" in ran.err
    assert "hunter2" not in ran.err


def test_public_formats_in_the_folder_are_read_relative_to_the_file(checkout: Checkout) -> None:
    from public_samples import SAMPLES

    SAMPLES["llmbar"].write(checkout.folder)
    checkout.write('judge = "mock:oracle"\ncases = "llmbar:Natural.json"\ncache = "none"')
    assert checkout().code == 0
