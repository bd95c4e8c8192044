"""The part of a run's configuration that says how to search."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines import converters
from tfx_automl.pipelines.option import option

if TYPE_CHECKING:
    from tfx_automl.components.tuner.options import SearchOptions

# Where an option of the component has another name than the flag.
_OPTIONS = {
    "constraint": "constraints",
    "time_budget": "time_budget_s",
    "disk_budget": "disk_budget_mb",
    "memory_limit": "memory_limit_mb",
}
_SAME = (
    "families",
    "algorithm",
    "sampler",
    "scheduler",
    "objective",
    "target",
    "threshold",
    "resource",
    "max_epochs",
    "steps_per_epoch",
    "folds",
    "ensemble",
    "ensemble_weights",
    "factor",
    "iterations",
    "stopper",
    "patience",
    "max_trials",
    "max_total_epochs",
    "seed",
    "workers",
    "runner",
)


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How to search."""

    families: tuple[str, ...] = option(
        converters.names,
        "the model families to search (default: all that suit the data)",
        metavar="A,B,...",
        default=(),
    )
    algorithm: str = option(
        converters.text,
        "hyperband, bohb, asha, halving, random, grid, bayesian, gp, evolution or reinforce",
        metavar="NAME",
        default="hyperband",
    )
    sampler: str | None = option(
        converters.text,
        "what to try next, if not the algorithm's: random, grid, bayesian, gp, evolution or reinforce",
        metavar="NAME",
        default=None,
    )
    scheduler: str | None = option(
        converters.text,
        "how far trials train, if not the algorithm's: hyperband, asha, halving or full",
        metavar="NAME",
        default=None,
    )
    objective: str | None = option(
        converters.text,
        "the metric to optimise on the eval split, such as val_auc (default: by the task), also latency_ms, parameters"
        " or a Keras metric such as val_f1_score; several, as `val_auc,latency_ms`, give a Pareto front",
        metavar="METRIC[,...]",
        default=None,
    )
    constraint: tuple[str, ...] = option(
        converters.tokens,
        "a bound that trials must keep to on the eval split, such as 'latency_ms<=2', 'parameters<=100000' or, between"
        " the --sensitive groups, 'val_equalized_odds_difference<=0.1'; repeatable",
        metavar="METRIC<=NUMBER",
        repeat=True,
        default=(),
    )
    target: float | None = option(
        converters.number, "the search ends when the objective is this good", metavar="SCORE", default=None
    )
    resource: str = option(
        converters.text,
        "what better trials get more of: epochs, or rows (then --max-epochs is into how many parts they are cut)",
        metavar="WHAT",
        default="epochs",
    )
    max_epochs: int = option(
        converters.whole, "the most epochs that one trial, and the final training, may take", metavar="N", default=27
    )
    steps_per_epoch: int | None = option(
        converters.whole,
        "count so many steps of training as an epoch (default: a pass over all training rows)",
        metavar="N",
        default=None,
    )
    folds: int | None = option(
        converters.whole,
        "judge trials on so many folds of train and eval; 1: on eval (default: 5 below 20,000 rows or 3,000 images)",
        metavar="N",
        default=None,
    )
    ensemble: int = option(
        converters.whole,
        "the most models of an ensemble of the best trials, served as one model; 1 is the best alone",
        metavar="N",
        default=1,
    )
    ensemble_weights: str = option(
        converters.text,
        "greedy (how often each model was chosen) or stacking (how the models fit together)",
        metavar="HOW",
        default="greedy",
    )
    factor: int = option(
        converters.whole, "Hyperband and ASHA: one trial in so many goes on at each rung", metavar="N", default=3
    )
    iterations: int | None = option(
        converters.whole,
        "Hyperband: how often its brackets are run through (default: once, or until a budget of time or epochs ends)",
        metavar="N",
        default=None,
    )
    stopper: str = option(
        converters.text,
        "end trials early: plateau, median, or both, as `plateau|median`",
        metavar="NAME",
        default="none",
    )
    max_trials: int | None = option(converters.whole, "the most trials", metavar="N", default=None)
    max_total_epochs: int | None = option(
        converters.whole, "the most epochs of all trials together", metavar="N", default=None
    )
    time_budget: float | None = option(
        converters.duration, "the longest time for the search, as 90s, 5m or 1h30m", metavar="TIME", default=None
    )
    disk_budget: int | None = option(converters.whole, "the most megabytes of checkpoints", metavar="MB", default=None)
    memory_limit: int | None = option(
        converters.whole,
        "the most megabytes of memory of a worker (default: nine tenths of the memory, shared)",
        metavar="MB",
        default=None,
    )
    seed: int = option(converters.whole, "where all randomness starts", metavar="N", default=0)
    workers: int | None = option(
        converters.whole, "processes that train trials (default: one per core)", metavar="N", default=None
    )
    runner: str = option(
        converters.text,
        "processes, or beam: trials run as steps of Beam, on the runner of the pipeline's Beam arguments",
        metavar="NAME",
        default="processes",
    )
    patience: int = option(
        converters.whole,
        "the final training (and a trial, with --stopper plateau) stops after so many epochs without progress",
        metavar="N",
        default=5,
    )

    threshold: float | str = option(
        converters.number_or_name,
        "the probability from which on the positive class is predicted; or f1, balanced_accuracy or accuracy: the one"
        " that is best by this on the eval split",
        metavar="NUMBER|METRIC",
        default=0.5,
    )

    def search_options(self) -> "SearchOptions":
        """Returns the options of the component Tuner.

        Raises:
            ConfigError: With one line for every value out of range, by its flag.
        """
        from tfx_automl.components.tuner.options import SearchOptions

        values = {name: getattr(self, name) for name in _SAME}
        if self.stopper == "none":
            del values["patience"]  # is then of the final training alone, and changes nothing about the search
        values |= {name: getattr(self, flag) for flag, name in _OPTIONS.items()}
        try:
            return SearchOptions(**values)
        except ConfigError as error:
            raise ConfigError(map(_with_flag, error.problems)) from None


def _with_flag(problem: str) -> str:
    """Names the flag instead of the field: `max_epochs: expected ...` becomes `--max-epochs: expected ...`."""
    name, colon, rest = problem.partition(":")
    flags = {option_name: flag for flag, option_name in _OPTIONS.items()}
    return f"--{flags.get(name, name).replace('_', '-')}{colon}{rest}"
