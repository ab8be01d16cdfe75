"""What is asked of a judge: the probe rows, the built-in suites (TOML) and the built-in cases (JSONL)."""
