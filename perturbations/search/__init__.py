"""Searches over edits: the smallest part of an edit set that still moves a judge's verdict (`minimise`).

A search is given `ask`, which answers, and `rules`, which decide; it knows no engine, no judge and no statistics.
"""

from __future__ import annotations

from voirdire.perturbations.search.minimise import Ask, Confirming, Minimal, NotMinimised, Rules, Trial, minimise

__all__ = ["Ask", "Confirming", "Minimal", "NotMinimised", "Rules", "Trial", "minimise"]
