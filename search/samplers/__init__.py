"""Samplers: what to try next."""

from tfx_automl.errors import ConfigError
from tfx_automl.search.samplers.base import Sampler
from tfx_automl.search.samplers.random import RandomSampler
from tfx_automl.search.space import Space

SAMPLERS = {"random": RandomSampler}


def sampler_for(name: str, space: Space, seed: int) -> Sampler:
    """Returns a sampler by name.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in SAMPLERS:
        raise ConfigError(f"sampler: expected one of {', '.join(SAMPLERS)}, got {name!r}.")
    return SAMPLERS[name](space, seed)


__all__ = ["SAMPLERS", "Sampler", "sampler_for"]
