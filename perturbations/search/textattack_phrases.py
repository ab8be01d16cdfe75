"""textattack's search methods, looking for a phrase that lifts any response: genetic, PSO, greedy in random order.

They are made to edit one text until a goal is reached, so the phrase is the text: of `max_words` places, each blank or
a word of the vocabulary, all blank to begin with. An edit puts another word (or none) into a place. The score of a text
is the mean utility over units, asked through the search's meter like any other question, and only the calls end a
search. Where textattack would try the whole vocabulary at a place, a genetic or swarm search is offered a few words
drawn at random: it tries a place dozens of times.

    genetic     AlzantotGeneticAlgorithm (Alzantot et al. 2018, arXiv:1804.07998)
    pso         ParticleSwarmOptimization (Zang et al. 2020, ACL 2020.acl-main.540)
    wir-random  GreedyWordSwapWIR with places in random order: the whole vocabulary at one place after the other

Scores are taken on as few units as leave calls for some hundred phrases; the best few then race on all units, and the
winner is the result, whatever the method returns. textattack draws from numpy's global generator;
here its modules get a generator of the seed's own, so nothing global is touched, and what a judge draws meanwhile
changes nothing. Not here: loading textattack (textattack_bridge.py), its recipes for single texts
(textattack_recipes.py).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib
import string
import threading
from collections.abc import Callable, Iterator, Sequence
from random import Random
from types import ModuleType
from typing import Any, Literal, get_args

from voirdire.perturbations.draws import sample, shuffled
from voirdire.perturbations.search.meter import Meter, Spent
from voirdire.perturbations.search.racing import race
from voirdire.perturbations.search.space import Question, Space, Words
from voirdire.perturbations.textattack_bridge import load, silent
from voirdire.perturbations.textattack_goal import goal_of_numbers

__all__ = ["FEWEST_UNITS", "TEXTATTACK_METHODS", "TextattackMethod", "textattack_search"]

TextattackMethod = Literal["genetic", "pso", "wir-random"]
TEXTATTACK_METHODS: tuple[TextattackMethod, ...] = get_args(TextattackMethod)

#: members of a population: few, as a generation must cost a small part of the calls
_POPULATION = 4
#: words that an edit of one place is offered; of the others all
_OFFERED: dict[TextattackMethod, int] = {"genetic": 32, "pso": 32}
#: phrases that a population needs to try; the units are as few as that takes
_PHRASES = 320
#: and never fewer units than this
FEWEST_UNITS = 4
#: phrases that race in the end, and the share of the calls that is kept for it
_FINALISTS, _FINAL = 12, 0.1
#: batches in a row that hold nothing new, after which a search goes round in circles
_CIRCLES = 100
#: a swarm mutates less the more of a text has changed, and not at all from half of it on: its phrase is a quarter
_PADDED = 4
#: texts of a batch: the judge is asked about so many at once
_BATCH = 16
#: where its random numbers come from
_DRAWING = ("alzantot_genetic_algorithm", "genetic_algorithm", "greedy_word_swap_wir", "particle_swarm_optimization")
#: seconds between looks whether the search was given up
_LOOK = 0.2
#: one search at a time: the generators are those of textattack's modules
_LOCK = threading.Lock()

Tell = Callable[[Words, float], None]
#: phrases to score, and where the scores go
Request = tuple[list[Words], concurrent.futures.Future[list[float]]]
Requests = asyncio.Queue[Request | None]


class _Over(Exception):
    """Ends textattack's search: nothing more will be answered."""


