"""Greedy selection and stacking: by hand, and what must hold for any predictions."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.models.ensembles import stacking
from tfx_automl.models.ensembles.ensemble import Ensemble, Member, weighed
from tfx_automl.models.ensembles.selection import select
from tfx_automl.models.model import Graph
from tfx_automl.models.task import TaskSpec

BINARY = TaskSpec("binary", "y", ("no", "yes"))
MULTI = TaskSpec("multiclass", "y", ("a", "b", "c"))
REGRESSION = TaskSpec("regression", "y")


def _squared(label):
    return lambda prediction: float(np.mean((prediction - label) ** 2))


def test_errors_that_cancel_are_chosen_together():
    """Two models that err by +1 and -1 are right together; a third that errs by 0.5 is better than each of them."""
    label = np.zeros(4, np.float32)
    predictions = [np.full(4, value, np.float32) for value in (1.0, -1.0, 0.6)]
    weights = select(predictions, _squared(label), 3)
    total = sum(weight * prediction for weight, prediction in zip(weights, predictions, strict=True))
    np.testing.assert_allclose(total, 0, atol=0.1)
    assert weights.sum() == pytest.approx(1)


def test_best_alone_if_nothing_helps():
    label = np.zeros(3, np.float32)
    assert select([label + 1, label, label + 2], _squared(label), 5).tolist() == [0, 1, 0]


def test_no_more_members_than_allowed():
    rng = np.random.default_rng(0)
    label = rng.normal(size=50).astype(np.float32)
    predictions = [label + rng.normal(size=50).astype(np.float32) for _ in range(10)]
    assert (select(predictions, _squared(label), 10) > 0).sum() > 3
    assert (select(predictions, _squared(label), 3) > 0).sum() <= 3


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_never_worse_than_the_best_alone(models, seed):
    rng = np.random.default_rng(seed)
    label = rng.normal(size=20).astype(np.float32)
    predictions = [label + rng.normal(size=20).astype(np.float32) for _ in range(models)]
    loss = _squared(label)
    together = weighed("greedy", REGRESSION, predictions, select(predictions, loss, models))
    assert loss(together) <= min(map(loss, predictions)) + 1e-6


def test_stacking_finds_the_weights_of_a_sum():
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=500).astype(np.float32) for _ in range(3)]
    label = 2 * parts[0] + 0.5 * parts[1]
    np.testing.assert_allclose(stacking.fit_weights(REGRESSION, parts, label), [2, 0.5, 0], atol=1e-5)


@pytest.mark.parametrize("task", [BINARY, MULTI])
def test_stacking_minimises_the_loss_and_ignores_noise(task):
    """A model that is too sure of itself gets a weight below one; one that guesses gets hardly any."""
    rng = np.random.default_rng(2)
    classes = len(task.classes)
    logits = rng.normal(size=(4000, classes))
    label = np.array([rng.choice(classes, p=np.exp(row) / np.exp(row).sum()) for row in logits])
    sure = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    noise = rng.dirichlet(np.ones(classes), 4000)
    predictions = [p[:, 1] if task.kind == "binary" else p for p in (sure, noise)]
    weights = stacking.fit_weights(task, predictions, label)
    assert weights[0] == pytest.approx(1 / 3, abs=0.04)
    assert weights[1] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("task", "weighing"), [(t, w) for t in (BINARY, MULTI, REGRESSION) for w in ("greedy", "stacking")]
)
def test_graph_of_an_ensemble_predicts_the_same(task, weighing):
    import tensorflow as tf

    rng = np.random.default_rng(3)
    shape = {"binary": (30,), "multiclass": (30, 3), "regression": (30,)}[task.kind]
    predictions = [rng.uniform(0.01, 0.99, shape).astype(np.float32) for _ in range(2)]
    if task.kind == "multiclass":
        predictions = [p / p.sum(axis=1, keepdims=True) for p in predictions]
    members = tuple(Member(n, {"family": "mlp"}, 3, 0, weight) for n, weight in enumerate((0.75, 0.25)))
    ensemble = Ensemble(weighing, members, 0.9, 0.8)
    graphs = [Graph(lambda columns, p=p: tf.constant(p.reshape(30, -1))) for p in predictions]
    found = ensemble.graph(task, graphs).predict({}).numpy().reshape(shape)
    np.testing.assert_allclose(found, ensemble.predict(task, predictions), atol=1e-6)


def test_ensemble_is_read_as_it_was_written():
    members = (Member(3, {"family": "mlp", "units": 64}, 9, 5, 0.6), Member(1, {"family": "linear"}, 3, 2, 0.4))
    ensemble = Ensemble("greedy", members, 0.91, 0.9)
    assert Ensemble.from_values(json.loads(json.dumps(asdict(ensemble)))) == ensemble
    with pytest.raises(ConfigError, match=r"An ensemble with weighing and members was expected; got \{'weigh"):
        Ensemble.from_values({"weighing": "greedy"})
    with pytest.raises(ConfigError, match="members: expected 2 or more, got 1"):
        Ensemble("greedy", members[:1], 0.9, 0.9)
