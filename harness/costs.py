"""What a plan would cost with a judge, asked alone: calls, tokens and money of every judge inside of it.

A plain judge is one entry. For a wrapper the questions to its members come from a dry run (judges/wrappers/tally.py),
and each member has its own prompt, price and replies. Where the answers decide how much is asked, there are two
figures: at least, and at most. Not here: prices and tokens of one judge (prices.py); what a run did cost (its replies).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.tally import Asked, tally
from voirdire.harness.plan import PlannedCall
from voirdire.harness.prices import Price, Prices, Tokens, estimate_tokens, price_of

__all__ = ["Cost", "MemberCost", "cost_of"]


@dataclass(frozen=True, slots=True)
class MemberCost:
    """One judge that is really asked: `calls` and `tokens` at least, `most_calls` and `most_tokens` at most; the same
    where it does not depend on answers. `price` None: nobody knows it."""

    judge: str
    calls: int
    most_calls: int
    tokens: Tokens
    most_tokens: Tokens
    price: Price | None

    @property
    def cost_usd(self) -> float | None:
        return None if self.price is None else self.price.cost(self.tokens)

    @property
    def most_cost_usd(self) -> float | None:
        return None if self.price is None else self.price.cost(self.most_tokens)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of `verdicts` verdicts. `a_verdict`: calls that one verdict alone takes at most, as in production."""

    verdicts: int
    a_verdict: int
    members: tuple[MemberCost, ...]

    @property
    def calls(self) -> int:
        return sum(m.calls for m in self.members)

    @property
    def most_calls(self) -> int:
        return sum(m.most_calls for m in self.members)

    @property
    def tokens(self) -> Tokens:
        return _sum([m.tokens for m in self.members])

    @property
    def most_tokens(self) -> Tokens:
        return _sum([m.most_tokens for m in self.members])

    @property
    def price(self) -> Price | None:
        """That of all members, where they have one in common."""
        prices = {m.price for m in self.members}
        return prices.pop() if len(prices) == 1 else None

    @property
    def cost_usd(self) -> float | None:
        """US dollars; None where the price of one member is unknown."""
        return _total([m.cost_usd for m in self.members])

    @property
    def most_cost_usd(self) -> float | None:
        return _total([m.most_cost_usd for m in self.members])


async def cost_of(calls: Sequence[PlannedCall], judge: Judge, prices: Prices) -> Cost:
    """The estimate for asking `judge` all of `calls`, each question once. Nobody is asked."""
    least, most = await tally(calls, judge)
    # one model under several prompts, as in wide_and_deep, is one line
    specs = dict.fromkeys(asked.judge.spec for asked in most)
    members = tuple(_member(spec, least, most, prices) for spec in specs)
    verdicts = len({(c.content, 0 if judge.deterministic else c.sample) for c in calls})
    return Cost(verdicts, getattr(judge, "most_calls", 1), members)


def _member(spec: str, least: Sequence[Asked], most: Sequence[Asked], prices: Prices) -> MemberCost:
    mine: Callable[[Sequence[Asked]], list[Asked]] = lambda found: [a for a in found if a.judge.spec == spec]  # noqa: E731
    few, many = mine(least), mine(most)
    tokens, most_tokens = (_sum([estimate_tokens(a.calls, a.judge) for a in side]) for side in (few, many))
    return MemberCost(
        judge=spec,
        calls=sum(len(a.calls) for a in few),
        most_calls=sum(len(a.calls) for a in many),
        tokens=tokens,
        most_tokens=most_tokens,
        price=price_of(many[0].judge, prices),
    )


def _sum(parts: Sequence[Tokens]) -> Tokens:
    return Tokens(
        sum(t.input for t in parts), sum(t.output for t in parts), max((t.per_reply for t in parts), default=0)
    )


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if len(known) == len(amounts) else None
