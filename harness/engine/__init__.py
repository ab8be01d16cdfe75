"""Answering a plan: the store of calls, the runner, and the events that terminals and reports read."""
