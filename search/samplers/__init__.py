"""Samplers: what to try next."""

import importlib
from collections.abc import Callable

from tfx_automl.errors import ConfigError
from tfx_automl.search.samplers.base import Sampler
from tfx_automl.search.space import Space

__all__ = ["SAMPLERS", "Factory", "Sampler", "sampler_for"]

Factory = Callable[[Space, int], Sampler]


def _lazily(module: str, name: str) -> Factory:
    """Returns a factory that imports its class only when it is called: Optuna and scikit-learn take a while."""

    def make(space: Space, seed: int) -> Sampler:
        found = importlib.import_module(f"{__name__}.{module}")
        sampler: Sampler = getattr(found, name)(space, seed)
        return sampler

    return make


SAMPLERS: dict[str, Factory] = {
    "random": _lazily("random", "RandomSampler"),
    "grid": _lazily("grid", "GridSampler"),
    "bayesian": _lazily("bayesian", "BayesianSampler"),
    "gp": _lazily("gp", "GaussianProcessSampler"),
    "evolution": _lazily("evolution", "EvolutionSampler"),
    "reinforce": _lazily("reinforce", "ReinforceSampler"),
}


def sampler_for(name: str, space: Space, seed: int) -> Sampler:
    """Returns a sampler by its name.

    Args:
        name: One of `SAMPLERS`.
        space: What to sample from.
        seed: Where the randomness starts; 0 is a seed like any other.

    Raises:
        ConfigError: There is no such sampler, or it cannot sample from this space.
    """
    if name not in SAMPLERS:
        raise ConfigError(f"sampler: expected one of {', '.join(SAMPLERS)}; got {name!r}.")
    return SAMPLERS[name](space, seed)
