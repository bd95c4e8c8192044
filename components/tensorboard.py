"""Trainings as event files, so that `tensorboard --logdir` shows them: scalars per epoch, hyperparameters, a search.

Events are put together and written as records directly: `tf.summary` takes a tenth of a millisecond for every number,
which for hundreds of trials would be more than some of them take to train.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"
_OF_NO_METRIC = ("epoch", "seconds")
_INTERNAL = "tuner/"  # how KerasTuner's hyperparameters of its own begin


def write_search(details: Mapping[str, Any], folder: Path) -> None:
    """Writes one run for each trial, and what TensorBoard's HParams needs to compare them.

    Args:
        details: The content of `trials.json`.
        folder: For the runs.
    """
    goals = [goal["metric"] for goal in details.get("objectives", ())] or [details["objective"]]
    _write(folder, [(time.time(), 0, _experiment([trial["values"] for trial in details["trials"]], goals))])
    for trial in details["trials"]:
        failed = trial["status"] == "failed"
        write_run(folder / f"trial-{trial['trial_id']}", trial["curve"], trial["values"], failed=failed)


def write_run(
    folder: Path, curve: Sequence[Mapping[str, Any]], values: Mapping[str, Any], failed: bool = False
) -> None:
    """Writes one training.

    Args:
        folder: Of the run; its path below what `--logdir` names is the name of the run.
        curve: For every epoch `epoch`, `seconds` and metrics.
        values: Hyperparameters.
        failed: Whether it came to no end.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, summary, summary_v2

    started = time.time() - sum(epoch["seconds"] for epoch in curve)
    status = api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
    own = {name: value for name, value in values.items() if not name.startswith(_INTERNAL)}
    events = [(started, 0, summary_v2.hparams_pb(own, trial_id=folder.name, start_time_secs=started))]
    now = started
    for epoch in curve:
        now += epoch["seconds"]
        events.append((now, epoch["epoch"], _scalars(epoch)))
    end = Summary.FromString(summary.session_end_pb(status, now).SerializeToString())  # is TensorFlow's class
    _write(folder, [*events, (now, 0, end)])


def _scalars(epoch: Mapping[str, Any]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    numbers = {name: value for name, value in epoch.items() if name not in _OF_NO_METRIC and value is not None}
    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()])


def _experiment(points: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Any:
    """Returns the summary that names hyperparameters, with the values that were tried, and metrics."""
    from tensorboard.plugins.hparams import summary_v2

    names = dict.fromkeys(name for point in points for name in point if not name.startswith(_INTERNAL))
    tried = {name: [point[name] for point in points if name in point] for name in names}
    parameters = [summary_v2.HParam(name, _domain(values)) for name, values in tried.items()]
    return summary_v2.hparams_config_pb(parameters, [summary_v2.Metric(metric) for metric in metrics])


def _domain(values: Sequence[Any]) -> Any:
    from tensorboard.plugins.hparams import summary_v2

    if any(isinstance(value, (str, bool)) for value in values):
        kind = str if any(isinstance(value, str) for value in values) else bool
        return summary_v2.Discrete(sorted({kind(value) for value in values}), dtype=kind)
    return summary_v2.RealInterval(float(min(values)), float(max(values)))


def _write(folder: Path, summaries: Iterable[tuple[float, int, Any]]) -> None:
    """Writes an event file of summaries, each with its time and its step."""
    import tensorflow as tf
    from tensorboard.compat.proto.event_pb2 import Event

    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    with tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{int(now):010d}.tfx-automl")) as file:
        file.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
        for wall_time, step, summary in summaries:
            file.write(Event(wall_time=wall_time, step=step, summary=summary).SerializeToString())
