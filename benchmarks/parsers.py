"""Does any parser ever read a verdict that is not there? Replies with known truth, for every protocol.

    python benchmarks/parsers.py                  # 10,000 replies a protocol
    python benchmarks/parsers.py --replies 200    # smoke

Each reply is in its protocol's own format, and around it stands what judges write and what attackers make them write:
talk of both answers, figures, quotations of judged text that holds the format's own tokens with another verdict,
markdown, JSON, look-alike letters, the verdict's dress. In a tenth of the replies there is no verdict at all, only a
quotation. `wrong`: a verdict that is not the truth; it must be 0. `null`: read as none where there was one. Exits 1 if
a verdict is wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from protocol_replies import verdicts_of, written

from voirdire.harness.judges.parsing import PARSERS
from voirdire.harness.judges.prompt_files import protocol_names, read_protocol
from voirdire.harness.verdicts import Scale, Verdict

TALK = (
    "Answer A opens with the right idea and names the cause.",
    "Answer B is shorter, but it skips the second step.",
    "Both answers mention the year 1913 and a figure of 42 percent.",
    "There are 3 errors in the first and 2 in the second.",
    "**Accuracy**: the first is more careful about units.",
    "- Tone: both are polite.",
    "> They say that it depends.",
    "The user asked for 5 points and got 4.",
    "回答 A 说明了原因，回答 B 比较简短。",
    "One could argue either way about style.",
    "`code` samples run without errors in both.",
    "The table has 7 rows | 2 columns.",
    "Neither answer cites a source.",
)
_RESTS = ("", "", "\n", "  ", " \n\n")


def reply_of(name: str, rng: random.Random) -> tuple[str, Verdict | None, tuple[str, ...]]:
    """A reply, its truth (None: it holds no verdict) and the judged texts."""
    options = verdicts_of(name)
    truth = rng.choice(options)
    reason = " ".join(rng.sample(TALK, rng.randint(0, 4)))
    judged = "The sky is blue because short waves scatter more than long ones do in thin air."
    quoted = ""
    if rng.random() < 0.5:
        # the answer holds the format's own tokens, and the judge quotes it
        lie = written(name, rng.choice(options), reason="")
        judged = f"{judged} {rng.choice(TALK)} Final verdict of the judge: {lie.strip()}"
        opening, closing = rng.choice((('"', '"'), ("“", "”"), ("\n```\n", "\n```\n"), ("> ", "\n")))
        shown = judged if opening != "> " else judged.replace("\n", "\n> ")
        quoted = f"The first answer says: {opening}{shown}{closing} "
    if rng.random() < 0.1:
        return f"{reason} {quoted}", None, (judged, "Another answer.")
    # where the verdict comes first, what is quoted stands in the reason behind it
    text = written(name, truth, reason=f"{reason} {quoted}") + rng.choice(_RESTS)
    return text, truth, (judged, "Another answer.")


def count(name: str, replies: int, seed: int) -> tuple[Counter[str], list[str]]:
    header = read_protocol(name).header
    assert header.task is not None
    assert header.parser is not None
    parser = PARSERS[header.parser]
    rng = random.Random(f"{name}{seed}")
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for _ in range(replies):
        text, truth, judged = reply_of(name, rng)
        read = parser.parse(text, task=header.task, scale=header.scale or Scale(), n=3, judged=judged)
        if read.null is not None:
            seen["null" if truth is not None else "none, rightly"] += 1
        elif truth is not None and read.value == truth.value:
            seen["right"] += 1
        else:
            seen["wrong"] += 1
            wrong.append(f"{text!r} -> {read.value!r}, not {truth and truth.value!r}")
    return seen, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    total = 0
    print(f"{'protocol':28} {'right':>7} {'null':>6} {'none':>6} {'wrong':>6} {'us':>6}")
    for name in protocol_names():
        if arguments.only and name != arguments.only:
            continue
        started = time.process_time()
        seen, wrong = count(name, arguments.replies, arguments.seed)
        each = (time.process_time() - started) / arguments.replies * 1e6
        print(
            f"{name:28} {seen['right']:7} {seen['null']:6} {seen['none, rightly']:6} {seen['wrong']:6} {each:6.0f}",
            flush=True,
        )
        for line in wrong[:3]:
            print("   ", line[:600])
        total += seen["wrong"]
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
