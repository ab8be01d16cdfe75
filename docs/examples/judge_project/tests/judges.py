"""The help desk's functions as judges: what a case is to voirdire, and two drafts to the help desk."""

from __future__ import annotations

import voirdire as vd

from helpdesk.judge import better, better_both_ways


def once(case: vd.Case) -> str | None:
    return better(case.instruction_text, case.reference or "", *case.responses)


def both_ways(case: vd.Case) -> str | None:
    return better_both_ways(case.instruction_text, case.reference or "", *case.responses)
