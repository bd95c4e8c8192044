"""The whole demo pipeline on a real Spark, started by `make test-spark`: what it makes is what one process makes."""

import json
import os

import pytest
from runs_for_tests import assert_same_results, run_small_demo

OPTIONS = json.loads(os.environ.get("TFX_AUTOML_SPARK", "null"))

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(OPTIONS is None, reason="needs a Spark: make test-spark starts one and runs this"),
]


def test_the_same_as_in_one_process(tmp_path, capfd):
    finished = run_small_demo(tmp_path / "spark", runner="beam", **OPTIONS)
    assert "(tfma)" in capfd.readouterr().out
    assert_same_results(finished, run_small_demo(tmp_path / "direct"))
