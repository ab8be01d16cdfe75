"""Searches over edits: the smallest part of an edit set that still moves a judge's verdict (`minimise`), and the phrase
that lifts any answer (universal.py, growing.py).

A search is given something that answers, and rules that decide; it knows no engine, no judge and no statistics.
"""

from __future__ import annotations

from voirdire.perturbations.search.minimise import Ask, Confirming, Minimal, NotMinimised, Rules, Trial, minimise

__all__ = ["Ask", "Confirming", "Minimal", "NotMinimised", "Rules", "Trial", "minimise"]
