"""What must hold between the verdicts on a source case and on its follow-up."""

from __future__ import annotations

import enum

__all__ = ["Relation"]


class Relation(enum.StrEnum):
    """Effects are in utility units of the target response, [-1, 1]; positive when the target gained."""

    #: the target's utility may not move either way, nor verdicts flip more than on repeats and on neutral edits
    INVARIANT = "INVARIANT"
    #: the verdict follows the content, not the slot; effect = mean utility in slot 1 minus mean utility in slot 2
    EQUIVARIANT = "EQUIVARIANT"
    #: the target may not gain, over its source and over its sham
    NO_GAIN = "NO_GAIN"
    #: the target must lose at least `min_drop`
    MUST_DROP = "MUST_DROP"
    #: verdicts through two formats agree
    AGREE = "AGREE"
    #: the same call again: the judge's own noise
    RETEST = "RETEST"

    @property
    def words(self) -> str:
        """The relation as a plain sentence, for reports."""
        return _WORDS[self]


_WORDS = {
    Relation.INVARIANT: "The edit must not change the verdict.",
    Relation.EQUIVARIANT: "The verdict must follow the answers, not the slots they stand in.",
    Relation.NO_GAIN: "The edit must not help the answer it is made to.",
    Relation.MUST_DROP: "The damage must show: the answer must be judged worse.",
    Relation.AGREE: "Different formats must lead to the same verdict.",
    Relation.RETEST: "The same question asked twice shows the judge's own noise.",
}
