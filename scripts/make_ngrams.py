"""Counts the character 4-grams of the built-in English answers: harness/judges/data/english_4grams.tsv.

    python scripts/make_ngrams.py

Run it when suites/data/cases.jsonl or the model in harness/judges/wrappers/ngrams.py changes.
"""

from __future__ import annotations

import json

from voirdire.harness.cases import content_hash
from voirdire.harness.judges.wrappers.ngrams import TABLE, counted, held_out_scores, threshold
from voirdire.suites.builtin_cases import builtin_cases

SHARES = (0.01, 0.02, 0.05, 0.1)
#: rarer ones are half of the file and change little
LEAST = 2


def main() -> None:
    cases = [case for case in builtin_cases() if case.meta.get("lang") == "en"]
    every = counted(text for case in cases for text in case.responses)
    counts = {gram: count for gram, count in sorted(every.items()) if count >= LEAST}
    scores = held_out_scores(cases)
    thresholds = {str(share): round(threshold(scores, share), 3) for share in SHARES}
    head = {"cases": len(cases), "thresholds": thresholds, "version": content_hash(counts)[:12]}
    lines = [f"# {json.dumps(head)}", *(f"{gram}\t{count}" for gram, count in counts.items())]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
