"""Judges that answer somewhere else than in this process: workers of a Ray cluster, batches of a provider.

The engine stays the one of this process (engine/runner.py): plan, cache, budgets and progress know nothing of it. Only
what a judge does to answer one call is done elsewhere.
"""
