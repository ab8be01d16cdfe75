"""How fast are perturbations? Texts per second, beside textattack and nlpaug, and the whole catalogue on 1,000 cases.

    python benchmarks/perturbations.py                                # two minutes, or four with the rivals
    python benchmarks/perturbations.py --with ta/bin/python --with nlp/bin/python
    python benchmarks/perturbations.py --smoke

All figures are CPU time of one core (`time.process_time`, the best of several rounds) on the same answers of 150 words,
made of the built-in cases. `known`: the text was edited before, as an audit does with every probe after the first; its
analysis is cached. `new`: no text was ever seen. `--with` names an interpreter that has textattack or nlpaug installed;
this one is always asked. Exits 1 if a promise is missed: character edits 10,000 known texts/s, lexical ones 3,000, the
catalogue on 1,000 cases within 60 s (not with --smoke, which is for CI).
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import voirdire.perturbations  # noqa: F401 - registers the built-in ones
from voirdire.harness.cases import Case, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.rewritten import REWRITES
from voirdire.suites.builtin_cases import builtin_cases

WORDS = 150
#: promises: known texts/s of every perturbation of the family, and CPU seconds of the catalogue on 1,000 cases
LEAST = {"typos": 10_000, "lexical": 3_000}
MOST_SECONDS = 60.0
#: CPU seconds spent on each edit of a rival
RIVAL_SECONDS = 2.0


class Rate(NamedTuple):
    """texts/s."""

    known: float
    new: float


class Catalogue(NamedTuple):
    """What making every follow-up and placebo of `cases` cases cost, in CPU seconds."""

    cases: int
    follow_ups: int
    seconds: float

    @property
    def per_1000(self) -> float:
        return self.seconds * 1000 / self.cases


# --- what is edited


def catalogue() -> list[str]:
    """Every registered perturbation that needs neither an extra nor a file of rewrites."""
    return [name for name in PERTURBATIONS if name not in REWRITES and "textattack-" not in name]


def long_answer(case: int, response: int, others: Sequence[Case]) -> str:
    """Answer `response` of case number `case`, counted on beyond the last one, and more answers up to 150 words.

    No two calls give the same text: which answers follow changes with every round through `others`.
    """
    round_, k = divmod(case, len(others))
    text = others[k].responses[response]
    for step in itertools.count(1):
        words = text.split()
        if len(words) >= WORDS:
            end = sum(len(word) for word in words[:WORDS])
            return _first_words(text, end)
        text += "\n\n" + others[(k + step * (7 + 2 * round_)) % len(others)].responses[response]
    raise AssertionError


def _first_words(text: str, letters: int) -> str:
    """`text` up to so many characters other than white space."""
    places = itertools.accumulate(not char.isspace() for char in text)
    return text[: next(k for k, n in enumerate(places, 1) if n == letters)]


def long_cases(n: int) -> list[Case]:
    """`n` English pairs of 150 words each, all different."""
    english = [c for c in builtin_cases() if c.meta.get("lang", "en") == "en"]
    return [
        english[k % len(english)].replace(
            id=f"case-{k}", responses=(long_answer(k, 0, english), long_answer(k, 1, english))
        )
        for k in range(n)
    ]


def never_seen(cases: Sequence[Case], number: Iterator[int]) -> list[Case]:
    """The same cases with one more word at the end of their first answer, that nothing has ever been asked about."""
    return [c.with_response(0, f"{c.responses[0]} {_letters(next(number))}") for c in cases]


def _letters(number: int) -> str:
    return "z" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


# --- the clock


def edit_all(name: str, cases: Sequence[Case]) -> list[Case]:
    """From text to text, one edit each with a generator of its own; the cases that the perturbation applies to."""
    perturbation = PERTURBATIONS.get(name)
    done: list[Case] = []
    for k, case in enumerate(cases):
        try:
            edits = perturbation.edits(case, 0, random.Random(k), 1.0)
        except NotApplicable:
            continue
        if all(e.where == "responses[0]" for e in edits):
            apply_edits(case.responses[0], edits)
        done.append(case)
    return done


def seconds_of(name: str, cases: Sequence[Case]) -> float:
    begun = time.process_time()
    edit_all(name, cases)
    return time.process_time() - begun


def rates_of(names: Sequence[str], cases: Sequence[Case], rounds: int) -> dict[str, Rate]:
    """The best of `rounds`, for those of `names` that apply to one of `cases` or more.

    Each round times everything once, so that a busy minute of the machine spoils single rounds of all and no figure.
    """
    number = itertools.count()
    fitting = {name: chosen for name in names if (chosen := edit_all(name, cases))}
    known = dict.fromkeys(fitting, math.inf)
    new = dict.fromkeys(fitting, math.inf)
    for _ in range(rounds):
        for name, chosen in fitting.items():
            unseen = never_seen(chosen, number)
            new[name] = min(new[name], seconds_of(name, unseen))
            edit_all(name, chosen)  # brings back what other perturbations have pushed out of the caches
            known[name] = min(known[name], seconds_of(name, chosen))
    return {name: Rate(len(chosen) / known[name], len(chosen) / new[name]) for name, chosen in fitting.items()}


def whole_catalogue(cases: Sequence[Case], seed: int = 1) -> Catalogue:
    """All follow-ups of the worse answer, as a plan makes them, with their placebos."""
    made = 0
    followups = FollowUps(seed)
    begun = time.process_time()
    for case in cases:
        target = int(case.label == 0)
        for name in catalogue():
            try:
                followup = followups.make(name, case, target)
                made += 1
                followups.sham(name, case, target, followup)
            except NotApplicable:
                continue
    return Catalogue(len(cases), made, time.process_time() - begun)


def rivals(pythons: Sequence[str], texts: Sequence[str], seconds: float) -> dict[str, Any]:
    """What perturbation_rivals.py says under each interpreter: library -> version, rates and what is missing."""
    script = Path(__file__).with_name("perturbation_rivals.py")
    found: dict[str, Any] = {}
    for python in pythons:
        done = subprocess.run(
            [python, str(script)],
            input=json.dumps({"texts": list(texts), "seconds": seconds}),
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode:
            raise SystemExit(f"{python} could not measure the rivals:\n{done.stderr[-2000:]}")
        found |= json.loads(done.stdout)
    return found


# --- the table


def machine() -> str:
    """Processor, cores and Python; figures of two machines do not compare."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, one used; {platform.python_implementation()} {platform.python_version()}"


