"""The oracle of a stock search, in one process: what is saved, what is tried again, when a search is given up."""

import pytest

pytestmark = pytest.mark.slow  # imports Keras

LIMIT = 200


def oracle_named(name: str, **options):
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("x", 0, 5)
    space.Choice("kind", ["a", "b"])
    goal = keras_tuner.Objective("loss", "min")
    options = {
        "RandomSearch": {"max_trials": 8},
        "BayesianOptimization": {"max_trials": 8, "num_initial_points": 3},
        "GridSearch": {},
        "Hyperband": {"max_epochs": 4, "factor": 2},
    }[name] | options
    return getattr(keras_tuner.oracles, f"{name}Oracle")(objective=goal, hyperparameters=space, **options)


@pytest.fixture
def host_of(tmp_path):
    """A function from an oracle to its host; called again with the same folder, it stands for another run."""
    from tfx_automl.components.tuner.stock.host import OracleHost
    from tfx_automl.components.tuner.stock.snapshot import Snapshot

    def make(oracle, folder="search"):
        (tmp_path / folder).mkdir(exist_ok=True)
        oracle._set_project_dir(str(tmp_path / folder), "project")
        return OracleHost(oracle, Snapshot(tmp_path / folder / "search.pickle"))

    return make


def create(host, worker=0):
    from tfx_automl.components.tuner.stock.messages import Call

    answer = host.answer(worker, Call("create_trial", ("tuner0",)))
    assert answer is None or answer.error is None, answer.error
    return answer and answer.value


def end(host, trial, loss=None, worker=0, message=None):
    """Ends a trial as a tuner does; with a message, as failed."""
    from tfx_automl.components.tuner.stock.messages import Call

    if message is None:
        loss = (trial.hyperparameters.values["x"] - 2) ** 2 if loss is None else loss
        assert host.answer(worker, Call("update_trial", (trial.trial_id, {"loss": loss}))).error is None
    trial.status = "COMPLETED" if message is None else "INVALID"
    trial.message = message
    assert host.answer(worker, Call("end_trial", (trial,))).error is None


def finish(host):
    """Runs trials one after another until the oracle stops; returns how many."""
    for count in range(LIMIT):
        trial = create(host)
        if trial.status == "STOPPED":
            return count
        end(host, trial)
    raise AssertionError("the oracle does not stop")


def known(host):
    return {
        name: (trial.status, trial.score, trial.hyperparameters.values, host.records[name].seed)
        for name, trial in host.oracle.trials.items()
    }


@pytest.mark.parametrize("name", ["RandomSearch", "BayesianOptimization", "GridSearch", "Hyperband"])
def test_killed_search_goes_on_as_if_nothing_had_been(host_of, name):
    whole = host_of(oracle_named(name, seed=5), "whole")
    total = finish(whole)
    first = host_of(oracle_named(name, seed=5))
    for _ in range(4):
        end(first, create(first))
    interrupted = create(first)
    # The process is gone here; the next one makes its oracle anew.
    second = host_of(oracle_named(name, seed=5))
    assert create(second).trial_id == interrupted.trial_id
    end(second, second.oracle.trials[interrupted.trial_id])
    assert finish(second) == total - 5
    assert known(second) == known(whole)
    assert second.completed[0].score == whole.completed[0].score


def test_interrupted_trials_start_without_what_they_had_reported(host_of):
    from tfx_automl.components.tuner.stock.messages import Call

    first = host_of(oracle_named("RandomSearch", seed=1))
    trial = create(first)
    first.answer(0, Call("update_trial", (trial.trial_id, {"loss": 1000.0})))
    create(first, worker=1)
    second = host_of(oracle_named("RandomSearch", seed=1))
    again = [create(second), create(second, worker=1)]
    assert [one.trial_id for one in again] == ["0", "1"]
    assert not again[0].metrics.metrics
    end(second, again[0], loss=3.0)
    assert second.oracle.trials["0"].score == 3.0


def test_unseeded_search_keeps_its_seed(host_of):
    first = host_of(oracle_named("RandomSearch"))
    end(first, create(first))
    assert host_of(oracle_named("RandomSearch")).oracle.seed == first.oracle.seed


