"""The configuration: what is accepted, and that all mistakes come at once."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines import converters
from tfx_automl.pipelines.config import RunConfig

MINIMAL = {"data": "people.csv", "label": "income", "output": "runs/people"}


def test_minimal_configuration_has_defaults():
    config = RunConfig.from_mapping(MINIMAL)
    assert (config.max_epochs, config.factor, config.seed, config.task) == (27, 3, 0, "auto")
    assert config.sensitive == ()


def test_texts_are_converted():
    config = RunConfig.from_mapping(
        MINIMAL
        | {"sensitive": ["sex", "sex,race"], "time_budget": "5m", "split": "60/20/20", "max_epochs": "9"}
        | {"constraint": ["auc>=0.8", "latency_ms<=2"]}
        | {"max_gap": ["equalized_odds_difference=0.1"], "columns": "a, b,income", "missing": "?"}
    )
    assert config.sensitive == (("sex",), ("sex", "race"))
    assert config.time_budget == 300.0
    assert config.split == (60, 20, 20)
    assert config.max_epochs == 9
    assert dict(config.max_gap) == {"equalized_odds_difference": 0.1}
    assert config.columns == ("a", "b", "income")
    assert config.missing == ("?",)
    assert config.constraint == ("auc>=0.8", "latency_ms<=2")


def test_options_of_the_gate():
    waiver = {"check": "gap:sex:*", "name": "Ada", "reason": "mended in March", "expires": "2027-03-31"}
    written = "gap:sex:*; Ada; mended in March; 2027-03-31"
    for value in (written, [written], [waiver]):
        values = MINIMAL | {"max_loss": ["auc=0.01", "loss=2%"], "evidence": "confident", "waiver": value}
        arguments = RunConfig.from_mapping(values).evaluator_arguments()
        assert arguments["max_losses"] == {"auc": 0.01, "loss": "2%"}
        assert arguments["evidence"] == "confident" and arguments["replicates"] == 200
        assert [each.to_dict() for each in arguments["waivers"]] == [waiver]
    gate = RunConfig.from_mapping(MINIMAL | {"max_loss": "auc=x"})
    with pytest.raises(ConfigError, match="max_losses needs a number of 0 or more"):
        gate.gate("binary")


@pytest.mark.parametrize(
    ("name", "text"),
    [("mine.yaml", "expected a file .pbtxt, .textproto, .json, got "), ("absent.json", "absent.json cannot be read: ")],
)
def test_file_with_the_users_own_metrics(name, text, tmp_path):
    (tmp_path / "mine.yaml").write_text("metrics_specs: []", encoding="utf-8")
    config = RunConfig.from_mapping(MINIMAL | {"eval_config": str(tmp_path / name)})
    with pytest.raises(ConfigError, match=f"--eval-config: .*{re.escape(text)}"):
        config.evaluator_arguments()
    config.gate("binary")  # which does not depend on it
    with pytest.raises(ConfigError, match="--eval-config needs the engine tfma, but --engine is columnar"):
        RunConfig.from_mapping(MINIMAL | {"eval_config": "mine.json", "engine": "columnar"})


def test_group_thresholds_are_off_unless_asked_for():
    assert RunConfig.from_mapping(MINIMAL).group_thresholds is None
    given = RunConfig.from_mapping(MINIMAL | {"sensitive": "sex", "group_thresholds": "equalized_odds[sex]"})
    assert given.group_thresholds == "equalized_odds[sex]"


def test_threshold_is_a_number_or_a_metric():
    assert RunConfig.from_mapping(MINIMAL).threshold == 0.5
    assert RunConfig.from_mapping(MINIMAL | {"threshold": "0.3"}).threshold == 0.3
    assert RunConfig.from_mapping(MINIMAL | {"threshold": "f1"}).threshold == "f1"


@pytest.mark.parametrize(("written", "meant"), [("yes", True), ("No", False), ("true", True), ("off", False)])
def test_yes_and_no_from_a_flag_and_from_yaml(written, meant):
    for value in (written, yaml.safe_load(written)):
        assert RunConfig.from_mapping(MINIMAL | {"materialize": value}).materialize is meant
    for value in ("maybe", 1, [True]):
        with pytest.raises(ConfigError, match="--materialize: expected yes or no, got"):
            RunConfig.from_mapping(MINIMAL | {"materialize": value})


def test_every_mistake_is_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(
            {"data": "x.csv", "labl": "y", "task": "ranking", "time_budget": "soon", "factor": 1, "seed": "many"}
        )
    text = str(caught.value)
    for expected in (
        "'labl' does not exist. Did you mean 'label'",
        "--label is required",
        "--output is required",
        "--time-budget: expected a duration such as 90s",
        "--seed: expected a whole number, got 'many'",
        "--task: expected one of auto, binary, multiclass, regression, got 'ranking'",
        "--factor: expected 2 or more, got 1",
    ):
        assert expected in text
    assert len(caught.value.problems) == 7


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sensitive": "income"}, "names the label"),
        ({"exclude": "income"}, "--exclude names the label"),
        ({"positive": "yes", "task": "regression"}, "needs a binary task"),
        ({"max_gap": "accuracy_difference=0.1"}, "needs at least one --sensitive"),
        ({"columns": "a,a,income"}, "names a column twice"),
        ({"max_trials": 0}, "--max-trials: expected 1 or more"),
        ({"workers": 0}, "--workers: expected 1 or more"),
        ({"max_epochs": 0}, "--max-epochs: expected 1 or more"),
        ({"delimiter": "||"}, "--delimiter: expected a single character"),
        ({"seed": -1}, "--seed: expected 0 to"),
        ({"trainer": "fly"}, "--trainer: expected one of retrain, retrain_all, continue, reuse, got 'fly'"),
        ({"threshold": "1.5"}, "--threshold: expected a number between 0 and 1, or one of f1, .*, got 1.5"),
        ({"threshold": "best"}, "--threshold: expected a number between 0 and 1, or one of f1, .*, got 'best'"),
        ({"distribution": "multi_worker"}, "--distribution: expected none or mirrored, got 'multi_worker'"),
        ({"distribution": "mirrored", "trainer": "reuse"}, "--distribution: --trainer reuse trains nothing"),
        (
            {"sensitive": "sex", "reweigh": "race"},
            "--reweigh: expected one of the --sensitive groups, got 'race'; name it with --sensitive, too",
        ),
        ({"reweigh": "sex"}, "--reweigh: expected one of the --sensitive groups, got 'sex'"),
        ({"patience": 0}, "--patience: expected 1 or more"),
        ({"min_slice_size": 0}, "--min-slice-size: expected 1 or more"),
        ({"replicates": 10}, "--replicates: expected 0 or 50 or more, got 10"),
        ({"engine": "spark"}, "--engine: expected one of auto, tfma, columnar, got 'spark'"),
        ({"evidence": "weak"}, "--evidence: expected one of point, confident, got 'weak'"),
        ({"evidence": "confident", "replicates": 0}, "--evidence confident needs confidence intervals"),
        ({"max_slice_loss": "auc=0.1"}, "--max-slice-loss needs at least one --sensitive"),
        ({"min_slice_metric": "auc=0.1"}, "--min-slice-metric needs at least one --sensitive"),
        ({"waiver": "gap:*; Ada"}, "--waiver: expected CHECK; NAME; REASON; DATE, got 'gap:.*; Ada'"),
        ({"waiver": "gap:*; Ada; because; soon"}, "--waiver: A waiver expires on a day such as 2027-01-31; got 'soon'"),
        ({"sensitive": ["sex", "sex"]}, "given twice"),
        ({"sensitive": "age", "cut": "age=25,old"}, "--cut: expected a number, got 'old'"),
        ({"sensitive": "age", "cut": "age=45,25"}, r"--cut: Cut points are .* got \[45.0, 25.0\] for 'age'"),
        ({"sensitive": "sex", "cut": {"age": [25]}}, "--cut: Cut points are given for 'age', .* these are: sex"),
        ({"sensitive": "sex,sex"}, "names a column twice"),
        ({"split": "50,50"}, "three whole numbers above zero"),
        ({"split": "50,50,0"}, "three whole numbers above zero"),
        ({"min_metric": "auc"}, "expected NAME=NUMBER"),
        ({"min_metric": ["auc=0.9", "auc=0.8"]}, "--min-metric: expected one number for auc, got 2"),
        ({"data": ""}, "expected a text"),
    ],
)
def test_each_mistake_has_its_message(values, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig.from_mapping(MINIMAL | values)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("missing: [NA, null]", "--missing: expected a text, got None, which is how YAML reads null, ~ or nothing"),
        ("missing: [NA, ~]", "--missing: expected a text, got None"),
        ("missing: no", "--missing: expected a text, got False, which is how YAML reads no, off or false; put it in q"),
        ("missing: [NA, off]", "--missing: expected a text, got False"),
        ("positive: yes", "--positive: expected a text, got True, which is how YAML reads yes, on or true; put it in"),
        ("positive: true", "--positive: expected a text, got True"),
        ("exclude: [on, age]", "--exclude: expected a text, got True"),
        ("exclude: on", "--exclude: expected a text, got True"),
        ("sensitive: [[on, age]]", "--sensitive: expected a text, got True"),
    ],
)
def test_words_that_yaml_reads_as_something_else_are_refused(line, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        RunConfig.from_mapping(MINIMAL | yaml.safe_load(line))


def test_quoted_words_of_yaml_are_texts():
    config = RunConfig.from_mapping(MINIMAL | yaml.safe_load("{missing: ['NA', 'null', ''], positive: 'yes'}"))
    assert config.missing == ("NA", "null", "")
    assert config.positive == "yes"


def test_numbers_of_yaml_are_texts():
    config = RunConfig.from_mapping(MINIMAL | yaml.safe_load("{missing: [-999, 0.5], positive: 1}"))
    assert config.missing == ("-999", "0.5")
    assert config.positive == "1"


@pytest.mark.parametrize(
    "value",
    [["auc", "loss=0.5", "auc=abc", "=1"], {"auc": "", "loss": 0.5, "accuracy": None, "": 1}],
)
def test_every_bad_bound_is_reported(value):
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(MINIMAL | {"min_metric": value})
    bad = {list: "'auc', 'auc=abc', '=1'", dict: "'auc=', 'accuracy=None', '=1'"}[type(value)]
    assert caught.value.problems == (f"--min-metric: expected NAME=NUMBER, got {bad}.",)


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({"max_gap": "gap=much"}, ["--max-gap:", "--max-gap needs"]),
        ({"sensitive": "sex,sex", "max_gap": "gap=0.1"}, ["--sensitive:"]),
        ({"sensitive": "sex,sex", "max_gap": "gap=much"}, ["--sensitive:", "--max-gap:"]),
        ({"split": "50,50", "exclude": "income", "columns": "a,a"}, ["--split:", "--exclude names", "--columns names"]),
    ],
)
def test_unreadable_options_neither_hide_nor_cause_contradictions(values, flags):
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(MINIMAL | values)
    assert len(caught.value.problems) == len(flags)
    assert all(problem.startswith(flag) for problem, flag in zip(caught.value.problems, flags, strict=True))


def test_configuration_is_frozen_deeply():
    config = RunConfig.from_mapping(MINIMAL | {"sensitive": "sex", "max_gap": {"accuracy_difference": 0.2}})
    with pytest.raises(AttributeError):
        config.seed = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.max_gap["accuracy_difference"] = 0.5  # type: ignore[index]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a,b", ("a", "b")),
        ('"s,e x"', ("s,e x",)),
        ('a, "b,c" ', ("a", "b,c")),
        ('"say ""hi""",b', ('say "hi"', "b")),
        ('5" pipe,b', ('5" pipe', "b")),
        ("line\nbreak,b", ("line\nbreak", "b")),
        ('"line\nbreak","b,c"', ("line\nbreak", "b,c")),
        (["s,e x", '"'], ("s,e x", '"')),
    ],
)
def test_names_with_commas_are_quoted(written, expected):
    assert converters.names(written) == expected


