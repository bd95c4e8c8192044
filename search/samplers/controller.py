"""A recurrent policy over sequences of decisions: an LSTM in NumPy, with its gradients written by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Weights = dict[str, Floats]
Decision = tuple[int, int]  # which question is answered, and the number of the answer

_HIDDEN = 24
_EMBEDDED = 12
_LEAST = 1e-12  # no answer is ever impossible: its logarithm is needed


@dataclass(frozen=True)
class Memory:
    """What the LSTM knows after some decisions.

    Attributes:
        hidden: Its output.
        cell: Its cell.
        last: Row of the embedding of the last decision; 0 before the first.
    """

    hidden: Floats
    cell: Floats
    last: int = 0


@dataclass(frozen=True)
class _Step:
    """What the gradient needs of one step."""

    before: Memory
    joined: Floats
    gates: tuple[Floats, Floats, Floats, Floats]  # in, forget, out, new
    after: Memory
    chances: Floats


class Controller:
    """Answers one question after another; every answer depends on those before it.

    Holds no weights: they are given and returned, so that they can be kept, replayed and compared.

    Args:
        answers: The number of answers to each question, by the number of the question.
    """

    def __init__(self, answers: Mapping[int, int]) -> None:
        self._answers = dict(answers)
        firsts = np.cumsum([0, *answers.values()])
        self._first = {question: int(first) for question, first in zip(answers, firsts, strict=False)}
        self._total = int(firsts[-1])

    def weights(self, rng: np.random.Generator) -> Weights:
        """Returns small random weights: all answers are about equally likely."""
        shapes = {
            "embedding": (1 + self._total, _EMBEDDED),
            "lstm": (_EMBEDDED + _HIDDEN, 4 * _HIDDEN),
            "lstm_bias": (4 * _HIDDEN,),
            "answers": (self._total, _HIDDEN),
            "answers_bias": (self._total,),
        }
        return {name: rng.uniform(-0.1, 0.1, shape) for name, shape in shapes.items()}

    def start(self) -> Memory:
        """Returns what is known before the first decision."""
        return Memory(np.zeros(_HIDDEN), np.zeros(_HIDDEN))

    def ask(self, weights: Weights, memory: Memory, question: int) -> tuple[Floats, Memory]:
        """Returns how likely each answer is, and what is known then; tell the answer with `decided`."""
        step = self._forward(weights, memory, question)
        return step.chances, step.after

    def decided(self, memory: Memory, decision: Decision) -> Memory:
        """Returns the memory with a decision in it."""
        question, answer = decision
        return Memory(memory.hidden, memory.cell, 1 + self._first[question] + answer)

    def loss(self, weights: Weights, decisions: Sequence[Decision], advantage: float, entropy: float) -> float:
        """Returns the loss of the policy gradient.

        Args:
            weights: The weights.
            decisions: What was decided, in order.
            advantage: How much better that was than expected.
            entropy: How much undecided policies are preferred.

        Returns:
            The sum over the decisions of -advantage · log p(answer) - entropy · H(p).
        """
        steps = self._steps(weights, decisions)
        chosen = [step.chances[answer] for step, (_, answer) in zip(steps, decisions, strict=True)]
        return float(-advantage * np.log(chosen).sum() - entropy * sum(_entropy(step.chances) for step in steps))

    def gradient(self, weights: Weights, decisions: Sequence[Decision], advantage: float, entropy: float) -> Weights:
        """Returns the gradient of `loss`, by backpropagation through time."""
        found = {name: np.zeros_like(values) for name, values in weights.items()}
        to_hidden, to_cell = np.zeros(_HIDDEN), np.zeros(_HIDDEN)
        steps = self._steps(weights, decisions)
        for step, (question, answer) in reversed(list(zip(steps, decisions, strict=True))):
            chances = step.chances
            to_logits = advantage * chances + entropy * chances * (np.log(chances) + _entropy(chances))
            to_logits[answer] -= advantage
            rows = self._rows(question)
            found["answers"][rows] += np.outer(to_logits, step.after.hidden)
            found["answers_bias"][rows] += to_logits
            to_hidden = to_hidden + weights["answers"][rows].T @ to_logits
            to_hidden, to_cell = _backward(weights, found, step, to_hidden, to_cell)
        return found

    def _rows(self, question: int) -> slice:
        first = self._first[question]
        return slice(first, first + self._answers[question])

    def _steps(self, weights: Weights, decisions: Sequence[Decision]) -> list[_Step]:
        memory, steps = self.start(), []
        for decision in decisions:
            steps.append(self._forward(weights, memory, decision[0]))
            memory = self.decided(steps[-1].after, decision)
        return steps

    def _forward(self, weights: Weights, memory: Memory, question: int) -> _Step:
        joined = np.concatenate([weights["embedding"][memory.last], memory.hidden])
        raw = joined @ weights["lstm"] + weights["lstm_bias"]
        to_in, forget, out = (1.0 / (1.0 + np.exp(-part)) for part in np.split(raw[: 3 * _HIDDEN], 3))
        new = np.tanh(raw[3 * _HIDDEN :])
        cell = forget * memory.cell + to_in * new
        hidden = out * np.tanh(cell)
        rows = self._rows(question)
        logits = weights["answers"][rows] @ hidden + weights["answers_bias"][rows]
        chances = np.maximum(np.exp(logits - logits.max()), _LEAST)
        return _Step(memory, joined, (to_in, forget, out, new), Memory(hidden, cell), chances / chances.sum())


def _backward(
    weights: Weights, found: Weights, step: _Step, to_hidden: Floats, to_cell: Floats
) -> tuple[Floats, Floats]:
    """Adds one step's share of the LSTM's gradients; returns the gradients of the hidden and cell state before it."""
    to_in, forget, out, new = step.gates
    squashed = np.tanh(step.after.cell)
    to_cell = to_cell + to_hidden * out * (1.0 - squashed**2)
    to_raw = np.concatenate(
        [
            to_cell * new * to_in * (1.0 - to_in),
            to_cell * step.before.cell * forget * (1.0 - forget),
            to_hidden * squashed * out * (1.0 - out),
            to_cell * to_in * (1.0 - new**2),
        ]
    )
    found["lstm"] += np.outer(step.joined, to_raw)
    found["lstm_bias"] += to_raw
    to_joined = weights["lstm"] @ to_raw
    found["embedding"][step.before.last] += to_joined[:_EMBEDDED]
    return to_joined[_EMBEDDED:], to_cell * forget


def _entropy(chances: Floats) -> float:
    return float(-(chances * np.log(chances)).sum())
