"""Why a model stopped writing, in the words of the services, and what that makes of its reply.

Not here: where in an answer the word stands (the adapters), reading verdicts (parsing.py).
"""

from __future__ import annotations

from dataclasses import replace

from voirdire.harness.verdicts import Verdict

__all__ = ["is_cut_off", "is_declined", "of_unfinished"]

_DECLINED = frozenset(["content_filter", "refusal", "safety", "blocklist", "prohibited_content", "recitation", "spii"])
_CUT_OFF = frozenset(["length", "max_tokens", "max_output_tokens"])


def is_declined(finish: str | None) -> bool:
    """Did the service withhold the reply, or the rest of it?"""
    return (finish or "").lower() in _DECLINED


def is_cut_off(finish: str | None) -> bool:
    """Did the reply reach the most tokens it may have?"""
    return (finish or "").lower() in _CUT_OFF


def of_unfinished(verdict: Verdict, finish: str | None) -> Verdict:
    """`verdict`, and where the reply held none because it ended early, the reason."""
    if verdict.null != "unparsed":
        return verdict
    if is_declined(finish):
        return replace(verdict, null="refused", reason=f"the service withheld the reply ({str(finish).lower()})")
    if is_cut_off(finish):
        return replace(verdict, reason="the reply was cut off before its verdict; raise max_tokens")
    return verdict
