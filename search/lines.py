"""The one line that a person reads of every job."""

from collections.abc import Mapping, Sequence

from tfx_automl.search.job import Result
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Value
from tfx_automl.search.trial import Trial


def trial_line(trials: Sequence[Trial], trial_id: int, result: Result, status: str, objectives: Objectives) -> str:
    """Returns how a job ended: its trial, epochs, score, the best score so far, hyperparameters, seconds."""
    trial = trials[trial_id]
    start = result.job.start
    epochs = f"{start}→{trial.epochs}" if start else f"{trial.epochs}"
    head = f"  trial {trial_id}  bracket {trial.bracket}  epochs {epochs}"
    if trial.failed:
        return f"{head}  failed: {(trial.error or '').strip().splitlines()[-1]}"
    if status == "lost":
        return f"{head}  {result.error} It goes on from its checkpoint."
    if trial.current is None:
        return f"{head}  {status}"
    remark = {"completed": "", "ended": "stopped early  ", "paused": "stopped by the budget  "}[status]
    return f"{head}  {_scores(trials, trial, objectives)}  {remark}{_values(trial.values)}  {result.seconds:.1f} s"


def _scores(trials: Sequence[Trial], trial: Trial, objectives: Objectives) -> str:
    known = [outcome for other in trials if not other.failed and (outcome := other.settled)]
    best = known[objectives.best(known)]
    own = trial.current.scores if trial.current else ()
    texts = [
        f"{goal.metric} {score:.4f} (best {top:.4f})"
        for goal, score, top in zip(objectives.goals, own, best.scores, strict=False)
    ]
    if trial.current and not trial.current.feasible:
        texts.append(f"violates {', '.join(map(str, objectives.constraints))}")
    return "  ".join(texts)


def _values(values: Mapping[str, Value]) -> str:
    shown = {name: value for name, value in values.items() if name != "family"}
    own = " ".join(f"{k}={f'{v:.3g}' if isinstance(v, float) else v}" for k, v in shown.items())
    return f"{values['family']} {own}".rstrip() if "family" in values else own
