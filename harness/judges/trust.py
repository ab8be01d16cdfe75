"""Where a setting came from, and what a setting that only a configuration file makes may not do.

A pull request can change a configuration file, and the file is then read where the keys are. So each setting carries
its `Source`, and one that only a file makes may not run code, may not send judged texts or a key to a host that nobody
else named, and may not read or write outside of the file's own folder - unless the user vouches for the file.

Not here: reading the file (the doors do), and keeping keys from untrusted hosts at the moment of sending
(endpoints.py: the second lock on the same door).
"""

from __future__ import annotations

import enum
import os
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voirdire.harness.errors import UsageError

#: `mt-bench:FILE`, a public format before a data file; one letter is a drive
_FORMAT = re.compile(r"[a-z][a-z0-9-]+:")
#: `FILE?questions=OTHER`, options behind a data file
_OPTIONS = re.compile(r"\?[a-z_0-9]+=")

__all__ = [
    "CODE",
    "DATA",
    "IN_PERSON",
    "PROVIDERS",
    "URLS",
    "Origin",
    "Provider",
    "Source",
    "check_data",
    "check_host",
    "check_path",
    "check_place",
    "check_plugin",
    "check_scheme",
    "data_parts",
    "is_wrapper",
]


class Origin(enum.Enum):
    """Who made a setting, from the strongest to the weakest. COMMAND_LINE is also the caller's own Python code."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a setting came from.

    A file's setting has a `place` for messages ("voirdire.toml, line 3"), its `setting` as written ('judge =
    "mock:oracle"') and the `folder` that its paths are relative to. `vouched`: the user trusts the file.
    """

    origin: Origin
    place: str = ""
    setting: str = ""
    folder: Path = Path()
    vouched: bool = False

    @property
    def trusted(self) -> bool:
        return self.origin is not Origin.FILE or self.vouched


#: of what the user's own hand named
IN_PERSON = Source(Origin.COMMAND_LINE)


@dataclass(frozen=True, slots=True)
class Provider:
    """A paid API: the host its key belongs to, the variable that holds the key, and the one that moves the host."""

    host: str
    key_env: str
    base_url_env: str


