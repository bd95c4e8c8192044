"""Bayesian optimisation with a Gaussian process and expected improvement.

Jones, Schonlau, Welch: Efficient Global Optimization of Expensive Black-Box Functions. Journal of Global Optimization
13 (1998). By scikit-learn, because Optuna's sampler of this kind needs PyTorch.
"""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.encoding import Encoding, Vectors, mutate
from tfx_automl.search.samplers.evidence import Evidence, enough_for, failed, gather, pending
from tfx_automl.search.samplers.learning import LearningSampler
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor

_MOST_OBSERVATIONS = 150  # a fit takes time with the cube of it
_ITERATIONS = 15  # of L-BFGS, to fit the kernel
_RANDOM_CANDIDATES = 400
_PARENTS = 5
_CHILDREN = 40  # of each parent
_SPREADS = (0.2, 0.05, 0.01)  # how far children are from their parents, in turn
_IDEAS = 20

Floats = npt.NDArray[np.float64]


class GaussianProcessSampler(LearningSampler):
    """Fits a Gaussian process to what is known, and proposes what promises most to be better than the best.

    Matérn kernel (5/2) with a length scale for each column of `Encoding`; the kernel is fitted by marginal likelihood.
    Expected improvement is maximised over random points and mutations of the best points. Learns from the highest level
    of the resource that d + 3 trials have finished (see `enough_for`), of more than 150 trials from the best and the
    latest; before that, proposals are random. Points without an outcome yet are taken to come out as the model
    predicts (the "kriging believer" of Ginsbourger et al. 2010), failed ones to be as bad as the worst known.

    Args:
        space: The space.
        seed: Where the randomness starts.
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._encoding, self._enough = Encoding(space), enough_for(space)

    def _ideas(self, trials: Sequence[TrialView], objectives: Objectives) -> Iterator[Point]:
        evidence = gather(trials, self._enough)
        if evidence is None or not self._encoding.width:
            return
        places = evidence.places(objectives)
        losses = _losses(evidence, places, objectives)
        candidates = self._candidates(evidence, places, self._rng(trials))
        model, best = self._model(trials, evidence, places, losses)
        mean, deviation = model.predict(self._encoding.vectors(candidates), return_std=True)
        gain = expected_improvement(mean, deviation, best)
        for number in np.argsort(-gain, kind="stable")[:_IDEAS]:
            yield candidates[number]

    def _candidates(self, evidence: Evidence, places: npt.NDArray[np.int_], rng: np.random.Generator) -> list[Point]:
        points = [self._space.sample(rng) for _ in range(_RANDOM_CANDIDATES)]
        for best in np.argsort(places)[:_PARENTS]:
            parent = evidence.trials[best].values
            points += [mutate(self._space, parent, rng, _SPREADS[n % len(_SPREADS)]) for n in range(_CHILDREN)]
        return points

    def _model(
        self, trials: Sequence[TrialView], evidence: Evidence, places: npt.NDArray[np.int_], losses: Floats
    ) -> tuple["GaussianProcessRegressor", float]:
        """Fits the kernel to what is known, and conditions it on what is believed, too; returns the best of both."""
        used = _telling(places)
        vectors = self._encoding.vectors([trial.values for trial in evidence.trials])[used]
        losses = losses[used]
        bad = self._encoding.vectors([trial.values for trial in failed(trials)])[-len(used) :]
        vectors, losses = np.vstack([vectors, bad]), np.append(losses, np.full(len(bad), losses.max()))
        model = _fitted(vectors, losses)
        running = self._encoding.vectors([trial.values for trial in pending(trials)])
        if not len(running):
            return model, float(losses.min())
        believed = np.append(losses, model.predict(running))
        return _regressor(model.kernel_, None).fit(np.vstack([vectors, running]), believed), float(believed.min())


def expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Returns how much smaller than the best a normally distributed loss is on average, taking 0 where it is not."""
    from scipy.special import ndtr

    deviation = np.maximum(deviation, 1e-12)
    z = (best - mean) / deviation
    improvement: Floats = deviation * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    return improvement


def _losses(evidence: Evidence, places: npt.NDArray[np.int_], objectives: Objectives) -> Floats:
    """Returns what the model is fitted to, with mean 0 and deviation 1.

    Of one goal it is the loss; violations come on top of the worst feasible one. Several goals are one order only, so
    they give the normal scores of the places, as in Salinas, Shen, Perrone 2020.
    """
    from scipy.special import ndtri

    if len(objectives.goals) > 1:
        return _standardised(ndtri((places + 0.5) / len(places)))
    losses = _clipped(np.array([objectives.losses(outcome)[0] for outcome in evidence.outcomes]))
    violations = np.array([outcome.violation for outcome in evidence.outcomes])
    bad = violations > 0.0
    if bad.any():
        shares = np.where(np.isinf(violations), 1.0, _clipped(violations) / (_clipped(violations).max() or 1.0))
        worst = losses[~bad].max(initial=losses.min())
        losses = np.where(bad, worst + (np.ptp(losses) or 1.0) * shares, losses)
    return _standardised(losses)


def _clipped(values: Floats) -> Floats:
    """Cuts off what is far above the median, such as diverged losses: it would flatten the rest."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros_like(values)
    least, middle, most = np.quantile(finite, (0.0, 0.5, 1.0))
    clipped: Floats = np.clip(values, least, middle + 2.0 * (middle - least) if middle > least else most)
    return clipped


def _standardised(values: Floats) -> Floats:
    standardised: Floats = (values - values.mean()) / (values.std() or 1.0)
    return standardised


def _telling(places: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """Returns the numbers of the observations to learn from: all, or the best and the latest of them."""
    if len(places) <= _MOST_OBSERVATIONS:
        return np.arange(len(places))
    half = _MOST_OBSERVATIONS // 2
    best = np.argsort(places)[:half]
    others = np.setdiff1d(np.arange(len(places)), best)
    return np.sort(np.append(best, others[-half:]))


def _fitted(vectors: Vectors, losses: Floats) -> "GaussianProcessRegressor":
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    scales = np.full(vectors.shape[1], 0.5)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern(scales, (0.05, 20.0), nu=2.5) + WhiteKernel(1e-2, (1e-6, 1.0))
    with _unbounded():
        return _regressor(kernel, _few_iterations).fit(vectors, losses)


@contextlib.contextmanager
def _unbounded() -> Iterator[None]:
    """Keeps scikit-learn from warning that a scale is at its bound: that says that a column does not matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _regressor(kernel: Any, optimizer: Any) -> "GaussianProcessRegressor":
    from sklearn.gaussian_process import GaussianProcessRegressor

    return GaussianProcessRegressor(kernel, alpha=1e-8, optimizer=optimizer)


def _few_iterations(objective: Any, start: Floats, bounds: Floats) -> tuple[Floats, float]:
    from scipy.optimize import minimize

    found = minimize(objective, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": _ITERATIONS})
    return found.x, found.fun
