"""The views of a search: every number is that of the trials, and what comes out of the data is shown as it is."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl import view
from tfx_automl.errors import ConfigError
from tfx_automl.view.parameters import _importance
from tfx_automl.view.svg import Axis

ALL = ("leaderboard", "progress", "curves", "parameters")


@pytest.mark.parametrize("name", ALL)
def test_values_from_the_data_are_no_markup(name, run, look, evil):
    page = look(getattr(view, name)(run))
    assert "script" not in page.tags
    assert page.pictures
    if name == "leaderboard":
        assert f"ValueError: {evil}" in page.text
    if name == "parameters":
        assert evil in page.text
        assert "<script>ale…" in page.drawn


def test_leaderboard_has_the_best_trial_first(run, look):
    shown = view.leaderboard(run)
    page = look(shown)
    assert "Leaderboard: 10 trials with 27 epochs, best by val_auc (higher is better)" in page.text
    assert "1 of the trials failed; ended by: schedule complete" in page.text
    assert page.text.index("0.8400") < page.text.index("0.7000") < page.text.index("(breaks a bound)")
    frame = shown.to_frame()
    assert frame["trial_id"].tolist() == [7, 6, 5, 4, 3, 2, 1, 0, 8, 9]
    assert frame["rank"].tolist()[:9] == list(range(1, 10)) and np.isnan(frame["rank"].iloc[9])
    assert frame["val_auc"].iloc[0] == pytest.approx(0.84)
    assert set(frame["family"]) == {"mlp", "linear"}
    assert "alert" in frame["error"].iloc[9]
    assert "Families" in page.text
    assert len(page.pictures) == 1
    assert "linear" in page.drawn and "trial 7: val_auc 0.8400, 3 epochs" in page.drawn


def test_leaderboard_shows_as_many_trials_as_asked(run, look):
    assert "7 more are in to_frame()." in look(view.leaderboard(run, limit=3)).text
    assert len(view.leaderboard(run, limit=3).to_frame()) == 10
    with pytest.raises(ConfigError, match="expected a limit of 1 or more trials, got 0"):
        view.leaderboard(run, limit=0)


def test_progress_never_falls_and_keeps_to_the_bounds(run, look):
    frame = view.progress(run).to_frame()
    assert frame["best"].is_monotonic_increasing
    assert frame["best"].iloc[-1] == pytest.approx(0.84)  # trial 8 is better, but breaks a bound
    assert len(frame) == 9
    assert "val_auc from 0.7000 to 0.8400" in view.progress(run).body


def test_progress_of_a_loss_falls(run, search_folder, trials):
    trials |= {"objectives": [{"metric": "val_loss", "direction": "min"}]}
    (search_folder / "trials.json").write_text(json.dumps(trials))
    assert view.progress(run).to_frame()["best"].tolist() == [pytest.approx(0.7)] * 9


def test_curves_have_every_epoch(run, look):
    frame = view.curves(run).to_frame()
    assert len(frame) == 27
    best = frame[frame["trial_id"] == "7"]
    assert best["val_auc"].tolist() == pytest.approx([0.82, 0.83, 0.84])
    assert "trial 7, the best" in look(view.curves(run)).drawn


def test_front_of_two_goals(run, search_folder, trials, look):
    goals = [{"metric": "val_auc", "direction": "max"}, {"metric": "latency_ms", "direction": "min"}]
    trials |= {"objectives": goals, "pareto_front": [6, 7]}
    (search_folder / "trials.json").write_text(json.dumps(trials))
    frame = view.pareto(run).to_frame()
    assert frame[frame["front"]]["trial_id"].tolist() == [6, 7]
    assert frame["latency_ms"].iloc[0] == pytest.approx(1.3)
    assert "2 are on the Pareto front" in view.pareto(run).body
    assert len(look(view.leaderboard(run)).pictures) == 2  # progress and front


def test_one_goal_is_drawn_against_any_metric(run, look):
    page = look(view.pareto(run, x="parameters"))
    assert "val_auc against parameters" in page.drawn and "(logarithmic)" in page.drawn
    with pytest.raises(
        ConfigError, match=r"one goal, val_auc; expected x, .*: latency_ms, parameters, epochs, seconds"
    ):
        view.pareto(run)
    with pytest.raises(ConfigError, match="no trial has a metric 'size'; there are val_auc, latency_ms"):
        view.pareto(run, x="size")


def test_parameters_of_the_best_family(run, look, evil):
    shown = view.parameters(run)
    frame = shown.to_frame()
    assert set(frame["hyperparameter"]) == {"units", "learning_rate", evil}  # epochs and others are alike in all trials
    assert frame.set_index("hyperparameter")["best"]["units"] == 256
    page = look(shown)
    assert "Hyperparameters of mlp: 6 trials" in page.text
    assert "too few trials to tell" in page.text
    assert "linear: 3 trials" in look(view.parameters(run, family="linear")).text
    with pytest.raises(ConfigError, match="no trial of a family 'cnn' has a score; there are linear, mlp"):
        view.parameters(run, family="cnn")


def test_importance_tells_what_matters_from_what_does_not():
    rng = np.random.default_rng(0)
    best_first = np.sort(rng.random(200))
    noise = [_importance(rng.random(200).tolist()) for _ in range(20)]
    assert _importance(best_first.tolist()) > 0.9
    assert max(noise) < 0.15
    assert _importance(["a"] * 100 + ["b"] * 100) == pytest.approx(0.75, abs=0.01)
    assert _importance([1, 2, 3]) is None


def test_nothing_was_searched(run, search_folder, trials, look):
    for trial in trials["trials"]:
        trial["values"] = {}
    (search_folder / "trials.json").write_text(json.dumps(trials))
    assert "all trials are alike" in look(view.parameters(run)).text
    assert "Families" not in look(view.leaderboard(run)).text


def test_stock_tuner_results(tmp_path, look):
    records = [
        {"trial_id": "01", "score": 0.9, "units": 3, "tuner/epochs": 2},
        {"trial_id": "00", "score": 0.8, "units": 4},
    ]
    (tmp_path / "tuner_results.json").write_text(json.dumps(records))
    frame = view.leaderboard(tmp_path).to_frame()
    assert frame["trial_id"].tolist() == ["01", "00"]
    assert frame["score"].tolist() == [0.9, 0.8]
    assert "tuner/epochs" not in frame
    assert "units = 3" in look(view.leaderboard(tmp_path)).text
    assert view.progress(tmp_path).to_frame()["best"].tolist() == [0.9, 0.9]
    with pytest.raises(ConfigError, match="no trial has score by epoch"):
        view.curves(tmp_path)


def test_results_of_a_search_with_a_tuner_fn(run, search_folder, trials):
    """Without `objectives`, `ranking` and `feasible`, and with text for ids."""
    for key in ("objectives", "ranking", "pareto_front", "constraints"):
        del trials[key]
    for trial in trials["trials"]:
        trial["trial_id"] = f"0{trial['trial_id']}"
        del trial["feasible"]
    (search_folder / "trials.json").write_text(json.dumps(trials))
    assert view.leaderboard(run).to_frame()["trial_id"].tolist()[:2] == ["08", "07"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"other.json": "{}"}, "has neither trials.json nor tuner_results.json"),
        ({"trials.json": "{"}, "whose files are not those of a search"),
        ({"trials.json": "{}"}, "whose files are not those of a search"),
        ({"trials.json": "[]"}, "whose files are not those of a search"),
        ({"trials.json": '{"objective": "a", "direction": "max", "trials": []}'}, "which holds no trials"),
    ],
)
def test_files_that_are_no_search(files, message, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        view.leaderboard(tmp_path)


def test_no_trial_has_a_score(run, search_folder, trials, look):
    failed = trials["trials"][9]
    (search_folder / "trials.json").write_text(json.dumps(trials | {"trials": [failed], "ranking": []}))
    assert "FAILED" in look(view.leaderboard(run)).text
    for name in ("progress", "parameters"):
        with pytest.raises(ConfigError, match="None of the 1 trials has a score"):
            getattr(view, name)(run)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20), st.booleans())
def test_axis_of_any_values(values, log):
    axis = Axis.over(values, log=log)
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)
    assert len(axis.ticks()) <= 30 or axis.log


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [1e-9, 1e9], [-5.0, 7.0], []])
@pytest.mark.parametrize("log", [False, True])
def test_every_value_has_a_place_on_an_axis(values, log):
    axis = Axis.over(values, log=log)
    assert all(0 <= axis.place(value) <= 1 for value in values)
    assert all(0 <= axis.place(tick) <= 1 for tick in axis.ticks())
    assert len(axis.ticks()) >= 2