async def textattack_search(
    meter: Meter,
    space: Space,
    units: int,
    *,
    method: TextattackMethod,
    seed: int = 0,
    tell: Tell = lambda _words, _mean: None,
) -> Words:
    """The phrase that did best on the units asked about within the meter's budget; () where none beat no phrase.

    The same arguments and answers give the same result. Raises NotApplicable where textattack is not installed, and
    whatever the meter raises but Spent.
    """
    load()
    phrases_wanted = _PHRASES if method in _OFFERED else space.max_words * len(space.vocabulary)
    search = _Search(meter, space, units, phrases_wanted, Random(seed), tell)
    requests: Requests = asyncio.Queue()
    loop = asyncio.get_running_loop()
    over = threading.Event()

    def ask(phrases: list[Words]) -> list[float]:
        """In textattack's thread: the scores of `phrases`, from the loop."""
        future: concurrent.futures.Future[list[float]] = concurrent.futures.Future()
        loop.call_soon_threadsafe(requests.put_nowait, (phrases, future))
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                return future.result(_LOOK)
        raise _Over

    work = asyncio.ensure_future(asyncio.to_thread(_run, method, space, seed, meter.budget, ask))
    work.add_done_callback(lambda _work: requests.put_nowait(None))
    try:
        while (request := await _next(requests)) is not None:
            phrases, future = request
            future.set_result(await search.scores(phrases))
    except Spent:
        pass
    finally:
        over.set()
        await asyncio.wait([work])
    work.result()  # what went wrong in there, if anything
    return await search.winner()


async def _next(requests: Requests) -> Request | None:
    """The next request. Who is cancelled meanwhile is so at the next question: there it ends a search in good order."""
    try:
        return await requests.get()
    except asyncio.CancelledError:
        request = await requests.get()
        if (task := asyncio.current_task()) is not None:
            task.cancel()
        return request