#: scheme -> whose key it sends
PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("api.openai.com", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": Provider("api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "gemini": Provider("generativelanguage.googleapis.com", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
}
#: schemes whose value is the address that is asked
URLS = frozenset({"score"})
#: schemes that at most read a file, as data
DATA = frozenset({"local", "mock", "replay"})
#: schemes that run a program, read a model that one may stand in, or send any variable of the environment to any host
CODE = frozenset({"command", "http", "python", "reward"})

#: where a judge may begin inside a wrapper: wrapper(SPEC, SPEC; param=SPEC)
_INNER_SCHEME = re.compile(r"[(,;=]\s*(?:[\"']\s*)?([\w.-]+)\s*:")
#: a parameter of a wrapper that names a file: perplexity_window(SPEC; clean=FILE)
_INNER_FILE = re.compile(r"[;,]\s*clean\s*=")


def is_wrapper(spec: str) -> bool:
    """Is `spec` of the form wrapper(SPEC, ...), not scheme:value?"""
    return "(" in spec.partition(":")[0]


def check_scheme(spec: str, source: Source) -> None:
    """Raises UsageError if `spec` would run code, or a parameter in it would read a file, and only a file selects it.

    Whatever is not known to be harmless counts as code, so that an adapter added later is refused until somebody has
    thought about it. A wrapper is searched for judges inside it; whoever builds those checks each of them again.
    """
    if source.trusted:
        return
    from voirdire.harness.judges.endpoints import clean  # brings urllib.request: 10 ms that --help need not pay

    if is_wrapper(spec) and _INNER_FILE.search(spec):
        raise _refused(
            source,
            f"would read a file: {clean(spec, limit=120)!r}",
            "Name the judge on the command line (--judge SPEC)",
        )
    schemes = _INNER_SCHEME.findall(spec) if is_wrapper(spec) else [spec.partition(":")[0]]
    harmless = PROVIDERS.keys() | URLS | DATA
    for scheme in schemes:
        if scheme.strip() not in harmless:
            raise _refused(
                source,
                f"would let {clean(spec, limit=120)!r} run code here",
                "Name the judge on the command line (--judge SPEC)",
            )


def check_plugin(name: str, source: Source) -> None:
    """Raises UsageError if the judge `name` of an installed package is selected by a file alone: its code would run,
    with parameters and an address of the file's choice."""
    if not source.trusted:
        from voirdire.harness.judges.endpoints import clean

        raise _refused(
            source,
            f"would let the judge {clean(name, limit=120)!r} of an installed package run code here",
            "Name the judge on the command line (--judge SPEC)",
        )


def check_host(scheme: str, url: str, source: Source, environ: Mapping[str, str]) -> bool:
    """May a key be sent to `url`? Raises UsageError if not even judged texts may go there.

    A host that only a file names is asked, without a key, if it is this machine or a private network; a public one is
    refused. The provider's own host, and the one that its variable of the environment names, are nobody's choice but
    the user's.
    """
    if source.trusted:
        return True
    from voirdire.harness.judges.endpoints import endpoint_of, is_local

    endpoint = endpoint_of(url)
    provider = PROVIDERS.get(scheme)
    if provider is not None:
        if endpoint.secure and endpoint.host == provider.host:
            return True
        named = environ.get(provider.base_url_env, "").strip()
        if named and _origin(endpoint_of(named).shown) == _origin(endpoint.shown):
            return True
    if is_local(endpoint.host):
        return False
    option = "--judge SPEC" if scheme in URLS else "--base-url URL"
    raise _refused(source, f"would send judged texts and a key to {endpoint.host}", f"Name the host with {option}")


def check_path(path: Path, source: Source) -> None:
    """Raises UsageError if `path`, joined to its file's folder, lies outside of that folder or in its .git.

    Links are followed. The spelling is checked first: on Windows, resolving a path of another machine already sends it
    the user's credentials.
    """
    if source.trusted:
        return
    spelled = Path(os.path.normpath(path))
    inside = _inside(spelled, Path(os.path.normpath(source.folder)))
    if inside:
        try:
            inside = _inside(path.resolve(), source.folder.resolve())
        except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL
            inside = False
    if not inside:
        from voirdire.harness.judges.endpoints import clean

        raise _refused(
            source,
            f"would use {clean(str(path), limit=200)}, which is outside of the file's own folder",
            "Name the path on the command line",
        )


def data_parts(text: str) -> tuple[str, str]:
    """The public format before a data file (`mt-bench:`; empty where there is none) and the file. A drive is none."""
    found = _FORMAT.match(text)
    return (text[: found.end()], text[found.end() :]) if found else ("", text)


def check_data(text: str, source: Source) -> None:
    """`check_path` for `FILE` or `FORMAT:FILE`. Options behind it (`?questions=FILE`) name files too, so a file alone
    may not give any. Raises UsageError."""
    if source.trusted:
        return
    path = data_parts(text)[1]
    if _OPTIONS.search(path):
        from voirdire.harness.judges.endpoints import clean

        raise _refused(
            source,
            f"would read files that options name: {clean(text, limit=200)}",
            "Give the options on the command line",
        )
    check_path(Path(path).absolute(), source)


def _inside(path: Path, folder: Path) -> bool:
    if not path.is_relative_to(folder):
        return False
    # what lies in .git (hooks, settings, tokens) came with the checkout, not with the pull request
    return ".git" not in (part.lower() for part in path.relative_to(folder).parts)


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def check_place(text: str, source: Source) -> None:
    """Raises UsageError if a place to answer in (`--on`) is somebody's host and only a file names it: what comes back
    from a cluster is run, not only read."""
    if not source.trusted and text.partition("?")[0] not in ("here", "ray", "batch"):
        raise _refused(source, "would let another host answer, and run code here", "Name the place with --on")


def _refused(source: Source, wish: str, allow: str) -> UsageError:
    from voirdire.harness.judges.endpoints import clean

    setting = clean(source.setting, limit=160)
    return UsageError(
        f"{source.place}: {setting} {wish}; a configuration file alone may not",
        hint=f"{allow}, or vouch for the whole file with --trust-config (see who may change it first).",
    )