def test_worker_waits_while_only_others_can_bring_a_trial(host_of):
    host = host_of(oracle_named("GridSearch"))
    seen = [create(host, worker) for worker in range(3)]
    assert [trial and trial.status for trial in seen] == ["RUNNING", "RUNNING", None]
    end(host, seen[1], worker=1)
    assert create(host, worker=2).status == "RUNNING"


def test_failures_do_not_end_a_search_that_has_a_result(host_of):
    host = host_of(oracle_named("RandomSearch", seed=1))
    end(host, create(host))
    for _ in range(7):
        end(host, create(host), message="Traceback\nValueError: no")
    assert create(host).status == "STOPPED"
    statuses = [trial.status for trial in host.oracle.trials.values()]
    assert statuses == ["COMPLETED"] + ["FAILED"] * 7
    assert host.oracle.trials["3"].message == "Traceback\nValueError: no"


def test_search_without_any_result_is_given_up_as_early_as_keras_tuner_does(host_of):
    from tfx_automl.errors import SearchError

    host = host_of(oracle_named("RandomSearch", max_consecutive_failed_trials=2))
    end(host, create(host), message="ValueError: no")
    with pytest.raises(SearchError, match=r"All of the first 2 trials failed.*\n.*ValueError: never"):
        end(host, create(host), message="ValueError: never")


def test_lost_trial_fails_and_is_tried_again_if_the_tuner_says_so(host_of, capsys):
    host = host_of(oracle_named("RandomSearch", max_retries_per_trial=1))
    trial = create(host)
    host.lost(0, "was killed by signal 9")
    assert "failed: The worker process was killed by signal 9.; it is tried again" in capsys.readouterr().out
    assert create(host).trial_id == trial.trial_id
    host.lost(0, "was killed by signal 9")
    assert host.oracle.trials[trial.trial_id].status == "FAILED"
    assert create(host).trial_id != trial.trial_id
    host.lost(1, "was killed by signal 9")  # it ran no trial
    assert [trial.status for trial in host.oracle.trials.values()] == ["FAILED", "RUNNING"]


def test_score_that_is_no_number_is_a_failure_with_a_reason(host_of):
    host = host_of(oracle_named("RandomSearch"))
    end(host, create(host), loss=float("nan"))
    assert (host.oracle.trials["0"].status, host.oracle.trials["0"].message) == ("FAILED", "Its loss is not a number.")


def test_error_of_the_oracle_goes_to_the_worker(host_of):
    from tfx_automl.components.tuner.stock.messages import Call

    host = host_of(oracle_named("RandomSearch"))
    trial = create(host)
    answer = host.answer(0, Call("update_trial", (trial.trial_id, {"accuracy": 1.0})))
    assert isinstance(answer.error, ValueError) and "Objective value missing" in str(answer.error)


def test_oracle_that_cannot_be_saved_is_searched_all_the_same(host_of, capsys):
    oracle = oracle_named("RandomSearch", max_trials=2)
    oracle.of_the_user = lambda: None
    host = host_of(oracle)
    assert finish(host) == 2
    assert capsys.readouterr().out.count("RandomSearchOracle cannot be saved") == 1
    assert len(host_of(oracle_named("RandomSearch")).oracle.trials) == 0


def test_number_of_workers(monkeypatch):
    from tfx_automl.components.tuner.stock import search

    monkeypatch.setattr(search, "usable_cores", lambda: 8)
    monkeypatch.setattr(search, "usable_memory", lambda: 12 * 2**30)
    assert search.worker_count({"tune_args": '{"num_parallel_trials": 3}'}, None) == 3
    assert search.worker_count({"tune_args": '{"num_parallel_trials": 30}'}, 10) == 10
    assert search.worker_count({}, None) == 6  # as memory reaches
    assert search.worker_count({"tune_args": "{}"}, 4) == 4
    monkeypatch.setattr(search.tf.config, "list_physical_devices", lambda kind: [kind])
    assert search.worker_count({}, None) == 1
