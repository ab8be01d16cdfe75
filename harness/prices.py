"""What a plan would cost: tokens from the length of its texts, money from a table of list prices.

Both are estimates, made without asking anyone. A price that is not known is None, never 0. The table is
judges/data/prices.toml; a user's file of the same form goes before it. Not here: what calls did cost (adapters read
that from the replies), budgets (engine/runner.py).
"""

from __future__ import annotations

import fnmatch
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.finite import is_finite
from voirdire.harness.toml_text import TomlError, parse_toml

if TYPE_CHECKING:
    from voirdire.harness.cases import Case
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.plan import PlannedCall

__all__ = ["Price", "Prices", "Tokens", "estimate_tokens", "load_prices", "price_of", "tokens_of"]

_TABLE = Path(__file__).parent / "judges" / "data" / "prices.toml"
#: characters of a token, on average: Latin text, and Chinese, Japanese, Korean
LATIN_CHARACTERS, CJK_CHARACTERS = 4.0, 1.5
#: tokens that a chat format adds to each message
MESSAGE_TOKENS = 4
#: tokens of a reply: a few sentences and a verdict; a reasoning model's thoughts are billed as well
REPLY_TOKENS, REASONING_REPLY_TOKENS = 150, 1000
#: calls whose texts are measured
_SAMPLED = 400

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_FREE = frozenset({"local", "mock", "replay"})
#: the hosts whose list prices the built-in table holds
_OWN_HOST = {
    "openai": "https://api.openai.com/",
    "anthropic": "https://api.anthropic.com/",
    "gemini": "https://generativelanguage.googleapis.com/",
}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. `source` says where it comes from, `as_of` of when it is, `note` how sure."""

    input: float
    output: float
    source: str
    as_of: str | None = None
    note: str | None = None

    def cost(self, tokens: Tokens) -> float:
        """US dollars."""
        return (tokens.input * self.input + tokens.output * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Tokens:
    """Estimated tokens of all calls. `per_reply` is the assumed length of one reply."""

    input: int
    output: int
    per_reply: int

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Prices:
    """A table: rows of (patterns, price), the first match counts. `own` rows are the user's."""

    rows: tuple[tuple[tuple[str, ...], Price, bool], ...]

    def of(self, spec: str, *, own_only: bool = False) -> Price | None:
        """The price of a judge spec; a user's patterns may also name the model alone. None where none matches."""
        model = spec.partition(":")[2]
        for patterns, price, own in self.rows:
            names = (spec, model) if own else (spec,)
            if (own or not own_only) and any(fnmatch.fnmatchcase(n, p) for n in names for p in patterns):
                return price
        return None


def load_prices(path: str | Path | None = None) -> Prices:
    """The built-in table, after the rows of the user's file. Raises UsageError naming file, row and value."""
    built_in = _read(_TABLE, own=False)
    if path is None:
        return built_in
    return Prices(_read(Path(path), own=True).rows + built_in.rows)


def price_of(judge: Judge, prices: Prices) -> Price | None:
    """What a call to `judge` costs; None where nobody knows, as for a Python callable.

    Local, simulated and replayed judges cost nothing, nor does an endpoint on this machine or network. Another
    endpoint than the provider's own may ask any price, so only a row of the user's own counts for it. A prompted judge
    with a longer prompt (`warn(openai:MODEL)`) costs what its model does; of a judge made of several see costs.py.
    """
    from voirdire.harness.judges.grammar import leaves
    from voirdire.harness.judges.prompted import PromptedJudge

    spec = leaves(judge.spec)[0] if isinstance(judge, PromptedJudge) else judge.spec
    scheme = spec.partition(":")[0]
    if scheme in _FREE:
        return Price(0.0, 0.0, "no provider is asked")
    own_host = _OWN_HOST.get(scheme)
    url = _url(judge)
    elsewhere = own_host is not None and url is not None and not url.startswith(own_host)
    price = prices.of(spec, own_only=elsewhere)
    discount = getattr(getattr(judge, "chat", None), "discount", None)  # of calls made in batches
    if price is not None and discount is not None:
        note = f"{price.note}; in batches" if price.note else "in batches"
        note += f" {discount * 100:.0f} % of the price"
        price = replace(price, input=price.input * discount, output=price.output * discount, note=note)
    if price is None and elsewhere and not judge.paid:
        return Price(0.0, 0.0, "an endpoint of your own")
    return price


