"""A pull request writes voirdire.toml: it must not reach files outside of its folder, nor speak through messages.

What it may not do with keys and code is in test_trust.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout
from endpoint import KEY

from voirdire.harness.errors import UsageError
from voirdire.harness.judges.trust import Origin, Source, check_path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checkout:
    return Checkout(tmp_path, monkeypatch, capsys)


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


@pytest.mark.parametrize("command", ["audit", "gate", "plan", "baseline"])
def test_a_suite_of_the_file_extends_nothing_outside(checkout: Checkout, secret: Path, command: str) -> None:
    checkout.write(f'judge = "mock:oracle"\nsuite = "s.toml"\n[{command}]')
    checkout.write('extends = "../secret.toml"\n', "s.toml")
    ran = checkout("--limit", "2", command=command)
    assert ran.code == 2
    assert "outside of the file's own folder" in ran.err
    assert "voirdire.toml, line 2" in ran.err
    assert "hunter2" not in ran.err


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
