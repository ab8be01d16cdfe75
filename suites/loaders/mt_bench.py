"""MT-bench (Zheng et al. 2023, arXiv:2306.05685; FastChat): answers, judgments, human votes, absolute grades.

* answers {question_id, model_id, choices: [{index, turns[2]}]}, with the questions (and, for pairs, a second model's
  answers, `?against=FILE`) in files of their own;
* pairwise judgments {question_id, model_1, model_2, g1_winner, g2_winner, judge[model, prompt], g1_user_prompt,
  g1_judgment, g2_..., turn}: game 2 shows model_2 first, and both winners are told by model;
* single judgments {question_id, model, judge, user_prompt, judgment, score, turn}, -1 for a reply that was not read;
* human votes {question_id, model_a, model_b, winner, judge, turn, conversation_a, conversation_b};
* MT-bench absolute, which is Prometheus' file (prometheus.py).

A case is a question, a turn and the models. In the second turn the response is both answers of a model, as the judge
saw them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Literal

from voirdire.harness.cases import Label, Turn
from voirdire.harness.errors import CaseFileError
from voirdire.harness.judges.parsing import parse_pairwise, parse_score
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders import prometheus
from voirdire.suites.loaders.answers import Answer, Question, companion, read_answers, read_questions
from voirdire.suites.loaders.collecting import GIVEN, SWAPPED, Collector, Loaded, majority, slot_of
from voirdire.suites.loaders.formats import Format, Options, Shape, one_of
from voirdire.suites.loaders.mt_bench_prompts import Shown, pair_shown, single_shown
from voirdire.suites.loaders.records import Record, Source, read_source

__all__ = ["FORMAT"]

_TEN = Scale(1, 10)
#: GPT-4's reference answers with a mistake in at least one turn (lm-sys/FastChat pull request 3158)
WRONG_REFERENCES = frozenset(
    ["104", "105", "109", "111", "113", "114", "120", "122", "124", "125", "126", "128", "130"]
)
_QUESTIONS = ("question.jsonl", "mt_bench_question.jsonl")
_REFERENCES = ("reference_answer/gpt-4.jsonl", "mt_bench_reference_gpt-4.jsonl")

_Winner = int | Literal["tie"]
_GAME: Mapping[str, _Winner | None] = {"model_1": 0, "model_2": 1, "tie": "tie", "error": None}
_VOTE: Mapping[str, _Winner] = {"model_a": 0, "model_b": 1, "tie": "tie", "tie (inconsistent)": "tie"}


def _read(source: Source, options: Options) -> Loaded:
    records = source.records
    first = records[0].data if records else {}
    if "gpt4_score" in first:
        return prometheus.FORMAT.read(source, {})
    if "choices" in first:
        return _answers(source, options)
    if "g1_winner" in first or "conversation_a" in first or "score" in first:
        found = Collector(source, "MT-bench", total=len(records))
        own = one_of(options, "verdicts", ("winners", "completions")) == "completions"
        votes: dict[str, list[Label]] = {}
        wrong: set[str] = set()
        for record in records:
            if "g1_winner" in record.data:
                _pair(found, record, own, wrong)
            elif "conversation_a" in record.data:
                _vote(found, record, votes)
            else:
                _single(found, record, own, wrong)
        _say_wrong(found, wrong)
        for identity, given in votes.items():
            found.relabel(identity, majority(given))
        divided = sum(majority(given) is None for given in votes.values())
        if divided:
            found.say(f"{divided:,} of {len(votes):,} pairs have no label, since the people's votes are divided.")
        return found.done(scale=_TEN if "score" in first else None)
    if "turns" in first:
        hint = f"Give the answers: mt-bench:ANSWERS.jsonl?questions={source.path}"
        raise CaseFileError("these are questions without answers", path=source.path, hint=hint)
    what = "no answers, judgments or votes of MT-bench"
    raise records[0].fail(what) if records else CaseFileError(what, path=source.path)


# --- answers ---------------------------------------------------------------------------------------------------------


def _answers(source: Source, options: Options) -> Loaded:
    found = Collector(source, "MT-bench", total=len(source.records))
    questions = read_questions(companion(source, options, "questions", *_QUESTIONS))
    answers = read_answers(source)
    against = read_answers(read_source(options["against"])) if "against" in options else None
    references = _references(source, options)
    for key, answer in answers.items():
        question = questions.get(key)
        other = against.get(key) if against is not None else None
        if question is None:
            raise answer.record.fail(
                f'"question_id" {key} is in no question', hint="Name the questions: ?questions=FILE"
            )
        if against is not None and other is None:
            found.tally("the other model did not answer the question; left out", answer.record)
            continue
        shown = [answer] if other is None else [answer, other]
        _by_turn(found, key, question, shown, references.get(key))
    if _are_references(source, references):
        _say_wrong(found, WRONG_REFERENCES & {k for k in answers if k in references or answers[k].model == "gpt-4"})
    return found.done()


def _say_wrong(found: Collector, wrong: Set[str]) -> None:
    if wrong:
        found.say(
            f"{len(wrong)} of the GPT-4 reference answers here are known to be wrong in at least one turn (questions "
            f"{', '.join(sorted(wrong))}); they were left out as references, and are no ground truth as answers."
        )


def _are_references(source: Source, references: Mapping[str, Answer]) -> bool:
    return bool(references) or "reference" in source.path


def _references(source: Source, options: Options) -> Mapping[str, Answer]:
    given = options.get("references") or source.beside(*_REFERENCES)
    if given is None or str(given) == source.path:
        return {}
    return read_answers(read_source(given))


def _by_turn(found: Collector, key: str, question: Question, answers: list[Answer], reference: Answer | None) -> None:
    record = answers[0].record
    turns = min(len(question.turns), *(len(a.turns) for a in answers))
    if turns == 0:
        raise record.fail("the answer has no turns")
    for turn in range(1, turns + 1):
        asked = question.turns[:turn]
        known = reference is not None and key not in WRONG_REFERENCES and len(reference.turns) >= turn
        found.case(
            record,
            "-".join(("mt-bench", key, *(a.model for a in answers), str(turn))),
            _asked(asked),
            [_conversation(a.turns[:turn]) for a in answers],
            reference=_conversation(reference.turns[:turn]) if reference is not None and known else None,
            group=f"question-{key}",
            meta={"category": question.category, "turn": turn, "models": [a.model for a in answers]},
        )


def _asked(questions: tuple[str, ...]) -> str | tuple[Turn, ...]:
    return questions[0] if len(questions) == 1 else tuple(Turn("user", text) for text in questions)


def _conversation(answers: tuple[str, ...]) -> str:
    if len(answers) == 1:
        return answers[0]
    return "\n\n".join(f"Answer to message {i}:\n{text}" for i, text in enumerate(answers, 1))


# --- judgments -------------------------------------------------------------------------------------------------------


def _judge(record: Record) -> str:
    judge = record.data.get("judge")
    if isinstance(judge, list):
        return "/".join(record.texts("judge"))
    return record.text("judge")


def _pair(found: Collector, record: Record, own: bool, wrong: set[str]) -> None:
    key, turn = record.key("question_id"), record.whole("turn") if record.has("turn") else 1
    models = [record.text("model_1"), record.text("model_2")]
    identity = "-".join(("mt-bench", key, *models, str(turn)))
    prompt = record.optional_text("g1_user_prompt")
    if prompt is not None and not found.has(identity):
        shown = pair_shown(prompt)
        if shown is None:
            found.tally("the question and answers cannot be told apart in the judge's prompt; verdicts only", record)
        else:
            _shown_case(found, record, identity, shown, {"turn": turn, "models": models}, wrong)
    for game, order in (("g1", GIVEN), ("g2", SWAPPED)):
        winner = record.one_of(f"{game}_winner", _GAME)
        reply = record.optional_text(f"{game}_judgment")
        if own:
            if reply is None:
                raise record.wrong(f"{game}_judgment", "a text", hint="Leave out ?verdicts=completions.")
            verdict = parse_pairwise(reply)
            if verdict.choice != (None if winner is None else slot_of(winner, order)):
                found.tally("our parser reads a judgment otherwise than the recorded winner", record)
        elif winner is None:
            verdict = Verdict(null="unparsed", reason="recorded as an error", raw=reply)
        else:
            verdict = Verdict(slot_of(winner, order), raw=reply)
        found.verdict(_judge(record), "pairwise", identity, verdict, order=order)


def _shown_case(
    found: Collector, record: Record, identity: str, shown: Shown, meta: Mapping[str, Any], wrong: set[str]
) -> None:
    key = record.key("question_id")
    reference = shown.reference
    if reference is not None and key in WRONG_REFERENCES:
        wrong.add(key)
        reference = None
    found.case(
        record,
        identity,
        _asked(shown.asked),
        [_conversation(answers) for answers in shown.answers],
        reference=None if reference is None else _conversation(reference),
        group=f"question-{key}",
        meta=meta,
    )


def _single(found: Collector, record: Record, own: bool, wrong: set[str]) -> None:
    key, turn = record.key("question_id"), record.whole("turn") if record.has("turn") else 1
    model = record.text("model")
    identity = "-".join(("mt-bench", key, model, str(turn)))
    prompt = record.optional_text("user_prompt")
    if prompt is not None and not found.has(identity):
        shown = single_shown(prompt)
        if shown is None:
            found.tally("the question and answer cannot be told apart in the judge's prompt; verdicts only", record)
        else:
            _shown_case(found, record, identity, shown, {"turn": turn, "models": [model]}, wrong)
    score = record.number_of("score")
    if own:
        verdict = parse_score(record.text("judgment"), scale=_TEN)
        if verdict.score != (score if score in _TEN else None):
            found.tally("our parser reads a judgment otherwise than the recorded score", record)
    elif score in _TEN:
        verdict = Verdict(score=score, raw=record.optional_text("judgment"))
    else:
        if score != -1:
            found.tally("a recorded score lies off the scale of 1 to 10 and counts as none", record)
        verdict = Verdict(null="unparsed", reason=f"recorded as {score:g}", raw=record.optional_text("judgment"))
    found.verdict(_judge(record), "score", identity, verdict, scale=_TEN)


# --- human votes -----------------------------------------------------------------------------------------------------


def _vote(found: Collector, record: Record, votes: dict[str, list[Label]]) -> None:
    key, turn = record.key("question_id"), record.whole("turn") if record.has("turn") else 1
    models = (record.text("model_a"), record.text("model_b"))
    winner = record.one_of("winner", _VOTE)
    order = GIVEN
    identity = "-".join(("mt-bench", key, *models, str(turn)))
    turned = "-".join(("mt-bench", key, *models[::-1], str(turn)))
    if turned in votes:  # the same pair was shown to another person the other way round
        identity, order = turned, SWAPPED
    elif identity not in votes:
        asked, first = _spoken(record, "conversation_a", turn)
        _, second = _spoken(record, "conversation_b", turn)
        meta = {"turn": turn, "models": list(models)}
        responses = (_conversation(first), _conversation(second))
        found.case(record, identity, _asked(asked), responses, group=f"question-{key}", meta=meta)
    content: Label = winner if winner == "tie" else order[winner]
    votes.setdefault(identity, []).append(content)
    found.verdict(_judge(record), "pairwise", identity, Verdict(winner), order=order)


def _spoken(record: Record, name: str, turn: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the user and the model said up to a turn."""
    said = [(m.text("role"), m.text("content")) for m in record.children(name)]
    asked = tuple(text for role, text in said if role == "user")[:turn]
    answered = tuple(text for role, text in said if role == "assistant")[:turn]
    if not turn >= 1 or len(asked) < turn or len(answered) < turn:
        raise record.fail(f'"{name}" must hold {turn} messages of the user and as many answers')
    return asked, answered


def _fits(shape: Shape) -> bool:
    if shape.has("question_id", "choices") or shape.has("question_id", "turns", "category"):
        return True
    judged = shape.has("g1_winner", "g2_winner") or shape.has("conversation_a", "conversation_b", "winner")
    return judged or shape.has("question_id", "model", "judgment", "score", "turn")


FORMAT = Format(
    "mt-bench",
    "MT-bench answers, pairwise and single judgments, human votes and absolute grades",
    _read,
    _fits,
    {
        "questions": "the file of questions, where it does not lie beside the answers",
        "references": "reference answers, where they do not lie beside the answers",
        "against": "a second model's answers: pairs instead of single answers",
        "verdicts": "winners: as recorded (default); completions: read again from the raw replies by our parser",
    },
)