def tokens_of(text: str) -> float:
    """About how many tokens `text` has: one for 4 characters, or for 1.5 of Chinese, Japanese or Korean.

    Right to a quarter or so for running text of the usual tokenizers; code and rare scripts take more.
    """
    cjk = len(_CJK.findall(text))
    return cjk / CJK_CHARACTERS + (len(text) - cjk) / LATIN_CHARACTERS


def estimate_tokens(calls: Sequence[PlannedCall], judge: Judge) -> Tokens:
    """Tokens of all of `calls`, from the texts of at most 400 of them, drawn the same way every time.

    A prompted judge's own prompt is rendered; of any other judge only the shown texts are counted. A reply is taken
    to have 150 tokens (1,000 from a reasoning model, 1 from a judge read by its first token), or `max_tokens` where
    that is less.
    """
    reply = _reply_tokens(judge)
    if not calls:
        return Tokens(0, 0, reply)
    # drawn, not every k-th: orders, arms and cases follow each other in a fixed rhythm
    measured = random.Random(0).sample(calls, min(_SAMPLED, len(calls)))
    each = math.fsum(_input_tokens(call.case, judge) for call in measured) / len(measured)
    return Tokens(round(each * len(calls)), reply * len(calls), reply)


def _input_tokens(case: Case, judge: Judge) -> float:
    from voirdire.harness.judges.prompted import PromptedJudge

    if isinstance(judge, PromptedJudge):
        messages = judge.protocol.render(case)
        return math.fsum(MESSAGE_TOKENS + tokens_of(message["content"]) for message in messages)
    texts = (case.instruction_text, *case.responses, case.reference, case.rubric, case.context)
    return math.fsum(tokens_of(text) for text in texts if text)


def _reply_tokens(judge: Judge) -> int:
    from voirdire.harness.judges.prompted import PromptedJudge

    if not isinstance(judge, PromptedJudge):
        return REPLY_TOKENS
    if judge.chat.first_token_only:
        return 1
    identity = judge.chat.identity
    reply = REPLY_TOKENS
    if identity.get("api") == "openai-chat":
        from voirdire.harness.judges.openai_chat import is_reasoning_model

        if is_reasoning_model(str(identity.get("model"))):
            reply = REASONING_REPLY_TOKENS
    params = identity.get("params")
    limits = [params.get(k) for k in ("max_tokens", "max_completion_tokens")] if isinstance(params, dict) else []
    return min([reply, *(n for n in limits if isinstance(n, int) and n > 0)])


def _url(judge: Judge) -> str | None:
    from voirdire.harness.judges.prompted import PromptedJudge

    url = judge.chat.identity.get("url") if isinstance(judge, PromptedJudge) else None
    return url if isinstance(url, str) else None


# ------------------------------------------------------------------------------------------------- reading a table


def _read(path: Path, *, own: bool) -> Prices:
    try:
        data = parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text") from None
    except TomlError as error:
        raise UsageError(f"{path}: {error}") from None
    _known(data, ("as_of", "note", "price"), str(path))
    as_of, note = data.get("as_of", ""), data.get("note", "")
    if not (isinstance(as_of, str) and isinstance(note, str)):
        raise UsageError(f"{path}: as_of and note are texts")
    rows = data.get("price")
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{path} holds no prices", hint=_EXAMPLE)
    source = path.name if own else "list prices"

    def price(row: Any, where: str) -> tuple[tuple[str, ...], Price, bool]:
        models, amounts = _row(row, where)
        return models, Price(*amounts, source, as_of or None, note or None), own

    return Prices(tuple(price(r, f"{path}, price {i}") for i, r in enumerate(rows, start=1)))


_EXAMPLE = 'Example of a row:  [[price]]  models = ["openai:my-model*"]  input = 0.25  output = 2.0'


def _row(row: Any, where: str) -> tuple[tuple[str, ...], tuple[float, float]]:
    if not isinstance(row, dict):
        raise UsageError(f"{where} is no table", hint=_EXAMPLE)
    _known(row, ("models", "input", "output"), where)
    models = row.get("models")
    if not isinstance(models, list) or not models or not all(isinstance(m, str) and m for m in models):
        raise UsageError(f"{where}: models must be a list of patterns, got {models!r}", hint=_EXAMPLE)
    for key in ("input", "output"):
        value = row.get(key)
        if not is_finite(value) or value < 0:
            raise UsageError(f"{where}: {key} must be US dollars per million tokens, got {value!r}", hint=_EXAMPLE)
    return tuple(models), (float(row["input"]), float(row["output"]))


def _known(data: dict[str, Any], names: Sequence[str], where: str) -> None:
    for key in data:
        if key not in names:
            raise UsageError(f"{where} has an unknown key {key!r}", hint=nearest(key, names))
