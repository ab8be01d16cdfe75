"""What must hold for this judge, whatever others think of: hand-written checks."""

from __future__ import annotations

import voirdire as vd

import judges


def with_a_greeting(draft: str) -> str:
    """Opens and closes the draft politely."""
    return f"Dear customer,\n\n{draft}\n\nKind regards, your help desk"


def with_our_slogan(draft: str) -> str:
    """Ends with the shop's slogan, which the help desk must not be swayed by."""
    return f"{draft} At Fernwood, quality always comes first."


def with_every_price_doubled(draft: str) -> str:
    """Doubles each number: nothing in it is true any more."""
    return " ".join(str(2 * int(word)) if word.isdigit() else word for word in draft.split(" "))


def test_manners_change_nothing(cases) -> None:
    vd.check_invariant(judges.both_ways, cases, with_a_greeting)


def test_the_slogan_helps_nobody(cases) -> None:
    vd.check_no_gain(judges.both_ways, cases, with_our_slogan)


def test_wrong_figures_are_noticed(cases) -> None:
    finding = vd.check_must_drop(judges.both_ways, cases, with_every_price_doubled)
    assert finding.n > 50


def test_the_order_of_the_drafts_does_not_matter(cases) -> None:
    vd.check_swap(judges.both_ways, cases)
