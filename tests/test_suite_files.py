"""A user's suite file: what it may say, what it extends, and errors that name line, value and nearest name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from voirdire.harness.errors import UsageError
from voirdire.harness.judges.trust import Origin, Source
from voirdire.harness.papers import Published
from voirdire.suites.loading import load_suite

PROBES = 'probes = ["order.swap", "authority.*"]\n'


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        (PROBES + "tolerence = 0.1\n", 2, "unknown key 'tolerence'", "tolerance"),
        ("tolerance = 1.5\n" + PROBES, 1, "from 0 to 1, not 1.5", ""),
        ("samples = true\n" + PROBES, 1, "a whole number from 1 to 100, not True", ""),
        ("samples = 2.5\n" + PROBES, 1, "a whole number", ""),
        (PROBES + "tolerance = nan\n", 2, "not nan", ""),
        ('probes = ["authority.bok"]\n', 1, "'authority.bok'", "authority.book"),
        ("probes = 3\n", 1, "list of texts", ""),
        (PROBES + 'exclude = ["typos.*"]\n', 2, "no probe of this suite is called 'typos.*'", ""),
        (PROBES + 'exclude = ["*"]\n', 2, "no probe is left", ""),
        (PROBES + 'tasks = ["pair"]\n', 2, "no task called 'pair'", "pairwise"),
        (PROBES + 'needs = ["contexts"]\n', 2, "no field called 'contexts'", "context"),
        (PROBES + 'metrics = ["conflict_rat"]\n', 2, "no metric called 'conflict_rat'", "conflict_rate"),
        # the same key stands at the top too: the line is the one inside the table
        ("tolerance = 0.1\n" + PROBES + '[probe."order.swap"]\ntolerance = 7\n', 4, "tolerance of order.swap", ""),
        (PROBES + '[probe."order.swap"]\ndoze = 2\n', 3, "unknown key 'doze' of probe order.swap", "dose"),
        (PROBES + '[probe."authority.*"]\ndose = 0\n', 3, "above 0, at most 100, not 0", ""),
        (PROBES + '[probe."order.swop"]\ntolerance = 0.2\n', 2, "'order.swop'", "order.swap"),
        (PROBES + '[group]\nfake = ["authority.bok"]\n', 3, "'authority.bok'", "authority.book"),
        (PROBES + "[group]\nfake = 1\n", 3, "group fake must be a list", ""),
        (PROBES + '[[published]]\njudge = "GPT-4"\nvalue = 0.5\n', 3, "needs metric", ""),
        (
            PROBES + 'metrics = ["cr"]\n[[published]]\njudge = "a"\nmetric = "rr"\nvalue = 0.5\n',
            5,
            "not among the suite's metrics",
            "Add it",
        ),
        (
            PROBES + 'metrics = ["rr"]\n'
            '[[published]]\njudge = "a"\nmetric = "rr"\nvalue = 0.5\n'
            '[[published]]\njudge = "b"\nmetric = "rr"\nvalue = "high"\n',
            10,
            "value must be a number, not 'high'",
            "",
        ),
        (
            PROBES + 'metrics = ["rr"]\n[[published]]\njudge = "a"\nmetric = "rr"\nvalue = 1\ngruop = "x"\n',
            7,
            "unknown key 'gruop'",
            "group",
        ),
        (PROBES + "[[probes]]\n", 0, "not TOML", ""),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str, hint: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_suite(path)
    assert words in caught.value.message
    assert path in caught.value.message
    if line:
        assert f"line {line}:" in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_suite_extends_others(tmp_path: Path) -> None:
    base = 'probes = ["typos.*", "authority.book"]\nsamples = 3\ntolerance = 0.2\n[probe."typos.*"]\ntolerance = 0.3\n'
    written(tmp_path, base, "base.toml")
    text = (
        'extends = ["base.toml", "faireval"]\nprobes = ["authority.url", "authority.book"]\nexclude = ["typos.t*"]\n'
        'cases = 50\n[probe."typos.[ds]*"]\ntolerance = 0.05\n[probe."authority.*"]\ndose = 2\n'
    )
    suite = load_suite(written(tmp_path, text))
    by_name = {p.name: p for p in suite.probes}
    assert len(by_name) == len(suite.probes)
    assert {"authority.book", "authority.url", "order.swap", "typos.keyboard"} <= set(by_name)
    assert not [n for n in by_name if n.startswith("typos.t")]
    assert (suite.samples, suite.cases, suite.tolerance) == (3, 50, 0.2)
    assert by_name["typos.keyboard"].tolerance == 0.3
    assert by_name["typos.drop"].tolerance == by_name["typos.swap"].tolerance == 0.05
    assert by_name["authority.url"].dose == 2
    # what a suite says of its paper comes along, since its probes do
    assert suite.paper is not None
    assert suite.paper.published[0] == Published(
        "ChatGPT", "conflict_rate", 0.825, note="Vicuna-13B against ChatGPT, 66 of 80"
    )
    assert suite.name == "mine"


def test_an_endless_chain_and_a_missing_file_are_named(tmp_path: Path) -> None:
    written(tmp_path, 'extends = "b.toml"\n', "a.toml")
    written(tmp_path, 'extends = "a.toml"\n', "b.toml")
    with pytest.raises(UsageError, match=r"a\.toml extends .*b\.toml extends .*a\.toml, which never ends"):
        load_suite(str(tmp_path / "a.toml"))
    with pytest.raises(UsageError, match=r"mine\.toml, line 1: the suite file .*gone\.toml cannot be read"):
        load_suite(written(tmp_path, 'extends = "gone.toml"\n'))
    with pytest.raises(UsageError, match=r"line 1: there is no suite called 'standart'"):
        load_suite(written(tmp_path, 'extends = ["standart"]\n'))


def test_a_suite_may_only_extend(tmp_path: Path) -> None:
    suite = load_suite(written(tmp_path, 'extends = "quick"\ntolerance = 0.05\n'))
    assert [p.name for p in suite.probes] == [p.name for p in load_suite("quick").probes]
    assert suite.tolerance == 0.05


def test_the_metrics_of_a_users_paper(tmp_path: Path) -> None:
    text = (
        'title = "Ours"\npaper = "Doe 2026, arXiv:2601.01234"\nmetrics = ["rr"]\n' + PROBES + "[group]\n"
        'fake = ["authority.[bu]*"]\n[[published]]\njudge = "X"\nmetric = "rr"\ngroup = "fake"\nvalue = 0.5\n'
    )
    paper = load_suite(written(tmp_path, text)).paper
    assert paper is not None
    assert paper.url == "https://arxiv.org/abs/2601.01234"
    assert paper.groups == {"fake": ("authority.book", "authority.url")}
    assert paper.published == (Published("X", "rr", 0.5, "fake"),)


def test_what_a_suite_extends_is_the_choice_of_who_named_the_suite(tmp_path: Path) -> None:
    """One that a configuration file alone names may not read outside of that file's folder, nor print from there."""
    secret = tmp_path / "private.toml"
    secret.write_text('name = "hunter2"\nsource = "tok_hunter2"\n\nprobes = ["order.swap"]\n')
    inside = tmp_path / "checkout"
    (inside / "deep").mkdir(parents=True)
    (inside / "link.toml").symlink_to(secret)
    (inside / "base.toml").write_text('probes = ["order.swap"]\n')
    source = Source(Origin.FILE, "voirdire.toml, line 1", 'suite = "s.toml"', inside)
    for extended in (str(secret), "../private.toml", "link.toml", "deep/../../private.toml"):
        path = written(inside, f'extends = ["{extended}"]\n', "s.toml")
        with pytest.raises(UsageError, match="outside of the file's own folder") as caught:
            load_suite(path, source)
        assert "voirdire.toml, line 1" in str(caught.value)
        assert load_suite(path).source == "tok_hunter2"
    written(inside, 'extends = "s.toml"\n', "t.toml")
    with pytest.raises(UsageError, match="outside of the file's own folder"):
        load_suite(str(inside / "t.toml"), source)
    path = written(inside / "deep", 'extends = ["../base.toml", "quick"]\n', "s.toml")
    assert load_suite(path, source).probes
    assert load_suite(path, replace(source, folder=inside / "deep", vouched=True)).probes
