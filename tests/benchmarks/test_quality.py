"""The quality benchmark: what is measured, and when a floor is missed."""

import importlib
import json
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def quality(repository):
    """The benchmark's modules, which lie beside each other in a folder of scripts."""
    sys.path.insert(0, str(repository / "benchmarks"))
    yield importlib.import_module("quality")
    sys.path.remove(str(repository / "benchmarks"))


def _row(name: str, ours: float, flaml: float, forest: float, metric: str = "auc") -> dict:
    return {"set": name, "metric": metric, "ours": ours, "flaml": flaml, "random_forest": forest}


def test_measure_is_one_against_the_rest(quality):
    measure = quality.measure
    label = np.array(["a", "b", "c", "a"])
    sure = np.eye(3)[[0, 1, 2, 0]]
    assert measure("multiclass", label, sure) == 1.0
    assert measure("binary", np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.95, 0.05]])) == 0.5
    assert measure("regression", np.array([1.0, 2, 3]), np.array([2.0, 2, 2])) == 0.0


def test_floors(quality):
    misses = quality.misses
    assert misses([_row("adult", 0.93, 0.931, 0.92), _row("wine", 1.0, 0.99, 1.0)]) == []
    found = misses([_row("adult", 0.92, 0.9235, 0.924), _row("diabetes", 0.40, 0.43, 0.2, "r2")])
    assert len(found) == 5
    for words in (
        "FLAML is better by 0.0035 auc",
        "forest is better by 0.0040",
        "expected 0.928",
        "0.0300 r2",
        "on 0 of 2",
    ):
        assert any(words in line for line in found), words


def test_mean_over_seeds(quality):
    runs = [
        quality.Measured(
            "wine", seed, "auc", dict.fromkeys(("ours", "flaml", "random_forest", "linear"), score), {}, {}
        )
        for seed, score in enumerate((0.9, 1.0))
    ]
    assert quality.summarise(runs)[0]["ours"] == pytest.approx(0.95)
    assert quality.summarise(runs)[0]["seeds"] == 2


@pytest.mark.parametrize("name", ["penguins", "chicago-taxi", "adult", "wine", "diabetes"])
def test_data_sets_are_divided_the_same_way_again(quality, name, shared_data):
    folder = shared_data("adult-train.csv").parent
    (train, test), (again, _) = (quality.SETS[name].load(folder, 1) for _ in range(2))
    assert train.equals(again)
    assert quality.SETS[name].label in train.columns and list(train.columns) == list(test.columns)
    assert len(test) > 0.2 * len(train)
    if quality.SETS[name].kind != "regression":
        assert set(test[quality.SETS[name].label]) == set(train[quality.SETS[name].label])


def test_interrupted_benchmark_goes_on(quality, tmp_path, monkeypatch, capsys):
    results, ran = tmp_path / "results" / "quality.json", []

    def compare(name, seed, parsed):
        ran.append((name, seed))
        if len(ran) == 3:
            raise KeyboardInterrupt
        scores = dict.fromkeys(("ours", *quality.PEERS), 0.5 + 0.1 * seed)
        return quality.Measured(name, seed, "auc", scores, {"ours": 9.0}, {})

    monkeypatch.setattr(quality, "compare", compare)
    monkeypatch.setattr(quality, "RESULTS", results)
    options = [str(tmp_path), "--sets", "wine,digits", "--seeds", "2", "--peer-python", sys.executable]
    with pytest.raises(KeyboardInterrupt):
        quality.main(options)
    assert quality.main([*options, "--keep"]) == 0
    assert ran == [("wine", 0), ("wine", 1), ("digits", 0), ("digits", 0), ("digits", 1)]
    found = json.loads(results.read_text(encoding="utf-8"))
    assert [(row["set"], row["seeds"], row["ours"]) for row in found["table"]] == [
        ("wine", 2, 0.55),
        ("digits", 2, 0.55),
    ]
    assert "digits, seed 1" in capsys.readouterr().out

    assert quality.kept(results, 120) != [] and quality.kept(results, 60) == []
