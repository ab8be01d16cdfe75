"""The machine: cases, verdicts, relations, the plan, judges, the engine, the statistics.

It knows no particular perturbation, suite or report; those folders build on it. It imports nothing of theirs.
"""
