"""Prices and token estimates: an unknown price stays unknown, and a user's file goes before the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.replay import Recorder
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.plan import PlannedCall
from voirdire.harness.prices import Tokens, estimate_tokens, load_prices, price_of, tokens_of
from voirdire.harness.verdicts import Verdict

CASE = Case("What is two plus two?", ("Four. " * 50, "It is five. " * 20), label=0)


def judge(spec: str, **options: object) -> Judge:
    return make_judge(spec, JudgeOptions(environ={}, **options))  # type: ignore[arg-type]


def calls(n: int, case: Case = CASE) -> list[PlannedCall]:
    return [PlannedCall(case, 0, str(i)) for i in range(n)]


def mine(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_listed_model_has_a_price_with_its_date_and_a_warning() -> None:
    price = price_of(judge("openai:gpt-5-mini"), load_prices())
    assert price is not None
    assert (price.input, price.output) == (0.25, 2.0)
    assert price.as_of == "2026-11"
    assert "check your provider" in (price.note or "")
    assert price.cost(Tokens(2_000_000, 500_000, 100)) == pytest.approx(0.5 + 1.0)
    assert price_of(judge("openai:gpt-5-mini-2025-08-07"), load_prices()) == price


@pytest.mark.parametrize("spec", ["openai:gpt-9", "openai:gpt-5-mini-turbo", "openai:gpt-4", "python:json:dumps"])
def test_an_unknown_price_is_none_and_not_nothing(spec: str) -> None:
    assert price_of(judge(spec, task="pairwise"), load_prices()) is None


def test_who_asks_no_provider_costs_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl")
    recorder.wrap(judge("mock:noisy"))
    recorder.record(CASE, sample=0, verdict=Verdict(choice=0))
    recorder.close()
    for spec in ("mock:noisy", f"replay:{tmp_path / 'r.jsonl'}"):
        price = price_of(judge(spec), load_prices())
        assert price is not None
        assert price.cost(Tokens(10**6, 10**6, 1)) == 0.0


def test_an_endpoint_on_this_machine_is_free_and_a_strange_one_unknown() -> None:
    here = judge("openai:gpt-5-mini", base_url="http://localhost:8000/v1")
    price = price_of(here, load_prices())
    assert price is not None
    assert price.cost(Tokens(10**6, 10**6, 1)) == 0.0
    # the same model name at a reseller, or at a host that only looks like the provider's
    for url in ("https://openrouter.example/api/v1", "https://api.openai.com.example/v1"):
        assert price_of(judge("openai:gpt-5-mini", base_url=url), load_prices()) is None


def test_a_users_file_goes_first_and_counts_for_any_endpoint(tmp_path: Path) -> None:
    path = mine(tmp_path, '[[price]]\nmodels = ["gpt-5*", "python:*"]\ninput = 1\noutput = 3\n')
    table = load_prices(path)
    for spec, url in (("openai:gpt-5-mini", None), ("openai:gpt-5-mini", "https://openrouter.example/api/v1")):
        price = price_of(judge(spec, base_url=url), table)
        assert price is not None
        assert (price.input, price.output, price.source, price.note) == (1.0, 3.0, "prices.toml", None)
    assert price_of(judge("python:json:dumps", task="pairwise"), table) is not None
    other = price_of(judge("openai:gpt-4o"), table)
    assert other is not None
    assert other.input == 2.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no prices"),
        ("price = 3", "no prices"),
        ("[[price]]\ninput = 1\noutput = 1", "price 1: models"),
        ('[[price]]\nmodels = "gpt"\ninput = 1\noutput = 1', "price 1: models"),
        ('[[price]]\nmodels = ["a"]\ninput = -1\noutput = 1', "price 1: input"),
        ('[[price]]\nmodels = ["a"]\ninput = 1\noutput = nan', "price 1: output"),
        ('[[price]]\nmodels = ["a"]\ninput = true\noutput = 1', "price 1: input"),
        ('[[price]]\nmodels = ["a"]\ninput = 1', "price 1: output"),
        ('[[price]]\nmodels = ["a"]\ninptu = 1\noutput = 1', "'inptu'"),
        ("[[price", "not TOML"),
    ],
)
def test_a_wrong_file_names_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        load_prices(mine(tmp_path, text))
    assert words in str(error.value)
    assert "prices.toml" in str(error.value)


def test_a_missing_or_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_prices(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="UTF-8"):
        load_prices(tmp_path / "latin.toml")


def test_every_row_of_the_table_can_be_reached() -> None:
    """No earlier pattern hides a later one."""
    table = load_prices()
    for patterns, price, own in table.rows:
        assert not own
        for pattern in patterns:
            assert table.of(pattern.replace("*", "-x").replace("?", "0")) == price


def test_tokens_of_latin_and_cjk_text() -> None:
    assert tokens_of("") == 0
    assert tokens_of("abcd" * 10) == 10
    assert tokens_of("三個字" * 10) == pytest.approx(20)
    assert tokens_of("カタカナ한국어") == pytest.approx(7 / 1.5)
    assert tokens_of("abcd三個字") == pytest.approx(3)


def test_a_prompted_judge_is_measured_with_its_prompt(tmp_path: Path) -> None:
    plain = estimate_tokens(calls(10), judge("mock:noisy"))
    prompted = estimate_tokens(calls(10), judge("openai:gpt-4o"))
    texts = tokens_of(CASE.instruction_text) + sum(map(tokens_of, CASE.responses))
    assert plain.input == round(10 * texts)
    assert prompted.input > plain.input + 10 * 100  # the prompt's own words
    own = tmp_path / "mine.md"
    own.write_text("Which? {{ instruction }} {{ response_a }} {{ response_b }} [[A]] or [[B]]")
    mine = estimate_tokens(calls(10), judge("openai:gpt-4o", prompt=str(own)))
    assert plain.input < mine.input < prompted.input
    assert (prompted.per_reply, prompted.output) == (150, 1500)


def test_the_length_of_a_reply() -> None:
    assert estimate_tokens(calls(2), judge("openai:gpt-5-mini")).per_reply == 1000
    assert estimate_tokens(calls(2), judge("openai:gpt-4o", params={"max_tokens": 20})).per_reply == 20
    assert estimate_tokens(calls(2), judge("openai:gpt-5-mini", params={"max_tokens": 64})).per_reply == 64
    assert estimate_tokens(calls(2), judge("openai:gpt-4o", params={"max_tokens": 4000})).per_reply == 150
    assert estimate_tokens([], judge("openai:gpt-4o")).total == 0


def test_a_sample_of_many_calls_stands_for_all() -> None:
    """Also where long texts come up every third time."""
    short, long = CASE, Case("q", ("word " * 4000, "word " * 4000), label=0)
    many = [PlannedCall(case, 0, "") for _ in range(600) for case in (short, long, short)]
    exact = 600 * (2 * tokens_of("".join(short.responses)) + tokens_of("".join(long.responses)))
    assert estimate_tokens(many, judge("mock:noisy")).input == pytest.approx(exact, rel=0.2)


def test_the_label_is_not_counted() -> None:
    labelled = estimate_tokens(calls(1, CASE.replace(label=None)), judge("mock:noisy"))
    assert labelled == estimate_tokens(calls(1), judge("mock:noisy"))
