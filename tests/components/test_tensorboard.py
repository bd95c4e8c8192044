"""Event files, read back by TensorBoard itself."""

import json
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfx_automl.components.tensorboard import write_search


def _details(trials: int, epochs: int) -> dict[str, Any]:
    metrics = (
        "loss",
        "val_loss",
        "val_auc",
        "val_accuracy",
        "val_precision",
        "val_recall",
        "parameters",
        "model_bytes",
    )
    return {
        "objective": "val_auc",
        "trials": [
            {
                "trial_id": number,
                "status": "failed" if number == 1 else "completed",
                "values": {
                    "family": "mlp",
                    "units": 32 * (1 + number % 3),
                    "rate": 0.1 / (1 + number),
                    "tuner/round": 0,
                },
                "curve": [
                    {"epoch": epoch, "seconds": 0.5, **dict.fromkeys(metrics, epoch + number / 8)}
                    for epoch in range(1, epochs + 1)
                ],
            }
            for number in range(trials)
        ],
    }


def _ask(folder: Path) -> SimpleNamespace:
    """Starts TensorBoard, and asks its HParams for the experiment and the sessions in a folder."""
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(argv=["tensorboard", "--logdir", str(folder), "--port", "0", "--load_fast", "false"])
    url = board.launch()

    def post(what: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{url}data/plugin/hparams/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    for _ in range(100):  # it reads the files in a thread of its own
        experiment = post("experiment", {"experimentName": "", "includeMetrics": True})
        if experiment.get("hparamInfos"):
            break
        time.sleep(0.1)
    columns = [{"metric": info["name"], "includeInResult": True} for info in experiment["metricInfos"]]
    columns += [{"hparam": info["name"], "includeInResult": True} for info in experiment["hparamInfos"]]
    statuses = ["STATUS_SUCCESS", "STATUS_FAILURE"]
    body = {"experimentName": "", "colParams": columns, "startIndex": 0, "sliceSize": 1000, "allowedStatuses": statuses}
    groups = post("session_groups", body)["sessionGroups"]
    return SimpleNamespace(experiment=experiment, sessions={group["sessions"][0]["name"]: group for group in groups})


def test_search_is_shown(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_search(_details(4, 3), tmp_path)
    found = _ask(tmp_path)
    assert {info["name"] for info in found.experiment["hparamInfos"]} == {"family", "units", "rate"}
    assert [info["name"]["tag"] for info in found.experiment["metricInfos"]] == ["val_auc"]
    assert set(found.sessions) == {f"trial-{number}" for number in range(4)}
    third = found.sessions["trial-2"]
    assert (third["hparams"]["units"], third["hparams"]["family"]) == (96, "mlp")
    assert third["metricValues"][0]["value"] == pytest.approx(3.25)
    assert third["sessions"][0]["status"] == "STATUS_SUCCESS"
    assert found.sessions["trial-1"]["sessions"][0]["status"] == "STATUS_FAILURE"
    events = EventAccumulator(str(tmp_path / "trial-2")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("val_auc")] == [(1, 1.25), (2, 2.25), (3, 3.25)]


def test_hundreds_of_trials_take_about_a_second(tmp_path):
    write_search(_details(1, 1), tmp_path / "imports")
    started = time.monotonic()
    write_search(_details(300, 27), tmp_path / "many")
    assert time.monotonic() - started < 3  # 0.4 s on an idle core


@pytest.mark.slow
def test_search_and_final_training_of_a_pipeline(people):
    results = people.Tuner.uris["tuner_results"]
    trials = json.loads((results / "trials.json").read_text())
    sessions = _ask(results).sessions
    assert len(sessions) == len(trials["trials"])
    best = trials["trials"][trials["best_trial_id"]]
    shown = sessions[f"tensorboard/trial-{best['trial_id']}"]
    assert shown["metricValues"][0]["value"] == pytest.approx(best["score"])
    assert shown["hparams"]["units"] == best["values"]["units"]

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = people.Trainer.uris["model_run"]
    history = json.loads((run / "history.json").read_text())
    events = EventAccumulator(str(run / "tensorboard" / "final")).Reload()
    found = [event.value for event in events.Scalars("val_auc")]
    assert found == pytest.approx([entry["val_auc"] for entry in history], abs=1e-6)
