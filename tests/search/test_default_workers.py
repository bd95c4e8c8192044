"""How many workers there are where nobody says."""

import os

import pytest

from tfx_automl import machine
from tfx_automl.search.runner import default_workers


@pytest.mark.parametrize(("quota", "workers"), [(None, 8), (1.5, 2), (0.5, 1), (16.0, 8)])
def test_default_workers_respect_the_container(monkeypatch, quota, workers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(machine, "_cpu_quota", lambda cgroup: quota)
    assert default_workers() == workers
