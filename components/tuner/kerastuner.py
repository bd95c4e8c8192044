"""Runs the tuner of a stock `tuner_fn` and collects its results without the stock Tuner's crash."""

from typing import Any

from tfx import types
from tfx.components.trainer import fn_args_utils
from tfx.components.util import udf_utils

from tfx_automl import console
from tfx_automl.errors import SearchError


def run_tuner_fn(
    input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any], working_dir: str
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Runs a stock `tuner_fn` to its end.

    Args:
        input_dict: The inputs of the component.
        exec_properties: Its parameters; one of `tuner_fn`, `module_file` and `module_path` names the function.
        working_dir: For the tuner's files.

    Returns:
        The configuration of the best hyperparameters; a record per completed trial, best first, as the stock Tuner
        writes them; and everything about every trial.

    Raises:
        SearchError: No trial was completed.
    """
    tuner_fn = udf_utils.get_fn(exec_properties, "tuner_fn")
    result = tuner_fn(fn_args_utils.get_common_fn_args(input_dict, exec_properties, working_dir))
    tuner = result.tuner
    console.line(f"  {type(tuner).__name__} of the given tuner_fn, objective {tuner.oracle.objective.name}")
    tuner.search(**result.fit_kwargs)
    # The stock Tuner asks for `oracle.max_trials` trials here, which Hyperband leaves at None: a TypeError after the
    # whole search. The number of trials that there are is right for every oracle.
    trials = tuner.oracle.get_best_trials(len(tuner.oracle.trials))
    if not trials:
        raise SearchError(f"None of {len(tuner.oracle.trials)} trials was completed; the log has their errors.")
    records = [
        {"trial_id": trial.trial_id, "score": trial.score, **trial.hyperparameters.values}
        for trial in trials
        if trial.hyperparameters.values
    ]
    console.line(f"  {len(tuner.oracle.trials)} trials, best score {trials[0].score:.4f}")
    everything = [trial.get_state() for trial in tuner.oracle.trials.values()]
    return trials[0].hyperparameters.get_config(), records, everything
