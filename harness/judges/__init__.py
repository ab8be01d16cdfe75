"""Judges: what one is (base.py), how one is named (spec.py, grammar.py), adapters, prompts, parsers."""