def in_figures(rate: float | None) -> str:
    """Three digits that count: 12,300 or 0.612."""
    if rate is None:
        return "-"
    digits = 2 - math.floor(math.log10(rate))
    return f"{round(rate, digits):,.{max(0, digits)}f}"


def beside(rate: Rate, other: float | None) -> str:
    """A rival's texts/s and how many times faster `rate` is on new texts, which is all that a rival ever sees."""
    return "-" if other is None else f"{in_figures(other)} ({in_figures(rate.new / other)} x)"


def show(rates: Mapping[str, Rate], found: Mapping[str, Any]) -> None:
    columns = ["perturbation", "known texts/s", "new texts/s", *(f"{lib} {found[lib]['version']}" for lib in found)]
    print(_row(columns), _row(["---"] * len(columns)), sep="\n")
    for name, rate in rates.items():
        if name.split(".")[0] in LEAST:
            others = [beside(rate, found[lib]["rates"].get(name)) for lib in found]
            print(_row([name, in_figures(rate.known), in_figures(rate.new), *others]))
    for family in dict.fromkeys(name.split(".")[0] for name in rates):
        of_family = [rate for name, rate in rates.items() if name.startswith(f"{family}.")]
        medians = [in_figures(statistics.median(column)) for column in zip(*of_family, strict=True)]
        print(_row([f"*{family}*, median of {len(of_family)}", *medians, *("-" for _ in found)]))
    if idle := [name for name in sorted(catalogue()) if name not in rates]:
        print(f"apply to none of these texts: {', '.join(idle)}")
    for library, told in found.items():
        for name, why in told["missing"].items():
            print(f"{library} has no figure beside {name}: {why}")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def missed(rates: Mapping[str, Rate], made: Catalogue) -> list[str]:
    """The promises that these figures do not keep."""
    out = [
        f"{name}: {rate.known:,.0f} known texts/s, promised {LEAST[family]:,}"
        for name, rate in rates.items()
        if (family := name.split(".")[0]) in LEAST and rate.known < LEAST[family]
    ]
    if made.per_1000 > MOST_SECONDS:
        out.append(f"the catalogue takes {made.per_1000:.0f} s for 1,000 cases, promised {MOST_SECONDS:.0f}")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="pythons", action="append", default=[], metavar="PYTHON",
                        help="an interpreter with textattack or nlpaug; may be given again")  # fmt: skip
    parser.add_argument("--texts", type=int, default=50, help="different texts that each perturbation edits")
    parser.add_argument("--rounds", type=int, default=25, help="the best of so many counts")
    parser.add_argument("--cases", type=int, default=1000, help="cases for the whole catalogue")
    parser.add_argument("--smoke", action="store_true", help="a few texts and cases, no promises")
    options = parser.parse_args(argv)
    if options.smoke:
        options.texts, options.rounds, options.cases = 5, 1, 2

    cases = long_cases(max(options.texts, options.cases))
    print(f"{machine()}\n{options.texts} texts of {WORDS} words, best of {options.rounds}\n")
    answers = [c.responses[0] for c in cases[: options.texts]]
    found = rivals([sys.executable, *options.pythons], answers, 0.1 if options.smoke else RIVAL_SECONDS)
    rates = rates_of(sorted(catalogue()), cases[: options.texts], options.rounds)
    show(rates, found)
    made = whole_catalogue(cases[: options.cases])
    print(
        f"\nthe whole catalogue, {len(catalogue())} perturbations on {made.cases:,} cases: {made.follow_ups:,} "
        f"follow-ups and their placebos in {made.seconds:.1f} s of CPU time, {made.per_1000:.1f} s for 1,000 cases"
    )
    if options.smoke:
        return 0
    lines = missed(rates, made)
    for line in lines:
        print(f"MISSED: {line}")
    return int(bool(lines))


if __name__ == "__main__":
    raise SystemExit(main())
