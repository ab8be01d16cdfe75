"""What several commands take: options read, checked and turned into what the code behind them wants.

What cannot be used raises UsageError naming the option and the value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from voirdire.harness.errors import UsageError

if TYPE_CHECKING:
    from voirdire.harness.elsewhere.place import Place

__all__ = [
    "address_shown",
    "at_least",
    "calls_at_once",
    "default_judge",
    "formats_of",
    "in_range",
    "minimise_on",
    "param_shown",
    "params_of",
    "per_minute",
    "place_of",
    "task_of",
]


def default_judge(terminal: Any) -> str:
    """The best installed local model, or the simulated judge with a line that says so."""
    from voirdire.harness.judges import models

    ready = [m.name for m in models.installed()]
    if "smollm2" in ready:
        return "local:smollm2"
    if ready:
        return f"local:{ready[0]}"
    terminal.note(
        "No local model is installed, so this judge is simulated (mock:gullible). "
        "A real one: voirdire models get smollm2 (130 MB), or --judge openai:MODEL."
    )
    return "mock:gullible"


def task_of(text: str | None) -> Any:
    from voirdire.harness.cases import ALL_TASKS
    from voirdire.harness.errors import nearest

    if text is not None and text not in ALL_TASKS:
        raise UsageError(f"--task {text!r} is no task", hint=nearest(text, ALL_TASKS))
    return text


def formats_of(text: str) -> tuple[str, ...]:
    from voirdire.harness.errors import nearest
    from voirdire.reports.write import FORMATS

    wanted = tuple(dict.fromkeys(f.strip() for f in text.split(",") if f.strip()))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"--format {name!r} is no format", hint=nearest(name, FORMATS))
    # `voirdire report` renders a run again from its JSON, so it is always written
    return wanted if "json" in wanted else (*wanted, "json")


def params_of(pairs: list[str]) -> dict[str, Any]:
    """k=v pairs; values are read as JSON where they are JSON (0, true, {"a": 1}), else as text."""
    import json

    out: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--param {pair!r} is not k=v", hint="Example: --param temperature=0")
        try:
            out[key] = json.loads(text)
        except (ValueError, RecursionError):  # ValueError also of a number with more digits than Python reads
            out[key] = text
    return out


def param_shown(pair: str) -> str:
    """A --param as a report may show it: k=v, or k=VALUE, to be filled in, of one that may hold anything, a key too."""
    from voirdire.harness.judges.prompted import TOLD

    name = pair.partition("=")[0]
    return pair if name in TOLD else f"{name}=VALUE"


def address_shown(url: str) -> str:
    """A --base-url without its query and user, which may be or hold a key."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return "…"


def per_minute(name: str, text: str | None) -> float | None:
    """`600/min`, `10/s` or `600` as a number a minute."""
    if text is None:
        return None
    number, slash, unit = text.partition("/")
    factor = {"": 1.0, "min": 1.0, "s": 60.0}.get(unit.strip() if slash else "")
    try:
        value = float(number) * (factor or 0.0)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{name} {text!r} is no rate", hint="Examples: --rate 600/min, --rate 10/s")
    return value


def place_of(text: str | None, tell: Callable[[str], None] = lambda _line: None) -> Place | None:
    """The value of --on; `tell` hears what happens there."""
    if text is None or text == "here":
        return None
    from voirdire.harness.elsewhere.place import parse_place

    return parse_place(text, tell)


def minimise_on(place: Place | None, minimise: int | None) -> int | None:
    """--minimise, where the place of --on lets a single call wait for hours: none unless it is given."""
    patient = place is not None and place.calls_at_once is not None
    return 0 if minimise is None and patient else minimise


def calls_at_once(place: Place | None, concurrency: int) -> int:
    """--concurrency, or as many as the place of --on needs to be of use."""
    wanted = place.calls_at_once if place is not None else None
    return concurrency if wanted is None else max(concurrency, wanted)


def in_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low < value < high and not (value == low == 0.0 and name == "--tolerance"):
        raise UsageError(f"{name} {value:g} lies outside ({low:g}, {high:g})")


def at_least(name: str, value: int | None, low: int) -> None:
    if value is not None and value < low:
        raise UsageError(f"{name} {value} is less than {low}")
