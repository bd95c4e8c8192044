"""Any sampler with any scheduler, in a real search."""

import pytest

from conformance.histories import COUNTED
from tfx_automl.search.budget import Budget
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objectives
from tfx_automl.search.resource import Resource
from tfx_automl.search.runners.in_process import InProcessRunner
from tfx_automl.search.samplers import SAMPLERS, sampler_for
from tfx_automl.search.samplers.base import point_key
from tfx_automl.search.search import Search
from tfx_automl.search.strategy import SCHEDULERS, Strategy
from tfx_automl.search.testing import Valley


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_runs_to_its_end(tmp_path, sampler, scheduler):
    strategy = Strategy("random", sampler, scheduler)
    plan = strategy.make_scheduler(Resource(maximum=9), Budget(trials=17))
    ledger = Ledger(tmp_path / "ledger.jsonl", key="test")
    runner = InProcessRunner(Valley(fail_ids=(0, 3)))
    search = Search(sampler_for(sampler, COUNTED, 0), plan, Objectives.of("val_loss"), runner, ledger, tmp_path)
    result = search.run()
    ledger.close()
    assert result.stop_reason == "schedule complete"
    assert [trial.trial_id for trial in result.trials if trial.failed] == [0, 3]
    assert result.best.epochs == 9
    finished = [trial for trial in result.trials if 9 in trial.outcomes]
    assert result.best.score == min(trial.score for trial in finished)
    assert all(COUNTED.contains(trial.values) for trial in result.trials)
    assert len({point_key(trial.values) for trial in result.trials}) == len(result.trials)
