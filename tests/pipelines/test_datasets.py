"""The demo's data sets."""

import csv

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.cli import main
from tfx_automl.pipelines.datasets import demo_config


def test_diabetes_is_the_whole_study(tmp_path):
    config = demo_config("diabetes", None, {"output": str(tmp_path / "demo"), "seed": "3"})
    with open(config.data, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 442
    assert sum(row["progression"] == "above_median" for row in rows) == 221
    assert {row["sex"] for row in rows} == {"sex_1", "sex_2"}
    assert (config.seed, config.sensitive, config.cut) == (3, (("sex",), ("age",)), {"age": (40, 60)})


def test_data_file_keeps_its_time_stamp(tmp_path):
    """The time stamp is part of the fingerprint that the cache goes by."""
    first = demo_config("diabetes", None, {"output": str(tmp_path / "demo")})
    stamp = (tmp_path / "demo" / "data" / "diabetes.csv").stat().st_mtime_ns
    second = demo_config("diabetes", None, {"output": str(tmp_path / "demo")})
    assert first == second
    assert (tmp_path / "demo" / "data" / "diabetes.csv").stat().st_mtime_ns == stamp


def test_demo_never_writes_into_a_foreign_folder(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    assert main(["demo", "--output", str(tmp_path)]) == 2
    assert "no earlier run made" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_bad_option_writes_nothing(tmp_path):
    with pytest.raises(ConfigError, match="--factor"):
        demo_config("diabetes", None, {"output": str(tmp_path / "demo"), "factor": "1"})
    assert not (tmp_path / "demo").exists()


def test_adult_from_uci_files(tmp_path):
    (tmp_path / "adult.data").write_text("39, State-gov, x\n", encoding="utf-8")
    (tmp_path / "adult.test").write_text("|1x3 Cross validator\n25, Private, y.\n", encoding="utf-8")
    config = demo_config("adult", str(tmp_path), {"output": str(tmp_path / "demo")})
    assert config.test_data is not None
    with open(config.test_data, encoding="utf-8") as file:
        assert file.read() == "25, Private, y.\n"
    assert config.columns is not None and config.columns[-1] == "income"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("adult", "does not hold adult-train.csv and adult-test.csv or adult.data"),
        ("fashion-mnist", "lacks train-images"),
    ],
)
def test_absent_files_are_named(dataset, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        demo_config(dataset, str(tmp_path), {"output": str(tmp_path / "demo")})


def test_adult_needs_a_folder(tmp_path):
    with pytest.raises(ConfigError, match="needs --data-dir"):
        demo_config("adult", None, {"output": str(tmp_path / "demo")})


def test_diabetes_refuses_a_folder(tmp_path):
    with pytest.raises(ConfigError, match="comes with scikit-learn"):
        demo_config("diabetes", str(tmp_path), {"output": str(tmp_path / "demo")})


def test_unknown_data_set():
    with pytest.raises(ConfigError, match="expected one of diabetes"):
        demo_config("iris", None, {})
