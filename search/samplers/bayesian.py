"""Bayesian optimisation with tree-structured Parzen estimators, by Optuna.

Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter Optimization. NeurIPS 2011. With Hyperband as the
scheduler this is BOHB: Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML
2018.
"""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Float, Int, Parameter, Point, Value
from tfx_automl.search.samplers.encoding import by_number, categories, place, searched
from tfx_automl.search.samplers.evidence import Evidence, enough_for, failed, gather, pending
from tfx_automl.search.samplers.learning import LearningSampler
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

if TYPE_CHECKING:
    import optuna

_ASKED = 12  # how often Optuna may repeat an old point


class BayesianSampler(LearningSampler):
    """Models the good points and the others, and proposes what is likelier among the good.

    Learns from the highest level of the resource that d + 3 trials have finished (d parameters, see `enough_for`);
    before there is one, it proposes at random. What is good is the order of the objectives, so feasible points come
    before others and several goals are ordered as non-dominated fronts are. Points that failed, or have no outcome
    yet, count among the others (the constant liar), so workers that ask at the same time get different answers.
    Parameters that are always active together are modelled together.

    Args:
        space: The space.
        seed: Where the randomness starts.
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._enough = enough_for(space)

    def _ideas(self, trials: Sequence[TrialView], objectives: Objectives) -> Iterator[Point]:
        evidence = gather(trials, self._enough)
        if evidence is None or not searched(self._space):
            return
        with _quiet_optuna():
            study = self._study(trials, evidence, objectives)
        for _ in range(_ASKED):
            with _quiet_optuna():
                point = self._ask(study.ask())
            yield point

    def _study(self, trials: Sequence[TrialView], evidence: Evidence, objectives: Objectives) -> "optuna.Study":
        """Returns a study that knows what is known; Optuna only looks at the order of values, so it gets places."""
        import optuna

        seed = int(self._rng(trials).integers(2**31))
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=0, multivariate=True, group=True, constant_liar=True
        )
        study = optuna.create_study(sampler=sampler)
        for trial, number in zip(evidence.trials, evidence.places(objectives), strict=True):
            study.add_trial(self._known(trial, float(number)))
        for trial in [*failed(trials), *pending(trials)]:
            study.add_trial(self._known(trial, None))
        return study

    def _known(self, trial: TrialView, value: float | None) -> "optuna.trial.FrozenTrial":
        import optuna

        values = by_number(self._space, trial.values)
        parameters = {number: self._space.parameters[number] for number in values}
        state = optuna.trial.TrialState.RUNNING if value is None else optuna.trial.TrialState.COMPLETE
        return optuna.trial.create_trial(
            state=state,
            value=value,
            params={str(number): _inner(parameter, values[number]) for number, parameter in parameters.items()},
            distributions={str(number): _distribution(parameter) for number, parameter in parameters.items()},
        )

    def _ask(self, trial: "optuna.Trial") -> Point:
        point: Point = {}
        for number, parameter in enumerate(self._space.parameters):
            if parameter.name not in point and parameter.active(point):
                point[parameter.name] = _suggest(trial, str(number), parameter)
        return point


def _shares(parameter: Parameter) -> int | None:
    """Returns the number of values where Optuna counts them; None for a place between 0 and 1."""
    counted = not isinstance(parameter, (Int, Float)) or parameter.step is not None or parameter.size() == 1
    return parameter.size() if counted else None


def _distribution(parameter: Parameter) -> "optuna.distributions.BaseDistribution":
    from optuna import distributions

    shares = _shares(parameter)
    if shares is None:
        return distributions.FloatDistribution(0.0, 1.0)
    if categories(parameter):
        return distributions.CategoricalDistribution(range(shares))
    return distributions.IntDistribution(0, shares - 1)


def _inner(parameter: Parameter, value: Value) -> float | int:
    """Returns a value as Optuna has it."""
    shares = _shares(parameter)
    return min(max(parameter.to_unit(value), 0.0), 1.0) if shares is None else place(parameter, value, shares)


def _suggest(trial: "optuna.Trial", name: str, parameter: Parameter) -> Value:
    shares = _shares(parameter)
    if shares is None:
        return parameter.from_unit(trial.suggest_float(name, 0.0, 1.0))
    if categories(parameter):
        number = trial.suggest_categorical(name, range(shares))
    else:
        number = trial.suggest_int(name, 0, shares - 1)
    return parameter.from_unit((number + 0.5) / shares)


@contextlib.contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Keeps Optuna from logging and from warning that parts of it are experimental; its settings stay as they were."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
