"""A prompt or a request template reads no file, no environment, no Python object, and fills neither memory nor time.

Prompts come with pull requests, so what they can do is what anybody can do. Templates of `http:` judges run in the same
sandbox. Every attack is tried on both; none may be rendered, and no secret may show in the message.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voirdire.harness.cases import Case
from voirdire.harness.errors import VoirdireError
from voirdire.harness.judges.json_template import JsonTemplate
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.verdicts import Scale

SECRET = "hunter2-in-the-environment"

#: the escapes that are told from template to template, and what our own variables could be abused for
ESCAPES = [
    # from a value to its class, and from there to everything
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ response.__class__.__base__.__subclasses__() }}",
    "{{ [].__class__.__base__.__subclasses__()[40]('/etc/passwd').read() }}",
    "{{ ().__class__.__bases__[0] }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f')|attr('\\x5f\\x5fbase\\x5f\\x5f') }}",
    "{{ responses|map(attribute='__class__')|list }}",
    "{{ responses|map('attr', '__class__')|list }}",
    "{{ responses|groupby('__class__')|list }}",
    "{{ responses|sort(attribute='__class__.__name__') }}",
    "{{ responses|sum(attribute='__class__') }}",
    "{{ (response|upper).__class__.mro() }}",
    # from a function to its globals
    "{{ fence.__globals__ }}",
    "{{ fence.__init__.__globals__ }}",
    "{{ fence.__call__.__globals__['os'].environ }}",
    "{{ fence.__class__ }}",
    "{{ fence.__func__.__code__ }}",
    "{{ fence|attr('__globals__') }}",
    "{{ fence('a', 'b').__class__ }}",
    # Jinja's own objects
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context.environment }}",
    "{{ self.__class__ }}",
    "{{ lipsum.__globals__.os.popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ url_for.__globals__ }}{{ get_flashed_messages.__globals__ }}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "{% for x in responses %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% set ns = namespace(x=1) %}{{ ns }}",
    # formatting that reads attributes
    "{{ '{0.__class__.__mro__}'.format(fence) }}",
    "{{ '{x.__init__.__globals__}'.format_map({'x': fence}) }}",
    "{{ '%s' % fence.__class__ }}",
    "{{ ('{0.__class__}'|format)(fence) }}",
    # files and modules
    "{% include '/etc/passwd' %}",
    "{% include ['/etc/passwd', '../judge.md'] ignore missing %}",
    "{% import '/etc/passwd' as p %}",
    "{% from 'os' import environ %}",
    "{% extends '/etc/passwd' %}",
    "{% set p = '/etc/passwd' %}{% include p %}",
    "{{ open('/etc/passwd').read() }}",
    "{{ __import__('os').environ }}",
    "{{ os.environ }}",
    "{{ environ.HUNTER }}",
    "{{ builtins }}",
    "{% do responses.append('x') %}",
    "{% debug %}",
    # what it is shown must not change under its hands
    "{{ responses.append('x') }}",
    "{{ turns.clear() }}",
    "{{ responses.__setitem__(0, 'x') }}",
]

#: these are rendered, with nothing where they looked for something
HARMLESS = {
    "{{ responses|map(attribute='__class__')|list }}",
    "{{ responses|map('attr', '__class__')|list }}",
    "{{ responses|groupby('__class__')|list }}",
}

#: memory and time
BOMBS = [
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'x' * 10000000000 }}",
    "{{ 10000000000 * 'x' }}",
    "{{ [1] * 10000000000 }}",
    "{{ ('x' * 1000) * 1000 * 1000 * 1000 }}",
    "{{ 'x'.center(10000000000) }}",
    "{{ 'x'.ljust(10000000000) }}",
    "{{ 'x'.zfill(10000000000) }}",
    "{{ '\t'.expandtabs(10000000000) }}",
    "{{ 'x'|center(10000000000) }}",
    "{{ 'x\ny'|indent(10000000000) }}",
    "{{ 'x y'|wordwrap(1, wrapstring='x' * 10000000000) }}",
    "{{ '%10000000000d' % 1 }}",
    "{{ '%10000000000d'|format(1) }}",
    "{{ '{:>10000000000}'.format(1) }}",
    "{{ responses|batch(10000000000, 'x')|list }}",
    "{{ responses|slice(10000000000, 'x')|list }}",
    "{{ range(10000000000)|list }}",
    "{{ lipsum(n=1000000000) }}",
    "{% for x in range(100000000000) %}{% endfor %}",
    # doubled until nothing is left
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 31 + "{{ a|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 31 + "{{ a|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 31 + "{{ a|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = [a, a]|join %}" * 31 + "{{ a|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = ''.join([a, a]) %}" * 31 + "{{ a|length }}",
    "{% set a = ['xxxxxxxxxx'] %}" + "{% set a = a + a %}" * 31 + "{{ a|length }}",
    "{% set a = ['xxxxxxxxxx'] %}" + "{% set a = [a, a]|sum(start=[]) %}" * 31 + "{{ a|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = [a, a] %}" * 31 + "{{ a }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = [a, a] %}" * 31 + "{{ a|tojson|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = [a, a] %}" * 31 + "{{ (a ~ '')|length }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = {'a': a, 'b': a} %}" * 31 + "{{ a|string|length }}",
    "{{ 'aaaaaaaaaa'" + "|replace('a', 'aaaaaaaaaa')" * 10 + "|length }}",
    "{{ ('a' ~ response)" + ".replace('O', 'OOOOOOOOOO')" * 10 + ".replace('', 'xx') }}",
    "{% set s = response ~ ('x,' ~ 'y') %}{{ " + "s" + ".replace('x', 'xxxxxxxxxx')" * 10 + " }}",
    "{% macro m(a) %}{{ a }}{{ a }}{% endmacro %}{% set a = 'xxxxxxxxxx' %}"
    + "{% set a = m(a) %}" * 31
    + "{{ a|length }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ 'aaaa'.translate({97: 'a' ~ response}) }}",
]


def as_prompt(template: str, folder: Path) -> str:
    (folder / "judge.md").write_text(f"{template}\n{{{{ response }}}}\n", encoding="utf-8")
    protocol = load_prompt(str(folder / "judge.md"), "grade")
    return str(protocol.render(Case("Which?", ("One.",))))


def as_request(template: str, folder: Path) -> str:
    body = {"q": f"{template} {{{{ response }}}}", "alone": template}
    return str(JsonTemplate(body, name="judge.toml", task="grade", scale=Scale()).render(Case("Which?", ("One.",))))


@pytest.mark.parametrize("render", [as_prompt, as_request])
@pytest.mark.parametrize("template", [*ESCAPES, *BOMBS])
def test_no_template_gets_out(
    template: str, render: Callable[[str, Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUNTER", SECRET)
    try:
        said = render(template, tmp_path)
        assert template in HARMLESS, said
    except VoirdireError as refused:
        said = str(refused)
    for secret in (SECRET, "root:", "<class", "<built-in", "<function", "object at 0x"):
        assert secret not in said


@pytest.mark.parametrize(
    ("template", "becomes"),
    [
        ("{{ response|upper }} {{ response|length * 2 }}", "ONE. 8"),
        ("{{ 'a\nb'|indent(2) }}", "a\n  b"),
        ("{% for r in responses %}{{ loop.index }}: {{ r }}{% endfor %}", "1: One."),
        ("{{ response.split('.')[0] }}{{ 7 % 4 }}", "One3"),
        ("{{ instruction|replace('W', 'w')|truncate(3, True, '') }}", "whi"),
        ("{{ responses|join(', ') }}{{ response|tojson }}", 'One."One."'),
    ],
)
def test_what_prompts_need_still_works(template: str, becomes: str, tmp_path: Path) -> None:
    (tmp_path / "judge.md").write_text(f"{template}\n{{{{ response }}}}\n", encoding="utf-8")
    (message,) = load_prompt(str(tmp_path / "judge.md"), "grade").render(Case("Which?", ("One.",)))
    assert message["content"].startswith(becomes)


@pytest.mark.parametrize("text", [*ESCAPES, *BOMBS])
def test_judged_text_is_never_a_template(text: str, tmp_path: Path) -> None:
    (tmp_path / "judge.md").write_text("{{ response }}", encoding="utf-8")
    (message,) = load_prompt(str(tmp_path / "judge.md"), "grade").render(Case(text, (text,), reference=text))
    assert message["content"] == text
