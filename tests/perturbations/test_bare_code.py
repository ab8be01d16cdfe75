"""Code and data without a fence are known by their lines, prose is not taken for them, and edits that keep the meaning
leave them running."""

from __future__ import annotations

import ast
import json
from itertools import pairwise

import pytest
from family_checks import answers, common
from hypothesis import given
from making import make

from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.bare_code import bare_blocks

TWO_SUM = '''def two_sum(nums, target):
    """Where the two numbers stand.

    Each place counts once, and the first pair is taken.
    """
    seen = {}

    for place, number in enumerate(nums):
        # have we met what is missing?
        if target - number in seen:
            return [seen[target - number], place]
        seen[number] = place

    return []


print(two_sum([2, 7, 11, 15], 9))'''
SCRIPT = """import os

# Read the file and print it
text = open("a.txt").read()
# Show how long it is
print(len(text))"""
JAVA = """public class Main {
    public static void main(String[] args) {
        int total = 5;
        System.out.println(total);
    }
}"""
SQL = "SELECT name, born\nFROM people\nWHERE born > 1900\nORDER BY name;"
RECORD = '{\n  "name": "Ada Lovelace",\n  "born": 1815,\n  "alive": false,\n  "languages": ["en", "fr"]\n}'
YAML = "- country: Germany\n  capital: Berlin\n- country: Japan\n  capital: Tokyo"


@pytest.mark.parametrize("code", [TWO_SUM, SCRIPT, JAVA, SQL, RECORD, YAML, '[{"a": 1}]', '["a",\n "b"]'])
@pytest.mark.parametrize("before", ["", "Here is what you asked for:\n\n", "# Solution\n\n## Code\n\n"])
@pytest.mark.parametrize("after", ["", "\n", "\n\nIt does what it says, and no more.", "\n\n# Notes\n\nThat is all."])
def test_a_program_is_one_block(code: str, before: str, after: str) -> None:
    text = before + code + after
    assert [text[a:b].rstrip() for a, b in bare_blocks(text)] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "If you want to bake: take flour.\nwhile others wait, note this:\n- flour\n- eggs",
        "To solve it,\n\nx + 3 = 8\nx = 5\n\nThus x = 5.",
        "[3] Smith 2019\n[4] Miller 2020\n[ ] buy milk",
        "[1]\n[2, 3]\n",
        "for example: a list in a sentence:\nreturn to the house;\nimport taxes rose.",
        "# Title\n\n## Part\n\n1. First, do this.\n2. Then do that (or not).\n",
        "- Pros: cheap\n- Cons: slow\n- Price: 5",
        "Dear Sir,\n\nI write from Paris.\n\nYours,\nA. B.",
        "Class of 2020:\nA. Smith\nB. Jones",
        "One line: x = f(3); and no more",
        "",
    ],
)
def test_prose_is_no_code(text: str) -> None:
    assert bare_blocks(text) == []


def test_a_comment_belongs_to_code_unless_an_empty_line_parts_them() -> None:
    text = "# The answer\n\n# reads a file\nimport os\nx = os.getcwd()\n# done\n\n# Notes\n\nAll is well."
    assert [text[a:b] for a, b in bare_blocks(text)] == ["# reads a file\nimport os\nx = os.getcwd()\n# done\n"]


@common
@given(answers)
def test_blocks_are_sorted_lines_of_the_text(text: str) -> None:
    found = bare_blocks(text)
    assert found == sorted(found)
    assert all(0 <= a < b <= len(text) for a, b in found)
    assert all(a == 0 or text[a - 1] == "\n" for a, _ in found)
    assert all(b <= c for (_, b), (c, _) in pairwise(found))


def test_hostile_lines_take_linear_time() -> None:
    """Not by the clock: each would take hours if it were exponential, and minutes if quadratic in the text."""
    n = 20_000
    for text in (
        "import os\n" + "if a==b " * n,
        "import os\n" + "if a == b\n" * n,
        "import os\n" + "x = (" * n,
        "import os\n" + ";    \n" * n,
        "[1,\n" * n,
        '{"a":\n' * n,
        "- a:\n" * n,
        "- a:\n  b: c\n" * n,
        "import os\n" + '"""\n' * n,
    ):
        assert isinstance(bare_blocks(text), list)


#: what these do to a text is not about its words or its white space: they replace it, or are for other inputs
_KEEPING = sorted(
    name
    for name in PERTURBATIONS
    if PERTURBATIONS.get(name).claim == "preserving"
    and type(PERTURBATIONS.get(name)).__module__.startswith("voirdire.")
    and not name.startswith(("setup.", "custom.", "labels."))
    and "textattack" not in name
)


@pytest.mark.parametrize("name", _KEEPING)
@pytest.mark.parametrize("code", [TWO_SUM, SCRIPT, RECORD], ids=["function", "script", "json"])
def test_an_edit_that_keeps_the_meaning_keeps_programs_running(name: str, code: str) -> None:
    tree = json.loads(code) if code is RECORD else ast.dump(ast.parse(code))
    case = Case("Write it, please.", (code, "I would rather not."), label=0)
    tried = 0
    for seed in range(5):
        try:
            after = make(name, case, 0, seed).case.responses[0].removeprefix("```\n").removesuffix("\n```")
        except NotApplicable:
            continue
        tried += 1
        if code is RECORD:
            assert json.loads(after) == tree, after
        else:
            ast.parse(after)
    assert tried <= 5
