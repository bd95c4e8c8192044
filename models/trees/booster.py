"""scikit-learn's histogram gradient boosting, grown on round by round without doing anything twice."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.feeding import subset
from tfx_automl.models.task import TaskKind, TaskSpec
from tfx_automl.models.trees.binned import MAX_BINS, Binned, Bins
from tfx_automl.search.parameters import Value

Rounds = list[list[Any]]
_Floats = npt.NDArray[np.float64]


class _Growing:
    """What makes an estimator of scikit-learn go on cheaply.

    With `warm_start`, `fit` prepares and bins all rows again, and predicts them with all trees: the work of growing
    round by round would grow with the square of the rounds. Here `fit` takes rows that are in bins already, and the
    predictions of the training rows are kept, which `fit` itself brings up to date.

    Attributes:
        binned: The rows in bins.
        trees: Trees per round.
        raw: Predictions of the training rows before `fit`, if there are trees already; shape [rows, trees per round].
    """

    binned: Binned
    trees: int
    raw: _Floats | None = None

    def _preprocess_X(self, X: Any, *, reset: bool) -> Any:  # noqa: N803
        if not reset:
            return super()._preprocess_X(X, reset=reset)  # type: ignore[misc]
        self.is_categorical_ = self._is_categorical_remapped = self.binned.inputs.is_set
        self._preprocessor, self.n_features_in_ = None, len(self.binned.inputs)
        return X, None

    def _encode_y(self, y: Any) -> Any:
        # A share of the rows may lack a class, but the trees of a round are always as many.
        self.n_trees_per_iteration_ = self.trees
        self.classes_ = np.arange(max(2, self.trees))
        return np.asarray(y, np.float64)

    def _bin_data(self, X: Any, is_training_data: bool) -> Any:  # noqa: N803
        del is_training_data
        self._bin_mapper = self.binned.mapper
        return X

    def _raw_predict(self, X: Any, n_threads: int | None = None) -> Any:  # noqa: N803
        if getattr(self, "_in_fit", False):
            return self.raw
        return super()._raw_predict(X, n_threads)  # type: ignore[misc]


@cache
def _estimator_class(kind: TaskKind) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    base = HistGradientBoostingRegressor if kind == "regression" else HistGradientBoostingClassifier
    return type(f"Growing{base.__name__}", (_Growing, base), {})


class Booster:
    """Boosted trees that grow.

    Args:
        values: `learning_rate`, `max_leaf_nodes`, `min_samples_leaf`, `l2_regularization` and `max_features`.
        task: What is to be predicted.
        binned: The rows.
        seed: Decides which features a split may use.

    Attributes:
        estimator: The estimator of scikit-learn; it predicts what `TreeInputs.matrix` returns.
    """

    def __init__(self, values: Mapping[str, Value], task: TaskSpec, binned: Binned, seed: int) -> None:
        self.estimator = _estimator_class(task.kind)(
            learning_rate=float(values["learning_rate"]),
            max_leaf_nodes=int(values["max_leaf_nodes"]),
            min_samples_leaf=int(values["min_samples_leaf"]),
            l2_regularization=float(values["l2_regularization"]),
            max_features=float(values["max_features"]),
            max_bins=MAX_BINS,
            early_stopping=False,  # the search stops trials
            warm_start=True,
            categorical_features=None,  # said by `_Growing`
            random_state=seed % 2**32,
        )
        self.estimator.binned, self.estimator.trees = binned, task.num_outputs
        self._binned, self._share = binned, 0.0

    @property
    def rounds(self) -> Rounds:
        """The trees of every round."""
        rounds: Rounds = getattr(self.estimator, "_predictors", [])
        return rounds

    @property
    def baseline(self) -> _Floats:
        """What is predicted before any tree, shape [trees per round]; 0 before the first round."""
        if not self.rounds:
            return np.zeros(self.estimator.trees)
        return np.asarray(self.estimator._baseline_prediction, np.float64).reshape(-1)

    def grow(self, rounds: int, label: _Floats, weight: _Floats | None, share: float) -> float:
        """Grows more trees.

        Args:
            rounds: How many rounds.
            label: Class index or scaled target of all training rows, shape [rows].
            weight: Of all training rows, shape [rows]; None is 1.
            share: Of the training rows to learn from; see `feeding.subset`.

        Returns:
            The mean loss on these rows afterwards.
        """
        rows: Any = slice(None) if share == 1.0 else subset(len(label), share)
        bins, weight = self._bins(rows), None if weight is None else weight[rows]
        if share != self._share and self.rounds:
            self.estimator.raw = self.predict(bins)
        self.estimator.set_params(max_iter=len(self.rounds) + rounds)
        begins = not self.rounds
        self.estimator.fit(bins, label[rows], weight)
        if begins:  # the predictions were within `fit`
            self.estimator.raw = self.predict(bins)
        self._share = share
        return self._loss(label[rows], weight)

    def _bins(self, rows: Any) -> Bins:
        bins = self._binned.train
        return bins if isinstance(rows, slice) else np.asfortranarray(bins[rows])

    def _loss(self, label: _Floats, weight: _Floats | None) -> float:
        raw = self.estimator.raw
        prediction = raw[:, 0] if raw.shape[1] == 1 else np.ascontiguousarray(raw)
        return float(self.estimator._loss(label, prediction, weight))

    def predict(self, bins: Bins) -> _Floats:
        """Returns what all trees give for rows in bins: log-odds or scaled targets, shape [rows, trees per round]."""
        raw = np.zeros((len(bins), self.estimator.trees), order="F")
        raw += self.baseline
        self.add(raw, bins, 0)
        return raw

    def add(self, raw: _Floats, bins: Bins, start: int) -> None:
        """Adds what the trees from a round on give to the predictions by the rounds before."""
        from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

        threads = _openmp_effective_n_threads()
        for trees in self.rounds[start:]:
            for output, tree in enumerate(trees):
                raw[:, output] += tree.predict_binned(bins, self._binned.missing_bin, threads)

    @property
    def random_state(self) -> dict[str, Any]:
        """The state of what chooses features for splits; of use only after the first round."""
        state: dict[str, Any] = self.estimator._feature_subsample_rng.bit_generator.state
        return state

    def put_back(self, rounds: Rounds, baseline: _Floats, random_state: Mapping[str, Any] | None = None) -> None:
        """Puts back trees that grew before.

        Args:
            rounds: As `rounds` was.
            baseline: As `baseline` was.
            random_state: As `random_state` was; None leaves it as it is.
        """
        estimator = self.estimator
        estimator._predictors, estimator._baseline_prediction = rounds, baseline.reshape(1, -1)
        estimator.train_score_ = estimator.validation_score_ = np.empty(0)
        estimator._bin_mapper, self._share = self._binned.mapper, 0.0
        estimator._random_seed = 0  # `fit` wants one for finding bins, which are there
        if random_state is not None:
            estimator._feature_subsample_rng = np.random.default_rng()
            estimator._feature_subsample_rng.bit_generator.state = dict(random_state)
