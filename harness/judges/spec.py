"""Judge specs: the one string that names a judge on the command line, in TOML, in pytest and in `voirdire.judge`.

A spec splits at its first colon: `scheme:value`. Each adapter is imported only when its scheme is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from voirdire.harness.cases import Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.base import ChatModel, Judge
from voirdire.harness.judges.grammar import is_wrapper
from voirdire.harness.judges.trust import PROVIDERS
from voirdire.harness.registry import Registry
from voirdire.harness.verdicts import Scale

if TYPE_CHECKING:
    from voirdire.harness.elsewhere.place import Place

__all__ = ["JUDGES", "RECORDINGS", "SCHEMES", "JudgeOptions", "make_judge", "parse_scale", "scale_of"]


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What the options of the command line say about a judge; None leaves the adapter's default.

    `base_url_trusted`: the base URL comes from the command line or the environment, not from a config file alone, so
    the key may go there. `utility`: "verdict" counts what the judge decided, "probability" how sure it was. `seed`: the
    noise of mock judges that name none. `names` turns a judge's name in a configuration file into its spec and options.
    `place`: where the judges at the bottom of a spec answer (elsewhere/place.py); None: in this process.
    """

    task: Task | None = None
    scale: Scale | None = None
    prompt: str | None = None
    parse: str | None = None
    base_url: str | None = None
    base_url_trusted: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 60.0
    retries: int = 4
    concurrency: int = 16
    utility: str = "verdict"
    seed: int = 0
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    names: Callable[[str, JudgeOptions], tuple[str, JudgeOptions]] | None = None
    place: Place | None = None

    @property
    def soft(self) -> bool:
        return self.utility == "probability"


#: readers of verdicts recorded in other formats than ours, which suites.loaders adds; None: not one of theirs
RECORDINGS: list[Callable[[str, JudgeOptions], Judge | None]] = []
#: judges of other packages by name: `make(options) -> Judge`
JUDGES: Registry[Callable[[JudgeOptions], Judge]] = Registry("judge", "voirdire.judges")


def _structured(provider: str, options: JudgeOptions) -> JudgeOptions:
    """`options` with the schema of the verdict among the parameters, where structured output is asked for."""
    wanted = options.params.get("structured", False)
    if wanted is False:
        return replace(options, params={k: v for k, v in options.params.items() if k != "structured"})
    if wanted is not True:
        raise UsageError(f"--param structured={wanted!r} must be true or false")
    from voirdire.harness.judges.prompts import load_prompt
    from voirdire.harness.judges.structured import with_schema

    task, scale = options.task or "pairwise", options.scale or Scale()
    if options.prompt is not None:
        prompt = load_prompt(options.prompt, options.task, None, options.scale)
        task, scale = prompt.task, prompt.scale
    if options.parse not in (None, "json"):
        raise UsageError(f"--parse {options.parse} cannot read structured output", hint="Leave --parse out.")
    return replace(
        options, params=with_schema(provider, options.params, task, scale), parse="json", prompt=options.prompt or task
    )


def make_judge(spec: str, options: JudgeOptions | None = None) -> Judge:
    """The judge that `spec` names. Raises UsageError naming the nearest scheme."""
    options = options or JudgeOptions()
    if options.names is not None:
        spec, options = options.names(spec, options)
    if is_wrapper(spec):
        from voirdire.harness.judges.wrappers import make_wrapper

        return make_wrapper(spec, options, make_judge)
    judge = _plain(spec, options)
    return judge if options.place is None else options.place.put(judge, spec, options)


def _plain(spec: str, options: JudgeOptions) -> Judge:
    """The judge of a spec that is no wrapper and no name of a configuration file."""
    if ":" not in spec and spec in JUDGES:
        return JUDGES.get(spec)(options)
    scheme, colon, value = spec.partition(":")
    maker = _MAKERS.get(scheme)
    if maker is not None and not value:
        raise UsageError(
            f"{spec!r} alone names no judge" if not colon else f"{spec!r} lacks what follows the colon",
            hint=f"{scheme} needs {_NEEDS[scheme]}: {SCHEMES[scheme]}",
        )
    if maker is None:
        raise UsageError(f"{spec!r} names no judge", hint=nearest(scheme, SCHEMES) + " Example: openai:gpt-5-mini.")
    return maker(value, options)