@given(st.lists(st.text(min_size=1).filter(lambda name: name == name.strip() and "\0" not in name), min_size=1))
def test_every_name_can_be_written(names):
    text = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    assert converters.names(text) == tuple(names)


def test_columns_with_commas_reach_the_configuration():
    config = RunConfig.from_mapping(
        MINIMAL
        | {"sensitive": ['"s,e x"', '"s,e x",race'], "exclude": 'a,"b,c"', "columns": '"s,e x",race,a,"b,c",income'}
    )
    assert config.sensitive == (("s,e x",), ("s,e x", "race"))
    assert config.exclude == ("a", "b,c")
    assert config.columns == ("s,e x", "race", "a", "b,c", "income")


@pytest.mark.parametrize("value", ['"a,b', '"a"b,c', '"",b', ""])
def test_names_that_cannot_be_read(value):
    with pytest.raises(ConfigError, match="--exclude: expected names separated by commas"):
        RunConfig.from_mapping(MINIMAL | {"exclude": value})


@given(hours=st.integers(0, 48), minutes=st.integers(0, 59), seconds=st.integers(1, 59))
def test_durations_add_up(hours, minutes, seconds):
    assert converters.duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@given(st.text())
def test_durations_are_positive_or_refused(text):
    try:
        assert converters.duration(text) > 0
    except ValueError as error:
        assert "duration" in str(error)


@pytest.mark.parametrize("value", [True, 1.5, "x", None])
def test_whole_refuses_what_is_none(value):
    with pytest.raises(ValueError, match="whole number"):
        converters.whole(value)