class _Search:
    """Scores phrases and remembers the best."""

    def __init__(self, meter: Meter, space: Space, units: int, wanted: int, rng: Random, tell: Tell) -> None:
        self.meter = meter
        self.space = space
        self.kept = int(_FINAL * meter.budget)
        order = shuffled(rng, range(units))
        self.lanes = [(unit, 0) for unit in order]
        self.few = self.lanes[: max(FEWEST_UNITS, (meter.budget - self.kept) // wanted)]
        self.tell = tell
        self.means: dict[Words, float] = {}
        self.best = float("-inf")
        self.circles = 0

    async def scores(self, phrases: Sequence[Words]) -> list[float]:
        """The mean utilities of `phrases`; -1 for one that may not be. Raises Spent after those that could be paid."""
        found: list[float] = []
        for start in range(0, len(phrases), _BATCH):
            batch = phrases[start : start + _BATCH]
            allowed = [p for p in dict.fromkeys(batch) if not p or self.space.accepts(p)]
            paid = allowed[: self._affordable(allowed)]
            answers = await self.meter([q for p in paid for q in self._questions(p)])
            self.circles = 0 if any(p not in self.means for p in paid) else self.circles + 1
            n = len(self.few)
            for i, phrase in enumerate(paid):
                mean = self.means[phrase] = sum(answers[i * n : (i + 1) * n]) / n
                if phrase and mean > self.best:
                    self.best = mean
                    self.tell(phrase, mean)
            if len(paid) < len(allowed) or self.circles > _CIRCLES:
                raise Spent
            found += [self.means.get(p, -1.0) for p in batch]
        return found

    def _affordable(self, phrases: Sequence[Words]) -> int:
        """How many of them, from the first on, the calls left reach for."""
        left = self.meter.left - self.kept
        for k, phrase in enumerate(phrases):
            left -= self.meter.price(self._questions(phrase))
            if left < 0:
                return k
        return len(phrases)

    def _questions(self, words: Words) -> list[Question]:
        return [Question(words, *lane) for lane in self.few]

    async def winner(self) -> Words:
        """The best of the phrases scored, after a race on all units; no phrase at all runs too."""
        ranked = sorted(self.means, key=lambda p: (-self.means[p], len(p)))
        finalists = [(), *(p for p in ranked if p)][: _FINALISTS + 1]
        best, mean = await race(self.meter, finalists, self.lanes, first=len(self.few))
        if best:
            self.tell(best, mean)
        return best


# --- in textattack's thread


def _run(
    method: TextattackMethod, space: Space, seed: int, budget: int, ask: Callable[[list[Words]], list[float]]
) -> None:
    """textattack's search, until it ends or `ask` raises _Over."""
    ta: Any = importlib.import_module("textattack")
    tokens = _Tokens(space)

    def scores(texts: Sequence[str]) -> list[float]:
        return ask([tokens.phrase(text) for text in texts])

    with _LOCK, silent(), _own_generator(seed), contextlib.suppress(_Over):
        swap = _swap(tokens, Random(f"{seed} {method}"), _OFFERED.get(method), space.max_words)
        attack = ta.Attack(_goal(scores), [], swap, _method(method, budget))
        places = space.max_words * (_PADDED if method == "pso" else 1)
        attack.attack(" ".join([tokens.blank] * places), 1)


class _Tokens:
    """A made-up word for each entry of the vocabulary and for no word: textattack cuts texts at signs and blanks, which
    entries may hold."""

    def __init__(self, space: Space) -> None:
        entries: list[Words] = [(), *((word,) for word in space.vocabulary)]
        self._entries = {_letters(i): entry for i, entry in enumerate(entries)}
        self.all = tuple(self._entries)
        self.blank = self.all[0]

    def phrase(self, text: str) -> Words:
        return tuple(word for token in text.split() for word in self._entries[token])


def _letters(number: int) -> str:
    """`number` as four letters behind a q."""
    letters = []
    for _ in range(4):
        number, digit = divmod(number, len(string.ascii_lowercase))
        letters.append(string.ascii_lowercase[digit])
    return "q" + "".join(reversed(letters))


class _Numpy(ModuleType):
    """numpy with a generator of its own in the place of the global one."""

    def __init__(self, seed: int) -> None:
        super().__init__("numpy")
        self._numpy: Any = importlib.import_module("numpy")
        self.random = self._numpy.random.RandomState(seed % 2**32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)


@contextlib.contextmanager
def _own_generator(seed: int) -> Iterator[None]:
    """textattack's search methods draw from `seed`."""
    modules: list[Any] = [importlib.import_module(f"textattack.search_methods.{name}") for name in _DRAWING]
    drawing = [(module, module.np) for module in modules if hasattr(module, "np")]
    numpy = _Numpy(seed)
    for module, _ in drawing:
        module.np = numpy
    try:
        yield
    finally:
        for module, own in drawing:
            module.np = own


def _method(name: TextattackMethod, budget: int) -> Any:
    methods: Any = importlib.import_module("textattack.search_methods")
    # the budget ends them, not these: a generation asks about one phrase or more, unless it has been there before
    generations = max(20, budget // _POPULATION)
    if name == "genetic":
        return methods.AlzantotGeneticAlgorithm(_POPULATION, generations, post_crossover_check=False)
    if name == "pso":
        return methods.ParticleSwarmOptimization(_POPULATION, generations, post_turn_check=False)
    return methods.GreedyWordSwapWIR("random")


def _swap(tokens: _Tokens, rng: Random, offered: int | None, places: int) -> Any:
    """The transformation: another word, or none, into one of the first `places`; `offered` of them drawn at random,
    None: all."""
    base: Any = importlib.import_module("textattack.transformations").WordSwap

    class Swap(base):  # type: ignore[misc]  # textattack is untyped
        @property
        def deterministic(self) -> bool:
            return offered is None

        def _get_transformations(self, current: Any, indices: Any) -> list[Any]:
            made: list[Any] = super()._get_transformations(current, sorted(i for i in indices if i < places))
            return made

        def _get_replacement_words(self, _word: str) -> Sequence[str]:
            return tokens.all if offered is None else sample(rng, tokens.all, min(offered, len(tokens.all)))

    return Swap()


def _goal(scores: Callable[[list[str]], list[float]]) -> Any:
    """The goal: as high a score as can be had. A score of 1 on a few units is a chance hit as often as not, so none is
    the end; and what was asked before is asked of the meter again, which knows it, so that circles are seen."""
    return goal_of_numbers(
        scores,
        score=lambda mean: mean,
        complete=lambda _mean: False,
        maximizable=True,
        use_cache=False,
        model_batch_size=10**6,
    )
