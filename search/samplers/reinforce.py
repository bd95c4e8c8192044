"""A recurrent controller that is trained by policy gradient.

Zoph, Le: Neural Architecture Search with Reinforcement Learning. ICLR 2017, section 3.2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Parameter, Point
from tfx_automl.search.samplers.base import point_key
from tfx_automl.search.samplers.controller import Controller, Decision, Weights
from tfx_automl.search.samplers.encoding import by_number, categories, place, searched
from tfx_automl.search.samplers.evidence import duels
from tfx_automl.search.samplers.learning import LearningSampler
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

_SHARES = 8  # of the range of a number; within a share, values are drawn evenly
_RATE = 0.03  # of Adam
_ENTROPY = 0.03
_BASELINE = 0.9  # share of the moving average that stays
_SAMPLES = 50
_KEPT = 32  # states to go on from

Lesson = tuple[str, float]  # a point's key, and its reward


@dataclass(frozen=True)
class _State:
    """The controller after some lessons, with Adam's moments."""

    weights: Weights
    mean: Weights
    square: Weights
    baseline: float = 0.5
    lessons: int = 0


class ReinforceSampler(LearningSampler):
    """An LSTM emits one parameter after the other, and learns from each trial in the order of the proposals.

    The reward of a trial is the share of the trials before it that it is better than, each compared at the highest
    level of the resource that both have finished; half for the first, 0 for one that failed. So it needs no scale, and
    constraints and several goals count as they do everywhere else. The advantage is the reward minus its moving
    average; Adam takes one step for each trial.

    Args:
        space: The space.
        seed: Where the randomness starts; also that of the controller's weights.
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._answers = {number: _answers(space.parameters[number]) for number in searched(space)}
        self._controller = Controller(self._answers)
        weights = self._controller.weights(np.random.default_rng([seed, 2]))
        zeros = {name: np.zeros_like(values) for name, values in weights.items()}
        # Only saves time: what the states follow from is checked before one is used.
        self._learned: list[Lesson] = []
        self._states = {0: _State(weights, zeros, zeros)}

    def _ideas(self, trials: Sequence[TrialView], objectives: Objectives) -> Iterator[Point]:
        known = [trial for trial in trials if trial.outcomes or trial.failed]
        weights = self._learn([trial.values for trial in known], _rewards(known, objectives)).weights
        rng = self._rng(trials)
        for _ in range(_SAMPLES):
            yield self._emit(weights, rng)

    def _emit(self, weights: Weights, rng: np.random.Generator) -> Point:
        point: Point = {}
        memory = self._controller.start()
        for number, parameter in enumerate(self._space.parameters):
            if parameter.name in point or not parameter.active(point):
                continue
            if number not in self._answers:
                point[parameter.name] = parameter.sample(rng)
                continue
            chances, memory = self._controller.ask(weights, memory, number)
            answer = int(rng.choice(len(chances), p=chances))
            memory = self._controller.decided(memory, (number, answer))
            point[parameter.name] = parameter.from_unit((answer + rng.uniform()) / len(chances))
        return point

    def _learn(self, points: Sequence[Point], rewards: Sequence[float]) -> _State:
        """Returns the controller after these lessons, from the last state that it went through on the same way."""
        lessons = [(point_key(point), reward) for point, reward in zip(points, rewards, strict=True)]
        same = next((n for n, (a, b) in enumerate(zip(lessons, self._learned, strict=False)) if a != b), None)
        same = min(len(lessons), len(self._learned)) if same is None else same
        self._states = {number: state for number, state in self._states.items() if number <= same}
        state = self._states[max(self._states)]
        for number in range(state.lessons, len(lessons)):
            state = self._lesson(state, points[number], rewards[number])
            self._states[number + 1] = state
        self._learned = lessons
        for old in sorted(self._states)[1:-_KEPT]:
            del self._states[old]
        return state

    def _lesson(self, state: _State, point: Point, reward: float) -> _State:
        gradient = self._controller.gradient(state.weights, self._decisions(point), reward - state.baseline, _ENTROPY)
        baseline = _BASELINE * state.baseline + (1.0 - _BASELINE) * reward
        return _adam(state, gradient, baseline)

    def _decisions(self, point: Point) -> list[Decision]:
        values = by_number(self._space, point)
        return [
            (number, place(self._space.parameters[number], value, self._answers[number]))
            for number, value in values.items()
            if number in self._answers
        ]


def _answers(parameter: Parameter) -> int:
    size = parameter.size()
    return categories(parameter) or min(size or _SHARES, _SHARES)


def _rewards(trials: Sequence[TrialView], objectives: Objectives) -> list[float]:
    """Returns the reward of each trial, 0 to 1."""
    against_earlier = np.tril(duels(trials, objectives), -1)
    compared = np.maximum(np.abs(against_earlier).sum(axis=1), 1)
    rewards = 0.5 + 0.5 * against_earlier.sum(axis=1) / compared
    return [0.0 if trial.failed else float(reward) for trial, reward in zip(trials, rewards, strict=True)]


def _adam(state: _State, gradient: Weights, baseline: float) -> _State:
    """Returns the state one step of Adam (Kingma and Ba 2015) further."""
    lessons = state.lessons + 1
    mean = {name: 0.9 * state.mean[name] + 0.1 * slope for name, slope in gradient.items()}
    square = {name: 0.99 * state.square[name] + 0.01 * slope**2 for name, slope in gradient.items()}
    weights = {
        name: values - _RATE * (mean[name] / (1 - 0.9**lessons)) / (np.sqrt(square[name] / (1 - 0.99**lessons)) + 1e-8)
        for name, values in state.weights.items()
    }
    return _State(weights, mean, square, baseline, lessons)
