"""From answered calls to findings: arms, estimands, intervals, decisions, multiplicity.

Pure functions of numbers; nothing here asks a judge, reads a file or knows a particular probe.
"""