def _mock(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.mock import mock_judge

    _no_prompt("mock", options)
    return mock_judge(value, task=options.task, scale=options.scale, seed=options.seed)


def _openai(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.openai_chat import DEFAULT_BASE_URL, OpenAIChat, key_for

    options = _structured("openai", options)
    base_url = options.base_url or options.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    # a URL of the environment was set by the owner of the key
    trusted = options.base_url_trusted or options.base_url is None
    chat = OpenAIChat(
        value,
        base_url=base_url,
        api_key=key_for(base_url, options.environ, base_url_trusted=trusted),
        params=options.params,
        timeout=options.timeout,
        retries=options.retries,
        concurrency=options.concurrency,
    )
    return _prompted(f"openai:{value}", chat, options)


def _anthropic(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.anthropic_chat import DEFAULT_BASE_URL, KEY_ENV, AnthropicChat
    from voirdire.harness.judges.endpoints import key_for

    options = _structured("anthropic", options)
    base_url, trusted = _address("anthropic", options, DEFAULT_BASE_URL)
    key = key_for(
        base_url,
        options.environ,
        base_url_trusted=trusted,
        default_host=PROVIDERS["anthropic"].host,
        key_env=KEY_ENV,
    )
    chat = AnthropicChat(value, base_url=base_url, api_key=key, params=options.params, **_calling(options))
    return _prompted(f"anthropic:{value}", chat, options)


def _gemini(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.gemini_chat import DEFAULT_BASE_URL, GeminiChat, gemini_key

    options = _structured("gemini", options)
    base_url, trusted = _address("gemini", options, DEFAULT_BASE_URL)
    key, env = gemini_key(base_url, options.environ, base_url_trusted=trusted)
    chat = GeminiChat(value, base_url=base_url, api_key=key, key_env=env, params=options.params, **_calling(options))
    return _prompted(f"gemini:{value}", chat, options)


def _http(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.http_file import HttpFileJudge

    _no_prompt("http", options)
    if options.params:
        raise UsageError("http: judges take no --param: their file says all of the request")
    return HttpFileJudge(value, task=options.task, scale=options.scale, **_calling(options))


def _score(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.prompts import load_prompt
    from voirdire.harness.judges.score_endpoint import KEY_ENV, ScoreJudge

    if options.parse is not None:
        raise UsageError("--parse is for judges that write text; a score: judge gives numbers")
    prompt = load_prompt(options.prompt, "score") if options.prompt is not None else None
    # an address that only a file names is asked without a key
    key = options.environ.get(KEY_ENV, "").strip() if options.base_url_trusted else ""
    return ScoreJudge(
        value,
        task=options.task,
        scale=options.scale,
        template=prompt,
        api_key=key or None,
        params=options.params,
        **_calling(options),
    )


def _command(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.command_judge import CommandJudge

    _no_prompt("command", options)
    return CommandJudge(
        value,
        task=options.task,
        scale=options.scale,
        params=options.params,
        timeout=options.timeout,
        concurrency=options.concurrency,
        environ=options.environ,
    )


def _address(scheme: str, options: JudgeOptions, default: str) -> tuple[str, bool]:
    """The base URL, and whether a key may go there: a URL of the environment was set by the owner of the key."""
    named = options.environ.get(PROVIDERS[scheme].base_url_env, "").strip()
    return options.base_url or named or default, options.base_url_trusted or options.base_url is None


def _calling(options: JudgeOptions) -> dict[str, Any]:
    return {
        "timeout": options.timeout,
        "retries": options.retries,
        "concurrency": options.concurrency,
        "environ": options.environ,
    }


def _local(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.local import LocalChat

    known = ("threads", "n_ctx")
    for key, number in options.params.items():
        if key not in known:
            raise UsageError(f"local: judges have no parameter {key!r}", hint=nearest(key, known))
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise UsageError(f"--param {key}={number!r} must be a whole number from 1")
    return _prompted(f"local:{value}", LocalChat(value, **options.params), options)


def _prompted(spec: str, chat: ChatModel, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.prompted import PromptedJudge
    from voirdire.harness.judges.prompts import default_protocol, load_prompt

    if options.prompt is not None:
        protocol = load_prompt(options.prompt, options.task, options.parse, options.scale)
    else:
        protocol = default_protocol(options.task or "pairwise", options.scale, one_token=chat.first_token_only)
    return PromptedJudge(chat, protocol, name=spec, spec=spec, soft=options.soft)


def _python(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.python_judge import PythonJudge

    _no_prompt("python", options)
    return PythonJudge.from_spec(
        value,
        task=options.task,
        scale=options.scale,
        timeout=options.timeout,
        version=options.params.get("version"),
        concurrency=options.concurrency,
    )


def _reward(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.packages.reward_model import reward_judge
    from voirdire.harness.judges.python_judge import PythonJudge

    _no_prompt("reward", options)
    judge, files = reward_judge(value, task=options.task, scale=options.scale, params=options.params)
    # the same files give the same answers: later runs may reuse them
    version = str(options.params.get("version") or files)
    return PythonJudge(judge, spec=f"reward:{value}", version=version, timeout=options.timeout)


def _replay(value: str, options: JudgeOptions) -> Judge:
    from voirdire.harness.judges.replay import ReplayJudge

    _no_prompt("replay", options)
    for read in RECORDINGS:
        judge = read(value, options)
        if judge is not None:
            return judge
    return ReplayJudge.from_file(value, task=options.task, scale=options.scale)


_MAKERS: dict[str, Callable[[str, JudgeOptions], Judge]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "http": _http,
    "score": _score,
    "command": _command,
    "local": _local,
    "python": _python,
    "reward": _reward,
    "replay": _replay,
    "mock": _mock,
}
#: scheme -> example, for help and errors
SCHEMES: dict[str, str] = {
    "openai": "openai:gpt-5-mini",
    "anthropic": "anthropic:claude-sonnet-4-5",
    "gemini": "gemini:gemini-2.5-flash",
    "http": "http:judge.toml",
    "score": "score:http://localhost:8000/v1/score",
    "command": "command:python judge.py",
    "local": "local:smollm2",
    "python": "python:package.module:callable",
    "reward": "reward:path/to/model",
    "replay": "replay:verdicts.jsonl",
    "mock": "mock:noisy?accuracy=.85",
}
#: scheme -> what follows its colon
_NEEDS: dict[str, str] = {
    **dict.fromkeys(("openai", "anthropic", "gemini", "local", "reward"), "a model"),
    **dict.fromkeys(("http", "replay"), "a file"),
    "score": "an address",
    "command": "a program",
    "python": "a function",
    "mock": "a name",
}


def _no_prompt(scheme: str, options: JudgeOptions) -> None:
    """A prompt given to a judge that has none of its own would be ignored; say so instead."""
    if options.prompt is not None or options.parse is not None:
        raise UsageError(f"--prompt and --parse are for judges that are asked by voirdire; {scheme}: has its own")


def scale_of(given: Scale | str | tuple[float, float] | None) -> Scale | None:
    """A scale as Python code gives it: "1:10" or (1, 10) too. Raises UsageError."""
    if given is None or isinstance(given, Scale):
        return given
    if isinstance(given, str):
        return parse_scale(given)
    try:
        low, high = given
        return Scale(float(low), float(high))
    except (TypeError, ValueError):
        raise UsageError(f"scale={given!r:.60} is no range", hint='Give "1:10", (1, 10) or Scale(1, 10).') from None


def parse_scale(text: str) -> Scale:
    """ "1:10" as a Scale. Raises UsageError."""
    low, _, high = text.partition(":")
    try:
        return Scale(float(low), float(high))
    except ValueError:
        raise UsageError(f"--scale {text!r} is no range", hint="Example: --scale 1:10") from None
