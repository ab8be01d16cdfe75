"""From answered calls to findings: arms, estimands, intervals, decisions, multiplicity.

Pure functions of numbers; nothing here asks a judge or reads a file. What is done to the
numbers of a probe follows from its relation; a few are known by name where a metric or a sentence is about them
(`stability.neutral`, `setup.wording-*`).
"""
