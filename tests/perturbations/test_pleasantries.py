"""Pleasantries are known by their whole wording, so that no statement is taken for one."""

from __future__ import annotations

import pytest

from voirdire.harness.cases import apply_edits
from voirdire.perturbations.format_style import concise_cuts
from voirdire.perturbations.pleasantries import is_pleasantry


@pytest.mark.parametrize(
    "text",
    [
        "Sure!",
        "Sure, here is a list of ten movies:",
        "Certainly! Here's how you can do it:",
        "Of course, I'd be happy to help you with that.",
        "Happy to help!",
        "Great question!",
        "Thank you for your question.",
        "Thanks!",
        "I hope this helps!",
        "Hope this explanation helps!",
        "Let me know if you have any further questions.",
        "Let me know if you have any questions or need further clarification!",
        "Please let me know if you need anything else.",
        "Feel free to ask if you need any more help.",
        "If you have any other questions, feel free to ask!",
        "当然！",
        "好的。",
        "当然可以，以下是三个例子：",
        "希望这些信息对您有帮助！",
        "如果您有任何其他问题，请随时告诉我。",
    ],
)
def test_a_pleasantry(text: str) -> None:
    assert is_pleasantry(text)


@pytest.mark.parametrize(
    "text",
    [
        "Of course, honey can spoil.",
        "Absolutely not.",
        "Certainly, 7 is a prime.",
        "Sure signs of rain are dark clouds.",
        "Please let me know by Tuesday whether you can come and bring the plans.",
        "Let me know the time.",
        "Thank you for providing information about the UCLA MATCH program.",
        "I hope this helps the poor.",
        "If you have any questions, call the bank.",
        "Here is the list:",
        "当然，蜂蜜会变质。",
        "希望这座城市能帮助更多的人。",
        "如果您有任何疑问，应先关火。",
        "",
    ],
)
def test_a_statement_that_begins_like_one(text: str) -> None:
    assert not is_pleasantry(text)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Of course, honey can spoil. It does so when water gets in.", None),
        ("Dear Ms Hill, the meeting has moved. Please let me know by Tuesday whether you can come.", None),
        ("Sure! Honey can spoil. Let me know if you have any questions.", "Honey can spoil."),
        ("It is a simply connected domain. So it has no holes.", None),
        ("The domain is simply connected. So it has no holes.", None),
        ("It has such a large number of parts. It breaks.", None),
        ("It has a large number of parts. It breaks.", "It has many parts. It breaks."),
        ("You can simply stir it. It melts.", "You can stir it. It melts."),
    ],
)
def test_no_statement_is_dropped(text: str, short: str | None) -> None:
    assert apply_edits(text, concise_cuts(text)) == (text if short is None else short)
